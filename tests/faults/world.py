"""Real processes that are killed while real messages come: the bot, as many of it as a database allows, and the other app."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sqlite3
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
from standardwebhooks import Webhook

from tests.contract.places import File, Server
from tests.faults import invariants

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

ROOT = Path(__file__).parents[2]
LONG = os.environ.get("POSBOT_FAULTS") == "long"
"""Dozens of kills and thousands of messages instead of a few (`make faults`)."""
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBzaG9wLCAzMiBieXRlcyE="
CARD, PIN = "6222021234567890128", "739105"
TEXTS = (
    "客人短信来了我这啥纸都没吐",
    "打印机卡纸了",
    "没用", "不知道", "扣了", "转人工", "好了 谢谢", "终端号{mark}", "还是不行", "签到签不上", "钱没到账", "你好",
    f"卡号{CARD} 刷不过", f"密码是{PIN}", "1", "2", "客人等着呢", "没有",
)  # fmt: skip
"""What merchants write; `{mark}` is a number that only one of them tells."""
SECRETS = (CARD.encode(), PIN.encode(), SECRET.encode())
IN_FLIGHT = 64
"""Lines that one process may have on their way (`service.delivery.SIDE_BY_SIDE`)."""
STARTS, ENDS, PATIENCE = (120.0, 900.0, 10.0) if LONG else (30.0, 120.0, 10.0)
"""Seconds for a start, for everything to come to its end, and for the answer to a message."""
OUT_OF_REACH = (sqlite3.OperationalError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a database says that is just not there."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass
class World:
    """One database, `replicas` bots on it, one other app that behaves badly at `faults` of the lines. `wrapper` is a module that runs the bot and changes
    something about it; `others` are folders, beside the own one, in which no secret may be found."""

    folder: Path
    database: str
    query: Callable[[str], Sequence[Sequence[Any]]]
    replicas: int = 1
    faults: float = 0.15
    wrapper: tuple[str, ...] = ("bot",)
    others: tuple[Path, ...] = ()
    poisoned: int = 0
    chance: Random = field(default_factory=lambda: Random(1))
    kills: int = 0
    off: int = 0
    """Seconds by which everybody's clock is wrong."""
    clocks_differ: bool = False
    """A message may be signed by a clock and read by another: then it is refused (401; 429 when that happens to many), and signed anew."""
    refused: int = 0
    """Answers that said 503, come again."""
    acknowledged: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    """Places of secrets."""
    _bots: list[asyncio.subprocess.Process] = field(default_factory=list)
    _ports: list[int] = field(default_factory=list)
    _app: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """What the other app wrote down."""
        return self.folder / "came.jsonl"

    @asynccontextmanager
    async def turning(self) -> AsyncIterator[None]:
        """Everything runs; at the end everything is stopped, once nothing waits any more. Secrets are looked for before and after: what is not yet in its
        place on the disk is there only while bots run."""
        await self.begin()
        try:
            yield
            await self.settle()
            self.look_for_secrets()
        finally:
            await self.end()
        self.look_for_secrets()

    async def begin(self) -> None:
        """Start everything."""
        port = free_port()
        sources = [{"name": "shop", "secrets": [SECRET], "callback": f"http://127.0.0.1:{port}/", "per_second": 1_000_000, "per_minute": 1_000_000}]
        (self.folder / "sources").mkdir()
        (self.folder / "sources" / "list.json").write_text(json.dumps(sources), "utf-8")
        command = ("-m", "tests.faults.app", str(port), str(self.log), str(self.faults), str(self.chance.random()).replace("0.", ""))
        self._app = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        assert self._app.stdout is not None
        await asyncio.wait_for(self._app.stdout.readline(), STARTS)
        self._ports = [free_port() for _ in range(self.replicas)]
        self._bots = list(await asyncio.gather(*map(self._start, range(self.replicas))))

    async def end(self) -> None:
        """Stop everything; the bots as an operator would."""
        for process in [*self._bots, *([self._app] if self._app else [])]:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait_for(process.wait(), STARTS)

    async def _start(self, place: int) -> asyncio.subprocess.Process:
        there = {
            **os.environ, "POSBOT_DATABASE": self.database, "POSBOT_SOURCES": str(self.folder / "sources" / "list.json"),
            "POSBOT_PORT": str(self._ports[place]), "POSBOT_OPS_PORT": "0", "POSBOT_LOG_LEVEL": "ERROR",
        }  # fmt: skip
        with (self.folder / "bot.log").open("ab") as log:
            bot = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *self.wrapper, "serve", cwd=ROOT, env=there, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        assert bot.stdout is not None
        if not await asyncio.wait_for(bot.stdout.readline(), STARTS):
            raise RuntimeError((self.folder / "bot.log").read_text("utf-8"))
        return bot

    async def kill(self) -> None:
        """Kill one bot where it stands, and start it anew."""
        place = self.chance.randrange(self.replicas)
        self._bots[place].send_signal(signal.SIGKILL)
        await self._bots[place].wait()
        self.kills += 1
        self._bots[place] = await self._start(place)

    def living(self) -> int:
        """How many bots run."""
        return sum(bot.returncode is None for bot in self._bots)

    async def send(self, messages: int, merchants: int, disturb: Sequence[Callable[[], Awaitable[None]]] = ()) -> None:
        """Send messages, each merchant's one after the other, and again until they are acknowledged; meanwhile disturb, spread over the time it takes."""
        before = len(self.acknowledged)
        each = [messages // merchants + (number < messages % merchants) for number in range(merchants)]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
            sending = asyncio.gather(*(self._merchant(session, number, count) for number, count in enumerate(each)))
            for number, disturbance in enumerate(disturb, 1):
                while len(self.acknowledged) - before < messages * number / (len(disturb) + 1) and not sending.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.01 + 0.05 * self.chance.random())
                await disturbance()
            await sending

    async def _merchant(self, session: aiohttp.ClientSession, number: int, count: int) -> None:
        said: list[tuple[str, str]] = []
        for _ in range(count):
            id, text = f"msg_{secrets.token_hex(8)}", self.chance.choice(TEXTS).format(mark=invariants.mark(number))
            said.append((id, json.dumps({"merchant": f"m-{number}", "text": text}, ensure_ascii=False)))
            if self.chance.random() < 0.05:
                await self._leave(session, *said[-1])
            while not await self._post(session, *said[-1]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            self.acknowledged.add(id)
            if self.chance.random() < 0.05:
                await self._post(session, *said[-1])  # a channel that was not sure says it again
            if self.chance.random() < 0.05:
                await self._post(session, *self.chance.choice(said))  # and one that was cut off for a while says old things again

    async def _leave(self, session: aiohttp.ClientSession, id: str, body: str) -> None:
        """A caller who does not wait for the answer; what becomes of the message nobody knows."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.002):
                await self._post(session, id, body)

    async def _post(self, session: aiohttp.ClientSession, id: str, body: str) -> bool:
        """Whether it was acknowledged."""
        at = datetime.fromtimestamp(time.time() + self.off, UTC)
        headers = {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": Webhook(SECRET).sign(id, at, body)}
        address = f"http://127.0.0.1:{self.chance.choice(self._ports)}/v1/sources/shop/messages"
        try:
            async with session.post(address, data=body.encode(), headers=headers) as response:
                await response.read()
                if response.status not in {202, 503} and not (self.clocks_differ and response.status in {401, 429}):
                    raise AssertionError(f"{response.status}: {await response.text()}")
                self.refused += response.status == 503 and "Retry-After" in response.headers
                return response.status == 202
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return False

    async def settle(self) -> None:
        """Wait until nothing waits any more."""
        end, inbox, outbox = time.monotonic() + ENDS, None, None
        while time.monotonic() < end:
            with contextlib.suppress(*OUT_OF_REACH):
                ((inbox,),) = self.query("SELECT count(*) FROM inbox WHERE status = 'new'")
                ((outbox,),) = self.query("SELECT count(*) FROM outbox WHERE status IN ('new', 'sending')")
                if not inbox and not outbox:
                    return
            await asyncio.sleep(0.2)
        raise AssertionError(f"something still waits: {inbox} events, {outbox} lines; {self.errors()[-2000:]}")

    def errors(self) -> str:
        """What the bots complained of."""
        return (self.folder / "bot.log").read_text("utf-8")

    def look_for_secrets(self) -> None:
        """Note where secrets are that should be nowhere."""
        folders = [self.folder, *self.others]
        self.found += [place for place in invariants.hidden(folders, SECRETS) if "list.json" not in place]

    def came(self) -> list[invariants.Told]:
        """The lines that came to the other app."""
        return invariants.written_down(self.log)

    def broken(self) -> list[str]:
        """The promises that do not hold."""
        return [
            *invariants.broken(self.query, self.acknowledged, self.came(), in_flight=self.kills * IN_FLIGHT, poisoned=self.poisoned),
            *self.found,
        ]


def embedded(folder: Path, *wrapper: str, **more: Any) -> World:
    """A world on a file."""
    database = folder / "posbot.db"
    return World(folder=folder, database=str(database), query=File(path=database).query, wrapper=wrapper or ("bot",), **more)


def on_server(folder: Path, dsn: str, **more: Any) -> World:
    """A world on a server."""
    return World(folder=folder, database=dsn, query=Server(dsn=dsn).query, **more)
