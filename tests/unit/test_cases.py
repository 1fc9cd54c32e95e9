"""Every line of `tests/cases/<topic>.yaml` is a test: the bot goes into this topic or offers it, or treats the message as what it is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from bot.dialogue.clarify import Outcome

if TYPE_CHECKING:
    from bot.app import Mind

CASES = Path(__file__).parents[1] / "cases"
LEAST = 8
NOW = datetime(2026, 11, 23, 10)  # noqa: DTZ001  (the merchant's wall clock)
OTHER_TABLES = {"details", "must_hand_over", "stated"}


def _files() -> dict[str, dict[str, list[str]]]:
    return {path.stem: yaml.load(path.read_text("utf-8"), yaml.BaseLoader) for path in sorted(CASES.glob("*.yaml")) if path.stem not in OTHER_TABLES}


def _cases() -> list[object]:
    """(topic, text) of each case; a known failure must fail until somebody mends it."""
    cases: list[object] = []
    for topic, content in _files().items():
        cases += [pytest.param(topic, text) for text in content["cases"]]
        cases += [pytest.param(topic, text, marks=pytest.mark.xfail) for text in content.get("known_failures", [])]
    return cases


@pytest.mark.parametrize(("topic", "text"), _cases())
def test_case(mind: Mind, topic: str, text: str) -> None:
    decision = mind.answer(text, NOW).decision
    assert topic in decision.topics or topic == decision.outcome or (topic == "unclear" and decision.outcome is Outcome.OFFER), decision


def test_every_topic_has_cases(mind: Mind) -> None:
    files = _files()
    assert {topic for topic in mind.kb.topics if len(files.get(topic, {}).get("cases", [])) < LEAST} == set()


def test_cases_are_not_phrasings(mind: Mind) -> None:
    phrasings = {phrasing for topic in mind.kb.topics.values() for phrasing in topic.phrasings} | set(mind.kb.out_of_scope)
    cases = {text for content in _files().values() for texts in content.values() for text in texts}
    assert cases & phrasings == set()
