"""A database that cannot be written for a while: the disk is full, or another program holds a lock. Nothing is acknowledged then, and all goes on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.contract.places import File

from .test_faults import IN_A_HURRY, rough_day
from .world import LONG, World, embedded, on_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.places import Server

SIZE = 8 << 20
"""Bytes of a disk that is soon full."""
MESSAGES = 1_000 if LONG else 200
ROOM = 60
"""Messages that may find room on a full disk: now and then SQLite begins its journal anew, and the file of that stays."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system, and a small one."""
    place = tmp_path / "disk"
    place.mkdir()
    if not mounted(place):
        pytest.skip("no right to mount a small disk here; tests/unit/storage/test_full_disk.py has a small database instead")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def mounted(place: Path) -> bool:
    """Whether a small disk is there."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "posbot", str(place)], check=False, capture_output=True).returncode == 0


async def refused(world: World, times: int = 1, taken: int = MESSAGES) -> None:
    """Wait until so many were told to come again, or so many were taken."""
    refused, acknowledged = world.refused + times, len(world.acknowledged) + taken
    async with asyncio.timeout(60):
        while world.refused < refused and len(world.acknowledged) < acknowledged:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_full_disk(tmp_path: Path, disk: Path) -> None:
    database, ballast = disk / "posbot.db", disk / "ballast"
    world = World(folder=tmp_path, database=str(database), query=File(path=database).query, faults=0.0)

    async def fill_and_free() -> None:
        fill(ballast)
        await refused(world, 20, ROOM)
        assert world.living()
        ballast.unlink()

    assert await rough_day(world, MESSAGES, *[fill_and_free] * (10 if LONG else 2)) == []
    assert world.refused >= 20
    assert "disk is full" in world.errors()


def fill(ballast: Path) -> None:
    """Take all the room that there is."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


async def test_a_file_that_another_program_has_locked(tmp_path: Path) -> None:
    world = embedded(tmp_path, *IN_A_HURRY, faults=0.0)

    async def lock() -> None:
        with locked_file(tmp_path / "posbot.db"):
            await refused(world)

    assert await rough_day(world, MESSAGES, lock) == []


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Nobody else may write."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def test_tables_that_another_program_has_locked(tmp_path: Path, server: Server) -> None:
    world = on_server(tmp_path, server.dsn, wrapper=IN_A_HURRY, faults=0.0)

    async def lock() -> None:
        async with server.connected() as other, other.transaction():
            await other.execute("LOCK TABLE inbox, outbox IN ACCESS EXCLUSIVE MODE")
            await refused(world)

    assert await rough_day(world, MESSAGES, lock) == []
