"""Links that open the chat with something known: `https://t.me/<bot>?start=<payload>`.

A payload is base64url, at most 64 characters, so 48 bytes: a byte that says what it is, the content, and 80 bits of an HMAC. Nothing of it is kept here.

- merchant: what a sticker on the terminal or an app says of the merchant: terminal number and shop, in UTF-8, parted by a line break. It is good for ever.
- chat: a conversation of the web chat by its public id, and until when the link is good (seconds UTC, 32 bits).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 64
"""Characters of a payload."""
GOOD_FOR = 3600
"""Seconds for which the link out of a web chat can be used."""
_MAC = 10
MOST = LONGEST * 3 // 4 - 1 - _MAC
"""Bytes of content: a terminal number of 8 digits leaves 28 for the shop, 9 Chinese characters."""
_MERCHANT, _CHAT = b"m", b"c"
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ID = re.compile(r"[0-9a-f]{32}")
SLOTS = ("terminal_no", "merchant_name")
"""What a sticker says, in this order."""


class LinkError(Exception):
    """What a link should carry does not fit, or is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link says: details of the merchant by slot, or another conversation."""

    known: tuple[tuple[str, str], ...] = ()
    conversation: str = ""


class Links:
    """Makes payloads and reads them. `secret` signs; `clock` gives microseconds UTC as others count them."""

    def __init__(self, secret: bytes, clock: Callable[[], int]) -> None:
        self._key, self._clock = hashlib.sha256(b"posbot links " + secret).digest(), clock

    def merchant(self, *, terminal: str, shop: str = "") -> str:
        """The payload of a sticker. Raises LinkError when terminal and shop are too long together, or hold a line break."""
        content = "\n".join([terminal, shop] if shop else [terminal]).encode()
        if "\n" in terminal + shop or not terminal:
            raise LinkError("terminal")
        if len(content) > MOST:
            raise LinkError("long")
        return self._signed(_MERCHANT + content)

    def chat(self, conversation: str) -> str:
        """The payload that continues a conversation. Raises LinkError for what is no public id."""
        if not _ID.fullmatch(conversation):
            raise LinkError("conversation")
        until = self._clock() // SECOND + GOOD_FOR
        return self._signed(_CHAT + bytes.fromhex(conversation) + until.to_bytes(4, "big"))

    def read(self, payload: str) -> Link | None:
        """What a payload says; None for one that is not ours or not good any more."""
        if not _PAYLOAD.fullmatch(payload):
            return None
        try:
            signed = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        except (binascii.Error, ValueError):
            return None
        content, mac = signed[:-_MAC], signed[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(content)):
            return None
        return self._chat(content[1:]) if content[:1] == _CHAT else _merchant(content[1:])

    def _chat(self, content: bytes) -> Link | None:
        id, until = content[:16], int.from_bytes(content[16:], "big")
        return Link(conversation=id.hex()) if until > self._clock() // SECOND else None

    def _signed(self, content: bytes) -> str:
        return base64.urlsafe_b64encode(content + self._mac(content)).decode().rstrip("=")

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")[:_MAC]


def _merchant(content: bytes) -> Link:
    values = content.decode("utf-8", "replace").split("\n")
    return Link(known=tuple((slot, value) for slot, value in zip(SLOTS, values, strict=False) if value))
