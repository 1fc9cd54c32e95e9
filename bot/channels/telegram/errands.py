"""Small things that are done at once and for whose failure nobody is worse off: a tap is acknowledged, a keyboard marked, somebody seems to write.

They never wait for a limit, never are tried twice, and nothing depends on them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from .api import ApiError, Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.service.bell import Bells

    from .api import Api, GetApi, Rows
    from .pace import Pace

MOST = 200
"""Errands under way; more are left out."""
SOON, LASTS, ROUNDS = 0.7, 4.5, 3
"""Seconds after which a reply is late, seconds for which the server shows that somebody writes, and how often that is said."""
logger = logging.getLogger(__name__)


class Errands:
    """Runs them beside everything else."""

    def __init__(self, *, api: GetApi, pace: Pace, bells: Bells) -> None:
        self._api, self._pace, self._bells = api, pace, bells
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._unanswered: dict[str, tuple[str, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        bells.follow(self._looked)

    def answer(self, query: str) -> None:
        """A tap was noticed: the phone stops waiting."""
        self._begin(self._do("", lambda api: api.answer(query)))

    def mark(self, chat: str, message: int, rows: Rows = ()) -> None:
        """Put other buttons under a message, or none."""
        self._begin(self._do(chat, lambda api: api.mark(chat, message, rows)))

    def leave(self, chat: int) -> None:
        """Leave a group where nobody is served."""
        self._begin(self._do(str(chat), lambda api: api.leave(chat)))

    def typing(self, chat: str, conversation: str) -> None:
        """Somebody seems to write as soon as a reply is late, until the conversation has been looked at. Most are in time, so nothing is begun for them."""
        loop = asyncio.get_running_loop()
        self._unanswered.setdefault(conversation, (chat, loop.time() + SOON))
        self._timer = self._timer or loop.call_later(SOON, self._look)

    async def close(self) -> None:
        """Leave what is not done."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, errand: Awaitable[None]) -> None:
        if len(self._tasks) >= MOST:
            asyncio.ensure_future(errand).cancel()
            return
        task = asyncio.ensure_future(errand)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _looked(self, conversation: str) -> None:
        self._unanswered.pop(conversation, None)

    def _look(self) -> None:
        """Those who have waited for so long, the first ones first."""
        loop, self._timer = asyncio.get_running_loop(), None
        while self._unanswered and not self._closed:
            conversation, (chat, late) = next(iter(self._unanswered.items()))
            if late > loop.time():
                self._timer = loop.call_at(late, self._look)
                return
            del self._unanswered[conversation]
            if len(self._tasks) < MOST:
                self._begin(self._type(chat, conversation))

    async def _type(self, chat: str, conversation: str) -> None:
        with self._bells.listening(conversation) as bell:
            for _ in range(ROUNDS):
                await self._do(chat, lambda api: api.typing(chat))
                if await bell.wait(LASTS):
                    return

    async def _do(self, chat: str, call: Callable[[Api], Awaitable[None]]) -> None:
        if self._pace.until(chat):
            return
        try:
            await call(await self._api())
        except Wait as error:
            self._pace.refused(chat, error.seconds)
        except ApiError as error:
            logger.debug("errand not done", extra={"event": "errand_failed", "error": str(error)})
