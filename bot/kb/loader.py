"""Folder → `KnowledgeBase`, or every problem at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bot.domain.errors import KnowledgeError, Problem
from bot.wording import say

from . import checks
from .build import build
from .document import read
from .folder import Folder
from .schema import FILES, TopicEntry
from .validation import suggestion, validate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.domain.knowledge import KnowledgeBase

TOPICS = "topics/"


def sources(root: Path) -> Mapping[str, bytes]:
    """File name relative to `root` → content, for every YAML file that belongs to a knowledge folder, in name order.

    Raises KnowledgeError when the folder is missing, holds no topics, or a file cannot be read.
    """
    if not root.is_dir():
        raise KnowledgeError([Problem(file=str(root), line=1, text=say("folder.missing"))])
    paths = [path for path in sorted(root.glob("topics/*.yaml")) if path.is_file()]
    if not paths:
        raise KnowledgeError([Problem(file=str(root), line=1, text=say("folder.no-topics"))])
    paths += [root / name for name in FILES if (root / name).is_file()]
    try:
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    except OSError as error:
        raise KnowledgeError([Problem(file=str(error.filename), line=1, text=say("folder.unreadable", reason=error.strerror))]) from error


def digest(files: Mapping[str, bytes]) -> str:
    """The knowledge version: 12 hexadecimal digits over names and contents."""
    hasher = hashlib.sha256()
    for name, content in files.items():
        hasher.update(f"{name}\0{len(content)}\0".encode())
        hasher.update(content)
    return hasher.hexdigest()[:12]


def inspect(root: Path) -> tuple[KnowledgeBase | None, list[Problem]]:
    """Read and check the folder: the knowledge base (None if a problem is fatal) and all problems, in file order."""
    try:
        files = sources(root)
    except KnowledgeError as error:
        return None, list(error.problems)
    return _inspect(files, strays=_strays(root))


def load(root: Path) -> KnowledgeBase:
    """The knowledge base of a folder. Raises KnowledgeError with every fatal problem."""
    return load_files(sources(root))


def load_files(files: Mapping[str, bytes]) -> KnowledgeBase:
    """The knowledge base of files that `sources` read. Raises KnowledgeError with every fatal problem."""
    knowledge, problems = _inspect(files, strays=[])
    if knowledge is None:
        raise KnowledgeError([problem for problem in problems if problem.fatal])
    return knowledge


def _inspect(files: Mapping[str, bytes], strays: list[Problem]) -> tuple[KnowledgeBase | None, list[Problem]]:
    folder, problems = _validated(files)
    problems += checks.run(folder)
    problems += strays
    if any(problem.fatal for problem in problems):
        return None, sorted(problems)
    return build(folder, digest(files)), sorted(problems)


def _validated(files: Mapping[str, bytes]) -> tuple[Folder, list[Problem]]:
    """Everything that could be read, and what could not."""
    folder, problems = Folder(), []
    for name, content in files.items():
        document, found = read(name, content)
        problems += found
        if document is None:
            folder.broken.add(name)
            continue
        model = TopicEntry if name.startswith(TOPICS) else FILES[name]
        entry, found = validate(model, document)
        problems += found
        if entry is None:
            folder.broken.add(name)
        else:
            folder.add(name, document, entry)
    return folder, problems


def _strays(root: Path) -> list[Problem]:
    """Files that nobody would read: a misspelt name would otherwise go unnoticed."""
    names = [path.name for path in sorted(root.glob("*.y*ml")) if path.name not in FILES]
    names += [f"{TOPICS}{path.name}" for path in sorted(root.glob("topics/*")) if path.suffix != ".yaml"]
    return [Problem(file=name, line=1, text=say("folder.unknown-file", suggestion=suggestion(name, FILES)), fatal=False) for name in names]
