"""Ways in for updates, each alone in a process: `python -m tests.bench.hooks posbot` takes them until they are committed, with nobody who decides about them;
`aiogram` is its own handler of webhooks, and handlers of messages and taps that do nothing."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from bot import app as house
from bot.channels.telegram import hook
from bot.channels.telegram.api import ApiError
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.keyboards import Keyboards
from bot.channels.telegram.links import Links
from bot.channels.telegram.pace import Pace
from bot.channels.telegram.reception import Reception
from bot.ops.meter import Meter
from bot.server import clock, new_id, settle
from bot.service.bell import Bell, Bells
from bot.service.intake import Intake
from bot.settings import Settings
from bot.storage.sqlite import SQLiteStore

from . import corpus
from .bots import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.channels.telegram.api import Api

TOKEN, SECRET = "100000:" + "a" * 35, "s" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way in that listens at `port`."""

    pid: int
    port: int

    @property
    def seconds(self) -> float:
        """What it has had of the processors."""
        return cpu_seconds(self.pid)


@asynccontextmanager
async def way(name: str) -> AsyncIterator[Way]:
    """One of them, until the block is left."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.hooks", name, cwd=corpus.ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield Way(pid=process.pid, port=int(await process.stdout.readline()))
    finally:
        process.terminate()
        await process.wait()


async def _posbot(folder: Path) -> int:
    mind = house.wake((settings := Settings()).knowledge, settings.cache)
    store, said, keyboards = await SQLiteStore.open(folder / "posbot.db", new_id), Bells(), Keyboards(TOKEN.encode())
    intake = Intake(store=store, mind=lambda: mind, clock=clock, bell=Bell(), meter=Meter())
    reception = Reception(
        intake=intake, store=store, mind=lambda: mind, keyboards=keyboards, links=Links(TOKEN.encode(), clock),
        errands=Errands(api=_nobody, pace=Pace(clock), bells=said), answered=lambda chat, message: None, aside=_a_merchants,
    )  # fmt: skip
    settle()
    return await hook.Hook(reception=reception, secret=SECRET).listen("127.0.0.1", 0)


async def _a_merchants(_: object) -> bool:
    return False


async def _nobody() -> Api:
    raise ApiError("nobody is called here")


async def _aiogram() -> int:
    from aiogram import Bot, Dispatcher  # noqa: PLC0415
    from aiogram.webhook.aiohttp_server import SimpleRequestHandler  # noqa: PLC0415

    dispatcher, app = Dispatcher(), web.Application()

    async def nothing(event: object) -> None:
        """The least that a bot can do."""

    dispatcher.message.register(nothing)
    dispatcher.callback_query.register(nothing)
    SimpleRequestHandler(dispatcher, Bot(TOKEN), secret_token=SECRET).register(app, path=hook.PATH)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    return port


async def _serve(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(await (_posbot(Path(folder)) if name == "posbot" else _aiogram()), flush=True)  # noqa: T201
        await asyncio.Event().wait()


def headers() -> dict[str, str]:
    """What Telegram's server sends with an update."""
    return {hook.HEADER: SECRET, "Content-Type": "application/json"}


def message(number: int, chat: int, text: str) -> dict[str, object]:
    """An update with what somebody wrote, as Telegram sends it."""
    return {"update_id": number, "message": {**_head(number, chat), "text": text}}


def tap(number: int, chat: int, text: str) -> dict[str, object]:
    """Somebody tapped the second of four buttons below a question: the message comes along, with all its buttons."""
    choices = [{"id": f"option:where={letter}", "label": f"{letter} {text[:12]}"} for letter in "abcd"]
    rows = [[{"text": button.label, "callback_data": button.data} for button in row] for row in Keyboards(TOKEN.encode()).rows(str(chat), number, choices)]
    bot = {"id": 100000, "is_bot": True, "first_name": "bench", "username": "bench_bot"}
    asked = {**_head(number, chat), "from": bot, "text": text, "reply_markup": {"inline_keyboard": rows}}
    data = [button["callback_data"] for row in rows for button in row][1]
    return {"update_id": number, "callback_query": {"id": str(number), "from": _who(chat), "message": asked, "chat_instance": str(chat), "data": data}}


def picture(number: int, chat: int, text: str) -> dict[str, object]:
    """An update with a photo in its four sizes, and a caption."""
    sizes: list[dict[str, object]] = []
    for side in (90, 320, 800, 1280):
        ids = {"file_id": f"AgACAgUAAxkBAAI{number:08d}{side}AAIEBAADNgQ", "file_unique_id": f"AQAD{number:08d}{side}"}
        sizes.append({**ids, "file_size": side * 90, "width": side, "height": side})
    return {"update_id": number, "message": {**_head(number, chat), "photo": sizes, "caption": text}}


def _head(number: int, chat: int) -> dict[str, object]:
    return {"message_id": number, "date": 1_790_000_000, "chat": {**_person(chat), "type": "private"}, "from": _who(chat)}


def _who(chat: int) -> dict[str, object]:
    return {**_person(chat), "is_bot": False, "language_code": "zh-hans"}


def _person(chat: int) -> dict[str, object]:
    return {"id": chat, "first_name": "王", "username": f"w{chat}"}


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
