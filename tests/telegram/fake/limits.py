"""How often a bot may send: about one message a second and chat, twenty a minute and group, thirty a second in all."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERYBODY = 0
"""The lane of the limit over all chats; no chat has this id."""


@dataclass
class Limits:
    """Sliding windows. `clock` gives real seconds; `scale` is how long a second of the limits lasts in real time, so 0.05 makes a minute three seconds.
    What clients are told to wait is real time, in whole seconds, and they are refused until it has passed."""

    clock: Callable[[], float]
    on: bool = True
    scale: float = 1.0
    per_chat: int = 1
    burst: int = 5
    """Messages to a chat that may come at once: `burst` in `burst / per_chat` seconds."""
    per_group: int = 20
    overall: int = 30
    _sent: dict[tuple[str, int], deque[float]] = field(default_factory=dict)
    _told: dict[int, float] = field(default_factory=dict)

    def take(self, chat: int, count: int, *, group: bool) -> int:
        """Count messages to a chat. Whole seconds to wait instead if they are too many, else 0."""
        if not self.on:
            return 0
        left = max(self._told.get(chat, 0.0), self._told.get(EVERYBODY, 0.0)) - self.clock()
        if left > 0:
            return math.ceil(left)
        waits = [(lane, self._wait(window, limit, seconds)) for lane, window, limit, seconds in self._windows(chat, group=group)]
        lane, wait = max(waits, key=lambda pair: pair[1])
        if wait > 0:
            return self.tell(lane, math.ceil(wait))
        for _, window, _, _ in self._windows(chat, group=group):
            self._sent[window].extend([self.clock()] * count)
        return 0

    def tell(self, lane: int, seconds: int) -> int:
        """Note that somebody has been told to wait."""
        self._told[lane] = self.clock() + seconds
        return seconds

    def is_early(self, lane: int) -> bool:
        """Whether the time that was told has not passed yet."""
        return max(self._told.get(lane, 0.0), self._told.get(EVERYBODY, 0.0)) > self.clock()

    def forget(self) -> None:
        """As if nothing had ever been sent."""
        self._sent.clear()
        self._told.clear()

    def _windows(self, chat: int, *, group: bool) -> list[tuple[int, tuple[str, int], int, float]]:
        windows = [(EVERYBODY, ("all", EVERYBODY), self.overall, self.scale)]
        if chat != EVERYBODY:
            windows.append((chat, ("chat", chat), self.burst, self.burst / self.per_chat * self.scale))
        if group:
            windows.append((chat, ("group", chat), self.per_group, 60 * self.scale))
        return windows

    def _wait(self, window: tuple[str, int], limit: int, seconds: float) -> float:
        sent = self._sent.setdefault(window, deque())
        now = self.clock()
        while sent and sent[0] <= now - seconds:
            sent.popleft()
        return sent[len(sent) - limit] + seconds - now if len(sent) >= limit else 0.0
