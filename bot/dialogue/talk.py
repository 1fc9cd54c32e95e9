"""What a text does while a trouble is at hand: a question or a step is open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase
from bot.domain.tickets import Reason, Result

from . import money, opening, proceed, prompt, remarks, render, staff, tap

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation

    from .listen import Heard
    from .turn import Decision, Turn


def told(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text while a question or a step is open. The gravest reading comes first, then what was asked for, then anything else."""
    explained = remarks.code(turn)
    if _tells(state, turn) and proceed.destination(turn.kb, state):
        return proceed.advance(state, turn, [*lead, *explained])
    if graver := opening.graver(state, turn):
        return _switch(state, turn, graver, lead)
    other = opening.other_trouble(state, turn)
    if other and shown.signals("second-problem"):
        return _second(state, turn, other, [*lead, *explained])
    if shown.question and (option := shown.answer):
        return tap.option(state, turn, shown.question.id, option, [*lead, *explained])
    if decision := _reported(state, turn, shown, [*lead, *explained]):
        return decision
    if _tells(state, turn):
        return proceed.advance(replace(state, confusions=0), turn, [*lead, *(explained or [turn.words("answer-noted")])])
    if other and len(shown.understanding.text) >= opening.SHORTEST_SECOND and not lead:
        return _second(state, turn, other, explained)
    return _beside(state, turn, shown, [*lead, *explained])


def _reported(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision | None:
    """What came of the open step, or that the answer is not known; None when it says neither."""
    doing = prompt.step(turn.kb, state)
    if shown.works and not _about_money(turn):
        return proceed.solved(state, turn)
    if shown.unable and (advice := opening.advice(turn)):
        return proceed.again(state, turn, [*lead, *advice])
    if doing and shown.unable:
        return proceed.detail(state, turn)
    if doing and shown.fails:
        return proceed.failed(replace(state, confusions=0), turn, Result.FAILED, [*lead, turn.words("still-broken")])
    if shown.signals("not-know") or (shown.question and shown.unable):
        return proceed.detail(state, turn) if doing else tap.unknown(state, turn, shown.question.id if shown.question else "", lead)
    return None


def _tells(state: Conversation, turn: Turn) -> bool:
    """Whether it answers, or takes back, something that matters to this trouble."""
    assert turn.heard is not None
    assert state.topic is not None
    said = {*(finding.answer.question for finding in turn.heard.findings), *turn.heard.doubted}
    return bool(said & money.questions(turn.kb, turn.kb.topics[state.topic]))


def _about_money(turn: Turn) -> bool:
    """Whether it answers a question about the money: good news of the machine is then not all that it says."""
    assert turn.heard is not None
    return any(turn.kb.questions[finding.answer.question].money for finding in turn.heard.findings)


def _beside(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text that is no answer to the open prompt: something volunteered, a courtesy, the same trouble once more, or not understood."""
    if lead:
        return proceed.again(state, turn, lead)
    if shown.understanding.entities:
        return proceed.again(state, turn, [turn.words("noted")])
    if shown.signals(*opening.COURTESIES):
        return proceed.again(state, turn, [opening.courtesy(turn)])
    if answer := opening.in_passing(turn):
        return proceed.again(state, turn, answer)
    if shown.fails or (shown.understanding.topics and shown.understanding.topics[0].topic == state.topic):
        return proceed.again(state, turn, [turn.words("heard-same")])
    if state.confusions:
        return staff.hand_over(state, turn, Reason.LOST, [turn.words("lost")])
    return proceed.again(replace(state, confusions=1), turn, [turn.words("not-understood")])


def _second(state: Conversation, turn: Turn, other: str, lead: list[str]) -> Decision:
    """The other matter waits. What is refused is refused in passing, unless somebody only asks whether to charge again."""
    if turn.kb.topics[other].refuses:
        return proceed.again(state, turn, lead or proceed.refusal(turn, state, turn.kb.topics[other]))
    return proceed.again(proceed.put_aside(state, other), turn, [*lead, turn.words("parked", topic=turn.kb.topics[other].title)])


def _switch(state: Conversation, turn: Turn, graver: str, lead: list[str]) -> Decision:
    """Money and danger first: the graver trouble goes on, the one at hand waits."""
    assert state.topic is not None
    title = turn.kb.topics[state.topic].title
    state = replace(state, parked=(*(id for id in state.parked if id not in {graver, state.topic}), state.topic))
    return proceed.enter(state, turn, graver, [*lead, turn.words("switched", topic=title)])


def returned(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """Somebody comes back after hours: an answer goes on where it stopped, anything else is met with the question whether it is still the same."""
    doing = prompt.step(turn.kb, state)
    grave = opening.graver(state, turn) or (_tells(state, turn) and proceed.must_hand_over(turn.kb, state))
    if shown.answer or shown.works or (doing and (shown.fails or shown.unable)) or grave:
        return told(state, turn, shown, lead)
    if other := opening.other_trouble(state, turn):
        return proceed.enter(proceed.with_open_money(state, turn), turn, other, lead)
    title = turn.kb.topics[state.topic].title if state.topic else ""
    left = state.left if state.expecting == prompt.RESUME else state.expecting
    state = replace(state, phase=Phase.CHOOSING, expecting=prompt.RESUME, left=left)
    return proceed.again(state, turn, [*lead, turn.words("resume-ask", topic=title)])


def resumed(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """What was written instead of saying whether it is still the same."""
    if other := opening.graver(state, turn) or opening.other_trouble(state, turn):
        return proceed.enter(proceed.with_open_money(state, turn), turn, other, lead)
    if shown.works:
        return proceed.solved(state, turn)
    if shown.signals("no") and not _tells(state, turn):
        return opening.offer(proceed.fresh(state), turn, render.menu(turn.kb), [*lead, turn.words("menu-title")])
    return proceed.advance(state, turn, lead) if _tells(state, turn) else proceed.resume(state, turn, lead)
