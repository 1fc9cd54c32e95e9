"""What a text means as an answer to the open prompt: a tapped label typed out, an answer, not knowing, done, not knowing how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.knowledge import Question
    from bot.domain.messages import Choice
    from bot.domain.understanding import Understanding

LONGEST_NUMBER = 2
LONGEST_COMMAND = 12
"""A wish to start again is a short message; a word of it inside a story is not one."""
SHORTEST_PART, LONGEST_PART = 2, 6
"""Lengths of a text that may be a part of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An understood message beside the prompt that was open: `question` waited for an answer, `tapped` is the choice whose label or number was typed."""

    understanding: Understanding
    question: Question | None
    tapped: str | None

    def signals(self, *names: str) -> bool:
        """Whether one of these tones is in the message."""
        return any(name in self.understanding.signals for name in names)

    @property
    def is_short(self) -> bool:
        """Whether it may be a mere command."""
        return len(self.understanding.text) <= LONGEST_COMMAND

    @property
    def wants_restart(self) -> bool:
        """Whether it is nothing but the wish to begin again."""
        return self.signals("restart") and self.is_short


def hear(understanding: Understanding, question: Question | None, choices: Iterable[Choice]) -> Heard:
    """The message beside the open question and the buttons that are shown."""
    return Heard(understanding=understanding, question=question, tapped=_tapped(understanding.text, tuple(choices)))


def _tapped(text: str, choices: tuple[Choice, ...]) -> str | None:
    """The choice whose label was typed, or whose number; where a detail is asked for, a number is the detail."""
    said = text.strip(" .!\u3001\u3002\uff01")
    for choice in choices:
        if said == choice.label:
            return choice.id
    bare = any(choice.id.startswith("skip:") for choice in choices) and not any(choice.id.startswith("slot:") for choice in choices)
    if not bare and said.isdecimal() and len(said) <= LONGEST_NUMBER and 1 <= int(said) <= len(choices):
        return choices[int(said) - 1].id
    return None


def answer(heard: Heard, question: Question) -> str | None:
    """The option that the message gives to a question, None when it gives none."""
    findings = {finding.answer.question: finding.answer.option for finding in heard.understanding.findings}
    if question.id in findings:
        return findings[question.id]
    if question.id in heard.understanding.doubted:
        return None
    text = heard.understanding.text.replace(" ", "").lower()
    return _named(text, question) or _no(heard, question) or _meant(text, question) or _yes(heard, question)


def _named(text: str, question: Question) -> str | None:
    """The option whose words stand in the text; the longest words win."""
    said = [(len(words), option) for option, fragments in question.options.items() for words in (option, *fragments) if len(words) > 1 and words in text]
    return max(said)[1] if said else None


def _meant(text: str, question: Question) -> str | None:
    """The only option that a short text is a part of: 短信 means 只有短信."""
    if not SHORTEST_PART <= len(text) <= LONGEST_PART:
        return None
    holders = [option for option, fragments in question.options.items() if any(text in words for words in (option, *fragments))]
    return holders[0] if len(holders) == 1 else None


def _no(heard: Heard, question: Question) -> str | None:
    """The negative answer: between two any no will do, among more it must be a bare one, because 不一样 denies something else."""
    return question.negative if heard.signals("nothing") or (heard.signals("no") and len(question.options) == 2) else None


def _yes(heard: Heard, question: Question) -> str | None:
    """The affirmative of two answers, where the other one is negative."""
    if question.negative is None or len(question.options) != 2 or not heard.signals("yes"):
        return None
    return next(option for option in question.options if option != question.negative)
