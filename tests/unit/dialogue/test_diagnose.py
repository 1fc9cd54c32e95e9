"""The diagnosis in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.dialogue.diagnose import EXPECTED_COST, Ask, Do, Evidence, Knobs, cheapest, contradicting, model, posterior
from bot.editing import simulate

if TYPE_CHECKING:
    from bot.app import Mind


def test_every_posterior_is_a_distribution(mind: Mind) -> None:
    for topic in mind.kb.topics.values():
        if topic.causes:
            numbers = model(mind.kb, topic.id)
            assert sum(posterior(numbers, Evidence())) == pytest.approx(1)
            for rows in numbers.rows.values():
                assert [sum(shares) for shares in zip(*rows.values(), strict=True)] == pytest.approx([1] * len(numbers.causes))


def test_an_answer_and_a_failed_step_are_evidence(mind: Mind) -> None:
    numbers = model(mind.kb, "debited-unknown")
    succeeded = numbers.causes.index("sale-succeeded")
    before = posterior(numbers, Evidence())[succeeded]
    assert posterior(numbers, Evidence(findings={"pos-record": "成功"}))[succeeded] > max(before, 0.8)
    assert posterior(numbers, Evidence(done=frozenset({"reprint-last"})))[succeeded] < before


def test_one_wrong_answer_kills_no_cause(mind: Mind) -> None:
    numbers = model(mind.kb, "debited-unknown")
    assert min(posterior(numbers, Evidence(findings={"pos-record": "成功"}))) > 0


def test_a_step_waits_for_what_it_requires(mind: Mind) -> None:
    numbers = model(mind.kb, "declined")
    free = Evidence(findings={"code-class": "钱或额度不够"}, weary=True)
    action = cheapest(numbers, free, Knobs())
    assert not isinstance(action, Do) or not numbers.requires[action.step]
    allowed = Evidence(findings={"code-class": "钱或额度不够", "charged": "没扣"}, weary=True, may_charge=True)
    action = cheapest(numbers, allowed, Knobs())
    assert isinstance(action, Do)
    assert numbers.requires[action.step]


def test_what_unlocks_the_best_step_is_asked(mind: Mind) -> None:
    assert cheapest(model(mind.kb, "declined"), Evidence(findings={"code-class": "钱或额度不够"}), Knobs()) == Ask("charged")


def test_contradictions_are_found(mind: Mind) -> None:
    numbers = model(mind.kb, "debited-unknown")
    assert contradicting(numbers, Evidence(findings={"pos-record": "成功", "slip": "没出"})) is None
    assert contradicting(numbers, Evidence(findings={"pos-record": "成功", "backend-record": "失败", "verdict": "成功"})) == "backend-record"


def test_simulation_is_the_same_for_the_same_seed(mind: Mind) -> None:
    first, again = (simulate.run(mind.kb, mind.engine.understand, 40, 3, {"expected-cost": EXPECTED_COST})["strategies"]["expected-cost"] for _ in range(2))
    timeless = [{name: value for name, value in figures.items() if not name.startswith("step_ms")} for figures in (first, again)]
    assert timeless[0] == timeless[1]
