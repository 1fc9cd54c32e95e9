"""The one entry: what an event does to a conversation. Pure: no clock, no chance, no input or output."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from bot.domain.conversation import Conversation, Phase, put
from bot.domain.effects import Rate, Say
from bot.domain.events import Chose, Edited, Said, Sent
from bot.domain.tickets import Reason
from bot.domain.understanding import Secret

from . import gather, money, opening, proceed, prompt, relay, render, talk, tap
from .clarify import WANTS_HUMAN
from .collect import details
from .diagnose import EXPECTED_COST
from .listen import hear
from .turn import Decision, Turn

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.events import Event
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.understanding import Understanding

    from .diagnose import Strategy
    from .listen import Heard

AWAY = timedelta(hours=3)
"""After this long the bot asks whether it is still the same trouble."""
GONE = timedelta(days=7)
"""After this long a trouble that nobody works on is over."""
WORDS = 30
"""Characters of the merchant's own words that staff see first (domain brief, C6)."""
SCREEN = "screen_text"
"""The slot for what the terminal shows."""
ONE_OF_MANY = {"amount", "txn_time", "txn_type"}
"""Details that any message may mention again: the first one stays unless it is corrected, or details are asked for."""
_STARS = re.compile(r"([1-5])(?:\u5206|\u661f|\u9897\u661f)?")
_ACTIVE = {Phase.CHOOSING, Phase.DIAGNOSING, Phase.GUIDING}


def step(
    conversation: Conversation, event: Event, heard: Understanding | None, kb: KnowledgeBase, now: datetime, strategy: Strategy = EXPECTED_COST
) -> Decision:
    """The next state and the effects of one event. Never raises, whatever the event holds and whatever became of the knowledge base.

    `heard` is the understanding of the text in the event, if there is any; `now` the merchant's wall clock.
    """
    turn = Turn(kb=kb, now=now, heard=_known(heard, kb), strategy=strategy)
    state, lead = _wake(conversation, turn)
    away = state.topic is not None and state.phase in _ACTIVE and now - _last(conversation, turn) >= AWAY
    state = replace(state, turns=state.turns + (state.topic is not None))
    match event:
        case Said() | Edited():
            decision = _said(state, turn, lead, away=away)
        case Chose(choice=choice):
            decision = _chose(state, turn, choice, lead)
        case Sent(kind=kind, name=name):
            decision = _sent(state, turn, kind, name)
        case _:
            assert_never(event)
    return replace(decision, conversation=replace(decision.conversation, last_at=now.isoformat()))


def _known(heard: Understanding | None, kb: KnowledgeBase) -> Understanding | None:
    """The understanding without topics and questions that this knowledge base does not have: the message may have been read with an earlier one."""
    if heard is None:
        return None
    classes = render.kinds(kb)
    findings = tuple(finding for finding in heard.findings if finding.answer.question in kb.questions)
    halves = tuple(tuple(match for match in half if match.topic in classes) for half in heard.halves)
    return replace(heard, topics=tuple(match for match in heard.topics if match.topic in classes), halves=halves, findings=findings)


def _last(state: Conversation, turn: Turn) -> datetime:
    return turn.now.fromisoformat(state.last_at) if state.last_at else turn.now


def _wake(state: Conversation, turn: Turn) -> tuple[Conversation, list[str]]:
    """The state as the knowledge base and the clock allow it: what vanished is begun again, what is a week old is over."""
    if state.phase is not Phase.WITH_STAFF and turn.now - _last(state, turn) >= GONE:
        return replace(proceed.over(state), parked=()), []
    topic = turn.kb.topics.get(state.topic or "")
    if (state.topic is not None and (topic is None or not topic.causes)) or prompt.is_lost(turn.kb, state):
        return proceed.fresh(state), [turn.words("restart-part")]
    return state, []


