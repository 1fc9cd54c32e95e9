"""What a text means beside the open prompt: a tapped label typed out, an answer, done, not done, not knowing how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.knowledge import Question
    from bot.domain.messages import Choice
    from bot.domain.understanding import Understanding

LONGEST_NUMBER = 1
"""Digits of a number that may be a button's: two of them are rather a response code."""
SHORTEST_LABEL = 2
LONGEST_COMMAND = 12
"""A wish to start again is a short message; a word of it inside a story is not one."""
LONGEST_REPORT = 16
"""What came of a step is said in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An understood message beside the prompt that was open: `question` waited for an answer, `tapped` is the choice whose label or number was typed."""

    understanding: Understanding
    question: Question | None
    tapped: str | None

    def signals(self, *names: str) -> bool:
        """Whether one of these tones or cues is in the message."""
        return any(name in self.understanding.signals for name in names)

    @property
    def is_short(self) -> bool:
        """Whether it may be a mere command."""
        return len(self.understanding.text) <= LONGEST_COMMAND

    @property
    def wants_restart(self) -> bool:
        """Whether it is nothing but the wish to begin again."""
        return self.signals("restart") and self.is_short

    @property
    def works(self) -> bool:
        """Whether it says that the trouble is over."""
        over = self.signals("solved") or (self._is_report and self.signals("works"))
        return over and not self.understanding.asks and not self.signals("fails", "still-broken", "new-attempt", "money-open")

    @property
    def fails(self) -> bool:
        """Whether it says that what was done did not help."""
        return self.signals("still-broken") or (self._is_report and self.signals("fails"))

    @property
    def unable(self) -> bool:
        """Whether it says that the merchant does not know how."""
        return self._is_report and self.signals("cannot")

    @property
    def answer(self) -> str | None:
        """The option that it gives to the open question, None when it gives none."""
        if self.question is None:
            return None
        found = {finding.answer.question: finding.answer.option for finding in self.understanding.findings}
        if self.question.id in found:
            return found[self.question.id]
        if self.question.id in self.understanding.doubted:
            return None
        return self._no(self.question) or self.understanding.answer or self._yes(self.question)

    @property
    def _is_report(self) -> bool:
        return len(self.understanding.text) <= LONGEST_REPORT

    def _no(self, question: Question) -> str | None:
        """The negative answer: between two any no will do, among more it must be a bare one, because 不一样 denies something else."""
        return question.negative if self.signals("nothing") or (self.signals("no") and len(question.options) == 2) else None

    def _yes(self, question: Question) -> str | None:
        """The affirmative of two answers, where the other one is negative."""
        if question.negative is None or len(question.options) != 2 or not self.signals("yes"):
            return None
        return next(option for option in question.options if option != question.negative)


def hear(understanding: Understanding, question: Question | None, choices: Iterable[Choice]) -> Heard:
    """The message beside the open question and the buttons that are shown."""
    return Heard(understanding=understanding, question=question, tapped=_tapped(understanding.text, tuple(choices)))


def _tapped(text: str, choices: tuple[Choice, ...]) -> str | None:
    """The choice whose label, its beginning or its number was typed; where a detail is asked for, a number is the detail."""
    said = text.strip(" .!\u3001\u3002\uff01")
    whole = [choice.id for choice in choices if choice.label == said]
    begun = [choice.id for choice in choices if len(said) >= SHORTEST_LABEL and choice.label.startswith(said)]
    if whole or len(begun) == 1:
        return (whole or begun)[0]
    bare = any(choice.id.startswith("skip:") for choice in choices) and not any(choice.id.startswith("slot:") for choice in choices)
    if not bare and said.isdecimal() and len(said) <= LONGEST_NUMBER and 1 <= int(said) <= len(choices):
        return choices[int(said) - 1].id
    return None
