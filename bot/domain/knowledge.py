"""What the bot knows: the knowledge base as frozen values, free of YAML, files and engines.

Likelihoods are probabilities in [0, 1]; weights are relative base rates; efforts are costs in the merchant's minutes. Editors write words for all of them
(经常, 常见, 简单), the loader turns words into numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Kind(StrEnum):
    """What a topic file is for. Only TROUBLE and ADVICE are about the merchant's terminal."""

    TROUBLE = "trouble"
    ADVICE = "advice"
    HUMAN = "human"
    CHITCHAT = "chitchat"
    UNCLEAR = "unclear"
    OUT_OF_SCOPE = "out-of-scope"


class Urgency(StrEnum):
    """How soon staff must act: U0 danger, U1 money unclear, U2 cannot take payments, U3 one function, U4 self-service."""

    U0 = "U0"
    U1 = "U1"
    U2 = "U2"
    U3 = "U3"
    U4 = "U4"


class Retry(StrEnum):
    """May the merchant charge again after this response code? The conservative rule of the domain brief, B2."""

    NO = "no"
    UNNEEDED = "unneeded"
    CHECK_FIRST = "check-first"
    ONCE = "once"
    LATER = "later"
    OTHER_CARD = "other-card"
    OTHER_WAY = "other-way"
    OTHER_AMOUNT = "other-amount"
    AFTER_SIGN_IN = "after-sign-in"


class TerminalType(StrEnum):
    """The three kinds of terminal of the guide: with keys and paper, pocket-size without paper, Android with a touch screen."""

    TRADITIONAL = "traditional"
    POCKET = "pocket"
    SMART = "smart"


class Money(StrEnum):
    """What is known of the customer's money. Only NOT_TAKEN permits to charge again.

    CHARGED is what a customer sees, never a result: who was charged may have paid, or be paid back later.
    """

    RECEIVED = "received"
    NOT_TAKEN = "not-taken"
    CHARGED = "charged"
    UNCLEAR = "unclear"
    NOT_INVOLVED = "not-involved"


