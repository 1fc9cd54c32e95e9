"""What can happen to a conversation. Everything on the one road is one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The merchant wrote something; what it means comes beside it as an `Understanding`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The merchant changed the message that was written last: a correction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chose:
    """The merchant tapped a button. Ids come back from outside: they may be old, or invented."""

    choice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The merchant sent a picture, a document or a recording; a caption comes beside it as an `Understanding`."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """The merchant has said nothing for as long as the conversation waits (`dialogue.silence`)."""


Event: TypeAlias = Said | Edited | Chose | Sent | Silent
