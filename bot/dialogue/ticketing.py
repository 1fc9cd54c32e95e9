"""A ticket as the merchant meets it: it is opened or opened again, what is said goes into it, and how it stands can be asked at any time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase
from bot.domain.effects import Log
from bot.domain.knowledge import Urgency
from bot.domain.tickets import Act, Actor, Status, Ticket

from . import deadlines, moments, render
from .turn import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.conversation import Conversation
    from bot.domain.desk import Desk, Notice
    from bot.domain.effects import Effect
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.messages import Choice
    from bot.domain.tickets import Packet

    from .turn import Turn

BOT = Actor()
"""Whoever is no member of the staff: the merchant, the bot, the clock."""
CODE, ACQUIRER = "resp_code", "acquirer"
"""Details by which troubles of many are told apart."""
SOON = timedelta(minutes=5)
"""The shortest time that is named: nobody can keep a promise of minutes."""
STANDS = {
    Status.OPEN: "progress-open",
    Status.TAKEN: "progress-taken",
    Status.WAITING_MERCHANT: "progress-waiting-merchant",
    Status.WAITING_ACQUIRER: "progress-waiting-acquirer",
    Status.SOLVED: "progress-solved",
    Status.CLOSED: "progress-none",
}


def opened(state: Conversation, turn: Turn, packet: Packet) -> tuple[Conversation, list[Effect]]:
    """The conversation with a ticket for this packet: the one that is open already, the last one when it is still the same trouble, else a new one."""
    last = state.ticket
    if last is not None and (last.is_active or _is_same(last, packet, turn)):
        return _again(state, turn, last)
    ticket = Ticket(
        number=packet.number, urgency=packet.urgency, reason=packet.reason, topic=packet.topic, group=turn.kb.group_of(packet.topic),
        opened=turn.now.isoformat(), running=turn.now.isoformat(), waiting=turn.now.isoformat(), previous=last.number if last else None,
    )  # fmt: skip
    effects: list[Effect] = [Log(actor=BOT, act=Act.OPEN, number=ticket.number, detail=(("reason", packet.reason), ("urgency", packet.urgency)))]
    if turn.desk.assigns and (there := turn.desk.on_duty.get(ticket.group)):
        chosen = _in_turn(there[: turn.desk.alike.get(ticket.group, 1)], ticket.number)
        ticket = replace(ticket, status=Status.TAKEN, owner=chosen.login, owner_name=chosen.name, active=turn.now.isoformat())
        effects.append(Log(actor=BOT, act=Act.ASSIGN, number=ticket.number, detail=(("to", chosen.login), ("name", chosen.name))))
    return replace(state, ticket=ticket, tickets=state.tickets + 1), effects


def _in_turn(alike: Sequence[Actor], number: str) -> Actor:
    """One of those who have equally few tickets, by the number: many that come between two looks at the desk do not all go to the first."""
    return alike[int("0" + "".join(filter(str.isdecimal, number))) % len(alike)]


def _is_same(last: Ticket, packet: Packet, turn: Turn) -> bool:
    """Whether a ticket that was solved lately was about this trouble."""
    return _can_reopen(last, turn) and packet.topic in {None, last.topic}


def _can_reopen(ticket: Ticket, turn: Turn) -> bool:
    closes = deadlines.close_at(ticket, turn.desk)
    return closes is not None and turn.now < closes


def _again(state: Conversation, turn: Turn, ticket: Ticket) -> tuple[Conversation, list[Effect]]:
    """The ticket is worked on again, by its owner if it has one."""
    was_solved = not ticket.is_active
    status = Status.TAKEN if ticket.owner else Status.OPEN
    ticket = deadlines.entered(replace(ticket, solved=None, with_bot=False, waiting=turn.now.isoformat()), status, turn.now, turn.kb, turn.desk)
    act = Act.REOPEN if was_solved else Act.RESUME
    return replace(state, ticket=ticket), [Log(actor=BOT, act=act, number=ticket.number)]


def reopened(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """The merchant says that a solved ticket is not."""
    assert state.ticket is not None
    state, effects = _again(state, turn, state.ticket)
    state = replace(state, phase=Phase.WITH_STAFF, expecting=None, acknowledged=True)
    assert state.ticket is not None
    words = [*lead, turn.words("reopened", number=state.ticket.number)]
    return Decision(conversation=state, effects=(*effects, turn.say(words)))


def may_reopen(state: Conversation, turn: Turn) -> bool:
    """Whether there is a ticket that staff called solved, not long ago."""
    return state.ticket is not None and _can_reopen(state.ticket, turn)


def said(state: Conversation, turn: Turn) -> Conversation:
    """The merchant said or sent something: the ticket waits for staff again, and more urgently if what was said is graver."""
    ticket = state.ticket
    if ticket is None or not ticket.is_active:
        return state
    if ticket.status is Status.WAITING_MERCHANT:
        ticket = deadlines.entered(ticket, Status.TAKEN if ticket.owner else Status.OPEN, turn.now, turn.kb, turn.desk)
    return replace(state, ticket=replace(ticket, with_bot=False, waiting=ticket.waiting or turn.now.isoformat()))


def alarmed(state: Conversation) -> Conversation:
    """The merchant speaks of danger: nothing is more urgent."""
    if state.ticket is None or not state.ticket.is_active:
        return state
    reminded = state.ticket.reminded if state.ticket.urgency is Urgency.U0 else ()
    return replace(state, ticket=replace(state.ticket, urgency=Urgency.U0, reminded=reminded))


def progress(state: Conversation, turn: Turn) -> list[str]:
    """How the ticket stands, in the merchant's terms."""
    ticket = state.ticket
    if ticket is None:
        return [turn.words("progress-none")]
    told = turn.words(STANDS[ticket.status], number=ticket.number, name=ticket.owner_name)
    waiting = turn.desk.waiting.get(ticket.group, 0)
    return [told, *expectation(ticket, turn, max(0, waiting - 1))]  # the ticket itself is among those that wait


