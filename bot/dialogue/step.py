"""The one entry: what an event does to a conversation. Pure: no clock, no chance, no input or output."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from bot.domain.conversation import Conversation, Phase, put
from bot.domain.effects import Rate, Say, TellStaff
from bot.domain.events import Chose, Edited, Said, Sent
from bot.domain.knowledge import Kind
from bot.domain.tickets import Reason, Result
from bot.domain.understanding import Secret

from . import opening, proceed, prompt, render, tap
from .clarify import WANTS_HUMAN, Outcome, decide
from .collect import details, fill
from .diagnose import EXPECTED_COST, model
from .listen import Heard, answer, hear
from .turn import Decision, Turn

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.events import Event
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.understanding import Understanding

    from .diagnose import Strategy

AWAY = timedelta(hours=3)
"""After this long the bot asks whether it is still the same trouble."""
GONE = timedelta(hours=24)
"""After this long a trouble that nobody works on is over."""
WORDS = 30
SCREEN = "screen_text"
"""The slot for what the terminal shows."""
_ACTIVE = {Phase.CHOOSING, Phase.DIAGNOSING, Phase.GUIDING, Phase.COLLECTING}


def step(
    conversation: Conversation, event: Event, heard: Understanding | None, kb: KnowledgeBase, now: datetime, strategy: Strategy = EXPECTED_COST
) -> Decision:
    """The next state and the effects of one event. Never raises, whatever the event holds and whatever became of the knowledge base.

    `heard` is the understanding of the text in the event, if there is any; `now` the merchant's wall clock.
    """
    turn = Turn(kb=kb, now=now, heard=_known(heard, kb), strategy=strategy)
    state, lead = _wake(conversation, turn)
    state = replace(state, turns=state.turns + (state.topic is not None))
    match event:
        case Said() | Edited():
            decision = _said(state, turn, lead)
        case Chose(choice=choice):
            decision = _chose(state, turn, choice, lead)
        case Sent(kind=kind, name=name):
            decision = _sent(state, turn, kind, name)
        case _:
            assert_never(event)
    return replace(decision, conversation=replace(decision.conversation, last_at=now.isoformat()))


def _known(heard: Understanding | None, kb: KnowledgeBase) -> Understanding | None:
    """The understanding without topics that this knowledge base does not have: the message may have been read with an earlier one."""
    if heard is None:
        return None
    classes = render.kinds(kb)
    return replace(heard, topics=tuple(match for match in heard.topics if match.topic in classes))


def _wake(state: Conversation, turn: Turn) -> tuple[Conversation, list[str]]:
    """The state as the knowledge base and the clock allow it: what vanished is begun again, what is a day old is over."""
    last = turn.now.fromisoformat(state.last_at) if state.last_at else turn.now
    if state.phase is not Phase.WITH_STAFF and turn.now - last >= GONE:
        return replace(proceed.over(state), parked=()), []
    topic = turn.kb.topics.get(state.topic or "")
    if (state.topic is not None and (topic is None or not topic.causes)) or prompt.is_lost(turn.kb, state):
        return proceed.fresh(state), [turn.words("restart-part")]
    if state.phase in _ACTIVE and state.phase is not Phase.COLLECTING and turn.now - last >= AWAY and state.topic is not None:
        return replace(state, phase=Phase.CHOOSING, expecting=prompt.RESUME), []
    return state, []


def _said(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """Something was written."""
    heard = turn.heard
    if heard is None or not heard.topics:
        return _nothing(state, turn, lead)
    shown = hear(heard, prompt.question(turn.kb, state), prompt.choices(turn.kb, state))
    state = _absorb(state, turn, heard)
    if state.phase is Phase.WITH_STAFF:
        return _with_staff(state, turn, shown)
    lead = [*_warnings(turn, heard), *lead]
    if shown.tapped:
        return _chose(state, turn, shown.tapped, lead)
    if shown.wants_restart:
        return _restart(state, turn)
    if shown.signals(WANTS_HUMAN) and (state.phase is not Phase.COLLECTING or shown.is_short):
        return _human(state, turn, lead)
    return _told(state, turn, shown, lead)


def _told(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text that is no command: what it means depends on where the conversation stands."""
    match state.phase:
        case Phase.COLLECTING:
            return _collected(state, turn, lead)
        case Phase.DIAGNOSING | Phase.GUIDING:
            return _answered(state, turn, shown, lead)
        case _ if state.expecting == prompt.RESUME:
            return _back(state, turn, shown, lead)
        case Phase.RATING if shown.signals("solved", "thanks"):
            return proceed.again(state, turn, [*lead, turn.words("thanks")])
        case Phase.RATING:
            return opening.choose(_absorb(proceed.over(state), turn, shown.understanding), turn, lead)
        case _:
            return opening.choose(replace(state, angry=state.angry or shown.signals("angry")), turn, [*lead, *_tone(state, shown, turn)])


