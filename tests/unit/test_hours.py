"""Hours as operators write them, and holidays as they were announced."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, time

import pytest

from bot.domain.calendar import ROUND_THE_CLOCK
from bot.hours import calendar, known_until, week
from bot.ops import doctor

DEFAULT = "mon-fri 09:00-18:00; sat 10:00-16:00"
DAY, LATE = (time(9), time(18)), (time(18), time.min)
GOOD = [
    ("default", DEFAULT, [(DAY,)] * 5 + [((time(10), time(16)),), ()]),
    ("lunch", "mon 09:00-12:00,13:30-18:00", [((time(9), time(12)), (time(13, 30), time(18)))] + [()] * 6),
    ("single days", "mon,wed-thu, sun 09:00-18:00", [(DAY,), (), (DAY,), (DAY,), (), (), (DAY,)]),
    ("until midnight", " fri  18:00-24:00 ;sat 00:00-02:00", [()] * 4 + [(LATE,), ((time.min, time(2)),), ()]),
    ("touching spans", "mon 09:00-18:00, 18:00-24:00", [(DAY, LATE)] + [()] * 6),
    ("always", " always ", list(ROUND_THE_CLOCK.hours)),
    ("written out", "mon-sun 00:00-24:00", list(ROUND_THE_CLOCK.hours)),
]
BAD = [
    ("empty", " ", "第 1 段看不懂"),
    ("a closing semicolon", "mon 09:00-18:00;", "第 2 段看不懂"),
    ("no hours", "mon-fri", "第 1 段看不懂"),
    ("no days", "09:00-18:00", "第 1 段看不懂"),
    ("unknown day", "mon 09:00-18:00; son 10:00-12:00", "第 2 段看不懂"),
    ("Chinese comma", "mon，tue 09:00-18:00", "第 1 段看不懂"),
    ("one digit", "mon 9:00-18:00", "第 1 段看不懂"),
    ("no such hour", "mon 09:00-25:00", "第 1 段看不懂"),
    ("starts at 24", "mon 24:00-24:00", "第 1 段看不懂"),
    ("other digits", "mon ０9:00-18:00", "第 1 段看不懂"),
    ("always and more", "always; mon 09:00-18:00", "第 1 段看不懂"),
    ("over midnight", "mon 22:00-02:00", "第 1 段的先后不对"),
    ("overlap", "mon 09:00-12:00,11:00-18:00", "第 1 段的先后不对"),
    ("days backwards", "fri-mon 09:00-18:00", "第 1 段的先后不对"),
    ("twice", "mon-fri 09:00-18:00; fri 10:00-12:00", "第 2 段里 fri"),
    ("twice in one", "mon,mon 09:00-18:00", "第 1 段里 mon"),
]


@pytest.mark.parametrize(("name", "text", "expected"), GOOD, ids=[row[0] for row in GOOD])
def test_week(name: str, text: str, expected: list[tuple[tuple[time, time], ...]]) -> None:
    assert week(text) == tuple(expected)


@pytest.mark.parametrize(("name", "text", "reason"), BAD, ids=[row[0] for row in BAD])
def test_what_is_no_week(name: str, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        week(text)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2025-09-28T10:00", "2025-09-28T10:00"),  # Sunday, made up for National Day
        ("2025-10-01T10:00", "2025-10-09T09:00"),
        ("2025-10-11T09:30", "2025-10-11T09:30"),  # Saturday with a weekday's hours
        ("2026-02-14T10:00", "2026-02-14T10:00"),
        ("2026-02-14T18:00", "2026-02-24T09:00"),  # Spring Festival
        ("2026-10-01T10:00", "2026-10-08T09:00"),
        ("2026-12-31T18:00", "2027-01-01T09:00"),  # not announced: a Friday like any other
    ],
)
def test_holidays_of_china(at: str, opens: str) -> None:
    assert calendar(DEFAULT, "cn").opens(datetime.fromisoformat(at)) == datetime.fromisoformat(opens)


def test_who_wants_no_holidays_has_none() -> None:
    assert calendar(DEFAULT, "none").is_open(datetime.fromisoformat("2026-10-01T10:00"))
    assert calendar("always", "cn") == ROUND_THE_CLOCK


def test_the_holidays_of_this_program_are_known_as_long_as_doctor_says() -> None:
    until = known_until()
    assert (until.month, until.day) == (12, 31)
    assert until >= date(2026, 12, 31)


@pytest.mark.parametrize(("today", "warns"), [("2026-12-01", False), ("2026-12-02", True), ("2026-12-31", True), ("2027-06-01", True)])
def test_doctor_warns_when_holidays_are_about_to_be_unknown(today: str, warns: bool) -> None:
    finding = doctor.holidays(date(2026, 12, 31), date.fromisoformat(today))
    assert (finding.good, finding.warns) == (True, warns)
    assert ("chinesecalendar" in finding.text, "2026" in finding.text) == (warns, True)


def test_settings_do_not_load_the_library() -> None:
    code = "import sys; from bot import settings; settings.read(); sys.exit('chinese_calendar' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
