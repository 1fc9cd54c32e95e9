"""Files of messages, one JSON object per line: read whole, or every mistake with its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bot.domain.errors import PosbotError
from bot.wording import say

if TYPE_CHECKING:
    from pathlib import Path


class MessageFileError(PosbotError):
    """The file cannot be read, or a line is not what it should be."""


def read(path: Path, needed: dict[str, type]) -> list[dict[str, Any]]:
    """The objects of a JSONL file, blank lines skipped. `needed` names the fields that each must have, and their types. Raises MessageFileError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise MessageFileError(say("messages.unreadable", file=path, reason=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise MessageFileError(say("messages.not-utf8", file=path)) from error
    entries = [(number, _entry(path, number, line, needed)) for number, line in enumerate(lines, 1) if line.strip()]
    if not entries:
        raise MessageFileError(say("messages.empty", file=path))
    return [entry for _, entry in entries]


def _entry(path: Path, number: int, line: str, needed: dict[str, type]) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise MessageFileError(say("messages.not-json", file=path, line=number)) from error
    for field, kind in needed.items():
        if not isinstance(entry, dict) or not isinstance(entry.get(field), kind):
            raise MessageFileError(say("messages.field", file=path, line=number, field=field))
    return dict(entry)
