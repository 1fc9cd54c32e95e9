"""A fake Bot API server with a new world per test, without limits, that fails the test when it hears something it does not know; and a strict client of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from telegram import Bot

from tests.telegram import service
from tests.telegram.people import serving, visiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from tests.telegram.people import Fake
    from tests.telegram.service import Serving


@pytest.fixture(autouse=True)
def _durations(monkeypatch: pytest.MonkeyPatch) -> None:
    """python-telegram-bot warns, unless it may give durations as such."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture(scope="session")
def bot_api() -> Iterator[dict[str, Any]]:
    """The process, for all tests."""
    with serving() as ready:
        yield ready


@pytest.fixture
def scale() -> float:
    """How long a second of its limits and pauses is; files of tests that take real ones have another."""
    return 0.02


@pytest.fixture
async def fake(bot_api: dict[str, Any], scale: float) -> AsyncIterator[Fake]:
    """A new world in it."""
    async with visiting(bot_api) as server:
        await server.reset(scale=scale)
        yield server


@pytest.fixture(params=[service.serving, service.hooked], ids=["polling", "webhook"])
def way(request: pytest.FixtureRequest) -> Serving:
    """Both ways in which updates come."""
    found: Serving = request.param
    return found


@pytest.fixture
async def bot(fake: Fake) -> AsyncIterator[Bot]:
    """python-telegram-bot's client, which nobody here wrote."""
    async with strict(fake) as client:
        yield client


def strict(fake: Fake) -> Bot:
    """Another one."""
    return Bot(fake.token, base_url=f"{fake.url}/bot", base_file_url=f"{fake.url}/file/bot")
