"""What both stores do alike with rows and with texts, so that a conversation is the same in each of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.domain.messages import Address
from bot.domain.staff import Member, Role
from bot.service.ports import WITHDRAWN, Outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.audit import Entry
    from bot.service.ports import Kept, Logged

LONGEST_KEY = 500
"""Characters of an id from outside; PostgreSQL refuses index entries of more than 2704 bytes."""

NEWEST, MOST = 20_000, 50
"""Entries of the audit among which withdrawn tickets are looked for, and such tickets that are told."""
TICKET_CHANGES = (
    "status", "urgency", "topic", "team", "owner", "code", "acquirer", "state", "changed", "waiting", "due", "answered", "solved", "respond_by", "late",
    "overran", "cause", "bot_right", "terminal",
)  # fmt: skip
"""Columns of a ticket that an event may change; the packet is kept when it comes empty."""
TICKET = ("public_id", "number", "origin", "reason", "opened", "previous", "bot_topic", "bot_cause", "packet", *TICKET_CHANGES)
"""All of them, in the order of `ticket_values`, which begin with the conversation."""


def ticket_values(ticket: Kept, conversation: int) -> tuple[Any, ...]:
    """A ticket for its row."""
    fixed = (ticket.public_id, ticket.number, ticket.event, ticket.reason, ticket.opened, ticket.previous, ticket.bot_topic, ticket.bot_cause,
             storable(ticket.packet))  # fmt: skip
    return (conversation, *fixed, *(_column(getattr(ticket, name)) for name in TICKET_CHANGES))


def logged_values(deed: Logged, conversation: int) -> tuple[Any, ...]:
    """A deed for its row; conversation and number name the ticket."""
    return (deed.event, deed.actor, deed.act, deed.done, storable(deed.detail), deed.at, conversation, deed.number)


def entry_values(entry: Entry) -> tuple[Any, ...]:
    """An entry of the audit for its row."""
    return (entry.at, storable(entry.actor), storable(entry.what), storable(entry.subject), storable(entry.detail))


def forgetting(entry: Entry, tickets: Sequence[Sequence[Any]]) -> list[Entry]:
    """What the audit keeps when everything of a chat is deleted, from (number, owner, whether it is open) of its tickets."""
    whole = replace(entry, subject=" ".join(number for number, _, _ in tickets))
    return [whole, *(replace(entry, what=WITHDRAWN, subject=number, detail=owner or "") for number, owner, is_open in tickets if is_open)]


def _column(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def storable(text: str) -> str:
    r"""The text with JSON escapes for what no UTF-8 column keeps, NUL and lone surrogates: a JSON text still means the same.

    PostgreSQL refuses both; SQLite cuts a text short at NUL and cannot read surrogates back, so that one message would stop all others.
    """
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()


def key(text: str) -> str:
    """An id from outside as it is kept: storable, and short enough for an index. Two ids stay two ids."""
    kept = storable(text)
    if len(kept) <= LONGEST_KEY:
        return kept
    return f"{kept[: LONGEST_KEY - 65]}~{hashlib.sha256(kept.encode()).hexdigest()}"


OUTGOING = "o.id, c.channel, c.chat, c.public_id, o.message, m.body, o.dedupe, o.tries, o.created, o.maybe_duplicate"
"""What is read of a line that waits (`o` in the outbox, of the conversation `c`, as the message `m`)."""


def outgoing(row: Sequence[Any]) -> Outgoing:
    """A line that waits for its chat, from the columns `OUTGOING`."""
    id, channel, chat, conversation, message, body, dedupe, tries, created, maybe = row
    return Outgoing(
        id=id, address=Address(channel=channel, chat=chat), conversation=conversation, message=message, body=body, dedupe=dedupe, tries=tries, created=created,
        maybe_duplicate=bool(maybe),
    )  # fmt: skip


def member(row: Sequence[Any]) -> Member:
    """Somebody with an account, from these columns in this order."""
    login, name, role, groups, on_duty, disabled, must_change, created, telegram = row
    return Member(
        login=login, name=name, role=Role(role), groups=tuple(json.loads(groups)), on_duty=bool(on_duty), disabled=bool(disabled),
        must_change=bool(must_change), created=created, telegram=telegram,
    )  # fmt: skip
