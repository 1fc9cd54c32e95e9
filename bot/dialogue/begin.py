"""The beginning of a chat: a greeting, what a link says of the merchant, and what another chat of the same merchant had come to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase, put

from . import proceed, render, ticketing
from .turn import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.conversation import Conversation, Pairs

    from .turn import Turn

ABOUT = frozenset({"privacy", "help"})
"""Choices that tell something about the bot."""
OPEN = frozenset({Phase.CHOOSING, Phase.DIAGNOSING, Phase.GUIDING, Phase.COLLECTING})


def began(state: Conversation, turn: Turn, known: Pairs, moved: Conversation | None, lead: list[str]) -> Decision:
    """The chat was opened. What is under way here goes on; else what was under way in the other chat; else the commonest troubles are shown, which is none
    yet. What a link says of the merchant counts more than what was known before."""
    if moved is not None:
        state = _with_knowledge(state, moved)
    for slot, value in known:
        state = replace(state, slots=put(state.slots, slot, value))
    if state.phase is Phase.WITH_STAFF:
        return Decision(conversation=state, effects=(turn.say([*lead, *ticketing.progress(state, turn)]),))
    if state.phase in OPEN and state.topic is not None:
        return proceed.again(state, turn, [*lead, turn.words("begun-again")])
    if moved is not None and moved.phase in OPEN and (moved.topic is None or moved.topic in turn.kb.topics):
        return proceed.again(_continued(state, moved), turn, [*lead, turn.words("moved")])
    words = [*lead, turn.words("greeting"), turn.words("privacy")]
    if moved is not None and moved.ticket is not None and moved.ticket.is_active:
        words = [*lead, turn.words("moved-ticket", number=moved.ticket.number)]
    return Decision(conversation=state, effects=(turn.say(words, render.welcome_choices(turn.kb)),))


def _with_knowledge(state: Conversation, moved: Conversation) -> Conversation:
    """The state with details of the other chat that were not known here."""
    for slot, value in moved.slots:
        if slot not in dict(state.slots):
            state = replace(state, slots=put(state.slots, slot, value))
    return state


def _continued(state: Conversation, moved: Conversation) -> Conversation:
    """Where the other chat had come to, in this one: its tickets and pictures stay there."""
    return replace(
        moved, id=state.id, slots=state.slots, attachments=state.attachments, ticket=state.ticket, tickets=state.tickets, undo=(), before=None, mark="",
        tapped=(), album="", last_at=state.last_at,
    )  # fmt: skip


def told(state: Conversation, turn: Turn, about: str, lead: Iterable[str]) -> Decision:
    """Something about the bot, and whatever is open besides."""
    words = [*lead, turn.words(about)]
    return Decision(conversation=state, effects=(turn.say(words),)) if state.phase is Phase.WITH_STAFF else proceed.again(state, turn, words)
