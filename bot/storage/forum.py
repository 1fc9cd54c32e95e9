"""The staff's group in either database: the statements are the same, because both know what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from bot.service.forum import Alarm, Behind, Came, Fate, Post, Told, Topic

from . import queues
from .queues import ACTIVE, ENTRY
from .rows import key, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = "f.chat, f.thread, f.card, f.pinned, f.title, f.shown, f.closed, f.line, f.deed, f.doing, f.menu, f.menu_until, f.stamp"


class Do(Protocol):
    """Does statements in one transaction, with values for `$1`, `$2` …"""

    async def __call__(self, *statements: tuple[str, Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """The rows of the last one. Raises StoreUnavailable."""


class Forum:
    """The group's part of a store: `read` looks, `write` changes."""

    def __init__(self, *, read: Do, write: Do) -> None:
        self._read, self._write = read, write

    async def behind(self, now: int, limit: int) -> Sequence[Behind]:
        """Tickets whose topic is behind."""
        return [
            Behind(ticket=ticket, version=version, topic=_topic((ticket, *topic)) if topic[0] is not None else None)
            for _, _, ticket, version, *topic in await self._read((_BEHIND, (now, limit)))
        ]

    async def begin(self, ticket: str, chat: int, before: int) -> Topic | None:
        """Keep that a ticket gets a topic."""
        await self._write((_BEGIN, (storable(ticket), chat, before)))
        return await self.topic(ticket)

    async def topic(self, ticket: str) -> Topic | None:
        """The topic of a ticket."""
        rows = await self._read((_TOPIC, (storable(ticket),)))
        return _topic(rows[0]) if rows else None

    async def topic_at(self, chat: int, thread: int) -> Topic | None:
        """Which topic this is."""
        rows = await self._read((_TOPIC_AT, (chat, thread)))
        return _topic(rows[0]) if rows else None

    async def save(self, topic: Topic, posts: Sequence[Post] = ()) -> None:
        """Keep what was shown."""
        row = (
            storable(topic.ticket), topic.chat, topic.thread, topic.card, topic.pinned, storable(topic.title), topic.shown, topic.closed, topic.line,
            topic.deed, storable(topic.doing), topic.stamp,
        )  # fmt: skip
        await self._write((_SAVE, row), *map(_keeping, posts))

    async def settled(self, topic: Topic, version: int, *, done: bool) -> None:
        """Everything was shown."""
        await self._write((_SETTLED, (storable(topic.ticket), version, done, topic.stamp)))

    async def open_menu(self, ticket: str, menu: str, until: int | None) -> None:
        """Show other buttons."""
        await self._write((_MENU, (storable(ticket), storable(menu), until)))

    async def look_again(self, ticket: str, *, closed: bool | None) -> None:
        """Somebody changed the topic itself."""
        await self._write((_LOOK_AGAIN, (storable(ticket), closed)))

    async def move(self, old: int, new: int) -> None:
        """The group has another id now, and its topics are to be made there."""
        await self._write((_MOVE, (old, new)))

    async def orphans(self, limit: int) -> Sequence[tuple[int, int, int | None]]:
        """Topics whose tickets are forgotten."""
        rows = await self._read(("SELECT id, chat, thread FROM forum_topic WHERE ticket IS NULL ORDER BY id LIMIT $1", (limit,)))
        return [(id, chat, thread) for id, chat, thread in rows]

    async def drop(self, id: int) -> None:
        """Such a topic is gone too."""
        await self._write(("DELETE FROM forum_topic WHERE id = $1 AND ticket IS NULL", (id,)))

    async def told(self, ticket: str, after: int, limit: int) -> Sequence[Told]:
        """Lines after a line."""
        rows = await self._read((_TOLD, (storable(ticket), after, limit)))
        return [Told(entry=queues.entry(columns), ext_id=ext_id) for *columns, ext_id in rows]

    async def posts(self, chat: int, post: int) -> Sequence[Post]:
        """Which lines a message is."""
        return [_post(row) for row in await self._read((_POSTS, (chat, post)))]

    async def lines_from(self, channel: str, ext_id: str) -> Sequence[int]:
        """The lines that an event has become."""
        return [id for (id,) in await self._read((_LINES_FROM, (channel, key(ext_id))))]

    async def remote_of(self, conversation: str, message: int) -> str | None:
        """What the merchant's channel calls a line."""
        rows = await self._read((_REMOTE, (storable(conversation), message)))
        return str(rows[0][0]) if len(rows) == 1 else None

    async def fates(self, limit: int) -> Sequence[Fate]:
        """Lines whose fate is known."""
        rows = await self._read((_FATES, (limit,)))
        return [Fate(chat=chat, post=post, ticket=ticket, status=status, error=error or "") for chat, post, ticket, status, error in rows]

    async def taken_out(self, limit: int) -> Sequence[Post]:
        """Messages with a line that was taken out."""
        return [_post(row) for row in await self._read((_TAKEN_OUT, (limit,)))]

    async def replace(self, chat: int, post: int, posts: Sequence[Post]) -> None:
        """A message is gone; these stand there for it."""
        await self._write((_GONE, (chat, post)), *map(_keeping, posts))

    async def mark(self, chat: int, post: int, mark: str) -> None:
        """Keep that a fate was shown."""
        await self._write(("UPDATE forum_line SET mark = $3 WHERE chat = $1 AND post = $2", (chat, post, mark)))

    async def accept(self, ext_id: str, lane: str, body: str, now: int) -> bool:
        """Keep what came from the group."""
        return bool(await self._write((_ACCEPT, (key(ext_id), key(lane), storable(body), now))))

    async def waiting(self, limit: int) -> Sequence[Came]:
        """What is not handled yet."""
        rows = await self._read((_WAITING, (limit,)))
        return [Came(id=id, ext_id=ext_id, lane=lane, body=body, received=received) for id, ext_id, lane, body, received in rows]

    async def handled(self, id: int, now: int) -> None:
        """It is handled; what stood in it stands where it belongs."""
        await self._write(("UPDATE forum_update SET handled = $2, body = '' WHERE id = $1", (id, now)))

    async def set_alarm(self, ticket: str, ext_id: str, login: str, text: str, due: int) -> None:
        """Keep a reminder."""
        await self._write((_ALARM, (storable(ticket), key(ext_id), storable(login), storable(text), due)))

    async def alarms(self, now: int) -> Sequence[Alarm]:
        """Reminders that are due."""
        return [Alarm(id=id, ticket=ticket, login=login, text=text, due=due) for id, ticket, login, text, due in await self._read((_ALARMS, (now,)))]

    async def alarm_given(self, id: int, now: int) -> None:
        """Somebody was reminded."""
        await self._write(("UPDATE forum_alarm SET given = $2 WHERE id = $1", (id, now)))

    async def keep_fact(self, name: str, value: str, now: int) -> bool:
        """Keep something once."""
        return bool(await self._write((_FACT, (key(name), storable(value), now))))

    async def fact(self, name: str) -> str | None:
        """What was kept."""
        rows = await self._read(("SELECT value FROM forum_fact WHERE name = $1", (key(name),)))
        return str(rows[0][0]) if rows else None

    async def facts(self, beginning: str) -> Sequence[tuple[str, str]]:
        """What was kept by names with this beginning."""
        rows = await self._read(("SELECT name, value FROM forum_fact WHERE substr(name, 1, length($1)) = $1 ORDER BY at DESC, name", (key(beginning),)))
        return [(name, value) for name, value in rows]

    async def change_fact(self, name: str, value: str, now: int) -> None:
        """Keep something else."""
        await self._write((_CHANGE_FACT, (key(name), storable(value), now)))


