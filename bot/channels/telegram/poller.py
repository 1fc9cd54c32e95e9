"""Fetches updates by long polling: raw, and confirmed only when they are committed. Of several processes one does it, the others wait for its place."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.domain.errors import StoreUnavailable

from . import updates
from .api import ApiError, Conflict, Unknown, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.service.ports import Hold, Store

    from .api import Api, GetApi
    from .reception import Reception

LONG = 30
"""Seconds of a long poll (the server's limit is 50)."""
RIGHT = "telegram-updates"
AGAIN, MENDED = 2.0, 30.0
"""Seconds before the next try: after what passes by itself, and after what somebody has to mend."""
logger = logging.getLogger(__name__)


class Poller:
    """Works until cancelled."""

    def __init__(self, *, api: GetApi, store: Store, reception: Reception, again: float = AGAIN) -> None:
        self._api, self._store, self._reception, self._again = api, store, reception, again

    async def run(self) -> None:
        """Fetch as long as this process is the one that may."""
        while True:
            try:
                if hold := await self._store.seize(RIGHT):
                    try:
                        await self._poll(await self._api(), hold)
                    finally:
                        await hold.release()
            except StoreUnavailable:
                logger.warning("no right to fetch updates: the database is away", extra={"event": "poll_waits"})
            except Exception:  # the loop must survive whatever the server sends
                logger.exception("polling failed", extra={"event": "poll_failed"})
            await asyncio.sleep(self._again)

    async def _poll(self, api: Api, hold: Hold) -> None:
        """Fetch, commit, confirm with the next request. After a confirmation nothing is asked for by number: numbers may begin anew."""
        offset: int | None = None
        while await hold.lasts():
            try:
                found = await api.updates(offset, LONG)
            except ApiError as error:
                await asyncio.sleep(self._pause(error))
                continue
            await self._commit(found)
            offset = _next(found)

    async def _commit(self, found: Sequence[object]) -> None:
        """Not confirmed before it is done."""
        while True:
            try:
                return await self._reception.take(found)
            except StoreUnavailable:
                await asyncio.sleep(self._again)

    def _pause(self, error: ApiError) -> float:
        if isinstance(error, Wait):
            return error.seconds
        if isinstance(error, Conflict | Unknown):
            logger.error("updates cannot be fetched; `posbot telegram setup` says why", extra={"event": "poll_refused", "error": str(error)})
            return MENDED if isinstance(error, Unknown) else self._again
        logger.warning("updates not fetched", extra={"event": "poll_failed", "error": str(error)})
        return self._again


def _next(found: Sequence[object]) -> int | None:
    """What confirms these; None when there is nothing to confirm."""
    numbers = [number for number in map(updates.id_of, found) if number is not None]
    return numbers[-1] + 1 if numbers else None
