"""What the service gets done: real processes and sockets, signed requests, real databases, the dialogues of the test cases; beside what it stands on.

Every figure is measured from outside, with the other app on the same machine. A message counts as accepted when it is acknowledged, which is after its commit;
as answered when state, transcript and the end of its event are committed.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from statistics import median_low
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from tests.contract.places import Server, address

from . import crowd, floor
from .bots import House
from .output import run, show
from .traffic import Plan, play

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from .bots import Bot
    from .traffic import Report

CALLERS = 64
"""Merchants at once where what goes through is measured."""
TURNS = 10
"""Messages of one merchant: what the webhook lets one merchant send in one go."""
MANY, TRIES = 10_000, 3
WAITING = 20_000
FEW_STORED, MANY_STORED = 1_000, 1_000_000
REPLICAS = 3


async def main() -> None:
    """All figures, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(folder=Path(folder))
        house.prepare()
        run("-m", "bot", "kb", "learn", POSBOT_CACHE=folder)
        show("delivery: one process, SQLite (the other app on the same machine)")
        await started(house)
        database = house.folder / "posbot.db"
        async with house.bot(str(database)) as bot, floor.idle_server() as idle:
            before = bot.megabytes
            await answered(bot, database)
            await accepted(bot, idle, database)
            line("memory, idle", f"{before:8.0f} MB, after {MANY:,} conversations +{bot.megabytes - before:.0f} MB")
        await restarted(house)
        await stored(house)
        await replicas(house)


async def started(house: House) -> None:
    """Seconds from a start to readiness, and what the disk gives."""
    readies = []
    for _ in range(3):
        async with house.bot(str(house.folder / "ready.db")) as bot:
            readies.append(bot.ready)
    line("ready", f"{median_low(readies):8.2f} s")
    line("floor: bare commits, one row each", f"{floor.commits(house.folder):8,.0f}/s")


async def answered(bot: Bot, database: Path) -> None:
    """The whole road, from a message to its answer in the transcript."""
    await talk(bot, "warm", 64, database)
    spent, whole = bot.seconds, await talk(bot, "talk", 400, database)
    spent = bot.seconds - spent
    line("accept → reply in the transcript", f"{whole.per_second:8,.0f}/s, {spent / whole.messages * 1000:.1f} ms of CPU each")
    paced("  at 50/s", await steady(bot.port, "calm", merchants("calm", 100), 50, turns=TURNS, database=str(database)))


