"""The exceptions of the project.

PosbotError
├── KnowledgeError      the knowledge folder cannot be used; carries every problem that was found
├── SettingsError       a setting is missing or wrong
├── StoreUnavailable    the database cannot be used now: nothing was done, once more later
│   └── StoreBusy       so much waits already that no more is taken
├── AlreadyRunning      another process has this database
├── FileGone            a file that a channel keeps cannot be had any more
├── ChannelUnavailable  a channel cannot be asked now: once more later
└── AccountError        an account cannot be made or changed as asked; the text says why
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class PosbotError(Exception):
    """Base of every error that the program raises on purpose; its text is fit to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that an editor should mend: where it is, and a Chinese sentence that says what and how."""

    file: str
    line: int
    text: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class KnowledgeError(PosbotError):
    """The knowledge folder is missing or broken. `problems` holds all that was found, at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class SettingsError(PosbotError):
    """A setting is missing or wrong; the text says which, and what to do."""


class StoreUnavailable(PosbotError):
    """The database cannot be reached, or is full. Nothing was done."""


class StoreBusy(StoreUnavailable):
    """So much waits to be written that no more is taken."""


class AlreadyRunning(PosbotError):
    """Another process has this database open."""


class FileGone(PosbotError):
    """A file that somebody sent cannot be had from its channel: it is not kept any more, or no channel is there that has it."""


class ChannelUnavailable(PosbotError):
    """A channel cannot be asked for something now."""


class AccountError(PosbotError):
    """An account of staff cannot be made or changed as somebody asked. Nothing was done."""
