"""Which features a message has: words, character and pinyin n-grams, and tags (concepts, answers, signals, screens).

What each kind adds is measured by `make bench`: the concept lexicon most, character n-grams beside words next, folded pinyin against typos.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from .gazetteer import Gazetteer
from .segment import Segmenter
from .tables import pinyin_by_character

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_UNIT = re.compile(r"[a-z]+|\d+|[^a-z\d ]")
"""What counts as one character: a Han character, a run of letters, a run of digits."""
LONGEST_BRIEF = 3


class Tag(NamedTuple):
    """A known phrase in the text without blanks. `kind` is L (concept), F (answer to a question), S (signal), K (screen text) or C (cue: no feature)."""

    kind: str
    start: int
    said: str
    name: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of one folded text. Words tile the text without its blanks, and so do units."""

    words: list[str]
    units: list[str]
    sounds: list[str]
    tags: list[Tag]

    def features(self) -> list[str]:
        """One string per feature, repeated as often as it occurs; the first letter is its kind. The order is that of `spans`."""
        units, sounds = [_number(unit) for unit in self.units], self.sounds
        found = [f"w{_number(word)}" for word in self.words]
        found += [f"c{unit}" for unit in units]
        found += [f"q{sound}" for sound in sounds]
        found += [f"d{first}{second}" for first, second in zip(units, units[1:])]  # noqa: B905, RUF007  (`pairwise` is slower here)
        found += [f"p{first}_{second}" for first, second in zip(sounds, sounds[1:])]  # noqa: B905, RUF007
        found += [f"{tag.kind}{tag.name}" for tag in self.tags if tag.kind != "C"]
        return found

    def spans(self) -> Iterator[tuple[int, int]]:
        """The half-open range that each feature covers in the text without blanks, in the order of `features`."""
        words, units = list(_tiled(self.words)), list(_tiled(self.units))
        pairs = [(first[0], second[1]) for first, second in zip(units, units[1:])]  # noqa: B905, RUF007
        yield from (*words, *units, *units, *pairs, *pairs)
        yield from ((tag.start, tag.start + len(tag.said)) for tag in self.tags if tag.kind != "C")


def _number(part: str) -> str:
    """The part itself, or one name for all amounts and identifiers: which one it is says nothing. Two digits may be a response code and stay."""
    return "###" if part.isdigit() and len(part) > 2 else part


def _tiled(parts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of consecutive parts."""
    start = 0
    for part in parts:
        yield start, start + len(part)
        start += len(part)


def _grouped(entries: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Phrase without blanks → everything that it stands for: 处理中 may answer two questions."""
    grouped: dict[str, tuple[str, ...]] = {}
    for phrase, name in entries:
        dense = phrase.replace(" ", "")
        grouped[dense] = tuple(dict.fromkeys((*grouped.get(dense, ()), name)))
    return grouped


class Featurizer:
    """Reads folded text. `tags` gives for each kind of tag its phrases (folded) and the name that each stands for."""

    def __init__(self, tags: Mapping[str, Iterable[tuple[str, str]]]) -> None:
        phrases = {kind: _grouped(entries) for kind, entries in tags.items()}
        self._gazetteers = {kind: Gazetteer(entries.items()) for kind, entries in phrases.items()}
        self._segmenter = Segmenter(phrase for phrase in phrases.get("L", ()) if len(phrase) <= 4)
        self._sounds = pinyin_by_character()

    def sounds(self, units: Iterable[str]) -> list[str]:
        """The folded syllable of each Han character; anything else as it is, long numbers as one name."""
        return [self._sounds.get(unit, "###" if len(unit) > 2 and unit.isdigit() else unit) for unit in units]

    def read(self, text: str) -> Reading:
        """The parts of folded text."""
        units = _UNIT.findall(text)
        sounds = self.sounds(units)
        dense = "".join(units)
        whole = set(zip(accumulate(map(len, units), initial=0), units))  # noqa: B905  (the total at the end has no unit)
        tags = [
            Tag(kind, start, said, name)
            for kind, gazetteer in self._gazetteers.items()
            for start, said, names in gazetteer.find(dense)
            if not _is_brief(said) or (start, said) in whole
            for name in names
        ]
        return Reading(self._segmenter.cut(text), units, sounds, tags)


def _is_brief(phrase: str) -> bool:
    """Whether it must stand alone: 51 is not meant in 1518, nor hi in shibai."""
    return phrase.isascii() and (phrase.isdigit() or len(phrase) <= LONGEST_BRIEF)
