"""A machine's clock is set right, or wrong, by an hour while messages come: nothing waits for an hour, and nothing is sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .test_faults import rough_day
from .world import LONG, World, embedded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

MESSAGES = 2_000 if LONG else 120
HOUR = 3600


def machine(folder: Path) -> World:
    """A world with a clock that can be set."""
    file = folder / "clock"
    file.write_text("0")
    world = embedded(folder, "tests.faults.warped", str(file))
    world.clocks_differ = True
    return world


def setting(world: World, hours: int) -> Callable[[], Awaitable[None]]:
    """Everybody's clock is set ahead or back."""

    async def set_clock() -> None:
        world.off += hours * HOUR
        file = world.folder / "clock.new"
        file.write_text(str(world.off))
        file.replace(world.folder / "clock")

    return set_clock


async def test_an_hour_ahead_and_back_and_back_again(tmp_path: Path) -> None:
    world = machine(tmp_path)
    assert await rough_day(world, MESSAGES, setting(world, +1), setting(world, -1), setting(world, -1), setting(world, +1)) == []


async def test_an_hour_back_and_then_a_new_start(tmp_path: Path) -> None:
    world = machine(tmp_path)
    assert await rough_day(world, MESSAGES, *[setting(world, -1), world.kill] * (4 if LONG else 1)) == []
