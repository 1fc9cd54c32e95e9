"""What only the whole engine can see in a knowledge base: phrasings that land elsewhere, topics without test cases, entries that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bot.dialogue.render import REPLIES
from bot.domain.errors import Problem
from bot.understanding.calibrate import probabilities
from bot.understanding.engine import Engine
from bot.understanding.reader import Reader
from bot.wording import say

from . import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.domain.knowledge import KnowledgeBase
    from bot.understanding.learn import Lesson

MISPLACED = 0.97
"""A phrasing that the rest of the knowledge base gives to another topic with at least this probability is reported."""


def problems(kb: KnowledgeBase, lesson: Lesson, folder: Path, cases: Path | None) -> list[Problem]:
    """All warnings, in file order. `folder` holds the knowledge base, `cases` the test cases, None where there are none (an installed program)."""
    engine = Engine(kb, Reader(kb), lesson.model)
    found = [*_misplaced(kb, lesson, folder), *_unsaid(kb), *_unused(kb), *_unreached(kb, engine)]
    if cases is not None:
        found += _untested(kb, cases)
    return sorted(found)


def _warning(file: str, text: str, line: int = 1) -> Problem:
    return Problem(file=file, line=line, text=text, fatal=False)


def _line(path: Path, said: str) -> int:
    """The line of a file that holds these words, 1 when they are written across lines."""
    return next((number for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if said in line), 1)


def _misplaced(kb: KnowledgeBase, lesson: Lesson, folder: Path) -> Iterator[Problem]:
    """Phrasings that, judged by all the others, belong to another topic."""
    names, owners = lesson.model.classes.names, lesson.model.phrasings.owners
    for number, (phrasing, owner) in enumerate(lesson.phrasings):
        shares = probabilities(lesson.judge(number), lesson.model.logit)
        best = int(np.argmax(shares))
        if best != owners[number] and shares[best] >= MISPLACED and owner in kb.topics:
            text = say("check.misplaced", phrasing=phrasing, other=names[best], probability=float(shares[best]))
            file = f"topics/{owner}.yaml"
            yield _warning(file, text, _line(folder / file, phrasing))


def _unsaid(kb: KnowledgeBase) -> Iterator[Problem]:
    """Replies that the program needs."""
    return (_warning("replies.yaml", say("check.no-reply", id=id)) for id in REPLIES if id not in kb.replies)


def _unused(kb: KnowledgeBase) -> Iterator[Problem]:
    """Questions and steps that no topic names."""
    asked = {id for topic in kb.topics.values() for id in topic.questions}
    done = {step for topic in kb.topics.values() for cause in topic.causes.values() for step in cause.fixes}
    asked |= {step.then for step in kb.steps.values() if step.then} | {answer.question for step in kb.steps.values() for answer in step.requires}
    yield from (_warning("questions.yaml", say("check.unused-question", id=id)) for id in kb.questions if id not in asked)
    yield from (_warning("steps.yaml", say("check.unused-step", id=id)) for id in kb.steps if id not in done)


def _unreached(kb: KnowledgeBase, engine: Engine) -> Iterator[Problem]:
    """Steps that no merchant of the simulation comes to: too dear for what they help, or locked."""
    for topic, steps in simulate.unreached(kb, engine.understand).items():
        yield _warning(f"topics/{topic}.yaml", say("check.unreached-steps", steps="、".join(steps)))


def _untested(kb: KnowledgeBase, cases: Path) -> Iterator[Problem]:
    """Topics without test cases."""
    return (_warning(f"topics/{id}.yaml", say("check.no-cases", topic=id)) for id in kb.topics if not (cases / f"{id}.yaml").is_file())
