"""Kills and bad networks in short, on every run; `make faults` takes the long form (see `POSBOT_FAULTS`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.contract.places import fetch

from .world import World, sqlite_query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from tests.contract.places import Server

LONG = os.environ.get("POSBOT_FAULTS") == "long"
MESSAGES, KILLS = (6_000, 30) if LONG else (300, 3)
REPLICA_MESSAGES, REPLICA_KILLS, CUTS = (20_000, 20, 2) if LONG else (300, 2, 1)


async def rough_day(world: World, *, messages: int = MESSAGES, disturb: Sequence[Callable[[], Awaitable[None]]]) -> list[str]:
    """The promises that do not hold after messages, disturbances and a bad network."""
    await world.begin()
    try:
        await world.send(messages, merchants=40, disturb=disturb)
        await world.settle()
    finally:
        await world.end()
    assert len(world.acknowledged) == messages
    return world.broken()


def embedded(folder: Path, canary: str = "") -> World:
    database = folder / "posbot.db"
    return World(folder=folder, database=str(database), query=sqlite_query(database), canary=canary)


async def test_killed_again_and_again_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    world = embedded(tmp_path)
    assert await rough_day(world, disturb=[world.kill] * KILLS) == []
    assert world.kills == KILLS


async def test_replicas_are_killed_and_connections_cut(tmp_path: Path, server: Server) -> None:
    world = World(folder=tmp_path, database=server.dsn, query=lambda statement: fetch(server.dsn, statement), replicas=3)
    disturb = [world.kill] * (REPLICA_KILLS // 2) + [server.cut] * CUTS + [world.kill] * (REPLICA_KILLS - REPLICA_KILLS // 2)
    assert await rough_day(world, messages=REPLICA_MESSAGES, disturb=disturb) == []


async def test_an_acknowledgement_before_the_commit_is_noticed(tmp_path: Path) -> None:
    world = embedded(tmp_path, "early")
    broken = await rough_day(world, messages=300, disturb=[world.kill] * 2)
    assert any("are not there once" in promise for promise in broken)


async def test_lines_out_of_order_are_noticed(tmp_path: Path) -> None:
    broken = await rough_day(embedded(tmp_path, "unordered"), messages=300, disturb=[])
    assert any("out of order" in promise for promise in broken)
