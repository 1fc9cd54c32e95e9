"""Bells wake, and forget who listened."""

from __future__ import annotations

import asyncio

from bot.service.bell import Bell, Bells


async def test_a_ring_while_nobody_waited_counts() -> None:
    bell = Bell()
    bell.ring()
    await asyncio.wait_for(bell.wait(60), 5)


async def test_without_a_ring_waiting_ends() -> None:
    await Bell().wait(0.001)


async def test_every_listener_hears_its_conversation() -> None:
    bells = Bells()
    with bells.listening("a") as one, bells.listening("a") as two, bells.listening("b") as other:
        bells.ring("a")
        await asyncio.wait_for(asyncio.gather(one.wait(60), two.wait(60)), 5)
        assert not other._rung.is_set()
    bells.ring("a")
    assert bells._listening == {}
