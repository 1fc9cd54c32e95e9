"""What one file says about another: references, duplicates, and the rules of content that a machine can see."""

from __future__ import annotations

import re
from itertools import chain, combinations
from typing import TYPE_CHECKING

from bot.wording import say

from . import desk
from .references import References
from .validation import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.domain.errors import Problem

    from .document import Document, Path
    from .folder import Folder
    from .schema import CauseEntry, TopicEntry

PUNCTUATION = re.compile(r"[\W_]+")
PHONE = re.compile(r"(?<![\dA-Za-z.\-])(?:95\d{3}|96110|12315|12363|110|400[- ]?\d{3}[- ]?\d{4}|1[3-9]\d{9}|0\d{2,3}-\d{7,8})(?![\dA-Za-z.元块])")
PHONE_PLACE = re.compile(r"\{phone:([^}]*)\}")
CHARGES_AGAIN = re.compile("(?<![别不勿甭莫再])(?:再刷|重刷|重新刷|重新收|再收一|重收|再扫一|重新扫)")
LONGEST_TITLE = 14
SPOKEN = ("topics/", "questions.yaml", "steps.yaml", "slots.yaml", "replies.yaml", "codes.yaml", "canned.yaml")
"""Files whose texts a merchant may read: a telephone number in them must be in the whitelist."""
VAGUE = ("yes", "no", "not-know")
"""Signals whose words stand in any message: none of them may be an answer to one question."""
HEARD = frozenset({"phrasings", "also", "options"})
"""Fields of those files that hold merchants' words."""


def run(folder: Folder) -> list[Problem]:
    """Every problem across the files that could be read."""
    parts = (_topics, _questions, _steps, _slots, _codes, _screens, _concepts, _phrasings, _phones, _guide, *desk.CHECKS)
    return list(chain.from_iterable(part(folder) for part in parts))


def _topics(folder: Folder) -> Iterator[Problem]:
    for id, topic in folder.topics.items():
        document = folder.topic_document(id)
        refer = References(folder, document)
        yield from refer.to_all("question", topic.questions, ("questions",))
        yield from refer.to_all("slot", topic.collect.must, ("collect", "must"))
        yield from refer.to_all("slot", topic.collect.ask, ("collect", "ask"))
        yield from _telling(refer, topic)
        for cause, entry in topic.causes.items():
            yield from _cause(refer, entry, ("causes", cause))
        yield from _indistinct(topic, document)
        yield from _locked(folder, topic, document)
        if topic.refuse and not topic.causes:
            yield document.problem(("refuse",), say("check.refuse-needs-causes"))
        if topic.kind == "advice" and not topic.answer:
            yield document.problem((), say("check.advice-needs-answer"))
        if len(topic.title) > LONGEST_TITLE:
            yield document.problem(("title",), say("check.long-title", most=LONGEST_TITLE, now=len(topic.title)), fatal=False)


def _telling(refer: References, topic: TopicEntry) -> Iterator[Problem]:
    """The answers that hand over, that mean danger, and that point to another topic."""
    told: dict[Path, list[dict[str, str]]] = {("hand_over_now",): topic.hand_over_now, ("danger",): topic.danger}
    for other, alternatives in topic.elsewhere.items():
        yield from refer.to("topic", other, ("elsewhere", other))
        told["elsewhere", other] = alternatives
    for path, alternatives in told.items():
        for number, answers in enumerate(alternatives):
            yield from refer.to_answers(answers, (*path, number))


def _locked(folder: Folder, topic: TopicEntry, document: Document) -> Iterator[Problem]:
    """Steps that can never be reached: none of the answers that they require can be asked for in this topic."""
    answered = {question for cause in topic.causes.values() for question in cause.answers}
    for cause, entry in topic.causes.items():
        for step in entry.fixes:
            wanted = {question for answers in folder.steps[step].requires for question in answers} if step in folder.steps else set()
            if wanted and not wanted & answered & set(topic.questions):
                yield document.problem(("causes", cause, "fixes", step), say("check.locked-step", step=step, questions="、".join(sorted(wanted))), fatal=False)


def _cause(refer: References, cause: CauseEntry, path: Path) -> Iterator[Problem]:
    yield from refer.to_all("step", cause.fixes, (*path, "fixes"))
    for question, options in cause.answers.items():
        for option in options:
            yield from refer.to_answers({question: option}, (*path, "answers", question, option))


def _indistinct(topic: TopicEntry, document: Document) -> Iterator[Problem]:
    """Causes with the same answers everywhere: no question of the topic can tell them apart."""
    for (_, first), (other, second) in combinations(topic.causes.items(), 2):
        if first.answers == second.answers:
            yield document.problem(("causes", other), say("check.indistinct-causes", one=first.title, other=second.title), fatal=False)


def _questions(folder: Folder) -> Iterator[Problem]:
    vague = {word for signal in VAGUE if signal in folder.signals.signals for word in folder.signals.signals[signal].words}
    for id, question in folder.questions.items():
        owner: dict[str, str] = {}
        for option, fragments in question.options.items():
            for number, fragment in enumerate(fragments):
                other = owner.setdefault(PUNCTUATION.sub("", fragment), option)
                if other != option:
                    text = say("check.shared-fragment", option=option, fragment=fragment, other=other)
                    yield folder.documents["questions.yaml"].problem((id, "options", option, number), text)
                if fragment in vague:
                    text = say("check.vague-fragment", option=option, fragment=fragment)
                    yield folder.documents["questions.yaml"].problem((id, "options", option, number), text)
        refer = References(folder, folder.documents["questions.yaml"])
        named = {"money": question.money, "aid": question.aid, "nothing": [question.nothing] if question.nothing else []}
        for name, options in named.items():
            yield from chain.from_iterable(refer.to_answers({id: option}, (id, name)) for option in options)


