"""What the program itself says to editors and operators. The sentences are in `zh.yaml`; merchants' sentences are in the knowledge base."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def sentences() -> Mapping[str, str]:
    """Key (`section.name`) → sentence with `{placeholders}`."""
    sections: dict[str, dict[str, str]] = yaml.load(files(__package__).joinpath("zh.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {f"{section}.{name}": text for section, entries in sections.items() for name, text in entries.items()}


def say(key: str, /, **values: object) -> str:
    """The sentence `key` with its placeholders filled. Raises KeyError for an unknown key: that is a bug, and a test looks for it."""
    return sentences()[key].format(**values)
