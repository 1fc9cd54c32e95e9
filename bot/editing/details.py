"""Scores a file of messages with transaction details: what was read, what was missed, what was made up, what secret survived."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.clock import wall_clock
from bot.understanding.clean import clean, simplify
from bot.understanding.entities.read import read as read_details
from bot.understanding.numerals import SPOKEN_DIGITS
from bot.understanding.redact import redact

from . import messages

if TYPE_CHECKING:
    from pathlib import Path

MIDNIGHT = "2026-01-01T00:00"
DAY, MINUTE = len("2026-01-01"), len(MIDNIGHT)
NOW = "now"
SOON = timedelta(hours=1)


@dataclass(slots=True)
class _Tally:
    """Counts over all messages."""

    messages: int = 0
    slots_expected: int = 0
    slots_right: int = 0
    slots_spurious: int = 0
    sensitive: int = 0
    sensitive_removed: int = 0
    mistakes: list[dict[str, Any]] = field(default_factory=list)


def score(path: Path, default_now: datetime) -> dict[str, Any]:
    """The report of `posbot details`. Moments are read relative to `relative_to` where the file says so, else to `default_now`. Raises MessageFileError."""
    tally = _Tally()
    for entry in messages.read(path, {"text": str, "slots": dict}, {"optional": dict, "sensitive_text": str}, _bad_slot):
        _count(tally, entry, default_now)
    claimed = tally.slots_right + tally.slots_spurious
    return {
        "messages": tally.messages,
        "slots_expected": tally.slots_expected,
        "slots_right": tally.slots_right,
        "slots_spurious": tally.slots_spurious,
        "recall": round(tally.slots_right / tally.slots_expected, 4) if tally.slots_expected else None,
        "precision": round(tally.slots_right / claimed, 4) if claimed else None,
        "sensitive": tally.sensitive,
        "sensitive_removed": tally.sensitive_removed,
        "mistakes": tally.mistakes,
    }


def _bad_slot(entry: dict[str, Any]) -> str | None:
    """The first slot whose expected value is neither plain nor a moment with the clock that it is relative to."""
    for slot, value in entry["slots"].items():
        if isinstance(value, dict):
            right = isinstance(value.get("value"), str) and _is_clock(value.get("relative_to", MIDNIGHT))
        else:
            right = isinstance(value, str | int | float)
        if not right:
            return f"slots.{slot}"
    return None


def _is_clock(value: object) -> bool:
    try:
        wall_clock(str(value))
    except ValueError:
        return False
    return True


def _count(tally: _Tally, entry: dict[str, Any], default_now: datetime) -> None:
    """Read one message and compare. A slot with another value than the expected one counts as missed and as made up."""
    now = _now(entry["slots"], default_now)
    redacted = redact(clean(entry["text"]))
    found = {entity.slot: entity.value for entity in read_details(simplify(redacted.text), now).entities}
    expected = entry["slots"]
    right = {slot for slot, value in expected.items() if _same(found.get(slot), value, now)}
    spurious = {slot for slot in found if slot not in right and slot not in entry.get("optional", {})}
    tally.messages += 1
    tally.slots_expected += len(expected)
    tally.slots_right += len(right)
    tally.slots_spurious += len(spurious)
    if secret := entry.get("sensitive_text"):
        tally.sensitive += 1
        tally.sensitive_removed += _bare(secret) not in _bare(redacted.text)
    missed = set(expected) - right
    if missed or spurious:
        tally.mistakes.append({"text": redacted.text, "missed": sorted(missed), "found": {slot: found[slot] for slot in sorted(spurious)}})


def _bare(text: str) -> str:
    """A text without what a secret can hide behind: blanks, full-width and spoken digits."""
    return re.sub(r"\s", "", simplify(clean(text)).translate(SPOKEN_DIGITS))


def _now(slots: dict[str, Any], default: datetime) -> datetime:
    """The clock at which the message was written, as the merchant's wall shows it."""
    said = next((value["relative_to"] for value in slots.values() if isinstance(value, dict) and "relative_to" in value), None)
    return wall_clock(said) if said else default


def _same(found: str | None, expected: Any, now: datetime) -> bool:
    """Exact, but for moments: equal to the minute where one is given, to the day where only a day is given, within an hour for `now`."""
    if found is None:
        return False
    if not isinstance(expected, dict):
        return found == str(expected)
    value = str(expected["value"])
    if value == NOW:
        return len(found) == MINUTE and _is_clock(found) and abs(wall_clock(found) - now) <= SOON
    return found[:DAY] == value if len(value) == DAY else found == value[:MINUTE]
