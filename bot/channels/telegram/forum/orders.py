"""What somebody means who writes in a topic: words for the merchant, a note for colleagues, or a command. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from bot.wording import say

NOTE = "//"
"""What a note for colleagues begins with. Full-width marks of Chinese keyboards count as well."""
COMMANDS = frozenset({"kb", "case", "hand", "note", "remind", "del", "duty", "help"})
LONGEST = timedelta(days=30)
_WIDE = str.maketrans({"\N{FULLWIDTH SOLIDUS}": "/"})
_COMMAND = re.compile(r"/([A-Za-z_]{1,32})(?:@\w+)?(?:\s+(.*))?", re.DOTALL)
_TIME = re.compile(r"(\d{1,4})\s*(.*)", re.DOTALL)
_UNITS = ("minutes", "hours", "days")
"""Units of time; what they are called stands with the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """For the merchant."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """For colleagues only."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command with what stands behind it; one that nobody knows has the name `unknown`."""

    name: str
    rest: str


Order: TypeAlias = Say | Note | Command


def read(text: str) -> Order:
    """What a text in a topic means."""
    text = text.strip()
    marks = text[:2].translate(_WIDE)
    if marks == NOTE:
        return Note(text=text[2:].strip())
    if not marks.startswith("/"):
        return Say(text=text)
    found = _COMMAND.fullmatch("/" + text[1:])
    name, rest = (found[1].lower(), (found[2] or "").strip()) if found else ("unknown", text[1:])
    if name == "note" and rest:
        return Note(text=rest)
    return Command(name=name if name in COMMANDS else "unknown", rest=rest)


def alarm(rest: str) -> tuple[timedelta, str] | None:
    """When somebody wants to be reminded, and of what: `30m`, `2h`, `1d`, with words behind it. None for what is no time, or one that is too far."""
    found = _TIME.fullmatch(rest.strip())
    named = _unit(found[2]) if found else None
    if found is None or named is None:
        return None
    unit, words = named
    after = timedelta(**{unit: int(found[1])})
    return (after, words[:200]) if timedelta() < after <= LONGEST else None


def _unit(text: str) -> tuple[str, str] | None:
    """A unit of time that a text begins with, and the rest of it; the longest name counts, and a Latin one must end where a word ends."""
    names = sorted(((name, unit) for unit in _UNITS for name in say(f"forum.unit-{unit}").split()), key=lambda pair: -len(pair[0]))
    for name, unit in names:
        rest = text[len(name) :]
        if text.lower().startswith(name) and not (name.isascii() and rest[:1].isascii() and rest[:1].isalpha()):
            return unit, rest.strip()
    return None
