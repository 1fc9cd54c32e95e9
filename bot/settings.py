"""Settings from the environment, read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set. Each field is read from `POSBOT_<NAME>`."""

    knowledge: Path
    """Folder of the knowledge base."""
    cache: Path
    """Folder for what can be made again: the matcher that was learnt from a knowledge base."""


def read(environment: Mapping[str, str]) -> Settings:
    """The settings that the environment gives, defaults for the rest. An empty value counts as not set."""
    cache_home = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or ".") / ".cache")
    return Settings(
        knowledge=Path(environment.get("POSBOT_KNOWLEDGE") or _default_knowledge()),
        cache=Path(environment.get("POSBOT_CACHE") or cache_home / "posbot"),
    )


def _default_knowledge() -> Path:
    """`knowledge/` where the program is started, else the one that came with the program."""
    here = Path("knowledge")
    if (here / "topics").is_dir():
        return here
    beside = _PACKAGE.parent / "knowledge"
    return beside if beside.is_dir() else _PACKAGE / "knowledge"
