"""What must go to staff, said in the middle of something else: it is heard wherever the conversation stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from bot.domain.conversation import Phase
from bot.domain.effects import TellStaff
from bot.domain.knowledge import Urgency

from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.app import Mind

TABLE: dict[str, list[str]] = yaml.load((Path(__file__).parents[2] / "cases" / "must_hand_over.yaml").read_text("utf-8"), yaml.BaseLoader)
TEXTS = [(Urgency(urgency), text) for urgency, texts in TABLE.items() for text in texts]


def choosing(stage: Stage) -> None:
    stage.says("机器有问题")


def asked(stage: Stage) -> None:
    stage.says("想补打一张小票")


def guided(stage: Stage) -> None:
    stage.says("打印出来是白纸")


def collecting(stage: Stage) -> None:
    guided(stage)
    stage.says("转人工")


def confirming(stage: Stage) -> None:
    collecting(stage)
    stage.says("终端号10023345 SN N7NL01234567")
    stage.taps("跳过")
    stage.taps("跳过")


def telling(stage: Stage) -> None:
    stage.says("转人工")


def hours_later(stage: Stage) -> None:
    guided(stage)
    stage.waits(5)


def back(stage: Stage) -> None:
    hours_later(stage)
    stage.says("在吗")


def rating(stage: Stage) -> None:
    guided(stage)
    stage.says("好了谢谢")


SITUATIONS: dict[Callable[[Stage], None], tuple[Phase, str]] = {
    choosing: (Phase.CHOOSING, "topic"),
    asked: (Phase.DIAGNOSING, "question:reprint-result"),
    guided: (Phase.GUIDING, "step:reload-paper"),
    collecting: (Phase.COLLECTING, "slot:pos_model"),
    confirming: (Phase.COLLECTING, "confirm"),
    telling: (Phase.COLLECTING, "story"),
    hours_later: (Phase.GUIDING, "step:reload-paper"),
    back: (Phase.CHOOSING, "resume"),
    rating: (Phase.RATING, "rating"),
}
"""How each comes about, and what is open then."""


@pytest.mark.parametrize(("urgency", "text"), TEXTS)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_staff_get_it(mind: Mind, situation: Callable[[Stage], None], urgency: Urgency, text: str) -> None:
    """Danger opens a ticket at once; the others are told what to do, and a ticket follows with their details, or without when the merchant will not wait."""
    stage = Stage(mind)
    situation(stage)
    assert (stage.state.phase, stage.state.expecting) == SITUATIONS[situation]
    answer = stage.says(text)
    assert _has_first_aid(mind, answer)
    if urgency is not Urgency.U0 and not stage.opened:
        assert stage.state.phase is Phase.COLLECTING, answer
        stage.taps("直接转人工")
    assert [packet.urgency <= urgency for packet in stage.opened] == [True]


@pytest.mark.parametrize("text", [text for _, text in TEXTS])
def test_staff_who_hold_another_trouble_get_it_and_it_gets_first_aid_once(mind: Mind, text: str) -> None:
    stage = Stage(mind)
    collecting(stage)
    stage.taps("直接转人工")
    stage.says("快点")
    answer = stage.says(text)
    tells = [effect for effect in stage.effects if isinstance(effect, TellStaff)]
    assert [(tell.number, tell.text) for tell in tells] == [(stage.state.ticket and stage.state.ticket.number, text)]
    assert _has_first_aid(mind, answer)
    assert stage.says(text) == ""


def _has_first_aid(mind: Mind, answer: str) -> bool:
    """Whether it says what to do at once, in a trouble other than the one at hand or after what was just said; as far as no number is spelt in it."""
    topics = [topic.first_aid for topic in mind.kb.topics.values() if topic.causes and topic.id not in {"printer", "receipt-reprint"}]
    aids = [*topics, *(aid for question in mind.kb.questions.values() for aid in question.aid.values())]
    return any(aid.partition("{")[0] in answer for aid in aids)
