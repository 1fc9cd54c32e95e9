"""What staff do with a ticket, and what its clock does: one table says what may be done when, and everything is logged, refusals too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase, put
from bot.domain.effects import Answer, Log, Note, Say
from bot.domain.knowledge import Urgency
from bot.domain.tickets import OWNERS, TRANSITIONS, Act, Status, is_others

from . import deadlines, handoff, privacy, proceed, prompt, render, ticketing
from .turn import Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from bot.domain.conversation import Conversation
    from bot.domain.effects import Effect
    from bot.domain.events import Acted
    from bot.domain.tickets import Ticket

    from .turn import Turn

ASIDE = frozenset({Act.NOTE, Act.FACTS, Act.URGENCY})
"""What changes nothing in who has the word."""


def acted(state: Conversation, turn: Turn, event: Acted) -> Decision:
    """The act of a member of the staff, if it may be done now."""
    ticket = state.ticket
    if event.act is Act.BROADCAST:
        return _told_all(state, turn, event)
    if event.act is Act.FORGET:
        may = event.actor.leads and event.text
        return privacy.forgotten(state, turn, event.actor, event.text) if may else _refused(state, event, "owner" if event.text else "what")
    if ticket is None or ticket.number != event.number:
        return _refused(state, event, "gone")
    if why := _objection(ticket, event) or _unknown(turn, event) or _unsafe(state, turn, event):
        return _refused(state, event, why)
    status = TRANSITIONS[event.act][ticket.status]
    after = deadlines.entered(_owned(ticket, event, status, turn), status, turn.now, turn.kb, turn.desk)
    if event.act not in ASIDE:
        after = replace(after, with_bot=False)
        state = replace(state, phase=Phase.WITH_STAFF, expecting=None) if after.is_active else state
    decision = _done(replace(state, ticket=after), turn, event, [*_introduced(ticket, after, turn), *_parted(ticket, event, turn)])
    return replace(decision, effects=(_log(event), *decision.effects))


def _ticket(state: Conversation) -> Ticket:
    assert state.ticket is not None
    return state.ticket


def _introduced(before: Ticket, after: Ticket, turn: Turn) -> list[Effect]:
    """Whoever takes a ticket is introduced to the merchant."""
    if after.owner is None or after.owner == before.owner or not after.is_active:
        return []
    return [turn.say([turn.words("taken", name=after.owner_name, number=after.number)])]


def _parted(before: Ticket, event: Acted, turn: Turn) -> list[Effect]:
    """Nobody is left waiting for an answer that will not come: one who closes without a word is spoken for."""
    if event.act is not Act.CLOSE or event.text or not before.is_active:
        return []
    known = "closed-quietly" if before.status is Status.WAITING_MERCHANT else "closed-by-staff"
    return [turn.say([turn.words(known, number=before.number)])]


def _objection(ticket: Ticket, event: Acted) -> str:
    """Why it may not be done; empty when it may."""
    if ticket.status not in TRANSITIONS.get(event.act, {}):
        return "taken" if event.act is Act.TAKE and ticket.owner else "status"
    return "owner" if is_others(event.act, ticket.status, ticket.owner, event.actor) else ""


def _unknown(turn: Turn, event: Acted) -> str:
    """What is missing, or not known any more; empty when it is all there."""
    kb, topic_and_step = turn.kb, event.to.partition("/")
    known = {
        Act.ASSIGN: bool(event.to),
        Act.MOVE: event.to in kb.groups,
        Act.MISROUTE: event.to in kb.topics,
        Act.URGENCY: event.to in set(Urgency),
        Act.HAND_BACK: topic_and_step[0] in kb.topics and topic_and_step[2] in {"", *kb.steps},
        Act.REPLY: bool(event.text or event.photo or event.carry),
        Act.NOTE: bool(event.text),
        Act.FACTS: all(slot in kb.slots for slot, _ in event.facts),
    }
    return "" if known.get(event.act, True) else "what"


def _unsafe(state: Conversation, turn: Turn, event: Acted) -> str:
    """Where there is danger the bot does not go on by itself: staff choose the step, or say first that it is over by another urgency."""
    topic, _, step = event.to.partition("/")
    by_itself = event.act is Act.HAND_BACK and not step
    return "danger" if by_itself and handoff.in_danger(turn.kb.topics[topic], state) else ""


def _refused(state: Conversation, event: Acted, why: str) -> Decision:
    """Nothing is done, and whoever tried learns why, and who was first."""
    ticket = state.ticket
    detail = (("why", why), ("owner", ticket.owner or "" if ticket else ""), ("name", ticket.owner_name if ticket else ""))
    return Decision(conversation=state, effects=(Log(actor=event.actor, act=event.act, number=event.number, done=False, detail=detail),))


def _log(event: Acted) -> Log:
    told = {"text": event.text, "to": event.to, "name": event.to_name, "photo": event.photo}
    return Log(actor=event.actor, act=event.act, number=event.number, detail=(*((key, value) for key, value in told.items() if value), *event.facts))


def _owned(ticket: Ticket, event: Acted, status: Status, turn: Turn) -> Ticket:
    """Whose ticket it is afterwards."""
    if event.act is Act.ASSIGN:
        return replace(ticket, owner=event.to, owner_name=event.to_name, active=turn.now.isoformat())
    if status is Status.OPEN:
        return replace(ticket, owner=None, owner_name="", active=None)
    if ticket.owner is None and (event.act is Act.TAKE or event.act in OWNERS):
        ticket = replace(ticket, owner=event.actor.login, owner_name=event.actor.name)
    return replace(ticket, active=turn.now.isoformat()) if event.actor.login == ticket.owner else ticket


def _done(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """What an act does besides changing status and owner."""
    deed = _DEEDS.get(event.act)
    return deed(state, turn, event, effects) if deed else Decision(conversation=state, effects=tuple(effects))


def _noted(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    return Decision(conversation=state, effects=(*effects, Note(actor=event.actor, text=event.text)))


def _told_all(state: Conversation, turn: Turn, event: Acted) -> Decision:
    """A trouble of many is over: that is told whatever became of the ticket, and what the bot asked last is asked again."""
    asked = prompt.choices(turn.kb, state) if state.expecting else ()
    return Decision(conversation=state, effects=(_log(event), turn.say([event.text, prompt.reminder(turn.kb, state)], asked)))


def _corrected(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """Details as staff know them better; an empty one is taken out."""
    for slot, value in event.facts:
        state = replace(state, slots=put(state.slots, slot, value) if value else tuple(pair for pair in state.slots if pair[0] != slot))
    return Decision(conversation=state, effects=tuple(effects))


def _weighed(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """Another urgency, and with it other deadlines, of which nobody was reminded yet. There is no danger when staff say that it is not the most urgent kind."""
    ticket = replace(_ticket(state), urgency=Urgency(event.to), reminded=())
    state = replace(state, ticket=ticket)
    return Decision(conversation=state if ticket.urgency is Urgency.U0 else handoff.calmed(turn.kb, state), effects=tuple(effects))


def _reopened(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    ticket = replace(_ticket(state), solved=None, waiting=turn.now.isoformat())
    words = turn.say([turn.words("reopened", number=event.number)])
    return Decision(conversation=replace(state, ticket=ticket), effects=(*effects, words))


def _closed(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """Staff are through, without having solved it or after; the bot listens again."""
    said = [Answer(actor=event.actor, text=event.text)] if event.text else []
    state = proceed.over(state) if state.phase is Phase.WITH_STAFF else state
    return Decision(conversation=state, effects=(*effects, *said))


def _replied(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    said = Answer(actor=event.actor, text=event.text, photo=event.photo, kind=event.kind, carry=event.carry, album=event.album)
    if event.amends:
        said = replace(said, amends=event.amends, plain=event.text, text=turn.words("amended", text=event.text))
    return Decision(conversation=_answered(state, turn), effects=(*effects, said))


def _answered(state: Conversation, turn: Turn) -> Conversation:
    """The merchant has got an answer, and waits for none."""
    ticket = _ticket(state)
    return replace(state, ticket=replace(ticket, answered=ticket.answered or turn.now.isoformat(), waiting=None))


def _waits(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """Somebody else has to do something; the merchant hears it when there is something to hear."""
    if not event.text:
        return Decision(conversation=state, effects=tuple(effects))
    return Decision(conversation=_answered(state, turn), effects=(*effects, Answer(actor=event.actor, text=event.text)))


def _moved(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """To another group. One that was with the wrong topic gets the right one, and with it the right group."""
    if event.act is Act.MOVE:
        state = replace(state, ticket=replace(_ticket(state), group=event.to))
    else:
        ticket = replace(_ticket(state), topic=event.to, group=turn.kb.group_of(event.to), bot_right="no")
        state = replace(state, ticket=ticket, topic=event.to)
    group = turn.kb.groups[_ticket(state).group].title
    return Decision(conversation=state, effects=(*effects, turn.say([turn.words("handed-to-group", group=group)])))


def _handed_back(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """The bot guides through a topic, or one step, and the ticket waits for what comes of it."""
    topic, _, step = event.to.partition("/")
    state = _answered(state, turn)
    state = replace(state, ticket=replace(_ticket(state), with_bot=True))
    lead = [turn.words("handed-back", topic=turn.kb.steps[step].title if step else turn.kb.topics[topic].title)]
    fresh = replace(proceed.fresh(state), visited=())
    decision = proceed.guided(fresh, turn, topic, step, lead) if step else proceed.enter(fresh, turn, topic, lead, named=True)
    return replace(decision, effects=(*effects, *decision.effects))


def _solved(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """Solved, say the staff: the merchant may say otherwise, or how good it was."""
    told, ticket = dict(event.facts), _ticket(_answered(state, turn))
    right = told.get("bot_right", ticket.bot_right)
    ticket = replace(ticket, solved=turn.now.isoformat(), cause=told.get("cause", ""), bot_right=right)
    state = replace(state, ticket=ticket, phase=Phase.RATING, expecting=prompt.RATING, topic=ticket.topic)
    said: list[Effect] = [Answer(actor=event.actor, text=event.text)] if event.text else []
    words = turn.say([turn.words("staff-solved", number=ticket.number), turn.words("rating-ask")], prompt.choices(turn.kb, state))
    return Decision(conversation=state, effects=(*effects, *said, words))


_DEEDS: Mapping[Act, Callable[[Conversation, Turn, Acted, list[Effect]], Decision]] = {
    Act.REPLY: _replied,
    Act.NOTE: _noted,
    Act.WAIT_MERCHANT: _waits,
    Act.WAIT_ACQUIRER: _waits,
    Act.MOVE: _moved,
    Act.MISROUTE: _moved,
    Act.FACTS: _corrected,
    Act.URGENCY: _weighed,
    Act.HAND_BACK: _handed_back,
    Act.SOLVE: _solved,
    Act.REOPEN: _reopened,
    Act.CLOSE: _closed,
}


def passed(state: Conversation, turn: Turn) -> Decision:
    """Time has passed: reminders that are due, a ticket that is taken back or closed. Nothing when nothing is due."""
    ticket = state.ticket
    logs: list[Effect] = []
    if ticket is None:
        return Decision(conversation=state)
    for reminder in deadlines.reminders(ticket, turn.kb, turn.desk):
        if reminder.at <= turn.now and deadlines.reminds(ticket, turn.kb, turn.desk, turn.now):
            ticket = replace(ticket, reminded=(*ticket.reminded, reminder.id))
            detail = (("clock", reminder.clock), ("mark", reminder.mark), ("owner", ticket.owner or ""))
            logs.append(Log(actor=ticketing.BOT, act=Act.REMIND, number=ticket.number, detail=detail))
    state = replace(state, ticket=ticket)
    if _is_due(deadlines.release_at(ticket, turn.desk, turn.kb), turn):
        return _taken_back(state, turn, logs)
    if _is_due(deadlines.close_at(ticket, turn.desk), turn):
        logs.append(Log(actor=ticketing.BOT, act=Act.CLOSE, number=ticket.number))
        state = replace(state, ticket=replace(ticket, status=Status.CLOSED))
    return Decision(conversation=state, effects=tuple(logs))


def _is_due(moment: datetime | None, turn: Turn) -> bool:
    return moment is not None and moment <= turn.now


def _taken_back(state: Conversation, turn: Turn, logs: list[Effect]) -> Decision:
    """The owner let the merchant wait for long: the ticket is everybody's again."""
    ticket = _ticket(state)
    detail = (("owner", ticket.owner or ""), ("name", ticket.owner_name))
    logs.append(Log(actor=ticketing.BOT, act=Act.RELEASE, number=ticket.number, detail=detail))
    ticket = replace(ticket, status=Status.OPEN, owner=None, owner_name="", active=None)
    return Decision(conversation=replace(state, ticket=ticket), effects=(*logs, turn.say([turn.words("released")])))


def after_bot(before: Conversation, decision: Decision, turn: Turn) -> Decision:
    """While the bot guides for staff: when that has helped, the ticket is solved."""
    state = decision.conversation
    ticket = state.ticket
    if ticket is None or not ticket.with_bot or state.phase is not Phase.RATING or before.phase is Phase.RATING:
        return decision
    log = Log(actor=ticketing.BOT, act=Act.SOLVE, number=ticket.number)
    ticket = deadlines.entered(replace(ticket, solved=turn.now.isoformat(), with_bot=False), Status.SOLVED, turn.now, turn.kb, turn.desk)
    state = replace(state, ticket=ticket)
    spoken = tuple(_with_unsolved(effect, turn, state) for effect in decision.effects)
    return replace(decision, conversation=state, effects=(*spoken, log))


def _with_unsolved(effect: Effect, turn: Turn, state: Conversation) -> Effect:
    """The rating's buttons as they are now that a ticket hangs on it."""
    if isinstance(effect, Say) and any(choice.id.startswith("rate:") for choice in effect.reply.choices):
        return Say(reply=render.reply(turn.kb, effect.reply.bubbles, prompt.choices(turn.kb, state)))
    return effect
