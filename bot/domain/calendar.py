"""When staff work, and how much working time lies between two moments. All moments are naive: what the wall clock of the staff shows.

Worked time is a sum that never falls, so it is counted from the first day there is (a Monday) to a day by multiplication, and "so much later" is found by
bisection: a century costs as much as an afternoon.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import accumulate, chain, pairwise
from typing import TypeAlias

Span: TypeAlias = tuple[time, time]
"""From the first moment until just before the second; 00:00 as the second is the midnight that ends the day."""
Week: TypeAlias = tuple[tuple[Span, ...], ...]
"""The spans of the seven weekdays, Monday first."""

DAY = timedelta(days=1)
NOTHING = timedelta()
_MORNINGS = range(1, date.max.toordinal() + 2)
"""Days as `date.toordinal` counts them; day 1 is a Monday. The index of a morning is the number of the day before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When staff work. `hours[weekday]` (0 = Monday) are the spans of a day, in order; public holidays (`off`) have none, make-up workdays (`work`) have
    those of the first weekday that has any. A day in both is off.

    Raises ValueError for a week in which nobody works, that has not seven days, or whose spans are empty, overlap or cross midnight.
    """

    hours: Week
    off: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()
    _until: tuple[timedelta, ...] = field(init=False, repr=False, compare=False)
    """Worked from Monday to the beginning of each weekday; the last is a whole week."""
    _unusual: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The numbers of the days that are not like their weekday, in order."""
    _gained: tuple[timedelta, ...] = field(init=False, repr=False, compare=False)
    """What the first n of them have more than their weekdays."""

    def __post_init__(self) -> None:
        if len(self.hours) != 7 or not any(self.hours):
            raise ValueError("a week has seven days, and somebody works in it")
        if not all(map(_in_order, self.hours)):
            raise ValueError("spans of a day must not be empty, overlap or cross midnight")
        usual = [_length(spans) for spans in self.hours]
        unusual = sorted(self.off | self.work)
        gained = (_length(self.spans(day)) - usual[day.weekday()] for day in unusual)
        object.__setattr__(self, "_until", tuple(accumulate(usual, initial=NOTHING)))
        object.__setattr__(self, "_unusual", tuple(day.toordinal() for day in unusual))
        object.__setattr__(self, "_gained", tuple(accumulate(gained, initial=NOTHING)))

    def spans(self, day: date) -> tuple[Span, ...]:
        """When somebody works on a day."""
        if day in self.off:
            return ()
        return next(filter(None, self.hours)) if day in self.work else self.hours[day.weekday()]

    def is_open(self, at: datetime) -> bool:
        """Whether somebody works at this moment; not any more when a span ends."""
        return any(start <= at < end for start, end in self._moments(at.date()))

    def opens(self, at: datetime) -> datetime:
        """The first moment at or after `at` when somebody works. Raises OverflowError when it is beyond the year 9999."""
        for start, end in self._moments(at.date()):
            if at < end:
                return max(at, start)
        day = _day(bisect_right(_MORNINGS, self._before(at.toordinal() + 1), lo=at.toordinal(), key=self._before))
        return datetime.combine(day, self.spans(day)[0][0])

    def after(self, at: datetime, worked: timedelta) -> datetime:
        """The first moment when so much has been worked since `at`: at the end of a day rather than on the next morning, and `at` itself for nothing.

        Raises ValueError for less than nothing, OverflowError when it is beyond the year 9999.
        """
        if worked < NOTHING:
            raise ValueError("working time does not go back")
        if not worked:
            return at
        sum_then = self._worked(at) + worked
        day = _day(bisect_left(_MORNINGS, sum_then, lo=at.toordinal(), key=self._before))
        left, moment = sum_then - self._before(day.toordinal()), at
        for start, end in self._moments(day):
            if left > NOTHING:
                moment = min(start + left, end)
                left -= end - start
        return moment

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; nothing when that is no later."""
        return max(self._worked(end) - self._worked(start), NOTHING)

    def _before(self, day: int) -> timedelta:
        """What was worked from the first day there is to the beginning of this one."""
        weeks, weekday = divmod(day - 1, 7)
        return weeks * self._until[7] + self._until[weekday] + self._gained[bisect_left(self._unusual, day)]

    def _worked(self, at: datetime) -> timedelta:
        today = sum((min(at, end) - start for start, end in self._moments(at.date()) if start < at), NOTHING)
        return self._before(at.toordinal()) + today

    def _moments(self, day: date) -> list[tuple[datetime, datetime]]:
        midnight = datetime.combine(day, time.min)
        return [(midnight + _since_midnight(start), midnight + _until_midnight(end)) for start, end in self.spans(day)]


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


def _until_midnight(clock: time) -> timedelta:
    """The same for the end of a span, where 00:00 is the end of the day."""
    return _since_midnight(clock) or DAY


def _length(spans: tuple[Span, ...]) -> timedelta:
    return sum((_until_midnight(end) - _since_midnight(start) for start, end in spans), NOTHING)


def _in_order(spans: tuple[Span, ...]) -> bool:
    """Whether each span ends after it starts, and no later than the next one starts."""
    edges = list(chain.from_iterable((_since_midnight(start), _until_midnight(end)) for start, end in spans))
    return all(start < end for start, end in zip(edges[::2], edges[1::2], strict=True)) and all(one <= other for one, other in pairwise(edges))


def _day(number: int) -> date:
    if number > date.max.toordinal():
        raise OverflowError("beyond the year 9999")
    return date.fromordinal(number)


ROUND_THE_CLOCK = Calendar(hours=(((time.min, time.min),),) * 7)
"""Somebody always works."""
