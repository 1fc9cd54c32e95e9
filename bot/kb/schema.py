"""The shape of the YAML files (pydantic): what an editor may write, and nothing else.

Shapes only; what one file says about another is checked in `checks`. Every value is text, a list or a mapping: `document` reads no other types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, RootModel, StringConstraints
from pydantic_core import PydanticCustomError

from .scales import BASE_RATE, EFFORT, FREQUENCY, MASK, MONEY, ORIGIN, RETRY, TERMINAL_TYPE, YES, duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


@dataclass(frozen=True)
class OneOf:
    """Accepts one of the given words; the error carries them, so that a suggestion can be made."""

    words: tuple[str, ...]

    def __init__(self, words: Iterable[str]) -> None:
        object.__setattr__(self, "words", tuple(words))

    def __call__(self, value: str) -> str:
        """The value itself. Raises PydanticCustomError with the words that would do."""
        if value not in self.words:
            raise PydanticCustomError("one_of", "not one of the words", {"words": self.words})
        return value

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"enum": list(self.words)}


def _is_duration(value: str) -> str:
    """The value itself. Raises PydanticCustomError."""
    try:
        duration(value, round_the_clock=True)
    except ValueError:
        raise PydanticCustomError("duration", "not a duration") from None
    return value


SLOT_KINDS = [
    "amount",
    "moment",
    "date",
    "merchant_no",
    "terminal_no",
    "sn",
    "batch_no",
    "trace_no",
    "ref_no",
    "auth_code",
    "order_no",
    "card_tail4",
    "resp_code",
    "txn_type",
    "channel",
    "entry_mode",
    "phone_tail4",
    "iccid",
    "choice",
    "name",
    "text",
    "photo",
    "number",
]

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([-_][a-z0-9]+)*$", max_length=40)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=160)]
Saying = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Message = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Frequency = Annotated[str, AfterValidator(OneOf(FREQUENCY)), OneOf(FREQUENCY)]
BaseRate = Annotated[str, AfterValidator(OneOf(BASE_RATE)), OneOf(BASE_RATE)]
Effort = Annotated[str, AfterValidator(OneOf(EFFORT)), OneOf(EFFORT)]
MayRetry = Annotated[str, AfterValidator(OneOf(RETRY)), OneOf(RETRY)]
MoneyWord = Annotated[str, AfterValidator(OneOf(MONEY)), OneOf(MONEY)]
MaskWord = Annotated[str, AfterValidator(OneOf(MASK)), OneOf(MASK)]
Terminal = Annotated[str, AfterValidator(OneOf(TERMINAL_TYPE)), OneOf(TERMINAL_TYPE)]
SlotKind = Annotated[str, AfterValidator(OneOf(SLOT_KINDS)), OneOf(SLOT_KINDS)]
YesWord = Annotated[str, AfterValidator(OneOf(YES)), OneOf(YES)]
Duration = Annotated[str, AfterValidator(_is_duration)]
CodeKey = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{2}$")]
Answers = dict[Id, Short]
OneAnswer = Annotated[dict[Id, Short], Field(min_length=1, max_length=1)]


class Entry(BaseModel):
    """Common settings: unknown fields are errors, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CauseEntry(Entry):
    """A cause of a topic."""

    title: Short
    seen: BaseRate = "一般"
    why: Sentence
    answers: dict[Id, Annotated[dict[Short, Frequency], Field(min_length=1)]] = {}
    fixes: dict[Id, Frequency] = {}
    staff: Sentence | None = None


class CaseEntry(Entry):
    """A case study."""

    title: Short
    story: Text
    lesson: Sentence
    origin: Annotated[str, AfterValidator(OneOf(ORIGIN)), OneOf(ORIGIN)]


class CollectEntry(Entry):
    """The slots that staff need, and those that help."""

    must: list[Id] = []
    ask: list[Id] = []


class TopicEntry(Entry):
    """`topics/<id>.yaml`."""

    title: Sentence
    kind: Literal["trouble", "advice", "human", "chitchat", "unclear"] = "trouble"
    urgency: Literal["U0", "U1", "U2", "U3", "U4"] = "U3"
    seen: BaseRate = "一般"
    summary: Sentence | None = None
    first_aid: Sentence | None = None
    answer: Sentence | list[Sentence] = []
    phrasings: Annotated[list[Saying], Field(min_length=1)]
    questions: list[Id] = []
    causes: dict[Id, CauseEntry] = {}
    collect: CollectEntry = CollectEntry()
    hand_over_now: list[OneAnswer] = []
    danger: list[OneAnswer] = []
    refuse: Literal["是"] | None = None
    elsewhere: dict[Id, Annotated[list[OneAnswer], Field(min_length=1)]] = {}
    cases: list[CaseEntry] = []
    prevent: list[Sentence] = []


class QuestionEntry(Entry):
    """An entry of `questions.yaml`."""

    text: Sentence
    look: Sentence | None = None
    effort: Effort = "简单"
    options: Annotated[dict[Short, list[Short]], Field(min_length=2, max_length=6)]
    nothing: Short | None = None
    money: dict[Short, MoneyWord] = {}
    aid: dict[Short, Sentence] = {}


