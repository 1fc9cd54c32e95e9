"""The store in one SQLite file, for one process: the default. Times are microseconds UTC.

WAL with `synchronous=FULL`: what was acknowledged survives a power cut. All writing goes through one task (`writer`), reading has its own connection, which
cannot write. A lock file keeps a second process away.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import AsyncExitStack, closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, assert_never
from urllib.parse import quote

import aiosqlite
from filelock import FileLock, Timeout

from bot.domain.errors import AlreadyRunning, StoreUnavailable
from bot.domain.messages import Address, Photo
from bot.service.ports import MOST_EVENTS, Counts, Held, Later, Line, Pending, Sent, Undeliverable, Work
from bot.wording import say

from . import migrations, sqlite_arrivals
from .figures import Figures
from .forum import Forum
from .gathered import Gathered
from .queues import ACTIVE
from .rows import OUTGOING, TICKET, TICKET_CHANGES, entry_values, forgetting, key, logged_values, outgoing, storable, ticket_values
from .sqlite_desk import SQLiteDesk, sweep
from .sqlite_staff import RECORD, SQLiteStaff
from .words import line_words
from .writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bot.domain.audit import Entry
    from bot.service.ports import Arrival, Decide, Delivery, Forgotten, Outcome, Outgoing, Retention, Spoken

AT_ONCE = 16
"""Conversations that are stepped for one commit."""
TURNS = 8
"""Turns of the loop between two decisions: a request needs about so many from its socket to the database."""
STATEMENTS = 5 * sqlite_arrivals.SIZES
"""Statements that a connection keeps prepared."""
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON", "busy_timeout = 5000", "cache_size = -8192")
_READING = ("query_only = ON", "busy_timeout = 5000", "cache_size = -8192")


class SQLiteStore:
    """A store in one file. `new_id` gives public ids that nobody can guess; `desk` is the staff's side of it, with a connection of its own to read,
    and `reports` are figures, which are reckoned apart."""

    def __init__(
        self, writing: sqlite3.Connection, reading: aiosqlite.Connection, looking: aiosqlite.Connection, lock: FileLock | None, new_id: Callable[[], str]
    ) -> None:
        self._writer, self._reading, self._looking, self._lock, self._new_id = Writer(writing), reading, looking, lock, new_id
        self.staff = SQLiteStaff(self._writer, self._read)
        self.desk = SQLiteDesk(read=partial(_rows, looking), write=self._writer.run)
        self.forum = Forum(read=self._look, write=self._change)
        self.reports = Figures(read=self._reckon, listed="SELECT value AS start FROM json_each({bounds})")
        self._accepting: Gathered[Arrival, str] = Gathered(lambda take: self._writer.run_late(lambda: partial(self._accept_all, take())))

    @classmethod
    async def open(cls, path: Path, new_id: Callable[[], str]) -> SQLiteStore:
        """Open or create the file, alone, and bring its schema up to date. Raises AlreadyRunning, StoreUnavailable."""
        async with AsyncExitStack() as undoing:
            lock = locked(path)
            undoing.callback(lock.release)
            writing = undoing.enter_context(closing(_open(path, _PRAGMAS)))
            try:
                migrate(writing)
                writing.execute("UPDATE outbox SET status = 'new', maybe_duplicate = 1 WHERE status = 'sending'")
            except sqlite3.Error as error:  # another program's database, or a full disk
                raise StoreUnavailable(say("store.unusable", path=path, reason=error)) from None
            reading = await _connect(path, _READING)
            undoing.push_async_callback(reading.close)
            looking = await _connect(path, _READING)
            undoing.pop_all()
            return cls(writing, reading, looking, lock, new_id)

    @classmethod
    async def beside(cls, path: Path, new_id: Callable[[], str]) -> SQLiteStore:
        """Open the file beside the process that works with it, to look or to tidy up. Raises StoreUnavailable when there is none."""
        async with AsyncExitStack() as undoing:
            reading = await _connect(path, _READING, mode="rw")
            undoing.push_async_callback(reading.close)  # an open connection would keep the process alive
            looking = await _connect(path, _READING, mode="rw")
            undoing.push_async_callback(looking.close)
            writing = _open(path, _PRAGMAS, mode="rw")
            undoing.pop_all()
            return cls(writing, reading, looking, None, new_id)

    async def close(self) -> None:
        """Write what waits, and let go of the file."""
        await self._writer.close()
        await self._reading.close()
        await self._looking.close()
        if self._lock:
            self._lock.release()

    async def accept(self, arrival: Arrival) -> str:
        """Keep an arrival; the public id of its conversation."""
        (conversation,) = await self._accepting.add([arrival])
        return conversation

    async def accept_all(self, arrivals: Sequence[Arrival]) -> Sequence[str]:
        """Keep arrivals; the public ids of their conversations, in order."""
        return await self._accepting.add(arrivals)

    def _accept_all(self, arrivals: list[Arrival], connection: sqlite3.Connection) -> list[str]:
        return sqlite_arrivals.accept(connection, arrivals, self._new_id)

    async def step(self, decide: Decide, now: int) -> int:
        """Let `decide` handle up to `AT_ONCE` conversations, written in one commit."""
        works = await self._waiting(now)
        outcomes = []
        for work in works:
            outcomes.append((work, decide(work) if work.events else None))
            for _ in range(TURNS):  # requests are taken in between two decisions
                await asyncio.sleep(0)
        written = await asyncio.gather(*(self._writer.run(partial(_write, work=work, outcome=outcome)) for work, outcome in outcomes), return_exceptions=True)
        if failed := [result for result in written if isinstance(result, BaseException)]:
            raise failed[0]
        return len(works)

    async def _waiting(self, now: int) -> list[Work]:
        rows = await self._read(_READY, (now, AT_ONCE))
        ids = json.dumps([row[0] for row in rows])
        events: dict[int, list[Pending]] = {}
        for conversation, id, kind, body, received in await self._read(_PENDING, (ids, MOST_EVENTS)):
            events.setdefault(conversation, []).append(Pending(id=id, kind=kind, body=body, received=received))
        return [
            Work(
                id=id, public_id=public_id, address=Address(channel=channel, chat=chat), profile=profile, state=state, version=version,
                events=tuple(events.get(id, ())),
            )
            for id, public_id, channel, chat, profile, state, version in rows
        ]  # fmt: skip

    async def wake(self, now: int) -> int:
        """Silence that has lasted long enough becomes events, all in one unit."""

        def unit(connection: sqlite3.Connection) -> int:
            connection.execute(_SILENT, {"now": now})
            return connection.execute(_WOKEN, {"now": now}).rowcount

        due = await self._one("SELECT EXISTS (SELECT 1 FROM conversation WHERE wake <= ?)", (now,))
        return await self._writer.run(unit) if due else 0

    async def claim(self, now: int, lease: int, limit: int) -> list[Outgoing]:
        """The first waiting line of each chat, reserved. Nothing is written when nothing waits."""

        def unit(connection: sqlite3.Connection) -> list[Outgoing]:
            ids = [id for (id,) in connection.execute(_CLAIM, {"now": now, "lease": lease, "limit": limit})]
            return [outgoing(row) for row in connection.execute(_CLAIMED, (json.dumps(ids),))]

        due = await self._one("SELECT EXISTS (SELECT 1 FROM outbox WHERE status IN ('new', 'sending') AND not_before <= ?)", (now,))
        return await self._writer.run(unit) if due else []

    async def queued(self, id: int, limit: int) -> list[Outgoing]:
        """The lines that wait behind this one for the same chat, in order."""
        return list(map(outgoing, await self._read(_QUEUED, (id, id, limit))))

    async def settle(self, id: int, delivery: Delivery) -> None:
        """What became of a claimed line, and of those that went along with it."""
        along = delivery.along if isinstance(delivery, Sent) else ()
        await self._change(_settled(id, delivery), *((_ALONG, (storable(remote), other)) for other, remote in along))

    async def transcript(self, conversation: str, after: int, limit: int) -> list[Line]:
        """Lines after the line `after`, oldest first."""
        return list(map(_line, await self._read(_TRANSCRIPT, (storable(conversation), after, limit))))

    async def earlier(self, conversation: str, before: int, limit: int) -> list[Line]:
        """The last lines before the line `before`, oldest first."""
        return list(map(_line, reversed(await self._read(_BEFORE, (storable(conversation), before, limit)))))

    async def versions(self, conversations: Sequence[str]) -> Mapping[str, int]:
        """How often each of these conversations has changed."""
        return dict(await self._read(_VERSIONS, (json.dumps([*map(storable, conversations)]),)))

    async def conversation(self, address: Address) -> str | None:
        """The public id of the conversation with this chat."""
        found = await self._one("SELECT public_id FROM conversation WHERE channel = ? AND chat = ?", (address.channel, key(address.chat)))
        return None if found is None else str(found)

    async def address(self, conversation: str) -> Address | None:
        """Where a conversation takes place."""
        rows = await self._read("SELECT channel, chat FROM conversation WHERE public_id = ?", (storable(conversation),))
        return Address(channel=rows[0][0], chat=rows[0][1]) if rows else None

    async def state(self, conversation: str) -> str | None:
        """What a conversation has come to."""
        found = await self._one("SELECT state FROM conversation WHERE public_id = ?", (storable(conversation),))
        return None if found is None else str(found)

    async def seize(self, name: str) -> Alone:
        """The right to do something alone: there is no other process."""
        return Alone()

    async def keep(self, photo: Photo, address: Address, now: int) -> None:
        """Keep a picture, once."""
        row = (photo.id, address.channel, key(address.chat), photo.mime, photo.width, photo.height, photo.data, now)
        await self._writer.run(partial(_do, "INSERT INTO photo VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", row))

    async def photo(self, id: str, address: Address) -> Photo | None:
        """A picture of this chat."""
        query = "SELECT id, mime, width, height, data FROM photo WHERE id = ? AND channel = ? AND chat = ?"
        rows = await self._read(query, (storable(id), address.channel, key(address.chat)))
        return Photo(id=rows[0][0], mime=rows[0][1], width=rows[0][2], height=rows[0][3], data=rows[0][4]) if rows else None

    async def forget(self, address: Address, entry: Entry) -> bool:
        """Delete everything of a chat; what was said goes with the conversation."""
        return await self._writer.run(partial(_forget, where=(address.channel, key(address.chat)), entry=entry))

    async def held(self, address: Address) -> Held:
        """What there is of a chat."""
        ((lines, photos, tickets, open_),) = await self._read(_HELD, (address.channel, key(address.chat)))
        return Held(lines=lines, photos=photos, tickets=tickets, open=tuple(json.loads(open_)))

    async def purge(self, retention: Retention) -> int:
        """Delete what is older; what still waits, and what staff have not closed, stays."""

        def unit(connection: sqlite3.Connection) -> int:
            limits = asdict(retention)
            return sum(connection.execute(statement, limits).rowcount for statement in _PURGE)

        rows = await self._writer.run(unit)
        await sweep(self._writer.run)
        return rows

    async def latest(self) -> int:
        """The last moment at which something came or was done."""
        return int(await self._one(_LATEST, ()))

    async def counts(self, now: int) -> Counts:
        """How much waits."""
        inbox, oldest, outbox, dead, tickets = (await self._read(_COUNTS))[0]
        return Counts(inbox=inbox, outbox=outbox, dead=dead, tickets=tickets, oldest=now - oldest if oldest else 0)

    async def backup(self, path: Path) -> None:
        """Copy the database while it is in use; the copy is whole and of one moment. Raises StoreUnavailable when it cannot be written."""
        await copy(self._reading, path)

    async def _one(self, query: str, values: Sequence[Any]) -> Any:
        rows = await self._read(query, values)
        return rows[0][0] if rows else None

    async def _read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return await _rows(self._reading, query, values)

    async def _look(self, *statements: tuple[str, Sequence[Any]]) -> list[Any]:
        """The rows of a statement with `$1`, `$2` … for values."""
        statement, values = statements[-1]
        return await _rows(self._looking, statement.replace("$", "?"), values)

    async def _change(self, *statements: tuple[str, Sequence[Any]]) -> list[Any]:
        """The same statements in one unit; the rows of the last one."""

        def unit(connection: sqlite3.Connection) -> list[Any]:
            rows: list[Any] = []
            for statement, values in statements:
                rows = connection.execute(statement.replace("$", "?"), values).fetchall()
            return rows

        return await self._writer.run(unit)

    async def _reckon(self, statement: str, **values: Any) -> list[Any]:
        """The rows of a report, read by a connection of its own: it may take a second, and nobody waits for it."""
        ((_, _, file),) = await self._read("PRAGMA database_list")
        connection = await _connect(Path(file), _READING, mode="rw")
        try:
            named = statement.format(**{name: f":{name}" for name in values})
            return await _rows(connection, named, {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()})
        finally:
            await connection.close()


class Alone:
    """A right that nobody else can have, because there is nobody else."""

    async def lasts(self) -> bool:
        """Always."""
        return True

    async def release(self) -> None:
        """Nobody waits for it."""


async def _rows(connection: aiosqlite.Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
    """The rows of a query. Raises StoreUnavailable."""
    try:
        return list(await connection.execute_fetchall(query, values))
    except (sqlite3.Error, ValueError) as error:  # ValueError: the connection is closed
        raise StoreUnavailable(str(error)) from error


def locked(path: Path) -> FileLock:
    """The right to work with the file, until it is released. Raises AlreadyRunning when another process has it, StoreUnavailable."""
    lock = FileLock(f"{path}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # what merchants said is for nobody else on this machine
        lock.acquire(blocking=False)
    except Timeout:
        raise AlreadyRunning(say("store.running", path=path)) from None
    except OSError as error:
        raise StoreUnavailable(say("store.unusable", path=path, reason=error.strerror or error)) from None
    return lock


def _address(path: Path, mode: str) -> str:
    return f"file:{quote(str(path))}?mode={mode}"


def _open(path: Path, pragmas: Iterable[str], mode: Literal["rw", "rwc"] = "rwc") -> sqlite3.Connection:
    """A connection in autocommit mode, for one thread at a time. Raises StoreUnavailable for what is no database, or not there (mode `rw`)."""
    try:
        connection = sqlite3.connect(_address(path, mode), isolation_level=None, uri=True, check_same_thread=False, cached_statements=STATEMENTS)
    except sqlite3.Error as error:
        raise StoreUnavailable(say("store.unusable", path=path, reason=error)) from None
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error as error:
        connection.close()
        raise StoreUnavailable(say("store.unusable", path=path, reason=error)) from None
    return connection


async def _connect(path: Path, pragmas: Sequence[str], mode: Literal["rw", "rwc"] = "rwc") -> aiosqlite.Connection:
    """The same with a thread of its own, for reading."""
    _open(path, pragmas, mode).close()  # looked at here first: when aiosqlite cannot open it, its thread may outlive the loop
    connection = await aiosqlite.connect(_address(path, mode), isolation_level=None, uri=True)
    for pragma in pragmas:
        await connection.execute(f"PRAGMA {pragma}")
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, one transaction per change. Raises StoreUnavailable for one that is newer than the program."""
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY) STRICT")
    ((version,),) = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version")
    if version > migrations.newest("sqlite"):
        raise StoreUnavailable(say("store.newer", version=version, newest=migrations.newest("sqlite")))
    for number, statements in migrations.after("sqlite", version):
        connection.executescript(f"BEGIN IMMEDIATE;\n{statements}\nINSERT INTO schema_version VALUES ({number});\nCOMMIT;")


