"""Makes the table files from their sources: `python -m bot.understanding.tables.build [DIR]` (needs the `dev` packages)."""

from __future__ import annotations

import sys
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

from . import PINYIN, TRADITIONAL, WORDS

MIN_FREQUENCY = 50
MAX_WORD = 4
FIRST, LAST = 0x4E00, 0x9FA5
INITIALS = ("zh", "ch", "sh")


def words() -> str:
    """jieba's dictionary without rare and long words; single characters stay, for they carry the path weights."""
    text = files("jieba").joinpath("dict.txt").read_text("utf-8")
    rows = (line.split(" ")[:2] for line in text.splitlines())
    kept = [f"{word} {count}" for word, count in rows if int(count) >= MIN_FREQUENCY and len(word) <= MAX_WORD]
    return "\n".join(kept) + "\n"


def traditional() -> str:
    """Two lines of equal length: traditional characters, and OpenCC's first simplified choice for each."""
    text = files("opencc").joinpath("dictionary/TSCharacters.txt").read_text("utf-8")
    pairs = [(old, new.split(" ")[0]) for old, _, new in (line.partition("\t") for line in text.splitlines())]
    changed = [(old, new) for old, new in pairs if old != new and len(old) == len(new) == 1]
    return "".join(old for old, _ in changed) + "\n" + "".join(new for _, new in changed) + "\n"


def fold(reading: str) -> str:
    """Fold the distinctions that merchants' accents and keyboards lose: zh/ch/sh = z/c/s, final ng = n."""
    folded = reading[0] + reading[2:] if reading.startswith(INITIALS) else reading
    return folded.removesuffix("g") if folded.endswith("ng") else folded


def pinyin() -> str:
    """One line per folded reading: the reading, then every character that is read so."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415  (58 MB: only here)

    by_reading: dict[str, list[str]] = defaultdict(list)
    for point in range(FIRST, LAST + 1):
        (reading,) = lazy_pinyin(chr(point))
        by_reading[fold(reading)].append(chr(point))
    return "".join(f"{reading} {''.join(characters)}\n" for reading, characters in sorted(by_reading.items()))


def build() -> dict[str, str]:
    """File name → content, for all three tables."""
    return {WORDS: words(), TRADITIONAL: traditional(), PINYIN: pinyin()}


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, content in build().items():
        target.joinpath(name).write_text(content, "utf-8")
