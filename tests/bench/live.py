"""Speed of the console while staff are at work: `python -m tests.bench.desk live`, with `postgres` on two processes, with `small` in half a minute.

Processes are started as an operator starts them. Each console does what its page does: it opens the stream, asks for the list or the lines when it hears of
a change, one request at a time, and says what it shows already. Staff are with one process, merchants with the other one when there are two.

Part one, one after the other: a hand-over until each open queue shows it, a reply of staff until the merchant's page has it. Part two, at the same time: all
consoles (half of them show the queue, half a ticket), so many messages a second for a while, hand-overs and replies every second among them; then every line
on every page is compared with what is kept, and the processor time of the processes is read.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import secrets
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot.domain.staff import Role
from bot.server import clock
from bot.service.passwords import Passwords
from bot.service.sessions import Sessions
from bot.service.staff import Accounts
from tests.contract.places import File, Server, address

from . import corpus
from .bots import cpu_seconds
from .output import show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.service.ports import Store

ROW, LINE, TOKEN = re.compile(r'id="row-(\w+)"'), re.compile(r'data-line="(\d+)"'), re.compile(r'name="token" value="(\w+)"')
MARK = re.compile(r'data-mark="(\w+)"')
DANGER = "机器冒烟了"


@dataclass(frozen=True, kw_only=True)
class Size:
    """Consoles, merchants with a ticket, hand-overs and replies of part one, messages a second and seconds of part two."""

    consoles: int = 50
    merchants: int = 200
    turns: int = 40
    rate: int = 50
    seconds: int = 60


SMALL = Size(consoles=6, merchants=12, turns=5, rate=5, seconds=6)


@dataclass
class Console:
    """A page of the console: the queue, or a ticket. `seen` is when each row or line came to be shown."""

    http: aiohttp.ClientSession
    token: str = ""
    ticket: str = ""
    mark: str = ""
    last: int = 0
    seen: dict[str, float] = field(default_factory=dict)
    doubled: int = 0
    requests: int = 0

    async def open(self) -> None:
        """The page itself."""
        page = await self._get(f"/console/tickets/{self.ticket}" if self.ticket else "/console/queue?view=all")
        self.mark = MARK.findall(page)[0]
        self.token = TOKEN.findall(page)[0]
        self._show(page)

    async def live(self) -> None:
        """The stream, and what follows from it, until cancelled."""
        wanted, changed = f"event: {'ticket' if self.ticket else 'queue'}", asyncio.Event()
        looking = asyncio.create_task(self._look(changed))
        try:
            async with self.http.get("/console/live" + (f"?ticket={self.ticket}" if self.ticket else ""), timeout=aiohttp.ClientTimeout(None)) as stream:
                async for line in stream.content:
                    if line.decode().strip() == wanted:
                        changed.set()
        finally:
            looking.cancel()

    async def _look(self, changed: asyncio.Event) -> None:
        """Like htmx: one request at a time, and one more when something was heard meanwhile."""
        while True:
            await changed.wait()
            changed.clear()
            place = f"/console/tickets/{self.ticket}/lines?after={self.last}" if self.ticket else "/console/queue/rows?view=all"
            self._show(await self._get(place))

    async def _get(self, place: str) -> str:
        self.requests += 1
        async with self.http.get(place, headers={"X-Seen": self.mark, "HX-Request": "true"}) as response:
            assert response.status in {200, 204}, (place, response.status)
            self.mark = response.headers.get("X-Mark", self.mark)
            return await response.text()

    def _show(self, text: str) -> None:
        now = time.perf_counter()
        for id in ROW.findall(text):
            self.seen.setdefault(id, now)
        for line in LINE.findall(text) if self.ticket else ():
            self.doubled += line in self.seen
            self.seen.setdefault(line, now)
            self.last = int(line)

    async def act(self, ticket: str, **form: str) -> None:
        """Do something with a ticket."""
        origin = str(self.http._base_url).rstrip("/")
        async with self.http.post(
            f"/console/tickets/{ticket}/act", data={"token": self.token, **form}, headers={"Origin": origin, "HX-Request": "true"}
        ) as answer:
            assert answer.status == 200, (answer.status, re.findall(r'role="alert">([^<]*)', await answer.text()))


@dataclass
class Merchant:
    """A visitor's page with its stream. `heard` is when a text of staff came."""

    http: aiohttp.ClientSession
    headers: dict[str, str]
    heard: dict[str, float] = field(default_factory=dict)
    said: int = 0

    async def say(self, text: str) -> None:
        """Write something."""
        self.said += 1
        body = {"client_id": secrets.token_hex(8), "text": text}
        async with self.http.post("/chat/messages", json=body, headers=self.headers) as answer:
            assert answer.status == 202, await answer.text()

    async def live(self) -> None:
        """Hear what is said, until cancelled."""
        async with self.http.get("/chat/events?after=0", headers=self.headers, timeout=aiohttp.ClientTimeout(None)) as stream:
            async for line in stream.content:
                if line.startswith(b"data: ") and (told := json.loads(line[6:])).get("side") == "staff":
                    for text in told["bubbles"]:
                        self.heard.setdefault(text, time.perf_counter())


