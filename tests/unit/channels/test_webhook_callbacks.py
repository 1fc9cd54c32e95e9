"""What the bot says reaches the app's own server: in order, signed, again with the same id when it did not work."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from bot.channels.webhook.callbacks import MOST_FLYING, Callbacks
from bot.channels.webhook.wire import Pushed
from bot.domain.messages import Address
from bot.service.ports import Later, Outgoing, Sent, Undeliverable
from tests.hook import OLD_SECRET, OTHER, SECRET, SHOP, receiving, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot import app
    from bot.service.ports import Delivery
    from tests.hook import Receiver, Stage

NOW = 1_764_036_000_000_000
SECOND = 1_000_000
LINE = Outgoing(
    id=1, address=Address(channel="hook:shop", chat="m1"), conversation="c1", message=7, body=json.dumps({"bubbles": ["您好"], "choices": []}),
    dedupe="5:0", tries=0, created=NOW, maybe_duplicate=False,
)  # fmt: skip
IMPATIENT = aiohttp.ClientTimeout(total=0.2)


class Clock:
    """The wall clock, and how far it was turned."""

    def __init__(self) -> None:
        self.turned = 0

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self.turned


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def channel(receiver: tuple[Receiver, str]) -> AsyncIterator[Callbacks]:
    async with Callbacks(sources=[replace(SHOP, callback=receiver[1]), OTHER], clock=lambda: NOW, timeout=IMPATIENT) as made:
        yield made


async def test_a_line_is_pushed_signed_with_every_secret(receiver: tuple[Receiver, str], channel: Callbacks) -> None:
    assert await channel.send(LINE) == Sent()
    (came,) = receiver[0].came
    assert came.id == "c1:5:0"
    assert came.body == {"conversation": "c1", "merchant": "m1", "line": 7, "bubbles": ["您好"], "choices": [], "at": "2025-11-25T02:00:00.000Z"}
    assert came.headers["Content-Type"] == "application/json"
    Pushed.model_validate(came.body)
    signatures = came.headers["webhook-signature"].split()
    assert [Webhook(secret).sign(came.id, _at(came.headers), came.raw) for secret in (SECRET, OLD_SECRET)] == signatures


async def test_a_picture_from_staff_is_named(receiver: tuple[Receiver, str], channel: Callbacks) -> None:
    body = json.dumps({"bubbles": [], "choices": [], "author": "安娜", "file": "0123"})
    assert await channel.send(replace(LINE, body=body)) == Sent()
    (came,) = receiver[0].came
    assert (came.body["photo"], came.body["bubbles"]) == ("0123", [])
    assert "安娜" not in came.raw


def _at(headers: dict[str, str]) -> datetime:
    return datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)


async def test_the_schemes_own_library_takes_what_is_pushed(tmp_path: Path, mind: app.Mind, receiver: tuple[Receiver, str]) -> None:
    async with staged(tmp_path, mind, replace(SHOP, callback=receiver[1])) as stage:
        await stage.app().say("m1", "打印机不出纸")
        await stage.answered()
        await stage.delivered()
    (came,) = receiver[0].came
    assert Webhook(SECRET).verify(came.raw, came.headers) == came.body
    assert any("先查流水" in bubble for bubble in came.body["bubbles"])


def later(seconds: float, *, counts: bool = True, maybe_arrived: bool = False, error: str = "") -> Later:
    return Later(not_before=NOW + int(seconds * SECOND), error=error, counts=counts, maybe_arrived=maybe_arrived)


@pytest.mark.parametrize(
    ("status", "headers", "delivery"),
    [
        (200, {}, Sent()),
        (204, {}, Sent()),
        (299, {}, Sent()),
        (301, {"Location": "/in"}, later(1, error="301")),
        (307, {"Location": "http://169.254.169.254/"}, later(1, error="307")),
        (400, {}, later(1, error="400")),
        (401, {}, later(1, error="401")),
        (404, {}, later(1, error="404")),
        (410, {}, Undeliverable(error="410")),
        (429, {}, later(1, error="429")),
        (429, {"Retry-After": "7"}, later(7, counts=False, error="429")),
        (429, {"Retry-After": "0"}, later(1, counts=False, error="429")),
        (429, {"Retry-After": "999999999"}, later(3600, counts=False, error="429")),
        (429, {"Retry-After": "-1"}, later(1, error="429")),
        (429, {"Retry-After": "soon"}, later(1, error="429")),
        (429, {"Retry-After": "9" * 5000}, later(1, error="429")),
        (503, {"Retry-After": formatdate(NOW / SECOND + 90, usegmt=True)}, later(90, counts=False, error="503")),
        (503, {"Retry-After": formatdate(NOW / SECOND - 90, usegmt=True)}, later(1, counts=False, error="503")),
        (503, {}, later(1, maybe_arrived=True, error="503")),
        (500, {"Retry-After": "7"}, later(1, maybe_arrived=True, error="500")),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_an_answer_means(receiver: tuple[Receiver, str], channel: Callbacks, status: int, headers: dict[str, str], delivery: Delivery) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    receiver[0].answer = answer
    assert await channel.send(LINE) == delivery
    assert len(receiver[0].came) == 1


async def test_pauses_grow(receiver: tuple[Receiver, str], channel: Callbacks) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=400)

    receiver[0].answer = answer
    assert [await channel.send(replace(LINE, tries=tries)) for tries in (1, 2, 50)] == [later(2, error="400"), later(4, error="400"), later(300, error="400")]


async def test_nobody_knows_what_became_of_a_line_when_the_connection_is_lost(receiver: tuple[Receiver, str], channel: Callbacks) -> None:
    async def closes(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    receiver[0].answer = closes
    assert await channel.send(LINE) == later(1, maybe_arrived=True, error="ServerDisconnectedError")


async def test_nobody_knows_what_became_of_a_line_when_there_is_no_answer(receiver: tuple[Receiver, str], channel: Callbacks) -> None:
    hanging = asyncio.Event()

    async def hangs(_: web.Request) -> web.Response:
        await hanging.wait()
        return web.Response()

    receiver[0].answer = hangs
    assert await channel.send(LINE) == later(1, maybe_arrived=True, error="TimeoutError")
    hanging.set()


async def test_a_line_that_was_never_sent_cannot_have_arrived(channel: Callbacks, unused_tcp_port: int) -> None:
    async with Callbacks(sources=[replace(SHOP, callback=f"http://127.0.0.1:{unused_tcp_port}/")], clock=lambda: NOW) as nowhere:
        assert await nowhere.send(LINE) == later(1, error="ClientConnectorError")


@pytest.mark.parametrize("endless", [True, False], ids=["endless", "broken"])
async def test_an_answer_is_not_read_to_its_end(receiver: tuple[Receiver, str], channel: Callbacks, *, endless: bool) -> None:
    """The status came: the line was taken, whatever follows."""
    written = 0

    async def pours(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        while endless and written < 100 << 20:
            await response.write(b"x" * (1 << 16))
            written += 1 << 16
        assert request.transport is not None
        request.transport.close()
        return response

    receiver[0].answer = pours
    assert await channel.send(LINE) == Sent()
    assert written < 50 << 20


async def test_sources_without_callback_only_fetch(tmp_path: Path, mind: app.Mind, channel: Callbacks) -> None:
    assert isinstance(await channel.send(replace(LINE, address=Address(channel="hook:other", chat="m1"))), Undeliverable)
    async with staged(tmp_path, mind, OTHER) as stage:
        conversation = await stage.app(OTHER).say("m1", "打印机不出纸")
        await stage.answered()
        assert (await stage.store.counts(0)).outbox == 0
        assert len((await stage.app(OTHER).lines(conversation)).json["lines"]) == 2


async def test_an_app_that_hangs_holds_up_itself_only(receiver: tuple[Receiver, str], channel: Callbacks) -> None:
    release = asyncio.Event()

    async def hangs(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    receiver[0].answer = hangs
    sending = [asyncio.create_task(channel.send(replace(LINE, dedupe=f"{number}:0"))) for number in range(MOST_FLYING)]
    while len(receiver[0].came) < MOST_FLYING:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert await channel.send(LINE) == later(1, counts=False, error="many are on their way")
    release.set()
    assert [await task for task in sending] == [Sent()] * MOST_FLYING
    assert await channel.send(LINE) == Sent()


class Moody:
    """An app that answers each line with 500, then 429, takes it and closes, takes it and hangs, and only then is content."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver, self.leaving = receiver, asyncio.Event()
        self.taken: dict[str, list[int]] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        came = self._receiver.came[-1]
        tries = [other.id for other in self._receiver.came].count(came.id)
        if tries == 1:
            return web.Response(status=500)
        if tries == 2:
            return web.Response(status=429, headers={"Retry-After": "2"})
        lines = self.taken.setdefault(came.body["merchant"], [])
        lines += [came.body["line"]] if tries == 3 else []
        if tries == 3:
            assert request.transport is not None
            request.transport.close()
        elif tries == 4:
            await self.leaving.wait()
        return web.Response()


