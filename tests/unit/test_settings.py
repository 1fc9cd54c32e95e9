"""README's settings table lists exactly what the settings class has."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from bot.settings import Settings, read

README = Path(__file__).parents[2] / "README.md"


def test_readme_lists_every_setting() -> None:
    documented = set(re.findall(r"^\| `POSBOT_([A-Z_]+)` \|", README.read_text("utf-8"), re.M))
    assert documented == {field.name.upper() for field in fields(Settings)}


def test_settings_come_from_the_environment() -> None:
    settings = read({"POSBOT_KNOWLEDGE": "/a", "POSBOT_CACHE": "/b"})
    assert (settings.knowledge, settings.cache) == (Path("/a"), Path("/b"))


def test_an_empty_value_counts_as_not_set() -> None:
    assert read({"POSBOT_CACHE": "", "XDG_CACHE_HOME": "/c"}).cache == Path("/c/posbot")
