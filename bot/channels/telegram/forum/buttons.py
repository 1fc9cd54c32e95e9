"""The buttons of a card, and what is pressed.

Callback data is `<action>:<ticket>:<mark>:<mac>`: an action, the ticket's public id (22 characters of base64url), a mark of what the action is about, such as a
colleague or a cause (6 characters of a hash: names may be longer than Telegram's 64 bytes), and 48 bits of an HMAC over all of it. Who may press is looked at
when it is pressed; the signature only says that the button is ours.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

LONGEST = 64
"""Bytes of callback data."""
_MAC, _MARK = 6, 6
"""Bytes of a signature, characters of a mark: what is offered are some dozens of things."""
_PUBLIC = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What was pressed: an action, about this ticket, and the mark of what it is about."""

    action: str
    ticket: str
    mark: str


class Buttons:
    """Makes callback data and reads it. `secret` may be any bytes that nobody else has."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"posbot cards " + secret).digest()

    def data(self, action: str, ticket: str, about: str = "") -> str:
        """The callback data of a button."""
        content = f"{action}:{_short(ticket)}:{mark(about) if about else ''}"
        return f"{content}:{self._mac(content)}"

    def read(self, data: str) -> Press | None:
        """What was pressed; None for what is not ours."""
        content, _, mac = data.rpartition(":")
        if content.count(":") != 2 or not hmac.compare_digest(mac.encode("utf-8", "replace"), self._mac(content).encode()):
            return None
        action, ticket, about = content.split(":")
        return Press(action=action, ticket=_long(ticket), mark=about)

    def _mac(self, content: str) -> str:
        return base64.urlsafe_b64encode(hmac.digest(self._key, content.encode("utf-8", "replace"), "sha256")[:_MAC]).decode()


def mark(about: str) -> str:
    """What stands for something that an action is about."""
    return base64.urlsafe_b64encode(hashlib.sha256(about.encode()).digest())[:_MARK].decode()


def _short(ticket: str) -> str:
    """A public id in fewer characters; any other text as it is, behind a mark that base64 does not have."""
    return base64.urlsafe_b64encode(bytes.fromhex(ticket)).decode().rstrip("=") if _PUBLIC.fullmatch(ticket) else f"~{ticket}"


def _long(short: str) -> str:
    if short.startswith("~"):
        return short[1:]
    try:
        return base64.urlsafe_b64decode(short + "=" * (-len(short) % 4)).hex()
    except (binascii.Error, ValueError):
        return ""
