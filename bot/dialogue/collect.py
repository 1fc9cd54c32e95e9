"""The transaction data that a topic needs: what is known, what is missing, and what a message adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from bot.domain.conversation import put
from bot.domain.knowledge import Mask

from .clarify import SURE

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation, Pairs
    from bot.domain.knowledge import KnowledgeBase, Slot, Topic
    from bot.domain.understanding import Understanding

LONGEST_VALUE, LONGEST_NAME = 60, 24
PICTURES = {"photo", "document"}
GENERAL = ("amount", "txn_time")
"""Slots that the readers fill from any text."""
TAIL_LENGTH = 4
_DAY = len("2026-11-24")
FREE = {"text", "choice", "number"}
"""Kinds that no reader finds by itself: the whole message is the value."""
NAME = "name"
"""A short value that is no sentence, such as a model or a bank."""
TONES = frozenset(
    {"angry", "asks-progress", "cannot", "desperate", "fails", "goodbye", "greeting", "no", "not-know", "own-refund", "still-broken", "thanks"}
    | {"wants-human", "wants-recharge", "who-are-you", "works", "yes"}
)
"""Signals and cues of messages that are about the conversation, not a detail."""


def _question(slot: str) -> str:
    """The question that asks the same as a slot: pos_record is pos-record."""
    return slot.replace("_", "-")


def values(kb: KnowledgeBase, conversation: Conversation) -> Pairs:
    """Everything known by slot, answers to the questions of the same name included. An amount or a moment that was said by the way is the one that the topic
    needs: 扣了99 is the fee in a trouble about fees.
    """
    known = dict(conversation.slots)
    answered = {slot: option for slot in kb.slots for question, option in conversation.findings if question == _question(slot)}
    topic = kb.topics.get(conversation.topic or "")
    wanted = topic.must_collect if topic else ()
    for general in GENERAL:
        own = next((slot for slot in wanted if slot in kb.slots and general in kb.slots and kb.slots[slot].kind == kb.slots[general].kind), None)
        if own and own not in known and general in known and general not in wanted:
            known[own] = known.pop(general)
    return tuple({**answered, **known}.items())


def masked(slot: Slot, value: str) -> str:
    """A value as it may be shown: the last four characters, or nothing, where the editors say so."""
    match slot.mask:
        case Mask.NONE:
            return value
        case Mask.TAIL:
            return f"***{value[-TAIL_LENGTH:]}" if len(value) > TAIL_LENGTH else value
        case Mask.HIDDEN:
            return "***"
        case _:
            assert_never(slot.mask)


def missing(kb: KnowledgeBase, conversation: Conversation, topic: Topic) -> tuple[str, ...]:
    """Slots that this topic must have and nobody has given or skipped, in the editors' order."""
    known = {slot for slot, _ in values(kb, conversation)} | set(conversation.skipped)
    return tuple(slot for slot in topic.must_collect if slot in kb.slots and slot not in known and not _pictured(kb.slots[slot], conversation))


def _pictured(slot: Slot, conversation: Conversation) -> bool:
    """Whether it is a photo, and a picture was sent."""
    return slot.kind == "photo" and any(kind in PICTURES for _, kind in conversation.attachments)


def details(kb: KnowledgeBase, heard: Understanding) -> Pairs:
    """The details in a message by slot, the last one of each. A slot of the same kind that a topic names otherwise is filled by `fill`."""
    found: Pairs = ()
    for entity in heard.entities:
        if entity.slot in kb.slots:
            found = put(found, entity.slot, entity.value)
    return found


def fill(slot: Slot, heard: Understanding) -> str | None:
    """What a message gives for the slot that was just asked for; None when nothing in it can be meant."""
    for entity in heard.entities:
        if slot.id == entity.slot or _fits(slot.kind, entity.slot, entity.value):
            return entity.value[:_DAY] if slot.kind == "date" else entity.value
    if slot.kind == "choice":
        named = [option for option in slot.options if option in heard.text]
        return named[0] if len(named) == 1 else None
    if slot.kind == NAME:
        return heard.text if _may_be_a_name(heard) else None
    return heard.text if slot.kind in FREE and _may_be_a_value(heard) else None


def _may_be_a_value(heard: Understanding) -> bool:
    """Whether a text that no reader knows may be taken as it is: a question, a curse or a courtesy is no detail."""
    return 0 < len(heard.text) <= LONGEST_VALUE and not heard.asks and TONES.isdisjoint(heard.signals)


def _may_be_a_name(heard: Understanding) -> bool:
    """Whether it may be a name: short, and nothing that says something about the trouble."""
    return _may_be_a_value(heard) and len(heard.text) <= LONGEST_NAME and not heard.findings and heard.topics[0].probability < SURE


def _fits(kind: str, found: str, value: str) -> bool:
    """Whether a detail that was read as `found` is of this kind: a moment is also a date."""
    return kind == found or (kind in {"moment", "date"} and found == "txn_time" and bool(value))
