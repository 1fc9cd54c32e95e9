"""Kills and bad networks in short, on every run; `make faults` takes the long form (see `POSBOT_FAULTS`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .world import World, sqlite_query

if TYPE_CHECKING:
    from pathlib import Path

LONG = os.environ.get("POSBOT_FAULTS") == "long"
MESSAGES, KILLS = (6_000, 30) if LONG else (300, 3)


async def rough_day(folder: Path, *, canary: str = "", messages: int = MESSAGES, kills: int = KILLS) -> list[str]:
    """The promises that do not hold after messages, kills and a bad network, on the embedded database."""
    database = folder / "posbot.db"
    world = World(folder=folder, database=str(database), query=sqlite_query(database), canary=canary)
    await world.begin()
    try:
        await world.send(messages, merchants=40, disturb=[world.kill] * kills)
        await world.settle()
    finally:
        await world.end()
    assert (world.kills, len(world.acknowledged)) == (kills, messages)
    return world.broken()


async def test_killed_again_and_again_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    assert await rough_day(tmp_path) == []


async def test_an_acknowledgement_before_the_commit_is_noticed(tmp_path: Path) -> None:
    broken = await rough_day(tmp_path, canary="early", messages=300, kills=2)
    assert any("are not there once" in promise for promise in broken)


async def test_lines_out_of_order_are_noticed(tmp_path: Path) -> None:
    broken = await rough_day(tmp_path, canary="unordered", messages=300, kills=0)
    assert any("out of order" in promise for promise in broken)
