"""Files of messages, one JSON object per line: read whole, or every mistake with its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bot.domain.errors import PosbotError
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Entry = dict[str, Any]
    Fields = Mapping[str, type]

MOST_SHOWN = 20
"""Mistakes that are listed; a file in another format has one on every line."""


class MessageFileError(PosbotError):
    """The file cannot be read, or lines are not what they should be."""


def read(path: Path, needed: Fields, optional: Fields, bad_field: Callable[[Entry], str | None] = lambda _: None) -> list[Entry]:
    """The objects of a JSONL file, blank lines skipped.

    `needed` names the fields that each must have, `optional` those that it may have, and their types; `bad_field` looks closer and names what is wrong.
    Raises MessageFileError with all mistakes, at most `MOST_SHOWN`.
    """
    entries: list[Entry] = []
    mistakes: list[str] = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            try:
                entries.append(_entry(line, needed, optional, bad_field))
            except ValueError as error:
                mistakes.append(f"{path}:{number}: {error}")
    if mistakes:
        more = [say("messages.more", count=len(mistakes) - MOST_SHOWN)] if len(mistakes) > MOST_SHOWN else []
        raise MessageFileError("\n".join(mistakes[:MOST_SHOWN] + more))
    if not entries:
        raise MessageFileError(say("messages.empty", file=path))
    return entries


def _text(path: Path) -> str:
    """The file; its lines end with \\n only, because JSON texts may hold other line separators as they are (U+2028)."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise MessageFileError(say("messages.unreadable", file=path, reason=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise MessageFileError(say("messages.not-utf8", file=path)) from error


def _entry(line: str, needed: Fields, optional: Fields, bad_field: Callable[[Entry], str | None]) -> Entry:
    """The object of a line. Raises ValueError with a sentence."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError(say("messages.not-json")) from None
    fields = entry if isinstance(entry, dict) else {}
    for field, kind in (*needed.items(), *optional.items()):
        if (field in needed or field in fields) and not isinstance(fields.get(field), kind):
            raise ValueError(say("messages.field", field=field))
    if bad := bad_field(fields):
        raise ValueError(say("messages.field", field=bad))
    return fields
