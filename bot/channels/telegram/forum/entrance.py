"""Where updates come in that are no merchant's: what comes from the staff's group is kept, codes of staff are looked at, other groups are remembered."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bot.channels.telegram.api import ApiError, Impossible
from bot.service.buckets import Limit
from bot.wording import say

from . import came

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.service.bell import Bell
    from bot.service.forum import ForumStore
    from bot.service.ports import Mind
    from bot.service.staff import Accounts

    from .api import GetGroupApi
    from .groups import Groups

TRIES = Limit(per_minute=5, burst=5)
"""Codes that one person may try."""
SEEN = "group:"
"""How the names of facts begin that are about groups that the bot was put into."""
logger = logging.getLogger(__name__)


class Entrance:
    """`bell` calls whoever handles what was kept. `clock` gives microseconds UTC."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self, *, groups: Groups, forum: ForumStore, accounts: Accounts, mind: Callable[[], Mind], api: GetGroupApi, bell: Bell, clock: Callable[[], int]
    ) -> None:
        self._groups, self._forum, self._accounts, self._mind, self._api, self._bell, self._clock = groups, forum, accounts, mind, api, bell, clock
        self._tries = TRIES.buckets(clock)
        self._answers: set[asyncio.Task[None]] = set()

    async def takes(self, raw: object) -> bool:
        """Whether an update is no merchant's; it is kept then. Raises StoreUnavailable."""
        update = raw if isinstance(raw, dict) else {}
        chat = came.chat_of(update)
        if chat is None:
            return False
        if await self._groups.is_ours(chat):
            await self._keep(update)
            return True
        if code := came.code_of(update):
            await self._link(chat, code, came.message_of(update))
            return True
        if "my_chat_member" in update and chat < 0:
            return await self._joined(chat, came.title_of(update)) and came.leads(update)
        return False

    async def _keep(self, update: dict[str, Any]) -> None:
        try:
            kept = came.screened(update, self._mind().redact)
        except Exception:  # one update must never stop the others; what is in it is not logged
            logger.exception("update not read", extra={"event": "update_unreadable"})
            return
        if isinstance(update.get("my_chat_member"), dict):
            logger.warning("the bot's rights in the staff's group have changed; `posbot telegram desk` looks at them", extra={"event": "forum_rights"})
        if kept is None:
            return
        if isinstance(kept.came, came.Moved):
            await self._groups.move(kept.came.chat, kept.came.to)
        elif await self._forum.accept(kept.ext_id, kept.lane, kept.body, self._clock()):
            self._bell.ring()

    async def _joined(self, chat: int, title: str) -> bool:
        """A group whose id is not set yet: it is remembered, so that the id can be told. Where the bot was made an administrator, it stays."""
        if self._groups.are_set:
            return False
        await self._forum.change_fact(f"{SEEN}{chat}", json.dumps({"title": self._mind().redact(title)[0]}, ensure_ascii=False), self._clock())
        return True

    async def _link(self, chat: int, code: str, message: int) -> None:
        """Somebody says by a code whose account this is. The code is kept nowhere, and taken out of the chat."""
        if self._tries.take(str(chat)):
            words = say("forum.link-often")
        elif (member := await self._accounts.link(code, chat)) or (member := await self._accounts.by_telegram(chat)):
            words = say("forum.linked", name=member.name)
        else:
            words = say("forum.link-wrong")
        answer = asyncio.create_task(self._answer(chat, message, words))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def _answer(self, chat: int, message: int, words: str) -> None:
        """Take the code out of the chat and say what came of it: beside everything else, so that no update waits for it."""
        try:
            api = await self._api()
            with suppress(Impossible):
                await api.remove(chat, message)
            await api.post(chat, None, words)
        except ApiError as error:
            logger.warning("a code was not answered", extra={"event": "link_unanswered", "error": str(error)})

    async def close(self) -> None:
        """Leave what is not answered."""
        for answer in self._answers:
            answer.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)
