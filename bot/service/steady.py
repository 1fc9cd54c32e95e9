"""A clock for everything that waits. The machine's own may be set right at any time, and then jump back by an hour: what was to be done in a second would
be done an hour later, in the database's rows and in ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

SLOWER = 2
"""How many times slower it runs while the wall clock is behind: what waits takes at most so many times as long."""
MOST_AHEAD = 24 * 3600 * SECOND
"""An earlier moment that is further ahead was told by a clock that nobody should follow."""


class Steady:
    """Microseconds UTC that never go back. It shows what the wall clock shows, jumps ahead with it, and where that one jumps back runs slowly until it is
    caught up with. `elapsed` is a clock that nobody sets, in microseconds; `latest` is the last moment that was told before, by whomever."""

    def __init__(self, *, wall: Callable[[], int], elapsed: Callable[[], int], latest: int = 0) -> None:
        self._wall, self._elapsed = wall, elapsed
        now = wall()
        self._told, self._at = max(now, latest) if latest - now <= MOST_AHEAD else now, elapsed()

    def __call__(self) -> int:
        """Now."""
        wall, elapsed = self._wall(), self._elapsed()
        slow = self._told + (elapsed - self._at) // SLOWER
        if wall < slow:
            return slow
        self._told, self._at = wall, elapsed
        return wall
