"""The whole service on loopback, put together as `posbot serve` does it, and an app that uses it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from pydantic import SecretStr

from bot import server
from bot.settings import Settings
from tests.hook import OTHER_SECRET, SECRET, App

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.server import Running

TOPICS = {
    "printer": ["小票打不出来", "纸卡住了", "打出来是白的", "没纸了", "字太淡看不清"],
    "network": ["没信号", "连不上网", "流量卡停了", "断网了", "一直拨号"],
}
"""Enough to know, for a start in no time."""


class Service:
    """A service that runs, and those who come to it."""

    def __init__(self, running: Running, session: aiohttp.ClientSession, folder: Path) -> None:
        self.running, self.session, self.folder = running, session, folder

    @property
    def database(self) -> Path:
        return self.folder / "posbot.db"

    def app(self, name: str = "shop") -> App:
        return App(self.session, self.running.address, name, {"shop": SECRET, "other": OTHER_SECRET}[name])

    def kept(self) -> bytes:
        """Every byte of the database, what is not yet in its place included."""
        return b"".join(path.read_bytes() for path in self.folder.glob("posbot.db*"))

    async def heard(self, app: App, conversation: str, lines: int) -> list[Any]:
        """The lines of a conversation, as soon as there are so many."""
        async with asyncio.timeout(20):
            while len(found := (await app.lines(conversation)).json["lines"]) < lines:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return list(found)


def settings(folder: Path, **more: Any) -> Settings:
    """Settings of a small shop."""
    for topic, phrasings in TOPICS.items():
        file = folder / "knowledge" / "topics" / f"{topic}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"title: {topic}\nphrasings: [{', '.join(phrasings)}]\n", "utf-8")
    sources = [{"name": "shop", "secrets": [SECRET]}, {"name": "other", "secrets": [OTHER_SECRET]}]
    (folder / "sources.json").write_text(json.dumps(sources), "utf-8")
    usual = {
        "database": SecretStr(str(folder / "posbot.db")), "knowledge": folder / "knowledge", "cache": folder / "cache", "sources": folder / "sources.json",
        "port": 0, "ops_port": 0,
    }  # fmt: skip
    return Settings(**{**usual, **more})


@asynccontextmanager
async def serving(folder: Path, **more: Any) -> AsyncIterator[Service]:
    """The service until the block is left."""
    ready: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(server.serve(settings(folder, **more), ready.set_result))
    task.add_done_callback(lambda ended: None if ready.done() else ready.set_exception(ended.exception() or RuntimeError("ended")))
    running = await ready
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            yield Service(running, session, folder)
    finally:
        running.stop.set()
        await task
