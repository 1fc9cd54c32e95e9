"""Every line of `tests/cases/details.yaml` is a test."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import yaml

from bot.domain.knowledge import Slot
from bot.understanding.clean import clean, simplify
from bot.understanding.entities.read import read
from bot.understanding.redact import redact

TABLE = Path(__file__).parents[2] / "cases" / "details.yaml"
MONDAY = "2026-11-23T10:00"
NOTHING = "没有"
KIND_SLOT = {"moment": "txn_time"}
SLOT_KIND = {"txn_time": "moment"}


def _lines() -> list[tuple[str, str, str]]:
    sections: dict[str, dict[str, str]] = yaml.load(TABLE.read_text("utf-8"), yaml.BaseLoader)
    return [(section, text, value) for section, lines in sections.items() for text, value in lines.items()]


def test_the_table_is_large_enough() -> None:
    assert len(_lines()) >= 300


@pytest.mark.parametrize(("section", "text", "expected"), _lines())
def test_detail(section: str, text: str, expected: str) -> None:
    kind, _, clock = section.partition(" at ")
    asked = kind.removeprefix("answer to ")
    slot = KIND_SLOT.get(asked, asked)
    expecting = None
    if asked != kind:
        expecting = Slot(id=slot, label="", prompt="", kind=SLOT_KIND.get(slot, slot), where="", mask="", options=())
    scan = read(simplify(redact(clean(text)).text), datetime.fromisoformat(clock or MONDAY), expecting)
    found = {entity.slot: entity.value for entity in scan.entities}
    assert found.get(slot, NOTHING) == expected
