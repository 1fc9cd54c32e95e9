"""What a text does while details are collected for staff."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import put
from bot.domain.tickets import Reason

from . import opening, proceed, prompt, staff
from .absorb import LONGEST_WORDS
from .clarify import Outcome
from .collect import fill, missing

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation
    from bot.domain.knowledge import Slot

    from .listen import Heard
    from .turn import Decision, Turn


def told(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text while a detail is asked for: its value, or something else that must not be taken for one."""
    if state.expecting == prompt.STORY:
        return _story(state, turn, lead)
    if state.topic and proceed.must_hand_over(turn.kb, state) is Reason.DANGER:
        return staff.hand_over(state, turn, Reason.DANGER, lead)
    if graver := opening.graver(state, turn):
        return _graver(state, turn, graver, lead)
    if shown.signals("second-problem") and (aside := _beside(state, turn))[1]:
        return proceed.again(aside[0], turn, [*lead, *aside[1]])
    if state.expecting == prompt.CONFIRM:
        return _confirmed(state, turn, shown, lead)
    if shown.works and not shown.understanding.findings:
        return proceed.solved(state, turn)
    if shown.signals("angry"):
        return staff.open_ticket(state, turn, lead)
    wanted = prompt.slot(turn.kb, state)
    return _for_slot(state, turn, shown, lead, wanted) if wanted else staff.collect(state, turn, lead)


def _confirmed(state: Conversation, turn: Turn, shown: Heard, lead: list[str]) -> Decision:
    """A text where what was noted is to be confirmed: a correction is noted and confirmed again, a mere no asks for it, anything else goes to staff."""
    if shown.understanding.entities:
        return staff.collect(replace(state, expecting=None), turn, [*lead, turn.words("noted")])
    if shown.signals("no", "correction"):
        return staff.ask_what_is_wrong(state, turn, lead)
    state, beside = _beside(state, turn)
    return staff.open_ticket(state, turn, [*lead, *beside])


def _beside(state: Conversation, turn: Turn) -> tuple[Conversation, list[str]]:
    """Another matter that comes up now is noted for staff, or refused; and what is said about it."""
    assert turn.heard is not None
    other = opening.other_trouble(state, turn)
    if other is None or len(turn.heard.text) < opening.SHORTEST_SECOND:
        return state, []
    if turn.kb.topics[other].refuses:
        return state, proceed.refusal(turn, state, turn.kb.topics[other])
    return proceed.put_aside(state, other), [turn.words("parked-for-staff", topic=turn.kb.topics[other].title)]


def _graver(state: Conversation, turn: Turn, topic: str, lead: list[str]) -> Decision:
    """Something graver comes up while staff are being called: they get it, with what was said before as another trouble."""
    parked = tuple(id for id in (*state.parked, state.topic) if id and id != topic)
    moved = replace(proceed.fresh(state), topic=topic, visited=(*state.visited, topic), parked=parked, turns=state.turns)
    reason = proceed.must_hand_over(turn.kb, moved) or Reason(state.handing_over or Reason.WISH)
    return staff.hand_over(moved, turn, reason, [*lead, turn.kb.topics[topic].first_aid])


def _for_slot(state: Conversation, turn: Turn, shown: Heard, lead: list[str], wanted: Slot) -> Decision:
    """The value of the detail, 不知道, another detail, or a text that is none: then it is asked for once more."""
    if shown.unable and wanted.where and not state.confusions:
        return proceed.again(replace(state, confusions=1), turn, [*lead, turn.words("where", where=wanted.where)])
    if shown.signals("not-know") or shown.unable:
        return staff.collect(_skipping(state, wanted), turn, [*lead, turn.words("not-know")])
    topic = turn.kb.topics.get(state.topic or "")
    if wanted.kind == "photo" and topic and wanted.id not in missing(turn.kb, state, topic):
        return staff.collect(state, turn, lead)
    if value := fill(wanted, shown.understanding):
        return staff.collect(replace(state, slots=put(state.slots, wanted.id, value), confusions=0), turn, lead)
    return _no_value(state, turn, shown, lead, wanted)


def _skipping(state: Conversation, slot: Slot) -> Conversation:
    return replace(state, skipped=(*state.skipped, slot.id), confusions=0)


def _no_value(state: Conversation, turn: Turn, shown: Heard, lead: list[str], wanted: Slot) -> Decision:
    """A text that is not the detail: another one, another matter, a courtesy; the detail is asked for once more, then skipped."""
    if shown.understanding.entities:
        return proceed.again(state, turn, [*lead, turn.words("noted")])
    state, beside = _beside(state, turn)
    if beside:
        return proceed.again(state, turn, [*lead, *beside])
    if state.confusions:
        return staff.collect(_skipping(state, wanted), turn, lead)
    if shown.signals(*opening.COURTESIES):
        lead = [*lead, opening.courtesy(turn)]
    return proceed.again(replace(state, confusions=1), turn, lead or [turn.words("no-detail")])


def _story(state: Conversation, turn: Turn, lead: list[str]) -> Decision:
    """What a merchant who wants a human says it is about: the topic routes it."""
    assert turn.heard is not None
    found = opening.interpret(state, turn)
    clear = found.topics[0] if found.outcome is Outcome.ANSWER and turn.kb.topics[found.topics[0]].causes else None
    likely = clear or opening.alarming(state, turn) or opening.likeliest_trouble(turn)
    topic = proceed.leads_to(turn.kb, state, likely) if likely else None
    aid = [turn.kb.topics[topic].first_aid] if topic else []
    state = replace(state, topic=topic, words=state.words or turn.heard.text.replace("\n", " ")[:LONGEST_WORDS])
    reason = proceed.must_hand_over(turn.kb, state) if topic else None
    return staff.hand_over(state, turn, Reason.DANGER if reason is Reason.DANGER else Reason.WISH, [*lead, *aid])
