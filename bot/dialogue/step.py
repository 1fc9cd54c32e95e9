"""The one entry: what an event does to a conversation. Pure: no clock, no chance, no input or output."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from bot.domain.conversation import Conversation, Phase
from bot.domain.desk import Desk
from bot.domain.effects import Rate
from bot.domain.events import Acted, Began, Chose, Edited, Left, Lost, Returned, Said, Sent, Silent
from bot.domain.tickets import Reason

from . import (
    absorb,
    attachments,
    begin,
    desk,
    edit,
    gather,
    handoff,
    money,
    opening,
    privacy,
    proceed,
    prompt,
    reach,
    relay,
    remarks,
    render,
    silence,
    staff,
    talk,
    tap,
    ticketing,
)
from .clarify import WANTS_HUMAN, Outcome, decide
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
SHORTEST_STORY = 4
"""Characters up to which a question for progress, such as 查进度, holds nothing else."""
_STARS = re.compile(r"\S?(?:([1-5])(?:\u5206|\u661f|\u9897\u661f)|([45]))")
"""5分, 给5星, or a bare 4 or 5: lower figures are the numbers of buttons."""
_ACTIVE = {Phase.CHOOSING, Phase.DIAGNOSING, Phase.GUIDING}


def step(  # noqa: PLR0913  (the one entry)
    conversation: Conversation,
    event: Event,
    heard: Understanding | None,
    kb: KnowledgeBase,
    now: datetime,
    strategy: Strategy = EXPECTED_COST,
    *,
    at_desk: Desk | None = None,
) -> Decision:
    """The next state and the effects of one event. Never raises, whatever the event holds and whatever became of the knowledge base.

    `heard` is the understanding of the text in the event, if there is any; `now` the merchant's wall clock; `at_desk` how things stand with the staff.
    """
    turn = Turn(kb=kb, now=now, heard=_known(heard, kb), strategy=strategy, desk=at_desk or Desk())
    match event:
        case Silent():
            return _passed(conversation, turn)
        case Acted():
            return desk.acted(replace(conversation, unreachable=False), turn, event)  # what is said now is a new try
        case Left():
            return reach.left(conversation, turn)
        case Returned():
            return reach.returned(conversation, turn)
        case Lost(name=name):
            return attachments.lost(conversation, turn, name)
        case _:
            decision = desk.after_bot(conversation, _merchants(conversation, event, turn), turn)
            return replace(decision, conversation=_alarmed(conversation, decision.conversation, turn))


def _passed(state: Conversation, turn: Turn) -> Decision:
    """Time has passed: for the ticket, and for details that were waited for."""
    decision = desk.passed(state, turn)
    silent = silence.fell(decision.conversation, turn)
    return replace(silent, effects=(*decision.effects, *silent.effects))


def _alarmed(before: Conversation, state: Conversation, turn: Turn) -> Conversation:
    """A sign of danger that is new makes the open ticket the most urgent one, whatever it is about."""
    return ticketing.alarmed(state) if handoff.dangers(turn.kb, state) - handoff.dangers(turn.kb, before) else state


def _merchants(conversation: Conversation, event: Said | Edited | Chose | Sent | Began, turn: Turn) -> Decision:
    """What the merchant did. A second tap of the same button is none; a message that is not the last text any more cannot be taken back."""
    kb, now = turn.kb, turn.now
    tapped = (event.prompt, event.choice) if isinstance(event, Chose) and event.prompt else ()
    if tapped and tapped == conversation.tapped:
        return Decision(conversation=conversation)
    if about_data := privacy.answered(conversation, event, turn):
        return _dated(about_data, now)
    conversation = replace(conversation, forgetting=False)
    late = isinstance(event, Edited) and event.mark != conversation.mark
    state, lead = _wake(edit.unsaid(conversation) if isinstance(event, Edited) and not late else conversation, turn)
    away = state.topic is not None and state.phase in _ACTIVE and now - _last(conversation, turn) >= AWAY
    # The first message may be changed again and again, and editors may take the topic away in the middle: those are turns of the same trouble, too.
    counts = state.topic is not None or (conversation.topic is not None and (isinstance(event, Edited) or bool(lead)))
    state = replace(state, turns=state.turns + counts, before=None, tapped=tapped, unreachable=False)
    if prompt.is_lost(kb, state):
        state, lead = replace(state, expecting=None), [*lead, turn.words("restart-step")]
    if late and state.phase is not Phase.WITH_STAFF:
        return _dated(_too_late(state, turn, lead), now)
    return _dated(_happened(state, event, turn, lead, away=away), now)


def _too_late(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """A message was changed that others have followed."""
    warnings = remarks.warnings(turn, turn.heard) if turn.heard else []
    return proceed.again(state, turn, [*warnings, *lead, turn.words("edit-too-late")])


def _happened(state: Conversation, event: Said | Edited | Chose | Sent | Began, turn: Turn, lead: list[str], *, away: bool) -> Decision:
    """The move after what the merchant did."""
    match event:
        case Said(mark=mark) | Edited(mark=mark):
            return _said(replace(state, mark=mark), turn, lead, away=away)
        case Chose(choice=choice):
            return _chose(state, turn, choice, lead)
        case Sent():
            return _sent(state, turn, event, lead)
        case Began(known=known, moved=moved):
            return begin.began(state, turn, known, moved, lead)
        case _:
            assert_never(event)


def _dated(decision: Decision, now: datetime) -> Decision:
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
    """The state as the knowledge base and the clock allow it: a trouble that vanished is begun again, one that is a week old is over. Whom staff or a rating
    are promised loses neither.
    """
    if state.phase is not Phase.WITH_STAFF and turn.now - _last(state, turn) >= GONE:
        return replace(proceed.over(state), parked=()), []
    topic = turn.kb.topics.get(state.topic or "")
    if state.topic is None or (topic is not None and topic.causes):
        return state, []
    if state.phase is Phase.COLLECTING:
        return replace(state, topic=None), []
    return (proceed.fresh(state), [turn.words("restart-part")]) if state.phase in _ACTIVE else (state, [])


def _said(state: Conversation, turn: Turn, lead: list[str], *, away: bool = False) -> Decision:
    """Something was written: what it does, and what must be known to take it back."""
    decision = _written(state, turn, lead, away=away)
    return replace(decision, conversation=replace(decision.conversation, before=replace(state, undo=(), ticket=None)))


def _written(state: Conversation, turn: Turn, lead: list[str], *, away: bool) -> Decision:
    heard = turn.heard
    if heard is None or not heard.topics:
        return _nothing(state, turn, lead)
    shown = hear(heard, prompt.question(turn.kb, state), prompt.choices(turn.kb, state))
    if shown.signals("new-attempt"):
        state = money.forgotten(turn.kb, state)
    before, state = state, absorb.absorb(state, turn, heard)
    state = replace(state, undo=edit.changes(before, state))
    said = remarks.about_charging(state, turn, shown) or remarks.asides(turn, heard)
    lead = [*remarks.warnings(turn, heard), *lead, *remarks.aid(before, turn, heard), *ticketing.new_notices(before, state, turn), *said]
    if state.desperate and not before.desperate:
        return _desperate(state, turn, lead)
    if privacy.is_wished(shown):
        return privacy.ask(state, turn, lead)
    if state.phase is Phase.WITH_STAFF:
        return relay.told(state, turn, shown, lead)
    return _commanded(state, turn, shown, lead) or _told(state, turn, shown, [*lead, *remarks.kindness(before, turn, shown)], away=away)


def _commanded(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision | None:
    """A text that is a command: a rating, a button typed out, starting again, the wish for a human; None when it is none."""
    if state.phase is Phase.RATING and (stars := _stars(shown)):
        return _rated(state, turn, stars)
    if _asks_progress(state, turn, shown):
        return proceed.again(state, turn, [*lead, *ticketing.progress(state, turn)])
    if state.phase is Phase.IDLE and shown.is_short and shown.signals("still-broken") and ticketing.may_reopen(state, turn):
        return ticketing.reopened(state, turn, lead)
    if shown.tapped:
        return _chose(state, turn, shown.tapped, lead)
    if shown.wants_restart:
        return _restart(state, turn)
    if shown.signals("wants-case") and (cases := _cases(state, turn)):
        return proceed.again(state, turn, [*lead, *cases])
    if shown.signals(WANTS_HUMAN) and (state.phase is not Phase.COLLECTING or shown.is_short):
        return _human(state, turn, lead)
    return None


def _asks_progress(state: Conversation, turn: Turn, shown: Heard) -> bool:
    """Whether it is only asked how things stand. Without a ticket, and before anything else was said, it may be about something else that is in the message."""
    if not (shown.is_short and shown.signals("asks-progress")):
        return False
    if state.ticket is not None:
        return True
    clear = decide(shown.understanding.topics, shown.understanding.signals, render.kinds(turn.kb)).outcome is Outcome.ANSWER
    return state.phase is Phase.IDLE and (not clear or len(shown.understanding.text) <= SHORTEST_STORY)


def _told(state: Conversation, turn: Turn, shown: Heard, lead: list[str], *, away: bool) -> Decision:
    """A text that is no command: what it means depends on where the conversation stands."""
    if shown.signals("another-sale") and state.topic is not None and state.phase is not Phase.COLLECTING:
        return _anew(proceed.with_open_money(state, turn), turn, lead)
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


def _nothing(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """A message without a single word: a sticker, an emoji, or nothing at all."""
    words = turn.words("emoji-only" if turn.heard and turn.heard.text else "empty")
    return proceed.again(state, turn, [*lead, words])


def _desperate(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """Somebody speaks of ending it: a human word, and staff at once."""
    lead = [turn.words("desperate"), *lead]
    if state.phase is Phase.WITH_STAFF:
        return relay.told(state, turn, hear(turn.heard, None, ()), lead) if turn.heard else Decision(conversation=state, effects=(turn.say(lead),))
    return staff.hand_over(state, turn, Reason.DANGER, lead)


def _restart(state: Conversation, turn: Turn) -> Decision:
    state = proceed.over(proceed.with_open_money(replace(state, parked=()), turn))
    kept = [turn.words("parked", topic=turn.kb.topics[topic].title) for topic in state.parked]
    return Decision(conversation=state, effects=(turn.say([*kept, turn.words("restart-done")], (render.human(turn.kb),)),))


def _chose(state: Conversation, turn: Turn, choice: str, lead: list[str]) -> Decision:
    """A button was tapped, or its label typed."""
    kind, _, rest = choice.partition(":")
    if kind == "human":
        return _human(state, turn, lead)
    if choice in begin.ABOUT:
        return begin.told(state, turn, choice, lead)
    if kind == "rate" and rest in render.STARS:
        return _rated(state, turn, int(rest))
    if kind == "progress":
        return _progress(state, turn, lead)
    if kind == "unsolved" and ticketing.may_reopen(state, turn):
        return ticketing.reopened(state, turn, lead)
    if state.phase is Phase.WITH_STAFF:
        return relay.tapped(state, turn, choice)
    return _restart(state, turn) if choice == "restart" else tap.chose(state, turn, choice, lead)


def _progress(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """How the ticket stands, and whatever is open besides."""
    words = [*lead, *ticketing.progress(state, turn)]
    return Decision(conversation=state, effects=(turn.say(words),)) if state.phase is Phase.WITH_STAFF else proceed.again(state, turn, words)


def _cases(state: Conversation, turn: Turn) -> list[str]:
    """Stories to learn from: one of the trouble at hand or the one that is named, else those of the guide."""
    assert turn.heard is not None
    named = [match.topic for match in turn.heard.topics if match.probability >= opening.STANDS_OUT]
    topics = [topic for id in (state.topic or "", *named) if (topic := turn.kb.topics.get(id)) and topic.cases]
    told = topics[0].cases[:1] if topics else [case for topic in turn.kb.topics.values() for case in topic.cases if case.from_guide]
    return [render.case(turn.kb, case) for case in told]


def _human(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    if state.phase is Phase.WITH_STAFF:
        return relay.tapped(state, turn, "human")
    if state.phase is Phase.COLLECTING:
        return staff.open_ticket(state, turn, lead)
    if state.phase is Phase.RATING and ticketing.may_reopen(state, turn):
        return ticketing.reopened(state, turn, lead)
    return opening.wish(state, turn, lead)


def _about_rating(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A rating in words or figures, thanks, or something new."""
    if shown.works or shown.signals("thanks"):
        return proceed.again(state, turn, [*lead, turn.words("thanks")])
    if ticketing.may_reopen(state, turn) and _is_unsolved(state, turn, shown):
        return ticketing.reopened(state, turn, lead)
    return _anew(state, turn, lead)


