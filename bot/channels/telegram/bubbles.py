"""A line as Telegram messages: one for each thought, none longer than Telegram takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST = 3900
"""UTF-16 units of a message (the server's limit is 4,096); what the sender puts before it, such as a colleague's name, has room."""
LONGEST_CAPTION = 900
"""The same under a picture (1,024)."""
_ATTACHED = ("file", "kind", "carry", "album")
_ENDS = ("\n\n", "\n", "\u3002", "\uff01", "\uff1f", "\uff1b", ". ", "\uff0c", ", ", " ")
"""Where a long text may be cut, the best first."""


def in_parts(line: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """The line as lines that are one message each: a picture or a file with its caption, then the thoughts; the choices stand under the last."""
    bubbles = [bubble for text in line.get("bubbles", ()) for bubble in pieces(text)]
    rest = {name: value for name, value in line.items() if name not in {"bubbles", "choices", *_ATTACHED}}
    parts = []
    if attached := {name: line[name] for name in _ATTACHED if line.get(name)}:
        captioned = bubbles and units(bubbles[0]) <= LONGEST_CAPTION and line.get("kind") != "video_note"
        caption = [bubbles.pop(0)] if captioned else []
        parts.append({**rest, "bubbles": caption, "choices": [], **attached})
    parts += [{**rest, "bubbles": [bubble], "choices": []} for bubble in bubbles]
    if parts:
        parts[-1]["choices"] = list(line.get("choices", ()))
    return parts


def units(text: str) -> int:
    """How long Telegram takes a text to be."""
    return len(text) + sum(character > "\uffff" for character in text)


def pieces(text: str, longest: int = LONGEST) -> Iterator[str]:
    """A text, cut where a sentence or a word ends if it is too long. Nothing but blanks at the cuts is lost."""
    while units(text) > longest:
        end = _cut(text, longest)
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    if text.strip():
        yield text


def _cut(text: str, longest: int) -> int:
    """The place of a cut: in the second half of what fits, behind the best mark that is there; anywhere when there is none."""
    fits = 0
    taken = 0
    for character in text:
        taken += 2 if character > "\uffff" else 1
        if taken > longest:
            break
        fits += 1
    for mark in _ENDS:
        place = text.rfind(mark, fits // 2, fits)
        if place >= 0:
            return place + len(mark)
    return fits
