"""The merchant's wish that everything be deleted: it is told what goes and what that means, and nothing goes before it is confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Conversation, Phase
from bot.domain.effects import Forget
from bot.domain.events import Chose, Said
from bot.domain.tickets import Actor

from . import proceed, prompt, render
from .turn import Decision

if TYPE_CHECKING:
    from bot.domain.events import Event

    from .listen import Heard
    from .turn import Turn

WISH = "wants-forgotten"
LONGEST = 24
"""Characters of a message that is nothing but this wish: a story in which something was deleted is longer, and is about something else."""


def is_wished(shown: Heard) -> bool:
    """Whether a message is the wish, and no answer or story in which the same words stand."""
    return shown.signals(WISH) and len(shown.understanding.text) <= LONGEST and not shown.understanding.findings


def ask(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """What would be deleted, what that means for an open ticket, and whether it shall be."""
    ticket = state.ticket
    told = [*lead, turn.words("forget-ask")]
    if ticket is not None and ticket.is_active:
        told.append(turn.words("forget-open", number=ticket.number))
    state = replace(state, forgetting=True)
    return Decision(conversation=state, effects=(turn.say([*told, turn.words("forget-confirm")], prompt.choices(turn.kb, state)),))


def answered(asked: Conversation, event: Event, turn: Turn) -> Decision | None:
    """What comes of the answer to this question; None for anything else, which takes the question back. Only the button or its words are an answer."""
    choice = _choice(asked, event, turn)
    state = replace(asked, forgetting=False)
    if choice == render.FORGET:
        return ask(state, turn, []) if not asked.forgetting else forgotten(state, turn, Actor())
    if choice != render.KEEP or not asked.forgetting:
        return None
    words = [turn.words("forget-kept")]
    return Decision(conversation=state, effects=(turn.say(words),)) if state.phase is Phase.WITH_STAFF else proceed.again(state, turn, words)


def _choice(asked: Conversation, event: Event, turn: Turn) -> str:
    if isinstance(event, Chose):
        return event.choice
    if not isinstance(event, Said) or turn.heard is None or not asked.forgetting:
        return ""
    said = turn.heard.text.strip(" .!\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH EXCLAMATION MARK}")
    return next((choice.id for choice in render.forget_choices(turn.kb) if choice.label == said), "")


def forgotten(state: Conversation, turn: Turn, actor: Actor, reason: str = "") -> Decision:
    """Everything goes; what is said of it is the first line of a new conversation."""
    return Decision(conversation=Conversation(id=state.id), effects=(Forget(actor=actor, reason=reason), turn.say([turn.words("forgotten")])))
