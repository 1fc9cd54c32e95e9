"""Whole conversations, as an editor writes them in `tests/cases/dialogues/`: what the merchant does, and what the bot's answer must hold.

商户 is a text, 改 what the last message is changed to, 点 the label of a button that must be there, 旧 that of any earlier answer, 图 a photo with its 附言,
隔 hours that pass before; 应有 and 不应有 are fragments of the answer or of its buttons.
结果 is checked at the end: 主题, 阶段, 转人工 (the reason), 紧急, 钱, 经过 (the summary that staff get), 另有 (other troubles), 照片,
资料 (empty: not noted).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from .stage import Stage

if TYPE_CHECKING:
    from bot.app import Mind

FOLDER = Path(__file__).parents[2] / "cases" / "dialogues"
LEAST = 2


def dialogues() -> list[tuple[str, dict[str, Any]]]:
    """(file, dialogue) of each."""
    files = {path.stem: yaml.load(path.read_text("utf-8"), yaml.BaseLoader) for path in sorted(FOLDER.glob("*.yaml"))}
    return [(file, dialogue) for file, told in files.items() for dialogue in told]


def play(stage: Stage, line: dict[str, Any]) -> str:
    """The bot's answer to one line."""
    stage.waits(float(line.get("隔", 0)))
    match line:
        case {"商户": text}:
            return stage.says(text)
        case {"改": text}:
            return stage.edits(text)
        case {"点": label}:
            return stage.taps(label)
        case {"旧": label}:
            return stage.taps_old(label)
        case {"图": name}:
            return stage.sends(name, line.get("附言"))
        case _:
            raise AssertionError(line)


@pytest.mark.parametrize(("file", "dialogue"), [pytest.param(*pair, id=f"{pair[0]}: {pair[1]['名字']}") for pair in dialogues()])
def test_dialogue(mind: Mind, file: str, dialogue: dict[str, Any]) -> None:
    stage = Stage(mind)
    for number, line in enumerate(dialogue["对话"]):
        answer = play(stage, line)
        assert [text for text in line.get("应有", []) if text not in answer] == [], answer
        assert [text for text in line.get("不应有", []) if text in answer] == [], answer
        if number == 0 and file in mind.kb.topics and "主题" not in dialogue.get("结果", {}):
            assert stage.state.topic == file or file in stage.state.offered or stage.packet, answer
    _check_result(stage, dialogue.get("结果", {}))


def _check_result(stage: Stage, wanted: dict[str, Any]) -> None:
    packet = stage.packet
    found: dict[str, Any] = {"主题": stage.state.topic or "", "阶段": stage.state.phase.value, "另有": list(packet.parked if packet else stage.state.parked)}
    if packet:
        found |= {
            "转人工": packet.reason.value,
            "紧急": packet.urgency.value,
            "钱": packet.money.value,
            "经过": packet.summary,
            "照片": list(packet.attachments),
        }
    facts = dict(packet.facts if packet else stage.state.slots)
    assert {key: found.get(key) for key in wanted if key != "资料"} == {key: value for key, value in wanted.items() if key != "资料"}
    assert {slot: facts.get(slot, "") for slot in wanted.get("资料", {})} == wanted.get("资料", {})


def test_every_trouble_is_played_twice(mind: Mind) -> None:
    played = Counter(file for file, _ in dialogues())
    assert {id for id, topic in mind.kb.topics.items() if topic.causes and played[id] < LEAST} == set()
