"""What can happen to a conversation. Everything on the one road is one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .tickets import Act, Actor


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
    """So much time has passed that something may be due: the merchant was silent for long (`dialogue.silence`), or a ticket's clock (`dialogue.deadlines`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """A member of the staff did something with the ticket of this conversation, `number`.

    `text` is what is said, noted or given as the reason, without secrets; `photo` and `name` a picture and what it is called. `to` is the login, the group,
    the urgency, the topic or the step that it is about, `to_name` the name of whom a ticket is given to. `facts` are details by slot, or `cause` and
    `bot_right` at the end.
    """

    actor: Actor
    act: Act
    number: str
    text: str = ""
    photo: str = ""
    to: str = ""
    to_name: str = ""
    facts: tuple[tuple[str, str], ...] = ()


Event: TypeAlias = Said | Edited | Chose | Sent | Silent | Acted
