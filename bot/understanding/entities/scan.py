"""One pass over one message: what was found, and which characters are spoken for. A later reader cannot read what an earlier one took."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from bot.domain.understanding import Entity

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from bot.domain.understanding import Precision


MOST = 24
"""Matches of one pattern that are looked at: nobody names more amounts or days in one message, and a hostile text holds a thousand."""


@dataclass(slots=True)
class Scan:
    """The text (cleaned, redacted, simplified) and what has been read from it so far."""

    text: str
    entities: list[Entity] = field(default_factory=list)
    ambiguous: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    _taken: set[int] = field(default_factory=set)

    def free(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Matches of `pattern` that overlap nothing taken, at most `MOST`."""
        for found in islice(pattern.finditer(self.text), MOST):
            if self._taken.isdisjoint(range(*found.span())):
                yield found

    def take(self, start: int, end: int) -> None:
        """Mark characters as spoken for."""
        self._taken.update(range(start, end))

    def add(self, slot: str, value: str, span: tuple[int, int], *, precision: Precision | None = None, approximate: bool = False) -> None:
        """Keep a value, unless the slot has one already, and mark its characters."""
        self.take(*span)
        if not self.has(slot):
            said = self.text[span[0] : span[1]]
            self.entities.append(Entity(slot=slot, value=value, said=said, span=span, precision=precision, approximate=approximate))

    def mention(self, slot: str, value: str, span: tuple[int, int]) -> None:
        """Keep a value that stands in ordinary words: other readers may read them too."""
        if not self.has(slot):
            self.entities.append(Entity(slot=slot, value=value, said=self.text[span[0] : span[1]], span=span))

    def has(self, slot: str) -> bool:
        """Whether the slot has a value."""
        return any(entity.slot == slot for entity in self.entities)
