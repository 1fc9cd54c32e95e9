"""What the bot makes of one message: topics with probability and evidence, answers already given, details, signals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .knowledge import Answer


class Secret(StrEnum):
    """Card and identity data that is removed before anything is stored."""

    PAN = "pan"
    EXPIRY = "expiry"
    CVV = "cvv"
    PIN = "pin"
    OTP = "otp"
    ID = "id"


class Precision(StrEnum):
    """How exactly a moment was said."""

    DAY = "day"
    PART = "part-of-day"
    HOUR = "hour"
    MINUTE = "minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A value found in the text.

    `value` is canonical: amounts in yuan with two decimals ("1200.00"), moments as local ISO time ("2026-11-22T15:20", or "2026-11-22" when only the day was
    said), identifiers in upper case without separators. `span` is the half-open range in the cleaned text.
    """

    slot: str
    value: str
    said: str
    span: tuple[int, int]
    precision: Precision | None = None
    approximate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An answer that the merchant gave without being asked, and the words that say so."""

    answer: Answer
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicMatch:
    """A topic with the calibrated probability that the message is about it, and the words that decided, strongest first."""

    topic: str
    probability: float
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """One message, understood.

    `text` is cleaned and redacted; `topics` is sorted by probability and holds every class that has a chance, the pseudo-topics of kind human, chitchat,
    unclear and out-of-scope included; the probabilities sum to nearly 1. `ambiguous` holds digit runs that could be several identifiers: (digits, candidate
    slots). `answer` is the option that the message gives to the question that was open. `doubted` names the questions about money that it touches without
    an answer: 扣没扣, 没扣吧. `asks` says that it asks, guesses or doubts. `screen` is what the merchant says the terminal shows. The signal "no" is also
    given by a short message that begins with a negation, "nothing" by one that is nothing else, "money-open" by one that says that nobody knows whether a
    sale went through. `halves` holds the topics of each half where two matters are joined (还有).
    """

    text: str
    secrets: tuple[Secret, ...] = ()
    entities: tuple[Entity, ...] = ()
    ambiguous: tuple[tuple[str, tuple[str, ...]], ...] = ()
    findings: tuple[Finding, ...] = ()
    doubted: tuple[str, ...] = ()
    answer: str | None = None
    topics: tuple[TopicMatch, ...] = ()
    halves: tuple[tuple[TopicMatch, ...], ...] = ()
    signals: tuple[str, ...] = ()
    asks: bool = False
    other_object: str | None = None
    screen: str = ""
