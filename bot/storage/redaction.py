"""What must go with a part of a line that is taken out: its traces in the event that it came from, in what was logged, and in what was noted because of it."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from .words import line_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MARK = "***"
SHORTEST = 4
"""Characters of a longer part from which they give it away."""
MOST_COMPARED = 250_000
"""Pairs of characters; texts for which it would be more differ in one part."""
_TEXTS = frozenset({"words", "summary", "screen_text"})
_PAIRS = frozenset({"slots", "facts", "findings"})


def origin(body: str, line: str) -> str:
    """The body of an event, or the detail of a deed, with what the line says now as its text."""
    fields = json.loads(body)
    if "text" in fields:
        fields["text"] = "\n".join(line_texts(line))
    return json.dumps(fields, ensure_ascii=False)


def parts(old: str, new: str) -> list[str]:
    """What was taken out of a line: parts of the old body's texts that the new one's do not have."""
    before, after = "\n".join(line_texts(old)), "\n".join(line_texts(new))
    cuts = _cuts(before, after) if len(before) * len(after) <= MOST_COMPARED else [_middle(before, after)]
    return [part for part in cuts if part.strip() and part not in after]


def cleaned(stored: str, taken: Sequence[str]) -> str:
    """The state of a dialogue, or a packet, without these parts: they are marked in texts, and details that hold one or come out of one are dropped."""
    return json.dumps(_cleaned(json.loads(stored), taken), ensure_ascii=False) if stored else stored


def _cleaned(fields: dict[str, Any], taken: Sequence[str]) -> dict[str, Any]:
    ways: list[tuple[frozenset[str], type, Callable[[Any, Sequence[str]], Any]]] = [
        (_TEXTS, str, _marked), (_PAIRS, list, _kept), (frozenset({"before"}), dict, _cleaned),
    ]  # fmt: skip
    for names, kind, way in ways:
        fields |= {name: way(fields[name], taken) for name in names & fields.keys() if isinstance(fields[name], kind)}
    return fields


def _marked(text: str, taken: Sequence[str]) -> str:
    for part in taken:
        same = SequenceMatcher(None, text, part, autojunk=False).find_longest_match()
        if same.size >= min(len(part), SHORTEST):
            text = text[: same.a] + MARK + text[same.a + same.size :]
    return text


def _kept(pairs: list[list[str]], taken: Sequence[str]) -> list[list[str]]:
    return [pair for pair in pairs if not any(pair[1] in part or part in pair[1] for part in taken)]


def _cuts(before: str, after: str) -> list[str]:
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [before[start:end] for kind, start, end, _, _ in changes if kind in {"replace", "delete"}]


def _middle(before: str, after: str) -> str:
    """All between what both begin with and what both end with."""
    start = next((place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), min(len(before), len(after)))
    before, after = before[start:], after[start:]
    end = next((place for place, (one, other) in enumerate(zip(before[::-1], after[::-1], strict=False)) if one != other), min(len(before), len(after)))
    return before[: len(before) - end]
