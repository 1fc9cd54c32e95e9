"""Numbered changes of the schema, one SQL file each and dialect; a database knows the last one that it has."""

from __future__ import annotations

from pathlib import Path

_SQL = Path(__file__).parent / "sql"


def after(dialect: str, version: int) -> list[tuple[int, str]]:
    """(number, SQL) of every change after `version`, in order."""
    files = sorted((_SQL / dialect).glob("[0-9]*.sql"))
    numbered = [(int(file.name.partition("_")[0]), file) for file in files]
    return [(number, file.read_text("utf-8")) for number, file in numbered if number > version]


def newest(dialect: str) -> int:
    """The number of the last change that this program knows."""
    return max(number for number, _ in after(dialect, 0))
