"""One YAML file, read the way its editors mean it.

Every scalar is the text that was typed: `no` stays "no" and `51` stays "51", so nobody needs to know which words YAML turns into something else.
Anchors, aliases, tags, duplicate keys, deep nesting and huge files are refused. Reading goes event by event, so hostile input can neither recurse nor expand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from bot.domain.errors import Problem
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Tree: TypeAlias = Any
"""str, None (nothing was typed), a list of trees, or a dict of str to tree."""
Path: TypeAlias = tuple[str | int, ...]

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 12
FULL_WIDTH = re.compile("[：，“”‘’｛｝［］＃－]")
DASH_WITHOUT_SPACE = re.compile(r"^\s*-[^\s\-]")
FORBIDDEN_CONTROLS = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The content of a file and the line (from 1) on which each part of it begins."""

    file: str
    tree: Tree
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of `path`, or of its nearest written parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, text: str, *, fatal: bool = True) -> Problem:
        """A problem at `path` of this file."""
        return Problem(file=self.file, line=self.line(path), text=text, fatal=fatal)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being filled."""

    path: Path
    content: list[Tree] | dict[str, Tree]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Turns parser events into a tree; stops at the first thing that is refused."""

    file: str
    tree: Tree = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)

    def refuse(self, event: yaml.Event, key: str, /, **values: object) -> None:
        self.problems.append(Problem(file=self.file, line=_line(event), text=say(key, **values)))

    def place(self, event: yaml.Event, value: Tree) -> Path:
        """Put a value where the open container expects it and return its path."""
        line = _line(event)
        path: Path = ()
        if not self.stack:
            self.tree = value
        else:
            top = self.stack[-1]
            if isinstance(top.content, list):
                path = (*top.path, len(top.content))
                top.content.append(value)
            else:
                path = (*top.path, str(top.key))
                top.content[str(top.key)] = value
                top.key = None
                line = self.lines[path]
        self.lines[path] = line
        return path

    def wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].content, dict) and self.stack[-1].key is None

    def take_key(self, event: yaml.ScalarEvent) -> None:
        top = self.stack[-1]
        path = (*top.path, event.value)
        if event.value in top.content:
            self.refuse(event, "yaml.duplicate-key", key=event.value, line=self.lines[path])
        self.lines[path] = _line(event)
        top.key = event.value

    def take(self, event: yaml.Event) -> None:
        """Handle one event of the stream."""
        if isinstance(event, yaml.DocumentStartEvent) and self.lines:
            self.refuse(event, "yaml.second-document")
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.refuse(event, "yaml.alias")
        elif getattr(event, "tag", None) not in (None, "!"):
            self.refuse(event, "yaml.tag", tag=getattr(event, "tag", ""))
        elif isinstance(event, yaml.ScalarEvent):
            if self.wants_key():
                self.take_key(event)
            else:
                self.place(event, None if event.value == "" and not event.style else event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()

    def open(self, event: yaml.CollectionStartEvent) -> None:
        if self.wants_key():
            self.refuse(event, "yaml.key-not-text")
        elif len(self.stack) >= MAX_DEPTH:
            self.refuse(event, "yaml.too-deep", depth=MAX_DEPTH)
        else:
            content: list[Tree] | dict[str, Tree] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            self.stack.append(_Open(self.place(event, content), content))


def _line(event: yaml.Event) -> int:
    """Where an event starts, counted from 1."""
    return event.start_mark.line + 1 if event.start_mark else 1


def read(file: str, raw: bytes) -> tuple[Document | None, list[Problem]]:
    """Read the bytes of one file; `file` is only its name for messages. Returns no document when there are problems."""
    try:
        text = _text(file, raw)
        return _document(file, text), []
    except _RefusedError as refused:
        return None, refused.problems


class _RefusedError(Exception):
    """The file is not read any further."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = list(problems)


def _text(file: str, raw: bytes) -> str:
    """The file as text that may be parsed. Raises _RefusedError."""
    if len(raw) > MAX_BYTES:
        raise _RefusedError(Problem(file=file, line=1, text=say("yaml.too-big", megabytes=MAX_BYTES // 1024 // 1024)))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _RefusedError(Problem(file=file, line=raw.count(b"\n", 0, error.start) + 1, text=say("yaml.not-utf8"))) from error
    if control := FORBIDDEN_CONTROLS.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise _RefusedError(Problem(file=file, line=line, text=say("yaml.control", code=f"U+{ord(control.group()):04X}")))
    return text


def _document(file: str, text: str) -> Document:
    """The parsed file. Raises _RefusedError."""
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
            if builder.problems:
                raise _RefusedError(*builder.problems)
    except yaml.MarkedYAMLError as error:
        raise _RefusedError(_syntax_problem(file, text.splitlines(), error)) from error
    except yaml.YAMLError as error:
        raise _RefusedError(Problem(file=file, line=1, text=say("yaml.syntax", detail=str(error)))) from error
    return Document(file=file, tree=builder.tree, lines=builder.lines)


def _syntax_problem(file: str, lines: list[str], error: yaml.MarkedYAMLError) -> Problem:
    """Say where the file cannot be read, and which habit of Chinese keyboards is the likely reason."""
    if error.context_mark and "quoted" in (error.context or ""):
        return Problem(file=file, line=error.context_mark.line + 1, text=full_width_hint(lines[error.context_mark.line]) or say("yaml.unclosed-quote"))
    mark = error.problem_mark or error.context_mark
    at = mark.line if mark else 0
    for number, hint in _hints(lines, at):
        return Problem(file=file, line=number + 1, text=hint)
    return Problem(file=file, line=at + 1, text=say("yaml.syntax", detail=error.problem or ""))


def _hints(lines: list[str], at: int) -> Iterator[tuple[int, str]]:
    """Likely reasons near line index `at`, the line itself first, then upwards: libyaml notices an unclosed line only later."""
    for number in (at, at - 1, at - 2):
        if 0 <= number < len(lines) and (hint := full_width_hint(lines[number])):
            yield number, hint


def full_width_hint(line: str) -> str | None:
    """The hint for a line whose punctuation a Chinese keyboard typed, or None."""
    if "\t" in line:
        return say("yaml.tab")
    if DASH_WITHOUT_SPACE.match(line):
        return say("yaml.dash")
    if found := FULL_WIDTH.search(line):
        return say("yaml.full-width", mark=found.group())
    return None
