"""Working time: weekends, holidays and nights by table, everything else against a model that counts minutes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import ROUND_THE_CLOCK, Calendar, Span, Week

moment = datetime.fromisoformat
NEW_YEAR = moment("2026-01-01")
MINUTE = timedelta(minutes=1)
MORNING, AFTERNOON, SATURDAY = (time(9), time(12)), (time(13, 30), time(18)), (time(10), time(16))
WEEK: Week = (*((MORNING, AFTERNOON),) * 5, (SATURDAY,), ())
NATIONAL_2025 = {date(2025, 10, day) for day in range(1, 9)}
SPRING_2026 = {date(2026, 2, day) for day in range(15, 24)}
NATIONAL_2026 = {date(2026, 10, day) for day in range(1, 8)}
CHINA = Calendar(
    hours=WEEK,
    off=frozenset(NATIONAL_2025 | SPRING_2026 | NATIONAL_2026),
    work=frozenset({date(2025, 9, 28), date(2025, 10, 11), date(2026, 2, 14), date(2026, 2, 28), date(2026, 9, 20), date(2026, 10, 10)}),
)
OPENS = [
    ("before hours", "2026-01-05T07:00", "2026-01-05T09:00"),
    ("in hours", "2026-01-05T09:00", "2026-01-05T09:00"),
    ("lunch", "2026-01-05T12:00", "2026-01-05T13:30"),
    ("in the evening", "2026-01-05T18:00", "2026-01-06T09:00"),
    ("at night", "2026-01-06T02:59", "2026-01-06T09:00"),
    ("Friday night", "2026-01-09T23:00", "2026-01-10T10:00"),
    ("Saturday evening", "2026-01-10T16:00", "2026-01-12T09:00"),
    ("Sunday", "2026-01-11T12:00", "2026-01-12T09:00"),
    ("National Day 2025", "2025-09-30T18:00", "2025-10-09T09:00"),
    ("make-up Sunday", "2025-09-28T08:00", "2025-09-28T09:00"),
    ("make-up Saturday has a weekday's hours", "2025-10-11T16:30", "2025-10-11T16:30"),
    ("Spring Festival 2026", "2026-02-14T18:00", "2026-02-24T09:00"),
    ("National Day 2026", "2026-10-01T10:00", "2026-10-08T09:00"),
    ("a year that nobody has announced", "2027-10-01T10:00", "2027-10-01T10:00"),
]
AFTER = [
    ("nothing", "2026-01-11T12:00", 0, "2026-01-11T12:00"),
    ("within a span", "2026-01-05T09:00", 60, "2026-01-05T10:00"),
    ("to the end of a span", "2026-01-05T09:00", 180, "2026-01-05T12:00"),
    ("over lunch", "2026-01-05T11:30", 60, "2026-01-05T14:00"),
    ("to the end of the day", "2026-01-05T17:00", 60, "2026-01-05T18:00"),
    ("over night", "2026-01-05T17:00", 61, "2026-01-06T09:01"),
    ("over the weekend", "2026-01-09T17:30", 30 + 360 + 1, "2026-01-12T09:01"),
    ("from a night", "2026-01-05T23:00", 30, "2026-01-06T09:30"),
    ("over National Day 2025", "2025-09-30T17:00", 120, "2025-10-09T10:00"),
    ("over Spring Festival 2026", "2026-02-14T17:00", 120, "2026-02-24T10:00"),
    ("over National Day 2026", "2026-09-30T17:59", 2, "2026-10-08T09:01"),
]


@pytest.mark.parametrize(("name", "at", "expected"), OPENS, ids=[row[0] for row in OPENS])
def test_opens(name: str, at: str, expected: str) -> None:
    assert CHINA.opens(moment(at)).isoformat(timespec="minutes") == expected
    assert CHINA.is_open(moment(at)) == (at == expected)


@pytest.mark.parametrize(("name", "at", "minutes", "expected"), AFTER, ids=[row[0] for row in AFTER])
def test_after(name: str, at: str, minutes: int, expected: str) -> None:
    later = CHINA.after(moment(at), minutes * MINUTE)
    assert later.isoformat(timespec="minutes") == expected
    assert CHINA.between(moment(at), later) == minutes * MINUTE


def test_round_the_clock_is_the_clock() -> None:
    at = moment("2026-02-17T03:04:05.000678")
    assert ROUND_THE_CLOCK.is_open(at)
    assert ROUND_THE_CLOCK.opens(at) == at
    assert ROUND_THE_CLOCK.after(at, timedelta(days=3)) == at + timedelta(days=3)
    assert ROUND_THE_CLOCK.between(at, at + timedelta(days=4000)) == timedelta(days=4000)


def test_a_span_to_midnight_goes_on_the_next_day() -> None:
    late = Calendar(hours=((((time(20)), time.min),), ((time.min, time(2)),), *((),) * 5))
    monday = moment("2026-01-05T23:00")
    assert late.is_open(monday)
    assert late.after(monday, timedelta(hours=2)) == moment("2026-01-06T01:00")
    assert late.after(monday, timedelta(hours=1)) == moment("2026-01-06T00:00")


def test_time_does_not_go_back() -> None:
    assert CHINA.between(moment("2026-01-06T00:00"), moment("2026-01-05T00:00")) == timedelta()
    with pytest.raises(ValueError, match="back"):
        CHINA.after(moment("2026-01-05T00:00"), -MINUTE)


WRONG: list[tuple[str, Week]] = [
    ("six days", WEEK[:6]),
    ("nobody works", ((),) * 7),
    ("no length", (((time(9), time(9)),), *((),) * 6)),
    ("over midnight", (((time(22), time(2)),), *((),) * 6)),
    ("out of order", ((AFTERNOON, MORNING), *((),) * 6)),
    ("overlap", ((MORNING, (time(11), time(13))), *((),) * 6)),
]


@pytest.mark.parametrize(("name", "hours"), WRONG, ids=[row[0] for row in WRONG])
def test_hours_that_are_none(name: str, hours: Week) -> None:
    with pytest.raises(ValueError, match="day"):
        Calendar(hours=hours)


def test_the_end_of_the_calendar_is_an_error() -> None:
    with pytest.raises(OverflowError):
        CHINA.after(moment("9999-12-30T00:00"), timedelta(days=30))
    with pytest.raises(OverflowError):
        CHINA.opens(moment("9999-12-31T20:00"))


# Against a model


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    edges = sorted(draw(st.sets(st.integers(0, 24 * 60), max_size=6)))
    return tuple((_clock(start), _clock(end)) for start, end in zip(edges[::2], edges[1::2], strict=False))


def _clock(minutes: int) -> time:
    return (NEW_YEAR + minutes * MINUTE).time()


DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 14))
CALENDARS = st.builds(
    lambda hours, off, work: Calendar(hours=hours, off=off, work=work),
    st.tuples(*[spans()] * 7).filter(any),
    st.frozensets(DAYS, max_size=5),
    st.frozensets(DAYS, max_size=5),
)
MOMENTS = st.integers(0, 14 * 24 * 60).map(lambda minutes: NEW_YEAR + minutes * MINUTE)


def _open(calendar: Calendar, at: datetime) -> bool:
    """The rule, once more and plainly."""
    if at.date() in calendar.off:
        return False
    usual = next(day for day in calendar.hours if day)
    spans = usual if at.date() in calendar.work else calendar.hours[at.weekday()]
    return any(start <= at.time() and (at.time() < end or end == time.min) for start, end in spans)


@given(CALENDARS, MOMENTS, st.integers(0, 3 * 24 * 60))
def test_it_counts_like_somebody_who_looks_every_minute(calendar: Calendar, start: datetime, minutes: int) -> None:
    moments = [start + minute * MINUTE for minute in range(minutes)]
    worked = [_open(calendar, at) for at in moments]
    assert calendar.between(start, start + minutes * MINUTE) == sum(worked) * MINUTE
    assert [calendar.is_open(at) for at in moments[:200]] == worked[:200]
    if any(worked):
        assert calendar.opens(start) == moments[worked.index(True)]
        last = max(index for index, open in enumerate(worked) if open)
        assert calendar.after(start, sum(worked) * MINUTE) == moments[last] + MINUTE


@given(CALENDARS, MOMENTS, MOMENTS, st.timedeltas(timedelta(), timedelta(days=400)))
def test_after_is_the_first_moment_by_which_so_much_was_worked(calendar: Calendar, at: datetime, other: datetime, worked: timedelta) -> None:
    later = calendar.after(at, worked)
    assert calendar.between(at, later) == worked
    assert not worked or calendar.between(at, later - timedelta.resolution) < worked
    end = max(at, other)
    assert calendar.after(at, calendar.between(at, end)) <= end
    assert calendar.between(at, end) + calendar.between(end, end + worked) == calendar.between(at, end + worked)


@given(CALENDARS, MOMENTS, MOMENTS, st.timedeltas(timedelta(), timedelta(days=40)), st.timedeltas(timedelta(), timedelta(days=40)))
def test_later_and_more_never_end_earlier(calendar: Calendar, at: datetime, other: datetime, worked: timedelta, more: timedelta) -> None:
    first, second = sorted((at, other))
    assert calendar.opens(first) <= calendar.opens(second)
    assert calendar.after(first, worked) <= calendar.after(first, worked + more)
    assert not worked or calendar.after(first, worked) <= calendar.after(second, worked)
    assert calendar.is_open(calendar.opens(at))


@given(CALENDARS, MOMENTS)
def test_centuries_cost_nothing(calendar: Calendar, at: datetime) -> None:
    week = calendar.between(moment("2030-01-07T00:00"), moment("2030-01-14T00:00"))
    later = calendar.after(at, week * 52 * 100)
    assert 2120 <= later.year <= 2130
