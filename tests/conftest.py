"""The shipped knowledge base, loaded once for all tests, and a database on a server.

The server is the one that `POSBOT_TEST_POSTGRES` names, else the local one. Without one its tests are skipped, except where one is required: under `CI`, or
with `POSBOT_REQUIRE_POSTGRES=1`.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest

from bot import app
from tests.contract.places import Server, address, execute

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWLEDGE = Path(__file__).parents[1] / "knowledge"


@pytest.fixture(scope="session")
def mind() -> app.Mind:
    """The bot as it is shipped, learnt afresh."""
    return app.wake(KNOWLEDGE, None)


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """The address of a database with a random name that is gone afterwards."""
    name = f"posbot_test_{secrets.token_hex(8)}"
    try:
        execute(address(), f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    except (OSError, asyncpg.PostgresError) as error:
        missing = f"no PostgreSQL for tests ({error}); POSBOT_TEST_POSTGRES=postgresql://… names one whose user may create databases"
        if os.environ.get("CI") or os.environ.get("POSBOT_REQUIRE_POSTGRES"):
            pytest.fail(missing)
        pytest.skip(missing)
    try:
        yield urlsplit(address())._replace(path=f"/{name}").geturl()
    finally:
        execute(address(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def server(database: str) -> Server:
    """The server with nothing in its database. The tables stay: to make them takes longer than most tests."""
    execute(database, _EMPTY)
    return Server(dsn=database)


_EMPTY = """
DO $$ BEGIN
    IF to_regclass('schema_version') IS NOT NULL THEN
        DELETE FROM conversation;
        DELETE FROM photo;
        DELETE FROM incident;
        DELETE FROM forum_topic;
        DELETE FROM forum_update;
        DELETE FROM forum_fact;
        DELETE FROM staff;
        DELETE FROM audit;
        DELETE FROM schema_version WHERE version = 999;
        PERFORM setval(oid, 1000000) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
        PERFORM setval('conversation_id_seq', 1, false);
    END IF;
END $$
"""
"""What counts goes on from where no test puts rows of its own; else some would meet, depending on how many tests there were before."""
