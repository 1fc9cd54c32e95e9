"""What staff do with a ticket, and what its clock does: one table says what may be done when, and everything is logged, refusals too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase, put
from bot.domain.effects import Answer, Log, Note, Say
from bot.domain.knowledge import Urgency
from bot.domain.tickets import OWNERS, TRANSITIONS, Act, Actor, Status

from . import deadlines, proceed, prompt, render, ticketing
from .turn import Decision

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.conversation import Conversation
    from bot.domain.effects import Effect
    from bot.domain.events import Acted
    from bot.domain.tickets import Ticket

    from .turn import Turn

ASIDE = frozenset({Act.NOTE, Act.FACTS, Act.URGENCY, Act.BROADCAST})
"""What changes nothing in who has the word."""


def acted(state: Conversation, turn: Turn, event: Acted) -> Decision:
    """The act of a member of the staff, if it may be done now."""
    ticket = state.ticket
    if ticket is None or ticket.number != event.number:
        return _refused(state, event, "gone")
    if why := _objection(ticket, event) or _unknown(turn, event):
        return _refused(state, event, why)
    status = TRANSITIONS[event.act][ticket.status]
    after = deadlines.entered(_owned(ticket, event, status, turn), status, turn.now, turn.kb, turn.desk)
    if event.act not in ASIDE:
        after = replace(after, with_bot=False)
        state = replace(state, phase=Phase.WITH_STAFF, expecting=None) if after.is_active else state
    decision = _done(replace(state, ticket=after), turn, event, _introduced(ticket, after, turn))
    return replace(decision, effects=(_log(event), *decision.effects))


def _introduced(before: Ticket, after: Ticket, turn: Turn) -> list[Effect]:
    """Whoever takes a ticket is introduced to the merchant."""
    if after.owner is None or after.owner == before.owner or not after.is_active:
        return []
    return [turn.say([turn.words("taken", name=after.owner_name, number=after.number)])]


def _objection(ticket: Ticket, event: Acted) -> str:
    """Why it may not be done; empty when it may."""
    if ticket.status not in TRANSITIONS.get(event.act, {}):
        return "taken" if event.act is Act.TAKE and ticket.owner else "status"
    others = ticket.owner is not None and ticket.owner != event.actor.login
    if event.act in OWNERS and others and not event.actor.leads and ticket.is_active:
        return "owner"
    if event.act in {Act.ASSIGN, Act.MOVE} and others and not event.actor.leads:
        return "owner"
    return ""


def _unknown(turn: Turn, event: Acted) -> str:
    """What is missing, or not known any more; empty when it is all there."""
    kb, topic_and_step = turn.kb, event.to.partition("/")
    known = {
        Act.ASSIGN: bool(event.to),
        Act.MOVE: event.to in kb.groups,
        Act.MISROUTE: event.to in kb.topics,
        Act.URGENCY: event.to in set(Urgency),
        Act.HAND_BACK: topic_and_step[0] in kb.topics and topic_and_step[2] in {"", *kb.steps},
        Act.REPLY: bool(event.text or event.photo),
        Act.NOTE: bool(event.text),
        Act.BROADCAST: bool(event.text),
        Act.FACTS: all(slot in kb.slots for slot, _ in event.facts),
    }
    return "" if known.get(event.act, True) else "what"


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
    assert state.ticket is not None
    match event.act:
        case Act.REPLY:
            return _replied(state, turn, event, effects)
        case Act.NOTE:
            return Decision(conversation=state, effects=(*effects, Note(actor=event.actor, text=event.text)))
        case Act.WAIT_MERCHANT | Act.WAIT_ACQUIRER:
            return _waits(state, turn, event, effects)
        case Act.MOVE | Act.MISROUTE:
            return _moved(state, turn, event, effects)
        case Act.FACTS:
            state = _corrected(state, event)
        case Act.URGENCY:
            state = replace(state, ticket=replace(state.ticket, urgency=Urgency(event.to)))
        case Act.HAND_BACK:
            return _handed_back(state, turn, event, effects)
        case Act.SOLVE:
            return _solved(state, turn, event, effects)
        case Act.REOPEN:
            state = replace(state, ticket=replace(state.ticket, solved=None, waiting=turn.now.isoformat(), owner=None, owner_name=""))
            effects.append(turn.say([turn.words("reopened", number=event.number)]))
        case Act.CLOSE:
            effects += [Answer(actor=event.actor, text=event.text)] if event.text else []
            state = _left(state)
        case Act.BROADCAST:
            effects.append(turn.say([event.text]))
        case _:
            pass
    return Decision(conversation=state, effects=tuple(effects))


def _corrected(state: Conversation, event: Acted) -> Conversation:
    """Details as staff know them better; an empty one is taken out."""
    for slot, value in event.facts:
        state = replace(state, slots=put(state.slots, slot, value) if value else tuple(pair for pair in state.slots if pair[0] != slot))
    return state


def _left(state: Conversation) -> Conversation:
    """Staff are through: the bot listens again."""
    return proceed.over(state) if state.phase is Phase.WITH_STAFF else state


def _replied(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    assert state.ticket is not None
    ticket = replace(state.ticket, answered=state.ticket.answered or turn.now.isoformat(), waiting=None)
    return Decision(conversation=replace(state, ticket=ticket), effects=(*effects, Answer(actor=event.actor, text=event.text, photo=event.photo)))


def _waits(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """Somebody else has to do something; the merchant hears it when there is something to hear."""
    assert state.ticket is not None
    if not event.text:
        return Decision(conversation=state, effects=tuple(effects))
    ticket = replace(state.ticket, answered=state.ticket.answered or turn.now.isoformat(), waiting=None)
    return Decision(conversation=replace(state, ticket=ticket), effects=(*effects, Answer(actor=event.actor, text=event.text)))


def _moved(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """To another group. One that was with the wrong topic gets the right one, and with it the right group."""
    assert state.ticket is not None
    if event.act is Act.MOVE:
        ticket = replace(state.ticket, group=event.to)
    else:
        ticket = replace(state.ticket, topic=event.to, group=turn.kb.group_of(event.to), bot_right="no")
    return Decision(conversation=replace(state, ticket=ticket), effects=(*effects, turn.say([turn.words("handed-to-group")])))


def _handed_back(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """The bot guides through a topic, or one step, and the ticket waits for what comes of it."""
    assert state.ticket is not None
    topic, _, step = event.to.partition("/")
    state = replace(state, ticket=replace(state.ticket, with_bot=True, waiting=None, answered=state.ticket.answered or turn.now.isoformat()))
    lead = [turn.words("handed-back", topic=turn.kb.steps[step].title if step else turn.kb.topics[topic].title)]
    fresh = replace(proceed.fresh(state), visited=())
    decision = proceed.guided(fresh, turn, topic, step, lead) if step else proceed.enter(fresh, turn, topic, lead, named=True)
    return replace(decision, effects=(*effects, *decision.effects))


def _solved(state: Conversation, turn: Turn, event: Acted, effects: list[Effect]) -> Decision:
    """Solved, say the staff: the merchant may say otherwise, or how good it was."""
    assert state.ticket is not None
    told = dict(event.facts)
    ticket = replace(
        state.ticket, solved=turn.now.isoformat(), waiting=None, with_bot=False, cause=told.get("cause", ""), bot_right=told.get("bot_right", ""),
        answered=state.ticket.answered or turn.now.isoformat(),
    )  # fmt: skip
    state = replace(state, ticket=ticket, phase=Phase.RATING, expecting=prompt.RATING, topic=ticket.topic)
    said: list[Effect] = [Answer(actor=event.actor, text=event.text)] if event.text else []
    words = turn.say([turn.words("staff-solved", number=ticket.number), turn.words("rating-ask")], prompt.choices(turn.kb, state))
    return Decision(conversation=state, effects=(*effects, *said, words))


def passed(state: Conversation, turn: Turn) -> Decision:
    """Time has passed: reminders that are due, a ticket that is taken back or closed. Nothing when nothing is due."""
    ticket, logs = state.ticket, list[Effect]()
    if ticket is None:
        return Decision(conversation=state)
    for reminder in deadlines.reminders(ticket, turn.kb, turn.desk):
        if reminder.at <= turn.now:
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
    assert state.ticket is not None
    detail = (("owner", state.ticket.owner or ""), ("name", state.ticket.owner_name))
    logs.append(Log(actor=Actor(), act=Act.RELEASE, number=state.ticket.number, detail=detail))
    ticket = replace(state.ticket, status=Status.OPEN, owner=None, owner_name="", active=None)
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
