"""What goes to a merchant: worded bubbles, and the choices that a channel draws as buttons."""

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