def _absorb(state: Conversation, turn: Turn, heard: Understanding) -> Conversation:
    """Everything that a message tells without being asked: details, answers, tones, the merchant's first words, what the screen shows."""
    findings, slots = tuple(pair for pair in state.findings if pair[0] not in heard.doubted), state.slots
    for finding in heard.findings:
        findings = put(findings, finding.answer.question, finding.answer.option)
    for slot, value in details(turn.kb, heard):
        slots = put(slots, slot, value)
    if heard.screen and SCREEN in turn.kb.slots:
        slots = put(slots, SCREEN, heard.screen)
    code = next((turn.kb.code(value) for slot, value in details(turn.kb, heard) if slot == "resp_code"), None)
    for meant in code.findings if code else ():
        findings = put(findings, meant.question, meant.option)
    business = any(match.probability >= 0.5 for match in heard.topics[:1] if _is_business(turn.kb, match.topic))
    return replace(
        state,
        findings=findings,
        slots=slots,
        waiting=state.waiting or "customer-waiting" in heard.signals,
        words=state.words or (heard.text.replace("\n", " ")[:WORDS] if business else ""),
    )


def _is_business(kb: KnowledgeBase, topic: str) -> bool:
    return topic in kb.topics and kb.topics[topic].is_business


def _warnings(turn: Turn, heard: Understanding) -> list[str]:
    """A word about card data that was sent, once a message."""
    return [turn.words("card-data-warning" if secret is Secret.PAN else "secret-warning") for secret in heard.secrets[:1]]


def _tone(state: Conversation, shown: Heard, turn: Turn) -> list[str]:
    """A kind word to somebody who is angry, once."""
    return [turn.words("angry")] if shown.signals("angry") and not state.angry else []


