"""Builds the staff's group on Telegram from settings."""

from __future__ import annotations

import hashlib
from time import monotonic
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.channels.acts import Acts
from bot.channels.telegram.forum.bulletin import Bulletin
from bot.channels.telegram.forum.buttons import Buttons
from bot.channels.telegram.forum.card import Drawing, known
from bot.channels.telegram.forum.clerk import Clerk
from bot.channels.telegram.forum.colleagues import Colleagues
from bot.channels.telegram.forum.entrance import Entrance
from bot.channels.telegram.forum.groups import Groups
from bot.channels.telegram.forum.mirror import Mirror
from bot.channels.telegram.forum.pace import Paces
from bot.channels.telegram.forum.presses import Presses
from bot.channels.telegram.forum.shift import Shift
from bot.channels.telegram.forum.writings import Writings
from bot.service.bell import Bell
from bot.service.passwords import Passwords
from bot.service.staff import Accounts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.channels.telegram.forum.api import GroupApi
    from bot.service.bell import Bells
    from bot.service.intake import Intake
    from bot.service.ports import Meter, Mind, Store
    from bot.settings import Settings


class Forum:
    """The group, where one is set; without one, codes of staff are still looked at, and groups that the bot is put into are remembered."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        settings: Settings,
        *,
        api: Callable[[], Awaitable[GroupApi]],
        intake: Intake,
        store: Store,
        mind: Callable[[], Mind],
        said: Bells,
        meter: Meter,
        clock: Callable[[], int],
    ) -> None:
        assert settings.telegram_token is not None
        self._settings, self._store, self._mind, self._said = settings, store, mind, said
        self._came, self._changed, paces = Bell(), Bell(), Paces(monotonic)
        self._groups = Groups(chosen=settings.telegram_desks, forum=store.forum, paces=paces, clock=clock)
        self._buttons = Buttons(hashlib.sha256(settings.telegram_token.get_secret_value().encode()).digest())
        accounts = Accounts(store=store.staff, passwords=Passwords(), clock=clock)
        self.entrance = Entrance(groups=self._groups, forum=store.forum, accounts=accounts, mind=mind, api=api, bell=self._came, clock=clock)
        acts = Acts(desk=store.desk, staff=store.staff, intake=intake, said=said)
        colleagues, changed = Colleagues(staff=store.staff, mind=mind), self._changed
        writings = Writings(
            store=store, acts=acts, colleagues=colleagues, mind=mind, buttons=self._buttons, paces=paces, draw=self._draw, changed=changed, clock=clock
        )  # fmt: skip
        presses = Presses(store=store, acts=acts, colleagues=colleagues, buttons=self._buttons, draw=self._draw, changed=changed, clock=clock)
        self._clerk = Clerk(api=api, store=store, writings=writings, presses=presses, paces=paces, changed=changed, clock=clock)
        bulletin = Bulletin(
            store=store, draw=self._draw, paces=paces, chat=self._groups.first, hour=settings.telegram_report, clock=clock, elapsed=monotonic
        )  # fmt: skip
        self._mirror = Mirror(
            api=api, store=store, paces=paces, roomy=self._groups.roomy, moved=self._groups.move, draw=self._draw, besides=bulletin.look, meter=meter,
            clock=clock, elapsed=monotonic,
        )  # fmt: skip

    async def run(self) -> None:
        """Show tickets, and do what staff want, until cancelled; nothing where no group is set."""
        if not self._groups.are_set:
            return
        await Shift(store=self._store, works=(lambda: self._clerk.run(self._came), self._show)).run()

    async def _show(self) -> None:
        await self._groups.learn()
        with self._said.desk.listening(self._changed):
            await self._mirror.run(self._changed)

    async def _draw(self) -> Drawing:
        members = [known(member) for member in await self._store.staff.members()]
        url = self._settings.public_url.rstrip("/") if self._settings.console == "on" else ""
        return Drawing(kb=self._mind().kb, members=members, zone=ZoneInfo(self._settings.zone), url=url, buttons=self._buttons)
