"""What chats of a messenger bring besides texts: a beginning by a link, albums, edits of older messages, double taps, leaving and coming back."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from bot.dialogue.step import step
from bot.domain.conversation import Conversation, Phase
from bot.domain.effects import Note, Say, TellStaff
from bot.domain.events import Began, Chose, Edited, Left, Lost, Returned, Said, Sent

from .stage import TEN, Stage

if TYPE_CHECKING:
    from bot.app import Mind
    from bot.domain.events import Event
    from bot.domain.knowledge import KnowledgeBase

SCRIPTS = {
    "idle": [],
    "choosing": ["机器有问题"],
    "diagnosing": ["客人短信来了我这啥纸都没吐"],
    "guiding": ["打印机不出纸"],
    "collecting": ["客人短信来了我这啥纸都没吐", "转人工"],
    "with-staff": ["客人短信来了我这啥纸都没吐", "转人工", "直接转人工"],
    "rating": ["客人短信来了我这啥纸都没吐", "成功"],
}
MOVED = Conversation(id="w", phase=Phase.GUIDING, topic="printer", visited=("printer",), expecting="step:reload-paper", slots=(("terminal_no", "10023345"),))
EVENTS: tuple[tuple[Event, str | None], ...] = (
    (Began(), None), (Began(known=(("terminal_no", "10023345"),)), None), (Began(moved=MOVED), None), (Began(moved=replace(MOVED, topic="gone")), None),
    (Began(moved=replace(MOVED, expecting="step:gone")), None), (Left(), None), (Returned(), None), (Lost(name="p"), None), (Edited(mark="old"), "没用"),
    (Sent(kind="sticker", name=""), None), (Sent(kind="too-large", name=""), "看看"), (Sent(kind="photo", name="p", album="a"), None),
    (Chose(choice="privacy"), None), (Chose(choice="help"), None), (Chose(choice="restart"), None), (Chose(choice="progress", prompt="1"), None),
)  # fmt: skip


def played(mind: Mind, script: str) -> Stage:
    stage = Stage(mind)
    for text in SCRIPTS[script]:
        stage.says(text)
    return stage


def _emptier(kb: KnowledgeBase) -> KnowledgeBase:
    """Editors have taken everything away."""
    gone: Any = MappingProxyType({})
    return replace(kb, questions=gone, steps=gone, slots=gone, topics=MappingProxyType({id: kb.topics[id] for id in list(kb.topics)[:3]}))


@pytest.mark.parametrize("emptied", [False, True])
@pytest.mark.parametrize("script", SCRIPTS)
def test_nothing_fails_wherever_a_conversation_stands(mind: Mind, script: str, *, emptied: bool) -> None:
    for event, text in EVENTS:
        stage = played(mind, script)
        kb = _emptier(mind.kb) if emptied else mind.kb
        heard = None if text is None else mind.engine.understand(text, TEN)
        decision = step(stage.state, event, heard, kb, stage.now)
        after = Conversation.from_json(decision.conversation.to_json())
        assert after == decision.conversation
        assert decision.effects or isinstance(event, Left | Returned) or stage.state.album == "a"


def test_the_merchant_who_begins_hears_what_is_kept_and_picks_a_trouble(mind: Mind) -> None:
    stage = Stage(mind)
    answer = stage._step(Began())
    assert stage.state.phase is Phase.IDLE, "nobody has a trouble yet"
    assert "到期自动删除" in answer
    assert "扣款但结果不明" in answer
    assert "都不是" not in answer


def test_a_link_counts_more_than_what_was_known(mind: Mind) -> None:
    stage = played(mind, "diagnosing")
    stage.says("终端号10029999")
    stage._step(Began(known=(("terminal_no", "10023345"),)))
    assert dict(stage.state.slots)["terminal_no"] == "10023345"
    assert stage.state.topic == "debited-unknown"


def test_another_chat_goes_on_where_nothing_is_under_way(mind: Mind) -> None:
    other = played(mind, "diagnosing").state
    stage = Stage(mind)
    answer = stage._step(Began(moved=other))
    assert "您在网页上说的我都记着" in answer
    assert "成功" in [choice.label for choice in stage.choices]
    busy = played(mind, "guiding")
    busy._step(Began(moved=other))
    assert busy.state.topic == "printer"


def test_a_ticket_stays_in_the_other_chat(mind: Mind) -> None:
    other = played(mind, "with-staff").state
    stage = Stage(mind)
    assert other.ticket is not None
    assert other.ticket.number in stage._step(Began(moved=other))
    assert stage.state.ticket is None


def test_an_album_is_acknowledged_once(mind: Mind) -> None:
    for script, words in (("guiding", "照片收到了"), ("with-staff", "照片收到了")):
        stage = played(mind, script)
        said = [stage._step(Sent(kind="photo", name=f"p{number}", album="a")) for number in range(3)]
        assert [words in answer for answer in said] == [True, False, False]
        assert [name for name, _ in stage.state.attachments] == ["p0", "p1", "p2"]
        assert words in stage._step(Sent(kind="photo", name="p3", album="b"))


def test_staff_get_every_picture_of_an_album(mind: Mind) -> None:
    stage = played(mind, "with-staff")
    for number in range(2):
        stage._step(Sent(kind="photo", name=f"p{number}", album="a"))
        assert [effect.attachment for effect in stage.effects if isinstance(effect, TellStaff)] == [f"p{number}"]


def test_the_last_text_is_corrected_an_older_one_is_not(mind: Mind) -> None:
    stage = Stage(mind)
    stage._step(Said(mark="1"), "打印机不出纸")
    stage._step(Edited(mark="1"), "签到签不上")
    assert stage.state.topic == "sign-in"
    stage._step(Said(mark="2"), "不知道")
    assert "您改的是前面的一条" in stage._step(Edited(mark="1"), "打印机不出纸")
    assert stage.state.topic == "sign-in"


def test_the_same_button_twice_is_one_answer(mind: Mind) -> None:
    stage = played(mind, "diagnosing")
    chosen = Chose(choice=stage.choices[0].id, prompt="7")
    assert "已经成功收到" in stage._step(chosen)
    assert stage._step(chosen) == ""
    assert "这个按钮是前面的了" in stage._step(replace(chosen, prompt="8"))


def test_staff_learn_once_that_nothing_arrives_and_that_it_does_again(mind: Mind) -> None:
    stage = played(mind, "with-staff")
    notes = []
    for event in (Left(), Left(), Returned(), Returned(), Left()):
        stage._step(event)
        notes.append([effect.text[:10] for effect in stage.effects if isinstance(effect, Note)])
    assert [len(found) for found in notes] == [1, 0, 1, 0, 1]
    stage.says("我回来了")
    assert stage.state.unreachable is False


def test_nobody_is_told_where_nobody_works_on_it(mind: Mind) -> None:
    stage = played(mind, "guiding")
    stage._step(Left())
    assert stage.effects == ()


def test_a_picture_that_was_lost_is_asked_for_again(mind: Mind) -> None:
    stage = played(mind, "with-staff")
    stage._step(Sent(kind="photo", name="p"))
    assert "重新发一次" in stage._step(Lost(name="p"))
    assert stage.state.attachments == ()
    assert any(isinstance(effect, Note) for effect in stage.effects)


BY_KIND = [
    ("voice", "我听不了语音"), ("audio", "我听不了语音"), ("document", "文件收到了"), ("video", "视频收到了"), ("video_note", "视频收到了"),
    ("animation", "视频收到了"), ("location", "位置收到了"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "words"), BY_KIND)
def test_attachments_are_acknowledged_by_kind(mind: Mind, kind: str, words: str) -> None:
    stage = played(mind, "guiding")
    assert words in stage.sends("f", kind=kind)
    assert stage.state.attachments == (("f", kind),)


@pytest.mark.parametrize(("kind", "words"), [("photo", "照片收到了"), ("document", "收到了，我一起交给同事"), ("voice", "收到了，我一起交给同事")])
def test_staff_get_what_is_sent_and_it_is_called_what_it_is(mind: Mind, kind: str, words: str) -> None:
    stage = played(mind, "with-staff")
    said = stage.sends("f", kind=kind)
    assert (words in said, "照片" in said) == (True, kind == "photo")


@pytest.mark.parametrize("kind", ["sticker", "contact", "poll", "too-large", "other"])
def test_what_cannot_be_kept_is_named_and_not_kept(mind: Mind, kind: str) -> None:
    for script in ("guiding", "with-staff"):
        stage = played(mind, script)
        stage._step(Sent(kind=kind, name=""))
        assert any(isinstance(effect, Say) for effect in stage.effects)
        assert stage.state.attachments == ()
