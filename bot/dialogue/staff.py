"""Calling staff: the details that are missing first, what was noted for confirmation, then the ticket."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase
from bot.domain.effects import OpenTicket
from bot.domain.knowledge import Money
from bot.domain.tickets import Reason

from . import handoff, money, prompt, render, ticketing
from .collect import masked, missing, values
from .turn import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.conversation import Conversation

    from .turn import Turn

MOST_TURNS = 12
"""Turns of one trouble after which no more details are asked for."""
MOST_COLLECTED = {Reason.WISH: 2, Reason.WAITING: 3, Reason.FINDING: 3}
COLLECTED = 3
"""Details that are asked for one by one before handing over; a merchant can always say several at once, or none."""
MOST_USEFUL = 4
"""Details that are named when the merchant may still send some."""


def hand_over(state: Conversation, turn: Turn, reason: Reason, bubbles: Iterable[str] = ()) -> Decision:
    """Staff take over: details that are missing are asked for first, unless there is danger."""
    bubbles = [*bubbles]
    topic = turn.kb.topics.get(state.topic or "")
    state = replace(state, phase=Phase.COLLECTING, handing_over=reason, topic=topic.id if topic else None)
    wanted = missing(turn.kb, state, topic) if topic else ()
    if reason is Reason.DANGER or not wanted:
        return open_ticket(state, turn, bubbles)
    if money.known(turn.kb, state) is Money.UNCLEAR and not (topic and money.comes_first(turn.kb, topic)):
        bubbles.append(turn.words("money-unclear"))
    labels = "、".join(turn.kb.slots[slot].label for slot in wanted[: _limit(reason)])
    return collect(state, turn, [*bubbles, turn.words("collect-intro", items=labels)])


def _limit(reason: Reason | str | None) -> int:
    return MOST_COLLECTED.get(Reason(reason), COLLECTED) if reason else COLLECTED


def collect(state: Conversation, turn: Turn, bubbles: Iterable[str] = ()) -> Decision:
    """Ask for the next detail, or hand over when there is none left or enough was asked."""
    topic = turn.kb.topics.get(state.topic or "")
    wanted = missing(turn.kb, state, topic) if topic else ()
    if state.turns >= MOST_TURNS:
        return open_ticket(state, turn, bubbles)
    if not wanted or state.collected >= _limit(state.handing_over):
        return _confirm(state, turn, [*bubbles]) if state.slots and state.expecting != prompt.CONFIRM else open_ticket(state, turn, bubbles)
    slot = turn.kb.slots[wanted[0]]
    state = replace(state, expecting=f"slot:{slot.id}", collected=state.collected + 1)
    return Decision(conversation=state, effects=(turn.say([*bubbles, render.slot_text(slot)], prompt.choices(turn.kb, state)),))


def _confirm(state: Conversation, turn: Turn, bubbles: list[str]) -> Decision:
    """What was noted, in the merchant's terms, to be confirmed once before staff rely on it."""
    state = replace(state, expecting=prompt.CONFIRM, confusions=0)
    return Decision(conversation=state, effects=(turn.say([*bubbles, _echo(turn, state), turn.words("confirm-ask")], prompt.choices(turn.kb, state)),))


def ask_what_is_wrong(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """What was noted is not right: what would be, asked once; staff sort out the rest."""
    if state.confusions or state.turns >= MOST_TURNS:
        return open_ticket(state, turn, lead)
    return Decision(conversation=replace(state, confusions=1), effects=(turn.say([*lead, turn.words("confirm-what")], prompt.choices(turn.kb, state)),))


def open_ticket(state: Conversation, turn: Turn, bubbles: Iterable[str] = ()) -> Decision:
    """The packet for staff, and what the merchant hears: the number, when somebody will look, what was noted unless it was confirmed, what to do meanwhile."""
    packet = handoff.packet(turn.kb, state, Reason(state.handing_over or Reason.WISH), turn.now)
    topic = turn.kb.topics.get(state.topic or "")
    noted = [_echo(turn, state), turn.words("echo-wrong")] if state.expecting != prompt.CONFIRM and state.slots else []
    state = replace(state, phase=Phase.WITH_STAFF, expecting=None, handing_over=None, acknowledged=False, turns=0)
    state, logs = ticketing.opened(state, turn, packet)
    assert state.ticket is not None
    ahead = turn.desk.waiting.get(state.ticket.group, 0)
    known = "handoff-said" if state.ticket.number == packet.number else "back-to-staff"
    said = [
        *bubbles,
        turn.words(known),
        turn.words("ticket-number", number=state.ticket.number),
        *ticketing.expectation(state.ticket, turn, ahead),
        *noted,
    ]
    if packet.money is Money.UNCLEAR:
        said.append(turn.words("safe-payment-meanwhile"))
    useful = [*packet.missing, *(slot for slot in (topic.ask_for if topic else ()) if slot in turn.kb.slots and slot not in dict(packet.facts))]
    if useful:
        labels = "、".join(turn.kb.slots[slot].label for slot in useful[:MOST_USEFUL])
        said.append(turn.words("collect-later", items=labels))
    asking = state.consent is None and packet.reason is not Reason.DANGER and known == "handoff-said"
    if asking:
        said.append(turn.words("consent-ask"))
    packet = replace(packet, number=state.ticket.number)
    reply = turn.say(said, ticketing.consent_choices(turn.kb) if asking else ())
    return Decision(conversation=state, effects=(OpenTicket(packet=packet), *logs, reply))


def _echo(turn: Turn, state: Conversation) -> str:
    """What was noted, in the merchant's terms, so that a mistake is seen."""
    facts = [
        turn.words("fact", label=turn.kb.slots[slot].label, value=render.safe(turn.kb, masked(turn.kb.slots[slot], shown(value))))
        for slot, value in values(turn.kb, state)
        if slot in turn.kb.slots
    ]
    return turn.words("echo", facts="；".join(facts)) if facts else ""


def shown(value: str) -> str:
    """A value as people write it: a moment without its T."""
    return value.replace("T", " ") if len(value) > 10 and value[4:5] == "-" and value[10:11] == "T" else value
