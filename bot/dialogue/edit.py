"""A message that is changed after it was sent: what it did is taken back, and it is heard anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase

if TYPE_CHECKING:
    from collections.abc import Container

    from bot.domain.conversation import Conversation


def changes(before: Conversation, after: Conversation) -> tuple[tuple[str, str, str | None], ...]:
    """What a text told: (table, key, value before)."""
    tables = {"findings": (before.findings, after.findings), "slots": (before.slots, after.slots)}
    return tuple(
        (table, key, dict(old).get(key))
        for table, (old, new) in tables.items()
        for key in {**dict(old), **dict(new)}
        if dict(old).get(key) != dict(new).get(key)
    )


def unsaid(state: Conversation) -> Conversation:
    """The conversation as it was before the last text. What came after that text stays: turns, attachments, a ticket, and answers that were tapped; after
    a tap or a ticket only what the text told is taken back, because it has been acted upon.
    """
    if state.before is not None and state.phase is not Phase.WITH_STAFF:
        return replace(
            state.before, turns=state.turns, attachments=state.attachments, album=state.album, ticket=state.ticket, tickets=state.tickets,
            last_at=state.last_at,
        )  # fmt: skip
    return replace(taken_back(state), undo=())


def taken_back(state: Conversation, keys: Container[str] | None = None) -> Conversation:
    """The state without what the last text told: all of it, or only these answers and details."""
    tables = {"findings": state.findings, "slots": state.slots}
    for table, key, value in state.undo:
        if keys is None or key in keys:
            rest = tuple(pair for pair in tables[table] if pair[0] != key)
            tables[table] = rest if value is None else (*rest, (key, value))
    return replace(state, findings=tables["findings"], slots=tables["slots"])