def _topic(row: Sequence[Any]) -> Topic:
    ticket, chat, thread, card, pinned, title, shown, closed, line, deed, doing, menu, menu_until, stamp = row
    return Topic(
        ticket=ticket, chat=chat, thread=thread, card=card, pinned=bool(pinned), title=title, shown=shown, closed=bool(closed), line=line, deed=deed,
        doing=doing, menu=menu, menu_until=menu_until, stamp=stamp,
    )  # fmt: skip


def _keeping(post: Post) -> tuple[str, Sequence[Any]]:
    return _POST, (post.chat, post.post, post.message, storable(post.ticket), post.mark, storable(post.body))


def _post(row: Sequence[Any]) -> Post:
    chat, post, message, ticket, mark = row
    return Post(chat=chat, post=post, message=message, ticket=ticket, mark=mark)


_BEHIND = f"""
SELECT t.urgency, c.active, t.public_id, c.version, {COLUMNS}
FROM forum_topic AS f JOIN ticket AS t ON t.id = f.ticket JOIN conversation AS c ON c.id = t.conversation
WHERE NOT f.done AND (f.version <> c.version OR f.menu_until <= $1)
UNION ALL
SELECT t.urgency, c.active, t.public_id, c.version, {COLUMNS}
FROM ticket AS t JOIN conversation AS c ON c.id = t.conversation LEFT JOIN forum_topic AS f ON f.ticket = t.id
WHERE {ACTIVE} AND f.ticket IS NULL
ORDER BY 1, 2 LIMIT $2
"""
_BEGIN = """
INSERT INTO forum_topic (ticket, chat, line)
SELECT t.id, $2, coalesce((
    SELECT min(id) - 1 FROM message WHERE conversation = t.conversation AND event >= (
        SELECT min(event) FROM (
            SELECT DISTINCT event FROM message WHERE conversation = t.conversation AND event <= t.origin ORDER BY event DESC LIMIT $3
        ) AS latest
    )
), 0) FROM ticket AS t WHERE t.public_id = $1
ON CONFLICT (ticket) DO NOTHING
"""
_TOPIC = f"SELECT t.public_id, {COLUMNS} FROM ticket AS t JOIN forum_topic AS f ON f.ticket = t.id WHERE t.public_id = $1"
_TOPIC_AT = f"SELECT t.public_id, {COLUMNS} FROM forum_topic AS f JOIN ticket AS t ON t.id = f.ticket WHERE f.chat = $1 AND f.thread = $2"
_SAVE = """
UPDATE forum_topic SET chat = $2, thread = $3, card = $4, pinned = $5, title = CASE stamp WHEN $12 THEN $6 ELSE title END, shown = $7,
    closed = CASE stamp WHEN $12 THEN $8 ELSE closed END, line = $9, deed = $10, doing = $11
WHERE ticket = (SELECT id FROM ticket WHERE public_id = $1)
"""
_POST = """
INSERT INTO forum_line (chat, post, message, ticket, mark)
SELECT $1, $2, $3, id, CASE WHEN $6 <> '' AND EXISTS (SELECT 1 FROM message WHERE id = $3 AND body <> $6) THEN 'taken-out' ELSE $5 END
FROM ticket WHERE public_id = $4
ON CONFLICT (chat, post, message) DO NOTHING
"""
_GONE = "DELETE FROM forum_line WHERE chat = $1 AND post = $2"
_SETTLED = """
UPDATE forum_topic SET version = $2, done = $3
WHERE ticket = (SELECT id FROM ticket WHERE public_id = $1) AND stamp = $4
"""
_LOOK_AGAIN = """
UPDATE forum_topic SET version = -1, done = false, stamp = stamp + 1, title = '', closed = coalesce($2, closed)
WHERE ticket = (SELECT id FROM ticket WHERE public_id = $1)
"""
_MENU = """
UPDATE forum_topic SET menu = $2, menu_until = $3, version = -1, done = false, stamp = stamp + 1
WHERE ticket = (SELECT id FROM ticket WHERE public_id = $1)
"""
_MOVE = """
UPDATE forum_topic SET chat = $2, thread = NULL, card = NULL, pinned = false, title = '', shown = '', version = -1 WHERE chat = $1 AND NOT done
"""
_TOLD = f"""
SELECT {ENTRY}, i.ext_id FROM ticket AS t JOIN message AS m ON m.conversation = t.conversation LEFT JOIN inbox AS i ON i.id = m.event
WHERE t.public_id = $1 AND m.id > $2 ORDER BY m.id LIMIT $3
"""
_POSTS = "SELECT l.chat, l.post, l.message, t.public_id, l.mark FROM forum_line AS l JOIN ticket AS t ON t.id = l.ticket WHERE l.chat = $1 AND l.post = $2"
_TAKEN_OUT = """
SELECT l.chat, l.post, min(l.message), t.public_id, l.mark FROM forum_line AS l JOIN ticket AS t ON t.id = l.ticket
WHERE l.mark = 'taken-out' GROUP BY l.chat, l.post, t.public_id, l.mark LIMIT $1
"""
_LINES_FROM = """
SELECT m.id FROM inbox AS i JOIN message AS m ON m.conversation = i.conversation AND m.event = i.id
WHERE i.channel = $1 AND i.ext_id = $2 AND m.side = 'staff' ORDER BY m.id
"""
_REMOTE = """
SELECT o.remote_id FROM conversation AS c JOIN outbox AS o ON o.conversation = c.id
WHERE c.public_id = $1 AND o.message = $2 AND o.status = 'sent' AND o.remote_id <> ''
"""
# A message that is several lines has the worst of their fates, once all are known: dead, then sent; where nothing is sent, it is kept.
_FATES = """
SELECT l.chat, l.post, t.public_id,
    CASE WHEN max(CASE WHEN o.status = 'dead' THEN 1 ELSE 0 END) = 1 THEN 'dead' WHEN count(o.id) > 0 THEN 'sent' ELSE 'kept' END, max(o.error)
FROM forum_line AS l JOIN ticket AS t ON t.id = l.ticket LEFT JOIN outbox AS o ON o.conversation = t.conversation AND o.message = l.message
WHERE l.mark = '' GROUP BY l.chat, l.post, t.public_id
HAVING max(CASE WHEN o.status IN ('new', 'sending') THEN 1 ELSE 0 END) = 0
ORDER BY 2 LIMIT $1
"""
_ACCEPT = "INSERT INTO forum_update (ext_id, lane, body, received) VALUES ($1, $2, $3, $4) ON CONFLICT (ext_id) DO NOTHING RETURNING id"
_WAITING = "SELECT id, ext_id, lane, body, received FROM forum_update WHERE handled IS NULL ORDER BY id LIMIT $1"
_ALARM = """
INSERT INTO forum_alarm (ticket, ext_id, staff, text, due) SELECT id, $2, $3, $4, $5 FROM ticket WHERE public_id = $1
ON CONFLICT (ext_id) DO NOTHING
"""
_ALARMS = """
SELECT a.id, t.public_id, a.staff, a.text, a.due FROM forum_alarm AS a JOIN ticket AS t ON t.id = a.ticket
WHERE a.given IS NULL AND a.due <= $1 ORDER BY a.due, a.id
"""
_FACT = "INSERT INTO forum_fact (name, value, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING RETURNING name"
_CHANGE_FACT = "INSERT INTO forum_fact (name, value, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at"
