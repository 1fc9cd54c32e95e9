"""When staff work: hours as an operator writes them, public holidays from a library, and the calendar that they make."""

from __future__ import annotations

import re
from datetime import date, time
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias

from bot.domain.calendar import ROUND_THE_CLOCK, Calendar
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.calendar import Span, Week

Holidays: TypeAlias = Literal["cn", "none"]
"""Whose public holidays staff have."""
ALWAYS = "always"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"(?:{'|'.join(WEEKDAYS)})"
_DAYS = f"{_DAY}(?:-{_DAY})?"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SPAN = f"{_CLOCK}-(?:{_CLOCK}|24:00)"
_CLAUSE = re.compile(f" *({_DAYS}(?:, ?{_DAYS})*) +({_SPAN}(?:, ?{_SPAN})*) *")


def week(text: str) -> Week:
    """`mon-fri 09:00-12:00,13:30-18:00; sat 10:00-16:00`, or `always`. A day that is not named is free; 24:00 ends a day.

    Raises ValueError with a sentence in Chinese that says which part is wrong.
    """
    if text.strip() == ALWAYS:
        return ROUND_THE_CLOCK.hours
    hours: dict[int, tuple[Span, ...]] = {}
    for number, clause in enumerate(text.split(";"), 1):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise ValueError(say("settings.hours", number=number))
        spans = _spans(found[2], number)
        for weekday in _weekdays(found[1].split(","), number):
            if weekday in hours:
                raise ValueError(say("settings.hours-twice", number=number, day=WEEKDAYS[weekday]))
            hours[weekday] = spans
    return tuple(hours.get(weekday, ()) for weekday in range(7))


def _weekdays(parts: Iterable[str], number: int) -> Iterable[int]:
    """The weekdays of `mon-wed,fri`."""
    ranges = []
    for part in parts:
        first, _, last = part.strip().partition("-")
        named = range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)
        if not named:
            raise ValueError(say("settings.hours-order", number=number))
        ranges.append(named)
    return chain.from_iterable(ranges)


def _spans(text: str, number: int) -> tuple[Span, ...]:
    """The spans of `09:00-12:00,13:30-24:00`."""
    edges = (span.strip().split("-") for span in text.split(","))
    spans = tuple((time.fromisoformat(start), time.min if end == "24:00" else time.fromisoformat(end)) for start, end in edges)
    try:
        Calendar(hours=(spans,) * 7)
    except ValueError:
        raise ValueError(say("settings.hours-order", number=number)) from None
    return spans


def calendar(hours: str, holidays: Holidays) -> Calendar:
    """The calendar of these settings; who always works has no holidays. In years that `known_until` excludes, weekdays count as they are.

    Raises ValueError as `week` does.
    """
    usual = week(hours)
    if holidays == "none" or usual == ROUND_THE_CLOCK.hours:
        return Calendar(hours=usual)
    import chinese_calendar  # noqa: PLC0415  (only who has holidays pays for them)

    return Calendar(hours=usual, off=frozenset(chinese_calendar.holidays), work=frozenset(chinese_calendar.workdays))


def known_until() -> date:
    """The last day for which the library has the holidays; they are announced for one calendar year, in the autumn before it."""
    import chinese_calendar  # noqa: PLC0415  (as above)

    return date(max(chinese_calendar.holidays).year, 12, 31)
