"""The other app, in a process of its own so that its work is not counted as the bot's: `python -m tests.bench.traffic`, a plan on standard input.

Merchants play the dialogues of the test cases, each in order. What is sent is signed before the clock runs. Two ways: so many merchants at once, each waiting
for what is asked for before the next message (how much goes through); or so many messages a second, come what may, each timed from the moment when it was due
(how long it takes).
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from statistics import quantiles
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import yaml
from standardwebhooks import Webhook

from . import corpus

if TYPE_CHECKING:
    from pathlib import Path

SOURCE, SECRET = "shop", "whsec_c2VjcmV0IG9mIHRoZSBzaG9wLCAzMiBieXRlcyE="
CHANNEL = f"hook:{SOURCE}"
CONNECTIONS = 128
LOOK_CLOSELY, LOOK = 0.001, 0.02
"""Seconds between two looks for answers, where their time is measured and where only their number is: a look costs the database as much as a message."""
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_ANSWERED = "SELECT ext_id, status FROM inbox WHERE channel = '{}' AND status <> 'new' AND ext_id IN (SELECT value FROM json_each(?))"
_ANSWERED_THERE = "SELECT ext_id, status FROM inbox WHERE channel = '{}' AND status <> 'new' AND ext_id = ANY ($1::text[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do. `turns` messages of each merchant at most; `callers` at once, or `rate` a second; done when acknowledged, or, with a `database`, when the
    answer stands in the transcript. `run` makes ids that no other run has."""

    run: str
    ports: tuple[int, ...]
    merchants: tuple[str, ...]
    turns: int = 1
    callers: int = 0
    rate: float = 0
    database: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it; times in milliseconds."""

    messages: int
    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Request:
    """A message, ready to be sent, and the id under which the bot keeps it."""

    ext_id: str
    raw: bytes


Road: TypeAlias = Callable[[Request], Awaitable[None]]
"""Sends a message, and comes back when it has got where it should."""


async def play(plan: Plan) -> Report:
    """Have another process do it. Raises RuntimeError when that fails, or when any message was refused."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.traffic", cwd=corpus.ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode:
        raise RuntimeError("the other app failed")
    return Report(**json.loads(out))


def dialogues() -> list[list[str]]:
    """What merchants say in each dialogue of the test cases; a button is typed as it reads. Not in those about what is kept: whoever has all deleted leaves
    nothing from which an answer could be read."""
    paths = (path for path in sorted((corpus.ROOT / "tests/cases/dialogues").glob("*.yaml")) if path.stem != "privacy")
    told = [dialogue["对话"] for path in paths for dialogue in _yaml(path)]
    return [lines for turns in told if (lines := [turn.get("商户") or turn["点"] for turn in turns if "商户" in turn or "点" in turn])]


def _yaml(path: Path) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = yaml.load(path.read_text("utf-8"), yaml.CBaseLoader)
    return read


def main() -> None:
    plan = Plan(**json.loads(sys.stdin.read()))
    print(json.dumps(asdict(asyncio.run(_played(plan)))))  # noqa: T201


async def _played(plan: Plan) -> Report:
    texts, webhook = dialogues(), Webhook(SECRET)
    told = [
        [_signed(webhook, f"{plan.run}-{number}-{turn}", merchant, text) for turn, text in enumerate(texts[number % len(texts)][: plan.turns])]
        for number, merchant in enumerate(plan.merchants)
    ]
    post = await _connected(plan.ports)
    looking = asyncio.create_task((answers := _answers(plan.database)).look(LOOK_CLOSELY if plan.rate else LOOK)) if plan.database else None

    async def road(request: Request) -> None:
        if not plan.database:
            return await post(request)
        answered = answers.expect(request.ext_id)
        await post(request)
        return await answered

    times, seconds = await (_at_rate(told, road, plan.rate) if plan.rate else _side_by_side(told, road, plan.callers))
    if looking:
        looking.cancel()
    cuts = quantiles((each * 1000 for each in times), n=100)
    return Report(messages=len(times), per_second=len(times) / seconds, p50_ms=cuts[49], p99_ms=cuts[98])


