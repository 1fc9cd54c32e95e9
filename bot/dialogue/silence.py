"""What it means when a merchant says nothing any more: somebody who asked for staff, or must get them, is not forgotten over a missing detail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase

from . import staff
from .turn import Decision

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation

    from .turn import Turn

COLLECTING = timedelta(minutes=10)
"""How long details are waited for before staff get what there is."""


def patience(conversation: Conversation) -> timedelta | None:
    """After which silence something happens; None when nothing would."""
    return COLLECTING if conversation.phase is Phase.COLLECTING else None


def fell(state: Conversation, turn: Turn) -> Decision:
    """The merchant has been silent; nothing happens if it was not long enough, or is no matter any more."""
    last = datetime.fromisoformat(state.last_at) if state.last_at else turn.now
    waited = patience(state)
    if waited is None or turn.now - last < waited:
        return Decision(conversation=state)
    return staff.open_ticket(replace(state, expecting=None, before=None), turn, [turn.words("silent-handoff")])
