"""Whole conversations, as an editor writes them in `tests/cases/dialogues/`: what the merchant says or taps, and what the bot's answer must hold.

商户 is a text, 点 the label of a button that must be there, 图 a photo, 隔 hours that pass before; 应有 and 不应有 are fragments of the answer or of
its buttons.
结果 is checked at the end: 主题, 阶段, 转人工 (the reason), 紧急, 钱, 资料.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bot.dialogue import prompt
from bot.dialogue.step import step
from bot.domain.conversation import Conversation
from bot.domain.effects import OpenTicket, Say
from bot.domain.events import Chose, Said, Sent

if TYPE_CHECKING:
    from bot.app import Mind
    from bot.domain.effects import Effect
    from bot.domain.tickets import Packet

FOLDER = Path(__file__).parents[2] / "cases" / "dialogues"
TEN = datetime(2026, 11, 24, 10)  # noqa: DTZ001  (the merchant's wall clock)
LEAST = 2


def _dialogues() -> list[Any]:
    files = {path.stem: yaml.load(path.read_text("utf-8"), yaml.BaseLoader) for path in sorted(FOLDER.glob("*.yaml"))}
    return [pytest.param(file, dialogue, id=f"{file}: {dialogue['名字']}") for file, dialogues in files.items() for dialogue in dialogues]


class Stage:
    """Plays one dialogue."""

    def __init__(self, mind: Mind) -> None:
        self.mind, self.state, self.now = mind, Conversation(), TEN
        self.packet: Packet | None = None
        self.effects: tuple[Effect, ...] = ()

    def play(self, line: dict[str, Any]) -> str:
        """The bot's answer to one line, bubbles and buttons."""
        self.now += timedelta(hours=float(line.get("隔", 0)), minutes=1)
        if "点" in line:
            labels = {choice.label: choice.id for choice in self.choices()}
            assert line["点"] in labels, (line["点"], list(labels))
            self._step(Chose(choice=labels[line["点"]]), None)
        elif "图" in line:
            self._step(Sent(kind="photo", name=line["图"]), None)
        else:
            heard = self.mind.engine.understand(line["商户"], self.now, prompt.expected(self.mind.kb, self.state))
            self._step(Said(), heard)
        return "\n".join([bubble for effect in self.effects if isinstance(effect, Say) for bubble in effect.reply.bubbles] + [c.label for c in self.choices()])

    def choices(self) -> list[Any]:
        """The buttons of the last answer."""
        return [choice for effect in self.effects if isinstance(effect, Say) for choice in effect.reply.choices]

    def _step(self, event: Said | Chose | Sent, heard: Any) -> None:
        stored = Conversation.from_json(self.state.to_json())
        decision = step(stored, event, heard, self.mind.kb, self.now)
        self.state, self.effects = decision.conversation, decision.effects
        self.packet = next((effect.packet for effect in decision.effects if isinstance(effect, OpenTicket)), self.packet)


@pytest.mark.parametrize(("file", "dialogue"), _dialogues())
def test_dialogue(mind: Mind, file: str, dialogue: dict[str, Any]) -> None:
    stage = Stage(mind)
    for number, line in enumerate(dialogue["对话"]):
        answer = stage.play(line)
        assert [text for text in line.get("应有", []) if text not in answer] == [], answer
        assert [text for text in line.get("不应有", []) if text in answer] == [], answer
        if number == 0 and file in mind.kb.topics and "主题" not in dialogue.get("结果", {}):
            assert stage.state.topic == file or file in stage.state.offered or stage.packet, answer
    _check_result(stage, dialogue.get("结果", {}))


def _check_result(stage: Stage, wanted: dict[str, Any]) -> None:
    packet = stage.packet
    found = {"主题": stage.state.topic or "", "阶段": stage.state.phase.value}
    if packet:
        found |= {"转人工": packet.reason.value, "紧急": packet.urgency.value, "钱": packet.money.value}
    facts = dict(packet.facts if packet else stage.state.slots)
    assert {key: found.get(key) for key in wanted if key != "资料"} == {key: value for key, value in wanted.items() if key != "资料"}
    assert {slot: facts.get(slot) for slot in wanted.get("资料", {})} == wanted.get("资料", {})


def test_every_trouble_is_played_twice(mind: Mind) -> None:
    played = {path.stem: len(yaml.load(path.read_text("utf-8"), yaml.BaseLoader)) for path in FOLDER.glob("*.yaml")}
    assert {id for id, topic in mind.kb.topics.items() if topic.causes and played.get(id, 0) < LEAST} == set()
