"""Kills, crashes and bad networks in short, on every run; `make faults` takes the long form (see `world.LONG`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from .cluster import cluster, programs
from .world import LONG, World, embedded, on_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from tests.contract.places import Server

    from .cluster import Cluster

MESSAGES, KILLS = (6_000, 30) if LONG else (200, 2)
REPLICAS, REPLICA_MESSAGES, REPLICA_KILLS, CUTS = (3, 6_000, 10, 4) if LONG else (2, 200, 1, 1)
CRASH_MESSAGES, CRASH_KILLS, CRASHES = (20_000, 20, 2) if LONG else (200, 0, 1)
IN_A_HURRY = ("bot",) if LONG else ("tests.faults.hasty",)


@pytest.fixture
def private() -> Iterator[Cluster]:
    """A server of our own that may be killed."""
    found = programs()
    if found is None:
        pytest.skip("no programs of a PostgreSQL server (initdb, pg_ctl): nothing can be killed")
    with cluster(found) as made:
        yield made


async def rough_day(world: World, messages: int, *disturb: Callable[[], Awaitable[None]]) -> list[str]:
    """The promises that do not hold after messages, disturbances and a bad network."""
    async with world.turning():
        await world.send(messages, merchants=40, disturb=disturb)
        assert world.living() == world.replicas
    assert len(world.acknowledged) == messages
    return world.broken()


async def test_killed_again_and_again_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    world = embedded(tmp_path)
    assert await rough_day(world, MESSAGES, *[world.kill] * KILLS) == []
    assert world.kills == KILLS


async def test_replicas_are_killed_and_connections_cut(tmp_path: Path, server: Server) -> None:
    world = on_server(tmp_path, server.dsn, replicas=REPLICAS, wrapper=IN_A_HURRY)
    assert await rough_day(world, REPLICA_MESSAGES, *mixed([world.kill] * REPLICA_KILLS, [server.cut] * CUTS)) == []


async def test_the_database_server_crashes_and_replicas_carry_on_by_themselves(tmp_path: Path, private: Cluster) -> None:
    world = on_server(tmp_path, private.dsn, replicas=3, others=(private.folder,))

    async def crash() -> None:
        await asyncio.to_thread(private.crash)

    assert await rough_day(world, CRASH_MESSAGES, *mixed([world.kill] * CRASH_KILLS, [crash] * CRASHES)) == []
    assert world.refused  # they were there, and said so, while the database was not


async def test_an_acknowledgement_before_the_commit_is_noticed(tmp_path: Path) -> None:
    world = embedded(tmp_path, "tests.faults.canary", "early")
    broken = await rough_day(world, 200, world.kill, world.kill)
    assert any("are not there once" in promise for promise in broken)


async def test_lines_out_of_order_are_noticed(tmp_path: Path) -> None:
    broken = await rough_day(embedded(tmp_path, "tests.faults.canary", "unordered"), 150)
    assert any("out of order" in promise for promise in broken)


def mixed(many: Sequence[Callable[[], Awaitable[None]]], few: Sequence[Callable[[], Awaitable[None]]]) -> list[Callable[[], Awaitable[None]]]:
    """All of them, the few spread among the many."""
    placed = [((at + 0.5) / len(group), each) for group in (many, few) for at, each in enumerate(group)]
    return [each for _, each in sorted(placed, key=lambda pair: pair[0])]
