"""Removes card and identity data before anything else may see it.

PCI DSS 3.3/3.4: CVV, PIN and one-time codes are never kept, of a card number at most the first six and last four digits; the same for identity numbers
(personal information protection law, article 28). Works on `clean` text; later reading uses the redacted text only. Every look at the text is bounded and
starts at a digit or a label, so hostile input costs linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from bot.domain.understanding import Secret

from . import cards, passcodes
from .clean import simplify
from .numerals import DIGITS, SPOKEN_DIGITS
from .tables import simplified_by_traditional

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .cards import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """Text without card and identity data, and the kinds of secrets that stood in it: numbers first, then codes, each in order of appearance."""

    text: str
    secrets: tuple[Secret, ...]


def redact(text: str) -> Redacted:
    """Mask card numbers as 622200*********2337 and blank CVV, PIN, expiry and one-time codes; merchant, order and terminal numbers survive."""
    if not _digit().search(text):
        return Redacted(text=text, secrets=())
    found: list[Secret] = []
    plain = _plain(text)
    if numbers := list(_numbers(plain)):
        text = _without(text, numbers, found)
        plain = _plain(text)
    if codes := list(passcodes.find(plain)):
        text = _without(text, codes, found)
    return Redacted(text=text, secrets=tuple(dict.fromkeys(found)))


@cache
def _digit() -> re.Pattern[str]:
    """Any character that `_plain` reads as a digit: every secret has some, most messages have none."""
    traditional = (chr(old) for old, new in simplified_by_traditional().items() if new in DIGITS)
    return re.compile(f"[0-9{''.join([*DIGITS, *traditional])}]")


def _plain(text: str) -> str:
    """The text as the patterns read it, position by position: simplified characters, ASCII digits."""
    return simplify(text).translate(SPOKEN_DIGITS)


def _numbers(plain: str) -> Iterator[Hit]:
    """Card and identity numbers, and the codes that stand right behind a card number."""
    for hit in cards.find(plain):
        yield hit
        if Secret.PAN in hit.secrets:
            yield from passcodes.beside(plain, hit.end)


def _without(text: str, hits: Iterable[Hit], found: list[Secret]) -> str:
    """Replace what was hit; of overlapping hits the first counts."""
    parts, end = [], 0
    for hit in sorted(hits, key=lambda hit: hit.start):
        if hit.start >= end:
            parts += [text[end : hit.start], hit.mask]
            end = hit.end
            found.extend(hit.secrets)
    return "".join([*parts, text[end:]])
