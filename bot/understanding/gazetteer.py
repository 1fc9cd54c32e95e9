"""Finds known phrases in text: longest match first, in time that depends on the text, not on how many phrases are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Value = TypeVar("Value")


class Gazetteer(Generic[Value]):
    """Phrases with a value each. When a phrase is given twice, the first value stays."""

    def __init__(self, entries: Iterable[tuple[str, Value]]) -> None:
        self._values: dict[str, Value] = {}
        sizes: dict[str, set[int]] = {}
        for phrase, value in entries:
            if phrase:
                self._values.setdefault(phrase, value)
                sizes.setdefault(phrase[0], set()).add(len(phrase))
        self._sizes = {first: tuple(sorted(known, reverse=True)) for first, known in sizes.items()}

    def __len__(self) -> int:
        return len(self._values)

    def find(self, text: str) -> Iterator[tuple[int, str, Value]]:
        """Position, phrase and value of each match from left to right; the longest phrase wins, and matches do not overlap."""
        sizes, values, end = self._sizes, self._values, 0
        for start, first in enumerate(text):
            if first not in sizes or start < end:
                continue
            for size in sizes[first]:
                phrase = text[start : start + size]
                if phrase in values:
                    yield start, phrase, values[phrase]
                    end = start + size
                    break
