"""Validated entries → domain values; words become numbers here. Assumes that `checks` found nothing fatal."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.domain.knowledge import (
    EVERYBODY,
    TARGETS,
    Answer,
    Canned,
    Case,
    Cause,
    Code,
    Contact,
    Group,
    GuidePoint,
    Kind,
    KnowledgeBase,
    Question,
    Screen,
    Slot,
    Step,
    Target,
    Topic,
    Urgency,
)

from .scales import BASE_RATE, EFFORT, FREQUENCY, MASK, MONEY, NEGATIONS, ORIGIN, RETRY, TERMINAL_TYPE, YES, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from .folder import Folder
    from .schema import CaseEntry, CauseEntry, CodeEntry, DeskFile, GroupEntry, QuestionEntry, SlotEntry, StepEntry, TargetEntry, TopicEntry

    Key = TypeVar("Key")
    Before = TypeVar("Before")
    After = TypeVar("After")


def build(folder: Folder, version: str) -> KnowledgeBase:
    """The linked knowledge base; `version` is the digest of the files."""
    return KnowledgeBase(
        version=version,
        topics=_frozen({id: _topic(id, entry) for id, entry in folder.topics.items()}),
        questions=_frozen({id: _question(id, entry) for id, entry in folder.questions.items()}),
        steps=_frozen({id: _step(id, entry) for id, entry in folder.steps.items()}),
        slots=_frozen({id: _slot(id, entry) for id, entry in folder.slots.items()}),
        code_sources=_frozen(folder.code_sources),
        codes=_frozen({source: _frozen({code: _code(source, code, entry) for code, entry in table.items()}) for source, table in folder.codes.items()}),
        screens=tuple(Screen(texts=(screen.text, *screen.also), topic=screen.topic, findings=_answers([screen.findings])) for screen in folder.screens),
        concepts=_each(folder.concepts, tuple),
        signals=_each(folder.signals.signals, lambda signal: tuple(signal.words)),
        cues=_each(folder.signals.cues, lambda cue: tuple(cue.words)),
        out_of_scope=tuple(folder.out_of_scope.sentences),
        other_objects=tuple(folder.out_of_scope.objects),
        replies=_each(folder.replies, _texts),
        contacts=tuple(Contact(number=c.number, name=c.name, purpose=c.purpose, note=c.note or "") for c in folder.contacts),
        guide=tuple(GuidePoint(id=id, text=point.text, homes=tuple(point.homes)) for id, point in folder.guide.items()),
        groups=_groups(folder.desk),
        default_group=folder.desk.default if folder.desk else EVERYBODY.id,
        targets=_targets(folder.desk),
        canned=tuple(Canned(id=id, title=c.title, text=c.text, topics=tuple(c.topics), image=c.image) for id, c in folder.canned.items()),
        images=_frozen({c.image: folder.images[c.image] for c in folder.canned.values() if c.image}),
    )


def _frozen(mapping: Mapping[Key, Before]) -> Mapping[Key, Before]:
    return MappingProxyType(dict(mapping))


def _each(mapping: Mapping[Key, Before], convert: Callable[[Before], After]) -> Mapping[Key, After]:
    return MappingProxyType({key: convert(value) for key, value in mapping.items()})


def _texts(text: str | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _answers(alternatives: Iterable[Mapping[str, str]]) -> tuple[Answer, ...]:
    return tuple(Answer(question=question, option=option) for answers in alternatives for question, option in answers.items())


def _topic(id: str, entry: TopicEntry) -> Topic:
    return Topic(
        id=id,
        title=entry.title,
        kind=Kind(entry.kind),
        urgency=Urgency(entry.urgency),
        weight=BASE_RATE[entry.seen],
        summary=entry.summary or "",
        first_aid=entry.first_aid or "",
        answer=_texts(entry.answer),
        phrasings=tuple(entry.phrasings),
        questions=tuple(entry.questions),
        causes=_frozen({cause: _cause(cause, content) for cause, content in entry.causes.items()}),
        must_collect=tuple(entry.collect.must),
        ask_for=tuple(entry.collect.ask),
        hand_over_now=_answers(entry.hand_over_now),
        danger=_answers(entry.danger),
        elsewhere=_each(entry.elsewhere, _answers),
        refuses=entry.refuse is not None,
        cases=tuple(map(_case, entry.cases)),
        prevent=tuple(entry.prevent),
    )


def _case(entry: CaseEntry) -> Case:
    return Case(title=entry.title, story=entry.story, lesson=entry.lesson, from_guide=ORIGIN[entry.origin])


def _cause(id: str, entry: CauseEntry) -> Cause:
    return Cause(
        id=id,
        title=entry.title,
        weight=BASE_RATE[entry.seen],
        why=entry.why,
        answers=_each(entry.answers, _likelihoods),
        fixes=_likelihoods(entry.fixes),
        staff=entry.staff,
    )


def _likelihoods(words: Mapping[str, str]) -> Mapping[str, float]:
    return _each(words, FREQUENCY.__getitem__)


def _question(id: str, entry: QuestionEntry) -> Question:
    return Question(
        id=id,
        text=entry.text,
        look=entry.look or "",
        effort=EFFORT[entry.effort],
        options=_each(entry.options, tuple),
        money=_each(entry.money, MONEY.__getitem__),
        negative=entry.nothing or _negative(tuple(entry.options)),
        aid=_frozen(entry.aid),
    )


def _negative(options: tuple[str, ...]) -> str | None:
    """The only answer that means no, None where that is not plain."""
    found = [option for option in options if option.startswith(NEGATIONS)]
    return found[0] if len(found) == 1 else None


def _step(id: str, entry: StepEntry) -> Step:
    return Step(
        id=id,
        title=entry.title,
        text=entry.text,
        variants=_frozen({TERMINAL_TYPE[terminal]: text for terminal, text in entry.variants.items()}),
        detail=entry.detail or "",
        effort=EFFORT[entry.effort],
        requires=_answers(entry.requires),
        look=entry.look or "",
        then=entry.then,
        only_looks=entry.only_look is not None,
    )


def _slot(id: str, entry: SlotEntry) -> Slot:
    mask = MASK[entry.mask]
    return Slot(id=id, label=entry.label, prompt=entry.prompt, kind=entry.kind, where=entry.where or "", mask=mask, options=tuple(entry.options))


def _code(source: str, code: str, entry: CodeEntry) -> Code:
    return Code(
        source=source,
        code=code,
        means=entry.means,
        whose=entry.whose,
        retry=RETRY[entry.retry],
        say=entry.say,
        topic=entry.topic,
        findings=_answers([entry.findings]),
    )


def _groups(desk: DeskFile | None) -> Mapping[str, Group]:
    return _frozen({id: _group(id, entry) for id, entry in desk.groups.items()} if desk else {EVERYBODY.id: EVERYBODY})


def _group(id: str, entry: GroupEntry) -> Group:
    return Group(id=id, title=entry.title, purpose=entry.purpose, topics=tuple(entry.topics))


def _targets(desk: DeskFile | None) -> Mapping[Urgency, Target]:
    return _frozen({urgency: target(getattr(desk.targets, urgency)) for urgency in Urgency} if desk else TARGETS)


def target(entry: TargetEntry) -> Target:
    """An entry with numbers in place of words."""
    always = YES[entry.round_the_clock]
    return Target(respond=duration(entry.respond, round_the_clock=always), solve=duration(entry.solve, round_the_clock=always), round_the_clock=always)
