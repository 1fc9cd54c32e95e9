"""What many pages ask for at the same moment, because all of them heard the same, is made once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from bot.service.bell import Pulse

T = TypeVar("T")
FRESH = 10 * SECOND
"""What changes by the clock alone, such as what is overdue, is right by so much: pages that hear nothing ask as often."""


class Once:
    """Keeps what was made until the desk's pulse beats, or it is old. `clock` gives microseconds."""

    def __init__(self, pulse: Pulse, clock: Callable[[], int]) -> None:
        self._pulse, self._clock = pulse, clock
        self._mark = (-1, -1)
        self._made: dict[Hashable, asyncio.Future[Any]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What was made under this key, or is being made; one that fails is made anew for who comes next."""
        mark = (self._pulse.beats, self._clock() // FRESH)
        if mark != self._mark:
            self._mark, self._made = mark, {}
        made = self._made
        if key not in made:
            made[key] = asyncio.ensure_future(make())
        try:
            found: T = await asyncio.shield(made[key])
        except Exception:
            made.pop(key, None)
            raise
        return found
