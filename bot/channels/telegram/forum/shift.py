"""Who works on the group: one process at a time, and another one when that ends. All of them take in what comes from it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from bot.service.ports import Hold, Store

RIGHT = "telegram forum"
"""What one process alone may do."""
LOOK, AGAIN = 1.0, 1.0
"""Seconds between two looks whether the right is still ours, and until it is asked for again."""
logger = logging.getLogger(__name__)


class Shift:
    """`works` begin what is to be done, each without end."""

    def __init__(self, *, store: Store, works: Sequence[Callable[[], Coroutine[None, None, None]]]) -> None:
        self._store, self._works = store, works

    async def run(self) -> None:
        """Work whenever this process is the one that may, until cancelled."""
        while True:
            try:
                if hold := await self._store.seize(RIGHT):
                    await self._work(hold)
            except StoreUnavailable:
                logger.warning("nobody works on the staff's group: the database is away", extra={"event": "forum_waits"})
            except Exception:  # the loop must survive whatever comes
                logger.exception("the work on the staff's group ended", extra={"event": "forum_failed"})
            await asyncio.sleep(AGAIN)

    async def _work(self, hold: Hold) -> None:
        """As long as the right lasts. Raises what the work raises."""
        tasks = [asyncio.create_task(work()) for work in self._works]
        try:
            while await hold.lasts() and not any(task.done() for task in tasks):
                await asyncio.wait(tasks, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await hold.release()
