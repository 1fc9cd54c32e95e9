"""The clocks of a ticket: by when somebody must answer and solve it, who is reminded, when it goes back to the queue or is closed.

Targets are the domain brief's (C3), from the knowledge base. Time counts while staff work, round the clock where a target says so, and stands still while the
merchant has to do something.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.calendar import ROUND_THE_CLOCK
from bot.domain.tickets import Status

if TYPE_CHECKING:
    from bot.domain.calendar import Calendar
    from bot.domain.desk import Desk
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.tickets import Ticket

MARKS = {"half": 0.5, "due": 1.0, "leads": 1.5}
"""Shares of a target at which somebody is reminded: the owner or the group twice, then the leads."""
RESPONSE, SOLUTION = "response", "solution"
PAUSED = frozenset({Status.WAITING_MERCHANT, Status.SOLVED, Status.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Somebody is to be reminded of this `clock` at this mark."""

    at: datetime
    clock: str
    mark: str

    @property
    def id(self) -> str:
        """As it is kept in a ticket."""
        return f"{self.clock}-{self.mark}"


def respond_by(ticket: Ticket, kb: KnowledgeBase, desk: Desk, share: float = 1.0) -> datetime | None:
    """When this share of the time for a first answer is over; None when there was one."""
    return answer_by(ticket, kb, desk, share) if ticket.answered is None and ticket.is_active else None


def answer_by(ticket: Ticket, kb: KnowledgeBase, desk: Desk, share: float = 1.0) -> datetime:
    """When this share of the time for a first answer is over, or was."""
    return _calendar(ticket, kb, desk).after(datetime.fromisoformat(ticket.opened), kb.targets[ticket.urgency].respond * share)


def solve_by(ticket: Ticket, kb: KnowledgeBase, desk: Desk, share: float = 1.0) -> datetime | None:
    """When this share of the time for a solution is over; None while the clock stands still."""
    if ticket.running is None:
        return None
    left = kb.targets[ticket.urgency].solve * share - timedelta(seconds=ticket.used)
    return _calendar(ticket, kb, desk).after(datetime.fromisoformat(ticket.running), max(left, timedelta()))


def due(ticket: Ticket, kb: KnowledgeBase, desk: Desk) -> datetime | None:
    """The next of both deadlines: what a queue is sorted by; None when nothing is due."""
    return min((moment for moment in (respond_by(ticket, kb, desk), solve_by(ticket, kb, desk)) if moment is not None), default=None)


def reminders(ticket: Ticket, kb: KnowledgeBase, desk: Desk) -> list[Reminder]:
    """Those that are still to be given, the earliest first; what falls on the end of a day is given on the next one, when somebody is there to be reminded."""
    clocks, calendar = {RESPONSE: respond_by, SOLUTION: solve_by}, _calendar(ticket, kb, desk)
    coming = [
        Reminder(at=calendar.opens(at), clock=clock, mark=mark)
        for clock, by in clocks.items()
        for mark, share in MARKS.items()
        if f"{clock}-{mark}" not in ticket.reminded and (at := by(ticket, kb, desk, share)) is not None
    ]
    return sorted(coming, key=lambda reminder: reminder.at)


def reminds(ticket: Ticket, kb: KnowledgeBase, desk: Desk, now: datetime) -> bool:
    """Whether somebody may be reminded now: never out of hours, unless the target counts at any hour."""
    return _calendar(ticket, kb, desk).is_open(now)


def release_at(ticket: Ticket, desk: Desk, kb: KnowledgeBase) -> datetime | None:
    """When a ticket goes back to the queue because its owner lets the merchant wait; None when that is not so."""
    if ticket.status is not Status.TAKEN or ticket.waiting is None:
        return None
    silent_since = max(ticket.waiting, ticket.active or ticket.waiting)
    return _calendar(ticket, kb, desk).after(datetime.fromisoformat(silent_since), desk.release)


def close_at(ticket: Ticket, desk: Desk) -> datetime | None:
    """When a solved ticket is closed for good."""
    return datetime.fromisoformat(ticket.solved) + desk.reopen if ticket.status is Status.SOLVED and ticket.solved else None


def next_moment(ticket: Ticket, kb: KnowledgeBase, desk: Desk, now: datetime) -> datetime | None:
    """When the clock has to look at the ticket again."""
    moments = [_calendar(ticket, kb, desk).opens(max(reminder.at, now)) for reminder in reminders(ticket, kb, desk)[:1]]
    return min([*moments, *filter(None, (release_at(ticket, desk, kb), close_at(ticket, desk)))], default=None)


def entered(ticket: Ticket, status: Status, now: datetime, kb: KnowledgeBase, desk: Desk) -> Ticket:
    """The ticket in this status: the clock of the solution stops or goes on."""
    if status in PAUSED and ticket.running is not None:
        worked = _calendar(ticket, kb, desk).between(datetime.fromisoformat(ticket.running), now)
        ticket = replace(ticket, running=None, used=ticket.used + worked.total_seconds())
    elif status not in PAUSED and ticket.running is None:
        ticket = replace(ticket, running=now.isoformat())
    return replace(ticket, status=status)


def _calendar(ticket: Ticket, kb: KnowledgeBase, desk: Desk) -> Calendar:
    return ROUND_THE_CLOCK if kb.targets[ticket.urgency].round_the_clock else desk.calendar