def _said(state: Conversation, turn: Turn, lead: list[str], *, away: bool = False) -> Decision:
    """Something was written."""
    heard = turn.heard
    if heard is None or not heard.topics:
        return _nothing(state, turn, lead)
    shown = hear(heard, prompt.question(turn.kb, state), prompt.choices(turn.kb, state))
    if shown.signals("new-attempt"):
        state = money.forgotten(turn.kb, state)
    before, state = state, _absorb(state, turn, heard)
    lead = [*_warnings(turn, heard), *lead, *_aid(before, turn, heard), *(_about_charging(state, turn, shown) or _asides(turn, heard))]
    if state.desperate and not before.desperate:
        return _desperate(state, turn, lead)
    if state.phase is Phase.WITH_STAFF:
        return _restart(state, turn) if shown.wants_restart else relay.told(state, turn, shown, lead)
    if shown.tapped:
        return _chose(state, turn, shown.tapped, lead)
    if shown.wants_restart:
        return _restart(state, turn)
    if shown.signals(WANTS_HUMAN) and (state.phase is not Phase.COLLECTING or shown.is_short):
        return _human(state, turn, lead)
    return _told(state, turn, shown, [*lead, *_kindness(before, turn, shown)], away=away)


def _told(state: Conversation, turn: Turn, shown: Heard, lead: list[str], *, away: bool) -> Decision:
    """A text that is no command: what it means depends on where the conversation stands."""
    if shown.signals("another-sale") and state.topic is not None:
        return opening.choose(_absorb(proceed.over(_with_open_money(state, turn)), turn, shown.understanding), turn, lead)
    if away:
        return talk.returned(state, turn, shown, lead)
    match state.phase:
        case Phase.COLLECTING:
            return gather.told(state, turn, shown, lead)
        case Phase.DIAGNOSING | Phase.GUIDING:
            return talk.told(state, turn, shown, lead)
        case _ if state.expecting == prompt.RESUME:
            return talk.resumed(state, turn, shown, lead)
        case Phase.RATING:
            return _about_rating(state, turn, shown, lead)
        case _:
            return opening.choose(state, turn, lead)


def _with_open_money(state: Conversation, turn: Turn) -> Conversation:
    """The state with its trouble put aside when it is about money of which nobody knows what became: it is not forgotten for something else."""
    if state.topic is None or state.topic in state.parked or not money.is_open(turn.kb, state):
        return state
    return replace(state, parked=(*state.parked, state.topic))


def _absorb(state: Conversation, turn: Turn, heard: Understanding) -> Conversation:
    """Everything that a message tells without being asked: details, answers, tones, the merchant's words, what the screen shows.

    An answer that is put in doubt is taken back.
    """
    findings = tuple(pair for pair in state.findings if pair[0] not in heard.doubted)
    for finding in heard.findings:
        findings = put(findings, finding.answer.question, finding.answer.option)
    slots, corrects = state.slots, state.phase is Phase.COLLECTING or bool({"correction", "no"} & set(heard.signals))
    for slot, value in details(turn.kb, heard):
        if corrects or slot not in ONE_OF_MANY or slot not in dict(slots):
            slots = put(slots, slot, value)
    if heard.screen and SCREEN in turn.kb.slots:
        slots = put(slots, SCREEN, heard.screen)
    return replace(
        state,
        findings=findings,
        slots=slots,
        waiting=state.waiting or "customer-waiting" in heard.signals,
        angry=state.angry or "angry" in heard.signals,
        desperate=state.desperate or "desperate" in heard.signals,
        words=_words(state, turn, heard),
    )


def _words(state: Conversation, turn: Turn, heard: Understanding) -> str:
    """The merchant's own words about the trouble, from the first message that is about it, as far as there is room."""
    first = heard.topics[0]
    business = first.topic in turn.kb.topics and turn.kb.topics[first.topic].is_business and first.probability >= 0.5
    said = " ".join(heard.text.split())
    if not (business or state.words) or (state.words and not business) or said in state.words:
        return state.words
    return f"{state.words} {said}".strip()[:WORDS]


def _warnings(turn: Turn, heard: Understanding) -> list[str]:
    """A word about card data, one about secrets, one about an identity card, each once a message."""
    ids = {Secret.PAN: "card-data-warning", Secret.EXPIRY: "card-data-warning", Secret.ID: "id-warning"}
    return list(dict.fromkeys(turn.words(ids.get(secret, "secret-warning")) for secret in heard.secrets))


