"""The staff's side of an embedded database. It reads by a connection of its own, so that a long search holds up no merchant; what it writes goes the way of
everything that is written.

The search is FTS5, whose index is written in segments that are never changed: a word that was deleted stays in its segment, marked as deleted, until the
segments are merged. So whatever must not be there any more is swept out by merging all of them, a little at a time (`sweep`). FTS5 can do it at once since
SQLite 3.42 ('secure-delete'), but then no older SQLite reads the database.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bot.domain.messages import Address, Photo
from bot.service.bodies import ACTED
from bot.service.desk import LAST, Cluster, File, Incident, Page, Seen, View

from . import queues, redaction, words
from .queues import ACTIVE, COLUMNS, DEED, DONE, ENTRY
from .rows import key, storable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from bot.service.desk import Deed, Entry, Hit, Reminded, Reminder, Row, Wanted

T = TypeVar("T")
AT_ONCE = 500
"""Rows of an export that are read together."""
SWEPT = 128
"""Pages of the search's index that are merged in one unit: a few milliseconds, so that nobody waits."""
HIGHEST = 2000
"""Bytes of the record of the index's levels: half of what SQLite reads."""


class Read(Protocol):
    """Reads from the database."""

    async def __call__(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """The rows of a query. Raises StoreUnavailable."""


class Write(Protocol):
    """Writes to the database."""

    async def __call__(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of a unit of work, which is done as a whole or not at all. Raises StoreUnavailable."""


class SQLiteDesk:
    """The staff's part of a store."""

    def __init__(self, *, read: Read, write: Write) -> None:
        self._read, self._write = read, write

    async def queue(self, wanted: Wanted, after: str = "", limit: int = 50) -> Page:
        """A part of a list."""
        urgency, moment, id = queues.mark(wanted.view, after)
        narrowed = {name: storable(getattr(wanted, name)) for name in ("login", "team", "topic", "urgency", "owner", "channel")}
        place = {"after_urgency": urgency, "after_moment": moment, "after_id": id}
        rows = await self._read(_QUEUE[wanted.view], {**narrowed, **place, "now": wanted.now, "limit": limit + 1})
        return queues.page(rows, limit)

    async def sizes(self, login: str, teams: Sequence[str], now: int) -> Mapping[View, int]:
        """How many tickets each view has."""
        rows = await self._read(_SIZES, {"login": storable(login), "teams": json.dumps(list(teams)), "now": now})
        return dict(zip(_VIEWS, rows[0], strict=True))

    async def file(self, ticket: str) -> File | None:
        """A ticket with everything about it."""
        rows = await self._read(_FILE, (storable(ticket),))
        if not rows:
            return None
        id, conversation, state, packet, dialogue, chat, channel, name, cause, bot_right, *columns = rows[0]
        earlier = await self._read(_EARLIER, (conversation, id))
        return File(
            row=queues.row(columns), state=state, packet=packet, conversation=dialogue or "{}", chat=chat, address=Address(channel=channel, chat=name),
            cause=cause, bot_right=bot_right, earlier=[tuple(other) for other in earlier],
        )  # fmt: skip

    async def entries(self, chat: str, after: int = 0, limit: int = 500) -> Sequence[Entry]:
        """Lines after a line."""
        return [queues.entry(row) for row in await self._read(_ENTRIES, (storable(chat), after, limit))]

    async def latest(self, chat: str, limit: int, before: int = LAST) -> Sequence[Entry]:
        """The last lines before a line."""
        return [queues.entry(row) for row in reversed(await self._read(_LATEST, (storable(chat), before, limit)))]

    async def alike(self, chat: str, body: str, limit: int) -> Sequence[int]:
        """The last lines with exactly this body."""
        return [row[0] for row in await self._read(_ALIKE, (storable(chat), storable(body), limit))]

    async def deeds(self, ticket: str) -> Sequence[Deed]:
        """Everything that was done with a ticket."""
        return [queues.deed(row) for row in await self._read(_DEEDS, (storable(ticket),))]

    async def deeds_after(self, id: int, limit: int) -> Sequence[Deed]:
        """What was done since."""
        return [queues.deed(row) for row in await self._read(_DEEDS_AFTER, (id, limit))]

    async def last_deed(self) -> int:
        """The id of the latest one."""
        return int((await self._read("SELECT coalesce(max(id), 0) FROM ticket_event"))[0][0])

    async def outcome(self, channel: str, ext_id: str) -> Sequence[Deed] | None:
        """What came of an act of staff."""
        rows = await self._read("SELECT id FROM inbox WHERE channel = ? AND ext_id = ? AND status <> 'new'", (channel, key(ext_id)))
        return [queues.deed(row) for row in await self._read(_DEEDS_OF, rows[0])] if rows else None

    async def reminders(self, reminded: Reminded, limit: int) -> Sequence[Reminder]:
        """What somebody has to look at."""
        whose = {"login": storable(reminded.login), "teams": json.dumps(list(reminded.teams)), "leads": reminded.leads, "now": reminded.now}
        return [queues.reminder(row) for row in await self._read(_REMINDERS, {**whose, "limit": limit})]

    async def notice(self, ticket: str, login: str, now: int) -> None:
        """Somebody has seen them."""
        await self._changes(_NOTICE, (storable(login), now, storable(ticket)))

    async def search(self, words_: str, limit: int = 50) -> Sequence[Hit]:
        """Tickets with this number, then lines with these words."""
        numbered = await self._read(_NUMBERED, {**queues.numbers(words_), "limit": limit})
        query = words.fts5(words_)
        found = await self._read(_SEARCH, (query, limit - len(numbered))) if query else []
        return [queues.hit(row) for row in [*numbered, *found]]

    async def picture(self, id: str, chat: str) -> Photo | None:
        """A picture of this conversation."""
        rows = await self._read(_PICTURE, (storable(chat), storable(id)))
        return Photo(id=rows[0][0], mime=rows[0][1], width=rows[0][2], height=rows[0][3], data=rows[0][4]) if rows else None

    async def redact_line(self, chat: str, line: int, body: str) -> bool:
        """Replace a line's body for good."""

        def unit(connection: sqlite3.Connection) -> bool:
            rows = [*connection.execute(_LINE, (storable(chat), line))]
            for event, side, old, conversation in rows:
                _replace(connection, line, side, storable(body))
                connection.execute("UPDATE forum_line SET mark = 'taken-out' WHERE message = ?", (line,))
                if side != "bot":
                    _trace(connection, event, storable(body))
                    _forget(connection, conversation, redaction.parts(old, storable(body)))
            return bool(rows)

        there = await self._write(unit)
        if there:
            await sweep(self._write)
        return there

    async def redact_picture(self, chat: str, id: str) -> bool:
        """Delete a picture of this conversation."""
        return await self._changes(_REDACT_PICTURE, (storable(chat), storable(id))) > 0

    async def see(self, ticket: str, login: str, until: int, *, typing: bool) -> None:
        """Somebody looks at a ticket until then."""
        await self._changes(_SEE, (storable(login), typing, until, storable(ticket)))

    async def seen(self, ticket: str, now: int) -> Sequence[Seen]:
        """Who looks at a ticket now."""
        return [Seen(login=login, typing=bool(typing)) for login, typing in await self._read(_SEEN, (storable(ticket), now))]

    async def queue_state(self) -> Mapping[str, int]:
        """Tickets that nobody has taken, by team."""
        return dict(await self._read(_UNTAKEN))

    async def loads(self) -> Mapping[str, int]:
        """Active tickets by owner."""
        return dict(await self._read(_LOADS))

    async def clusters(self, since: int, least: int) -> Sequence[Cluster]:
        """Groups of tickets that have one cause, as it seems."""
        rows = await self._read(_CLUSTERS, (since, least))
        return [Cluster(topic=topic, code=code, acquirer=acquirer, tickets=tickets) for topic, code, acquirer, tickets in rows]

    async def propose(self, cluster: Cluster, public_id: str, now: int) -> bool:
        """Keep a proposal for the leads."""
        return await self._changes(_PROPOSE, (public_id, cluster.topic, cluster.code, cluster.acquirer, now)) > 0

    async def incidents(self, *, current: bool) -> Sequence[Incident]:
        """Those proposed or announced, or all."""
        return [queues.incident(row) for row in await self._read(_INCIDENTS, (current,))]

    async def announce(self, incident: str, *, text: str, until: str, author: str, since: int) -> bool:
        """Publish the notice, and link the tickets of its kind."""

        def unit(connection: sqlite3.Connection) -> bool:
            rows = [*connection.execute(_ANNOUNCE, (storable(text), storable(until), storable(author), storable(incident)))]
            for row in rows:
                connection.execute(_LINK, (*row, since))
            return bool(rows)

        return await self._write(unit)

    async def end_incident(self, incident: str, now: int, told: Callable[[str], str] | None) -> Sequence[str] | None:
        """It is over, or was none."""

        def unit(connection: sqlite3.Connection) -> Sequence[str] | None:
            rows = [*connection.execute(_END, ("over" if told else "dismissed", now, storable(incident)))]
            if not rows:
                return None
            linked = [*connection.execute(_LINKED, rows[0])] if told else []
            for conversation, channel, number in linked:
                body = storable(told(number)) if told else ""
                connection.execute(_TELL, (channel, queues.end_id(incident, number), conversation, ACTED, body, now))
                connection.execute("UPDATE conversation SET ready = min(coalesce(ready, ?1), ?1) WHERE id = ?2", (now, conversation))
            return [number for _, _, number in linked]

        return await self._write(unit)

    async def export(self, since: int, until: int) -> AsyncIterator[Row]:
        """All tickets opened within this time. A part after the other, so that neither memory nor the database is held."""
        opened, id = since, 0
        while rows := await self._read(_EXPORT, (opened, id, until, AT_ONCE)):
            for columns in rows:
                yield queues.row(columns[: queues.WIDTH])
            opened, id = rows[-1][queues.WIDTH :]

    async def _changes(self, statement: str, values: Sequence[Any]) -> int:
        """How many rows a statement has changed."""

        def unit(connection: sqlite3.Connection) -> int:
            return connection.execute(statement, values).rowcount

        return await self._write(unit)


async def sweep(write: Write) -> None:
    """Merge all segments of the search's index, so that nothing is left in it of words that were deleted. Others write in between: it takes seconds for
    hundreds of thousands of lines, and no time when nothing was deleted or added since the last one."""
    more = await write(partial(_merge, pages=-SWEPT))  # below zero: all segments, not only those that are many
    while more:
        more = await write(partial(_merge, pages=SWEPT))
    await write(_level)


def _merge(connection: sqlite3.Connection, pages: int) -> bool:
    """Whether something was left to be done; one change says that nothing was."""
    before = connection.total_changes
    connection.execute("INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)", (pages,))
    return connection.total_changes - before > 1


def _level(connection: sqlite3.Connection) -> None:
    """Build the index anew when it has become too high. SQLite before 3.43 puts a level on it with each sweep, two bytes in its record of them, and cannot
    read more than 2,000."""
    if connection.execute("SELECT length(block) > ? FROM message_words_data WHERE id = 10", (HIGHEST,)).fetchone()[0]:
        connection.execute("INSERT INTO message_words (message_words) VALUES ('rebuild')")


def _replace(connection: sqlite3.Connection, line: int, side: str, body: str) -> None:
    """A line, and its words."""
    connection.execute("UPDATE message SET body = ? WHERE id = ?", (body, line))
    connection.execute("DELETE FROM message_words WHERE rowid = ?", (line,))
    if found := words.line_words(side, body):
        connection.execute("INSERT INTO message_words (rowid, words) VALUES (?, ?)", (line, found))


def _trace(connection: sqlite3.Connection, event: int | None, line: str) -> None:
    """The event that a line came from, and what was logged with it."""
    _rewrite(connection, "inbox", "body", "id", event, lambda text: redaction.origin(text, line))
    _rewrite(connection, "ticket_event", "detail", "event", event, lambda text: redaction.origin(text, line))


def _forget(connection: sqlite3.Connection, conversation: int, taken: Sequence[str]) -> None:
    """What was noted because of parts that were taken out. A step that has read the state before fails, and is done again."""
    if not taken:
        return
    _rewrite(connection, "ticket", "packet", "conversation", conversation, lambda text: redaction.cleaned(text, taken))
    _rewrite(connection, "conversation", "state", "id", conversation, lambda text: redaction.cleaned(text, taken))
    connection.execute("UPDATE conversation SET version = version + 1 WHERE id = ?", (conversation,))


def _rewrite(connection: sqlite3.Connection, table: str, column: str, by: str, value: int | None, change: Callable[[str], str]) -> None:
    """Change a JSON column of the rows with this value in another one."""
    for id, text in [*connection.execute(f"SELECT id, {column} FROM {table} WHERE {by} = ? AND {column} IS NOT NULL", (value,))]:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (storable(change(text)), id))


_TABLES = "ticket AS t CROSS JOIN conversation AS c ON c.id = t.conversation LEFT JOIN incident AS i ON i.id = t.incident"
"""CROSS says to SQLite that the tickets come first, in the order of an index."""
_NARROWED = """
(:team = '' OR t.team = :team) AND (:topic = '' OR t.topic = :topic) AND (:urgency = '' OR t.urgency = :urgency)
AND (:owner = '' OR t.owner = :owner) AND (:channel = '' OR c.channel = :channel)
"""
_VIEWS: Mapping[View, str] = {
    View.MINE: f"t.owner = :login AND {ACTIVE}",
    View.UNASSIGNED: f"t.owner IS NULL AND {ACTIVE}",
    View.ALL: ACTIVE,
    View.WAITING: f"t.status IN ('waiting-merchant', 'waiting-acquirer') AND {ACTIVE}",
    View.OVERDUE: f"t.deadline <= :now AND {ACTIVE}",
    View.SOLVED: DONE,
}
_QUEUE = {
    view: f"""
SELECT {COLUMNS}, t.urgency, t.deadline, t.id FROM {_TABLES}
WHERE {which} AND {_NARROWED} AND (t.urgency, t.deadline, t.id) > (:after_urgency, :after_moment, :after_id)
ORDER BY t.urgency, t.deadline, t.id LIMIT :limit
"""
    for view, which in _VIEWS.items()
} | {
    View.SOLVED: f"""
SELECT {COLUMNS}, t.urgency, t.changed, t.id FROM {_TABLES}
WHERE {DONE} AND {_NARROWED} AND (t.changed, t.id) < (:after_moment, :after_id)
ORDER BY t.changed DESC, t.id DESC LIMIT :limit
"""
}
_SIZES = f"""
SELECT count(*) FILTER (WHERE owner = :login),
    count(*) FILTER (WHERE owner IS NULL AND (:teams = '[]' OR team IN (SELECT value FROM json_each(:teams)))),
    count(*),
    count(*) FILTER (WHERE status IN ('waiting-merchant', 'waiting-acquirer')),
    count(*) FILTER (WHERE due <= :now),
    (SELECT count(*) FROM ticket AS t INDEXED BY ticket_done WHERE {DONE})
FROM ticket AS t INDEXED BY ticket_queue WHERE {ACTIVE}
"""
_UNTAKEN = f"SELECT team, count(*) FROM ticket AS t INDEXED BY ticket_unassigned WHERE owner IS NULL AND {ACTIVE} GROUP BY team"
_LOADS = f"SELECT owner, count(*) FROM ticket AS t INDEXED BY ticket_owner WHERE owner IS NOT NULL AND {ACTIVE} GROUP BY owner"
_FILE = f"""
SELECT t.id, t.conversation, t.state, t.packet, c.state, c.public_id, c.channel, c.chat, t.cause, t.bot_right, {COLUMNS} FROM {_TABLES} WHERE t.public_id = ?
"""
_EARLIER = "SELECT public_id, number, status FROM ticket WHERE conversation = ? AND id <> ? ORDER BY id DESC"
_ENTRIES = f"""
SELECT {ENTRY} FROM conversation AS c JOIN message AS m ON m.conversation = c.id WHERE c.public_id = ? AND m.id > ? ORDER BY m.id LIMIT ?
"""
_LATEST = f"SELECT {ENTRY} FROM conversation AS c JOIN message AS m ON m.conversation = c.id WHERE c.public_id = ? AND m.id < ? ORDER BY m.id DESC LIMIT ?"
_ALIKE = "SELECT m.id FROM conversation AS c JOIN message AS m ON m.conversation = c.id WHERE c.public_id = ? AND m.body = ? ORDER BY m.id DESC LIMIT ?"
_DEEDS = f"SELECT {DEED} FROM ticket AS t JOIN ticket_event AS e ON e.ticket = t.id WHERE t.public_id = ? ORDER BY e.id"
_DEEDS_AFTER = f"SELECT {DEED} FROM ticket_event AS e CROSS JOIN ticket AS t ON t.id = e.ticket WHERE e.id > ? ORDER BY e.id LIMIT ?"
_DEEDS_OF = f"SELECT {DEED} FROM ticket_event AS e CROSS JOIN ticket AS t ON t.id = e.ticket WHERE e.event = ? ORDER BY e.id"
_FIRST = f"ORDER BY t.urgency, t.deadline, t.id LIMIT {queues.LOOKED}"
_SERVED = "(:teams = '[]' OR t.team IN (SELECT value FROM json_each(:teams)))"
_OF_EVENT = "ticket AS t ON t.id = e.ticket JOIN conversation AS c ON c.id = t.conversation LEFT JOIN incident AS i ON i.id = t.incident"
_REMINDERS = f"""
WITH own (id) AS (
    SELECT * FROM (SELECT t.id FROM ticket AS t WHERE t.owner = :login AND {ACTIVE} {_FIRST})
    UNION SELECT * FROM (SELECT t.id FROM ticket AS t WHERE t.owner IS NULL AND {ACTIVE} AND {_SERVED} {_FIRST})
), others (id) AS (
    SELECT t.id FROM ticket AS t WHERE :leads AND t.deadline <= :now AND {ACTIVE} AND {_SERVED} {_FIRST}
)
SELECT e.detail, e.at, {COLUMNS} FROM (
    SELECT (SELECT max(r.id) FROM ticket_event AS r WHERE r.ticket = looked.id AND r.act = 'remind' AND (own OR r.detail LIKE '{queues.ESCALATED}')) AS latest
    FROM (SELECT id, max(own) AS own FROM (SELECT id, 1 AS own FROM own UNION ALL SELECT id, 0 FROM others) GROUP BY id) AS looked
) CROSS JOIN ticket_event AS e ON e.id = latest JOIN {_OF_EVENT}
WHERE NOT (t.answered IS NOT NULL AND e.detail LIKE '{queues.ANSWERED}')
AND NOT EXISTS (SELECT 1 FROM ticket_event AS s WHERE s.ticket = e.ticket AND s.id > e.id AND s.actor = :login AND s.done)
ORDER BY e.id DESC LIMIT :limit
"""
_NOTICE = """
INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at) SELECT id, 0, ?, 'noticed', true, '{}', ? FROM ticket WHERE public_id = ?
"""
_NUMBERED = f"""
SELECT c.public_id, 0, '{{}}', '', t.opened, {COLUMNS} FROM {_TABLES} WHERE t.id IN (
    SELECT id FROM ticket WHERE number = :number
    UNION SELECT id FROM ticket WHERE :tail <> '' AND number LIKE '%' || :tail
    UNION SELECT id FROM ticket WHERE terminal = :terminal AND terminal <> ''
) ORDER BY t.id DESC LIMIT :limit
"""
# The newest lines are found first and nothing is ranked, so that a word which stands in every second line costs no more than another. A line belongs to the
# ticket that was opened last before it, or to the first one after it.
_SEARCH = f"""
SELECT c.public_id, m.id, m.body, m.side, m.at, {COLUMNS}
FROM (SELECT rowid AS id FROM message_words WHERE message_words MATCH ? ORDER BY rowid DESC LIMIT ?) AS found
CROSS JOIN message AS m ON m.id = found.id CROSS JOIN conversation AS c ON c.id = m.conversation
LEFT JOIN ticket AS t ON t.id = coalesce(
    (SELECT max(id) FROM ticket WHERE conversation = m.conversation AND opened <= m.at), (SELECT min(id) FROM ticket WHERE conversation = m.conversation)
) LEFT JOIN incident AS i ON i.id = t.incident ORDER BY m.id DESC
"""
_PICTURE = """
SELECT p.id, p.mime, p.width, p.height, p.data FROM conversation AS c JOIN photo AS p ON p.channel = c.channel AND p.chat = c.chat
WHERE c.public_id = ? AND p.id = ?
"""
_LINE = """
SELECT m.event, m.side, m.body, c.id FROM conversation AS c JOIN message AS m ON m.conversation = c.id WHERE c.public_id = ? AND m.id = ?
"""
_REDACT_PICTURE = "DELETE FROM photo WHERE (channel, chat) = (SELECT channel, chat FROM conversation WHERE public_id = ?) AND id = ?"
_SEE = """
INSERT INTO presence (ticket, login, typing, until) SELECT id, ?, ?, ? FROM ticket WHERE public_id = ?
ON CONFLICT (ticket, login) DO UPDATE SET typing = excluded.typing, until = excluded.until
"""
_SEEN = """
SELECT p.login, p.typing FROM ticket AS t JOIN presence AS p ON p.ticket = t.id WHERE t.public_id = ? AND p.until > ? ORDER BY p.login
"""
# A ticket that was there when an incident of its kind ended belongs to that one.
_CLUSTERS = f"""
SELECT topic, code, acquirer, count(*) AS tickets FROM ticket AS t
WHERE opened >= ? AND {ACTIVE} AND topic IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM incident AS i WHERE i.topic = t.topic AND i.code = t.code AND i.acquirer = t.acquirer AND (i.ended IS NULL OR i.ended >= t.opened)
) GROUP BY topic, code, acquirer HAVING count(*) >= ? ORDER BY tickets DESC, topic, code, acquirer
"""
_PROPOSE = """
INSERT INTO incident (public_id, topic, code, acquirer, proposed) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (topic, code, acquirer) WHERE status IN ('proposed', 'announced') DO NOTHING
"""
_INCIDENTS = """
SELECT public_id, topic, code, acquirer, status, text, until, author, proposed, ended, (SELECT count(*) FROM ticket WHERE incident = incident.id)
FROM incident WHERE NOT ? OR status IN ('proposed', 'announced') ORDER BY id DESC
"""
_ANNOUNCE = """
UPDATE incident SET status = 'announced', text = ?, until = ?, author = ? WHERE public_id = ? AND status = 'proposed' RETURNING id, topic, code, acquirer
"""
_LINK = f"UPDATE ticket AS t SET incident = ? WHERE topic = ? AND code = ? AND acquirer = ? AND opened >= ? AND {ACTIVE}"
_END = "UPDATE incident SET status = ?, ended = ? WHERE public_id = ? AND status IN ('proposed', 'announced') RETURNING id"
_LINKED = """
SELECT c.id, c.channel, t.number FROM ticket AS t JOIN conversation AS c ON c.id = t.conversation
WHERE t.id IN (SELECT max(id) FROM ticket WHERE incident = ? GROUP BY conversation) ORDER BY t.id
"""
_TELL = """
INSERT INTO inbox (channel, ext_id, conversation, kind, body, received) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (channel, ext_id) DO NOTHING
"""
_EXPORT = f"""
SELECT {COLUMNS}, t.opened, t.id FROM {_TABLES} WHERE (t.opened, t.id) > (?, ?) AND t.opened < ? ORDER BY t.opened, t.id LIMIT ?
"""
