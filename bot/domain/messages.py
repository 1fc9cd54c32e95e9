"""What goes between a merchant and the bot: worded bubbles with the choices that a channel draws as buttons, and pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a conversation takes place: a channel, and the chat there."""

    channel: str
    chat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One button. `id` is stable across wordings: `topic:…`, `option:<question>=<option>`, `none`."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of the bot: plain-text bubbles in order, then the choices under the last one."""

    bubbles: tuple[str, ...]
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A picture, as it is kept: re-encoded, without what the camera wrote into it."""

    id: str
    mime: str
    width: int
    height: int
    data: bytes
