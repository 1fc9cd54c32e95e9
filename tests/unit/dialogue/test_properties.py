"""Whatever happens in whatever order: what must never be said, asked or lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot import app
from bot.dialogue import diagnose, money, prompt
from bot.dialogue.step import step
from bot.domain.conversation import Conversation, Phase
from bot.domain.effects import Say
from bot.domain.events import Chose, Edited, Said, Sent
from bot.domain.knowledge import Money

if TYPE_CHECKING:
    from bot.domain.effects import Effect
    from bot.domain.events import Event
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.understanding import Understanding

KNOWLEDGE = Path(__file__).parents[3] / "knowledge"
MIND = app.wake(KNOWLEDGE, None)
TROUBLES = [topic for topic in MIND.kb.topics.values() if topic.causes]
LEAVING = {"human", "send", "none"}
CARD = "6222021234567890128"
PHRASES = [
    *(topic.phrasings[number] for topic in MIND.kb.topics.values() for number in (0, 1, 2) if number < len(topic.phrasings)),
    *(
        f"卡号{CARD}",
        "转人工",
        "重新开始",
        "没用",
        "好了谢谢",
        "不知道",
        "不对 是昨天的",
        "是",
        "没有",
        "1",
        "2",
        "9",
        "扣了",
        "没扣",
        "不知道扣没扣",
        "不对，扣了",
        "他说短信来了",
        "又来一个客人 刷卡超时了",
        "那我再刷一次",
        "没用",
        "成功了",
        "5分",
        "是不是没扣",
        "3200",
        "不会弄",
        "还是不行",
    ),
    *("客人等着呢", "终端号10023345", "昨天下午三点", "😀", " ", "冲正失败", "又刷了一次成功", "鼓包", "查进度", "谢谢", "什么破机器"),
]
IDS = [
    *(f"topic:{topic.id}" for topic in MIND.kb.topics.values()),
    *(f"option:{question.id}={option}" for question in MIND.kb.questions.values() for option in question.options),
    *(f"step:{id}={result}" for id in MIND.kb.steps for result in ("solved", "failed", "how", "x")),
    *(f"slot:{slot.id}={option}" for slot in MIND.kb.slots.values() for option in (*slot.options, "x")),
    *(f"skip:{id}" for id in MIND.kb.slots),
    *("none", "human", "send", "resume:yes", "resume:no", "rate:5", "rate:9", "unknown:charged", "", ":", "option:=", "x" * 200),
]


def _smaller(kb: KnowledgeBase) -> KnowledgeBase:
    """The same knowledge after an edit that took every second topic, question, step and slot away."""

    def half(table: Any) -> Any:
        return MappingProxyType({id: entry for number, (id, entry) in enumerate(table.items()) if number % 2})

    return replace(kb, topics=half(kb.topics), questions=half(kb.questions), steps=half(kb.steps), slots=half(kb.slots))


BASES = (MIND.kb, _smaller(MIND.kb))


class Merchant(RuleBasedStateMachine):
    """Events in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.now, self.kb = Conversation(), datetime(2026, 11, 24, 10), MIND.kb  # noqa: DTZ001  (the merchant's wall clock)
        self.effects: tuple[Effect, ...] = ()
        self.log: list[tuple[Event, Understanding | None, KnowledgeBase, datetime, tuple[Effect, ...]]] = []
        self.seen: list[str] = []

    def _do(self, event: Event, text: str | None = None) -> None:
        heard = None if text is None else MIND.engine.understand(text, self.now, prompt.expected(self.kb, self.state))
        decision = step(self.state, event, heard, self.kb, self.now)
        self.state, self.effects = decision.conversation, decision.effects
        self.log.append((event, heard, self.kb, self.now, decision.effects))
        self.seen += [choice.id for effect in self.effects if isinstance(effect, Say) for choice in effect.reply.choices]

    @rule(data=st.data())
    def goes_along(self, data: st.DataObject) -> None:
        """Taps a button of the last answer, but does not leave; a new trouble when there is none."""
        shown = [choice.id for effect in self.effects if isinstance(effect, Say) for choice in effect.reply.choices if choice.id not in LEAVING]
        if shown:
            self._do(Chose(choice=data.draw(st.sampled_from(shown))))
        else:
            topic = data.draw(st.sampled_from(TROUBLES))
            self._do(Said(), data.draw(st.sampled_from(topic.phrasings[:40])))

    @rule(text=st.one_of(st.sampled_from(PHRASES), st.text(max_size=40)), edited=st.booleans())
    def says(self, text: str, edited: bool) -> None:
        self._do(Edited() if edited else Said(), text)

    @rule(data=st.data(), odd=st.sampled_from(["old", "old", "invented", "text", "photo", "voice", "hours", "knowledge"]))
    def does_something_odd(self, data: st.DataObject, odd: str) -> None:
        """An old, foreign or invented button, an attachment, a long silence, an edit of the knowledge base."""
        match odd:
            case "old":
                self._do(Chose(choice=data.draw(st.sampled_from(self.seen[-20:] or ["human"]))))
            case "invented":
                self._do(Chose(choice=data.draw(st.sampled_from(IDS))))
            case "text":
                self._do(Chose(choice=data.draw(st.text(max_size=12))))
            case "photo" | "voice":
                self._do(Sent(kind=odd, name="a.jpg"), data.draw(st.sampled_from([None, "打印出来是白纸", ""])))
            case "hours":
                self.now += timedelta(hours=data.draw(st.sampled_from([0.1, 4, 30])))
            case _:
                self.kb = data.draw(st.sampled_from(BASES))

    @invariant()
    def survives_json(self) -> None:
        assert Conversation.from_json(json.loads(json.dumps(self.state.to_json()))) == self.state

    @invariant()
    def asks_each_question_once_and_not_for_ever(self) -> None:
        assert len(set(self.state.asked)) == len(self.state.asked)
        assert self.state.in_row <= 4
        if self.state.phase in {Phase.DIAGNOSING, Phase.GUIDING, Phase.COLLECTING}:
            assert self.state.turns <= 12

    @invariant()
    def leaves_a_way_to_a_human(self) -> None:
        for effect in self.effects:
            if isinstance(effect, Say) and self.state.phase is not Phase.WITH_STAFF and effect is self.effects[-1]:
                assert {"human", "send"} & {choice.id for choice in effect.reply.choices}

    @invariant()
    def never_charges_again_before_it_is_allowed(self) -> None:
        doing = prompt.step(self.kb, self.state)
        if doing and doing.requires:
            assert any((answer.question, answer.option) in self.state.findings for answer in doing.requires)
        if doing and self.state.topic in self.kb.topics and doing.id in diagnose.model(self.kb, self.state.topic).charging:
            assert money.known(self.kb, self.state) is Money.NOT_TAKEN

    @invariant()
    def keeps_no_card_number(self) -> None:
        assert CARD not in repr(self.effects)
        assert CARD not in repr(self.state)

    def teardown(self) -> None:
        """The same events once more: the same effects, and the same state."""
        state = Conversation()
        for event, heard, kb, now, effects in self.log:
            decision = step(state, event, heard, kb, now)
            assert repr(decision.effects) == repr(effects)
            state = decision.conversation
        assert state == self.state


Merchant.TestCase.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
TestMerchant = Merchant.TestCase
