"""What a message adds to what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase, put

from .collect import details

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation
    from bot.domain.understanding import Understanding

    from .turn import Turn

LONGEST_WORDS = 30
"""Characters of the merchant's own words that staff see first (domain brief, C6)."""
SCREEN = "screen_text"
"""The slot for what the terminal shows."""
ONE_OF_MANY = {"amount", "txn_time", "txn_type"}
"""Details that any message may mention again: the first one stays unless it is corrected, or details are asked for."""


def absorb(state: Conversation, turn: Turn, heard: Understanding) -> Conversation:
    """Everything that a message tells without being asked: details, answers, tones, the merchant's words, what the screen shows.

    An answer that is put in doubt is taken back.
    """
    findings = tuple(pair for pair in state.findings if pair[0] not in heard.doubted)
    for finding in heard.findings:
        findings = put(findings, finding.answer.question, finding.answer.option)
    slots, corrects = state.slots, state.phase is Phase.COLLECTING or bool({"correction", "no"} & set(heard.signals))
    for slot, value in details(turn.kb, heard):
        if corrects or slot not in ONE_OF_MANY or slot not in dict(slots):
            slots = put(slots, slot, value)
    if heard.screen and SCREEN in turn.kb.slots:
        slots = put(slots, SCREEN, heard.screen)
    return replace(
        state,
        findings=findings,
        slots=slots,
        waiting=state.waiting or "customer-waiting" in heard.signals,
        angry=state.angry or "angry" in heard.signals,
        desperate=state.desperate or "desperate" in heard.signals,
        words=words(state, turn, heard),
    )


def words(state: Conversation, turn: Turn, heard: Understanding) -> str:
    """The merchant's own words about the trouble, from the first message that is about it, as far as there is room."""
    first = heard.topics[0]
    business = first.topic in turn.kb.topics and turn.kb.topics[first.topic].is_business and first.probability >= 0.5
    said = " ".join(heard.text.split())
    if not (business or state.words) or (state.words and not business) or said in state.words:
        return state.words
    return f"{state.words} {said}".strip()[:LONGEST_WORDS]
