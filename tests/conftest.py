"""The shipped knowledge base, loaded once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import app

KNOWLEDGE = Path(__file__).parents[1] / "knowledge"


@pytest.fixture(scope="session")
def mind() -> app.Mind:
    """The bot as it is shipped, learnt afresh."""
    return app.wake(KNOWLEDGE, None)
