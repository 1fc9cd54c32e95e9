"""Merchants and staff who talk by the real road: taken in, decided, kept in a database; with a clock that tests move."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain.events import Acted
from bot.domain.messages import Address
from bot.domain.tickets import Act, Actor
from bot.ops.meter import Meter
from bot.service.bell import Bell
from bot.service.deciding import Decider
from bot.service.intake import Intake

from .places import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot import app
    from bot.service.ports import Store

MINUTE = 60_000_000
HOUR = 60 * MINUTE
TEN = 1_764_036_000_000_000  # Tuesday 2025-11-25 10:00 in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")
WANG = Actor(login="wang", name="王芳", leads=True)


@dataclass
class Town:
    """Everybody. `now` is microseconds UTC; each thing that somebody does takes a minute."""

    store: Store
    mind: app.Mind
    now: int = TEN
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self._intake = Intake(store=self.store, mind=lambda: self.mind, clock=lambda: self.now, bell=Bell(), meter=Meter())
        decider = Decider(mind=lambda: self.mind, clock=lambda: self.now, new_id=new_id, zone=SHANGHAI, pushing=lambda channel: False)
        self._decide = decider.decide

    async def does(self, merchant: str, *said: str, settle: bool = True) -> None:
        """What a merchant writes; `[label]` taps a button of the last answer, `edit: …` changes the last message. What is not settled waits."""
        for text in said:
            self.now += MINUTE
            address, id = Address(channel="web", chat=merchant), f"{merchant}/{next(self._ids)}"
            if text.startswith("["):
                await self._intake.chose(address, id, (await self._choices(address))[text.strip("[]")])
            elif text.startswith("edit: "):
                await self._intake.edited(address, id, text.removeprefix("edit: "))
            else:
                await self._intake.said(address, id, text)
            if settle:
                await self.settles()

    async def acts(self, merchant: str, act: Act, text: str = "", to: str = "", facts: tuple[tuple[str, str], ...] = ()) -> None:
        """What staff do with a merchant's ticket."""
        self.now += MINUTE
        address = Address(channel="web", chat=merchant)
        files = [await self.store.desk.file(row.id) async for row in self.store.desk.export(0, self.now)]
        number = next(file.row.number for file in files if file and file.address == address)
        acted = Acted(actor=WANG, act=act, number=number, text=text, to=to, facts=facts)
        await self._intake.acted(address, f"{merchant}/{next(self._ids)}", acted)
        await self.settles()

    async def waits(self, hours: float) -> None:
        """Time passes, and what is due by then happens."""
        self.now += int(hours * HOUR)
        await self.store.wake(self.now)
        await self.settles()

    async def settles(self) -> None:
        """What waits is handled."""
        while await self.store.step(self._decide, self.now):
            pass

    async def _choices(self, address: Address) -> dict[str, str]:
        """The buttons of the last answer, by label."""
        conversation = await self.store.conversation(address)
        assert conversation
        bodies = [json.loads(line.body) for line in await self.store.transcript(conversation, 0, 1000) if line.side == "bot"]
        return {choice["label"]: choice["id"] for choice in bodies[-1]["choices"]}
