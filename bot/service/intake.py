"""Takes in what merchants send: cleaned, secrets taken out, then kept. A channel acknowledges only after that."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import bodies
from .ports import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.domain.events import Acted
    from bot.domain.messages import Address

    from .bell import Bell
    from .ports import Meter, Mind, Store

LONGEST_CHOICE = 200
"""Characters of a button's id; ours have at most 64 bytes (Telegram's limit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One event of a channel's own kind."""

    address: Address
    ext_id: str
    body: str
    profile: Mapping[str, str]


_profile = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
"""A profile as it is kept: the same one is the same text."""


class Intake:
    """The way in, the same for every channel. `mind` gives the one of the moment, `clock` microseconds UTC, `bell` calls the worker."""

    def __init__(self, *, store: Store, mind: Callable[[], Mind], clock: Callable[[], int], bell: Bell, meter: Meter) -> None:
        self._store, self._mind, self._clock, self._bell, self._meter = store, mind, clock, bell, meter

    async def said(self, address: Address, ext_id: str, text: str, profile: Mapping[str, str] | None = None) -> str:
        """The merchant wrote something. Returns the public id of the conversation, like all of these; raises StoreUnavailable."""
        return await self._keep(address, ext_id, bodies.SAID, bodies.written(*self._mind().redact(text)), self._cleaned(profile))

    async def edited(self, address: Address, ext_id: str, text: str) -> str:
        """The merchant changed the last message."""
        return await self._keep(address, ext_id, bodies.EDITED, bodies.written(*self._mind().redact(text)))

    async def chose(self, address: Address, ext_id: str, choice: str, profile: Mapping[str, str] | None = None) -> str:
        """The merchant tapped a button; ids come from outside and may be anything."""
        safe, _ = self._mind().redact(choice[:LONGEST_CHOICE])
        return await self._keep(address, ext_id, bodies.CHOSE, bodies.encoded({"choice": safe}), self._cleaned(profile))

    async def sent(self, address: Address, ext_id: str, kind: str, name: str, caption: str = "", profile: Mapping[str, str] | None = None) -> str:
        """The merchant sent something that is no text; `name` is where it is kept."""
        text, secrets = self._mind().redact(caption)
        more = {"kind": kind, "name": name}
        body = bodies.written(text, secrets, **more) if text else bodies.encoded(more)
        return await self._keep(address, ext_id, bodies.SENT, body, self._cleaned(profile))

    async def kept(self, kind: str, items: Sequence[Item]) -> Sequence[str]:
        """A channel's own kind of events, which came together. Bodies and profiles hold nothing secret: the channel has cleaned them with `Mind.redact`.
        Raises StoreUnavailable; then some may have been kept."""
        now = self._clock()
        arrivals = [Arrival(address=i.address, ext_id=i.ext_id, kind=kind, body=i.body, received=now, profile=_profile(i.profile)) for i in items]
        conversations = await self._store.accept_all(arrivals) if arrivals else ()
        for item in items:
            self._came(item.address, kind)
        return conversations

    async def left(self, address: Address, ext_id: str) -> str:
        """What is said in this chat does not arrive any more."""
        return await self._keep(address, ext_id, bodies.LEFT, "{}")

    async def lost(self, address: Address, ext_id: str, name: str) -> str:
        """An attachment that was kept by reference cannot be fetched."""
        return await self._keep(address, ext_id, bodies.LOST, bodies.encoded({"name": name}))

    async def acted(self, address: Address, ext_id: str, act: Acted) -> str:
        """A member of the staff did something with the ticket of this chat. What is written stays as it is, full-width marks and all, unless there are
        secrets in it: then it is redacted like anything else."""
        return await self._keep(address, ext_id, bodies.ACTED, self.safe(act))

    def safe(self, act: Acted) -> str:
        """The body of an act of staff, as it may be kept."""
        facts = tuple((slot, self._without_secrets(value)) for slot, value in act.facts)
        return bodies.acted(replace(act, text=self._without_secrets(act.text), facts=facts))

    def _without_secrets(self, text: str) -> str:
        redacted, secrets = self._mind().redact(text)
        return redacted if secrets else text

    def _cleaned(self, profile: Mapping[str, str] | None) -> dict[str, str]:
        return {slot: self._mind().redact(value)[0] for slot, value in (profile or {}).items()}

    async def _keep(self, address: Address, ext_id: str, kind: str, body: str, profile: Mapping[str, str] | None = None) -> str:
        arrival = Arrival(address=address, ext_id=ext_id, kind=kind, body=body, received=self._clock(), profile=_profile(profile or {}))
        conversation = await self._store.accept(arrival)
        self._came(address, kind)
        return conversation

    def _came(self, address: Address, kind: str) -> None:
        self._bell.ring()
        self._meter.arrived(address.channel, kind)