def _aid(before: Conversation, turn: Turn, heard: Understanding) -> list[str]:
    """What to do at once about answers that were not known before, such as a code that was given to a stranger."""
    new = [finding.answer for finding in heard.findings if (finding.answer.question, finding.answer.option) not in before.findings]
    return [text for answer in new if (text := turn.kb.questions[answer.question].aid.get(answer.option))]


def _about_charging(state: Conversation, turn: Turn, shown: Heard) -> list[str]:
    """The answer to whoever wants to charge again, to undo or settle, to hand the goods over, or to pay the customer back himself."""
    is_open = money.is_open(turn.kb, state)
    if shown.signals("wants-recharge") or (is_open and shown.signals("try-again")):
        return [turn.words("recharge-allowed" if money.may_charge(turn.kb, state) else "recharge-not-yet")]
    if is_open and shown.signals("wants-undo"):
        return [turn.words("no-undo-yet")]
    if is_open and shown.signals("wants-release"):
        return [turn.words("no-release-yet")]
    return [turn.words("no-own-refund")] if shown.signals("own-refund") else []


def _asides(turn: Turn, heard: Understanding) -> list[str]:
    """Answers to what is asked in passing: every cue that has a reply of its own name, such as `ask-how-long`."""
    return [turn.words(signal) for signal in heard.signals if signal in turn.kb.cues and signal in turn.kb.replies][:1]


def _kindness(before: Conversation, turn: Turn, shown: Heard) -> list[str]:
    """A kind word to somebody who is angry, or whose customer waits, once."""
    if shown.signals("angry") and not before.angry:
        return [turn.words("angry")]
    return [turn.words("customer-waiting")] if shown.signals("customer-waiting") and not before.waiting else []


def _nothing(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """A message without a single word: a sticker, an emoji, or nothing at all."""
    words = turn.words("emoji-only" if turn.heard and turn.heard.text else "empty")
    return proceed.again(state, turn, [*lead, words])


def _desperate(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """Somebody speaks of ending it: a human word, and staff at once."""
    lead = [turn.words("desperate"), *lead]
    if state.phase is Phase.WITH_STAFF:
        return relay.told(state, turn, hear(turn.heard, None, ()), lead) if turn.heard else Decision(conversation=state, effects=(turn.say(lead),))
    return proceed.hand_over(state, turn, Reason.DANGER, lead)


def _restart(state: Conversation, turn: Turn) -> Decision:
    state = proceed.over(_with_open_money(replace(state, parked=()), turn))
    kept = [turn.words("parked", topic=turn.kb.topics[topic].title) for topic in state.parked]
    return Decision(conversation=state, effects=(turn.say([*kept, turn.words("restart-done")], (render.human(turn.kb),)),))


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


def _about_rating(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A rating in words or figures, thanks, or something new."""
    stars = _stars(shown)
    if stars:
        return _rated(state, turn, stars)
    if shown.works or shown.signals("thanks"):
        return proceed.again(state, turn, [*lead, turn.words("thanks")])
    return opening.choose(_absorb(proceed.over(state), turn, shown.understanding), turn, lead)


def _stars(shown: Heard) -> int | None:
    if found := _STARS.fullmatch(shown.understanding.text.replace(" ", "")):
        return int(found[1])
    words = {"rated-bad": 1, "rated-fair": 3, "rated-good": 5}
    return next((stars for cue, stars in words.items() if shown.is_short and shown.signals(cue)), None)


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
        return relay.attached(state, turn, name)
    received = turn.words("voice-received" if kind == "voice" else "photo-received")
    wanted = prompt.slot(turn.kb, state)
    if wanted and wanted.kind == "photo":
        return proceed.collect(state, turn, [turn.words("received")])
    if turn.heard and turn.heard.text:
        decision = _said(state, turn, [])
        return replace(decision, effects=(Say(reply=render.reply(turn.kb, [turn.words("received")])), *decision.effects))
    return proceed.again(state, turn, [received])
