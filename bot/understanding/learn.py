"""From a knowledge base to a `Model`: what the matcher learns when knowledge is loaded. Deterministic; 4,000 phrasings in about a second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bot.domain.knowledge import Kind

from . import calibrate, ridge
from .clean import clean, fold, simplify
from .entities import codes
from .entities.scan import Scan
from .index import Examples, Postings
from .match import COLUMNS, Classes, Model, Phrasings, scores
from .objects import OtherObjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.domain.knowledge import KnowledgeBase

    from .arrays import Floats
    from .reader import Reader

PENALTY = 1.0
PROBES = 12
ITERATIONS = 24
JUDGED = 1000
"""Phrasings on which probabilities are calibrated, spread evenly: more of them take time and change nothing."""
USUAL = (6.5, 1.5, 6.0, 1.0) + (0.0,) * (COLUMNS - 4)
"""Weights of the scores (see `match`) that the shipped knowledge base comes to; a base of a few phrasings cannot find its own."""
MANY = 5_000
"""From this many phrasings on, features that occur only once are dropped: they are two thirds of all, and one phrasing more or less decides little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A model, and what is needed to judge each of its phrasings by the others: (text, class) pairs, their rows and leave-one-out linear scores."""

    model: Model
    phrasings: tuple[tuple[str, str], ...]
    examples: Examples
    left_out: Floats
    others: OtherObjects

    def judge(self, number: int) -> Floats:
        """The scores (see `match.scores`) of a phrasing as if it were not in the knowledge base."""
        text = self.model.phrasings.texts[number]
        row, left = self.examples.without(number)
        return scores(self.model, text, row, self.left_out[number] / left, about_other=self.others.first(text) is not None, without=number)


def learn(kb: KnowledgeBase, reader: Reader) -> Lesson:
    """Everything that a knowledge base teaches."""
    classes, phrasings = _classes(kb), tuple(_phrasings(kb))
    texts: list[str] = []
    examples = Examples.of(_features(reader, phrasings, texts), least=2 if len(phrasings) >= MANY else 1)
    numbers = {name: number for number, name in enumerate(classes.names)}
    owners = np.array([numbers[owner] for _, owner in phrasings], np.int32)
    targets = np.zeros((len(phrasings), len(classes.names)), np.float32)
    targets[np.arange(len(phrasings)), owners] = 1
    linear, left_out = ridge.fit(examples.matrix, targets, penalty=PENALTY, probes=PROBES, iterations=ITERATIONS)
    model = Model(
        classes=classes,
        phrasings=Phrasings(texts=tuple(texts), owners=owners),
        vocabulary=examples.vocabulary,
        linear=linear,
        postings=Postings.of(examples.matrix),
        logit=np.zeros(COLUMNS, np.float32),
    )
    lesson = Lesson(model=model, phrasings=phrasings, examples=examples, left_out=left_out, others=OtherObjects(kb.other_objects))
    return replace(lesson, model=replace(model, logit=_calibrated(lesson)))


def _calibrated(lesson: Lesson) -> Floats:
    """The calibrator's weights, from leave-one-out scores of phrasings spread evenly over the knowledge base."""
    owners = lesson.model.phrasings.owners
    chosen = np.unique(np.linspace(0, len(owners) - 1, min(JUDGED, len(owners))).astype(np.int32))
    judged = np.empty((len(chosen), len(lesson.model.classes.names), COLUMNS), np.float32)
    for place, number in enumerate(chosen.tolist()):
        judged[place] = lesson.judge(number)
    return calibrate.fit(judged, owners[chosen], np.array(USUAL, np.float32))


def _features(reader: Reader, phrasings: Iterable[tuple[str, str]], texts: list[str]) -> Iterator[list[str]]:
    """The features of each phrasing, read as the engine would read it as a message; the folded texts are added to `texts`."""
    for phrasing, _ in phrasings:
        cleaned = clean(phrasing)
        scan = Scan(simplify(cleaned))
        codes.read(scan)
        texts.append(fold(cleaned))
        yield reader.read(texts[-1], (entity.value for entity in scan.entities)).features()


def _classes(kb: KnowledgeBase) -> Classes:
    """The topics, and what is none of our business if there are sentences of that kind."""
    names, kinds = list(kb.topics), [topic.kind for topic in kb.topics.values()]
    if kb.out_of_scope:
        names.append(Kind.OUT_OF_SCOPE)
        kinds.append(Kind.OUT_OF_SCOPE)
    return Classes(names=tuple(names), kinds=tuple(kinds))


def _phrasings(kb: KnowledgeBase) -> Iterator[tuple[str, str]]:
    """Every phrasing with its class."""
    for topic in kb.topics.values():
        yield from ((phrasing, topic.id) for phrasing in topic.phrasings)
    yield from ((sentence, Kind.OUT_OF_SCOPE.value) for sentence in kb.out_of_scope)
