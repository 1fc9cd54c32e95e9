"""Texts with formatting: HTML and MarkdownV2 as strict as the real server, lengths, and what it finds by itself (commands, links)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from tests.telegram.fake.errors import RefusedError

Entities = list[dict[str, Any]]
TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline", "s": "strikethrough", "strike": "strikethrough",
    "del": "strikethrough", "tg-spoiler": "spoiler", "span": "spoiler", "code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
MARKS = {"*": "bold", "_": "italic", "__": "underline", "~": "strikethrough", "||": "spoiler", "`": "code", "```": "pre"}
NAMES = {"bold": "Bold", "italic": "Italic", "underline": "Underline", "strikethrough": "Strikethrough", "spoiler": "Spoiler", "code": "Code", "pre": "Pre",
         "text_link": "TextUrl"}  # fmt: skip
RESERVED = set("_*[]()~`>#+-=|{}.!")
TAG = re.compile(r"</?\s*([a-zA-Z0-9-]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
ATTRIBUTE = re.compile(r"([a-zA-Z0-9-]+)\s*(?:=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+)))?")
ESCAPE = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
FOUND = (
    ("bot_command", re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])", re.ASCII)),
    ("url", re.compile(r"https?://[^\s<>\"]+")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z]\w{3,31}", re.ASCII)),
)


def units(text: str) -> int:
    """Length in UTF-16 code units, as entities are counted."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse(text: str, mode: str, entities: Entities | None) -> tuple[str, Entities]:
    """The text without its markup, trimmed, and the entities in it.

    Raises:
        RefusedError: the markup is broken.
    """
    match mode.lower():
        case "":
            plain, found = text, [dict(entity) for entity in entities or []]
            _check_given(plain, found)
        case "html":
            plain, found = _Html(text).parse()
        case "markdownv2":
            plain, found = _Markdown(text).parse()
        case _:
            raise RefusedError("unsupported parse_mode")
    return _trim(plain, found)


def detect(text: str, *, bot: bool = False) -> Entities:
    """What clients and the server mark by themselves."""
    return sorted(
        (
            {"type": kind, "offset": units(text[: match.start()]), "length": units(match.group())}
            for kind, pattern in FOUND
            if not bot or kind != "bot_command"
            for match in pattern.finditer(text)
        ),
        key=lambda entity: int(str(entity["offset"])),
    )


def _trim(text: str, entities: Entities) -> tuple[str, Entities]:
    start = units(text) - units(text.lstrip(" \n\t\r"))
    trimmed = text.strip(" \n\t\r")
    end = units(trimmed)
    kept = []
    for entity in entities:
        first, last = max(0, entity["offset"] - start), min(end, entity["offset"] + entity["length"] - start)
        if first < last:
            kept.append({**entity, "offset": first, "length": last - first})
    return trimmed, sorted(kept, key=lambda entity: (entity["offset"], -entity["length"]))


def _check_given(text: str, entities: Entities) -> None:
    end = units(text)
    for entity in entities:
        offset, length = entity.get("offset"), entity.get("length")
        if not isinstance(offset, int) or not isinstance(length, int) or offset < 0 or length < 0:
            raise RefusedError('can\'t parse entities: field "offset" and "length" must be integers')
        if offset + length > end:
            raise RefusedError("ENTITY_BOUNDS_INVALID")


def _broken(reason: str) -> RefusedError:
    return RefusedError(f"can't parse entities: {reason}")


@dataclass
class _Html:
    text: str
    plain: list[str] = field(default_factory=list)
    found: Entities = field(default_factory=list)
    open: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    length: int = 0

    def parse(self) -> tuple[str, Entities]:
        at = 0
        while at < len(self.text):
            at = self._tag(at) if self.text[at] == "<" else self._letters(at)
        if self.open:
            raise _broken(f'Can\'t find end tag corresponding to start tag "{self.open[-1][0]}"')
        return "".join(self.plain), self.found

    def _letters(self, at: int) -> int:
        escape = ESCAPE.match(self.text, at)
        piece = escape.group() if escape else self.text[at]
        self._add(unescape(piece) if escape else piece)
        return at + len(piece)

    def _add(self, piece: str) -> None:
        self.plain.append(piece)
        self.length += units(piece)

    def _tag(self, at: int) -> int:
        place = len(self.text[:at].encode())
        match = TAG.match(self.text, at)
        if match is None:
            raise _broken(f"Unclosed start tag at byte offset {place}" if self.text[at : at + 2] != "</" else f"Unclosed end tag at byte offset {place}")
        name = match.group(1).lower()
        if match.group().startswith("</"):
            self._close(name, place)
        else:
            self._open(name, match.group(2), place)
        return match.end()

    def _open(self, name: str, attributes: str, place: int) -> None:
        if name not in TAGS:
            raise _broken(f'Unsupported start tag "{name}" at byte offset {place}')
        given = {key.lower(): unescape(a or b or c or "") for key, a, b, c in ATTRIBUTE.findall(attributes)}
        if name == "span" and given.get("class") != "tg-spoiler":
            raise _broken(f'Tag "span" must have class "tg-spoiler" at byte offset {place}')
        extra: dict[str, Any] = {}
        if name == "a":
            extra = {"url": given.get("href", "")}
        elif name == "blockquote" and "expandable" in given:
            extra = {"type": "expandable_blockquote"}
        elif name == "code" and given.get("class", "").startswith("language-"):
            extra = {"language": given["class"].removeprefix("language-")}
        elif name == "tg-emoji":
            extra = {"custom_emoji_id": given.get("emoji-id", "")}
        self.open.append((name, self.length, extra))

    def _close(self, name: str, place: int) -> None:
        if not self.open:
            raise _broken(f"Unexpected end tag at byte offset {place}")
        expected, start, extra = self.open.pop()
        if name and name != expected:
            raise _broken(f'Unmatched end tag at byte offset {place}, expected "</{expected}>", found "</{name}>"')
        if expected == "code" and not (self.open and self.open[-1][0] == "pre"):
            extra = {}
        if (
            expected == "pre"
            and self.found
            and (self.found[-1]["type"], self.found[-1]["offset"], self.length) == ("code", start, start + self.found[-1]["length"])
        ):
            extra = {key: value for key, value in self.found.pop().items() if key == "language"}
        if self.length > start and not (expected == "a" and not extra["url"]):
            self.found.append({"type": TAGS[expected], "offset": start, "length": self.length - start, **extra})


