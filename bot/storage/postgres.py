"""The store in PostgreSQL, for any number of processes side by side. Times are microseconds UTC.

Who changes a conversation holds its row's lock: a step from the moment when it claims the conversation, an arrival before it gets its number. So numbers grow
in the order of commits within a conversation, a step sees all that came before its lock, and a lock dies with its connection. Nobody waits for the network
while holding one. Locks are taken in one order (conversations by address, then inbox rows by id from outside), and what can leave a row for later skips rows
that are locked (step, wake, claim, purge): so nobody waits in a circle.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

import asyncpg

from bot.domain.errors import StoreUnavailable
from bot.domain.messages import Address, Photo
from bot.service.ports import MOST_EVENTS, Counts, Later, Line, Outgoing, Pending, Sent, Undeliverable, Work
from bot.wording import say

from . import migrations
from .figures import Figures
from .gathered import Gathered
from .postgres_desk import PostgresDesk
from .postgres_staff import PostgresStaff
from .rows import TICKET, TICKET_CHANGES, key, logged_values, outgoing, storable, ticket_values
from .words import line_words, vector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from bot.service.ports import Arrival, Decide, Delivery, Outcome, Retention, Spoken

CONNECTIONS = 10
"""For each process: its steps, its arrivals, and a few for everything else."""
STEPS = 4
"""Conversations that are stepped side by side: while one waits for the disk the others decide."""
AT_ONCE = 16
"""Conversations for one call of `step`, so that the caller hears of them soon."""
ARRIVALS = 4
"""Groups of arrivals that are written side by side; one that waits for a conversation's lock holds back a part of the chats only."""
TIMEOUT = 10.0
"""Seconds for a connection, or for an answer of the server; a little longer than the server's own limits, which say better what was wrong."""
LONG = 600.0
"""Seconds for a change of the schema, and for the nightly forgetting."""
_SETTINGS = {
    "application_name": "posbot",
    "statement_timeout": "8s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",  # a process that hangs in a step loses its conversation to the others
    "default_transaction_isolation": "read committed",  # each statement sees what was committed before it: `step` depends on it
    "jit": "off",
}
_UNAVAILABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
"""What passes by itself or is the operator's to mend; other errors are our own."""
_MIGRATING = 0x706F73626F74
"""The advisory lock of whoever changes the schema: "posbot"."""