def _is_unsolved(state: Conversation, turn: Turn, shown: Heard) -> bool:
    """Whether the message goes on about what staff called solved, rather than about something else."""
    assert state.ticket is not None
    found = decide(shown.understanding.topics, shown.understanding.signals, render.kinds(turn.kb))
    if found.outcome is Outcome.ANSWER:
        return found.topics[0] == state.ticket.topic
    return shown.signals("still-broken") or found.outcome in {Outcome.OFFER, Outcome.UNCLEAR, Outcome.HUMAN}


def _anew(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """The trouble at hand is over, and another one begins with this message and the photo that came with it."""
    assert turn.heard is not None
    return opening.choose(absorb.absorb(replace(proceed.over(state), attachments=turn.sent), turn, turn.heard), turn, lead)


def _stars(shown: Heard) -> int | None:
    if found := _STARS.fullmatch(shown.understanding.text.replace(" ", "")):
        return int(found[1] or found[2])
    words = {"rated-bad": 1, "rated-fair": 3, "rated-good": 5}
    return next((stars for cue, stars in words.items() if shown.is_short and shown.signals(cue)), None)


def _rated(state: Conversation, turn: Turn, stars: int) -> Decision:
    """Thanks for a rating, and the trouble that was put aside if there is one."""
    by_staff = state.ticket.number if state.ticket and ticketing.may_reopen(state, turn) else None
    if state.phase is not Phase.RATING or (state.topic is None and by_staff is None):
        return proceed.again(state, turn, [turn.words("rating-thanks")])
    rate, thanks = Rate(topic=state.topic or "", stars=stars, number=by_staff), turn.words("rating-thanks")
    waiting = [topic for topic in state.parked if topic in turn.kb.topics]
    state = replace(proceed.over(state), parked=tuple(waiting[1:]))
    if waiting:
        title = turn.kb.topics[waiting[0]].title
        decision = proceed.enter(state, turn, waiting[0], [thanks, turn.words("parked-next", topic=title)], named=True)
        return replace(decision, effects=(rate, *decision.effects))
    return Decision(conversation=state, effects=(rate, turn.say([thanks], (render.human(turn.kb),))))


def _sent(state: Conversation, turn: Turn, event: Sent, lead: list[str]) -> Decision:
    """A photo or another attachment: kept for staff, acknowledged by its kind (an album once), and its caption read."""
    heard, of_album = turn.heard, bool(event.album) and event.album == state.album
    if not event.name:
        return attachments.refused(state, turn, event.kind, lead)
    turn = replace(turn, sent=((event.name, event.kind),))
    state = replace(state, attachments=(*state.attachments, *turn.sent), album=event.album)
    if state.phase is Phase.WITH_STAFF:
        if heard is None or not heard.topics:
            return relay.attached(state, turn, event, [], quietly=of_album)
        desperate = [turn.words("desperate")] if "desperate" in heard.signals else []
        lead = [*desperate, *remarks.warnings(turn, heard), *remarks.aid(state, turn, heard)]
        return relay.attached(absorb.absorb(state, turn, heard), turn, event, lead)
    if heard and heard.topics:
        return _said(state, turn, [*lead, turn.words(attachments.thanks(event.kind))])
    return attachments.received(state, turn, event.kind, lead, quietly=of_album)
