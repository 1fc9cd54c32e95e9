"""Editors take something away while a merchant is talked to: wherever it stood, he hears something sensible, and what he said is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.conversation import Phase
from bot.domain.effects import Rate, Say, TellStaff
from bot.domain.tickets import Reason

from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.app import Mind
    from bot.domain.knowledge import KnowledgeBase

TROUBLE = "打印出来是白纸 终端号10023345"
RESTART_PART, RESTART_STEP = "刚才那一段有变动", "刚才那一步有变动"


def choosing(stage: Stage) -> None:
    stage.says("终端号10023345")
    stage.says("机器有问题")


def diagnosing(stage: Stage) -> None:
    guiding(stage)
    stage.says("没用")


def guiding(stage: Stage) -> None:
    stage.says(TROUBLE)


def collecting(stage: Stage) -> None:
    guiding(stage)
    stage.says("转人工")


def confirming(stage: Stage) -> None:
    collecting(stage)
    stage.says("新大陆N910")
    stage.taps("跳过")


def back(stage: Stage) -> None:
    guiding(stage)
    stage.waits(5)
    stage.says("在吗")


def rating(stage: Stage) -> None:
    guiding(stage)
    stage.says("还有流量费咋又扣了99")
    stage.taps("好了")


def with_staff(stage: Stage) -> None:
    collecting(stage)
    stage.taps("直接转人工")


def _hours_later(stage: Stage) -> str:
    stage.waits(5)
    return stage.says("在吗")


EVENTS: dict[str, Callable[[Stage], str]] = {
    "text": lambda stage: stage.says("嗯"),
    "report": lambda stage: stage.says("还是不行"),
    "detail": lambda stage: stage.says("商户号898000000000001"),
    "button": lambda stage: stage.taps(stage.choices[0].label) if stage.choices else stage.says("嗯"),
    "last button": lambda stage: stage.taps(stage.choices[-1].label) if stage.choices else stage.says("嗯"),
    "photo": lambda stage: stage.sends("a.jpg"),
    "caption": lambda stage: stage.sends("a.jpg", "你看看"),
    "edit": lambda stage: stage.edits("打印出来的字很淡 终端号10023345"),
    "hours": _hours_later,
}


VANISHED = [
    (choosing, {"topics": {"printer", "debited-unknown", "not-settled", "declined"}}),
    (diagnosing, {"topics": {"printer"}}),
    (diagnosing, {"questions": {"print-look"}}),
    (diagnosing, {"questions": {"print-look", "paper-there", "slip", "recent-change", "power", "terminal-type"}, "steps": {"clean-printer"}}),
    (guiding, {"topics": {"printer"}}),
    (guiding, {"steps": {"reload-paper"}}),
    (guiding, {"steps": {"reload-paper"}, "questions": {"print-look"}}),
    (collecting, {"topics": {"printer"}}),
    (collecting, {"slots": {"pos_model"}}),
    (collecting, {"slots": {"pos_model", "sn", "screen_text", "terminal_no"}}),
    (confirming, {"topics": {"printer"}}),
    (confirming, {"slots": {"pos_model", "terminal_no"}}),
    (back, {"topics": {"printer"}}),
    (back, {"steps": {"reload-paper"}}),
    (rating, {"topics": {"printer"}}),
    (rating, {"topics": {"printer", "fees"}}),
    (with_staff, {"topics": {"printer"}}),
    (with_staff, {"slots": {"pos_model", "terminal_no"}}),
]


def without(kb: KnowledgeBase, gone: dict[str, set[str]]) -> KnowledgeBase:
    tables: dict[str, Any] = {table: {id: entry for id, entry in getattr(kb, table).items() if id not in ids} for table, ids in gone.items()}
    return replace(kb, **tables)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    ("situation", "gone"), VANISHED, ids=lambda value: value.__name__ if callable(value) else "+".join(sorted(set().union(*value.values())))
)
def test_something_sensible_is_said(mind: Mind, situation: Callable[[Stage], None], gone: dict[str, set[str]], event: str) -> None:
    stage = Stage(mind)
    situation(stage)
    before, stage.kb = stage.state, without(mind.kb, gone)
    answer = EVENTS[event](stage)
    last = stage.effects[-1]
    if stage.state.phase is Phase.WITH_STAFF:
        assert stage.opened or answer or isinstance(last, TellStaff)
    else:
        assert isinstance(last, Say)
        assert any(last.reply.bubbles), "silence"
        assert {"human", "send"} & {choice.id for choice in last.reply.choices}
    known = dict(stage.packet.facts if stage.packet else stage.state.slots)
    assert known["terminal_no"] == "10023345"
    assert stage.state.attachments == (*before.attachments, *([("a.jpg", "photo")] if event in {"photo", "caption"} else []))
    assert not {id for ids in gone.values() for id in ids} & {part for id in _prompts(stage) for part in (id, id.partition(":")[2].partition("=")[0])}


def _prompts(stage: Stage) -> set[str]:
    """What is open or offered now."""
    return {stage.state.expecting or "", *(choice.id for choice in stage.choices)}


def test_a_trouble_that_vanished_is_told_anew(mind: Mind) -> None:
    stage = Stage(mind)
    guiding(stage)
    stage.kb = without(mind.kb, {"topics": {"printer"}})
    assert RESTART_PART in stage.says("左上角没信号")
    assert (stage.state.topic, dict(stage.state.slots)["terminal_no"]) == ("connectivity", "10023345")


@pytest.mark.parametrize(("situation", "gone"), [(guiding, {"steps": {"reload-paper"}}), (diagnosing, {"questions": {"print-look"}})])
def test_a_prompt_that_vanished_leads_on(mind: Mind, situation: Callable[[Stage], None], gone: dict[str, set[str]]) -> None:
    stage = Stage(mind)
    situation(stage)
    open_before, stage.kb = stage.state.expecting, without(mind.kb, gone)
    assert RESTART_STEP in stage.taps(stage.choices[0].label)
    assert stage.state.topic == "printer"
    assert stage.state.expecting != open_before


@pytest.mark.parametrize("gone", [{"topics": {"printer"}}, {"steps": {"reload-paper"}}])
@pytest.mark.parametrize("wish", [lambda stage: stage.says("转人工"), lambda stage: stage.taps("转人工")], ids=["said", "tapped"])
def test_the_wish_for_a_human_is_heard(mind: Mind, gone: dict[str, set[str]], wish: Callable[[Stage], str]) -> None:
    stage = Stage(mind)
    guiding(stage)
    stage.kb = without(mind.kb, gone)
    wish(stage)
    assert stage.state.phase in {Phase.COLLECTING, Phase.WITH_STAFF}


@pytest.mark.parametrize("gone", [{"topics": {"printer"}}, {"slots": {"pos_model"}}])
def test_staff_come_although_what_was_asked_for_vanished(mind: Mind, gone: dict[str, set[str]]) -> None:
    stage = Stage(mind)
    collecting(stage)
    stage.kb = without(mind.kb, gone)
    stage.taps("直接转人工")
    assert stage.packet is not None
    assert (stage.packet.reason, stage.packet.summary) == (Reason.WISH, "打印出来是白纸 终端号10023345")


def test_danger_is_heard_although_the_prompt_vanished(mind: Mind) -> None:
    for situation, gone in ((guiding, {"steps": {"reload-paper"}}), (guiding, {"topics": {"printer"}}), (collecting, {"slots": {"pos_model"}})):
        stage = Stage(mind)
        situation(stage)
        stage.kb = without(mind.kb, gone)
        assert "马上停用" in stage.says("卡槽里被人塞了个东西")
        assert [packet.reason for packet in stage.opened] == [Reason.DANGER]


def test_a_rating_counts_and_the_next_trouble_follows_although_the_topic_vanished(mind: Mind) -> None:
    stage = Stage(mind)
    rating(stage)
    stage.kb = without(mind.kb, {"topics": {"printer"}})
    assert "咱们接着看“扣费/费率/押金”" in stage.taps("帮上忙了")
    assert stage.effects[0] == Rate(topic="printer", stars=5)