class PostgresStore:
    """A store on a server. `new_id` gives public ids that nobody can guess; `desk` is the staff's side of it, `reports` are figures.

    StoreUnavailable means that nothing was done, except when the connection died while the server was committing: then nobody knows. What the workers and
    channels call may be called again in either case.
    """

    def __init__(self, pool: asyncpg.Pool, new_id: Callable[[], str]) -> None:
        self._pool, self._new_id = pool, new_id
        self.desk = PostgresDesk(fetch=self._fetch, transaction=self._transaction)
        self.reports = Figures(read=self._reckon, listed="SELECT start FROM unnest({bounds}::bigint[]) AS start")
        self.staff = PostgresStaff(self._transaction, self._fetch)
        self._accepting = [Gathered(partial(self._accept_all, asyncio.Lock())) for _ in range(ARRIVALS)]

    @classmethod
    async def open(cls, dsn: str, new_id: Callable[[], str]) -> PostgresStore:
        """Connect, and bring the schema up to date; any number of processes may do so at once. Raises StoreUnavailable."""
        try:
            with _translated():
                pool = await asyncpg.create_pool(
                    dsn, min_size=1, max_size=CONNECTIONS, timeout=TIMEOUT, command_timeout=TIMEOUT, server_settings=_SETTINGS, reset=_leave
                )
        except ValueError:  # its text may quote a part of the password
            raise StoreUnavailable(say("store.address")) from None
        try:
            with _translated():
                await migrate(pool)
        except BaseException:
            pool.terminate()
            raise
        return cls(pool, new_id)

    async def close(self) -> None:
        """Let what is under way come to its end, and disconnect."""
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def accept(self, arrival: Arrival) -> str:
        """Keep an arrival; the public id of its conversation."""
        return await self._accepting[hash(arrival.address) % ARRIVALS].add(arrival)

    async def _accept_all(self, turn: asyncio.Lock, take: Callable[[], list[Arrival]]) -> list[str]:
        async with turn, self._connection() as connection:
            rows = [
                (self._new_id(), a.address.channel, key(a.address.chat), storable(a.profile), key(a.ext_id), a.kind, storable(a.body), a.received)
                for a in take()
            ]
            return [id for (id,) in await connection.fetch(_ACCEPT, *_columns(rows, 8))]

    async def step(self, decide: Decide, now: int) -> int:
        """Let `decide` handle up to `AT_ONCE` conversations, some of them side by side, each in a transaction of its own."""
        waiting = await self._one("SELECT count(*) FROM (SELECT FROM conversation WHERE ready <= $1 LIMIT $2) AS few", now, STEPS)
        handled: list[int] = []
        ends = await asyncio.gather(*(self._steps(decide, now, handled) for _ in range(waiting)), return_exceptions=True)
        if failed := [end for end in ends if end is not None]:
            raise failed[0]
        return len(handled)

    async def _steps(self, decide: Decide, now: int, handled: list[int]) -> None:
        while len(handled) < AT_ONCE and await self._step(decide, now, handled):
            pass

    async def _step(self, decide: Decide, now: int, handled: list[int]) -> bool:
        """Handle the conversation that has waited longest and is in nobody's hands; whether there was one. `handled` have had their turn."""
        async with self._transaction() as connection:
            claimed = await connection.fetchrow(_READY, now, handled)
            if claimed is None:
                return False
            handled.append(claimed["id"])
            # A statement of its own, so that it sees what was committed until the lock was there.
            events = await connection.fetch(_PENDING, claimed["id"], MOST_EVENTS)
            if events:
                work = _work(claimed, events)
                await _write(connection, work, decide(work))
            else:  # what came was there already
                await connection.execute("UPDATE conversation SET ready = NULL WHERE id = $1", claimed["id"])
            return True

    async def wake(self, now: int) -> int:
        """Silence that has lasted long enough becomes events."""
        return len(await self._fetch(_WAKE, now))

    async def claim(self, now: int, lease: int, limit: int) -> list[Outgoing]:
        """The first waiting line of each chat, reserved. Lines of a sender that died come back after their lease: others may be alive when one starts."""
        return [outgoing(tuple(row)) for row in await self._fetch(_CLAIM, now, lease, limit)]

    async def settle(self, id: int, delivery: Delivery) -> None:
        """What became of a claimed line."""
        await self._fetch(*_settled(id, delivery))

    async def transcript(self, conversation: str, after: int, limit: int) -> list[Line]:
        """Lines after the line `after`, oldest first."""
        return [Line(**row) for row in await self._fetch(_TRANSCRIPT, storable(conversation), after, limit)]

    async def conversation(self, address: Address) -> str | None:
        """The public id of the conversation with this chat."""
        found = await self._one("SELECT public_id FROM conversation WHERE channel = $1 AND chat = $2", address.channel, key(address.chat))
        return None if found is None else str(found)

    async def address(self, conversation: str) -> Address | None:
        """Where a conversation takes place."""
        rows = await self._fetch("SELECT channel, chat FROM conversation WHERE public_id = $1", storable(conversation))
        return Address(**rows[0]) if rows else None

    async def keep(self, photo: Photo, address: Address, now: int) -> None:
        """Keep a picture, once."""
        row = (photo.id, address.channel, key(address.chat), photo.mime, photo.width, photo.height, photo.data, now)
        await self._fetch("INSERT INTO photo VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING", *row)

    async def photo(self, id: str, address: Address) -> Photo | None:
        """A picture of this chat."""
        query = "SELECT id, mime, width, height, data FROM photo WHERE id = $1 AND channel = $2 AND chat = $3"
        rows = await self._fetch(query, storable(id), address.channel, key(address.chat))
        return Photo(**rows[0]) if rows else None

    async def forget(self, address: Address) -> bool:
        """Delete everything of a chat; what was said goes with the conversation."""
        where = (address.channel, key(address.chat))
        async with self._transaction() as connection:
            conversations = await connection.fetch("DELETE FROM conversation WHERE channel = $1 AND chat = $2 RETURNING id", *where)
            photos = await connection.fetch("DELETE FROM photo WHERE channel = $1 AND chat = $2 RETURNING id", *where)
        return bool(conversations or photos)

    async def purge(self, retention: Retention) -> int:
        """Delete what is older; what still waits, and what staff have not closed, stays, and so does for now what somebody has just in hand."""
        rows = 0
        async with self._transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            for statement, before in _PURGE:
                rows += _affected(await connection.execute(statement, getattr(retention, before), timeout=LONG))
        return rows

    async def latest(self) -> int:
        """The last moment at which something came or was done."""
        return int(await self._one(_LATEST))

    async def counts(self, now: int) -> Counts:
        """How much waits."""
        ((inbox, oldest, outbox, dead, tickets),) = await self._fetch(_COUNTS)
        return Counts(inbox=inbox, outbox=outbox, dead=dead, tickets=tickets, oldest=now - oldest if oldest else 0)

    async def _one(self, query: str, *values: Any) -> Any:
        rows = await self._fetch(query, *values)
        return rows[0][0] if rows else None

    async def _fetch(self, statement: str, *values: Any) -> list[Any]:
        """The rows of one statement, which is a transaction by itself."""
        async with self._connection() as connection:
            return list(await connection.fetch(statement, *values))

    async def _reckon(self, statement: str, **values: Any) -> list[Any]:
        """The rows of a report."""
        return await self._fetch(statement.format(**{name: f"${place}" for place, name in enumerate(values, 1)}), *values.values())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with _translated():
            async with self._pool.acquire(timeout=TIMEOUT) as connection:
                try:
                    yield connection
                except asyncpg.InternalClientError:  # ended by the server, but asyncpg would take it for a good one until the network says so too
                    connection.terminate()
                    raise

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        async with self._connection() as connection, connection.transaction():
            yield connection


