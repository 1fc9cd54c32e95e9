"""The web chat on a loopback server, over a real store and the real dialogue: for its tests, and to look at it (`python -m tests.webchat`)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot import app
from bot.channels.http import guarded
from bot.channels.webchat import Limit, Options, add_routes
from bot.ops.meter import Meter
from bot.server import new_id
from bot.service.bell import Bell, Bells
from bot.service.conversations import Conversations
from bot.service.deciding import Decider
from bot.service.intake import Intake
from bot.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.domain.knowledge import KnowledgeBase

ZONE = ZoneInfo("Asia/Shanghai")
OFTEN = Limit(per_minute=6e6, burst=1e6)
OPTIONS = Options(kept=timedelta(days=180), per_chat=OFTEN, per_ip=OFTEN, uploads_per_ip=OFTEN)
"""Nobody is too fast for a test that is about something else."""


@dataclass(frozen=True)
class Stage:
    """A server that runs, and what stands behind it. While `working` is cleared, messages are taken but not answered."""

    server: TestServer
    store: SQLiteStore
    kb: KnowledgeBase
    working: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/"))


def microseconds() -> int:
    return time.time_ns() // 1000


@asynccontextmanager
async def staged(
    folder: Path, mind: app.Mind, options: Options = OPTIONS, clock: Callable[[], int] = microseconds, host: str = "127.0.0.1", port: int | None = None
) -> AsyncIterator[Stage]:
    """Everything, running until the block is left."""
    store = await SQLiteStore.open(folder / "posbot.db", new_id)
    bell, bells, meter = Bell(), Bells(), Meter()
    intake = Intake(store=store, mind=lambda: mind, clock=clock, bell=bell, meter=meter)
    decider = Decider(mind=lambda: mind, clock=clock, new_id=new_id, zone=ZONE, pushing=lambda channel: False)
    conversations = Conversations(store=store, decide=decider.decide, clock=clock, said=bells, outbox=Bell(), meter=meter)
    application = web.Application(middlewares=[guarded])
    add_routes(application, intake=intake, store=store, bells=bells, clock=clock, new_id=new_id, welcome=mind.welcome, options=options)
    server = TestServer(application, host=host, port=port)
    stage = Stage(server=server, store=store, kb=mind.kb)
    stage.working.set()
    worker = asyncio.create_task(_work(conversations, bell, stage.working))
    await server.start_server()
    try:
        yield stage
    finally:
        await server.close()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        await store.close()


async def _work(conversations: Conversations, bell: Bell, working: asyncio.Event) -> None:
    while True:
        await working.wait()
        if not await conversations.work():
            await bell.wait(0.05)


async def _show(port: int) -> None:
    mind = app.wake(Path("knowledge"), Path(tempfile.gettempdir()) / "posbot-cache")
    with tempfile.TemporaryDirectory() as folder:
        async with staged(Path(folder), mind, host="127.0.0.1", port=port) as stage:
            sys.stdout.write(f"{stage.url}\n")
            await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_show(int(sys.argv[1]) if sys.argv[1:] else 8080))
