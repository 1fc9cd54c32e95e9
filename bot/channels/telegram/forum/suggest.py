"""What `/kb` finds: words that staff send often, each with a button that sends them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.channels.console import ticket
from bot.channels.telegram.keyboards import Button

from . import card
from .buttons import mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.knowledge import Canned, KnowledgeBase
    from bot.domain.staff import Member
    from bot.service.desk import File

    from .buttons import Buttons
    from .card import Drawing

SEND = "k"
"""What stands in the callback data of a button that sends words."""
MOST, SHOWN = 5, 60
"""Suggestions, and characters of each that are shown."""


def found(kb: KnowledgeBase, words: str, topic: str | None) -> Sequence[Canned]:
    """What has all of these words in it, or most of their characters; of the ticket's topic first, and what has them in its title."""
    wanted = [word for word in words.lower().split() if word]
    if not wanted:
        return ()
    scored = [(_score(canned, wanted), place, canned) for place, canned in enumerate(ticket.suggested(kb, topic))]
    return [canned for score, _, canned in sorted(scored, key=lambda each: (-each[0], each[1])) if score > 0][:MOST]


def told(head: str, found: Sequence[Canned]) -> str:
    """What was found, numbered like its buttons."""
    return "\n".join([head, *(f"{number}. {canned.title}: {' '.join(canned.text.split())[:SHOWN]}" for number, canned in enumerate(found, 1))])


def rows(buttons: Buttons, file: File, found: Sequence[Canned]) -> Sequence[Sequence[Button]]:
    """A button for each."""
    return [
        [Button(label=f"{number}. {canned.title}"[: card.LABEL], data=buttons.data(SEND, file.row.id, canned.id))] for number, canned in enumerate(found, 1)
    ]


def text(draw: Drawing, file: File, member: Member, marked: str) -> str:
    """The words that a button sends, with what is known of the ticket; empty when they are not there any more."""
    canned = next((canned for canned in draw.kb.canned if mark(canned.id) == marked), None)
    return ticket.filled(draw.kb, canned, member, file) if canned else ""


def _score(canned: Canned, wanted: Sequence[str]) -> float:
    title, whole = canned.title.lower(), f"{canned.title}\n{canned.text}".lower()
    if all(word in whole for word in wanted):
        return 2.0 + sum(word in title for word in wanted)
    characters = set("".join(wanted))
    share = len(characters & set(whole)) / len(characters)
    return share if share >= 0.6 and len(characters) > 1 else 0.0