class StepEntry(Entry):
    """An entry of `steps.yaml`."""

    title: Short
    text: Sentence
    variants: dict[Terminal, Sentence] = {}
    detail: Text | None = None
    effort: Effort = "简单"
    requires: list[OneAnswer] = []
    look: Sentence | None = None
    then: Id | None = None
    only_look: Literal["是"] | None = None


class SlotEntry(Entry):
    """An entry of `slots.yaml`."""

    label: Short
    prompt: Sentence
    kind: SlotKind
    where: Sentence | None = None
    mask: MaskWord = "无"
    options: list[Short] = []


class CodeEntry(Entry):
    """An entry of `codes.yaml`."""

    means: Sentence
    whose: Short
    retry: MayRetry
    say: Sentence
    topic: Id
    findings: Answers = {}


class CodesFile(Entry):
    """`codes.yaml`: the acquirers or networks, and the meaning of each code at each of them."""

    sources: Annotated[dict[Id, Sentence], Field(min_length=1)]
    codes: dict[Id, dict[CodeKey, CodeEntry]]


class ScreenEntry(Entry):
    """An entry of `screens.yaml`."""

    text: Short
    topic: Id
    findings: Answers = {}
    also: list[Short] = []


class OutOfScopeFile(Entry):
    """`out_of_scope.yaml`."""

    sentences: list[Saying]
    objects: list[Short] = []


class SignalEntry(Entry):
    """An entry of `signals.yaml`: words that mean one thing wherever they stand, or, as a cue, only while a conversation goes on."""

    title: Short
    words: Annotated[list[Short], Field(min_length=1)]


class SignalsFile(Entry):
    """`signals.yaml`."""

    signals: dict[Id, SignalEntry]
    cues: dict[Id, SignalEntry] = {}


class ContactEntry(Entry):
    """An entry of `contacts.yaml`: a number that the bot may show."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    number: Annotated[str, StringConstraints(pattern=r"^[0-9]{3,12}$")]
    name: Short
    purpose: Sentence = Field(alias="for")
    note: Sentence | None = None


class GuideEntry(Entry):
    """An entry of `guide.yaml`: a point of the guide and the places where it lives."""

    text: Text
    homes: Annotated[list[Short], Field(min_length=1)]


class GroupEntry(Entry):
    """A group of staff in `desk.yaml`."""

    title: Short
    purpose: Sentence
    topics: list[Id] = []


class TargetEntry(Entry):
    """How soon staff mean to act, in `desk.yaml`."""

    respond: Duration
    solve: Duration
    round_the_clock: YesWord = "否"


class TargetsEntry(Entry):
    """The targets in `desk.yaml`, one for each urgency."""

    U0: TargetEntry
    U1: TargetEntry
    U2: TargetEntry
    U3: TargetEntry
    U4: TargetEntry


class DeskFile(Entry):
    """`desk.yaml`."""

    groups: Annotated[dict[Id, GroupEntry], Field(min_length=1)]
    default: Id
    targets: TargetsEntry


class CannedEntry(Entry):
    """An entry of `canned.yaml`."""

    title: Short
    text: Message
    topics: list[Id] = []
    image: Short | None = None


class QuestionsFile(RootModel[dict[Id, QuestionEntry]]):
    """`questions.yaml`."""


class StepsFile(RootModel[dict[Id, StepEntry]]):
    """`steps.yaml`."""


class SlotsFile(RootModel[dict[Id, SlotEntry]]):
    """`slots.yaml`."""


class ScreensFile(RootModel[list[ScreenEntry]]):
    """`screens.yaml`."""


class LexiconFile(RootModel[dict[Short, list[Short]]]):
    """`lexicon.yaml`."""


class RepliesFile(RootModel[dict[Id, Text | list[Text]]]):
    """`replies.yaml`."""


class ContactsFile(RootModel[list[ContactEntry]]):
    """`contacts.yaml`."""


class CannedFile(RootModel[dict[Id, CannedEntry]]):
    """`canned.yaml`."""


class GuideFile(RootModel[dict[Short, GuideEntry]]):
    """`guide.yaml`."""


FILES: dict[str, type[BaseModel]] = {
    "questions.yaml": QuestionsFile,
    "steps.yaml": StepsFile,
    "slots.yaml": SlotsFile,
    "codes.yaml": CodesFile,
    "screens.yaml": ScreensFile,
    "lexicon.yaml": LexiconFile,
    "signals.yaml": SignalsFile,
    "out_of_scope.yaml": OutOfScopeFile,
    "replies.yaml": RepliesFile,
    "contacts.yaml": ContactsFile,
    "desk.yaml": DeskFile,
    "canned.yaml": CannedFile,
    "guide.yaml": GuideFile,
}
"""Files beside `topics/`, all optional: an evaluation folder holds topics only."""
