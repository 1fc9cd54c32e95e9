"""The transaction data that a topic needs: what is known, what is missing, and what a message adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.conversation import put

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation, Pairs
    from bot.domain.knowledge import KnowledgeBase, Slot, Topic
    from bot.domain.understanding import Understanding

LONGEST_VALUE = 60
_DAY = len("2026-11-24")
FREE = {"text", "choice", "number"}
"""Kinds that no reader finds by itself: the whole message is the value."""
TONES = frozenset(
    {"angry", "asks-progress", "cannot", "desperate", "fails", "goodbye", "greeting", "no", "not-know", "own-refund", "still-broken", "thanks"}
    | {"wants-human", "wants-recharge", "who-are-you", "works", "yes"}
)
"""Signals and cues of messages that are about the conversation, not a detail."""


def _question(slot: str) -> str:
    """The question that asks the same as a slot: pos_record is pos-record."""
    return slot.replace("_", "-")


def values(kb: KnowledgeBase, conversation: Conversation) -> Pairs:
    """Everything known by slot, answers to the questions of the same name included."""
    known = dict(conversation.slots)
    answered = {slot: option for slot in kb.slots for question, option in conversation.findings if question == _question(slot)}
    return tuple({**answered, **known}.items())


def missing(kb: KnowledgeBase, conversation: Conversation, topic: Topic) -> tuple[str, ...]:
    """Slots that this topic must have and nobody has given or skipped, in the editors' order."""
    known = {slot for slot, _ in values(kb, conversation)} | set(conversation.skipped)
    return tuple(slot for slot in topic.must_collect if slot in kb.slots and slot not in known and not _pictured(kb.slots[slot], conversation))


def _pictured(slot: Slot, conversation: Conversation) -> bool:
    """Whether it is a photo, and one was sent."""
    return slot.kind == "photo" and bool(conversation.attachments)


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
    return heard.text if slot.kind in FREE and _may_be_a_value(heard) else None


def _may_be_a_value(heard: Understanding) -> bool:
    """Whether a text that no reader knows may be taken as it is: a question, a curse or a courtesy is no name of a shop."""
    return 0 < len(heard.text) <= LONGEST_VALUE and not heard.asks and TONES.isdisjoint(heard.signals)


def _fits(kind: str, found: str, value: str) -> bool:
    """Whether a detail that was read as `found` is of this kind: a moment is also a date."""
    return kind == found or (kind in {"moment", "date"} and found == "txn_time" and bool(value))
