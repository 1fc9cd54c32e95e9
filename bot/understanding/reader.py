"""Reads folded text with the words of one knowledge base: its concepts, answers, signals, screen texts and response codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.knowledge import Answer

from .clean import clean, fold
from .features import Featurizer, Reading, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.domain.knowledge import KnowledgeBase

CONCEPT, ANSWER, SIGNAL, POINTER, CUE = "LFSKC"
"""Kinds of tags. A pointer is a screen text or a response code, and its name is the topic that it points at; a cue says nothing of the topic."""
LEAST_SCREEN = 4
"""Shorter screen texts (请稍候) stand in too many messages to be told from ordinary words."""


class Reader:
    """Text → parts and tags."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self._kb = kb
        self._featurizer = Featurizer({kind: list(phrases) for kind, phrases in _phrases(kb)})

    def sounds(self, folded: str) -> list[str]:
        """The syllables of folded text, folded as sloppy typing folds them."""
        return self._featurizer.sounds(folded)

    def read(self, folded: str, codes: Iterable[str] = ()) -> Reading:
        """The parts of folded text, in which `codes` are response codes."""
        reading = self._featurizer.read(folded)
        for code in codes:
            if meaning := self._kb.code(code):
                said = code.lower()
                start = max(0, "".join(reading.units).find(said))
                reading.tags.append(Tag(POINTER, start, said, meaning.topic))
                reading.tags.extend(Tag(ANSWER, start, said, f"{answer.question}={answer.option}") for answer in meaning.findings)
        return reading


def _phrases(kb: KnowledgeBase) -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
    """For each kind of tag its phrases, folded, and the name that each stands for."""
    yield CONCEPT, ((fold(clean(said)), concept) for concept, variants in kb.concepts.items() for said in (concept, *variants))
    yield ANSWER, ((fold(clean(said)), f"{answer.question}={answer.option}") for answer, said in _answers(kb))
    yield SIGNAL, ((fold(clean(said)), signal) for signal, words in kb.signals.items() for said in words)
    yield CUE, ((fold(clean(said)), cue) for cue, words in kb.cues.items() for said in words)
    yield POINTER, ((folded, screen.topic) for screen in kb.screens for said in screen.texts if len(folded := fold(clean(said))) >= LEAST_SCREEN)


def _answers(kb: KnowledgeBase) -> Iterator[tuple[Answer, str]]:
    """Every answer with the fragments and the screen texts that give it unasked."""
    for question in kb.questions.values():
        for option, fragments in question.options.items():
            yield from ((Answer(question=question.id, option=option), said) for said in fragments)
    for screen in kb.screens:
        yield from ((answer, said) for answer in screen.findings for said in screen.texts)
