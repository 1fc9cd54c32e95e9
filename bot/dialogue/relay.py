"""While staff hold a conversation, everything goes to them and the bot is silent, but for what cannot wait: danger, and where it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.effects import TellStaff

from . import opening, proceed
from .collect import PICTURES, details
from .turn import Decision

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation

    from .listen import Heard
    from .turn import Turn


def told(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text for staff. `lead` holds what must be said at once: warnings about card data, what to do in a danger that was not known before."""
    heard = shown.understanding
    state, lead = _with_first_aid(state, turn, lead)
    tell = TellStaff(number=state.number or "", text=heard.text, facts=details(turn.kb, heard))
    if shown.signals("asks-progress"):
        lead = [*lead, turn.words("progress", number=state.number)]
    elif not state.acknowledged:
        lead = [*lead, turn.words("relayed")]
    return Decision(conversation=replace(state, acknowledged=True), effects=(tell, *([turn.say(lead)] if lead else [])))


def _with_first_aid(state: Conversation, turn: Turn, lead: list[str]) -> tuple[Conversation, list[str]]:
    """What to do at once in a graver trouble that staff have only just heard of; once, and not beside what is said already."""
    graver = opening.graver(state, turn)
    if graver is None or graver in state.parked:
        return state, lead
    return proceed.parking(state, graver), lead or [turn.kb.topics[graver].first_aid]


def attached(state: Conversation, turn: Turn, name: str, kind: str, lead: list[str]) -> Decision:
    """A photo or a document for staff, with its caption."""
    heard = turn.heard
    if heard and heard.topics:
        state, lead = _with_first_aid(state, turn, lead)
    tell = TellStaff(number=state.number or "", attachment=name, text=heard.text if heard else "", facts=details(turn.kb, heard) if heard else ())
    return Decision(conversation=state, effects=(tell, turn.say([*lead, turn.words("received" if kind in PICTURES else "relayed")])))


def tapped(state: Conversation, turn: Turn) -> Decision:
    """A button of before: there is nothing in it for staff."""
    return Decision(conversation=state, effects=(turn.say([turn.words("progress", number=state.number)]),))