def _nothing(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """A message without a single word: a sticker, an emoji."""
    return Decision(conversation=state, effects=(turn.say([*lead, turn.words("emoji-only")], prompt.choices(turn.kb, state)),))


def _restart(state: Conversation, turn: Turn) -> Decision:
    state = replace(proceed.over(state), parked=())
    return Decision(conversation=state, effects=(turn.say([turn.words("restart-done")], (render.human(turn.kb),)),))


def _with_staff(state: Conversation, turn: Turn, shown: Heard) -> Decision:
    """While staff hold it, everything goes to them, and the bot is silent; the first time it says that it passed it on."""
    if shown.wants_restart:
        return _restart(state, turn)
    tell = TellStaff(number=state.number or "", text=shown.understanding.text, facts=details(turn.kb, shown.understanding))
    if state.confusions < 0:
        return Decision(conversation=state, effects=(tell,))
    said = turn.say([*_warnings(turn, shown.understanding), turn.words("relayed")])
    return Decision(conversation=replace(state, confusions=-1), effects=(tell, said))


def _answered(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text while a question or a step is open."""
    lead = [*lead, *_tone(state, shown, turn)]
    state = replace(state, angry=state.angry or shown.signals("angry"))
    asked, doing = shown.question, prompt.step(turn.kb, state)
    if doing and shown.signals("still-broken"):
        return proceed.failed(state, turn, Result.FAILED, [*lead, turn.words("still-broken")])
    if shown.signals("solved"):
        return proceed.solved(state, turn)
    if asked and (option := answer(shown, asked)):
        return tap.option(state, turn, asked.id, option, lead)
    if other := _other_topic(state, turn):
        return _second(state, turn, other, lead)
    if shown.signals("not-know"):
        return proceed.detail(state, turn) if doing else tap.chose(state, turn, f"unknown:{asked.id if asked else ''}", lead)
    return _beside(state, turn, shown, lead)


def _beside(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text that is no answer to the open prompt: something volunteered, a courtesy, or not understood."""
    assert state.topic is not None
    heard = shown.understanding
    told = {finding.answer.question for finding in heard.findings} & set(model(turn.kb, state.topic).rows)
    if told:
        return proceed.advance(replace(state, confusions=0), turn, [*lead, turn.words("answer-noted")])
    if heard.entities:
        return proceed.again(state, turn, [*lead, turn.words("noted")])
    if shown.signals(*opening.COURTESIES):
        return proceed.again(state, turn, [*lead, opening.courtesy(turn)])
    if state.confusions:
        return proceed.hand_over(state, turn, Reason.LOST, [*lead, turn.words("lost")])
    return proceed.again(replace(state, confusions=1), turn, [*lead, turn.words("not-understood")])


def _other_topic(state: Conversation, turn: Turn) -> str | None:
    """A second trouble that is clearly in the message."""
    assert turn.heard is not None
    found = decide(turn.heard.topics, turn.heard.signals, render.kinds(turn.kb))
    if found.outcome is Outcome.ANSWER and found.topics[0] != state.topic and turn.kb.topics[found.topics[0]].kind is Kind.TROUBLE:
        return found.topics[0]
    return None


def _second(state: Conversation, turn: Turn, other: str, lead: list[str]) -> Decision:
    """Money and danger first: the graver trouble goes on, the other one waits."""
    topics = turn.kb.topics
    current = state.topic
    assert current is not None
    if topics[other].urgency < topics[current].urgency:
        state = replace(state, parked=(*(id for id in state.parked if id != other), current))
        return proceed.enter(state, turn, other, [*lead, turn.words("switched", topic=topics[current].title)])
    if other not in state.parked:
        state = replace(state, parked=(*state.parked, other))
    return proceed.again(state, turn, [*lead, turn.words("parked", topic=topics[other].title)])


def _back(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """Somebody comes back after hours."""
    if other := _other_topic(state, turn):
        return proceed.enter(state, turn, other, lead)
    if shown.signals("solved"):
        return proceed.solved(state, turn)
    if state.confusions < 0 or shown.signals("yes"):
        return proceed.advance(replace(state, confusions=0), turn, lead)
    return proceed.again(replace(state, confusions=-1), turn, [*lead, turn.words("resume-ask")])


def _collected(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """A text while details are collected."""
    assert turn.heard is not None
    if state.expecting == prompt.STORY:
        return _story(state, turn, lead)
    wanted = prompt.slot(turn.kb, state)
    if wanted and "not-know" not in turn.heard.signals and (value := fill(wanted, turn.heard)):
        state = replace(state, slots=put(state.slots, wanted.id, value))
    elif wanted:
        state = replace(state, skipped=(*state.skipped, wanted.id))
    return proceed.collect(state, turn, lead)


def _story(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """What a merchant who wants a human says it is about: the topic routes it."""
    assert turn.heard is not None
    found = opening.interpret(state, turn)
    topic = found.topics[0] if found.outcome is Outcome.ANSWER and turn.kb.topics[found.topics[0]].causes else None
    state = replace(state, topic=topic, words=state.words or turn.heard.text.replace("\n", " ")[:WORDS])
    aid = [turn.kb.topics[topic].first_aid] if topic else []
    return proceed.hand_over(state, turn, Reason.WISH, [*lead, *aid])


def _chose(state: Conversation, turn: Turn, choice: str, lead: list[str]) -> Decision:
    """A button was tapped, or its label typed."""
    kind, _, rest = choice.partition(":")
    if kind == "human":
        return _human(state, turn, lead)
    if kind == "rate" and rest in render.STARS:
        return _rated(state, turn, int(rest))
    if state.phase is Phase.WITH_STAFF:
        return Decision(conversation=state, effects=(turn.say([turn.words("relayed")]),))
    return tap.chose(state, turn, choice, lead)


def _human(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    if state.phase is Phase.WITH_STAFF:
        return Decision(conversation=state, effects=(turn.say([turn.words("relayed")]),))
    if state.phase is Phase.COLLECTING:
        return proceed.open_ticket(state, turn, lead)
    return opening.wish(state, turn, lead)


def _rated(state: Conversation, turn: Turn, stars: int) -> Decision:
    """Thanks for a rating, and the trouble that was put aside if there is one."""
    if state.phase is not Phase.RATING or state.topic is None:
        return proceed.again(state, turn, [turn.words("rating-thanks")])
    rate, thanks = Rate(topic=state.topic, stars=stars), turn.words("rating-thanks")
    waiting = [topic for topic in state.parked if topic in turn.kb.topics]
    state = replace(proceed.over(state), parked=tuple(waiting[1:]))
    if waiting:
        title = turn.kb.topics[waiting[0]].title
        decision = proceed.enter(state, turn, waiting[0], [thanks, turn.words("parked-next", topic=title)], named=True)
        return replace(decision, effects=(rate, *decision.effects))
    return Decision(conversation=state, effects=(rate, turn.say([thanks], (render.human(turn.kb),))))


def _sent(state: Conversation, turn: Turn, kind: str, name: str) -> Decision:
    """A photo or another attachment: kept for staff, acknowledged by its kind, and its caption read."""
    state = replace(state, attachments=(*state.attachments, name))
    if state.phase is Phase.WITH_STAFF:
        tell = TellStaff(number=state.number or "", attachment=name, text=turn.heard.text if turn.heard else "")
        return Decision(conversation=state, effects=(tell, turn.say([turn.words("relayed")])))
    received = turn.words("voice-received" if kind == "voice" else "photo-received")
    wanted = prompt.slot(turn.kb, state)
    if wanted and wanted.kind == "photo":
        return proceed.collect(state, turn, [turn.words("received")])
    if turn.heard and turn.heard.text:
        decision = _said(state, turn, [])
        return replace(decision, effects=(Say(reply=render.reply(turn.kb, [turn.words("received")])), *decision.effects))
    return proceed.again(state, turn, [received])
