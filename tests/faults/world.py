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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
from standardwebhooks import Webhook

from tests.faults import invariants

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

ROOT = Path(__file__).parents[2]
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBzaG9wLCAzMiBieXRlcyE="
CARD, PIN = "6222021234567890128", "739105"
TEXTS = (
    "客人短信来了我这啥纸都没吐",
    "打印机卡纸了",
    "没用", "不知道", "扣了", "转人工", "好了 谢谢", "终端号10023345", "还是不行", "签到签不上", "钱没到账", "你好",
    f"卡号{CARD} 刷不过", f"密码是{PIN}", "1", "2", "客人等着呢", "没有",
)  # fmt: skip
SECRETS = (CARD.encode(), PIN.encode(), SECRET.encode())
IN_FLIGHT = 64
"""Lines that one process may have on their way (`service.delivery.SIDE_BY_SIDE`)."""
STARTS, ENDS = 30.0, 120.0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass
class World:
    """One database, `replicas` bots on it, one other app that behaves badly at `faults` of the lines. `canary` breaks a promise of the bots on purpose."""

    folder: Path
    database: str
    query: Callable[[str], Sequence[Sequence[Any]]]
    replicas: int = 1
    faults: float = 0.15
    canary: str = ""
    chance: Random = field(default_factory=lambda: Random(1))
    kills: int = 0
    acknowledged: set[str] = field(default_factory=set)
    _bots: list[asyncio.subprocess.Process] = field(default_factory=list)
    _ports: list[int] = field(default_factory=list)
    _app: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """What the other app wrote down."""
        return self.folder / "came.jsonl"

    async def begin(self) -> None:
        """Start everything."""
        port = free_port()
        sources = [{"name": "shop", "secrets": [SECRET], "callback": f"http://127.0.0.1:{port}/", "per_second": 1_000_000, "per_minute": 1_000_000}]
        (self.folder / "sources.json").write_text(json.dumps(sources), "utf-8")
        command = ("-m", "tests.faults.app", str(port), str(self.log), str(self.faults), str(self.chance.random()).replace("0.", ""))
        self._app = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        assert self._app.stdout is not None
        await asyncio.wait_for(self._app.stdout.readline(), STARTS)
        self._ports = [free_port() for _ in range(self.replicas)]
        self._bots = [await self._start(place) for place in range(self.replicas)]

    async def end(self) -> None:
        """Stop everything; the bots as an operator would."""
        for process in [*self._bots, *([self._app] if self._app else [])]:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait_for(process.wait(), STARTS)

    async def _start(self, place: int) -> asyncio.subprocess.Process:
        there = {
            **os.environ, "POSBOT_DATABASE": self.database, "POSBOT_SOURCES": str(self.folder / "sources.json"), "POSBOT_PORT": str(self._ports[place]),
            "POSBOT_OPS_PORT": "0", "POSBOT_LOG_LEVEL": "ERROR",
        }  # fmt: skip
        with (self.folder / "bot.log").open("ab") as log:
            bot = await asyncio.create_subprocess_exec(sys.executable, *self._command, cwd=ROOT, env=there, stdout=asyncio.subprocess.PIPE, stderr=log)
        assert bot.stdout is not None
        if not await asyncio.wait_for(bot.stdout.readline(), STARTS):
            raise RuntimeError((self.folder / "bot.log").read_text("utf-8"))
        return bot

    @property
    def _command(self) -> tuple[str, ...]:
        return ("-m", "tests.faults.canary", self.canary, "serve") if self.canary else ("-m", "bot", "serve")

    async def kill(self) -> None:
        """Kill one bot where it stands, and start it anew."""
        place = self.chance.randrange(self.replicas)
        self._bots[place].send_signal(signal.SIGKILL)
        await self._bots[place].wait()
        self.kills += 1
        self._bots[place] = await self._start(place)

    async def send(self, messages: int, merchants: int, disturb: Sequence[Callable[[], Awaitable[None]]] = ()) -> None:
        """Send messages, each merchant's one after the other, and again until they are acknowledged; meanwhile disturb, spread over the time it takes."""
        each = [messages // merchants + (number < messages % merchants) for number in range(merchants)]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            sending = asyncio.gather(*(self._merchant(session, f"m-{number}", count) for number, count in enumerate(each)))
            for number, disturbance in enumerate(disturb, 1):
                while len(self.acknowledged) < messages * number / (len(disturb) + 1) and not sending.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.01 + 0.05 * self.chance.random())
                await disturbance()
            await sending

    async def _merchant(self, session: aiohttp.ClientSession, merchant: str, count: int) -> None:
        for _ in range(count):
            id = f"msg_{secrets.token_hex(8)}"
            body = json.dumps({"merchant": merchant, "text": self.chance.choice(TEXTS)}, ensure_ascii=False)
            while not await self._post(session, id, body):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            self.acknowledged.add(id)
            if self.chance.random() < 0.05:
                await self._post(session, id, body)  # a channel that was not sure says it again

    async def _post(self, session: aiohttp.ClientSession, id: str, body: str) -> bool:
        at = datetime.now(UTC)
        headers = {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": Webhook(SECRET).sign(id, at, body)}
        address = f"http://127.0.0.1:{self.chance.choice(self._ports)}/v1/sources/shop/messages"
        try:
            async with session.post(address, data=body.encode(), headers=headers) as response:
                await response.read()
                if response.status not in {202, 503}:
                    raise AssertionError(f"{response.status}: {await response.text()}")
                return response.status == 202
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return False

    async def settle(self) -> None:
        """Wait until nothing waits any more."""
        end = time.monotonic() + ENDS
        while time.monotonic() < end:
            with contextlib.suppress(sqlite3.OperationalError):
                ((inbox,),) = self.query("SELECT count(*) FROM inbox WHERE status = 'new'")
                ((outbox,),) = self.query("SELECT count(*) FROM outbox WHERE status IN ('new', 'sending')")
                if not inbox and not outbox:
                    return
            await asyncio.sleep(0.2)
        raise AssertionError("something still waits")

    def broken(self) -> list[str]:
        """The promises that do not hold."""
        came = invariants.written_down(self.log)
        files = [path for path in self.folder.iterdir() if path.name != "sources.json"]
        hidden = [f"found in the clear: {place}" for place in invariants.hidden(files, SECRETS)]
        return [*invariants.broken(self.query, self.acknowledged, came, in_flight=self.kills * IN_FLIGHT), *hidden]


def sqlite_query(path: Path) -> Callable[[str], Sequence[Sequence[Any]]]:
    """Reads the file beside the process that works with it."""

    def query(statement: str) -> Sequence[Sequence[Any]]:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    return query