def _steps(folder: Folder) -> Iterator[Problem]:
    for id, step in folder.steps.items():
        document = folder.documents["steps.yaml"]
        refer = References(folder, document)
        for number, answers in enumerate(step.requires):
            yield from refer.to_answers(answers, (id, "requires", number))
        if step.then is not None:
            yield from refer.to("question", step.then, (id, "then"))
        elif step.only_look:
            yield document.problem((id, "only_look"), say("check.look-needs-then"))
        texts = (step.title, step.text, step.detail or "", *step.variants.values())
        if not step.requires and any(map(CHARGES_AGAIN.search, texts)):
            yield document.problem((id,), say("check.recharge"))


def _slots(folder: Folder) -> Iterator[Problem]:
    for id, slot in folder.slots.items():
        if slot.kind == "choice" and not slot.options:
            yield folder.documents["slots.yaml"].problem((id,), say("check.slot-needs-options"))


def _codes(folder: Folder) -> Iterator[Problem]:
    for source, table in folder.codes.items():
        document = folder.documents["codes.yaml"]
        refer = References(folder, document)
        yield from refer.to("source", source, ("codes", source))
        for code, entry in table.items():
            yield from refer.to("topic", entry.topic, ("codes", source, code, "topic"))
            yield from refer.to_answers(entry.findings, ("codes", source, code, "findings"))


def _screens(folder: Folder) -> Iterator[Problem]:
    for number, screen in enumerate(folder.screens):
        refer = References(folder, folder.documents["screens.yaml"])
        yield from refer.to("topic", screen.topic, (number, "topic"))
        yield from refer.to_answers(screen.findings, (number, "findings"))


def _concepts(folder: Folder) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for concept, variants in folder.concepts.items():
        for number, variant in enumerate((concept, *variants)):
            other = owner.setdefault(variant, concept)
            if other != concept:
                path: Path = (concept, number - 1) if number else (concept,)
                yield folder.documents["lexicon.yaml"].problem(path, say("check.shared-variant", variant=variant, other=other))


def _phrasings(folder: Folder) -> Iterator[Problem]:
    """The same sentence twice: in two topics it teaches the matcher nothing but doubt."""
    owner: dict[str, str] = {}
    for id, topic in folder.topics.items():
        document, own = folder.topic_document(id), set[str]()
        for number, phrasing in enumerate(topic.phrasings):
            bare, path = PUNCTUATION.sub("", phrasing).lower(), ("phrasings", number)
            other = owner.setdefault(bare, id)
            if not bare:
                yield document.problem(path, say("check.empty-phrasing", phrasing=phrasing), fatal=False)
            elif other != id:
                yield document.problem(path, say("check.duplicate-phrasing", phrasing=phrasing, other=f"topics/{other}.yaml"), fatal=False)
            elif bare in own:
                yield document.problem(path, say("check.repeated-phrasing", phrasing=phrasing), fatal=False)
            own.add(bare)


def _phones(folder: Folder) -> Iterator[Problem]:
    known = {contact.number for contact in folder.contacts}
    for name, document in folder.documents.items():
        if not name.startswith(SPOKEN):
            continue
        for path, text in _texts(document.tree):
            for number in PHONE_PLACE.findall(text):
                if number not in known:
                    yield document.problem(path, say("check.unknown-contact", number=number))
            for number in PHONE.findall(PHONE_PLACE.sub("", text)):
                if number not in known:
                    yield document.problem(path, say("check.phone", number=number))


def _texts(tree: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text that the bot may say, with its path; merchants' own words are left out. `document` bounds the depth."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, list):
        for number, part in enumerate(tree):
            yield from _texts(part, (*path, number))
    elif isinstance(tree, dict):
        for key, part in tree.items():
            if key not in HEARD:
                yield from _texts(part, (*path, key))


def _guide(folder: Folder) -> Iterator[Problem]:
    places = set(_places(folder))
    for id, point in folder.guide.items():
        for number, home in enumerate(point.homes):
            if home not in places:
                text = say("check.unknown-home", id=home, suggestion=suggestion(home, places))
                yield folder.documents["guide.yaml"].problem((id, "homes", number), text)


def _places(folder: Folder) -> Iterator[str]:
    """Everything that `guide.yaml` may name."""
    for id, topic in folder.topics.items():
        yield id
        yield from (f"{id}/{cause}" for cause in topic.causes)
        yield from (f"case:{id}/{case.title}" for case in topic.cases)
        if topic.prevent:
            yield f"prevent:{id}"
    named: tuple[tuple[str, Iterable[str]], ...] = (
        ("step", folder.steps),
        ("question", folder.questions),
        ("slot", folder.slots),
        ("reply", folder.replies),
        ("contact", (contact.number for contact in folder.contacts)),
    )
    yield from (f"{kind}:{id}" for kind, ids in named for id in ids)
