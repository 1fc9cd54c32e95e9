"""Folder → `KnowledgeBase`, or every problem at once."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from bot.domain.errors import KnowledgeError, Problem
from bot.wording import say

from . import checks, images
from .build import build
from .document import read
from .folder import Folder
from .references import FILE_BY_KIND
from .schema import FILES, TopicEntry
from .validation import suggestion, validate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.domain.knowledge import KnowledgeBase

TOPICS = "topics/"
GUIDE = "guide.yaml"
"""Names entries of all other files, and counts for nothing while one of those is broken (see `Folder.guide`)."""


def _read(root: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """File name relative to `root` → content, for every file that belongs to a knowledge folder; a problem for each that cannot be read.

    Raises KnowledgeError when the folder is missing or holds no topics.
    """
    if not root.is_dir():
        raise KnowledgeError([Problem(file=str(root), line=1, text=say("folder.missing"))])
    paths = sorted(root.glob("topics/*.yaml"))
    if not paths:
        raise KnowledgeError([Problem(file=str(root), line=1, text=say("folder.no-topics"))])
    paths += [root / name for name in FILES if os.path.lexists(root / name)]
    paths += [path for path in sorted(root.glob(f"{images.FOLDER}*")) if images.is_image(path.name)]
    files: dict[str, bytes] = {}
    problems = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        try:
            files[name] = _bytes(path)
        except OSError as error:
            problems.append(Problem(file=name, line=1, text=error.strerror or str(error)))
    return files, problems


def _bytes(path: Path) -> bytes:
    """The content of a file. Raises OSError with a sentence in Chinese; a pipe would never end, so only files are opened."""
    if not path.is_file():
        raise OSError(say("folder.not-a-file" if path.exists() else "folder.dangling"))
    try:
        return path.read_bytes()
    except OSError as error:
        raise OSError(say("folder.unreadable", reason=error.strerror)) from error


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
        files, unreadable = _read(root)
    except KnowledgeError as error:
        return None, list(error.problems)
    return _inspect(files, unreadable, strays=_strays(root))


def load(root: Path) -> KnowledgeBase:
    """The knowledge base of a folder. Raises KnowledgeError with every fatal problem."""
    knowledge, problems = _inspect(*_read(root), strays=[])
    if knowledge is None:
        raise KnowledgeError([problem for problem in problems if problem.fatal])
    return knowledge


def _inspect(files: Mapping[str, bytes], unreadable: list[Problem], strays: list[Problem]) -> tuple[KnowledgeBase | None, list[Problem]]:
    folder, problems = _validated(files)
    folder.broken |= {problem.file for problem in unreadable}
    problems += [*unreadable, *_checked(folder, files), *strays]
    if any(problem.fatal for problem in problems):
        return None, sorted(problems)
    return build(folder, digest(files)), sorted(problems)


def _checked(folder: Folder, files: Mapping[str, bytes]) -> list[Problem]:
    """What the files say wrongly about one another. A file that does not exist is one problem, not one for each reference to it."""
    found = checks.run(folder)
    missing = []
    for name in sorted(set(FILE_BY_KIND.values()) - set(files) - folder.broken):
        if not any(problem.fatal for problem in found):
            break
        folder.broken.add(name)
        rest = checks.run(folder)
        count = sum(problem.file != GUIDE for problem in found) - sum(problem.file != GUIDE for problem in rest)
        if count:
            missing.append(Problem(file=name, line=1, text=say("folder.missing-file", count=count)))
            found = rest
        else:
            folder.broken.discard(name)
    return [*missing, *found]


def _validated(files: Mapping[str, bytes]) -> tuple[Folder, list[Problem]]:
    """Everything that could be read, and what could not."""
    folder, problems = Folder(), []
    for name, content in files.items():
        if name.startswith(images.FOLDER):
            folder.images[name.removeprefix(images.FOLDER)] = content
            continue
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
    names += [f"{images.FOLDER}{path.name}" for path in sorted(root.glob(f"{images.FOLDER}*")) if not images.is_image(path.name)]
    return [Problem(file=name, line=1, text=say("folder.unknown-file", suggestion=suggestion(name, FILES)), fatal=False) for name in names]
