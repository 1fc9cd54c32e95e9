"""The store in PostgreSQL, for any number of processes side by side. Times are microseconds UTC.

Who changes a conversation holds its row's lock: a step from the moment when it claims the conversation, an arrival before it gets its number. So numbers grow
in the order of commits within a conversation, a step sees all that came before its lock, and a lock dies with its connection. Nobody waits for the network
while holding one. Locks are taken in one order (conversations by address, then inbox rows by id from outside), and what can leave a row for later skips rows
that are locked (step, wake, claim, purge): so nobody waits in a circle.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, assert_never

import asyncpg

from bot.domain.errors import StoreUnavailable
from bot.domain.messages import Address, Photo
from bot.service.ports import MOST_EVENTS, Counts, Held, Later, Line, Outgoing, Pending, Sent, Undeliverable, Work
from bot.wording import say

from . import migrations
from .figures import Figures
from .forum import Forum
from .gathered import Gathered
from .postgres_desk import PostgresDesk
from .postgres_staff import RECORD, PostgresStaff
from .queues import ACTIVE
from .rows import OUTGOING, TICKET, TICKET_CHANGES, entry_values, forgetting, key, logged_values, outgoing, storable, ticket_values
from .words import line_words, vector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence

    from bot.domain.audit import Entry
    from bot.service.ports import Arrival, Decide, Delivery, Forgotten, Outcome, Retention, Spoken

CONNECTIONS = 10
"""For each process: its steps, its arrivals, and a few for everything else."""
STEPS = 2
"""Transactions with steps side by side: while one waits for the server the other decides."""
SHARE = 8
"""Conversations that are stepped in one transaction: one journey for all of them, and some ten milliseconds for which the first of them waits for the last.
They share its `MOST_EVENTS`; what is left of one that has said more comes next."""
AT_ONCE = 16
"""Conversations for one call of `step`, so that the caller hears of them soon."""
TURNS = 8
"""Turns of the loop between two decisions: a request needs about so many from its socket to the database."""
ARRIVALS = 2
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
        self.forum = Forum(read=self._together, write=self._together)
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
        (conversation,) = await self._accepting[_lane(arrival)].add([arrival])
        return conversation

    async def accept_all(self, arrivals: Sequence[Arrival]) -> Sequence[str]:
        """Keep arrivals, each chat's in order; the public ids of their conversations. When it fails, some may have been kept."""
        lanes: defaultdict[int, list[int]] = defaultdict(list)
        for place, arrival in enumerate(arrivals):
            lanes[_lane(arrival)].append(place)
        found = await asyncio.gather(*(self._accepting[lane].add([arrivals[place] for place in places]) for lane, places in lanes.items()))
        conversations = dict(zip(chain.from_iterable(lanes.values()), chain.from_iterable(found), strict=True))
        return [conversations[place] for place in range(len(arrivals))]

    async def _accept_all(self, turn: asyncio.Lock, take: Callable[[], list[Arrival]]) -> list[str]:
        async with turn, self._connection() as connection:
            rows = [
                (self._new_id(), a.address.channel, key(a.address.chat), storable(a.profile), key(a.ext_id), a.kind, storable(a.body), a.received)
                for a in take()
            ]
            return [id for (id,) in await connection.fetch(_ACCEPT, *_columns(rows, 8))]

    async def step(self, decide: Decide, now: int) -> int:
        """Let `decide` handle up to `AT_ONCE` conversations, a few in each transaction. One that cannot be written does not hold up the others."""
        waiting = await self._one("SELECT count(*) FROM (SELECT FROM conversation WHERE ready <= $1 LIMIT $2) AS few", now, STEPS * SHARE)
        handled: set[int] = set()
        ends = await asyncio.gather(*(self._steps(decide, now, handled) for _ in range(-(-waiting // SHARE))), return_exceptions=True)
        if failed := [end for end in ends if end is not None]:
            raise failed[0]
        return len(handled)

    async def _steps(self, decide: Decide, now: int, handled: set[int]) -> None:
        share, failed = SHARE, None
        while len(handled) < AT_ONCE:
            try:
                if not await self._step(decide, now, handled, share):
                    break
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001  (it is raised, but the others come first)
                share, failed = 1, error
        if failed:
            raise failed

    async def _step(self, decide: Decide, now: int, handled: set[int], share: int) -> bool:
        """Handle those that have waited longest and are in nobody's hands; whether there were any. `handled` have had their turn."""
        ids: list[int] = []
        try:
            async with self._transaction() as connection:
                claimed = await connection.fetch(_READY, now, list(handled), share)
                ids += [row["id"] for row in claimed]
                handled.update(ids)
                if claimed:
                    await self._decide(connection, decide, claimed)
        except Exception:
            if len(ids) > 1:  # who of them it was shows when each is alone
                handled.difference_update(ids)
            raise
        return bool(ids)

    async def _decide(self, connection: Any, decide: Decide, claimed: Sequence[Any]) -> None:
        events: dict[int, list[Any]] = {row["id"]: [] for row in claimed}
        # A statement of its own, so that it sees what was committed until the locks were there.
        for conversation, *event in await connection.fetch(_PENDING, list(events), MOST_EVENTS // len(claimed)):
            events[conversation].append(event)
        decided = []
        for row in claimed:
            if pending := events[row["id"]]:
                work = _work(row, pending)
                decided.append((work, decide(work)))
                for _ in range(TURNS):  # requests are taken in between two decisions
                    await asyncio.sleep(0)
        if decided:
            await _write(connection, decided)
        if idle := [id for id, pending in events.items() if not pending]:  # what came was there already
            await connection.execute("UPDATE conversation SET ready = NULL WHERE id = ANY ($1::bigint[])", idle)

    async def wake(self, now: int) -> int:
        """Silence that has lasted long enough becomes events."""
        return len(await self._fetch(_WAKE, now))

    async def claim(self, now: int, lease: int, limit: int) -> list[Outgoing]:
        """The first waiting line of each chat, reserved. Lines of a sender that died come back after their lease: others may be alive when one starts."""
        return [outgoing(tuple(row)) for row in await self._fetch(_CLAIM, now, lease, limit)]

    async def queued(self, id: int, limit: int) -> list[Outgoing]:
        """The lines that wait behind this one for the same chat, in order."""
        return [outgoing(tuple(row)) for row in await self._fetch(_QUEUED, id, limit)]

    async def settle(self, id: int, delivery: Delivery) -> None:
        """What became of a claimed line, and of those that went along with it."""
        await self._fetch(*_settled(id, delivery))

    async def transcript(self, conversation: str, after: int, limit: int) -> list[Line]:
        """Lines after the line `after`, oldest first."""
        return [Line(**row) for row in await self._fetch(_TRANSCRIPT, storable(conversation), after, limit)]

    async def versions(self, conversations: Sequence[str]) -> Mapping[str, int]:
        """How often each of these conversations has changed."""
        return dict(await self._fetch(_VERSIONS, [*map(storable, conversations)]))

    async def earlier(self, conversation: str, before: int, limit: int) -> list[Line]:
        """The last lines before the line `before`, oldest first."""
        return [Line(**row) for row in reversed(await self._fetch(_BEFORE, storable(conversation), before, limit))]

    async def conversation(self, address: Address) -> str | None:
        """The public id of the conversation with this chat."""
        found = await self._one("SELECT public_id FROM conversation WHERE channel = $1 AND chat = $2", address.channel, key(address.chat))
        return None if found is None else str(found)

    async def address(self, conversation: str) -> Address | None:
        """Where a conversation takes place."""
        rows = await self._fetch("SELECT channel, chat FROM conversation WHERE public_id = $1", storable(conversation))
        return Address(**rows[0]) if rows else None

    async def state(self, conversation: str) -> str | None:
        """What a conversation has come to."""
        found = await self._one("SELECT state FROM conversation WHERE public_id = $1", storable(conversation))
        return None if found is None else str(found)

    async def seize(self, name: str) -> Seized | None:
        """The right to do something alone: an advisory lock, which dies with its connection."""
        with _translated():
            connection = await self._pool.acquire(timeout=TIMEOUT)
            try:
                got = await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name)
            except BaseException:
                connection.terminate()
                await self._pool.release(connection)
                raise
            if not got:
                await self._pool.release(connection)
                return None
            return Seized(self._pool, connection)

    async def keep(self, photo: Photo, address: Address, now: int) -> None:
        """Keep a picture, once."""
        row = (photo.id, address.channel, key(address.chat), photo.mime, photo.width, photo.height, photo.data, now)
        await self._fetch("INSERT INTO photo VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING", *row)

    async def photo(self, id: str, address: Address) -> Photo | None:
        """A picture of this chat."""
        query = "SELECT id, mime, width, height, data FROM photo WHERE id = $1 AND channel = $2 AND chat = $3"
        rows = await self._fetch(query, storable(id), address.channel, key(address.chat))
        return Photo(**rows[0]) if rows else None

    async def forget(self, address: Address, entry: Entry) -> bool:
        """Delete everything of a chat; what was said goes with the conversation."""
        async with self._transaction() as connection:
            return await _forget(connection, (address.channel, key(address.chat)), entry)

    async def held(self, address: Address) -> Held:
        """What there is of a chat."""
        ((lines, photos, tickets, open_),) = await self._fetch(_HELD, address.channel, key(address.chat))
        return Held(lines=lines, photos=photos, tickets=tickets, open=tuple(open_))

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

    async def _together(self, *statements: tuple[str, Sequence[Any]]) -> list[Any]:
        """Statements in one transaction; the rows of the last one."""
        rows: list[Any] = []
        async with self._transaction() as connection:
            for statement, values in statements:
                rows = await connection.fetch(statement, *values)
        return list(rows)

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


class Seized:
    """An advisory lock, and the connection that has it: both end together."""

    def __init__(self, pool: asyncpg.Pool, connection: Any) -> None:
        self._pool, self._connection = pool, connection

    async def lasts(self) -> bool:
        """Whether the connection lives; the server gives up the lock of one that does not."""
        try:
            await self._connection.fetchval("SELECT 1", timeout=TIMEOUT)
        except (*_UNAVAILABLE, TimeoutError):
            return False
        return True

    async def release(self) -> None:
        """End the connection."""
        self._connection.terminate()
        await self._pool.release(self._connection)


@contextmanager
def _translated() -> Iterator[None]:
    """Say StoreUnavailable for whatever asyncpg, the network or the server call it."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


def _lane(arrival: Arrival) -> int:
    """Which of the lanes keeps what comes of this chat."""
    return hash(arrival.address) % ARRIVALS


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


async def _forget(connection: Any, where: tuple[str, str], entry: Entry) -> bool:
    """Delete everything of a chat, and keep that it was; whether there was anything."""
    await connection.execute("SELECT FROM conversation WHERE channel = $1 AND chat = $2 FOR UPDATE", *where)
    tickets = await connection.fetch(_TICKETS_OF, *where)  # as they are once nobody else can change them
    conversations = await connection.execute("DELETE FROM conversation WHERE channel = $1 AND chat = $2", *where)
    photos = await connection.execute("DELETE FROM photo WHERE channel = $1 AND chat = $2", *where)
    there = _affected(conversations) + _affected(photos) > 0
    if there:
        await connection.executemany(RECORD, [entry_values(kept) for kept in forgetting(entry, [tuple(ticket) for ticket in tickets])])
    return there


async def _renewed(connection: Any, work: Work, forgotten: Forgotten) -> Work:
    """The conversation that begins where one is deleted."""
    where = (work.address.channel, key(work.address.chat))
    await _forget(connection, where, forgotten.entry)
    id = await connection.fetchval(_RENEW, forgotten.public_id, *where, forgotten.entry.at)
    return replace(work, id=id, public_id=forgotten.public_id)


async def _write(connection: Any, decided: Sequence[tuple[Work, Outcome]]) -> None:
    """Steps: events done, states, transcripts, lines to be sent, tickets. No version is compared: the rows' locks keep others away."""
    decided = [(await _renewed(connection, work, outcome.forgotten) if outcome.forgotten else work, outcome) for work, outcome in decided]
    advanced = [(work.id, storable(outcome.state), outcome.wake, max(event.received for event in work.events)) for work, outcome in decided]
    ended: list[tuple[int, str | None]] = [(id, None) for _, outcome in decided for id in outcome.done]
    ended += [(id, storable(reason)) for _, outcome in decided for id, reason in outcome.dead]
    await connection.execute(_ADVANCE, *_columns(advanced, 4), *_columns(ended, 2))
    if lines := [_said(work, outcome.knowledge, line) for work, outcome in decided for line in outcome.spoken]:
        await connection.execute(_SPEAK, *_columns(lines, 9))
    tickets = [(ticket, work.id) for work, outcome in decided for ticket in outcome.tickets]
    if tickets:
        await connection.executemany(_KEEP, [ticket_values(*ticket) for ticket in tickets])
        await connection.executemany(_LINK, [(ticket.topic, ticket.code, ticket.acquirer, id, ticket.number) for ticket, id in tickets])
    for work, outcome in decided:
        for rating in outcome.rated:
            await connection.execute(_RATE, rating.event, work.id, rating.topic, rating.stars, rating.at, rating.number)
    await _count(connection, decided)
    if deeds := [logged_values(deed, work.id) for work, outcome in decided for deed in outcome.logged]:
        await connection.executemany(_LOG, deeds)  # last: its trigger holds a lock until the commit, so that ids come in the order of commits


def _said(work: Work, knowledge: str, line: Spoken) -> tuple[Any, ...]:
    lane = f"{work.address.channel}:{work.address.chat}"
    return (work.id, knowledge, lane, line.event, line.side, storable(line.body), line.at, line.push, _vector(line))


async def _count(connection: Any, decided: Sequence[tuple[Work, Outcome]]) -> None:
    """What the reports count; most steps change nothing of it."""
    troubles = [(trouble, work.id) for work, outcome in decided for trouble in outcome.troubles]
    if turned := [(id, t.topic, t.ended, t.how) for t, id in troubles if t.event is None]:
        await connection.executemany(_TURN, turned)
    if begun := [(t.event, id, t.topic, t.began, t.ended, t.how) for t, id in troubles if t.event is not None]:
        await connection.executemany(_BEGIN, begun)
    if tried := [(work.id, trial.event, trial.topic, trial.step, trial.result) for work, outcome in decided for trial in outcome.trials]:
        await connection.executemany(_TRY, tried)


def _vector(line: Spoken) -> str | None:
    """A line's words as the search has them, None for one that is not searched."""
    words = line_words(line.side, storable(line.body))
    return vector(words) if words else None


def _work(claimed: Any, events: Iterable[Sequence[Any]]) -> Work:
    id, public_id, channel, chat, profile, state, version = claimed
    return Work(
        id=id, public_id=public_id, address=Address(channel=channel, chat=chat), profile=profile, state=state, version=version,
        events=tuple(Pending(id=id, kind=kind, body=body, received=received) for id, kind, body, received in events),
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
        case Sent(remote_id=remote, along=along):
            return _SENT, id, storable(remote), [other for other, _ in along], [storable(other) for _, other in along]
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
_RENEW = "INSERT INTO conversation (public_id, channel, chat, profile, created, active) VALUES ($1, $2, $3, '{}', $4, $4) RETURNING id"
_TICKETS_OF = f"""
SELECT t.number, t.owner, {ACTIVE} FROM conversation AS c JOIN ticket AS t ON t.conversation = c.id WHERE c.channel = $1 AND c.chat = $2 ORDER BY t.id
"""
_HELD = f"""
WITH held AS (SELECT id FROM conversation WHERE channel = $1 AND chat = $2)
SELECT (SELECT count(*) FROM held JOIN message ON conversation = held.id), (SELECT count(*) FROM photo WHERE channel = $1 AND chat = $2),
    (SELECT count(*) FROM held JOIN ticket ON conversation = held.id),
    ARRAY(SELECT t.number FROM held JOIN ticket AS t ON t.conversation = held.id WHERE {ACTIVE} ORDER BY t.id)
"""
_READY = """
SELECT id, public_id, channel, chat, profile, state, version FROM conversation
WHERE ready <= $1 AND id <> ALL ($2::bigint[]) ORDER BY ready LIMIT $3 FOR UPDATE SKIP LOCKED
"""
_PENDING = """
SELECT conversation, new.* FROM unnest($1::bigint[]) AS conversation CROSS JOIN LATERAL (
    SELECT id, kind, body, received FROM inbox WHERE inbox.conversation = conversation.conversation AND status = 'new' ORDER BY id LIMIT $2
) AS new
"""
# The rows that end here still look new to the rest of the statement, so what is ready is found without them.
_ADVANCE = """
WITH ended AS (
    UPDATE inbox SET status = CASE WHEN e.error IS NULL THEN 'done' ELSE 'dead' END, error = e.error
    FROM unnest($5::bigint[], $6::text[]) AS e (id, error) WHERE inbox.id = e.id
)
UPDATE conversation AS c SET state = a.state, wake = a.wake, active = greatest(c.active, a.active), version = c.version + 1,
    ready = (SELECT min(received) FROM inbox WHERE conversation = c.id AND status = 'new' AND id <> ALL ($5::bigint[]))
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS a (id, state, wake, active) WHERE c.id = a.id
"""
_SPEAK = """
WITH line AS MATERIALIZED (
    SELECT nextval('message_id_seq') AS id, spoken.*
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[])
        AS spoken (conversation, knowledge, lane, event, side, body, at, push, words)
), said AS (
    INSERT INTO message (id, conversation, event, side, body, knowledge, at, words)
    SELECT id, conversation, event, side, body, knowledge, at, words::tsvector FROM line
)
INSERT INTO outbox (lane, dedupe, conversation, message, not_before, created)
SELECT lane, push, conversation, id, at, at FROM line WHERE push IS NOT NULL ORDER BY id
"""
_KEEP = f"""
INSERT INTO ticket AS t (conversation, {", ".join(TICKET)}) VALUES ({", ".join(f"${place}" for place in range(1, len(TICKET) + 2))})
ON CONFLICT (conversation, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in TICKET_CHANGES)},
    packet = CASE excluded.packet WHEN '' THEN t.packet ELSE excluded.packet END
"""
_LINK = """
UPDATE ticket SET incident = (
    SELECT id FROM incident WHERE status = 'announced' AND topic = $1 AND code IN ('', $2) AND acquirer IN ('', $3) LIMIT 1 FOR KEY SHARE SKIP LOCKED
)
WHERE conversation = $4 AND number = $5 AND incident IS NULL AND status NOT IN ('solved', 'closed')
"""
_LOG = """
INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at)
SELECT id, $1, $2, $3, $4, $5, $6 FROM ticket WHERE conversation = $7 AND number = $8
"""
_RATE = "INSERT INTO rating (event, conversation, topic, stars, at, number) VALUES ($1, $2, $3, $4, $5, $6)"
_BEGIN = "INSERT INTO trouble (event, conversation, topic, began, ended, how) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
_TURN = "UPDATE trouble SET topic = CASE $2 WHEN '' THEN topic ELSE $2 END, ended = $3, how = $4 WHERE conversation = $1 AND ended IS NULL"
_TRY = """
INSERT INTO trial (trouble, topic, step, result)
SELECT max(event), $3::text, $4::text, $5::text FROM trouble WHERE conversation = $1 AND event <= $2 HAVING max(event) IS NOT NULL
ON CONFLICT (trouble, topic, step) DO UPDATE SET result = excluded.result WHERE excluded.result <> ''
"""
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
_CLAIM = f"""
WITH due AS (
    SELECT id FROM outbox
    WHERE id = ANY (ARRAY(SELECT min(id) FROM outbox WHERE status IN ('new', 'sending') GROUP BY lane HAVING coalesce(max(lease), 0) <= $1))
    AND status IN ('new', 'sending') AND not_before <= $1 AND coalesce(lease, 0) <= $1
    ORDER BY not_before, id LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE outbox AS o SET status = 'sending', lease = $2, maybe_duplicate = o.maybe_duplicate OR o.status = 'sending'
    FROM due WHERE o.id = due.id RETURNING o.*
)
SELECT {OUTGOING} FROM taken AS o JOIN conversation AS c ON c.id = o.conversation JOIN message AS m ON m.id = o.message ORDER BY o.id
"""
_QUEUED = f"""
SELECT {OUTGOING} FROM outbox AS o JOIN conversation AS c ON c.id = o.conversation JOIN message AS m ON m.id = o.message
WHERE o.lane = (SELECT lane FROM outbox WHERE id = $1) AND o.status = 'new' AND o.id > $1 ORDER BY o.id LIMIT $2
"""
# What was settled stays so: a sender whose lease ran out may speak after the one that took its place.
_SENT = """
WITH gone AS (
    UPDATE outbox AS o SET status = 'sent', remote_id = a.remote FROM unnest($3::bigint[], $4::text[]) AS a (id, remote)
    WHERE o.id = a.id AND o.status = 'new'
)
UPDATE outbox SET status = 'sent', lease = NULL, remote_id = $2 WHERE id = $1 AND status = 'sending'
"""
_UNDELIVERABLE = "UPDATE outbox SET status = 'dead', lease = NULL, error = $2 WHERE id = $1 AND status = 'sending'"
_LATER = """
UPDATE outbox SET status = 'new', lease = NULL, not_before = $2, tries = tries + $3, maybe_duplicate = maybe_duplicate OR $4, error = $5
WHERE id = $1 AND status = 'sending'
"""
_VERSIONS = "SELECT public_id, version FROM conversation WHERE public_id = ANY ($1::text[])"
_TRANSCRIPT = """
SELECT m.id, m.side, m.body, m.at, i.ext_id FROM message AS m JOIN conversation AS c ON c.id = m.conversation
LEFT JOIN inbox AS i ON i.id = m.event AND m.side = 'merchant'
WHERE c.public_id = $1 AND m.id > $2 AND m.side <> 'note' ORDER BY m.id LIMIT $3
"""
_BEFORE = _TRANSCRIPT.replace("m.id >", "m.id <").replace("ORDER BY m.id", "ORDER BY m.id DESC")
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
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE seen < $1 FOR UPDATE SKIP LOCKED)",
        "messages",
    ),
    (
        "DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE coalesce(ended, proposed) < $1 AND status <> 'announced' FOR UPDATE SKIP LOCKED)",
        "conversations",
    ),
    (
        "DELETE FROM forum_update WHERE handled < $1",
        "messages",
    ),
    (
        "DELETE FROM forum_alarm WHERE given < $1",
        "messages",
    ),
    (
        "DELETE FROM forum_fact WHERE at < $1",
        "conversations",
    ),
    (
        "DELETE FROM ticket WHERE id IN (SELECT id FROM ticket WHERE changed < $1 AND status = 'closed' FOR UPDATE SKIP LOCKED)",
        "conversations",
    ),
    (
        "DELETE FROM rating WHERE event IN (SELECT event FROM rating WHERE at < $1 FOR UPDATE SKIP LOCKED)",
        "conversations",
    ),
    (
        "DELETE FROM trouble WHERE event IN (SELECT event FROM trouble WHERE ended < $1 FOR UPDATE SKIP LOCKED)",
        "conversations",
    ),
    (
        "DELETE FROM audit WHERE at < $1",
        "audit",
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