async def copy(connection: aiosqlite.Connection, path: Path) -> None:
    """Copy the database behind a connection to a new file. Raises StoreUnavailable."""
    target = await _connect(path, ())
    try:
        await connection.backup(target, pages=256)
        await target.execute("PRAGMA journal_mode = DELETE")  # one file for itself, readable also where nothing can be written
    except sqlite3.Error as error:
        raise StoreUnavailable(say("store.unusable", path=path, reason=error)) from None
    finally:
        await target.close()


def _line(row: Sequence[Any]) -> Line:
    id, side, body, at, ext_id = row
    return Line(id=id, side=side, body=body, at=at, ext_id=ext_id)


def _do(statement: str, values: Sequence[Any], connection: sqlite3.Connection) -> None:
    """A unit of one statement."""
    connection.execute(statement, values)


def _forget(connection: sqlite3.Connection, *, where: tuple[str, str], entry: Entry) -> bool:
    """Delete everything of a chat, and keep that it was; whether there was anything."""
    tickets = connection.execute(_TICKETS_OF, where).fetchall()
    photos = connection.execute("DELETE FROM photo WHERE channel = ? AND chat = ?", where)
    conversations = connection.execute("DELETE FROM conversation WHERE channel = ? AND chat = ?", where)
    there = photos.rowcount + conversations.rowcount > 0
    if there:
        connection.executemany(RECORD, map(entry_values, forgetting(entry, tickets)))
    return there


