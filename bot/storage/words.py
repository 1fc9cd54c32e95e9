"""Texts as they are searched: Chinese has no spaces, so it is cut into overlapping pairs of characters, and any part of it is found.

What is kept and what is searched are cut by the same rule, NFKC and in lower case. A run of Chinese characters becomes its pairs and its last character
alone, so that one character is the beginning of a token wherever it stands. A run of letters and digits is one token; digits at the end of a long one are
kept once more, the last four of them, because people name long numbers by their tail.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_TOKEN = 64
"""Characters; PostgreSQL refuses words of more than 2,046 bytes."""
LONGEST_TEXT = 20_000
"""Characters of one line that are searched; more than anybody writes, and less than a tsvector holds."""
LONGEST_QUERY = 100
"""Characters of what is searched for that count: more would only cost time."""
TAIL = 4
PREFIX = 3
"""Letters or digits from which a token is looked for as a beginning: fewer are a code, such as 51."""
_CHINESE = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"([{_CHINESE}]+)|((?:[^\W_{_CHINESE}])+)")
_LONG_NUMBER = re.compile(rf"\d(\d{{{TAIL}}})$")


def indexed(text: str) -> str:
    """The tokens of a text, separated by blanks; empty when there is nothing to find in it."""
    return " ".join(token for chinese, other in _runs(text[:LONGEST_TEXT]) for token in (_pairs(chinese) if chinese else _with_tail(other)))


def line_words(side: str, body: str) -> str | None:
    """The tokens of a line of the transcript, None for one that is not searched: the bot's own, and those without words.

    `body` is its JSON: `text` for merchants, `bubbles` for staff and notes. Whatever else stands there, or no JSON at all, counts as nothing.
    """
    if side == "bot":
        return None
    return indexed("\n".join(line_texts(body))) or None


def line_texts(body: str) -> list[str]:
    """What was written in a line of the transcript."""
    try:
        fields = json.loads(body)
    except ValueError:
        return []
    if not isinstance(fields, dict):
        return []
    bubbles = fields.get("bubbles")
    return [text for text in [fields.get("text"), *(bubbles if isinstance(bubbles, list) else [])] if isinstance(text, str)]


def vector(tokens: str) -> str:
    """What `indexed` gave, as a literal of PostgreSQL's type tsvector."""
    return " ".join(f"'{token}':{place}" for place, token in enumerate(tokens.split(), 1))


def fts5(text: str) -> str:
    """The query for SQLite's FTS5: all runs must be there, each as it is written. Empty when there is nothing to search for; never a syntax error."""
    return " AND ".join(f'"{" ".join(tokens)}"{" *" if prefix else ""}' for tokens, prefix in _wanted(text))


def tsquery(text: str) -> str:
    """The same for PostgreSQL, as a literal of type tsquery."""
    return " & ".join(f"({_followed(tokens)}{':*' if prefix else ''})" for tokens, prefix in _wanted(text))


def _wanted(text: str) -> list[tuple[tuple[str, ...], bool]]:
    """(tokens that follow each other, whether the last one is only a beginning), each once."""
    wanted = [_phrase(chinese) if chinese else ((other[:LONGEST_TOKEN],), len(other) >= PREFIX) for chinese, other in _runs(text[:LONGEST_QUERY])]
    return list(dict.fromkeys(wanted))


def _phrase(run: str) -> tuple[tuple[str, ...], bool]:
    """A single character is the beginning of a pair, or stands alone."""
    return (tuple(_pairs(run)[:-1]), False) if len(run) > 1 else ((run,), True)


def _followed(tokens: tuple[str, ...]) -> str:
    return " <-> ".join(f"'{token}'" for token in tokens)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """(Chinese, empty) or (empty, letters and digits)."""
    for match in _RUNS.finditer(unicodedata.normalize("NFKC", text).lower()):
        yield match[1] or "", match[2] or ""


def _pairs(run: str) -> list[str]:
    return [*(run[place : place + 2] for place in range(len(run) - 1)), run[-1]]


def _with_tail(run: str) -> list[str]:
    tail = _LONG_NUMBER.search(run)
    return [run[:LONGEST_TOKEN], *([tail[1]] if tail else [])]
