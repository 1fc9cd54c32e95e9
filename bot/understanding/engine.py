"""The way of one message: clean → redact → details → findings → topics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.knowledge import Answer
from bot.domain.understanding import Finding, Understanding

from .clean import clean, fold, simplify
from .doubt import is_stated
from .entities.read import read as read_details
from .match import Matcher
from .objects import OtherObjects
from .redact import redact
from .screen import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.domain.knowledge import KnowledgeBase, Slot

    from .features import Tag
    from .match import Model
    from .reader import Reader


NEGATIONS = ("没", "不", "无", "否", "冇", "唔")
LONGEST_NO = 4
_NOTHING = re.compile("[都还]?(?:没有?|无|冇|[莫没]得|木有)[啊呀呢的了嘛哦]?")
"""A bare 没有: it denies the whole question, where 不一样 denies a word."""


class Engine:
    """Understands messages with one knowledge base."""

    def __init__(self, kb: KnowledgeBase, reader: Reader, model: Model) -> None:
        self._reader, self._matcher = reader, Matcher(model)
        self._others = OtherObjects(kb.other_objects)
        self._about_money = frozenset(question.id for question in kb.questions.values() if question.money)

    def understand(self, text: str, now: datetime, expecting: Slot | None = None) -> Understanding:
        """What one message says. `now` is the merchant's wall-clock time; `expecting` the slot that was just asked for.

        Takes any text: controls, lone surrogates and what exceeds 4,096 characters are dropped. Nothing returned holds card data.
        """
        redacted = redact(clean(text))
        plain = simplify(redacted.text)
        details = read_details(plain, now, expecting)
        folded = fold(redacted.text)
        reading = self._reader.read(folded, (entity.value for entity in details.entities if entity.slot == "resp_code"))
        other = self._others.first(folded)
        findings = tuple(_findings(reading.tags))
        doubted = self._doubted(plain.lower(), findings)
        return Understanding(
            text=redacted.text,
            secrets=redacted.secrets,
            entities=tuple(details.entities),
            ambiguous=tuple(details.ambiguous),
            findings=tuple(finding for finding in findings if finding.answer.question not in doubted),
            doubted=doubted,
            topics=tuple(self._matcher.match(folded, reading, about_other=other is not None)) if folded else (),
            signals=_signals(folded, reading.tags),
            other_object=other,
            screen=quoted(plain),
        )

    def _doubted(self, plain: str, findings: tuple[Finding, ...]) -> tuple[str, ...]:
        """The questions about money whose answers are named, but not stated."""
        about_money = (finding for finding in findings if finding.answer.question in self._about_money)
        return tuple(finding.answer.question for finding in about_money if not is_stated(plain, finding.said))


def _signals(folded: str, tags: list[Tag]) -> tuple[str, ...]:
    """The tones, each once. A short answer that begins with a negation is a no, but 不知道 is not; a bare 没有 is also `nothing`."""
    found = [tag.name for tag in tags if tag.kind == "S"]
    if 0 < len(folded) <= LONGEST_NO and folded.startswith(NEGATIONS) and "not-know" not in found:
        found.append("no")
    if _NOTHING.fullmatch(folded):
        found.append("nothing")
    return tuple(dict.fromkeys(found))


def _findings(tags: list[Tag]) -> Iterator[Finding]:
    """One answer per question: the one said last, because people correct themselves."""
    last: dict[str, Finding] = {}
    for tag in sorted((tag for tag in tags if tag.kind == "F"), key=lambda tag: tag.start):
        question, _, option = tag.name.partition("=")
        last[question] = Finding(answer=Answer(question=question, option=option), said=tag.said)
    yield from last.values()
