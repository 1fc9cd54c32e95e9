"""The staff's side of a conversation: why it was handed over, the packet that lets somebody act without asking again, and the life of a ticket."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .knowledge import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .knowledge import Money


class Reason(StrEnum):
    """Why a conversation was handed over."""

    WISH = "wish"
    DANGER = "danger"
    FINDING = "finding"
    WAITING = "waiting"
    EXHAUSTED = "exhausted"
    LOST = "lost"
    LONG = "long"


class Result(StrEnum):
    """What came of a step. ANSWERED: it was done, and showed something."""

    FAILED = "failed"
    ANSWERED = "answered"
    UNABLE = "unable"
    SOLVED = "solved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What staff get, in the fixed shape of the domain brief, C6. Ids throughout; facts are masked values by slot, and nothing in it is card data.

    `parked` are other troubles that the merchant mentioned, `consent` is whether staff may telephone (None: nobody knows). `causes` are the three likeliest
    with their probability, `steps` what was tried with its result, `findings` the answers to questions.
    """

    number: str
    urgency: Urgency
    reason: Reason
    topic: str | None
    summary: str
    facts: tuple[tuple[str, str], ...]
    screen_text: str
    causes: tuple[tuple[str, float], ...]
    findings: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str], ...]
    money: Money
    flags: tuple[str, ...]
    missing: tuple[str, ...]
    customer_waiting: bool
    consent: bool | None
    parked: tuple[str, ...]
    attachments: tuple[str, ...]


class Status(StrEnum):
    """Where a ticket stands. SOLVED can be reopened by the merchant, CLOSED cannot."""

    OPEN = "open"
    TAKEN = "taken"
    WAITING_MERCHANT = "waiting-merchant"
    WAITING_ACQUIRER = "waiting-acquirer"
    SOLVED = "solved"
    CLOSED = "closed"


ACTIVE = frozenset({Status.OPEN, Status.TAKEN, Status.WAITING_MERCHANT, Status.WAITING_ACQUIRER})
"""Somebody has still something to do: there is at most one such ticket in a conversation."""
OWNED = ACTIVE - {Status.OPEN}


class Act(StrEnum):
    """What is done about a ticket. Staff do all but OPEN, SAID and REMIND; BROADCAST, NOTICED (of reminders) and FORGET stand in no table, because
    none of them leads from one status to another."""

    OPEN = "open"
    SAID = "said"
    REMIND = "remind"
    TAKE = "take"
    RELEASE = "release"
    ASSIGN = "assign"
    MOVE = "move"
    REPLY = "reply"
    NOTE = "note"
    WAIT_MERCHANT = "wait-merchant"
    WAIT_ACQUIRER = "wait-acquirer"
    RESUME = "resume"
    FACTS = "facts"
    URGENCY = "urgency"
    HAND_BACK = "hand-back"
    SOLVE = "solve"
    REOPEN = "reopen"
    CLOSE = "close"
    MISROUTE = "misroute"
    BROADCAST = "broadcast"
    NOTICED = "noticed"
    FORGET = "forget"


TRANSITIONS: Mapping[Act, Mapping[Status, Status]] = {
    Act.TAKE: {Status.OPEN: Status.TAKEN},
    Act.RELEASE: dict.fromkeys(OWNED, Status.OPEN),
    Act.ASSIGN: dict.fromkeys(ACTIVE, Status.TAKEN),
    Act.MOVE: dict.fromkeys(ACTIVE, Status.OPEN),
    Act.MISROUTE: dict.fromkeys(ACTIVE, Status.OPEN),
    Act.REPLY: {
        Status.OPEN: Status.TAKEN,
        **{status: status for status in (Status.TAKEN, Status.WAITING_MERCHANT, Status.WAITING_ACQUIRER, Status.SOLVED)},
    },
    Act.WAIT_MERCHANT: dict.fromkeys(ACTIVE, Status.WAITING_MERCHANT),
    Act.WAIT_ACQUIRER: dict.fromkeys(ACTIVE, Status.WAITING_ACQUIRER),
    Act.RESUME: dict.fromkeys((Status.WAITING_MERCHANT, Status.WAITING_ACQUIRER), Status.TAKEN),
    Act.HAND_BACK: dict.fromkeys(ACTIVE, Status.WAITING_MERCHANT),
    Act.SOLVE: dict.fromkeys(ACTIVE, Status.SOLVED),
    Act.REOPEN: {Status.SOLVED: Status.OPEN},
    Act.CLOSE: dict.fromkeys((*ACTIVE, Status.SOLVED), Status.CLOSED),
    Act.NOTE: {status: status for status in Status},
    Act.FACTS: {status: status for status in ACTIVE},
    Act.URGENCY: {status: status for status in ACTIVE},
}
"""The one table of what may be done when, and what a ticket is afterwards. What is not in it is refused."""
OWNERS = frozenset({Act.RELEASE, Act.WAIT_MERCHANT, Act.WAIT_ACQUIRER, Act.RESUME, Act.REPLY, Act.HAND_BACK, Act.SOLVE, Act.CLOSE})
"""What only the owner does, or a lead, once there is an owner. On a ticket without one, doing it is taking it."""
MOVES = frozenset({Act.ASSIGN, Act.MOVE, Act.MISROUTE})
"""What takes a ticket out of its owner's hands: only the owner does it, or a lead, but it takes nothing that is nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something: a member of the staff by login, or with an empty login the merchant, the bot or the clock. `leads`: may act on others' tickets."""

    login: str = ""
    name: str = ""
    leads: bool = False


def is_others(act: Act, status: Status, owner: str | None, actor: Actor) -> bool:
    """Whether an act is for somebody else: for the ticket's owner, or a lead. A ticket without an owner, or one that is done with, is everybody's."""
    if actor.leads or owner is None or owner == actor.login:
        return False
    return act in MOVES or (act in OWNERS and status in ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as it stands. Moments are ISO texts of the merchants' wall clock.

    `number` can be read out; `previous` is that of an earlier ticket of the same merchant. `owner` is a login. `answered`: the first answer of staff. The clock
    of the solution runs since `running`, None while it is paused; `used` are the seconds of working time before. `waiting` is since when the merchant waits
    for an answer, `active` when the owner did something last. `reminded` are the reminders that were given. `with_bot`: staff let the bot guide meanwhile.
    `cause` and `bot_right` are what staff said in the end: the true cause, and whether the bot had the right topic.
    """

    number: str
    urgency: Urgency
    reason: str
    group: str
    opened: str
    topic: str | None = None
    status: Status = Status.OPEN
    owner: str | None = None
    owner_name: str = ""
    previous: str | None = None
    answered: str | None = None
    running: str | None = None
    used: float = 0.0
    waiting: str | None = None
    active: str | None = None
    solved: str | None = None
    reminded: tuple[str, ...] = ()
    with_bot: bool = False
    cause: str = ""
    bot_right: str = ""

    @property
    def is_active(self) -> bool:
        """Whether somebody has still something to do."""
        return self.status in ACTIVE

    def to_json(self) -> dict[str, Any]:
        """The ticket as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Ticket:
        """The ticket again; fields that this version does not know are dropped. Raises ValueError, TypeError for what is none."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        enums = {"urgency": Urgency(known["urgency"]), "status": Status(known.get("status", Status.OPEN)), "reminded": tuple(known.get("reminded", ()))}
        return cls(**{**known, **enums})
