"""The staff's side of a database on a server. Whoever changes what belongs to a conversation holds its row's lock, as a step does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from bot.domain.messages import Address, Photo
from bot.service.bodies import ACTED
from bot.service.desk import LAST, Cluster, File, Incident, Page, Seen, View

from . import queues, redaction, words
from .queues import ACTIVE, COLUMNS, DEED, DONE, ENTRY
from .rows import key, storable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from bot.service.desk import Deed, Entry, Hit, Reminded, Reminder, Row, Wanted

AT_ONCE = 500
"""Rows of an export that are read together."""
NEWEST = 20_000
"""Lines among which words are looked for without their index."""


class Fetch(Protocol):
    """Does one statement."""

    async def __call__(self, statement: str, *values: Any) -> list[Any]:
        """Its rows. Raises StoreUnavailable."""


class PostgresDesk:
    """The staff's part of a store. `transaction` gives a connection with one begun."""

    def __init__(self, *, fetch: Fetch, transaction: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        self._fetch, self._transaction = fetch, transaction

    async def queue(self, wanted: Wanted, after: str = "", limit: int = 50) -> Page:
        """A part of a list."""
        urgency, moment, id = queues.mark(wanted.view, after)
        narrowed = [storable(text) for text in (wanted.login, wanted.team, wanted.topic, wanted.urgency, wanted.owner, wanted.channel)]
        rows = await self._fetch(_QUEUE[wanted.view], *narrowed, wanted.now, urgency, moment, id, limit + 1)
        return queues.page(rows, limit)

    async def sizes(self, login: str, teams: Sequence[str], now: int) -> Mapping[View, int]:
        """How many tickets each view has."""
        rows = await self._fetch(_SIZES, storable(login), [storable(team) for team in teams], now)
        return dict(zip(_VIEWS, rows[0], strict=True))

    async def file(self, ticket: str) -> File | None:
        """A ticket with everything about it."""
        rows = await self._fetch(_FILE, storable(ticket))
        if not rows:
            return None
        id, conversation, state, packet, dialogue, chat, channel, name, cause, bot_right, *columns = rows[0]
        earlier = await self._fetch(_EARLIER, conversation, id)
        return File(
            row=queues.row(columns), state=state, packet=packet, conversation=dialogue or "{}", chat=chat, address=Address(channel=channel, chat=name),
            cause=cause, bot_right=bot_right, earlier=[tuple(other) for other in earlier],
        )  # fmt: skip

    async def entries(self, chat: str, after: int = 0, limit: int = 500) -> Sequence[Entry]:
        """Lines after a line."""
        return [queues.entry(row) for row in await self._fetch(_ENTRIES, storable(chat), after, limit)]

    async def latest(self, chat: str, limit: int, before: int = LAST) -> Sequence[Entry]:
        """The last lines before a line."""
        return [queues.entry(row) for row in reversed(await self._fetch(_LATEST, storable(chat), before, limit))]

    async def alike(self, chat: str, body: str, limit: int) -> Sequence[int]:
        """The last lines with exactly this body."""
        return [row[0] for row in await self._fetch(_ALIKE, storable(chat), storable(body), limit)]

    async def deeds(self, ticket: str) -> Sequence[Deed]:
        """Everything that was done with a ticket."""
        return [queues.deed(row) for row in await self._fetch(_DEEDS, storable(ticket))]

    async def deeds_after(self, id: int, limit: int) -> Sequence[Deed]:
        """What was done since. They have their numbers in the order of commits, so none comes later that is before one of these."""
        return [queues.deed(row) for row in await self._fetch(_DEEDS_AFTER, id, limit)]

    async def last_deed(self) -> int:
        """The id of the latest one."""
        return int((await self._fetch("SELECT coalesce(max(id), 0) FROM ticket_event"))[0][0])

    async def outcome(self, channel: str, ext_id: str) -> Sequence[Deed] | None:
        """What came of an act of staff."""
        rows = await self._fetch("SELECT id FROM inbox WHERE channel = $1 AND ext_id = $2 AND status <> 'new'", storable(channel), key(ext_id))
        return [queues.deed(row) for row in await self._fetch(_DEEDS_OF, rows[0][0])] if rows else None

    async def reminders(self, reminded: Reminded, limit: int) -> Sequence[Reminder]:
        """What somebody has to look at."""
        teams = [storable(team) for team in reminded.teams]
        rows = await self._fetch(_REMINDERS, storable(reminded.login), teams, reminded.leads, reminded.now, limit)
        return [queues.reminder(tuple(row)) for row in rows]

    async def notice(self, ticket: str, login: str, now: int) -> None:
        """Somebody has seen them."""
        await self._fetch(_NOTICE, storable(login), now, storable(ticket))

    async def search(self, words_: str, limit: int = 50) -> Sequence[Hit]:
        """Tickets with this number, then lines with these words."""
        numbered = await self._fetch(_NUMBERED, *queues.numbers(words_).values(), limit)
        query = words.tsquery(words_)
        found = await self._found(query, limit - len(numbered)) if query else []
        return [queues.hit(row) for row in [*numbered, *found]]

    async def _found(self, query: str, limit: int) -> list[Any]:
        """The newest lines alone have enough of a common word; of a rarer one there are so few that all can be looked up. The server's own guess of how common
        words are, above all of beginnings of words, is too often wrong by far."""
        newest = await self._fetch(_NEWEST, query, limit, NEWEST)
        return newest if len(newest) == limit else await self._fetch(_SEARCH, query, limit)

    async def picture(self, id: str, chat: str) -> Photo | None:
        """A picture of this conversation."""
        rows = await self._fetch(_PICTURE, storable(chat), storable(id))
        return Photo(**rows[0]) if rows else None

    async def redact_line(self, chat: str, line: int, body: str) -> bool:
        """Replace a line's body for good."""
        body = storable(body)
        async with self._transaction() as connection:
            conversation = await connection.fetchval("SELECT id FROM conversation WHERE public_id = $1 FOR UPDATE", storable(chat))
            found = await connection.fetchrow("SELECT event, side, body FROM message WHERE conversation = $1 AND id = $2", conversation, line)
            if found is None:
                return False
            event, side, old = found
            said = words.line_words(side, body)
            await connection.execute("UPDATE message SET body = $2, words = $3::text::tsvector WHERE id = $1", line, body, said and words.vector(said))
            await connection.execute("UPDATE forum_line SET mark = 'taken-out' WHERE message = $1", line)
            if side != "bot":
                await _trace(connection, event, body)
                await _forget(connection, conversation, redaction.parts(old, body))
            return True

    async def redact_picture(self, chat: str, id: str) -> bool:
        """Delete a picture of this conversation."""
        return bool(await self._fetch(_REDACT_PICTURE, storable(chat), storable(id)))

    async def see(self, ticket: str, login: str, until: int, *, typing: bool) -> None:
        """Somebody looks at a ticket until then."""
        await self._fetch(_SEE, storable(login), typing, until, storable(ticket))

    async def seen(self, ticket: str, now: int) -> Sequence[Seen]:
        """Who looks at a ticket now."""
        return [Seen(login=login, typing=typing) for login, typing in await self._fetch(_SEEN, storable(ticket), now)]

    async def queue_state(self) -> Mapping[str, int]:
        """Tickets that nobody has taken, by team."""
        return dict(await self._fetch(f"SELECT team, count(*) FROM ticket AS t WHERE owner IS NULL AND {ACTIVE} GROUP BY team"))

    async def loads(self) -> Mapping[str, int]:
        """Active tickets by owner."""
        return dict(await self._fetch(f"SELECT owner, count(*) FROM ticket AS t WHERE owner IS NOT NULL AND {ACTIVE} GROUP BY owner"))

    async def clusters(self, since: int, least: int) -> Sequence[Cluster]:
        """Groups of tickets that have one cause, as it seems."""
        return [Cluster(**row) for row in await self._fetch(_CLUSTERS, since, least)]

    async def propose(self, cluster: Cluster, public_id: str, now: int) -> bool:
        """Keep a proposal for the leads."""
        return bool(await self._fetch(_PROPOSE, public_id, cluster.topic, cluster.code, cluster.acquirer, now))

    async def incidents(self, *, current: bool) -> Sequence[Incident]:
        """Those proposed or announced, or all."""
        return [queues.incident(row) for row in await self._fetch(_INCIDENTS, current)]

    async def announce(self, incident: str, *, text: str, until: str, author: str, since: int) -> bool:
        """Publish the notice, and link the tickets of its kind."""
        async with self._transaction() as connection:
            rows = await connection.fetch(_ANNOUNCE, storable(text), storable(until), storable(author), storable(incident))
            for row in rows:
                await connection.execute(_LINK, *row, since)
            return bool(rows)

    async def end_incident(self, incident: str, now: int, told: Callable[[str], str] | None) -> Sequence[str] | None:
        """It is over, or was none. Its row is locked first: steps that have linked a ticket to it are waited for, others do not link to it any more."""
        async with self._transaction() as connection:
            id = await connection.fetchval(_CURRENT, storable(incident))
            if id is None:
                return None
            await connection.execute("UPDATE incident SET status = $2, ended = $3 WHERE id = $1", id, "over" if told else "dismissed", now)
            linked = await connection.fetch(_LINKED, id) if told else []
            events = sorted((row["channel"], queues.end_id(incident, row["number"]), row["id"], storable(told(row["number"]))) for row in linked if told)
            await connection.execute(_TELL, ACTED, now, *([event[place] for event in events] for place in range(4)))
            return [row["number"] for row in linked]

    async def export(self, since: int, until: int) -> AsyncIterator[Row]:
        """All tickets opened within this time. A part after the other, so that neither memory nor a connection is held."""
        opened, id = since, 0
        while rows := await self._fetch(_EXPORT, opened, id, until, AT_ONCE):
            for columns in rows:
                yield queues.row(columns[: queues.WIDTH])
            opened, id = rows[-1][queues.WIDTH :]


async def _trace(connection: Any, event: int | None, line: str) -> None:
    """The event that a line came from, and what was logged with it."""
    await _rewrite(connection, "inbox", "body", "id", event, lambda text: redaction.origin(text, line))
    await _rewrite(connection, "ticket_event", "detail", "event", event, lambda text: redaction.origin(text, line))


async def _forget(connection: Any, conversation: int, taken: Sequence[str]) -> None:
    """What was noted because of parts that were taken out."""
    if taken:
        await _rewrite(connection, "ticket", "packet", "conversation", conversation, lambda text: redaction.cleaned(text, taken))
        await _rewrite(connection, "conversation", "state", "id", conversation, lambda text: redaction.cleaned(text, taken))


async def _rewrite(connection: Any, table: str, column: str, by: str, value: int | None, change: Callable[[str], str]) -> None:
    """Change a JSON column of the rows with this value in another one."""
    for id, text in await connection.fetch(f"SELECT id, {column} FROM {table} WHERE {by} = $1 AND {column} IS NOT NULL", value):
        await connection.execute(f"UPDATE {table} SET {column} = $2 WHERE id = $1", id, storable(change(text)))


_TABLES = "ticket AS t JOIN conversation AS c ON c.id = t.conversation LEFT JOIN incident AS i ON i.id = t.incident"
_NARROWED = """
($2 = '' OR t.team = $2) AND ($3 = '' OR t.topic = $3) AND ($4 = '' OR t.urgency = $4) AND ($5 = '' OR t.owner = $5) AND ($6 = '' OR c.channel = $6)
"""
_VIEWS: Mapping[View, str] = {
    View.MINE: f"t.owner = $1 AND {ACTIVE}",
    View.UNASSIGNED: f"t.owner IS NULL AND {ACTIVE}",
    View.ALL: ACTIVE,
    View.WAITING: f"t.status IN ('waiting-merchant', 'waiting-acquirer') AND {ACTIVE}",
    View.OVERDUE: f"t.deadline <= $7 AND {ACTIVE}",
    View.SOLVED: DONE,
}
_GIVEN = "WITH given AS (SELECT $1::text, $7::bigint, $8::text)"
"""The types of what not every view uses."""
_QUEUE = {
    view: f"""
{_GIVEN} SELECT {COLUMNS}, t.urgency, t.deadline, t.id FROM {_TABLES}
WHERE {which} AND {_NARROWED} AND (t.urgency, t.deadline, t.id) > ($8, $9, $10) ORDER BY t.urgency, t.deadline, t.id LIMIT $11
"""
    for view, which in _VIEWS.items()
} | {
    View.SOLVED: f"""
{_GIVEN} SELECT {COLUMNS}, t.urgency, t.changed, t.id FROM {_TABLES}
WHERE {DONE} AND {_NARROWED} AND (t.changed, t.id) < ($9, $10) ORDER BY t.changed DESC, t.id DESC LIMIT $11
"""
}
_SIZES = f"""
SELECT count(*) FILTER (WHERE owner = $1),
    count(*) FILTER (WHERE owner IS NULL AND ($2::text[] = '{{}}' OR team = ANY ($2))),
    count(*),
    count(*) FILTER (WHERE status IN ('waiting-merchant', 'waiting-acquirer')),
    count(*) FILTER (WHERE due <= $3),
    (SELECT count(*) FROM ticket AS t WHERE {DONE})
FROM ticket AS t WHERE {ACTIVE}
"""
_FILE = f"""
SELECT t.id, t.conversation, t.state, t.packet, c.state, c.public_id, c.channel, c.chat, t.cause, t.bot_right, {COLUMNS} FROM {_TABLES} WHERE t.public_id = $1
"""
_EARLIER = "SELECT public_id, number, status FROM ticket WHERE conversation = $1 AND id <> $2 ORDER BY id DESC"
_ENTRIES = f"""
SELECT {ENTRY} FROM conversation AS c JOIN message AS m ON m.conversation = c.id WHERE c.public_id = $1 AND m.id > $2 ORDER BY m.id LIMIT $3
"""
_LATEST = f"SELECT {ENTRY} FROM conversation AS c JOIN message AS m ON m.conversation = c.id WHERE c.public_id = $1 AND m.id < $2 ORDER BY m.id DESC LIMIT $3"
_ALIKE = "SELECT m.id FROM conversation AS c JOIN message AS m ON m.conversation = c.id WHERE c.public_id = $1 AND m.body = $2 ORDER BY m.id DESC LIMIT $3"
_DEEDS = f"SELECT {DEED} FROM ticket AS t JOIN ticket_event AS e ON e.ticket = t.id WHERE t.public_id = $1 ORDER BY e.id"
_DEEDS_AFTER = f"SELECT {DEED} FROM ticket_event AS e JOIN ticket AS t ON t.id = e.ticket WHERE e.id > $1 ORDER BY e.id LIMIT $2"
_DEEDS_OF = f"SELECT {DEED} FROM ticket_event AS e JOIN ticket AS t ON t.id = e.ticket WHERE e.event = $1 ORDER BY e.id"
_FIRST = f"ORDER BY t.urgency, t.deadline, t.id LIMIT {queues.LOOKED}"
_SERVED = "($2::text[] = '{}' OR t.team = ANY ($2))"
_OF_EVENT = "ticket AS t ON t.id = e.ticket JOIN conversation AS c ON c.id = t.conversation LEFT JOIN incident AS i ON i.id = t.incident"
_REMINDERS = f"""
WITH looked AS (
    (SELECT t.id, true AS own FROM ticket AS t WHERE t.owner = $1 AND {ACTIVE} {_FIRST})
    UNION ALL (SELECT t.id, true FROM ticket AS t WHERE t.owner IS NULL AND {ACTIVE} AND {_SERVED} {_FIRST})
    UNION ALL (SELECT t.id, false FROM ticket AS t WHERE $3 AND t.deadline <= $4 AND {ACTIVE} AND {_SERVED} {_FIRST})
), latest AS MATERIALIZED (
    SELECT (
        SELECT max(r.id) FROM ticket_event AS r WHERE r.ticket = whose.id AND r.act = 'remind' AND (whose.own OR r.detail LIKE '{queues.ESCALATED}')
    ) AS id FROM (SELECT id, bool_or(own) AS own FROM looked GROUP BY id) AS whose
)
SELECT e.detail, e.at, {COLUMNS} FROM latest JOIN ticket_event AS e ON e.id = latest.id JOIN {_OF_EVENT}
WHERE NOT (t.answered IS NOT NULL AND e.detail LIKE '{queues.ANSWERED}')
AND NOT EXISTS (SELECT FROM ticket_event AS s WHERE s.ticket = e.ticket AND s.id > e.id AND s.actor = $1 AND s.done)
ORDER BY e.id DESC LIMIT $5
"""
_NOTICE = """
INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at) SELECT id, 0, $1, 'noticed', true, '{}', $2 FROM ticket WHERE public_id = $3
"""
_NUMBERED = f"""
SELECT c.public_id, 0, '{{}}', '', t.opened, {COLUMNS} FROM {_TABLES} WHERE t.id IN (
    SELECT id FROM ticket WHERE number = $1
    UNION SELECT id FROM ticket WHERE $2::text <> '' AND reverse(number) LIKE reverse($2) || '%'
    UNION SELECT id FROM ticket WHERE terminal = $3 AND terminal <> ''
) ORDER BY t.id DESC LIMIT $4
"""
# Nothing is ranked. A line belongs to the ticket that was opened last before it, or to the first one after it.
_HIT = f"""
SELECT c.public_id, m.id, m.body, m.side, m.at, {COLUMNS}
FROM found AS m JOIN conversation AS c ON c.id = m.conversation
LEFT JOIN ticket AS t ON t.id = coalesce(
    (SELECT max(id) FROM ticket WHERE conversation = m.conversation AND opened <= m.at), (SELECT min(id) FROM ticket WHERE conversation = m.conversation)
) LEFT JOIN incident AS i ON i.id = t.incident ORDER BY m.id DESC
"""
_NEWEST = f"""
WITH newest AS (SELECT * FROM message ORDER BY id DESC LIMIT $3),
found AS MATERIALIZED (SELECT * FROM newest WHERE words @@ $1::text::tsquery ORDER BY id DESC LIMIT $2)
{_HIT}"""
# By the index of words: in the order of `id + 0` there is none.
_SEARCH = f"""
WITH found AS MATERIALIZED (SELECT * FROM message WHERE words @@ $1::text::tsquery ORDER BY id + 0 DESC LIMIT $2)
{_HIT}"""
_PICTURE = """
SELECT p.id, p.mime, p.width, p.height, p.data FROM conversation AS c JOIN photo AS p ON p.channel = c.channel AND p.chat = c.chat
WHERE c.public_id = $1 AND p.id = $2
"""
_REDACT_PICTURE = "DELETE FROM photo WHERE (channel, chat) = (SELECT channel, chat FROM conversation WHERE public_id = $1) AND id = $2 RETURNING id"
_SEE = """
INSERT INTO presence (ticket, login, typing, until) SELECT id, $1, $2, $3 FROM ticket WHERE public_id = $4
ON CONFLICT (ticket, login) DO UPDATE SET typing = excluded.typing, until = excluded.until
"""
_SEEN = """
SELECT p.login, p.typing FROM ticket AS t JOIN presence AS p ON p.ticket = t.id WHERE t.public_id = $1 AND p.until > $2 ORDER BY p.login COLLATE "C"
"""
# A ticket that was there when an incident of its kind ended belongs to that one.
_CLUSTERS = f"""
SELECT topic, code, acquirer, count(*) AS tickets FROM ticket AS t
WHERE opened >= $1 AND {ACTIVE} AND topic IS NOT NULL AND NOT EXISTS (
    SELECT FROM incident AS i WHERE i.topic = t.topic AND i.code = t.code AND i.acquirer = t.acquirer AND (i.ended IS NULL OR i.ended >= t.opened)
) GROUP BY topic, code, acquirer HAVING count(*) >= $2 ORDER BY tickets DESC, topic, code, acquirer
"""
_PROPOSE = """
INSERT INTO incident (public_id, topic, code, acquirer, proposed) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (topic, code, acquirer) WHERE status IN ('proposed', 'announced') DO NOTHING RETURNING id
"""
_INCIDENTS = """
SELECT public_id, topic, code, acquirer, status, text, until, author, proposed, ended, (SELECT count(*) FROM ticket WHERE incident = incident.id)
FROM incident WHERE NOT $1::boolean OR status IN ('proposed', 'announced') ORDER BY id DESC
"""
_ANNOUNCE = """
UPDATE incident SET status = 'announced', text = $1, until = $2, author = $3 WHERE public_id = $4 AND status = 'proposed' RETURNING id, topic, code, acquirer
"""
_LINK = f"UPDATE ticket AS t SET incident = $1 WHERE topic = $2 AND code = $3 AND acquirer = $4 AND opened >= $5 AND {ACTIVE}"
_CURRENT = "SELECT id FROM incident WHERE public_id = $1 AND status IN ('proposed', 'announced') FOR UPDATE"
_LINKED = """
SELECT c.id, c.channel, t.number FROM conversation AS c JOIN ticket AS t ON t.conversation = c.id
WHERE t.id IN (SELECT max(id) FROM ticket WHERE incident = $1 GROUP BY conversation) ORDER BY c.channel, c.chat FOR UPDATE OF c
"""
_TELL = """
WITH told AS (
    INSERT INTO inbox (channel, ext_id, conversation, kind, body, received)
    SELECT channel, ext_id, conversation, $1, body, $2
    FROM unnest($3::text[], $4::text[], $5::bigint[], $6::text[]) AS event (channel, ext_id, conversation, body)
    ON CONFLICT (channel, ext_id) DO NOTHING
)
UPDATE conversation SET ready = least(ready, $2) WHERE id = ANY ($5)
"""
_EXPORT = f"""
SELECT {COLUMNS}, t.opened, t.id FROM {_TABLES} WHERE (t.opened, t.id) > ($1, $2) AND t.opened < $3 ORDER BY t.opened, t.id LIMIT $4
"""
