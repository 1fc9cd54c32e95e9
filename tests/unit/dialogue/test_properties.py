"""Whatever happens in whatever order: what must never be said, asked or lost, judged by what the merchant was told."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import Phase as HypothesisPhase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from bot import app
from bot.dialogue import diagnose, handoff, money, proceed, prompt
from bot.dialogue.step import GONE, step
from bot.domain.conversation import Conversation, Phase, put
from bot.domain.effects import OpenTicket, Rate, Say, TellStaff
from bot.domain.events import Chose, Edited, Said, Sent
from bot.domain.knowledge import Money, Urgency
from bot.domain.tickets import Reason, Result

if TYPE_CHECKING:
    from bot.domain.effects import Effect
    from bot.domain.events import Event
    from bot.domain.knowledge import KnowledgeBase, Topic
    from bot.domain.understanding import Understanding

KNOWLEDGE = Path(__file__).parents[3] / "knowledge"
MIND = app.wake(KNOWLEDGE, None)
TROUBLES = [topic for topic in MIND.kb.topics.values() if topic.causes]
TANGLED = [topic for topic in TROUBLES if topic.id in {"receipt-reprint", "qr-payment", "refund-void"}]
"""Troubles whose answers are easily at odds with one another."""
COSTLY = [topic for topic in TROUBLES if money.comes_first(MIND.kb, topic)]
LEAVING = {"human", "send", "none"}
CARD = "6222021234567890128"
MOST_IN_ROW, MOST_TURNS = 4, 12
PHRASES = [
    *(topic.phrasings[number] for topic in MIND.kb.topics.values() for number in (0, 1) if number < len(topic.phrasings)),
    *(
        f"卡号{CARD}",
        f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}",
        "转人工",
        "重新开始",
        "好了谢谢",
        "不知道",
        "不对 是昨天的",
        "是",
        "没有",
        "1",
        "2",
        "9",
    ),
    *(
        "扣了",
        "没扣",
        "不知道扣没扣",
        "不对，扣了",
        "他说短信来了",
        "又来一个客人 刷卡超时了",
        "那我再刷一次",
        "没用",
        "成功了",
        "是不是没扣",
        "冲正失败",
        "查不到",
    ),
    *("5分", "3200", "不会弄", "还是不行", "客人等着呢", "终端号10023345", "昨天下午三点", "😀", " ", "又刷了一次成功", "鼓包", "查进度", "谢谢", "什么破机器"),
    *("还有流量费咋又扣了99", "对了 有没有案例", "报51", "刷卡失败 报Q9", "呜啦呜啦呜啦", "客人报警了", "不对", "商户号898000000000001", "对"),
]
GRAVE = [
    "客人等着呢",
    *(MIND.kb.questions[answer.question].options[answer.option][0] for topic in TROUBLES for answer in (*topic.danger, *topic.hand_over_now)),
    *(MIND.kb.questions[answer.question].options[answer.option][0] for topic in TROUBLES for answers in topic.elsewhere.values() for answer in answers),
    *(topic.phrasings[2] for topic in TROUBLES if topic.urgency <= Urgency.U1),
]
"""What changes the course: answers after which staff come at once, or which point elsewhere, and the graver troubles."""
TALK = [
    *(
        "客人等着呢",
        "客人不肯走 等着呢",
        "他催我 等着呢",
        "那我再刷一次",
        "好了",
        "没扣",
        "扣了",
        "不知道扣没扣",
        "不对，扣了",
        "成功了",
        "查不到",
        "冲正失败",
        "又刷了一次成功",
    ),
    *("还有流量费咋又扣了99", "客人说扣了钱 我没出票", "屏幕报Q9", "重新开始", "呜啦呜啦呜啦"),
]
"""What is said while a trouble is at hand."""
IDS = [
    *(f"topic:{topic.id}" for topic in MIND.kb.topics.values()),
    *(f"option:{question.id}={option}" for question in MIND.kb.questions.values() for option in question.options),
    *(f"step:{id}={result}" for id in MIND.kb.steps for result in ("solved", "failed", "how", "x")),
    *(f"slot:{slot.id}={option}" for slot in MIND.kb.slots.values() for option in (*slot.options, "x")),
    *(f"skip:{id}" for id in MIND.kb.slots),
    *("none", "human", "send", "confirm:no", "resume:yes", "resume:no", "rate:5", "rate:9", "unknown:charged", "", ":", "option:=", "x" * 200),
]


def _smaller(kb: KnowledgeBase) -> KnowledgeBase:
    """The same knowledge after an edit that took every second topic, question, step and slot away."""

    def half(table: Any) -> Any:
        return MappingProxyType({id: entry for number, (id, entry) in enumerate(table.items()) if number % 2})

    return replace(kb, topics=half(kb.topics), questions=half(kb.questions), steps=half(kb.steps), slots=half(kb.slots))


SMALLER = _smaller(MIND.kb)

MUST_BE_REACHED = {
    *(f"phase {phase}" for phase in Phase),
    *(f"reason {reason}" for reason in Reason if reason is not Reason.LOST),
    *(f"result {result}" for result in Result),
    *(f"effect {kind.__name__}" for kind in (Say, OpenTicket, TellStaff, Rate)),
    *(f"event {kind.__name__} in {phase}" for kind in (Said, Edited, Chose, Sent) for phase in Phase),
    *("waiting", "re-ask", "resume", "rewound", "vanished", "charging step", "two in a row", "ten turns", "trouble after staff"),
    *(
        f"said {id}"
        for id in (
            *("confirm-ask", "confirm-what", "conflict", "elsewhere", "handoff-said", "money-received", "not-understood", "old-button", "parked-next"),
            *("parked-for-staff", "rating-thanks", "restart-done", "restart-part", "restart-step", "resume-ask", "step-unable", "still-broken", "switched"),
            *("what-shows", "card-data-warning", "check-before-charge", "parked", "recharge-not-yet"),
        )
    ),
}
"""What a run must have come to, so that the machine does not silently become weak. What chance comes to a few times only (nobody is understood, a code that is
not in the list) is played in `tests/cases/dialogues`."""
ROUNDS = 4
REACHED: Counter[str] = Counter()
SAID = {id: max(re.split(r"\{.*?\}", texts[0]), key=len) for id, texts in MIND.kb.replies.items()}
"""What a sentence is known by: its longest part without anything to fill in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the merchant was told of one trouble: the prompt that he sees, the questions asked, whether one was asked again, how many in a row, his turns."""

    shown: str = ""
    asked: tuple[str, ...] = ()
    asked_again: bool = False
    in_row: int = 0
    turns: int = 0


class Merchant(RuleBasedStateMachine):
    """Events in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.now, self.kb = Conversation(), datetime(2026, 11, 24, 10), MIND.kb  # noqa: DTZ001  (the merchant's wall clock)
        self.effects: tuple[Effect, ...] = ()
        self.log: list[tuple[Conversation, Event, Understanding | None, KnowledgeBase, datetime, tuple[Effect, ...], Conversation]] = []
        self.seen: list[str] = []
        self.told = self.told_before = Told()

    # what a merchant does

    @rule(data=st.data())
    def goes_along(self, data: st.DataObject) -> None:
        """Taps a button of the last answer, but does not leave; a new trouble when there is none."""
        self._is_released()
        if shown := [id for id in self._shown if id not in LEAVING]:
            self._do(Chose(choice=data.draw(st.sampled_from(shown))))
        else:
            self._has_a_trouble(data, TROUBLES)

    @rule(data=st.data(), taps=st.integers(2, 8), way=st.sampled_from(["=failed", "=solved", "unknown:", "=how", "skip:", "contradiction", "contradiction"]))
    def keeps_on(self, data: st.DataObject, taps: int, way: str) -> None:
        """Nothing helps, nothing is known, nothing is found, or every answer contradicts the others."""
        self._is_released()
        if self.state.phase in {Phase.IDLE, Phase.RATING}:
            self._has_a_trouble(data, TANGLED if way == "contradiction" else TROUBLES)
        for _ in range(taps):
            fitting = [id for id in self._shown if way in f"{id}:"[:8] or id.endswith(way) or (way == "contradiction" and self._contradicts(id))]
            options = [id for id in self._shown if id.startswith("option:")]
            failures = [id for id in self._shown if id.endswith("=failed")]
            if not (fitting or options or failures):
                break
            self._do(Chose(choice=data.draw(st.sampled_from(fitting or options or failures))))

    @rule(text=st.sampled_from(PHRASES), edited=st.sampled_from([False, False, True]))
    def says(self, text: str, edited: bool) -> None:
        self._do(Edited() if edited else Said(), text)

    @rule(text=st.sampled_from(GRAVE), edited=st.sampled_from([False, False, True]))
    def is_alarmed(self, text: str, edited: bool) -> None:
        self._is_released()
        self._do(Edited() if edited else Said(), text)

    @rule(data=st.data(), text=st.sampled_from(TALK), edited=st.sampled_from([False, False, True]), times=st.sampled_from([1, 1, 2]))
    def speaks_of_the_trouble(self, data: st.DataObject, text: str, edited: bool, times: int) -> None:
        """Of the one at hand; of one with money, when there is none."""
        if self.state.phase not in {Phase.DIAGNOSING, Phase.GUIDING}:
            self._has_a_trouble(data, COSTLY)
        for _ in range(times):
            self._do(Edited() if edited else Said(), text)

    @rule(
        data=st.data(),
        event=st.sampled_from([Said(), Edited(), Sent(kind="photo", name="a.jpg"), Chose(choice="rate:5")]),
        text=st.sampled_from(["5分", "没好", "谢谢"]),
        second=st.booleans(),
    )
    def rates(self, data: st.DataObject, event: Event, text: str, second: bool) -> None:
        """When the trouble is over; perhaps with another one put aside."""
        if self.state.phase not in {Phase.GUIDING, Phase.RATING}:
            self._has_a_trouble(data, TROUBLES)
        if second:
            self._do(Said(), "还有流量费咋又扣了99")
        if over := [id for id in self._shown if id.endswith(("=solved", "=成功"))]:
            self._do(Chose(choice=over[0]))
        self._do(event, None if isinstance(event, Chose) else text)

    @rule(wish=st.sampled_from(["转人工", "human", "send"]), details=st.sampled_from(["", "终端号10023345", "都是昨天下午三点的"]))
    def wants_a_human(self, wish: str, details: str) -> None:
        self._is_released()
        if details:
            self._do(Said(), details)
        if wish in {"human", "send"}:
            self._do(Chose(choice=wish))
        else:
            self._do(Said(), wish)

    @rule(data=st.data())
    def contradicts_himself(self, data: st.DataObject) -> None:
        """Answers that do not go together, as soon as there are any."""
        self._has_a_trouble(data, TROUBLES)
        for _ in range(8):
            options = [id for id in self._shown if id.startswith("option:")]
            against = [id for id in options if self._contradicts(id)]
            failures = [id for id in self._shown if id.endswith("=failed")]
            if not (options or failures):
                break
            self._do(Chose(choice=data.draw(st.sampled_from(against or options or failures))))

    @rule(details=st.sampled_from(["终端号10023345", "都是昨天下午三点的"]))
    def finds_a_mistake(self, details: str) -> None:
        """What was noted for staff is not right."""
        self._is_released()
        self._do(Said(), details)
        self._do(Said(), "转人工")
        for _ in range(6):
            if not (skips := [id for id in self._shown if id.startswith("skip:")]):
                break
            self._do(Chose(choice=skips[0]))
        if self.state.expecting == prompt.CONFIRM:
            self._do(Chose(choice=next(id for id in self._shown if id.startswith("confirm:"))))

    @precondition(lambda self: self.state.phase in {Phase.CHOOSING, Phase.DIAGNOSING, Phase.GUIDING})
    @rule(hours=st.sampled_from([4, 4, 30, 200]), text=st.sampled_from(["在吗", "还是不行", "打印出来是白纸", "是的"]))
    def comes_back(self, hours: int, text: str) -> None:
        self.now += timedelta(hours=hours)
        if timedelta(hours=hours) > GONE:
            self.told = Told()
        self._do(Said(), text)

    @rule(data=st.data(), odd=st.sampled_from(["old", "old", "invented", "text", "choice", "photo", "caption", "voice"]))
    def does_something_odd(self, data: st.DataObject, odd: str) -> None:
        """An old, foreign or invented button, any text at all, an attachment."""
        match odd:
            case "old":
                self._do(Chose(choice=data.draw(st.sampled_from(self.seen[-20:] or ["human"]))))
            case "invented":
                self._do(Chose(choice=data.draw(st.sampled_from(IDS))))
            case "text":
                self._do(Edited() if data.draw(st.booleans()) else Said(), data.draw(st.text(max_size=20)))
            case "choice":
                self._do(Chose(choice=data.draw(st.text(max_size=12))))
            case "caption":
                self._do(Sent(kind="photo", name="a.jpg"), data.draw(st.sampled_from(["打印出来是白纸", "", "成功了", "终端号10023345", f"卡号{CARD}"])))
            case _:
                self._do(Sent(kind=odd, name="a.jpg"))

    # what happens around him

    @rule(change=st.sampled_from(["whole", "half", "prompt", "topic"]))
    def editors_change_the_knowledge(self, change: str) -> None:
        """All of it is there again, half is gone, or just what is open."""
        kind, _, id = (self.state.expecting or "").partition(":")
        if change == "prompt" and kind in {"question", "step", "slot"}:
            gone: Any = {f"{kind}s": MappingProxyType({key: entry for key, entry in getattr(self.kb, f"{kind}s").items() if key != id})}
            self.kb = replace(self.kb, **gone)
            REACHED["vanished"] += 1
        elif change == "topic":
            self.kb = replace(self.kb, topics=MappingProxyType({key: topic for key, topic in self.kb.topics.items() if key != self.state.topic}))
        else:
            self.kb = SMALLER if change == "half" else MIND.kb

    def _is_released(self) -> None:
        """Staff are done, if they held the conversation: the same merchant, no trouble at hand."""
        if self.state.phase is Phase.WITH_STAFF:
            self.state, self.effects, self.told = replace(proceed.over(self.state), parked=(), before=None), (), Told()

    # what must hold

    @property
    def _shown(self) -> list[str]:
        """The buttons of the last answer."""
        return [choice.id for effect in self.effects if isinstance(effect, Say) for choice in effect.reply.choices]

    def _has_a_trouble(self, data: st.DataObject, topics: list[Topic]) -> None:
        self._is_released()
        self._do(Said(), data.draw(st.sampled_from(data.draw(st.sampled_from(topics)).phrasings[:40])))

    def _contradicts(self, id: str) -> bool:
        question, _, option = id.removeprefix("option:").partition("=")
        if self.state.topic not in self.kb.topics or not id.startswith("option:"):
            return False
        supposed = replace(self.state, findings=put(self.state.findings, question, option))
        return diagnose.contradicting(diagnose.model(self.kb, self.state.topic), handoff.evidence(self.kb, supposed)) in self.state.asked

    def _do(self, event: Event, text: str | None = None) -> None:
        before = Conversation.from_json(json.loads(json.dumps(self.state.to_json())))
        assert before == self.state
        self.now += timedelta(minutes=1)
        heard = None if text is None else MIND.engine.understand(text, self.now, prompt.expected(self.kb, before, event))
        decision = step(before, event, heard, self.kb, self.now)
        self.state, self.effects = decision.conversation, decision.effects
        self.log.append((before, event, heard, self.kb, self.now, self.effects, self.state))
        self.seen += self._shown
        if heard and "another-sale" in heard.signals:
            self.told = Told()
        self._count(before, event)
        self._note(before, event)
        self._is_never_silent(event)
        self._charges_only_when_allowed()
        digits = repr((self.effects, self.state)).replace(" ", "")
        assert CARD not in digits

    def _count(self, before: Conversation, event: Event) -> None:
        """Keeps the count of what was asked, from the buttons that the merchant sees; and no limit is passed."""
        if isinstance(event, Edited) and before.before and before.phase is not Phase.WITH_STAFF:
            self.told = replace(self.told_before, turns=self.told.turns) if self.told_before.turns else self.told_before
            REACHED["rewound"] += 1
        elif not isinstance(event, Chose):
            self.told_before = self.told
        is_first = before.topic is None or before.phase is Phase.RATING  # what begins a trouble is no turn of it, nor is what ends the one before
        told = replace(self.told, turns=self.told.turns + (not is_first))
        if before.topic != self.state.topic:
            told = replace(told, asked=(), asked_again=False)
        kinds = {id.partition(":")[0]: id.partition(":")[2].partition("=")[0] for id in self._shown}
        if "unknown" in kinds and told.shown != kinds["unknown"]:
            told = self._asked(told, kinds["unknown"])
        elif "step" in kinds:
            told = replace(told, shown=kinds["step"], in_row=0)
        elif kinds.keys() & {"skip", "topic", "rate"}:
            told = replace(told, shown="")
        if self.state.topic is None or self.state.phase in {Phase.WITH_STAFF, Phase.RATING}:
            told = Told()
        self.told = told
        assert told.in_row <= MOST_IN_ROW
        assert told.turns <= MOST_TURNS
        REACHED["two in a row"] += told.in_row > 1
        REACHED["ten turns"] += told.turns >= 10

    def _asked(self, told: Told, question: str) -> Told:
        """A question that the merchant did not see a moment ago: a new one, or once in a trouble one whose answer contradicts others."""
        again = self._says("conflict")
        assert again == (question in told.asked)
        assert not (again and told.asked_again)
        REACHED["re-ask"] += again
        return replace(told, shown=question, asked=(*told.asked, question), asked_again=told.asked_again or again, in_row=told.in_row + 1)

    def _says(self, id: str) -> bool:
        """Whether the last answer holds this sentence, as far as nothing is filled in."""
        start = SAID[id]
        return any(start in bubble for effect in self.effects if isinstance(effect, Say) for bubble in effect.reply.bubbles)

    def _is_never_silent(self, event: Event) -> None:
        """Something is said that holds a way to a human; staff hear everything while they hold the conversation."""
        if self.state.phase is Phase.WITH_STAFF:
            assert self.effects
            assert isinstance(event, Chose) or any(isinstance(effect, OpenTicket | TellStaff | Say) for effect in self.effects)
            return
        last = self.effects[-1]
        assert isinstance(last, Say)
        assert any(last.reply.bubbles)
        assert {"human", "send"} & set(self._shown)

    def _charges_only_when_allowed(self) -> None:
        """Money first: no step that charges again is shown, and nobody is told that he may, before it is known that the customer was not charged."""
        topic = self.state.topic
        charging = diagnose.model(self.kb, topic).charging if topic in self.kb.topics and self.kb.topics[topic or ""].causes else set()
        shown = {id.partition(":")[2].partition("=")[0] for id in self._shown if id.startswith("step:")} & charging
        if shown or self._says("recharge-allowed") or self._says("recharge-other-way"):
            told = [self.kb.questions[question].money.get(option) for question, option in self.state.findings if question in self.kb.questions]
            assert Money.NOT_TAKEN in told
            assert money.known(self.kb, self.state) is Money.NOT_TAKEN
            REACHED["charging step"] += bool(shown)

    def _note(self, before: Conversation, event: Event) -> None:
        """What this run has come to."""
        packets = [effect.packet for effect in self.effects if isinstance(effect, OpenTicket)]
        REACHED.update([f"phase {self.state.phase}", f"event {type(event).__name__} in {before.phase}", *(f"reason {packet.reason}" for packet in packets)])
        REACHED.update([f"effect {type(effect).__name__}" for effect in self.effects])
        REACHED.update([f"result {result}" for _, result in self.state.steps])
        REACHED.update([goal for goal in MUST_BE_REACHED if goal.startswith("said ") and self._says(goal.removeprefix("said "))])
        REACHED["waiting"] += self.state.waiting
        REACHED["resume"] += before.expecting == prompt.RESUME and self.state.phase in {Phase.DIAGNOSING, Phase.GUIDING}
        REACHED["trouble after staff"] += self.state.tickets > 0 and self.state.phase is Phase.GUIDING

    def teardown(self) -> None:
        """The same events once more: the same effects, and the same state."""
        for before, event, heard, kb, now, effects, after in self.log:
            decision = step(before, event, heard, kb, now)
            assert decision.conversation == after
            assert repr(decision.effects) == repr(effects)


def test_whatever_a_merchant_does() -> None:
    """A failure is not made smaller, which takes minutes: add `HypothesisPhase.shrink` while you look for its reason.

    Where chance does not come to everything that must be reached, it has another go: which words are drawn also depends on what else is loaded.
    """
    REACHED.clear()
    missed, rounds = MUST_BE_REACHED, iter(range(ROUNDS))
    while missed and (number := next(rounds, None)) is not None:
        _live(seed(number)(Merchant))
        missed = {goal for goal in MUST_BE_REACHED if not REACHED[goal]}
    assert missed == set()


def _live(merchant: type[Merchant]) -> None:
    run_state_machine_as_test(
        merchant,
        settings=settings(
            max_examples=180,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            phases=[HypothesisPhase.explicit, HypothesisPhase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
