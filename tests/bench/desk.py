"""Speed of the staff's side at size: `python -m tests.bench.desk`, or with `sqlite` or `postgres` for one of them, and `small` for a hundredth.

With `live` the speed while staff are at work instead: see `live`.

50,000 tickets that are worked on and 10,000 that are done, a million lines of transcript. Times are milliseconds as a page would wait for them.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import secrets
import sqlite3
import sys
import tempfile
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot.kb import loader
from bot.service.desk import View, Wanted
from bot.service.reports import By, Period
from bot.storage import words
from tests.contract.places import File, Server, address

from . import corpus, live

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from bot.service.desk import DeskStore
    from bot.service.reports import ReportStore

ACTIVE, DONE, LINES = 50_000, 10_000, 1_000_000
NOW, MINUTE = 1_760_000_000_000_000, 60_000_000
TEAMS, STAFF = ("money", "device", "account", "general"), [f"staff{number:02}" for number in range(60)]
STATUSES = ("open", "open", "taken", "taken", "taken", "waiting-merchant", "waiting-acquirer")
SEARCHED = (
    "打印",
    "机",
    "不",
    "没出票",
    "打印机不出纸",
    "重复扣款 退款",
    "密码 打印",
    "12345678",
    "5678",
    "pos",
    "不存在的词语",
    "商户 昨天 到账",
    "1017-00017",
)
TURNS = 15
COLUMNS = {
    "conversation": "id public_id channel chat profile state created active",
    "ticket": "id public_id number conversation origin status urgency reason topic team owner code acquirer packet state opened changed waiting due answered"
    " solved respond_by bot_topic bot_cause cause bot_right terminal",
    "ticket_event": "ticket event actor act done detail at",
    "message": "id conversation event side body knowledge at",
}


class World:
    """The same rows for every database."""

    def __init__(self, scale: float) -> None:
        kb = loader.load(corpus.ROOT / "knowledge")
        self.pairs = corpus.examples(kb)
        self.causes = {topic.id: [*topic.causes] or [""] for topic in kb.topics.values()}
        self.active, self.done, self.lines = int(ACTIVE * scale), int(DONE * scale), int(LINES * scale)

    def conversation(self) -> Iterator[tuple[Any, ...]]:
        for id in range(1, self.active + 1):
            yield id, f"c{id}", ("web", "hook:shop", "telegram")[id % 3], f"chat{id}", "{}", "{}", NOW, NOW

    def ticket(self) -> Iterator[tuple[Any, ...]]:
        chance = random.Random(1)
        for id in range(1, self.active + self.done + 1):
            done, opened = id > self.active, NOW - chance.randrange(30 * 24 * 60) * MINUTE
            status = chance.choice(("solved", "closed")) if done else chance.choice(STATUSES)
            text, topic = chance.choice(self.pairs)
            causes = self.causes[topic]
            packet = {
                "summary": text[:30], "topic": topic, "facts": [["terminal_no", f"{10_000_000 + id}"], ["amount", "128.00"]],
                "steps": [["reprint", "failed"]] * 4,
                "causes": [[cause, 0.3] for cause in causes[:3]], "findings": [["screen", "blank"]] * 4, "screen_text": "请稍候" * 10,
            }  # fmt: skip
            answered = opened + chance.randrange(1, 600) * MINUTE if done or chance.random() < 0.6 else None
            yield (
                id, f"t{id}", f"{1000 + id % 28:04}-{id % 100_000:05}", (id - 1) % self.active + 1, id, status, f"U{chance.randrange(5)}", "wish", topic,
                chance.choice(TEAMS), None if status == "open" else chance.choice(STAFF), chance.choice(("", "51", "91")), "", json.dumps(packet),
                json.dumps({"reminded": ["response-half"] * 20}), opened, opened + MINUTE, opened, opened + chance.randrange(6000) * MINUTE, answered,
                (answered or opened) + chance.randrange(1, 6000) * MINUTE if done else None, opened + 60 * MINUTE, topic, causes[0],
                chance.choice(causes) if done else "", chance.choice(("yes", "no")) if done else "", f"{10_000_000 + id}",
            )  # fmt: skip

    def ticket_event(self) -> Iterator[tuple[Any, ...]]:
        for number in range(4 * self.active):
            yield number // 4 + 1, number, STAFF[number % 60], "note", True, "{}", NOW + number

    def message(self) -> Iterator[tuple[Any, ...]]:
        chance = random.Random(2)
        for id in range(1, self.lines + 1):
            first, second = chance.choice(self.pairs)[0], chance.choice(self.pairs)[0]
            text = f"{first}{chance.choice(('，', ' ', '。'))}{second[: chance.randrange(len(second))]} {chance.randrange(10**8):08}"
            side = "staff" if id % 7 == 0 else "merchant"
            body = {"text": text} if side == "merchant" else {"bubbles": [text]}
            yield id, chance.randrange(self.active) + 1, id, side, json.dumps(body, ensure_ascii=False), "k", NOW - (self.lines - id) * 1_000_000


def fill_sqlite(path: Path, world: World) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table, columns in COLUMNS.items():
            places = ", ".join("?" * len(columns.split()))
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns.split())}) VALUES ({places})", getattr(world, table)())
        lines = ((id, words.line_words(side, body)) for id, _, _, side, body, _, _ in world.message())
        while part := [*islice(lines, 10_000)]:
            connection.executemany("INSERT INTO message_words (rowid, words) VALUES (?, ?)", part)
            connection.commit()


async def fill_postgres(server: Server, world: World) -> None:
    async with server.connected() as connection:
        for table, columns in COLUMNS.items():
            if table != "message":
                await connection.copy_records_to_table(table, records=getattr(world, table)(), columns=columns.split(), timeout=600)
        await connection.execute("CREATE TEMP TABLE line AS SELECT * FROM message; ALTER TABLE line ALTER words TYPE text")
        named = ", ".join(COLUMNS["message"].split())
        lines = ((*row, words.vector(words.line_words(row[3], row[4]) or "")) for row in world.message())
        while part := [*islice(lines, 20_000)]:
            await connection.copy_records_to_table("line", records=part, columns=[*COLUMNS["message"].split(), "words"], timeout=600)
            await connection.execute(f"INSERT INTO message ({named}, words) SELECT {named}, words::tsvector FROM line", timeout=600)
            await connection.execute("TRUNCATE line")
        await connection.execute("VACUUM ANALYZE", timeout=600)


async def timed(name: str, do: Callable[[], Awaitable[Any]], turns: int = TURNS) -> None:
    spent = []
    for _ in range(turns):
        began = perf_counter()
        await do()
        spent.append((perf_counter() - began) * 1000)
    middle, high = (quantiles(spent, n=10)[place] for place in (4, 8)) if turns > 1 else (spent[0], spent[0])
    print(f"  {name:44} p50 {middle:8.1f}  p90 {high:8.1f}", flush=True)  # noqa: T201


def wanted(view: View, **narrowed: str) -> Wanted:
    return Wanted(view=view, login="staff07", now=NOW, **narrowed)


async def lists(desk: DeskStore) -> None:
    for view in View:
        await timed(f"queue {view}", lambda view=view: desk.queue(wanted(view)))  # type: ignore[misc]
    page = await desk.queue(wanted(View.ALL), limit=200)
    for _ in range(60):
        page = await desk.queue(wanted(View.ALL), page.next, 200) if page.next else page
    await timed("queue all, deep", lambda: desk.queue(wanted(View.ALL), page.next))
    narrow = {"team": "money", "topic": "printer", "urgency": "U4", "owner": "staff03", "channel": "web"}
    for name, value in narrow.items():
        await timed(f"queue all, {name}", lambda name=name, value=value: desk.queue(wanted(View.ALL, **{name: value})))  # type: ignore[misc]
    await timed("queue all, nothing fits", lambda: desk.queue(wanted(View.ALL, channel="none", topic="none")))
    await timed("queue all, no such channel", lambda: desk.queue(wanted(View.ALL, channel="none")))
    await timed("sizes", lambda: desk.sizes("staff07", ["money"], NOW))
    await timed("queue_state", desk.queue_state)
    await timed("loads", desk.loads)
    await timed("clusters", lambda: desk.clusters(NOW - 20 * MINUTE, 5))
    await timed("file", lambda: desk.file("t77"))
    await timed("entries", lambda: desk.entries("c77"))
    await timed("deeds_after", lambda: desk.deeds_after(10_000, 200))


async def searches(desk: DeskStore) -> None:
    for text in SEARCHED:
        hits = await desk.search(text)
        await timed(f"search {text} ({len(hits)})", lambda text=text: desk.search(text))  # type: ignore[misc]
    await timed("search, 10,000 characters", lambda: desk.search("打印机不出纸，" * 1430))


async def figures(reports: ReportStore) -> None:
    period = Period(since=NOW - 30 * 24 * 60 * MINUTE, until=NOW, now=NOW)
    for by in By:
        await timed(f"speed by {by}, 30 days", lambda by=by: reports.speed(period, by), 3)  # type: ignore[misc]
    await timed("days, 30", lambda: reports.days(range(period.since, NOW + 1, 24 * 60 * MINUTE), NOW), 3)
    await timed("guesses", lambda: reports.guesses(period), 3)


async def other(desk: DeskStore) -> None:
    async def export() -> None:
        async for _ in desk.export(0, NOW + 1):
            pass

    await timed("export, all tickets", export, 1)
    await timed("redact_line, first", lambda: desk.redact_line("c77", 0, "{}"), 1)
    line = (await desk.latest("c77", 1))[0]
    await timed("redact_line, with the sweep", lambda: desk.redact_line("c77", line.id, '{"text": "***"}'), 1)
    await timed("redact_line, again", lambda: desk.redact_line("c77", line.id, '{"text": "**"}'), 1)
    print(f"  peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # noqa: T201


async def pages(place: File | Server, database: str) -> None:
    """The pages themselves, from a process that serves, as somebody gets them who is logged in."""
    store = await place.open()
    (session,) = await live.accounts(store, 1)
    await store.close()
    async with live.started(database) as (url, _), aiohttp.ClientSession(cookies={"posbot_staff": session}, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:

        async def get(path: str, **query: str) -> None:
            async with http.get(URL(url) / path % query) as response:
                assert response.status == 200, (path, response.status, response.url)
                await response.read()

        for view in View:
            await timed(f"page: queue {view}", partial(get, "console/queue", view=view))
        for text in SEARCHED:
            await timed(f"page: search {text}", partial(get, "console/search", q=text))


async def measured(name: str, place: File | Server, world: World, database: str) -> None:
    began = perf_counter()
    await (await place.open()).close()
    if isinstance(place, File):
        fill_sqlite(place.path, world)
    else:
        await fill_postgres(place, world)
    print(f"{name}: {world.active + world.done:,} tickets, {world.lines:,} lines, filled in {perf_counter() - began:.0f} s")  # noqa: T201
    store = await place.open()
    try:
        for part in (lists, searches, other):
            await part(store.desk)
        await figures(store.reports)
    finally:
        await store.close()
    await pages(place, database)


async def both(names: list[str], scale: float) -> None:
    world = World(scale)
    if "sqlite" in names:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "posbot.db"
            await measured("sqlite", File(path=path), world, str(path))
    if "postgres" in names:
        name = f"posbot_bench_{secrets.token_hex(8)}"
        await Server(dsn=address()).execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        try:
            dsn = urlsplit(address())._replace(path=f"/{name}").geturl()
            await measured("postgres", Server(dsn=dsn), world, dsn)
        finally:
            await Server(dsn=address()).execute(f"DROP DATABASE {name} WITH (FORCE)")


def main() -> None:
    """Fill, and print what it costs."""
    names = [name for name in sys.argv[1:] if name not in {"small", "live"}] or ["sqlite", "postgres"]
    if "live" in sys.argv:
        asyncio.run(live.main(names, live.SMALL if "small" in sys.argv else live.Size()))
        return
    asyncio.run(both(names, 0.01 if "small" in sys.argv else 1))


if __name__ == "__main__":
    main()
