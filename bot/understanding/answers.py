"""What a text gives as the answer to the question that is open. Context beats patterns: 短信 means 只有短信 when that was asked.

From the surest reading to the vaguest: words of an answer in the text, the text as a part of one answer, the same sounds (扣宽了 for 扣款了), similar
letters. The last two are not used where the answer is about money.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from .clean import clean, fold
from .findings import holds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bot.domain.knowledge import Question

SHORTEST_PART, LONGEST_PART = 2, 6
"""Lengths of a text that may be a part of an answer."""
LEAST_SOUNDS = 3
"""Two syllables sound like too many other words."""
SHORTEST_SIMILAR = 4
SIMILAR = 76.0
"""Least `partial_ratio` of what is taken for an answer, and how far it must be ahead of the next one."""
AHEAD = 8.0


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one question as merchants say them: (words, option), folded and without blanks."""

    question: Question
    words: tuple[tuple[str, str], ...]

    @classmethod
    def to(cls, question: Question) -> Answers:
        """All ways of answering `question`, the labels of its buttons included."""
        said = ((fold(clean(words)).replace(" ", ""), option) for option, fragments in question.options.items() for words in (option, *fragments))
        return cls(question=question, words=tuple((words, option) for words, option in said if words))


def given(text: str, plain: str, answers: Answers, sounds: Callable[[str], list[str]]) -> str | None:
    """The option that the text gives, None when it gives none. `text` is folded and without blanks, `plain` the text that doubt is read from."""
    option = _named(text, plain, answers) or _part(text, answers)
    if option or answers.question.money:
        return option
    return _same_sounds(sounds(text), answers, sounds) or _similar(text, answers)


def _named(text: str, plain: str, answers: Answers) -> str | None:
    """The answer whose words stand in the text and hold there; the longest words win."""
    said = [
        (len(words), option)
        for words, option in answers.words
        if (len(words) > 1 or words == text) and words in text and holds(option, words, plain, answers.question)
    ]
    return max(said)[1] if said else None


def _part(text: str, answers: Answers) -> str | None:
    """The only answer that a short text is a part of."""
    return _only(option for words, option in answers.words if SHORTEST_PART <= len(text) <= LONGEST_PART and text in words)


def _same_sounds(heard: list[str], answers: Answers, sounds: Callable[[str], list[str]]) -> str | None:
    """The only answer whose syllables are heard in a row."""
    line = f" {' '.join(heard)} "
    spoken = ((sounds(words), option) for words, option in answers.words)
    return _only(option for syllables, option in spoken if len(syllables) >= LEAST_SOUNDS and f" {' '.join(syllables)} " in line)


def _similar(text: str, answers: Answers) -> str | None:
    """The answer that is written nearly like the text or a part of it, when no other one is."""
    best: dict[str, float] = {}
    for words, option in answers.words:
        if min(len(words), len(text)) >= SHORTEST_SIMILAR:
            best[option] = max(best.get(option, 0.0), fuzz.partial_ratio(words, text))
    ranked = sorted(best.items(), key=lambda pair: -pair[1])
    first, second = (*ranked, ("", 0.0), ("", 0.0))[:2]
    return first[0] if first[1] >= SIMILAR and first[1] - second[1] >= AHEAD else None


def _only(options: Iterable[str]) -> str | None:
    found = set(options)
    return found.pop() if len(found) == 1 else None
