"""How fast the bot may speak: what the server has asked to wait, for one chat or for all, and its limit of messages a second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.domain.clock import SECOND
from bot.service.buckets import Buckets

if TYPE_CHECKING:
    from collections.abc import Callable

PER_SECOND = 28
"""Messages to all chats together; the server's limit is about 30."""
MOST_CHATS = 10_000


class Pace:
    """`clock` gives microseconds. The server does not say whether one chat has had too much or all of them: when a second chat is refused while a first one
    still waits, it is all of them."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._chats: dict[str, int] = {}
        self._all = 0
        self._bucket = Buckets(rate=PER_SECOND, burst=PER_SECOND, clock=lambda: clock() / SECOND)

    def until(self, chat: str) -> int:
        """The moment before which nothing may be sent to this chat; 0 when it may be now."""
        until = max(self._all, self._chats.get(chat, 0))
        return until if until > self._clock() else 0

    def refused(self, chat: str, seconds: int) -> int:
        """The server has asked to wait; until when."""
        now = self._clock()
        until = now + seconds * SECOND
        waiting = {other: end for other, end in self._chats.items() if end > now}
        if any(other != chat for other in waiting):
            self._all = max(self._all, until)
        self._chats = dict(list(waiting.items())[-MOST_CHATS:]) | {chat: until}
        return until

    async def turn(self) -> None:
        """Wait for a place in the second."""
        while wait := self._bucket.take(""):  # noqa: ASYNC110  (nobody else knows when there is a place)
            await asyncio.sleep(wait)
