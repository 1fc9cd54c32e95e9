"""What a button does. Ids come from outside: an old one is met with the current prompt, an invented one with a friendly word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase, put
from bot.domain.tickets import Reason, Result

from . import opening, proceed, prompt, render, staff

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation

    from .turn import Decision, Turn

OFFERS_OPEN = {Phase.IDLE, Phase.CHOOSING, Phase.RATING}


def chose(state: Conversation, turn: Turn, choice: str, lead: list[str]) -> Decision:
    """The move after a tap."""
    kind, _, rest = choice.partition(":")
    id, _, value = rest.partition("=")
    match kind:
        case "topic" if state.phase in OFFERS_OPEN and id in turn.kb.topics:
            return proceed.enter(state, turn, id, lead)
        case "none" if state.expecting == prompt.TOPIC:
            return opening.unclear(state, turn, lead)
        case "option" if _answers(state, turn, id, value):
            return option(state, turn, id, value, lead)
        case "unknown" if state.expecting == f"question:{id}":
            return unknown(state, turn, id, lead)
        case "step" if state.expecting == f"step:{id}":
            return _stepped(state, turn, value, lead)
        case "resume" if state.expecting == prompt.RESUME:
            return _resumed(state, turn, id, lead)
        case _:
            return _collecting(state, turn, kind, id, value, lead) or stale(state, turn, lead)


def _answers(state: Conversation, turn: Turn, question: str, value: str) -> bool:
    """Whether it answers something that was asked about this trouble: the open question, or an earlier one that is corrected."""
    doing = prompt.step(turn.kb, state)
    asked = question in state.asked or (doing is not None and doing.then == question)
    return state.phase in {Phase.DIAGNOSING, Phase.GUIDING} and asked and question in turn.kb.questions and value in turn.kb.questions[question].options


def option(state: Conversation, turn: Turn, question: str, value: str, lead: list[str]) -> Decision:
    """A question is answered; if the open step showed it, the step is done."""
    doing = prompt.step(turn.kb, state)
    if doing and doing.then == question:
        state = replace(state, steps=put(state.steps, doing.id, Result.ANSWERED))
    if (question, value) not in state.findings and (aid := turn.kb.questions[question].aid.get(value)):
        lead = [*lead, *([] if aid in lead else [aid])]
    unknown = tuple(id for id in state.unknown if id != question)
    state = replace(state, findings=put(state.findings, question, value), unknown=unknown, confusions=0)
    return proceed.advance(state, turn, lead)


def unknown(state: Conversation, turn: Turn, question: str, lead: list[str]) -> Decision:
    """不知道 is no evidence."""
    return proceed.advance(replace(state, unknown=(*state.unknown, question), confusions=0), turn, [*lead, turn.words("not-know")])


def _stepped(state: Conversation, turn: Turn, result: str, lead: list[str]) -> Decision:
    if result == "solved":
        return proceed.solved(state, turn)
    if result == "failed":
        return proceed.failed(replace(state, confusions=0), turn, Result.FAILED, [*lead, turn.words("still-broken")])
    if result == "how":
        return proceed.detail(state, turn)
    return stale(state, turn, lead)


def _resumed(state: Conversation, turn: Turn, said: str, lead: list[str]) -> Decision:
    """Back after hours: on with the same, or something else."""
    if said == "yes":
        return proceed.resume(state, turn, lead)
    return opening.offer(proceed.fresh(state), turn, render.menu(turn.kb), [*lead, turn.words("menu-title")])


def _collecting(state: Conversation, turn: Turn, kind: str, slot: str, value: str, lead: list[str]) -> Decision | None:
    """Buttons under a detail that is asked for; None when it is another one's."""
    if state.phase is not Phase.COLLECTING:
        return None
    if kind == "confirm" and state.expecting == prompt.CONFIRM:
        return staff.ask_what_is_wrong(state, turn, lead)
    if kind == "send":
        return staff.open_ticket(replace(state, handing_over=state.handing_over or Reason.WISH), turn, lead)
    if slot not in turn.kb.slots:
        return None
    if kind == "skip":
        return staff.collect(replace(state, skipped=(*state.skipped, slot)), turn, lead)
    if kind == "slot" and value in turn.kb.slots[slot].options:
        return staff.collect(replace(state, slots=put(state.slots, slot, value)), turn, lead)
    return None


def stale(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """A button of an earlier message: a friendly word, and what is open now."""
    return proceed.again(state, turn, lead or [turn.words("old-button")])
