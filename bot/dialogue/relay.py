"""While staff hold a conversation, everything goes to them and the bot is silent, but for what cannot wait: danger, and where it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.effects import TellStaff
from bot.domain.knowledge import Urgency

from . import attachments, opening, proceed, ticketing
from .collect import details
from .turn import Decision

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation
    from bot.domain.events import Sent

    from .listen import Heard
    from .turn import Turn

CONSENT = {"yes": True, "no": False}
"""May a colleague telephone? (domain brief, C6)"""


def told(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text for staff. `lead` holds what must be said at once: warnings about card data, what to do in a danger that was not known before."""
    heard = shown.understanding
    state, lead = _with_first_aid(ticketing.said(state, turn), turn, lead)
    tell = TellStaff(number=_number(state), text=heard.text, facts=details(turn.kb, heard))
    if shown.signals("asks-progress"):
        lead = [*lead, *ticketing.progress(state, turn)]
    elif not state.acknowledged:
        lead = [*lead, turn.words("relayed")]
    return Decision(conversation=replace(state, acknowledged=True), effects=(tell, *([turn.say(lead)] if lead else [])))


def _with_first_aid(state: Conversation, turn: Turn, lead: list[str]) -> tuple[Conversation, list[str]]:
    """What to do at once in a graver trouble that staff have only just heard of; once, and not beside what is said already."""
    graver = opening.graver(state, turn)
    if graver is None or graver in state.parked:
        return state, lead
    if turn.kb.topics[graver].urgency is Urgency.U0:
        state = ticketing.alarmed(state)
    return proceed.parking(state, graver), lead or [turn.kb.topics[graver].first_aid]


def _number(state: Conversation) -> str:
    return state.ticket.number if state.ticket else ""


def attached(state: Conversation, turn: Turn, event: Sent, lead: list[str], *, quietly: bool = False) -> Decision:
    """A photo or a document for staff, with its caption; `quietly` for a further one of an album."""
    heard, state = turn.heard, ticketing.said(state, turn)
    if heard and heard.topics:
        state, lead = _with_first_aid(state, turn, lead)
    tell = TellStaff(number=_number(state), attachment=event.name, text=heard.text if heard else "", facts=details(turn.kb, heard) if heard else ())
    if quietly:
        return Decision(conversation=state, effects=(tell,))
    return Decision(conversation=state, effects=(tell, turn.say([*lead, turn.words(attachments.thanks(event.kind))])))


def tapped(state: Conversation, turn: Turn, choice: str) -> Decision:
    """Whether a colleague may telephone; any other button is one of before, and there is nothing in it for staff."""
    kind, _, answer = choice.partition(":")
    if kind != "consent" or answer not in CONSENT:
        return Decision(conversation=state, effects=(turn.say(ticketing.progress(state, turn)),))
    tell = TellStaff(number=_number(state), text=turn.words(f"consent-{answer}"))
    return Decision(conversation=replace(state, consent=CONSENT[answer]), effects=(tell, turn.say([turn.words(f"consent-{answer}")])))
