"""Who did what: the record that outlives accounts and tickets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done. `actor` is a login, or what acts by itself, such as `posbot`; `what` is an id of `audit.*` in the wording; `subject` is what
    it was done to, such as a login or a ticket's number; `detail` is for people. `at` is in microseconds UTC. `id` is 0 until the entry is kept."""

    at: int
    actor: str
    what: str
    subject: str = ""
    detail: str = ""
    id: int = 0