@dataclass
class _Markdown:
    """MarkdownV2: every reserved character is markup or escaped."""

    text: str
    plain: list[str] = field(default_factory=list)
    found: Entities = field(default_factory=list)
    open: list[tuple[str, int, int]] = field(default_factory=list)
    """Mark, start in UTF-16 units, byte offset."""
    length: int = 0
    at: int = 0

    def parse(self) -> tuple[str, Entities]:
        while self.at < len(self.text):
            self._next()
        if self.open and self.open[-1][0] == ">":
            self._end_quote()
        if self.open:
            mark, _, place = self.open[-1]
            raise _broken(f"Can't find end of {NAMES.get(MARKS.get(mark, 'text_link'))} entity at byte offset {place}")
        return "".join(self.plain), self.found

    def _next(self) -> None:
        letter = self.text[self.at]
        inside = self.open[-1][0] if self.open else ""
        if letter == "\\" and self.at + 1 < len(self.text) and 0 < ord(self.text[self.at + 1]) < 127:
            self._add(self.text[self.at + 1])
            self.at += 2
        elif inside in {"`", "```"}:
            self._code(inside)
        elif letter in RESERVED:
            self._reserved()
        else:
            if letter == "\n" and inside == ">":
                self._end_quote()
            self._add(letter)
            self.at += 1

    def _code(self, inside: str) -> None:
        if self.text.startswith(inside, self.at):
            self._toggle(inside)
        elif self.text[self.at] == "`":
            raise self._reserved_error("`")
        else:
            self._add(self.text[self.at])
            self.at += 1

    def _reserved(self) -> None:
        letter = self.text[self.at]
        mark = next((mark for mark in ("```", "||", "__", *MARKS) if self.text.startswith(mark, self.at)), "")
        if mark:
            self._toggle(mark)
        elif letter == "[":
            self.open.append(("[", self.length, self._place()))
            self.at += 1
        elif letter == "]" and self.open and self.open[-1][0] == "[":
            self._link()
        elif letter == ">" and (self.at == 0 or self.text[self.at - 1] == "\n"):
            self.open.append((">", self.length, self._place()))
            self.at += 1
        else:
            raise self._reserved_error(letter)

    def _toggle(self, mark: str) -> None:
        place = self._place()
        self.at += len(mark)
        if self.open and self.open[-1][0] == mark:
            _, start, _ = self.open.pop()
            self._entity(MARKS[mark], start)
        elif any(mark == known for known, _, _ in self.open):
            raise _broken(f"Can't find end of {NAMES.get(MARKS.get(self.open[-1][0], 'text_link'))} entity at byte offset {self.open[-1][2]}")
        else:
            self.open.append((mark, self.length, place))

    def _link(self) -> None:
        _, start, place = self.open.pop()
        match = re.compile(r"\(((?:\\.|[^\\)])*)\)").match(self.text, self.at + 1)
        if match is None:
            if self.text[self.at + 1 : self.at + 2] == "(":
                raise _broken(f"Can't find end of a URL at byte offset {place}")
            self.at += 1
            return
        self._entity("text_link", start, url=re.sub(r"\\(.)", r"\1", match.group(1)))
        self.at = match.end()

    def _end_quote(self) -> None:
        _, start, _ = self.open.pop()
        self._entity("blockquote", start)

    def _entity(self, kind: str, start: int, **extra: Any) -> None:
        if self.length > start:
            self.found.append({"type": kind, "offset": start, "length": self.length - start, **extra})

    def _add(self, piece: str) -> None:
        self.plain.append(piece)
        self.length += units(piece)

    def _place(self) -> int:
        return len(self.text[: self.at].encode())

    @staticmethod
    def _reserved_error(letter: str) -> RefusedError:
        return _broken(f"Character '{letter}' is reserved and must be escaped with the preceding '\\'")
