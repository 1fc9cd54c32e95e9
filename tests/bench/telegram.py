"""Telegram: what an update costs until it is taken, beside aiogram's own handler; and how soon its answer leaves, from a bot on a server that is near.

The server here says yes to everything: what is measured is the bot, not the rules of the real one.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median_low, quantiles
from time import perf_counter
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from bot.channels.telegram.hook import PATH
from tests.faults.world import free_port

from . import hooks
from .bots import House
from .output import run, show
from .traffic import dialogues

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .hooks import Way

STARTS, TRIES, UPDATES, CHATS, CALLERS = 3, 9, 2_000, 400, 40
IDLE, PAUSE = 200, 0.1
"""Messages that come one by one, and seconds between two of them."""
ME = {"id": 100000, "is_bot": True, "first_name": "bench", "username": "bench_bot"}


async def main() -> None:
    """All figures, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(folder=Path(folder))
        house.prepare()
        run("-m", "bot", "kb", "learn", POSBOT_CACHE=folder)
        show("telegram")
        await taken()
        await answered(house)


async def taken() -> None:
    """CPU until an update is taken, in turns with aiogram, whose handler answers before its own handlers are done, and keeps nothing."""
    for kind, make in {"a text": hooks.message, "a tap": hooks.tap, "a photo": hooks.picture}.items():
        spent: dict[str, list[float]] = {"posbot": [], "aiogram": []}
        async with hooks.way("posbot") as posbot, hooks.way("aiogram") as aiogram:
            for turn in range(TRIES):
                for name, way in {"posbot": posbot, "aiogram": aiogram}.items():
                    before = way.seconds
                    await flood(way, turn, make)
                    spent[name].append((way.seconds - before) / UPDATES * 1000)
        ours, theirs = spent["posbot"], spent["aiogram"]
        ratio = median_low(our / their for our, their in zip(ours, theirs, strict=True))  # each beside its neighbour: the machine is not always as fast
        beside = f"aiogram's handler with nothing to do {median_low(theirs):.2f} ms ({ratio:.2f}x)"
        show(f"  CPU of {kind:<8} until 200, committed                     {median_low(ours):8.2f} ms, {beside}")


async def flood(way: Way, turn: int, make: Callable[[int, int, str], dict[str, object]]) -> None:
    """Post updates of some chats, as many at once as Telegram's server does unless it is told otherwise, and in ASCII as it does."""
    texts = [text for lines in dialogues() for text in lines]
    waiting = iter([json.dumps(make(turn * UPDATES + n, 1_000_000 + n % CHATS, texts[n % len(texts)])).encode() for n in range(UPDATES)])

    async def post(session: aiohttp.ClientSession) -> None:
        for raw in waiting:
            async with session.post(f"http://127.0.0.1:{way.port}{PATH}", data=raw, headers=hooks.headers()) as response:
                if response.status != 200:
                    raise RuntimeError(f"refused: {response.status}")

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(post(session) for _ in range(CALLERS)))


async def answered(house: House) -> None:
    """From an update to the request with its answer, while nothing else is to do; and what the bot takes to be there."""
    leaving: dict[int, asyncio.Future[float]] = {}
    readies = []
    async with yes_server(leaving) as api:
        settings = {
            "POSBOT_TELEGRAM_TOKEN": hooks.TOKEN, "POSBOT_TELEGRAM_API": api, "POSBOT_TELEGRAM_MODE": "webhook", "POSBOT_TELEGRAM_SECRET": hooks.SECRET,
            "POSBOT_TELEGRAM_PORT": str(port := free_port()),
        }  # fmt: skip
        for _ in range(STARTS):
            async with house.bot(str(house.folder / "ready.db"), **settings) as bot:
                readies.append(bot.ready)
        async with house.bot(str(house.folder / "telegram.db"), **settings) as bot, aiohttp.ClientSession() as session:
            times = []
            for number in range(IDLE):
                chat = 1_000_000 + number
                leaving[chat] = asyncio.get_running_loop().create_future()
                began = perf_counter()
                update = hooks.message(number, chat, "打印机不出纸")
                async with session.post(f"http://127.0.0.1:{port}{PATH}", json=update, headers=hooks.headers()) as response:
                    response.raise_for_status()
                times.append((await asyncio.wait_for(leaving[chat], 30) - began) * 1000)
                await asyncio.sleep(PAUSE)
            megabytes = bot.megabytes
    cuts = quantiles(times[len(times) // 10 :], n=100)  # the first ones wait for the client, which is loaded beside everything else
    show(f"  ready                                                   {median_low(readies):8.2f} s, {megabytes:.0f} MB")
    show(f"  update → request with its answer, idle                       p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, the very first {times[0]:.0f} ms")


@asynccontextmanager
async def yes_server(leaving: dict[int, asyncio.Future[float]]) -> AsyncIterator[str]:
    """The address of a server that says yes, and notes when the first line for each chat comes."""

    async def method(request: web.Request) -> web.Response:
        came = perf_counter()
        fields = await request.post()
        if request.match_info["method"] == "getMe":
            return web.json_response({"ok": True, "result": ME})
        if request.match_info["method"] != "sendMessage":
            return web.json_response({"ok": True, "result": True})
        chat = int(str(fields["chat_id"]))
        if (left := leaving.get(chat)) and not left.done():
            left.set_result(came)
        message = {"message_id": 1, "date": 1_790_000_000, "chat": {"id": chat, "type": "private"}, "text": str(fields["text"])}
        return web.json_response({"ok": True, "result": message})

    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", method)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