async def accepted(bot: Bot, idle: int, database: Path) -> None:
    """What is acknowledged, while what was is being answered; in turns with a server that does nothing."""
    floors, rates, rest = [], [], 0.0
    for turn in range(TRIES):
        floors.append((await flood(idle, f"floor-{turn}", merchants(f"flood-{turn}", MANY // TRIES))).per_second)
        rates.append((await flood(bot.port, f"flood-{turn}", merchants(f"flood-{turn}", MANY // TRIES))).per_second)
        began = perf_counter()
        await idled(database)
        rest += perf_counter() - began
    most, least = median_low(rates), median_low(floors)
    line("floor: aiohttp that answers without doing anything", f"{least:8,.0f}/s")
    paced("  at 500/s", await steady(idle, "floor-steady", merchants("steady", 2_500), 500))
    line("accepted durably, by the signed webhook", f"{most:8,.0f}/s ({most / least:.2f}x), then {rest:.0f} s until all {MANY:,} are answered")
    paced("  at 500/s", await steady(bot.port, "steady", merchants("steady", 2_500), 500))
    await idled(database)


async def restarted(house: House) -> None:
    """Seconds from a start with many messages waiting to the first reply."""
    database = house.folder / "waiting.db"
    await crowd.wait_in_line(database, WAITING, WAITING // 4)
    began = perf_counter()
    async with house.bot(str(database)):
        while not count(database, "SELECT count(*) FROM (SELECT 1 FROM message WHERE side = 'bot' LIMIT 1)"):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        line(f"first reply, {WAITING:,} messages waiting at the start", f"{perf_counter() - began:8.2f} s")


async def stored(house: House) -> None:
    """What a message costs when few conversations are stored, and when many are; the same merchants say the same in both, in turns."""
    sizes = (FEW_STORED, MANY_STORED)
    files = {size: house.folder / f"stored-{size}.db" for size in sizes}
    for size, file in files.items():
        await crowd.multiply(house.folder / "posbot.db", file, size)
    line(f"the file with {MANY_STORED:,} conversations", f"{files[MANY_STORED].stat().st_size / 1e6:8,.0f} MB")
    times: dict[int, list[float]] = {size: [] for size in sizes}
    spent: dict[int, list[float]] = {size: [] for size in sizes}
    async with AsyncExitStack() as both:
        bots = {size: await both.enter_async_context(house.bot(str(file))) for size, file in files.items()}
        for turn in range(TURNS):
            for size, bot in bots.items():
                some = tuple(f"m-{number * size // FEW_STORED}" for number in range(turn, FEW_STORED, 2 * TURNS))
                before = bot.seconds
                report = await play(Plan(run=f"s{turn}", ports=(bot.port,), merchants=some, turns=3, callers=16, database=str(files[size])))
                times[size].append(1000 / report.per_second)
                spent[size].append((bot.seconds - before) / report.messages * 1000)
        line("ready", f"{bots[FEW_STORED].ready:8.2f} s with {FEW_STORED:,} conversations stored, {bots[MANY_STORED].ready:.2f} s with {MANY_STORED:,}")
    for name, each in {"one message": times, "one message, CPU": spent}.items():
        few, many = (median_low(each[size]) for size in sizes)
        line(name, f"{few:8.1f} ms with {FEW_STORED:,} conversations stored, {many:.1f} ms with {MANY_STORED:,} ({many / few:.2f}x)")


async def replicas(house: House) -> None:
    """One process and several on a server, in turns."""
    async with server_database() as dsn:
        if dsn is None:
            return
        show("delivery: PostgreSQL")
        line("bare commits, one row each", f"{await floor.commits_there(dsn):8,.0f}/s")
        rates: dict[int, list[float]] = {1: [], REPLICAS: []}
        for turn, number in enumerate((1, REPLICAS) * 2):
            async with AsyncExitStack() as all_of_them:
                bots = [await all_of_them.enter_async_context(house.bot(dsn)) for _ in range(number)]
                plan = Plan(
                    run=f"p{turn}", ports=tuple(bot.port for bot in bots), merchants=merchants(f"p{turn}", 1_500), turns=TURNS, callers=CALLERS, database=dsn
                )
                rates[number].append((await play(plan)).per_second)
        one, more = (max(each) for each in rates.values())
        line("accept → reply in the transcript", f"{one:8,.0f}/s with one process, {more:,.0f}/s with {REPLICAS} ({more / one:.2f}x)")


@asynccontextmanager
async def server_database() -> AsyncIterator[str | None]:
    """The address of a database that is gone afterwards, on the server of the tests; None where there is none."""
    name = f"posbot_bench_{secrets.token_hex(8)}"
    try:
        await Server(dsn=address()).execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    except (OSError, asyncpg.PostgresError) as error:
        show(f"delivery: no PostgreSQL, so no figures of it ({error}); POSBOT_TEST_POSTGRES=postgresql://… names one whose user may create databases")
        yield None
        return
    try:
        yield urlsplit(address())._replace(path=f"/{name}").geturl()
    finally:
        await Server(dsn=address()).execute(f"DROP DATABASE {name} WITH (FORCE)")


def merchants(name: str, count: int) -> tuple[str, ...]:
    """So many merchants whom nobody has heard of."""
    return tuple(f"{name}-{number}" for number in range(count))


async def flood(port: int, name: str, of: Iterable[str]) -> Report:
    """How many messages a second are taken, one of each merchant."""
    return await play(Plan(run=name, ports=(port,), merchants=tuple(of), callers=CALLERS))


async def steady(port: int, name: str, of: Iterable[str], rate: float, *, turns: int = 1, database: str = "") -> Report:
    """How long each takes when they come at this rate."""
    return await play(Plan(run=name, ports=(port,), merchants=tuple(of), rate=rate, turns=turns, database=database))


async def talk(bot: Bot, name: str, number: int, database: Path) -> Report:
    """Whole dialogues with so many merchants, some of them at once; each waits for the answer before the next message."""
    return await play(Plan(run=name, ports=(bot.port,), merchants=merchants(name, number), turns=TURNS, callers=CALLERS, database=str(database)))


async def idled(database: Path) -> None:
    """Comes back when nothing waits."""
    while count(database, "SELECT count(*) FROM inbox WHERE status = 'new'"):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def count(database: Path, query: str) -> int:
    """The number that a query gives, beside the process that works with the file."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        ((number,),) = connection.execute(query)
        return int(number)


def paced(name: str, report: Report) -> None:
    """How long it takes at a rate."""
    line(name, f"     p50 {report.p50_ms:.1f} ms, p99 {report.p99_ms:.1f} ms")


def line(name: str, figures: str) -> None:
    """One line of the table."""
    show(f"  {name:54}{figures}")
