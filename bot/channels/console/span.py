"""The days that a report is about, as somebody has chosen them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.clock import YEARS
from bot.service.reports import Period, bounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

USUAL, LONGEST = 30, 366
"""Days."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadSpan(ValueError):
    """No days, or too many: the argument is the end of a key `console.report-bad-*`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From the first day to the last, where the merchants are."""

    first: date
    last: date
    zone: tzinfo

    def bounds(self) -> tuple[int, ...]:
        """Midnight of each day, and of the one after the last."""
        return bounds(self.first, self.last, self.zone)

    def period(self, now: int) -> Period:
        """The same as moments."""
        midnights = self.bounds()
        return Period(since=midnights[0], until=midnights[-1], now=now)


def usual(now: int, zone: tzinfo) -> Span:
    """The last days, today included."""
    today = wall(now, zone).date()
    return Span(first=today - timedelta(days=USUAL - 1), last=today, zone=zone)


def chosen(query: Mapping[str, str], now: int, zone: tzinfo) -> Span:
    """What an address asks for by `from` and `to`; what is left out is as usual. Raises BadSpan."""
    rest = usual(now, zone)
    last = _day(query.get("to", ""), rest.last)
    first = _day(query.get("from", ""), last - timedelta(days=USUAL - 1))
    if first > last:
        raise BadSpan("order")
    if (last - first).days >= LONGEST:
        raise BadSpan("long")
    return Span(first=first, last=last, zone=zone)


def wall(at: int, zone: tzinfo) -> datetime:
    """What the merchants' clock shows, without a zone."""
    return (EPOCH + timedelta(microseconds=at)).astimezone(zone).replace(tzinfo=None)


def _day(typed: str, usual: date) -> date:
    if not typed:
        return usual
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise BadSpan("date") from None
    if day.year not in YEARS:
        raise BadSpan("date")
    return day
