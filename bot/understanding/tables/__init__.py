"""Static language tables: jieba's common words, traditional → simplified, character → folded pinyin.

The three text files beside this module are made by `python -m bot.understanding.tables.build` from jieba (MIT), OpenCC (Apache-2.0) and pypinyin (MIT).
Shipping them keeps those sources out of the running program: jieba's whole dictionary takes 460 ms and 70 MB to load, the trimmed one 60 ms and 17 MB at equal
accuracy; pypinyin costs 120 ms and 58 MB.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS, TRADITIONAL, PINYIN = "words.txt", "traditional.txt", "pinyin.txt"


def _lines(name: str) -> list[str]:
    return files(__package__).joinpath(name).read_text("utf-8").splitlines()


@cache
def word_frequencies() -> Mapping[str, int]:
    """Words of jieba's dictionary with their corpus frequency (≥ 50, at most 4 characters)."""
    pairs = (line.split(" ") for line in _lines(WORDS))
    return {word: int(count) for word, count in pairs}


@cache
def simplified_by_traditional() -> Mapping[int, str]:
    """A `str.translate` table: code point of a traditional character → its simplified form."""
    traditional, simplified = _lines(TRADITIONAL)
    return {ord(old): new for old, new in zip(traditional, simplified, strict=True)}


@cache
def pinyin_by_character() -> Mapping[str, str]:
    """Character → its commonest reading, folded as southern accents and sloppy typing fold it (zh=z, ng=n)."""
    rows = (line.split(" ") for line in _lines(PINYIN))
    return {character: reading for reading, characters in rows for character in characters}
