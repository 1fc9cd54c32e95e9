"""What stands behind a button, and what comes back when it is tapped.

Callback data is `<line>.<mac>.<choice>`: the line of the transcript that the button stands under (base 36), 48 bits of an HMAC over chat, line and choice, and
the choice. Telegram takes 64 bytes; a choice that does not fit is left out, and the tap counts as if the label had been typed. Nobody else can make such a
text, and nobody can tap the button of another chat.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 64
"""Bytes of callback data."""
BESIDE = 8
"""Characters of a label up to which two buttons share a row."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_MAC = 6
"""Bytes of a signature: a guess is right once in 2^48, and each costs a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button: its label and its callback data."""

    label: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """What was tapped: the line that the button stood under, and the choice; empty when its label says it."""

    line: str
    choice: str


class Keyboards:
    """Makes callback data and reads it. `secret` may be any bytes that nobody else has."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"posbot buttons " + secret).digest()

    def rows(self, chat: str, line: int, choices: Sequence[dict[str, Any]]) -> list[list[Button]]:
        """The choices of a line as rows of buttons: two short ones side by side."""
        rows: list[list[Button]] = []
        for choice in choices:
            label = str(choice["label"])
            button = Button(label=label, data=self.data(chat, line, str(choice["id"])))
            if rows and len(rows[-1]) == 1 and len(label) <= BESIDE and len(rows[-1][0].label) <= BESIDE:
                rows[-1].append(button)
            else:
                rows.append([button])
        return rows

    def data(self, chat: str, line: int, choice: str) -> str:
        """The callback data of a choice."""
        number = _base36(line)
        whole = f"{number}.{self._mac(chat, number, choice)}.{choice}"
        return whole if len(whole.encode()) <= LONGEST else f"{number}.{self._mac(chat, number, '')}."

    def read(self, chat: str, data: str) -> Tap | None:
        """What was tapped in this chat; None for what is not ours."""
        line, _, rest = data.partition(".")
        mac, _, choice = rest.partition(".")
        if not hmac.compare_digest(mac.encode("utf-8", "replace"), self._mac(chat, line, choice).encode()):
            return None
        return Tap(line=line, choice=choice)

    def _mac(self, chat: str, line: str, choice: str) -> str:
        content = f"{chat}\n{line}\n{choice}".encode("utf-8", "replace")
        return base64.urlsafe_b64encode(hmac.digest(self._key, content, "sha256")[:_MAC]).decode()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
