"""The bot with a promise broken on purpose: a test of promises that does not notice is worth nothing. Run as `python -m tests.faults.canary KIND serve`."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import TYPE_CHECKING

from bot import cli
from bot.storage import sqlite

if TYPE_CHECKING:
    from bot.service.ports import Arrival

LATE = 0.5
"""Seconds between the acknowledgement and the commit."""
_EARLIER = re.compile(r"AND NOT EXISTS \(.*?\)\n\s*ORDER BY not_before, id", re.S)


def acknowledge_early() -> None:
    """Messages are acknowledged before they are safe."""
    keep, waiting = sqlite.SQLiteStore.accept, set[asyncio.Task[None]]()

    async def later(store: sqlite.SQLiteStore, arrival: Arrival) -> None:
        await asyncio.sleep(LATE)
        await keep(store, arrival)

    async def accept(self: sqlite.SQLiteStore, arrival: Arrival) -> str:
        task = asyncio.create_task(later(self, arrival))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        return "too-early"

    sqlite.SQLiteStore.accept = accept  # type: ignore[method-assign]


def send_in_any_order() -> None:
    """Lines of a chat are sent side by side, the latest first."""
    assert _EARLIER.search(sqlite._CLAIM)
    sqlite._CLAIM = _EARLIER.sub("ORDER BY id DESC", sqlite._CLAIM)


if __name__ == "__main__":
    {"early": acknowledge_early, "unordered": send_in_any_order}[sys.argv[1]]()
    sys.exit(cli.main(sys.argv[2:]))