def _renewed(connection: sqlite3.Connection, work: Work, forgotten: Forgotten | None) -> Work:
    """The conversation that begins where one is deleted; the same one when none is."""
    if forgotten is None:
        return work
    if not connection.execute("SELECT EXISTS (SELECT 1 FROM conversation WHERE id = ? AND version = ?)", (work.id, work.version)).fetchone()[0]:
        raise StoreUnavailable(f"conversation {work.public_id} was changed by somebody else")
    where = (work.address.channel, key(work.address.chat))
    _forget(connection, where=where, entry=forgotten.entry)
    at = forgotten.entry.at
    id = connection.execute(_RENEW, (forgotten.public_id, *where, at, at)).lastrowid
    assert id is not None
    return replace(work, id=id, public_id=forgotten.public_id, version=0)


def _write(connection: sqlite3.Connection, *, work: Work, outcome: Outcome | None) -> None:
    """One step: state, transcript, tickets, lines to be sent, and its events done. No outcome: what came was there already."""
    if outcome is None:
        connection.execute(_REST, (work.id, work.id))
        return
    work = _renewed(connection, work, outcome.forgotten)
    connection.execute("UPDATE inbox SET status = 'done' WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(outcome.done),))
    for id, reason in outcome.dead:
        connection.execute("UPDATE inbox SET status = 'dead', error = ? WHERE id = ?", (storable(reason), id))
    active = max(event.received for event in work.events)
    changed = connection.execute(_ADVANCE, (storable(outcome.state), outcome.wake, active, work.id, work.id, work.version))
    if changed.rowcount != 1:
        raise StoreUnavailable(f"conversation {work.public_id} was changed by somebody else")
    for line in outcome.spoken:
        _speak(connection, work, line, outcome.knowledge)
    for ticket in outcome.tickets:
        connection.execute(_KEEP, ticket_values(ticket, work.id))
        connection.execute(_LINK, (ticket.topic, ticket.code, ticket.acquirer, work.id, ticket.number))
    if outcome.logged:
        connection.executemany(_LOG, [logged_values(deed, work.id) for deed in outcome.logged])
    for rating in outcome.rated:
        connection.execute(_RATE, (rating.event, work.id, rating.topic, rating.stars, rating.at, rating.number))
    _count(connection, work, outcome)


def _count(connection: sqlite3.Connection, work: Work, outcome: Outcome) -> None:
    """What the reports count; most steps change nothing of it."""
    for trouble in outcome.troubles:
        connection.execute(_TURN if trouble.event is None else _BEGIN, {**asdict(trouble), "conversation": work.id})
    for trial in outcome.trials:
        connection.execute(_TRY, {**asdict(trial), "conversation": work.id})


def _speak(connection: sqlite3.Connection, work: Work, line: Spoken, knowledge: str) -> None:
    body = storable(line.body)
    said = connection.execute(_SPEAK, (work.id, line.event, line.side, body, knowledge, line.at)).lastrowid
    if line.push is not None:
        lane = f"{work.address.channel}:{work.address.chat}"
        connection.execute(_PUSH, (lane, line.push, work.id, said, line.at, line.at))
    if words := line_words(line.side, body):
        connection.execute(_INDEX, (said, words))


def _settled(id: int, delivery: Delivery) -> tuple[str, tuple[Any, ...]]:
    match delivery:
        case Sent(remote_id=remote):
            return "UPDATE outbox SET status = 'sent', lease = NULL, remote_id = ? WHERE id = ? AND status = 'sending'", (storable(remote), id)
        case Later():
            return _LATER, (delivery.not_before, delivery.counts, delivery.maybe_arrived, storable(delivery.error), id)
        case Undeliverable(error=error):
            return "UPDATE outbox SET status = 'dead', lease = NULL, error = ? WHERE id = ? AND status = 'sending'", (storable(error), id)
        case _:
            assert_never(delivery)


_RENEW = "INSERT INTO conversation (public_id, channel, chat, profile, created, active) VALUES (?, ?, ?, '{}', ?, ?)"
_TICKETS_OF = f"""
SELECT t.number, t.owner, {ACTIVE} FROM conversation AS c JOIN ticket AS t ON t.conversation = c.id WHERE c.channel = ? AND c.chat = ? ORDER BY t.id
"""
_HELD = f"""
WITH held (id) AS (SELECT id FROM conversation WHERE channel = ?1 AND chat = ?2)
SELECT (SELECT count(*) FROM held JOIN message ON conversation = held.id), (SELECT count(*) FROM photo WHERE channel = ?1 AND chat = ?2),
    (SELECT count(*) FROM held JOIN ticket ON conversation = held.id),
    (SELECT json_group_array(t.number) FROM held JOIN ticket AS t ON t.conversation = held.id WHERE {ACTIVE})
"""
_READY = "SELECT id, public_id, channel, chat, profile, state, version FROM conversation WHERE ready <= ? ORDER BY ready LIMIT ?"
# The index is named because SQLite would rather read all that a conversation ever had in the inbox.
_PENDING = """
SELECT conversation, id, kind, body, received FROM (
    SELECT *, row_number() OVER (PARTITION BY conversation ORDER BY id) AS place
    FROM inbox INDEXED BY inbox_new WHERE status = 'new' AND conversation IN (SELECT value FROM json_each(?))
) WHERE place <= ? ORDER BY id
"""
_ADVANCE = """
UPDATE conversation SET state = ?, wake = ?, active = max(active, ?), version = version + 1,
    ready = (SELECT min(received) FROM inbox INDEXED BY inbox_new WHERE conversation = ? AND status = 'new')
WHERE id = ? AND version = ?
"""
_REST = "UPDATE conversation SET ready = (SELECT min(received) FROM inbox INDEXED BY inbox_new WHERE conversation = ? AND status = 'new') WHERE id = ?"
_SPEAK = "INSERT INTO message (conversation, event, side, body, knowledge, at) VALUES (?, ?, ?, ?, ?, ?)"
_PUSH = "INSERT INTO outbox (lane, dedupe, conversation, message, not_before, created) VALUES (?, ?, ?, ?, ?, ?)"
_INDEX = "INSERT INTO message_words (rowid, words) VALUES (?, ?)"
_KEEP = f"""
INSERT INTO ticket (conversation, {", ".join(TICKET)}) VALUES ({", ".join("?" * (len(TICKET) + 1))})
ON CONFLICT (conversation, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in TICKET_CHANGES)},
    packet = CASE excluded.packet WHEN '' THEN packet ELSE excluded.packet END
"""
_LINK = """
UPDATE ticket SET incident = (SELECT id FROM incident WHERE status = 'announced' AND topic = ? AND code IN ('', ?) AND acquirer IN ('', ?) LIMIT 1)
WHERE conversation = ? AND number = ? AND incident IS NULL AND status NOT IN ('solved', 'closed')
"""
_LOG = """
INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at)
SELECT id, ?, ?, ?, ?, ?, ? FROM ticket WHERE conversation = ? AND number = ?
"""
_RATE = "INSERT INTO rating (event, conversation, topic, stars, at, number) VALUES (?, ?, ?, ?, ?, ?)"
_BEGIN = "INSERT INTO trouble VALUES (:event, :conversation, :topic, :began, :ended, :how) ON CONFLICT DO NOTHING"
_TURN = """
UPDATE trouble SET topic = CASE :topic WHEN '' THEN topic ELSE :topic END, ended = :ended, how = :how WHERE conversation = :conversation AND ended IS NULL
"""
_TRY = """
INSERT INTO trial (trouble, topic, step, result)
SELECT max(event), :topic, :step, :result FROM trouble WHERE conversation = :conversation AND event <= :event HAVING max(event) IS NOT NULL
ON CONFLICT (trouble, topic, step) DO UPDATE SET result = excluded.result WHERE excluded.result <> ''
"""
_SILENT = """
INSERT INTO inbox (channel, ext_id, conversation, kind, body, received)
SELECT channel, 'timer:' || id || ':' || wakes, id, 'silent', '{}', :now FROM conversation WHERE wake <= :now
ON CONFLICT (channel, ext_id) DO NOTHING
"""
_WOKEN = "UPDATE conversation SET wake = NULL, wakes = wakes + 1, ready = coalesce(ready, :now) WHERE wake <= :now"
_CLAIM = """
UPDATE outbox SET status = 'sending', lease = :lease, maybe_duplicate = maybe_duplicate OR status = 'sending' WHERE id IN (
    SELECT id FROM outbox AS o
    WHERE status IN ('new', 'sending') AND not_before <= :now AND (status = 'new' OR lease <= :now)
    AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.lane = o.lane AND earlier.id < o.id AND earlier.status IN ('new', 'sending'))
    ORDER BY not_before, id LIMIT :limit
) RETURNING id
"""
_OUTGOING = f"""
SELECT {OUTGOING}
FROM outbox AS o JOIN conversation AS c ON c.id = o.conversation JOIN message AS m ON m.id = o.message
"""
_CLAIMED = _OUTGOING + "WHERE o.id IN (SELECT value FROM json_each(?)) ORDER BY o.id"
_QUEUED = _OUTGOING + "WHERE o.lane = (SELECT lane FROM outbox WHERE id = ?) AND o.status = 'new' AND o.id > ? ORDER BY o.id LIMIT ?"
_ALONG = "UPDATE outbox SET status = 'sent', remote_id = ? WHERE id = ? AND status = 'new'"
_LATER = """
UPDATE outbox SET status = 'new', lease = NULL, not_before = ?, tries = tries + ?, maybe_duplicate = maybe_duplicate OR ?, error = ?
WHERE id = ? AND status = 'sending'
"""
_TRANSCRIPT = """
SELECT m.id, m.side, m.body, m.at, i.ext_id FROM message AS m JOIN conversation AS c ON c.id = m.conversation
LEFT JOIN inbox AS i ON i.id = m.event AND m.side = 'merchant'
WHERE c.public_id = ? AND m.id > ? AND m.side <> 'note' ORDER BY m.id LIMIT ?
"""
_VERSIONS = "SELECT public_id, version FROM conversation WHERE public_id IN (SELECT value FROM json_each(?))"
_BEFORE = _TRANSCRIPT.replace("m.id >", "m.id <").replace("ORDER BY m.id", "ORDER BY m.id DESC")
_PURGE = (
    "DELETE FROM outbox WHERE status IN ('sent', 'dead') AND created < :messages",
    "DELETE FROM inbox WHERE status <> 'new' AND received < :messages",
    "DELETE FROM message WHERE at < :messages AND id NOT IN (SELECT message FROM outbox WHERE status IN ('new', 'sending'))",
    "DELETE FROM photo WHERE at < :photos",
    "DELETE FROM presence WHERE until < :messages",
    "DELETE FROM forum_update WHERE handled < :messages",
    "DELETE FROM forum_alarm WHERE given < :messages",
    "DELETE FROM forum_fact WHERE at < :conversations",
    "DELETE FROM session WHERE seen < :messages",
    "DELETE FROM incident WHERE coalesce(ended, proposed) < :conversations AND status <> 'announced'",
    "DELETE FROM ticket WHERE changed < :conversations AND status = 'closed'",
    "DELETE FROM rating WHERE at < :conversations",
    "DELETE FROM trouble WHERE ended < :conversations",
    "DELETE FROM audit WHERE at < :audit",
    "DELETE FROM conversation WHERE active < :conversations AND ready IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM ticket WHERE conversation = conversation.id AND status NOT IN ('solved', 'closed'))",
)
_LATEST = """
SELECT max(coalesce((SELECT max(active) FROM conversation), 0), coalesce((SELECT max(ready) FROM conversation WHERE ready IS NOT NULL), 0))
"""
_COUNTS = """
SELECT (SELECT count(*) FROM inbox WHERE status = 'new'), (SELECT min(ready) FROM conversation WHERE ready IS NOT NULL),
    (SELECT count(*) FROM outbox WHERE status IN ('new', 'sending')), (SELECT count(*) FROM outbox WHERE status = 'dead'),
    (SELECT count(*) FROM ticket WHERE status NOT IN ('solved', 'closed'))
"""