async def talk(stage: Stage, *merchants: str) -> dict[str, list[int]]:
    """Merchants who talk; the ids of the bot's lines by merchant."""
    shop, said = stage.app(), {}
    for text in ("打印机不出纸", "还是不行", "转人工"):
        for merchant in merchants:
            said[merchant] = await shop.say(merchant, text)
        await stage.answered()
    return {
        merchant: [line["id"] for line in (await shop.lines(conversation)).json["lines"] if line["side"] == "bot"] for merchant, conversation in said.items()
    }


async def test_nothing_is_lost_and_order_is_kept_whatever_the_app_answers(tmp_path: Path, mind: app.Mind, receiver: tuple[Receiver, str]) -> None:
    clock, moody = Clock(), Moody(receiver[0])
    receiver[0].answer = moody.answer
    async with staged(tmp_path, mind, replace(SHOP, callback=receiver[1]), clock=clock, patience=IMPATIENT) as stage:
        said = await talk(stage, "m1", "m2", "m3")
        for _ in range(100):
            if (await stage.store.counts(clock())).outbox:
                await stage.delivered()
                clock.turned += 10 * SECOND
        moody.leaving.set()
        counts = await stage.store.counts(clock())
    assert (counts.outbox, counts.dead) == (0, 0)
    assert moody.taken == said
    assert [len(lines) for lines in said.values()] == [3, 3, 3]
    assert {came.body["line"]: came.id for came in receiver[0].came}.keys() == {line for lines in said.values() for line in lines}
    assert len({(came.body["line"], came.id) for came in receiver[0].came}) == len({came.id for came in receiver[0].came}) == 9


async def test_a_line_that_the_app_does_not_want_does_not_hold_back_the_next(tmp_path: Path, mind: app.Mind, receiver: tuple[Receiver, str]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=410 if len(receiver[0].came) == 1 else 200)

    receiver[0].answer = answer
    async with staged(tmp_path, mind, replace(SHOP, callback=receiver[1])) as stage:
        (lines,) = (await talk(stage, "m1")).values()
        for _ in lines:
            await stage.delivered()
        counts = await stage.store.counts(0)
        assert (counts.outbox, counts.dead) == (0, 1)
    assert [came.body["line"] for came in receiver[0].came] == lines