@contextmanager
def _translated() -> Iterator[None]:
    """Say StoreUnavailable for whatever asyncpg, the network or the server call it."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


async def _leave(_: asyncpg.Connection) -> None:
    """Nothing that we do outlives a transaction, so a connection needs no reset, which costs one more question each time."""


async def migrate(pool: asyncpg.Pool) -> None:
    """Bring the schema up to date, all in one transaction; others wait for it. Raises StoreUnavailable for one that is newer than the program."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATING, timeout=LONG)
        await connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY)")
        version = await connection.fetchval("SELECT coalesce(max(version), 0) FROM schema_version")
        if version > migrations.newest("postgres"):
            raise StoreUnavailable(say("store.newer", version=version, newest=migrations.newest("postgres")))
        for number, statements in migrations.after("postgres", version):
            await connection.execute(statements, timeout=LONG)
            await connection.execute("INSERT INTO schema_version VALUES ($1)", number)


async def _write(connection: Any, work: Work, outcome: Outcome) -> None:
    """One step: its events done, state, transcript, lines to be sent, tickets. No version is compared: the row's lock keeps others away."""
    ended = [(id, None) for id in outcome.done] + [(id, storable(reason)) for id, reason in outcome.dead]
    active = max(event.received for event in work.events)
    await connection.execute(_ADVANCE, work.id, storable(outcome.state), outcome.wake, active, *_columns(ended, 2))
    if outcome.spoken:
        lines = [(line.event, line.side, storable(line.body), line.at, line.push, _vector(line)) for line in outcome.spoken]
        await connection.execute(_SPEAK, work.id, outcome.knowledge, f"{work.address.channel}:{work.address.chat}", *_columns(lines, 6))
    for ticket in outcome.tickets:
        await connection.execute(_KEEP, *ticket_values(ticket, work.id))
        await connection.execute(_LINK, ticket.topic, ticket.code, ticket.acquirer, work.id, ticket.number)
    for rating in outcome.rated:
        await connection.execute(_RATE, rating.event, work.id, rating.topic, rating.stars, rating.at, rating.number)
    for deed in outcome.logged:  # last: its trigger holds a lock until the commit, so that ids come in the order of commits
        await connection.execute(_LOG, *logged_values(deed, work.id))


def _vector(line: Spoken) -> str | None:
    """A line's words as the search has them, None for one that is not searched."""
    words = line_words(line.side, storable(line.body))
    return vector(words) if words else None


def _work(claimed: Any, events: Iterable[Any]) -> Work:
    id, public_id, channel, chat, profile, state, version = claimed
    return Work(
        id=id, public_id=public_id, address=Address(channel=channel, chat=chat), profile=profile, state=state, version=version,
        events=tuple(Pending(**event) for event in events),
    )  # fmt: skip


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as one array for each column, which is how a statement takes many."""
    return [[row[place] for row in rows] for place in range(width)]


def _affected(tag: str) -> int:
    """How many rows, from the server's word such as `DELETE 3`."""
    return int(tag.rpartition(" ")[2])


def _settled(id: int, delivery: Delivery) -> tuple[Any, ...]:
    """The statement and its values."""
    match delivery:
        case Sent(remote_id=remote):
            return _SENT, id, storable(remote)
        case Later():
            return _LATER, id, delivery.not_before, int(delivery.counts), delivery.maybe_arrived, storable(delivery.error)
        case Undeliverable(error=error):
            return _UNDELIVERABLE, id, storable(error)
        case _:
            assert_never(delivery)


