"""Wakes whoever waits for work, at once instead of at the next look. Nothing depends on it but speed: other processes do not hear it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bell:
    """For one who waits."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """There is something to do."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Until it rings, or so long; rings while nobody waited count."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()


class Bells:
    """One bell for each listener of each conversation."""

    def __init__(self) -> None:
        self._listening: dict[str, set[Bell]] = {}

    def ring(self, conversation: str) -> None:
        """There is something new in this conversation."""
        for bell in self._listening.get(conversation, ()):
            bell.ring()

    @contextmanager
    def listening(self, conversation: str) -> Iterator[Bell]:
        """A bell that rings while it is listened to."""
        bell = Bell()
        self._listening.setdefault(conversation, set()).add(bell)
        try:
            yield bell
        finally:
            self._listening[conversation].discard(bell)
            if not self._listening[conversation]:
                del self._listening[conversation]
