"""What can happen to a conversation. Everything on the one road is one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .conversation import Conversation, Pairs
    from .tickets import Act, Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The merchant wrote something; what it means comes beside it as an `Understanding`. `mark` is what the channel calls the message, where it can be
    changed afterwards."""

    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The merchant changed a message, `mark`: that of the last text is a correction."""

    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chose:
    """The merchant tapped a button. Ids come back from outside: they may be old, or invented. `prompt` names the message that it stood under, where the
    channel knows: the same button tapped twice in a row is one answer."""

    choice: str
    prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The merchant sent a picture, a document or a recording; a caption comes beside it as an `Understanding`. Those of one `album` were sent together.
    Kinds that cannot be kept have no name."""

    kind: str
    name: str
    album: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """The merchant opened the chat, perhaps by a link: `known` are details that it carries, `moved` what another chat of the same merchant had come to."""

    known: Pairs = ()
    moved: Conversation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Nothing reaches the merchant any more, who has blocked the bot or is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The merchant can be reached again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """An attachment that the merchant sent, `name`, could not be kept."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """So much time has passed that something may be due: the merchant was silent for long (`dialogue.silence`), or a ticket's clock (`dialogue.deadlines`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """A member of the staff did something with the ticket of this conversation, `number`.

    `text` is what is said, noted or given as the reason, without secrets; `photo` and `name` a picture and what it is called. `to` is the login, the group,
    the urgency, the topic or the step that it is about, `to_name` the name of whom a ticket is given to. `facts` are details by slot, or `cause` and
    `bot_right` at the end. `kind` and `carry` are a file that only the merchant's own channel can carry, and its reference there; those of one `album` were
    sent together. `amends` is the line of the transcript whose words these take the place of.
    """

    actor: Actor
    act: Act
    number: str
    text: str = ""
    photo: str = ""
    to: str = ""
    to_name: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    kind: str = ""
    carry: str = ""
    album: str = ""
    amends: int = 0


Event: TypeAlias = Said | Edited | Chose | Sent | Began | Silent | Acted | Left | Returned | Lost
