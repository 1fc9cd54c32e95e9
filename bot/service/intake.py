"""Takes in what merchants send: cleaned, secrets taken out, then kept. A channel acknowledges only after that."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from . import bodies
from .ports import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.events import Acted
    from bot.domain.messages import Address

    from .bell import Bell
    from .ports import Meter, Mind, Store

LONGEST_CHOICE = 200
"""Characters of a button's id; ours have at most 64 bytes (Telegram's limit)."""


class Intake:
    """The way in, the same for every channel. `mind` gives the one of the moment, `clock` microseconds UTC, `bell` calls the worker."""

    def __init__(self, *, store: Store, mind: Callable[[], Mind], clock: Callable[[], int], bell: Bell, meter: Meter) -> None:
        self._store, self._mind, self._clock, self._bell, self._meter = store, mind, clock, bell, meter

    async def said(self, address: Address, ext_id: str, text: str, profile: Mapping[str, str] | None = None) -> str:
        """The merchant wrote something. Returns the public id of the conversation, like all of these; raises StoreUnavailable."""
        return await self._keep(address, ext_id, bodies.SAID, bodies.written(*self._mind().redact(text)), profile)

    async def edited(self, address: Address, ext_id: str, text: str) -> str:
        """The merchant changed the last message."""
        return await self._keep(address, ext_id, bodies.EDITED, bodies.written(*self._mind().redact(text)))

    async def chose(self, address: Address, ext_id: str, choice: str, profile: Mapping[str, str] | None = None) -> str:
        """The merchant tapped a button; ids come from outside and may be anything."""
        safe, _ = self._mind().redact(choice[:LONGEST_CHOICE])
        return await self._keep(address, ext_id, bodies.CHOSE, json.dumps({"choice": safe}, ensure_ascii=False), profile)

    async def sent(self, address: Address, ext_id: str, kind: str, name: str, caption: str = "", profile: Mapping[str, str] | None = None) -> str:
        """The merchant sent something that is no text; `name` is where it is kept."""
        text, secrets = self._mind().redact(caption)
        more = {"kind": kind, "name": name}
        body = bodies.written(text, secrets, **more) if text else json.dumps(more, ensure_ascii=False)
        return await self._keep(address, ext_id, bodies.SENT, body, profile)

    async def acted(self, address: Address, ext_id: str, act: Acted) -> str:
        """A member of the staff did something with the ticket of this chat. What is written stays as it is, full-width marks and all, unless there are
        secrets in it: then it is redacted like anything else."""
        facts = tuple((slot, self._without_secrets(value)) for slot, value in act.facts)
        safe = replace(act, text=self._without_secrets(act.text), facts=facts)
        return await self._keep(address, ext_id, bodies.ACTED, bodies.acted(safe))

    def _without_secrets(self, text: str) -> str:
        redacted, secrets = self._mind().redact(text)
        return redacted if secrets else text

    async def _keep(self, address: Address, ext_id: str, kind: str, body: str, profile: Mapping[str, str] | None = None) -> str:
        known = {slot: self._mind().redact(value)[0] for slot, value in (profile or {}).items()}
        arrival = Arrival(
            address=address, ext_id=ext_id, kind=kind, body=body, received=self._clock(), profile=json.dumps(known, ensure_ascii=False, sort_keys=True)
        )
        conversation = await self._store.accept(arrival)
        self._bell.ring()
        self._meter.arrived(address.channel, kind)
        return conversation