def network(number: int) -> dict[str, str]:
    """Everybody comes from an address of their own."""
    return {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}


class Bench:
    """Everybody, before processes that run. `staff` and `shop` are addresses."""

    def __init__(self, store: Store, size: Size, place: File | Server, pids: list[int], staff: str, shop: str) -> None:
        self.store, self.size, self.place, self.pids = store, size, place, pids
        self._staff, self._shop = staff, shop
        self._http = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._people = 0

    async def __aenter__(self) -> Bench:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def console(self, session: str, ticket: str = "") -> Console:
        """A page of somebody who is logged in."""
        jar = aiohttp.CookieJar(unsafe=True)
        jar.update_cookies({"posbot_staff": session}, URL(self._staff))
        http = await self._http.enter_async_context(aiohttp.ClientSession(self._staff, cookie_jar=jar))
        page = Console(http, ticket=ticket)
        await page.open()
        self._tasks.append(asyncio.create_task(page.live()))
        return page

    async def merchant(self, *, listens: bool) -> Merchant:
        """A new visitor."""
        self._people += 1
        http = await self._http.enter_async_context(aiohttp.ClientSession(self._shop, cookie_jar=aiohttp.DummyCookieJar()))
        headers = network(self._people)
        async with http.post("/chat/session", json={}, headers=headers) as answer:
            visitor = Merchant(http, {**headers, "Authorization": f"Bearer {(await answer.json())['token']}"})
        if listens:
            self._tasks.append(asyncio.create_task(visitor.live()))
        return visitor


async def until(found: Any, seconds: float = 20) -> bool:
    """Whether something came about in this time; looked at each 2 ms, which is how exact times are."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not found():  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            return True
    return False


async def handed_over(bench: Bench, queues: list[Console], times: list[float], *, all_of: bool) -> tuple[Merchant, str]:
    """A merchant hands over; until each queue, or the first one, shows it."""
    merchant = await bench.merchant(listens=True)
    before = set().union(*(queue.seen for queue in queues))
    began = time.perf_counter()
    await merchant.say(DANGER)
    assert await until(lambda: set(queues[0].seen) - before), "a hand-over was not shown"
    id = min(set(queues[0].seen) - before, key=lambda new: queues[0].seen[new])
    for queue in queues if all_of else queues[:1]:
        assert await until(lambda queue=queue: id in queue.seen), "a hand-over was not shown"
        times.append(queue.seen[id] - began)
    return merchant, id


async def replied(console: Console, merchant: Merchant, ticket: str, times: list[float]) -> None:
    """Staff answer; until the merchant's page has it."""
    text, began = f"先拔电源 {''.join(secrets.choice('abcdefgh') for _ in range(12))}", time.perf_counter()
    await console.act(ticket, act="reply", text=text)
    assert await until(lambda: text in merchant.heard), "a reply was not heard"
    times.append(merchant.heard[text] - began)


async def taken(bench: Bench, queue: Console, times: list[float]) -> tuple[Merchant, str]:
    """A merchant hands over, and gets an answer as soon as a queue shows it: so the list stays short, and whatever is new is on its first page."""
    merchant, id = await handed_over(bench, [queue], times, all_of=False)
    await replied(queue, merchant, id, [])
    return merchant, id


def told(name: str, times: list[float]) -> None:
    """A line of the report, in milliseconds."""
    cuts = [1000 * cut for cut in quantiles(times, n=20)]
    show(f"  {name:46} p50 {cuts[9]:7.0f}  p95 {cuts[18]:7.0f}  max {1000 * max(times):7.0f}  ({len(times)})")


def spent(pids: list[int]) -> float:
    """Processor seconds of processes so far."""
    return sum(map(cpu_seconds, pids))


