"""How fast the bot may speak in a group: twenty messages a minute, about one a second. Edits are counted apart, so that cards never hold up words."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PER_MINUTE, BURST = 20, 5
"""Messages, and edits, in a minute; messages in as many seconds (the server's limits are about 20 and 1 a second)."""
MINUTE, SECOND = 60.5, 1.05
"""Seconds of the server's minute and second, a little longer: its clock sees a message later than ours."""


class GroupPace:
    """Turns of one group. `clock` gives seconds by a clock that nobody sets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said: deque[float] = deque(maxlen=PER_MINUTE)
        self._edited: deque[float] = deque(maxlen=PER_MINUTE)
        self._until = 0.0
        self._queue = asyncio.Lock()

    async def turn(self) -> bool:
        """Wait until a message may be sent, first come, first served; whether there was anything to wait for."""
        async with self._queue:
            waited = False
            while (wait := self._wait()) > 0:
                waited = True
                await asyncio.sleep(wait)
            self._said.append(self._clock())
            return waited

    def give_back(self) -> None:
        """The turn was not used."""
        if self._said:
            self._said.pop()

    def edit(self) -> bool:
        """Whether something may be edited now."""
        now = self._clock()
        if self._until > now or (len(self._edited) == PER_MINUTE and self._edited[0] > now - MINUTE):
            return False
        self._edited.append(now)
        return True

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be said in this minute, or somebody waits already."""
        return self._queue.locked() or self.paused or (len(self._said) == PER_MINUTE and self._said[0] > self._clock() - MINUTE)

    @property
    def paused(self) -> bool:
        """Whether the server has asked to wait, for anything at all."""
        return self._until > self._clock()

    def refused(self, seconds: float) -> None:
        """The server has asked to wait."""
        self._until = max(self._until, self._clock() + seconds)

    def _wait(self) -> float:
        now = self._clock()
        whole = self._said[0] + MINUTE - now if len(self._said) == PER_MINUTE else 0.0
        quick = self._said[-BURST] + BURST * SECOND - now if len(self._said) >= BURST else 0.0
        return max(whole, quick, self._until - now)


class Paces:
    """The pace of each group. `clock` gives seconds by a clock that nobody sets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._paces: dict[int, GroupPace] = {}

    def of(self, chat: int) -> GroupPace:
        """The pace of this group."""
        return self._paces.setdefault(chat, GroupPace(self._clock))
