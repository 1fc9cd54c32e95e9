"""Which words decided: the credit of each feature is spread over the characters that it covers and summed per word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Floats, Integers
    from .features import Reading

MOST = 4
WORTH_NAMING = 0.25
"""A word is named when it has at least this share of the strongest word's credit."""


class Evidence:
    """Explains scores of one message. `places` are the positions in `reading.features()` of the features that were scored."""

    def __init__(self, reading: Reading, places: Integers) -> None:
        self._words = reading.words
        self._size = sum(map(len, reading.units))
        spans = np.array(list(reading.spans()), np.int32).reshape(-1, 2)[places]
        self._starts, self._ends = spans[:, 0], spans[:, 1]

    def decisive_words(self, credits_: Floats) -> tuple[str, ...]:
        """The words with the most credit, strongest first; neighbours that are both strong are named as one. `credits_` is what each feature adds."""
        shares = credits_ / (self._ends - self._starts)
        steps = np.bincount(self._starts, shares, self._size + 1) - np.bincount(self._ends, shares, self._size + 1)
        ends = np.cumsum([len(word) for word in self._words])
        total = np.concatenate([[0.0], np.cumsum(np.cumsum(steps)[:-1])])[ends]
        return _strongest(self._words, np.diff(total, prepend=0.0).tolist())


def _strongest(words: list[str], credit: list[float]) -> tuple[str, ...]:
    """Words by credit, adjacent strong ones merged."""
    least = max(credit, default=0.0) * WORTH_NAMING
    found: list[tuple[float, str]] = []
    previous = -2
    for number, (word, value) in enumerate(zip(words, credit, strict=True)):
        if value <= 0 or value < least:
            continue
        if number == previous + 1:
            found[-1] = (found[-1][0] + value, found[-1][1] + word)
        else:
            found.append((value, word))
        previous = number
    found.sort(key=lambda pair: -pair[0])
    return tuple(word for _, word in found[:MOST])
