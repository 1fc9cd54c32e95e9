"""What is known of the money: only what a merchant states. Every line of `tests/cases/stated.yaml` is a test."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from bot.domain.knowledge import Money

if TYPE_CHECKING:
    from bot.app import Mind

TABLE: dict[str, str] = yaml.load((Path(__file__).parents[2] / "cases" / "stated.yaml").read_text("utf-8"), yaml.BaseLoader)
NOW = datetime(2026, 11, 24, 10)  # noqa: DTZ001  (the merchant's wall clock)
NOTHING = "没有"


@pytest.mark.parametrize(("text", "expected"), TABLE.items())
def test_only_what_is_stated_counts(mind: Mind, text: str, expected: str) -> None:
    heard = mind.engine.understand(text, NOW)
    found = {f"{finding.answer.question}={finding.answer.option}" for finding in heard.findings if mind.kb.questions[finding.answer.question].money}
    settled = {
        finding.answer.question
        for finding in heard.findings
        if mind.kb.questions[finding.answer.question].money.get(finding.answer.option) in {Money.NOT_TAKEN, Money.RECEIVED}
    }
    assert settled == set() if expected == NOTHING else expected in found