# One statement, so one journey to the server for hundreds of arrivals. Conversations are greeted first, sorted, so that two groups never wait for each
# other. Rows get their numbers in the order in which they came, and only once their conversations are locked; they are inserted by id from outside, because
# an id that another group is just inserting is waited for too.
_ACCEPT = """
WITH arrival AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
        WITH ORDINALITY AS a (public_id, channel, chat, profile, ext_id, kind, body, received, place)
), greeted AS (
    INSERT INTO conversation AS c (public_id, channel, chat, profile, ready, created, active)
    SELECT (array_agg(public_id ORDER BY place))[1], channel, chat,
        coalesce((array_agg(profile ORDER BY place DESC) FILTER (WHERE profile <> '{}'))[1], '{}'), min(received), min(received), min(received)
    FROM arrival GROUP BY channel, chat ORDER BY channel, chat
    ON CONFLICT (channel, chat) DO UPDATE SET
        ready = least(c.ready, excluded.ready),
        profile = CASE excluded.profile WHEN '{}' THEN c.profile ELSE excluded.profile END
    RETURNING id, public_id, channel, chat
), numbered AS MATERIALIZED (
    SELECT nextval('inbox_id_seq') AS id, sorted.* FROM (
        SELECT a.channel, a.ext_id, g.id AS conversation, a.kind, a.body, a.received FROM arrival AS a JOIN greeted AS g USING (channel, chat) ORDER BY a.place
    ) AS sorted
), kept AS (
    INSERT INTO inbox (id, channel, ext_id, conversation, kind, body, received)
    SELECT * FROM (SELECT id, channel, ext_id, conversation, kind, body, received FROM numbered ORDER BY channel, ext_id, id) AS sorted
    ON CONFLICT (channel, ext_id) DO NOTHING
)
SELECT g.public_id FROM arrival JOIN greeted AS g USING (channel, chat) ORDER BY place
"""
_READY = """
SELECT id, public_id, channel, chat, profile, state, version FROM conversation
WHERE ready <= $1 AND id <> ALL ($2::bigint[]) ORDER BY ready LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_PENDING = "SELECT id, kind, body, received FROM inbox WHERE conversation = $1 AND status = 'new' ORDER BY id LIMIT $2"
# The rows that end here still look new to the rest of the statement, so what is ready is found without them.
_ADVANCE = """
WITH ended AS (
    UPDATE inbox SET status = CASE WHEN e.error IS NULL THEN 'done' ELSE 'dead' END, error = e.error
    FROM unnest($5::bigint[], $6::text[]) AS e (id, error) WHERE inbox.id = e.id
)
UPDATE conversation SET state = $2, wake = $3, active = greatest(active, $4), version = version + 1,
    ready = (SELECT min(received) FROM inbox WHERE conversation = $1 AND status = 'new' AND id <> ALL ($5::bigint[]))
WHERE id = $1
"""
_SPEAK = """
WITH line AS MATERIALIZED (
    SELECT nextval('message_id_seq') AS id, spoken.*
    FROM unnest($4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[]) AS spoken (event, side, body, at, push, words)
), said AS (
    INSERT INTO message (id, conversation, event, side, body, knowledge, at, words)
    SELECT id, $1, event, side, body, $2, at, words::tsvector FROM line
)
INSERT INTO outbox (lane, dedupe, conversation, message, not_before, created) SELECT $3, push, $1, id, at, at FROM line WHERE push IS NOT NULL ORDER BY id
"""
_KEEP = f"""
INSERT INTO ticket AS t (conversation, {", ".join(TICKET)}) VALUES ({", ".join(f"${place}" for place in range(1, len(TICKET) + 2))})
ON CONFLICT (conversation, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in TICKET_CHANGES)},
    packet = CASE excluded.packet WHEN '' THEN t.packet ELSE excluded.packet END
