"""What is sent besides text: acknowledged by its kind, or refused by it; and what could not be kept after all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase

from . import proceed, prompt, reach, staff
from .collect import PICTURES
from .turn import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.conversation import Conversation

    from .turn import Turn

RECEIVED = {
    "photo": "photo-received",
    "voice": "voice-received",
    "audio": "voice-received",
    "document": "document-received",
    "video": "video-received",
    "video_note": "video-received",
    "animation": "video-received",
    "location": "location-received",
}
REFUSED = {
    "too-large": "too-large",
    "sticker": "emoji-only",
    "contact": "contact-refused",
}
"""The words for what cannot be kept; other kinds have the same ones."""


def thanks(kind: str) -> str:
    """The words for what staff get."""
    return "received" if kind == "photo" else "received-file"


def received(state: Conversation, turn: Turn, kind: str, lead: Iterable[str], *, quietly: bool) -> Decision:
    """Kept: the answer to the detail that was asked for, if that is a photo; `quietly` for a further one of an album."""
    wanted = prompt.slot(turn.kb, state)
    if wanted and wanted.kind == "photo" and kind in PICTURES:
        return staff.collect(state, turn, [*lead, turn.words(thanks(kind))])
    if quietly:
        return Decision(conversation=state)
    return proceed.again(state, turn, [*lead, turn.words(RECEIVED.get(kind, "document-received"))])


def refused(state: Conversation, turn: Turn, kind: str, lead: Iterable[str]) -> Decision:
    """Not kept: why, and what to do instead."""
    words = [*lead, turn.words(REFUSED.get(kind, "kind-refused"))]
    return Decision(conversation=state, effects=(turn.say(words),)) if state.phase is Phase.WITH_STAFF else proceed.again(state, turn, words)


def lost(state: Conversation, turn: Turn, name: str) -> Decision:
    """Something that was acknowledged could not be fetched: the merchant is asked for it again, and staff know that it is not there."""
    state = replace(state, attachments=tuple(pair for pair in state.attachments if pair[0] != name))
    return Decision(conversation=state, effects=(*reach.note(state, turn, "photo-lost-note"), turn.say([turn.words("photo-lost")])))
