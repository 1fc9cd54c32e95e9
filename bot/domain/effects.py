"""What must happen because of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .messages import Reply
    from .tickets import Act, Actor, Packet


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Tell the merchant."""

    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """Hand over to staff: with a new ticket, or the one that the conversation has already."""

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
    """Keep how the merchant rated the help with a topic: `stars` from 1 to 5. `number` is the ticket when it was staff who helped."""

    topic: str
    stars: int
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advise:
    """Keep that advice on a topic was given: what was being clarified, if anything, was no trouble."""

    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Tell the merchant what a member of the staff wrote or sent: a picture that is kept, or a file of a `kind` by the reference that the merchant's own
    channel has for it (`carry`). Those of one `album` belong together. `amends` is a line whose words are changed: where that cannot be done, `text` says so,
    and `plain` are the words alone."""

    actor: Actor
    text: str
    photo: str = ""
    kind: str = ""
    carry: str = ""
    album: str = ""
    amends: int = 0
    plain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Keep what staff write to each other; merchants never get it."""

    actor: Actor
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Keep that something was done with a ticket, or refused; `detail` says what, by name."""

    actor: Actor
    act: Act
    number: str
    done: bool = True
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Delete everything of this merchant, as the merchant wishes; what is said besides is the beginning of a new conversation. `reason` is what a member of the
    staff gives for it."""

    actor: Actor
    reason: str = ""


Effect: TypeAlias = Say | OpenTicket | TellStaff | Rate | Advise | Answer | Note | Log | Forget
