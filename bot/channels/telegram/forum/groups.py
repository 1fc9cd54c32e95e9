"""Which chats the staff's groups are: those that are set, or what they have become since. The second takes new topics in when the first has no room."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.service.forum import ForumStore

    from .pace import Paces

MOVED = "moved:"
"""How the names of facts begin that say what has become of a group."""
logger = logging.getLogger(__name__)


class Groups:
    """`chosen` are the ids from the settings: the group and perhaps a second one, or none."""

    def __init__(self, *, chosen: Sequence[int], forum: ForumStore, paces: Paces, clock: Callable[[], int]) -> None:
        self._chosen, self._now, self._forum, self._paces, self._clock = tuple(chosen), list(chosen), forum, paces, clock

    @property
    def are_set(self) -> bool:
        """Whether there is a group at all."""
        return bool(self._now)

    def first(self) -> int:
        """The group's id now."""
        return self._now[0]

    def roomy(self) -> int:
        """Where a new topic goes: into the first group that can take more messages just now, else into the first."""
        return next((chat for chat in self._now if not self._paces.of(chat).is_full), self._now[0])

    async def is_ours(self, chat: int) -> bool:
        """Whether a chat is one of the groups, under its first or its present id; another process may know of a move. Raises StoreUnavailable."""
        if chat >= 0 or not self._now:
            return False
        if chat not in {*self._chosen, *self._now}:
            await self.learn()
        return chat in {*self._chosen, *self._now}

    async def learn(self) -> None:
        """What has become of the groups before. Raises StoreUnavailable."""
        for place, chat in enumerate(self._now):
            while to := await self._forum.fact(f"{MOVED}{chat}"):
                chat = self._now[place] = int(to)  # noqa: PLW2901  (it may have moved more than once)

    async def move(self, old: int, new: int) -> None:
        """A group is another chat from now on. What was shown in the old one just then may have been kept after the first time. Raises StoreUnavailable."""
        if old in self._now:
            await self._forum.keep_fact(f"{MOVED}{old}", str(new), self._clock())
            self._now[self._now.index(old)] = new
            logger.warning("the staff's group has another id now: set it", extra={"event": "forum_moved", "chat": new})
        await self._forum.move(old, new)