class Mask(StrEnum):
    """How much of a detail people see: all of it, its last four characters, nothing."""

    NONE = "none"
    TAIL = "tail"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Answer:
    """One option of one question, given or required."""

    question: str
    option: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something the bot may ask. `options` maps each button's label to the ways in which merchants say it; `money` tells which of them say
    what became of the customer's money, `negative` which one means no, where only one does, `aid` what to do at once when one is given.
    """

    id: str
    text: str
    look: str
    effort: float
    options: Mapping[str, tuple[str, ...]]
    money: Mapping[str, Money] = field(default_factory=dict)
    negative: str | None = None
    aid: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing the merchant does. With `requires`, it is unavailable until any one of these answers is known. One that `only_looks` is of no use when what it
    shows (`then`) is known already."""

    id: str
    title: str
    text: str
    variants: Mapping[TerminalType, str]
    detail: str
    effort: float
    requires: tuple[Answer, ...]
    look: str
    then: str | None
    only_looks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A piece of transaction data that staff may need. `kind` names the reader that finds it in text."""

    id: str
    label: str
    prompt: str
    kind: str
    where: str
    mask: Mask
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a topic's trouble happens. `answers[question][option]` and `fixes[step]` are likelihoods given this cause."""

    id: str
    title: str
    weight: float
    why: str
    answers: Mapping[str, Mapping[str, float]]
    fixes: Mapping[str, float]
    staff: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A story from which a merchant learns; `from_guide`: the guide's own, otherwise an illustration."""

    title: str
    story: str
    lesson: str
    from_guide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a merchant's message is about. An answer in `hand_over_now` goes to staff at once, one in `danger` with the highest urgency; one in
    `elsewhere[topic]` shows that it is really about that other topic. `refuses`: it is not to be helped with, only told why.
    """

    id: str
    title: str
    kind: Kind = Kind.TROUBLE
    urgency: Urgency = Urgency.U3
    weight: float = 2.0
    summary: str = ""
    first_aid: str = ""
    answer: tuple[str, ...] = ()
    phrasings: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    causes: Mapping[str, Cause] = field(default_factory=dict)
    must_collect: tuple[str, ...] = ()
    ask_for: tuple[str, ...] = ()
    hand_over_now: tuple[Answer, ...] = ()
    danger: tuple[Answer, ...] = ()
    elsewhere: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    refuses: bool = False
    cases: tuple[Case, ...] = ()
    prevent: tuple[str, ...] = ()

    @property
    def is_business(self) -> bool:
        """Whether it is about the merchant's terminal, rather than small talk or a wish for a human."""
        return self.kind in {Kind.TROUBLE, Kind.ADVICE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A response code as one acquirer or network uses it: the same two characters mean different things elsewhere."""

    source: str
    code: str
    means: str
    whose: str
    retry: Retry
    say: str
    topic: str
    findings: tuple[Answer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a terminal shows word for word, the topic it points at, and the questions that it answers."""

    texts: tuple[str, ...]
    topic: str
    findings: tuple[Answer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A telephone number of the whitelist: the only numbers that the bot may ever show."""

    number: str
    name: str
    purpose: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidePoint:
    """One point of the guide in cleaned wording, and the places of the knowledge base where it lives."""

    id: str
    text: str
    homes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Colleagues who do the same work, and the topics whose tickets come to them."""

    id: str
    title: str
    purpose: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How soon staff mean to answer (`respond`) and to be done (`solve`) with a ticket: on the clock, or in working time."""

    respond: timedelta
    solve: timedelta
    round_the_clock: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """Words that staff send often. `topics` are those where they are suggested, none for everywhere; `image` goes with them (a key of
    `KnowledgeBase.images`). The text has places of `PLACES`, and telephone numbers as the bot's own sentences have them.
    """

    id: str
    title: str
    text: str
    topics: tuple[str, ...] = ()
    image: str | None = None

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with what is known of a ticket; a place without a value stays, for the colleague who sends it."""
        return _PLACE.sub(lambda place: values.get(place[1]) or place[0], self.text)


PLACES = ("name", "number", "topic", "amount", "txn_time", "card_tail4", "terminal_no", "ref_no")
"""What a canned reply may leave open: the colleague's name, the ticket's number, the title of its topic; the others are slots."""
_PLACE = re.compile(r"\{([a-z0-9_]+)\}")
EVERYBODY = Group(id="staff", title="staff")
"""The only group of a knowledge base that says nothing about staff."""
WORKING_DAY = timedelta(hours=8)
TARGETS: Mapping[Urgency, Target] = MappingProxyType(
    {
        Urgency.U0: Target(respond=timedelta(minutes=2), solve=timedelta(minutes=15), round_the_clock=True),
        Urgency.U1: Target(respond=timedelta(minutes=30), solve=timedelta(days=3), round_the_clock=True),
        Urgency.U2: Target(respond=timedelta(hours=1), solve=timedelta(hours=4), round_the_clock=False),
        Urgency.U3: Target(respond=timedelta(hours=4), solve=3 * WORKING_DAY, round_the_clock=False),
        Urgency.U4: Target(respond=WORKING_DAY, solve=3 * WORKING_DAY, round_the_clock=False),
    }
)
"""The targets of a knowledge base that names none: domain brief, C3; of U0, `solve` is the first action."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnowledgeBase:
    """Everything that editors wrote, checked and linked. Orders are the editors' orders; ties are broken by them.

    `codes[source][code]`; `code_sources[source]` is the title, the first source is the default; `concepts[canonical]` and `signals[id]` are the words that
    merchants use, `cues[id]` words that mean something only while a conversation goes on; `images[name]` are PNG or JPEG files of canned replies; `version`
    is a digest of the files. Compared by identity, so that what is computed from it can be kept beside it.

    Nothing about staff is needed: then there is one group, `EVERYBODY`, the targets are `TARGETS`, and there are no canned replies.
    """

    version: str
    topics: Mapping[str, Topic]
    questions: Mapping[str, Question] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)
    code_sources: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, Code]] = field(default_factory=dict)
    screens: tuple[Screen, ...] = ()
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    out_of_scope: tuple[str, ...] = ()
    other_objects: tuple[str, ...] = ()
    replies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()
    guide: tuple[GuidePoint, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=lambda: MappingProxyType({EVERYBODY.id: EVERYBODY}))
    default_group: str = EVERYBODY.id
    targets: Mapping[Urgency, Target] = field(default_factory=lambda: TARGETS)
    canned: tuple[Canned, ...] = ()
    images: Mapping[str, bytes] = field(default_factory=dict)

    def groups_named(self, names: Iterable[str]) -> tuple[str, ...]:
        """Ids of groups that are called by id or by title, each once; a name that no group has stays as it is."""
        ids = {group.title: group.id for group in self.groups.values()}
        return tuple(dict.fromkeys(ids.get(name, name) for name in names))

    def group_of(self, topic: str | None) -> str:
        """The group that tickets of a topic come to: the default group for one that is nobody's, or no topic at all."""
        return next((group.id for group in self.groups.values() if topic in group.topics), self.default_group)

    def code(self, code: str, source: str | None = None) -> Code | None:
        """The meaning of a response code at `source`, else in the default table, else in the only table that has it; None when nobody has written it down."""
        for name in (source, next(iter(self.codes), None)):
            if name is not None and (found := self.codes.get(name, {}).get(code)):
                return found
        private = [table[code] for table in self.codes.values() if code in table]
        return private[0] if len(private) == 1 else None
