"""The state of one conversation: a frozen value that survives JSON and a change of the knowledge base under it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Mapping

Pairs = tuple[tuple[str, str], ...]
"""A small ordered mapping; the latest value of a key stands last and is the only one."""


class Phase(StrEnum):
    """Where a conversation stands."""

    IDLE = "idle"
    CHOOSING = "choosing-topic"
    DIAGNOSING = "diagnosing"
    GUIDING = "guiding"
    COLLECTING = "collecting"
    WITH_STAFF = "with-staff"
    RATING = "rating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is known and what is expected next.

    `expecting` names the open prompt: `topic`, `question:<id>`, `step:<id>`, `slot:<id>`, `story`, `confirm`, `resume` or `rating`; `left` is the one that
    was open before `resume`. `visited` are the topics of this trouble. `findings` are answers by question, the latest last; `unknown` the questions
    answered with 不知道, `asked` all that were asked about this topic, `in_row` how many of them without a step between. `closing`: the merchant said that
    it is over, and was asked what became of the money. `odds` are the topics' probabilities while one is being chosen. `words` are the merchant's own, at
    most 30 characters. `attachments` are (name, kind). `consent`: whether staff may telephone. `ticket` is the latest one, `tickets` how many there
    were. `acknowledged`: it was said that staff hear everything. `forgetting`: whether everything shall be deleted was asked just now. `undo` is what the last
    text told, (table, key, value before), `before` the state before it (without the ticket) until something else happens: an edit of it takes both back. `mark`
    is what the channel calls that text, `tapped` the prompt and the choice of the last event if it was a tap, `album` that of the last attachment.
    `unreachable`: what was said last did not arrive. `last_at` is the merchant's wall clock.
    """

    id: str = "local"
    phase: Phase = Phase.IDLE
    topic: str | None = None
    visited: tuple[str, ...] = ()
    expecting: str | None = None
    left: str | None = None
    odds: tuple[tuple[str, float], ...] = ()
    offered: tuple[str, ...] = ()
    findings: Pairs = ()
    asked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    reasked: str | None = None
    in_row: int = 0
    steps: Pairs = ()
    explained: tuple[str, ...] = ()
    detailed: str | None = None
    closing: bool = False
    slots: Pairs = ()
    skipped: tuple[str, ...] = ()
    collected: int = 0
    handing_over: str | None = None
    attachments: Pairs = ()
    parked: tuple[str, ...] = ()
    words: str = ""
    turns: int = 0
    confusions: int = 0
    waiting: bool = False
    angry: bool = False
    desperate: bool = False
    acknowledged: bool = False
    forgetting: bool = False
    undo: tuple[tuple[str, str, str | None], ...] = ()
    before: Conversation | None = None
    consent: bool | None = None
    ticket: Ticket | None = None
    tickets: int = 0
    mark: str = ""
    tapped: tuple[str, ...] = ()
    album: str = ""
    unreachable: bool = False
    last_at: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values."""
        state = {name: getattr(self, name) for name in _NAMES}  # `asdict` would copy every pair
        return state | {"before": self.before and self.before.to_json(), "ticket": self.ticket and self.ticket.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Conversation:
        """The state again. Fields that this version does not know are dropped, those that an earlier one did not have get their defaults."""
        known = {name: _frozen(stored[name]) for name in _NAMES if name in stored}
        before, ticket = stored.get("before"), stored.get("ticket")
        known["phase"] = Phase(known.get("phase", Phase.IDLE))
        return cls(**{**known, "before": before and cls.from_json(before), "ticket": ticket and Ticket.from_json(ticket)})


_NAMES = tuple(field.name for field in fields(Conversation))


def _frozen(value: Any) -> Any:
    """JSON lists as tuples, all the way down."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def put(pairs: Pairs, key: str, value: str) -> Pairs:
    """The pairs with `key` set, last."""
    return (*(pair for pair in pairs if pair[0] != key), (key, value))
