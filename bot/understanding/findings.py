"""Answers to questions that a message gives without being asked.

What a merchant says last counts, because people correct themselves. Of the money only what is stated counts, and beside any word of a charge nothing that
settles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.knowledge import Answer, Money
from bot.domain.understanding import Finding

from .doubt import is_denied, is_plain, is_stated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.domain.knowledge import Question

    from .features import Tag

SETTLING = {Money.NOT_TAKEN, Money.RECEIVED}


@dataclass(frozen=True, slots=True)
class Findings:
    """What was said, one answer per question, and the questions about money that were touched without an answer."""

    said: tuple[Finding, ...]
    doubted: tuple[str, ...]


def read(tags: Iterable[Tag], plain: str, questions: Mapping[str, Question]) -> Findings:
    """The findings in a message with these tags. `plain` is its text, simplified and in lower case."""
    mentions = [_finding(tag) for tag in sorted(tags, key=lambda tag: tag.start) if tag.kind == "F" and tag.name.partition("=")[0] in questions]
    held: dict[Finding, bool] = {}
    last: dict[str, Finding] = {}
    doubted: dict[str, None] = {}
    for mention in mentions:
        question = questions[mention.answer.question]
        if mention not in held:
            held[mention] = holds(mention.answer.option, mention.said, plain, question)
        if held[mention]:
            last[question.id] = mention
            if not _settles(mention, questions):
                doubted.pop(question.id, None)
        elif question.money:
            doubted[question.id] = None
    charged = [mention for mention in mentions if _money(mention, questions) is Money.CHARGED]
    doubted.update({id: None for id, finding in last.items() if charged and _settles(finding, questions)})
    return Findings(said=tuple(finding for id, finding in last.items() if id not in doubted), doubted=tuple(doubted))


def holds(option: str, said: str, plain: str, question: Question) -> bool:
    """Whether the phrase gives this answer in the text: plainly, where it settles the money; without doubt, where it is about money; else undenied."""
    money = question.money.get(option)
    if money in SETTLING:
        return is_plain(plain, said, of_customer=Money.CHARGED in question.money.values())
    return is_stated(plain, said) if question.money else not is_denied(plain, said)


def _finding(tag: Tag) -> Finding:
    question, _, option = tag.name.partition("=")
    return Finding(answer=Answer(question=question, option=option), said=tag.said)


def _money(finding: Finding, questions: Mapping[str, Question]) -> Money | None:
    return questions[finding.answer.question].money.get(finding.answer.option)


def _settles(finding: Finding, questions: Mapping[str, Question]) -> bool:
    return _money(finding, questions) in SETTLING
