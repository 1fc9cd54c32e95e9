"""The way of one message: clean → redact → details → findings → topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.knowledge import Answer
from bot.domain.understanding import Finding, Understanding

from .clean import clean, fold, simplify
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


class Engine:
    """Understands messages with one knowledge base."""

    def __init__(self, kb: KnowledgeBase, reader: Reader, model: Model) -> None:
        self._reader, self._matcher = reader, Matcher(model)
        self._others = OtherObjects(kb.other_objects)

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
        return Understanding(
            text=redacted.text,
            secrets=redacted.secrets,
            entities=tuple(details.entities),
            ambiguous=tuple(details.ambiguous),
            findings=tuple(_findings(reading.tags)),
            topics=tuple(self._matcher.match(folded, reading, about_other=other is not None)) if folded else (),
            signals=tuple(dict.fromkeys([*(tag.name for tag in reading.tags if tag.kind == "S"), *(["no"] if _denies(folded) else [])])),
            other_object=other,
            screen=quoted(plain),
        )


def _denies(folded: str) -> bool:
    """Whether a short answer is a no."""
    return 0 < len(folded) <= LONGEST_NO and folded.startswith(NEGATIONS)


def _findings(tags: list[Tag]) -> Iterator[Finding]:
    """One answer per question: the one said last, because people correct themselves."""
    last: dict[str, Finding] = {}
    for tag in sorted((tag for tag in tags if tag.kind == "F"), key=lambda tag: tag.start):
        question, _, option = tag.name.partition("=")
        last[question] = Finding(answer=Answer(question=question, option=option), said=tag.said)
    yield from last.values()
