"""Does what staff want who write and press in the group. What came is kept until it is done, and is done under an id that stays the same: doing it again after
a crash does nothing twice. Topics are worked on side by side, each in its order."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.channels.telegram.api import ApiError, Unclear, Unreachable, Wait
from bot.domain.errors import StoreUnavailable

from . import came
from .writings import Unsettled

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.service.bell import Bell
    from bot.service.forum import Came
    from bot.service.ports import Store

    from .api import GetGroupApi, GroupApi
    from .pace import Paces
    from .presses import Presses
    from .writings import Writings

POLL, AGAIN, AT_ONCE = 0.5, 1.0, 100
SIDE_BY_SIDE = 16
logger = logging.getLogger(__name__)


class Clerk:
    """Works until cancelled."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        *,
        api: GetGroupApi,
        store: Store,
        writings: Writings,
        presses: Presses,
        paces: Paces,
        changed: Bell,
        clock: Callable[[], int],
    ) -> None:
        self._get_api, self._store, self._writings, self._presses = api, store, writings, presses
        self._paces, self._changed, self._clock = paces, changed, clock
        self._flying: dict[str, asyncio.Task[None]] = {}

    async def run(self, bell: Bell) -> None:
        """Work as long as something waits."""
        api = await self._get_api()
        try:
            while True:
                try:
                    begun = await self._look(api, bell)
                except Exception:  # the worker must survive whatever the database does
                    logger.exception("no look at what staff want", extra={"event": "clerk_failed"})
                    begun = 0
                if not begun:
                    await bell.wait(POLL)
        finally:
            for task in self._flying.values():
                task.cancel()
            await asyncio.gather(*self._flying.values(), return_exceptions=True)

    async def _look(self, api: GroupApi, bell: Bell) -> int:
        """Begin with lanes in which something waits; how many."""
        lanes: dict[str, list[Came]] = {}
        for each in await self._store.forum.waiting(AT_ONCE):
            if each.lane not in self._flying and not self._paces.of(_chat(each)).paused:
                lanes.setdefault(each.lane, []).append(each)
        begun = list(lanes.items())[: max(0, SIDE_BY_SIDE - len(self._flying))]
        for lane, waiting in begun:
            self._flying[lane] = asyncio.create_task(self._work(api, lane, waiting, bell))
        return len(begun)

    async def _work(self, api: GroupApi, lane: str, waiting: list[Came], bell: Bell) -> None:
        """What waits in a lane, one after the other; what the network or the database keeps from being done stays, and everything behind it."""
        try:
            for each in waiting:
                await self._handle(api, each)
                await self._store.forum.handled(each.id, self._clock())
        except Wait as error:
            self._paces.of(_chat(waiting[0])).refused(error.seconds)
        except (Unclear, Unreachable, Unsettled, StoreUnavailable) as error:
            logger.warning("what staff want waits", extra={"event": "clerk_waits", "error": f"{type(error).__name__}: {error}"})
            await asyncio.sleep(AGAIN)
        finally:
            del self._flying[lane]
            bell.ring()

    async def _handle(self, api: GroupApi, kept: Came) -> None:
        try:
            found = came.read(kept.body)
            match found:
                case came.Wrote():
                    await self._writings.do(api, found)
                case came.Pressed():
                    await self._presses.do(api, found)
                case came.Turned():
                    await self._turned(found)
                case came.Moved():
                    pass  # seen to when it came
        except (Wait, Unclear, Unreachable, Unsettled, StoreUnavailable):
            raise
        except ApiError as error:  # the topic is gone, or the bot may not write: what was wanted is done, only the answer is missing
            logger.warning("an answer to staff was not given", extra={"event": "clerk_unheard", "error": str(error)})
        except Exception:  # one message must never stop the others
            logger.exception("what staff want cannot be done", extra={"event": "clerk_dead", "id": kept.id})

    async def _turned(self, turned: came.Turned) -> None:
        """Somebody closed, opened or renamed a topic: it is made to say again how the ticket stands."""
        if topic := await self._store.forum.topic_at(turned.chat, turned.thread):
            await self._store.forum.look_again(topic.ticket, closed=turned.closed)
            self._changed.ring()


def _chat(kept: Came) -> int:
    """The group that it came from, which its lane begins with."""
    return int(kept.lane.partition("/")[0])
