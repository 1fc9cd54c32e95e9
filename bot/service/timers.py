"""Makes events of time: silence that has lasted long enough, and the nightly forgetting."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.domain.clock import SECOND

from .ports import Retention

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from .bell import Bell
    from .ports import Store

LOOK = 5.0
"""Seconds between two looks for silence."""
PURGE_EVERY = 24 * 3600 * SECOND
logger = logging.getLogger(__name__)


def retention(now: int, *, messages: timedelta, photos: timedelta, conversations: timedelta, audit: timedelta) -> Retention:
    """The moments before which things are forgotten, from how long they are kept."""
    before = (now - int(kept.total_seconds() * SECOND) for kept in (messages, photos, conversations, audit))
    return Retention(messages=next(before), photos=next(before), conversations=next(before), audit=next(before))


class Timers:
    """The clock's own channel. `kept` gives the moments before which things are forgotten."""

    def __init__(self, *, store: Store, clock: Callable[[], int], kept: Callable[[int], Retention]) -> None:
        self._store, self._clock, self._kept = store, clock, kept
        self._purged: int | None = None

    async def run(self, bell: Bell) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                if await self._store.wake(self._clock()):
                    bell.ring()
                await self._purge_at_times()
            except Exception:  # the clock must survive whatever the database does
                logger.exception("no look at the clock", extra={"event": "timer_failed"})
            await asyncio.sleep(LOOK)

    async def _purge_at_times(self) -> None:
        """Once after the start, then daily."""
        now = self._clock()
        if self._purged is None or now - self._purged >= PURGE_EVERY:
            rows = await self._store.purge(self._kept(now))
            self._purged = now
            logger.info("old data deleted", extra={"event": "purged", "rows": rows})
