"""While staff hold a conversation, everything goes to them and the bot is silent, but for what cannot wait: danger, and where it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.effects import TellStaff

from .collect import details
from .turn import Decision

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation

    from .listen import Heard
    from .turn import Turn

ACKNOWLEDGED = -1
"""In `confusions`: the merchant was told that messages are passed on."""


def told(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text for staff. `lead` holds what must be said at once: warnings about card data, what to do in a danger that was not known before."""
    heard = shown.understanding
    tell = TellStaff(number=state.number or "", text=heard.text, facts=details(turn.kb, heard))
    if shown.signals("asks-progress"):
        lead = [*lead, turn.words("progress", number=state.number)]
    elif state.confusions != ACKNOWLEDGED:
        lead = [*lead, turn.words("relayed")]
    state = replace(state, confusions=ACKNOWLEDGED)
    return Decision(conversation=state, effects=(tell, *([turn.say(lead)] if lead else [])))


def attached(state: Conversation, turn: Turn, name: str) -> Decision:
    """A photo or a document for staff."""
    tell = TellStaff(number=state.number or "", attachment=name, text=turn.heard.text if turn.heard else "")
    return Decision(conversation=state, effects=(tell, turn.say([turn.words("relayed")])))
