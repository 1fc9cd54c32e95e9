"""Moments as people name them, over weekends and holidays."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from bot.dialogue import moments
from bot.dialogue.step import step
from bot.domain.desk import Desk
from bot.domain.events import Chose
from bot.hours import calendar

from .test_desk import STATE, said

if TYPE_CHECKING:
    from bot.app import Mind

SHOP = "mon-fri 09:00-18:00; sat 10:00-16:00"
moment = datetime.fromisoformat
NAMED = [
    ("2026-11-25T07:00", "2026-11-25T09:00", "今天 09:00"),
    ("2026-11-25T00:00", "2026-11-25T00:30", "今天 00:30"),
    ("2026-11-25T23:59", "2026-11-26T00:00", "明天 00:00"),
    ("2026-11-25T19:00", "2026-11-27T09:05", "后天 09:05"),
    ("2026-11-23T19:00", "2026-11-28T10:00", "周六 10:00"),
    ("2026-11-24T19:00", "2026-11-29T10:00", "周日 10:00"),
    ("2026-11-25T19:00", "2026-11-30T09:00", "下周一 09:00"),
    ("2026-11-26T19:00", "2026-12-02T09:00", "下周三 09:00"),
    ("2026-11-25T19:00", "2026-12-02T09:00", "12月2日 09:00"),
    ("2026-12-31T19:00", "2027-01-01T09:00", "明天 09:00"),
    ("2026-12-31T19:00", "2027-01-04T09:00", "下周一 09:00"),
    ("2026-11-25T19:00", "2026-11-24T09:00", "11月24日 09:00"),
]
OPENS = [
    ("a weekday evening", "2026-11-25T19:00", "明天 09:00 有人上班"),
    ("before hours", "2026-11-25T07:00", "今天 09:00 有人上班"),
    ("Friday night", "2026-11-27T19:00", "明天 10:00 有人上班"),
    ("Saturday evening", "2026-11-28T17:00", "后天 09:00 有人上班"),
    ("Sunday", "2026-11-29T12:00", "明天 09:00 有人上班"),
    ("the eve of National Day", "2026-09-30T18:30", "10月8日 09:00 有人上班"),
    ("in National Day's week", "2026-10-04T12:00", "下周四 09:00 有人上班"),
    ("its last days", "2026-10-06T12:00", "后天 09:00 有人上班"),
    ("before a Sunday that is made up", "2026-09-19T17:00", "明天 09:00 有人上班"),
    ("the eve of Spring Festival", "2026-02-14T18:30", "2月24日 09:00 有人上班"),
]


@pytest.mark.parametrize(("now", "at", "expected"), NAMED)
def test_a_moment_is_named_as_people_do(mind: Mind, now: str, at: str, expected: str) -> None:
    assert moments.named(mind.kb, moment(at), moment(now)) == expected


@pytest.mark.parametrize(("now", "expected"), [row[1:] for row in OPENS], ids=[row[0] for row in OPENS])
def test_merchants_hear_when_somebody_is_there_again(mind: Mind, now: str, expected: str) -> None:
    decision = step(STATE, Chose(choice="progress"), None, mind.kb, moment(now), at_desk=Desk(calendar=calendar(SHOP, "cn")))
    assert expected in said(decision)
