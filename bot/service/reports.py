"""Figures about a period: how much came, who solved it and how fast, and where the knowledge base should be better.

Times are integers, microseconds UTC; lengths of time are microseconds. A median or a 90th percentile is the least value that so many of the values do not
exceed (nearest rank): one that has occurred. Where there are no values it is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, tzinfo

QUIET = 24 * 3600 * SECOND
"""After which silence of the merchant a trouble that has not ended is given up."""


class By(StrEnum):
    """What tickets are grouped by."""

    ALL = "all"
    TOPIC = "topic"
    TEAM = "team"
    URGENCY = "urgency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `since` until before `until`. What has no end yet is judged as it stands at `now`."""

    since: int
    until: int
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day that begins at `start`. `troubles` began on it, as `service.troubles` tells them apart: some the bot has solved, some were handed over, some given
    up (ended otherwise, or without an end in a conversation in which nothing was said for `QUIET`), the rest lasts. `tickets` were opened on it, `by_staff` of
    them were called solved and not opened again."""

    start: int
    troubles: int
    by_bot: int
    handed: int
    given_up: int
    tickets: int
    by_staff: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Tickets opened in the period that have `key` in common: how long the merchant waited for the first answer and for the solution, by the clock on the wall,
    and how often the targets, which are working time, were missed. Late are also those that still wait, once their deadline is over."""

    key: str
    tickets: int
    answered: int
    answer_median: int | None
    answer_p90: int | None
    answered_late: int
    solved: int
    solution_median: int | None
    solution_p90: int | None
    solved_late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """Ratings of the help with a topic, of the bot's or the staff's."""

    topic: str
    by_staff: bool
    ratings: int
    stars: int
    good: int
    fair: int
    bad: int

    @property
    def average(self) -> float:
        """Stars, from 1 to 5."""
        return self.stars / self.ratings


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a step in the troubles in which it was shown, counted once for each: its last result (`solved`: it was open when the trouble was over,
    `answered`: what it shows was told), or none because the trouble was given up, or handed over, without one. What is left over had no result in a trouble
    that lasts or that something else has solved."""

    topic: str
    step: str
    shown: int
    solved: int
    failed: int
    answered: int
    unable: int
    left: int
    handed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """How many troubles about a topic were handed over. A trouble counts for the last topic that it was taken for; an empty one: it was not known."""

    topic: str
    troubles: int
    handed: int

    @property
    def share(self) -> float:
        """Of all of them."""
        return self.handed / self.troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What the bot took for the likeliest cause, and which one it was, as staff say; both the same where it was right."""

    topic: str
    guess: str
    cause: str
    tickets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Misroute:
    """The topic that the bot had found, and the one that staff put in its place; the same where they said no more than that it was wrong."""

    guess: str
    topic: str
    tickets: int


class ReportStore(Protocol):
    """The figures. Raises `StoreUnavailable` when the database cannot be reached."""

    async def days(self, bounds: Sequence[int], now: int) -> Sequence[Day]:
        """Each day between two bounds, see `bounds`, also those on which nothing was."""

    async def speed(self, period: Period, by: By) -> Sequence[Speed]:
        """Groups of tickets, those with most tickets first."""

    async def ratings(self, period: Period) -> Sequence[Rating]:
        """Ratings given in the period, by topic, those with most ratings first."""

    async def fates(self, period: Period) -> Sequence[Fate]:
        """Steps of troubles that began in the period, those that were shown most often first."""

    async def handovers(self, period: Period) -> Sequence[Handover]:
        """Topics of troubles that began in the period, those that were handed over most often first."""

    async def guesses(self, period: Period) -> Sequence[Guess]:
        """Causes of tickets opened in the period for which staff have named one, the most frequent pairs first."""

    async def misroutes(self, period: Period) -> Sequence[Misroute]:
        """Topics of tickets opened in the period that staff have called wrong, the most frequent pairs first."""


def bounds(first: date, last: date, zone: tzinfo) -> tuple[int, ...]:
    """Midnight of each of these days where the merchants are, and of the day after the last; a day need not have 24 hours."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 2)]
    return tuple(int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND for day in days)
