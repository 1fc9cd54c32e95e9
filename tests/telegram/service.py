"""The whole service beside the fake Telegram, put together as `posbot serve` does it, with the knowledge base that is shipped."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from bot import server
from bot.service.ports import Arrival
from bot.settings import Settings
from bot.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from bot.domain.messages import Address, Photo
    from bot.server import Running

    from .people import Fake

    Serving: TypeAlias = "Callable[..., AbstractAsyncContextManager[Service]]"

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef0123456789abcdef"
"""What Telegram's server says to be let in."""


@dataclass(frozen=True)
class Service:
    """A service that runs, and its database."""

    running: Running
    folder: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the database as it is now."""
        with closing(sqlite3.connect(self.folder / "posbot.db")) as connection:
            return connection.execute(query).fetchall()

    def kept(self) -> bytes:
        """Every byte of the database, what is not yet in its place included."""
        return b"".join(path.read_bytes() for path in self.folder.glob("posbot.db*"))

    async def idle(self) -> None:
        """Nothing waits any more."""
        async with asyncio.timeout(20):
            while self.waiting():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def waiting(self) -> bool:
        """Whether something waits."""
        return bool(self.rows("SELECT 1 FROM inbox WHERE status = 'new' UNION ALL SELECT 1 FROM outbox WHERE status IN ('new', 'sending')"))

    def expected(self) -> dict[str, list[str]]:
        """What each chat must have seen of the bot, in order."""
        told: dict[str, list[str]] = {}
        for chat, body in self.rows(
            "SELECT c.chat, m.body FROM message AS m JOIN conversation AS c ON c.id = m.conversation WHERE m.side = 'bot' ORDER BY m.id"
        ):
            told.setdefault(chat, []).append("\n".join(json.loads(body)["bubbles"]))
        return told

    async def act(self, address: Address, body: str) -> None:
        """Something that staff do, beside the service that runs."""
        store = await SQLiteStore.beside(self.folder / "posbot.db", lambda: "0" * 32)
        try:
            await store.accept(Arrival(address=address, ext_id=f"act:{time_ns()}", kind="acted", body=body, received=time_ns() // 1000))
        finally:
            await store.close()

    async def keep(self, photo: Photo, address: Address) -> None:
        """A picture that staff send, beside the service that runs."""
        store = await SQLiteStore.beside(self.folder / "posbot.db", lambda: "0" * 32)
        try:
            await store.keep(photo, address, time_ns() // 1000)
        finally:
            await store.close()

    def said(self) -> Sequence[tuple[str, str]]:
        """Lines of all transcripts: side and body."""
        return self.rows("SELECT side, body FROM message ORDER BY id")


def settings(folder: Path, fake: Fake, **more: Any) -> Settings:
    """Settings of a bot whose Telegram is the fake."""
    usual = {
        "database": SecretStr(str(folder / "posbot.db")), "knowledge": ROOT / "knowledge", "cache": folder.parent / "cache", "port": 0, "ops_port": 0,
        "telegram_port": 0,
        "console": "off",
        "telegram_token": SecretStr(fake.token), "telegram_api": fake.url,
    }  # fmt: skip
    return Settings(**{**usual, **more})


@asynccontextmanager
async def serving(folder: Path, fake: Fake, **more: Any) -> AsyncIterator[Service]:
    """The service until the block is left."""
    ready: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(server.serve(settings(folder, fake, **more), ready.set_result))
    task.add_done_callback(lambda ended: None if ready.done() else ready.set_exception(ended.exception() or RuntimeError("ended")))
    running = await ready
    try:
        yield Service(running, folder)
    finally:
        running.stop.set()
        await task


@asynccontextmanager
async def hooked(folder: Path, fake: Fake, **more: Any) -> AsyncIterator[Service]:
    """The same, and updates are sent to it."""
    async with serving(folder, fake, telegram_mode="webhook", telegram_secret=SecretStr(SECRET), **more) as service:
        await fake.hook(f"{service.running.hook_address}/telegram/updates", SECRET)
        yield service