async def _side_by_side(told: list[list[Request]], road: Road, callers: int) -> tuple[list[float], float]:
    """Seconds of each message, and of all: each caller takes one merchant after the other."""
    times, waiting = [], iter(told)

    async def call() -> None:
        for requests in waiting:
            for request in requests:
                began = perf_counter()
                await road(request)
                times.append(perf_counter() - began)

    began = perf_counter()
    await asyncio.gather(*(call() for _ in range(callers)))
    return times, perf_counter() - began


async def _at_rate(told: list[list[Request]], road: Road, rate: float) -> tuple[list[float], float]:
    """Seconds of each message from when it was due, and of all: everybody's first, then everybody's second."""
    times = []

    async def due(request: Request, moment: float) -> None:
        await road(request)
        times.append(perf_counter() - moment)

    began = perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(request for each in zip_longest(*told) for request in each if request):
            moment = began + number / rate
            if (early := moment - perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(due(request, moment))
    return times, perf_counter() - began


def _signed(webhook: Webhook, id: str, merchant: str, text: str) -> Request:
    """A message as an app would send it."""
    body, at = json.dumps({"merchant": merchant, "text": text}, ensure_ascii=False), int(time())
    signature = webhook.sign(id, datetime.fromtimestamp(at, UTC), body)
    head = (
        f"POST /v1/sources/{SOURCE}/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
        f"webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n\r\n"
    )
    return Request(f"{merchant}/{id}", (head + body).encode())


class _Connection(asyncio.Protocol):
    """A connection that is kept: one request after the other. An app's own HTTP library would take more of the machine than the bot's does."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._came, self._answer = b"", asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, gap, body = self._came.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if gap else None
        if length and len(body) >= int(length[1]):
            self._came = b""
            self._answer.set_result(head.split(b" ", 2)[1])

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    async def post(self, request: Request) -> None:
        """Send it. Raises RuntimeError when it was not taken."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request.raw)
        if (status := await self._answer) != b"202":
            raise RuntimeError(f"refused: {status.decode()}")


async def _connected(ports: Iterable[int]) -> Road:
    """Posts to these ports in turn, on connections that are open already."""
    loop, free = asyncio.get_running_loop(), asyncio.Queue[_Connection]()
    ports = list(ports)
    for number in range(CONNECTIONS):
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", ports[number % len(ports)])
        free.put_nowait(connection)

    async def post(request: Request) -> None:
        connection = await free.get()
        await connection.post(request)
        free.put_nowait(connection)

    return post


class _Answers:
    """Tells when the answers to messages stand in the transcript, which is when the bot has done with the message. `query` gives (id, status) of those that
    are done."""

    def __init__(self, query: Callable[[list[str]], Awaitable[Iterable[Iterable[str]]]]) -> None:
        self._query = query
        self._expected: dict[str, asyncio.Future[None]] = {}

    def expect(self, ext_id: str) -> asyncio.Future[None]:
        """Done when the answer is there. Raises RuntimeError when the message was put aside."""
        self._expected[ext_id] = future = asyncio.get_running_loop().create_future()
        return future

    async def look(self, pause: float) -> None:
        """Look again and again, with pauses in seconds, until cancelled."""
        while True:
            for ext_id, status in await self._query(list(self._expected)) if self._expected else ():
                future = self._expected.pop(ext_id)
                future.set_result(None) if status == "done" else future.set_exception(RuntimeError("put aside"))
            await asyncio.sleep(pause)


def _answers(database: str) -> _Answers:
    """Looks into a file, or a database on a server, beside the bot."""
    if database.startswith("postgresql://"):
        return _Answers(_Server(database).query)
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)

    async def query(ids: list[str]) -> Iterable[Iterable[str]]:
        return connection.execute(_ANSWERED.format(CHANNEL), (json.dumps(ids),)).fetchall()

    return _Answers(query)


class _Server:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Any = None

    async def query(self, ids: list[str]) -> Iterable[Iterable[str]]:
        self._connection = self._connection or await asyncpg.connect(self._dsn)
        rows: list[Iterable[str]] = await self._connection.fetch(_ANSWERED_THERE.format(CHANNEL), ids)
        return rows


if __name__ == "__main__":
    main()
