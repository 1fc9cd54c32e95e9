"""The staff's side of a conversation: why it was handed over, and the packet that lets somebody act without asking again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .knowledge import Money, Urgency


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

    `parked` are other troubles that the merchant
    mentioned. `causes` are the three likeliest with their probability, `steps` what was tried with its result, `findings` the answers to questions.
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
    parked: tuple[str, ...]
    attachments: tuple[str, ...]
