"""Wakes whoever waits for work, at once instead of at the next look. Nothing depends on it but speed; what other processes do is told by `echoes`."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REST = 0.5
"""Seconds between two beats: so often, at most, everybody looks at the desk anew, all at the same time, and what they see can be made once for all of them."""


class Bell:
    """For one who waits."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """There is something to do."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Until it rings, or so long; whether it rang. Rings while nobody waited count."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        rung = self._rung.is_set()
        self._rung.clear()
        return rung


class Pulse:
    """Beats when something has changed: at once, and then not again before a rest, however much changes meanwhile."""

    def __init__(self, rest: float = REST) -> None:
        self.beats = 0
        self._rest, self._resting, self._again = rest, False, False
        self._listening: set[Bell] = set()

    def ring(self) -> None:
        """Something has changed."""
        if self._resting:
            self._again = True
        else:
            self._beat()

    @contextmanager
    def listening(self, bell: Bell) -> Iterator[None]:
        """This bell rings with each beat."""
        self._listening.add(bell)
        try:
            yield
        finally:
            self._listening.discard(bell)

    def _beat(self) -> None:
        self.beats += 1
        self._resting, self._again = True, False
        asyncio.get_running_loop().call_later(self._rest, self._rested)
        for bell in self._listening:
            bell.ring()

    def _rested(self) -> None:
        self._resting = False
        if self._again:
            self._beat()


class Bells:
    """One bell for each listener of each conversation, and the pulse of the staff's desk: it beats when a ticket has changed."""

    def __init__(self) -> None:
        self.desk = Pulse()
        self._listening: dict[str, set[Bell]] = {}
        self._rings: dict[str, int] = {}
        self._following: list[Callable[[str], None]] = []

    def follow(self, hears: Callable[[str], None]) -> None:
        """From now on `hears` is told of every conversation that rings in this process."""
        self._following.append(hears)

    @property
    def listened(self) -> tuple[str, ...]:
        """The conversations that somebody listens to."""
        return tuple(self._listening)

    def ring(self, conversation: str) -> None:
        """There is something new in this conversation."""
        for bell in self._listening.get(conversation, ()):
            bell.ring()
        if conversation in self._rings:
            self._rings[conversation] += 1
        for hears in self._following:
            hears(conversation)

    def rings(self, conversation: str) -> int:
        """How often it has rung since somebody began to listen."""
        return self._rings.get(conversation, 0)

    @contextmanager
    def listening(self, conversation: str, bell: Bell | None = None) -> Iterator[Bell]:
        """A bell that rings while it is listened to: a new one, or one that rings for something else too."""
        bell = bell or Bell()
        self._listening.setdefault(conversation, set()).add(bell)
        self._rings.setdefault(conversation, 0)
        try:
            yield bell
        finally:
            self._listening[conversation].discard(bell)
            if not self._listening[conversation]:
                del self._listening[conversation], self._rings[conversation]