def expectation(ticket: Ticket, turn: Turn, ahead: int) -> list[str]:
    """When somebody is likely to look at it: from how many wait before it and who is there, and honestly when nobody works now: what is urgent at any hour
    is looked at out of hours only if somebody is on duty."""
    if ticket.status is not Status.OPEN:
        return []
    calendar, at_any_hour = turn.desk.calendar, turn.kb.targets[ticket.urgency].round_the_clock
    if not calendar.is_open(turn.now) and not (at_any_hour and turn.desk.on_duty.get(ticket.group)):
        return [turn.words("expect-closed", when=moments.named(turn.kb, calendar.opens(turn.now), turn.now))]
    if not ahead:
        return [turn.words("expect-soon")]
    return [turn.words("expect", ahead=ahead, minutes=_minutes(ahead, ticket.group, turn.desk))]


def _minutes(ahead: int, group: str, desk: Desk) -> int:
    """About how long, rounded up to five minutes: each one before takes its time, shared among those who are there."""
    pace = desk.pace * ahead / max(1, len(desk.on_duty.get(group, ())))
    return max(1, -(-pace // SOON)) * (SOON // timedelta(minutes=1))


def consent_choices(kb: KnowledgeBase) -> tuple[Choice, ...]:
    """May a colleague telephone? (domain brief, C6)"""
    return render.button(kb, "consent:yes", "button-call"), render.button(kb, "consent:no", "button-no-call")


def notices(state: Conversation, turn: Turn, topic: str) -> list[str]:
    """What staff want everybody with this trouble to know at once."""
    return [_notice(turn, notice) for notice in turn.desk.notices if _fits(notice, state, turn, topic)]


def new_notices(before: Conversation, state: Conversation, turn: Turn) -> list[str]:
    """The notices about the trouble at hand that fit only since a detail is known, such as the code."""
    topic = state.topic
    if topic is None:
        return []
    fitting = (notice for notice in turn.desk.notices if _fits(notice, state, turn, topic) and not _fits(notice, before, turn, topic))
    return [_notice(turn, notice) for notice in fitting]


def _fits(notice: Notice, state: Conversation, turn: Turn, topic: str) -> bool:
    known = dict(state.slots)
    alike = notice.topic == topic and notice.code in {"", known.get(CODE, "")} and notice.acquirer in {"", known.get(ACQUIRER, "")}
    return alike and datetime.fromisoformat(notice.until) > turn.now


def _notice(turn: Turn, notice: Notice) -> str:
    return turn.words("incident", text=notice.text, until=moments.named(turn.kb, datetime.fromisoformat(notice.until), turn.now))
