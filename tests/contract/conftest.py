"""Each database in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .places import File, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.service.ports import Store

    from .places import Place, Server


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return File(path=tmp_path / "posbot.db")
    server: Server = request.getfixturevalue("server")
    return server


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    async with opened(place) as fresh:
        yield fresh
