"""How often somebody may come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """A token bucket per key: `rate` per second, `burst` at once (security: per chat 20 a minute, 10 at once). `clock` gives seconds. Keys that have been
    quiet until their bucket was full again are forgotten, so memory is bounded by what comes within that time."""

    def __init__(self, *, rate: float, burst: float, clock: Callable[[], float], most_keys: int = 100_000) -> None:
        self._rate, self._burst, self._clock, self._most = rate, burst, clock, most_keys
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str) -> float:
        """0 when one more is allowed; otherwise the seconds to wait for it."""
        now = self._clock()
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, now)
        bucket.tokens = min(self._burst, bucket.tokens + max(0.0, now - bucket.at) * self._rate)  # nobody waits for a clock that was set back
        bucket.at = now
        self._buckets[key] = bucket  # the latest stands last
        self._forget(now)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / self._rate

    def _forget(self, now: float) -> None:
        """Those longest quiet: they are full again, or there are too many."""
        while len(self._buckets) > 1:
            key = next(iter(self._buckets))
            if (now - self._buckets[key].at) * self._rate < self._burst and len(self._buckets) <= self._most:
                return
            del self._buckets[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many a minute, so many at once."""

    per_minute: float
    burst: float

    def buckets(self, clock: Callable[[], int]) -> Buckets:
        """Counts by this limit; `clock` gives microseconds."""
        return Buckets(rate=self.per_minute / 60, burst=self.burst, clock=lambda: clock() / SECOND)