"""
_LINK = """
UPDATE ticket SET incident = (SELECT id FROM incident WHERE status = 'announced' AND topic = $1 AND code IN ('', $2) AND acquirer IN ('', $3) LIMIT 1)
WHERE conversation = $4 AND number = $5 AND incident IS NULL AND status NOT IN ('solved', 'closed')
"""
_LOG = """
INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at)
SELECT id, $1, $2, $3, $4, $5, $6 FROM ticket WHERE conversation = $7 AND number = $8
"""
_RATE = "INSERT INTO rating (event, conversation, topic, stars, at, number) VALUES ($1, $2, $3, $4, $5, $6)"
_WAKE = """
WITH due AS (
    SELECT id, channel, wakes FROM conversation WHERE wake <= $1 ORDER BY id FOR UPDATE SKIP LOCKED
), woken AS (
    UPDATE conversation AS c SET wake = NULL, wakes = c.wakes + 1, ready = coalesce(c.ready, $1) FROM due WHERE c.id = due.id
)
INSERT INTO inbox (channel, ext_id, conversation, kind, body, received)
SELECT channel, 'timer:' || id || ':' || wakes, id, 'silent', '{}', $1 FROM due
ON CONFLICT (channel, ext_id) DO NOTHING RETURNING id
"""
# A line is due when it is the first of its lane that waits, and nothing of the lane is being sent. Lanes are found in one walk: to ask for each line whether
# there is an earlier one takes ten times as long when 20,000 wait. They are an array, because a join with them, or an index on `not_before`, is planned
# badly (seconds, not milliseconds) while the server has no statistics. A line that somebody claims at the same moment is either locked, and skipped, or
# looked at once more as it is then.
_CLAIM = """
WITH due AS (
    SELECT id FROM outbox
    WHERE id = ANY (ARRAY(SELECT min(id) FROM outbox WHERE status IN ('new', 'sending') GROUP BY lane HAVING coalesce(max(lease), 0) <= $1))
    AND status IN ('new', 'sending') AND not_before <= $1 AND coalesce(lease, 0) <= $1
    ORDER BY not_before, id LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE outbox AS o SET status = 'sending', lease = $2, maybe_duplicate = o.maybe_duplicate OR o.status = 'sending'
    FROM due WHERE o.id = due.id RETURNING o.*
)
SELECT t.id, c.channel, c.chat, c.public_id, t.message, m.body, t.dedupe, t.tries, t.created, t.maybe_duplicate
FROM taken AS t JOIN conversation AS c ON c.id = t.conversation JOIN message AS m ON m.id = t.message ORDER BY t.id
"""
# What was settled stays so: a sender whose lease ran out may speak after the one that took its place.
_SENT = "UPDATE outbox SET status = 'sent', lease = NULL, remote_id = $2 WHERE id = $1 AND status = 'sending'"
_UNDELIVERABLE = "UPDATE outbox SET status = 'dead', lease = NULL, error = $2 WHERE id = $1 AND status = 'sending'"
_LATER = """
UPDATE outbox SET status = 'new', lease = NULL, not_before = $2, tries = tries + $3, maybe_duplicate = maybe_duplicate OR $4, error = $5
WHERE id = $1 AND status = 'sending'
"""
_TRANSCRIPT = """
SELECT m.id, m.side, m.body, m.at, i.ext_id FROM message AS m JOIN conversation AS c ON c.id = m.conversation
LEFT JOIN inbox AS i ON i.id = m.event AND m.side = 'merchant'
WHERE c.public_id = $1 AND m.id > $2 AND m.side <> 'note' ORDER BY m.id LIMIT $3
"""
# (statement, the limit of `Retention`). Rows that somebody has locked are left for the next night, so nobody waits in a circle, two that purge included.
_PURGE = (
    (
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE status IN ('sent', 'dead') AND created < $1 FOR UPDATE SKIP LOCKED)",
        "messages",
    ),
    (
        "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE status <> 'new' AND received < $1 FOR UPDATE SKIP LOCKED)",
        "messages",
    ),
    (
        "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE at < $1"
        " AND NOT EXISTS (SELECT FROM outbox WHERE message = message.id AND status IN ('new', 'sending')) FOR UPDATE SKIP LOCKED)",
        "messages",
    ),
    (
        "DELETE FROM photo WHERE id IN (SELECT id FROM photo WHERE at < $1 FOR UPDATE SKIP LOCKED)",
        "photos",
    ),
    (
        "DELETE FROM presence WHERE until < $1",
        "messages",
    ),
    (
        "DELETE FROM incident WHERE ended < $1",
        "conversations",
    ),
    (
        "DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE active < $1 AND ready IS NULL"
        " AND NOT EXISTS (SELECT FROM ticket WHERE conversation = conversation.id AND status NOT IN ('solved', 'closed')) FOR UPDATE SKIP LOCKED)",
        "conversations",
    ),
)
_LATEST = "SELECT greatest((SELECT max(active) FROM conversation), (SELECT max(ready) FROM conversation WHERE ready IS NOT NULL), 0)"
_COUNTS = """
SELECT (SELECT count(*) FROM inbox WHERE status = 'new'), (SELECT min(ready) FROM conversation),
    (SELECT count(*) FROM outbox WHERE status IN ('new', 'sending')), (SELECT count(*) FROM outbox WHERE status = 'dead'),
    (SELECT count(*) FROM ticket WHERE status NOT IN ('solved', 'closed'))
"""
