"""How things stand with the staff at a moment, as far as a conversation must know: the calendar, the queue, who is there, notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from .calendar import ROUND_THE_CLOCK, Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .tickets import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the bot tells at once everybody with this trouble; empty `code` and `acquirer` mean any. `until` is an ISO text of the merchants' wall clock."""

    topic: str
    text: str
    until: str
    code: str = ""
    acquirer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A picture of the desk, at most a few seconds old.

    `waiting` are tickets by group that nobody has taken, `on_duty` the members by group who are there, those with the fewest tickets first; `alike` is how
    many of these have equally few. `pace` is how long a ticket waits usually for each one before it. `assigns`: a new ticket is given to one of those on duty
    with the fewest. A ticket whose owner leaves the merchant without an answer for `release` is taken back, a solved one can be reopened for `reopen` and is
    closed then.
    """

    calendar: Calendar = ROUND_THE_CLOCK
    waiting: Mapping[str, int] = field(default_factory=dict)
    on_duty: Mapping[str, tuple[Actor, ...]] = field(default_factory=dict)
    alike: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    pace: timedelta = timedelta(minutes=10)
    assigns: bool = False
    release: timedelta = timedelta(minutes=30)
    reopen: timedelta = timedelta(days=7)
