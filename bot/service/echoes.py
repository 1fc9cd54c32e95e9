"""Rings in this process for what other processes have done: one small question to the database, four times a second, for all who listen here together."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .bell import Bells
    from .ports import Store

LOOK = 0.25
"""Seconds between two looks: with the 0.2 s after which another process notices an event, half a second at most until it is heard."""
logger = logging.getLogger(__name__)


class Echoes:
    """Listens to the database for `bells`."""

    def __init__(self, *, store: Store, bells: Bells) -> None:
        self._store, self._bells = store, bells
        self._versions: Mapping[str, int] = {}
        self._deed = 0

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable:
                logger.warning("no look at what others did", extra={"event": "echoes_failed"})
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Ring for what has changed since the last look. Whoever began to listen after it may have missed something between: rung for as well."""
        listened = self._bells.listened
        versions = await self._store.versions(listened) if listened else {}
        for conversation in listened:
            if conversation not in self._versions or self._versions[conversation] != versions.get(conversation, -1):
                self._bells.ring(conversation)
        self._versions = {conversation: versions.get(conversation, -1) for conversation in listened}
        deed = await self._store.desk.last_deed()
        if deed != self._deed:
            self._deed = deed
            self._bells.desk.ring()
