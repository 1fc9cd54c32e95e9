"""Takes updates in, however they come: cleaned, committed, and only then done with."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.domain.errors import StoreUnavailable
from bot.domain.messages import Address
from bot.service.intake import Item

from . import updates
from .keyboards import Button
from .updates import CHANNEL, KIND, Elsewhere, Screen, Taken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from bot.service.intake import Intake
    from bot.service.ports import Mind, Store

    from .errands import Errands
    from .keyboards import Keyboards
    from .links import Links

NAME = "contact_name"
"""The slot with what a merchant is called."""
CHOSEN = "\u2713 "
"""Stands before the answer on a button that was tapped."""
_NOT_MOVED = ("before", "undo", "attachments")
logger = logging.getLogger(__name__)


class Reception:
    """The way in. `answered` hears under which message of a chat a button was tapped; `aside` gets every update first, and keeps those that are no
    merchant's: whether it did."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        *,
        intake: Intake,
        store: Store,
        mind: Callable[[], Mind],
        keyboards: Keyboards,
        links: Links,
        errands: Errands,
        answered: Callable[[str, int], None],
        aside: Callable[[object], Awaitable[bool]],
    ) -> None:
        self._intake, self._store, self._mind, self._keyboards, self._links, self._errands = intake, store, mind, keyboards, links, errands
        self._answered, self._aside = answered, aside

    async def take(self, raws: Iterable[object]) -> None:
        """Take in what came together. Raises StoreUnavailable; then it has to come again, and what was kept already counts once."""
        screen = Screen(redact=self._mind().redact, keyboards=self._keyboards)
        found = [taken for raw in raws if not await self._is_kept_aside(raw) and (taken := self._screened(raw, screen))]
        found = [await self._begun(taken) if taken.start else taken for taken in found]
        conversations = await self._intake.kept(KIND, list(map(_item, found)))
        for taken, conversation in zip(found, conversations, strict=True):
            self._show(taken, conversation)

    async def _is_kept_aside(self, raw: object) -> bool:
        """Whether it is no merchant's. Raises StoreUnavailable."""
        try:
            return await self._aside(raw)
        except StoreUnavailable:
            raise
        except Exception:  # one update must never stop the others; what is in it is not logged
            logger.exception("update not taken", extra={"event": "update_unreadable", "id": updates.id_of(raw)})
            return True

    def _screened(self, raw: object, screen: Screen) -> Taken | None:
        """What is kept of it; None for what is nobody's message, such as all that comes from groups."""
        try:
            found = updates.screened(raw, screen)
        except Exception:  # one update must never stop the others; what is in it is not logged
            logger.exception("update not read", extra={"event": "update_unreadable", "id": updates.id_of(raw)})
            return None
        if isinstance(found, Elsewhere):
            if found.joined:
                self._errands.leave(found.chat)
            return None
        return found

    async def _begun(self, taken: Taken) -> Taken:
        """With what its link says."""
        return replace(taken, fields=taken.fields | await self._opened(taken.start))

    def _show(self, taken: Taken, conversation: str) -> None:
        """Let the merchant see that it has come."""
        if taken.tapped is not None:
            self._acknowledge(taken, taken.tapped)
        elif taken.fields["type"] != "member":
            self._errands.typing(taken.chat, conversation)

    def _acknowledge(self, taken: Taken, tapped: updates.Tapped) -> None:
        """The phone stops waiting, and the keyboard shows what was answered: one tap answers."""
        self._errands.answer(tapped.query)
        self._answered(taken.chat, tapped.message)
        rows = [[Button(label=f"{CHOSEN}{tapped.label}", data=tapped.data)]] if tapped.label and not tapped.label.startswith(CHOSEN) else []
        if rows:
            self._errands.mark(taken.chat, tapped.message, rows)

    async def _opened(self, payload: str) -> dict[str, Any]:
        """What a link says of the merchant, or what the other chat had come to. Nothing for one that is not ours."""
        link = self._links.read(payload)
        if link is None:
            return {}
        state = await self._store.state(link.conversation) if link.conversation else None
        moved = {name: value for name, value in json.loads(state).items() if name not in _NOT_MOVED} if state else None
        return {"known": [list(pair) for pair in link.known]} | ({"moved": moved} if moved else {})


def _item(taken: Taken) -> Item:
    profile = {NAME: taken.name} if taken.name else {}
    return Item(address=Address(channel=CHANNEL, chat=taken.chat), ext_id=taken.ext_id, body=taken.body, profile=profile)