async def measured(bench: Bench, sessions: list[str]) -> None:
    """Both parts."""
    size = bench.size
    queues = [await bench.console(session) for session in sessions[: max(1, size.consoles // 2)]]
    overs, answers = list[float](), list[float]()
    tickets = []
    for _ in range(size.turns):
        await asyncio.sleep(random.uniform(0, 1))  # pages hear the next change the later, the less time has passed since the last one
        tickets.append(await handed_over(bench, queues, overs, all_of=True))
    for place, (merchant, id) in enumerate(tickets):
        await replied(queues[place % len(queues)], merchant, id, answers)
    told("hand-over until an open queue shows it", overs)
    told("reply of staff until the merchant's page has it", answers)
    while len(tickets) < size.merchants:
        tickets.append(await taken(bench, queues[len(tickets) % len(queues)], []))
    shown = [await bench.console(session, tickets[place % len(tickets)][1]) for place, session in enumerate(sessions[len(queues) :])]
    await asyncio.sleep(2)
    await loaded(bench, queues, shown, tickets)


async def loaded(bench: Bench, queues: list[Console], shown: list[Console], tickets: list[tuple[Merchant, str]]) -> None:
    """Part two."""
    size, overs, answers = bench.size, list[float](), list[float]()
    before, began, asked = spent(bench.pids), time.perf_counter(), sum(console.requests for console in (*queues, *shown))
    others: list[asyncio.Task[Any]] = []
    for number in range(size.rate * size.seconds):
        await asyncio.sleep(max(0.0, began + number / size.rate - time.perf_counter()))
        merchant, _ = tickets[number % len(tickets)]
        others.append(asyncio.create_task(merchant.say(f"还在冒烟 {number}")))
        if number % size.rate == 0:
            second = number // size.rate
            others.append(asyncio.create_task(taken(bench, queues[second % len(queues)], overs)))
            owner = second % min(size.turns, len(tickets))
            others.append(asyncio.create_task(replied(queues[owner % len(queues)], *tickets[owner], answers)))
    await asyncio.gather(*others)
    seconds = time.perf_counter() - began
    used, asked = spent(bench.pids) - before, sum(console.requests for console in (*queues, *shown)) - asked
    all_of = f"{len(queues) + len(shown)} consoles, {size.rate} messages/s for {seconds:.0f} s"
    show(f"  {all_of}: {used / seconds:.2f} cores, {asked / seconds:.0f} requests/s of pages")
    told("hand-over until a queue shows it, meanwhile", overs)
    told("reply until the merchant has it, meanwhile", answers)
    await asyncio.sleep(3)
    lost = 0
    for console in shown:
        file = await bench.store.desk.file(console.ticket)
        assert file
        kept = {str(entry.id) for entry in await bench.store.desk.entries(file.chat, 0, 100_000)}
        lost += len(kept - set(console.seen))
    lines, doubled = sum(len(console.seen) for console in shown), sum(console.doubled for console in shown)
    show(f"  lines on {len(shown)} pages of tickets: {lines}, lost {lost}, doubled {doubled}")


async def accounts(store: Store, number: int) -> list[str]:
    """Sessions of so many members; the way there is not what is measured."""
    passwords = Passwords()
    members, sessions = Accounts(store=store.staff, passwords=passwords, clock=clock), Sessions(store=store.staff, passwords=passwords, clock=clock)
    found = []
    for place in range(number):
        await members.add("bench", f"staff{place}", role=Role.LEAD)
        await members.choose(f"staff{place}", secrets.token_hex(12))
        member = await members.member(f"staff{place}")
        assert member
        found.append(await sessions.open(member, "bench") or "")
    return found


@asynccontextmanager
async def started(database: str) -> AsyncIterator[tuple[str, int]]:
    """A process that serves: its address and number."""
    settings = {"POSBOT_DATABASE": database, "POSBOT_PORT": "0", "POSBOT_OPS_PORT": "0", "POSBOT_PROXIES": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSBOT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "serve", cwd=corpus.ROOT, env={**kept, **settings, "POSBOT_KNOWLEDGE": str(corpus.ROOT / "knowledge")},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout
    try:
        ready = (await asyncio.wait_for(process.stdout.readline(), 120)).decode()
        found = re.search(r"http://\S+", ready)
        assert found, ready
        yield found[0], process.pid
    finally:
        process.terminate()
        await process.wait()


async def on(name: str, place: File | Server, database: str, size: Size) -> None:
    """One kind of database. The embedded one is read by a connection beside the process's own, at the end."""
    store = await place.open()
    sessions = await accounts(store, size.consoles)
    await store.close()
    processes = 2 if isinstance(place, Server) else 1
    show(f"{name}, {processes} process{'es' if processes > 1 else ''}")
    async with AsyncExitStack() as running:
        found = [await running.enter_async_context(started(database)) for _ in range(processes)]
        copy = await running.enter_async_context(_read(place))
        async with Bench(copy, size, place, [pid for _, pid in found], found[0][0], found[-1][0]) as bench:
            await measured(bench, sessions)


@asynccontextmanager
async def _read(place: File | Server) -> AsyncIterator[Any]:
    """A store that reads beside the processes."""
    if isinstance(place, Server):
        store = await place.open()
        try:
            yield store
        finally:
            await store.close()
    else:
        yield _Beside(place)


class _Beside:
    """Reads an embedded database while its process runs: what the store would refuse, because two must not write."""

    def __init__(self, place: File) -> None:
        from bot.storage.sqlite_desk import SQLiteDesk  # noqa: PLC0415

        self._path = place.path
        self.desk = SQLiteDesk(read=self._rows, write=None)  # type: ignore[arg-type]

    async def _rows(self, query: str, values: Any = ()) -> list[Any]:
        import aiosqlite  # noqa: PLC0415

        async with aiosqlite.connect(f"file:{self._path}?mode=ro", uri=True) as connection:
            return [*await connection.execute_fetchall(query, values)]


async def main(names: list[str], size: Size) -> None:
    """Each database in turn."""
    if "sqlite" in names:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "posbot.db"
            await on("sqlite", File(path=path), str(path), size)
    if "postgres" in names:
        name = f"posbot_bench_{secrets.token_hex(8)}"
        await Server(dsn=address()).execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        dsn = urlsplit(address())._replace(path=f"/{name}").geturl()
        try:
            await on("postgres", Server(dsn=dsn), dsn, size)
        finally:
            await Server(dsn=address()).execute(f"DROP DATABASE {name} WITH (FORCE)")
