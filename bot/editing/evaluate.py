"""Scores a file of labelled messages: how many are understood, offered, misunderstood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bot.dialogue.clarify import Interpretation, Outcome, decide
from bot.dialogue.render import kinds

from . import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.understanding import Understanding
    from bot.understanding.engine import Engine

NOON = datetime(2026, 1, 5, 12)  # noqa: DTZ001  (the merchant's wall clock; topics do not depend on it)
ASIDES = ("human", "chitchat", "out-of-scope", "unclear")
SHOWN = 8
"""Ranked topics that the report lists for each message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One message, what it should be and what was made of it. `accept` holds the labels that count as right, as the file gives them, else the label alone."""

    text: str
    label: str
    accept: frozenset[str]
    decision: Interpretation
    ranked: tuple[tuple[str, float], ...]
    milliseconds: float

    @property
    def is_topic(self) -> bool:
        """Whether the right label is a topic."""
        return self.label not in ASIDES

    @property
    def right(self) -> bool:
        """Answered with an accepted topic."""
        return self.decision.outcome is Outcome.ANSWER and self.decision.topics[0] in self.accept

    @property
    def wrong(self) -> bool:
        """Answered with another topic."""
        return self.decision.outcome is Outcome.ANSWER and not self.right

    @property
    def offered(self) -> bool:
        """An accepted topic was among the offered ones."""
        return self.decision.outcome is Outcome.OFFER and not self.accept.isdisjoint(self.decision.topics)

    @property
    def handled(self) -> bool:
        """For a message that is no topic: treated as what it is; what is unclear may also be met with an offer."""
        outcome = self.decision.outcome
        return outcome.value in self.accept or (self.label == "unclear" and outcome is Outcome.OFFER)

    @property
    def failed(self) -> bool:
        """Nothing good came of it: neither answered rightly nor offered, or not treated as what it is."""
        return not (self.right or self.offered if self.is_topic else self.handled)


def evaluate(path: Path, kb: KnowledgeBase, engine: Engine) -> list[Result]:
    """What is made of each message of a file. Raises MessageFileError."""
    return results(messages.read(path, {"text": str, "label": str}, {"accept": list}, _bad_accept), kb, engine.understand)


def _bad_accept(entry: dict[str, Any]) -> str | None:
    return None if all(isinstance(label, str) for label in entry.get("accept", ())) else "accept"


def results(entries: Iterable[dict[str, Any]], kb: KnowledgeBase, understand: Callable[[str, datetime], Understanding]) -> list[Result]:
    """One result per labelled message."""
    kind_of = kinds(kb)
    found = []
    for entry in entries:
        start = perf_counter()
        heard = understand(entry["text"], NOON)
        decision = decide(heard.topics, heard.signals, kind_of)
        spent = (perf_counter() - start) * 1000
        topics = [
            (match.topic, round(match.probability, 4)) for match in heard.topics if match.topic not in ASIDES and kind_of[match.topic].value not in ASIDES
        ]
        accept = frozenset(entry.get("accept") or [entry["label"]])
        found.append(Result(text=entry["text"], label=entry["label"], accept=accept, decision=decision, ranked=tuple(topics), milliseconds=spent))
    return found


def report(found: list[Result]) -> dict[str, Any]:
    """The report of `posbot eval`: the figures of all results together, and each result. Shares in [0, 1], None where there is no such message."""
    topics = [result for result in found if result.is_topic]
    times = [result.milliseconds for result in found]
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return {
        "messages": len(found),
        "top1": _share(bool(result.ranked) and result.ranked[0][0] in result.accept for result in topics),
        "right": _share(result.right for result in topics),
        "right_or_offered": _share(result.right or result.offered for result in topics),
        "wrong": _share(result.wrong for result in topics),
        **{label.replace("-", "_"): _share(result.handled for result in found if result.label == label) for label in ASIDES},
        "ms_p50": round(cuts[49], 3),
        "ms_p99": round(cuts[98], 3),
        "results": [
            {"text": result.text, "label": result.label, "outcome": result.decision.outcome.value, "topics": [list(pair) for pair in result.ranked[:SHOWN]]}
            for result in found
        ],
    }


def _share(claims: Iterable[bool]) -> float | None:
    listed = list(claims)
    return round(sum(listed) / len(listed), 4) if listed else None
