"""The way of one message: clean → redact → details → findings → topics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.knowledge import Question, Slot
from bot.domain.understanding import Understanding

from . import findings
from .answers import Answers, given
from .clean import MAX_MATCH, clean, fold, simplify
from .doubt import asks, is_denied, is_reserved, leaves_money_open
from .entities.read import read as read_details
from .match import Matcher
from .objects import OtherObjects
from .reader import CUE, SIGNAL
from .redact import redact
from .screen import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.understanding import TopicMatch

    from .features import Reading, Tag
    from .match import Model
    from .reader import Reader

NEGATIONS = ("没", "不", "无", "否", "冇", "唔")
LONGEST_NO = 4
JOINT, SHORTEST_HALF = "second-problem", 6
GOOD_NEWS = {"works", "solved"}
_NOTHING = re.compile("[都还]?(?:没有?|无|冇|[莫没]得|木有)[啊呀呢的了嘛哦]?")
"""A bare 没有: it denies the whole question, where 不一样 denies a word."""


class Engine:
    """Understands messages with one knowledge base."""

    def __init__(self, kb: KnowledgeBase, reader: Reader, model: Model) -> None:
        self._kb, self._reader, self._matcher = kb, reader, Matcher(model)
        self._others = OtherObjects(kb.other_objects)
        self._answers: dict[str, Answers] = {}

    def understand(self, text: str, now: datetime, expecting: Slot | Question | None = None, *, explain: bool = False) -> Understanding:
        """What one message says. `now` is the merchant's wall-clock time; `expecting` the detail or the question that was just asked for; `explain` adds
        the words that decided, which nobody needs until somebody asks why.

        Takes any text: controls, lone surrogates and what exceeds 4,096 characters are dropped. Nothing returned holds card data.
        """
        redacted = redact(clean(text))
        plain = simplify(redacted.text)
        details = read_details(plain, now, expecting if isinstance(expecting, Slot) else None)
        folded = fold(redacted.text)
        reading = self._reader.read(folded, (entity.value for entity in details.entities if entity.slot == "resp_code"))
        other = self._others.first(folded)
        told = plain[: 2 * MAX_MATCH].lower()
        found = findings.read(reading.tags, told, self._kb.questions)
        return Understanding(
            text=redacted.text,
            secrets=redacted.secrets,
            entities=tuple(details.entities),
            ambiguous=tuple(details.ambiguous),
            findings=found.said,
            doubted=found.doubted,
            answer=self._answer(folded, told, expecting) if isinstance(expecting, Question) else None,
            halves=self._halves(reading, folded),
            topics=tuple(self._matcher.match(folded, reading, about_other=other is not None, explain=explain)) if folded else (),
            signals=_signals(folded, told, reading.tags),
            asks=asks(told),
            other_object=other,
            screen=quoted(plain),
        )

    def _halves(self, reading: Reading, folded: str) -> tuple[tuple[TopicMatch, ...], ...]:
        """What each half is about where 还有 or its like joins two matters; nothing otherwise."""
        dense = folded.replace(" ", "")
        joints = [tag.start for tag in reading.tags if tag.kind == CUE and tag.name == JOINT and SHORTEST_HALF <= tag.start <= len(dense) - SHORTEST_HALF]
        return tuple(tuple(self._matcher.match(half, self._reader.read(half))) for start in joints[:1] for half in (dense[:start], dense[start:]))

    def _answer(self, folded: str, told: str, question: Question) -> str | None:
        """The option of the open question that the message gives."""
        if question.id not in self._answers:
            self._answers[question.id] = Answers.to(question)
        return given(folded.replace(" ", ""), told, self._answers[question.id], self._reader.sounds)


def _signals(folded: str, told: str, tags: Iterable[Tag]) -> tuple[str, ...]:
    """The tones, and the cues that are not denied, each once. A short answer that begins with a negation is a no, but 不知道 is not; a bare 没有 is
    also `nothing`."""
    found = [tag.name for tag in tags if tag.kind == SIGNAL or (tag.kind == CUE and not is_denied(told, tag.said))]
    if is_reserved(told):
        found = [name for name in found if name not in GOOD_NEWS]
    if leaves_money_open(told):
        found.append("money-open")
    if 0 < len(folded) <= LONGEST_NO and folded.startswith(NEGATIONS) and "not-know" not in found:
        found.append("no")
    if _NOTHING.fullmatch(folded):
        found.append("nothing")
    return tuple(dict.fromkeys(found))
