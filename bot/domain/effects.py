"""What must happen because of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .messages import Reply
    from .tickets import Packet


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Tell the merchant."""

    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """Hand over to staff."""

    packet: Packet


@dataclass(frozen=True, slots=True, kw_only=True)
class TellStaff:
    """Add what the merchant says or sends to the open ticket; `facts` are the details in it."""

    number: str
    text: str = ""
    attachment: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Keep how the merchant rated the help with a topic: `stars` from 1 to 5."""

    topic: str
    stars: int


Effect: TypeAlias = Say | OpenTicket | TellStaff | Rate
