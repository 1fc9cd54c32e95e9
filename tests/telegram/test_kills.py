"""The real program, killed where it stands while merchants write: nothing is lost, nothing is out of order, no ticket comes twice. `make faults` takes the
long form."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.invariants import hidden
from tests.faults.world import LONG, ROOT, free_port

from .people import telegram
from .service import SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from .people import Fake, Person

MESSAGES, KILLS, MERCHANTS = (2_000, 10, 40) if LONG else (300, 5, 20)
STARTS, ENDS = 60.0, 300.0
CARD = "6222021234567890128"
TEXTS = (
    "客人短信来了我这啥纸都没吐", "打印机卡纸了", "没用", "不知道", "扣了", "转人工", "好了 谢谢", "还是不行", "签到签不上", "/status", "/restart", "/start",
    f"卡号{CARD} 刷不过", "密码是739105", "1", "2", "直接转人工", "没有",
)  # fmt: skip
IN_FLIGHT = 8
"""Lines that may be on their way when a process is killed, and which nobody knows to have arrived."""


@dataclass
class Program:
    """`posbot serve` with a Telegram that is the fake."""

    folder: Path
    fake: Fake
    hooked: bool
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        there = {
            **os.environ, "POSBOT_DATABASE": str(self.folder / "posbot.db"), "POSBOT_PORT": "0", "POSBOT_TELEGRAM_PORT": str(self.port), "POSBOT_OPS_PORT": "0",
            "POSBOT_CONSOLE": "off", "POSBOT_LOG_LEVEL": "ERROR", "POSBOT_TELEGRAM_TOKEN": self.fake.token, "POSBOT_TELEGRAM_API": self.fake.url,
            "POSBOT_TELEGRAM_MODE": "webhook" if self.hooked else "polling", "POSBOT_TELEGRAM_SECRET": SECRET,
        }  # fmt: skip
        with (self.folder / "bot.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "serve", cwd=ROOT, env=there, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        assert await asyncio.wait_for(self.process.stdout.readline(), STARTS), (self.folder / "bot.log").read_text("utf-8")

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        await self.start()

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), STARTS)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder / 'posbot.db'}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query).fetchall()

    async def idle(self, messages: int) -> None:
        """Everything has come in and gone out."""
        async with asyncio.timeout(ENDS):
            while True:
                with suppress(sqlite3.OperationalError):
                    came, waits = self.rows(
                        "SELECT (SELECT count(*) FROM inbox WHERE kind = 'update'),"
                        " (SELECT count(*) FROM inbox WHERE status = 'new') + (SELECT count(*) FROM outbox WHERE status IN ('new', 'sending'))"
                    )[0]
                    if came >= messages and not waits:
                        return
                await asyncio.sleep(0.2)


@asynccontextmanager
async def running(folder: Path, fake: Fake, *, hooked: bool) -> AsyncIterator[Program]:
    program = Program(folder, fake, hooked)
    await program.start()
    try:
        if hooked:
            await fake.hook(f"http://127.0.0.1:{program.port}/telegram/updates", SECRET)
        yield program
    finally:
        await program.stop()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hooked", [False, True], ids=["polling", "webhook"])
async def test_killed_again_and_again_nothing_is_lost(tmp_path: Path, *, hooked: bool) -> None:
    chance = Random(7)
    async with telegram(scale=0.05) as fake, running(tmp_path, fake, hooked=hooked) as program:
        await fake.duplicates(MESSAGES // 20)
        await fake.fault("refuse", "sendMessage", times=None, share=0.03, code=500)
        await fake.fault("refuse", "sendMessage", times=None, share=0.05, code=429, description="Too Many Requests", parameters={"retry_after": 1})
        people = [await fake.person(f"第{number}家") for number in range(MERCHANTS)]
        writing = asyncio.gather(*(write(person, MESSAGES // MERCHANTS, Random(number)) for number, person in enumerate(people)))
        for _ in range(KILLS):
            await asyncio.sleep(chance.random())
            await program.kill()
        await writing
        await program.idle(MESSAGES)
        assert program.rows("SELECT count(*), count(DISTINCT ext_id) FROM inbox WHERE kind = 'update'") == [(MESSAGES, MESSAGES)]
        assert program.rows("SELECT error FROM inbox WHERE status <> 'done'") == []
        assert program.rows("SELECT error FROM outbox WHERE status <> 'sent'") == []
        assert program.rows("SELECT conversation FROM ticket WHERE status NOT IN ('solved', 'closed') GROUP BY conversation HAVING count(*) > 1") == []
        assert program.rows("SELECT origin FROM ticket GROUP BY origin HAVING count(*) > 1") == []
        assert await wrong(program, people) == []
        assert hidden([tmp_path], [CARD.encode(), b"739105"]) == []


async def write(person: Person, messages: int, chance: Random) -> None:
    """Somebody who writes one message after the other, whether they are answered or not."""
    for _ in range(messages):
        await person.say(chance.choice(TEXTS))
        await asyncio.sleep(chance.random() * 0.4)


async def wrong(program: Program, people: list[Person]) -> list[str]:
    """Chats in which something of the bot is missing or out of order, or too much came twice."""
    expected: dict[str, list[str]] = {}
    for chat, body in program.rows(
        "SELECT c.chat, m.body FROM message AS m JOIN conversation AS c ON c.id = m.conversation WHERE m.side = 'bot' ORDER BY m.id"
    ):
        line = json.loads(body)
        expected.setdefault(chat, []).append("\n".join(line["bubbles"]))
    found, doubled = [], 0
    for person in people:
        seen = [_without_note(bubble.text) for bubble in (await person.view()).of_bot()]
        doubled += len(seen) - len(expected[str(person.id)])
        rest = iter(seen)
        if not all(line in rest for line in expected[str(person.id)]):
            found.append(f"chat {person.id}: {len(expected[str(person.id)])} lines, {len(seen)} seen, not in order")
    if doubled > KILLS * IN_FLIGHT:
        found.append(f"{doubled} lines came again")
    return found


def _without_note(text: str) -> str:
    """A text without the word that a message with secrets was deleted."""
    return text.partition("\n")[2] if text.startswith("（刚才那条") else text
