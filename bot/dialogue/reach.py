"""Whether what is said arrives: a merchant may block the bot, and come back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.effects import Log, Note
from bot.domain.tickets import Act

from . import ticketing
from .turn import Decision

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation
    from bot.domain.effects import Effect

    from .turn import Turn


def left(state: Conversation, turn: Turn) -> Decision:
    """Nothing arrives any more. Staff are told once after each thing that they do, however many lines it was in."""
    effects = () if state.unreachable else note(state, turn, "unreachable")
    return Decision(conversation=replace(state, unreachable=True), effects=effects)


def returned(state: Conversation, turn: Turn) -> Decision:
    """What is said arrives again."""
    effects = note(state, turn, "reachable-again") if state.unreachable else ()
    return Decision(conversation=replace(state, unreachable=False), effects=effects)


def note(state: Conversation, turn: Turn, words: str) -> tuple[Effect, ...]:
    """A word for staff only, as long as they work on it."""
    ticket = state.ticket
    if ticket is None or not ticket.is_active:
        return ()
    text = turn.words(words)
    return Log(actor=ticketing.BOT, act=Act.NOTE, number=ticket.number, detail=(("text", text),)), Note(actor=ticketing.BOT, text=text)
