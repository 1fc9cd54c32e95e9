"""Bells wake, and forget who listened."""

from __future__ import annotations

import asyncio

from bot.service.bell import Bell, Bells, Pulse


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


async def test_a_pulse_beats_at_once_and_then_after_a_rest_however_often_it_is_rung() -> None:
    pulse, bell = Pulse(rest=0.05), Bell()
    with pulse.listening(bell):
        for _ in range(50):
            pulse.ring()
        assert pulse.beats == 1
        await asyncio.wait_for(bell.wait(60), 5)
        await asyncio.wait_for(bell.wait(60), 5)
        assert pulse.beats == 2
    pulse.ring()
    assert pulse._listening == set()


async def test_one_bell_for_several_things() -> None:
    bells, bell = Bells(), Bell()
    with bells.listening("a", bell), bells.desk.listening(bell):
        bells.ring("a")
        await asyncio.wait_for(bell.wait(60), 5)
        bells.desk.ring()
        await asyncio.wait_for(bell.wait(60), 5)
        assert (bells.rings("a"), bells.listened) == (1, ("a",))
    assert (bells.rings("a"), bells.listened) == (0, ())
