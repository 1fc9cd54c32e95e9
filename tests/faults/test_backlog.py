"""Much has come in before anybody is there to answer, and some of it cannot be read."""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from bot.domain.messages import Address
from bot.service import bodies
from bot.service.ports import Arrival
from tests.contract.places import File

from .world import LONG, World, embedded, on_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.contract.places import Place, Server

BACKLOG, MERCHANTS = (20_000, 500) if LONG else (2_000, 100)
SOON = 15.0
"""Seconds after the start in which the first answer must have come; for all of them it takes minutes in the long form."""
WORDS = ("打印机卡纸了", "没用", "不知道", "钱没到账", "没有", "你好")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Place, World]:
    if request.param == "sqlite":
        return File(path=tmp_path / "posbot.db"), embedded(tmp_path, faults=0.0)
    server: Server = request.getfixturevalue("server")
    return server, on_server(tmp_path, server.dsn, faults=0.0)


def said(merchant: int, number: int, kind: str, body: str) -> Arrival:
    address = Address(channel="hook:shop", chat=f"m-{merchant}")
    return Arrival(address=address, ext_id=f"m-{merchant}/{merchant}:{number}", kind=kind, body=body, received=time.time_ns() // 1000)


def batched(arrivals: Iterable[Arrival], most: int) -> Iterator[list[Arrival]]:
    rest = iter(arrivals)
    while some := list(islice(rest, most)):
        yield some


async def put(place: Place, world: World, arrivals: Iterable[Arrival]) -> None:
    """Messages that were acknowledged by a service that is not there any more."""
    store = await place.open()
    try:
        for some in batched(arrivals, 1_000):
            await asyncio.gather(*map(store.accept, some))
            world.acknowledged.update(arrival.ext_id.rpartition("/")[2] for arrival in some)
    finally:
        await store.close()


@pytest.mark.parametrize("place", ["sqlite", "postgres"] if LONG else ["sqlite"], indirect=True)
async def test_everything_that_waited_is_answered_in_order_and_the_first_soon(tmp_path: Path, place: tuple[Place, World]) -> None:
    where, world = place
    await put(where, world, (said(number % MERCHANTS, number, "said", text(WORDS[number % len(WORDS)])) for number in range(BACKLOG)))
    began = time.time()
    async with world.turning():
        pass
    assert world.broken() == []
    assert len(world.acknowledged) == BACKLOG
    came = world.came()
    assert came[0].at - began < SOON
    assert {told.merchant for told in came} == {f"m-{number}" for number in range(MERCHANTS)}
    if LONG:
        (tmp_path / "figures").write_text(f"{BACKLOG} messages: first answer {came[0].at - began:.1f} s, last of {len(came)} lines {came[-1].at - began:.1f} s")
        print((tmp_path / "figures").read_text())  # noqa: T201


async def test_a_message_that_cannot_be_read_is_put_aside_and_those_behind_it_are_answered(place: tuple[Place, World]) -> None:
    where, world = place
    world.poisoned = 3
    poison = ["no JSON", '["no object"]', '{"text": 7}']
    waiting = [said(merchant, number, "said", text("打印机卡纸了")) for merchant in range(3) for number in (0, 1)]
    waiting += [said(merchant, 2, "said", body) for merchant, body in enumerate(poison)]
    waiting += [said(merchant, number, "said", text("转人工")) for merchant in range(3) for number in (3, 4)]
    await put(where, world, waiting)
    async with world.turning():
        pass
    assert world.broken() == []
    reasons = [error for (error,) in world.query("SELECT error FROM inbox WHERE status = 'dead' ORDER BY id")]
    assert [bool(reason) for reason in reasons] == [True] * 3
    for merchant in range(3):
        heard = [" ".join(told.bubbles) for told in world.came() if told.merchant == f"m-{merchant}"]
        (told,) = [number for number, bubbles in enumerate(heard) if "没处理好" in bubbles]
        assert 0 < told < len(heard) - 1


def text(words: str) -> str:
    return bodies.written(words, ())
