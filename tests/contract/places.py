"""Places for databases of tests: a file, or a database on a server."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import aiosqlite
import asyncpg

from bot.storage.postgres import PostgresStore
from bot.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from bot.service.ports import Store

LOCAL = "postgresql://127.0.0.1:5432/postgres"
_numbers = count(1)


def new_id() -> str:
    return f"id-{next(_numbers):06}"


class Place(Protocol):
    """Where one database is, so that it can be opened once more."""

    async def open(self) -> Store:
        """The store in this place."""

    async def execute(self, statement: str) -> None:
        """Do something to the database behind the store's back."""

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """The rows of a query, beside whoever works with the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    path: Path

    async def open(self) -> SQLiteStore:
        return await SQLiteStore.open(self.path, new_id)

    async def execute(self, statement: str) -> None:
        async with aiosqlite.connect(self.path, isolation_level=None) as connection:
            await connection.execute(statement)

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(statement).fetchall()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    dsn: str

    async def open(self) -> PostgresStore:
        return await PostgresStore.open(self.dsn, new_id)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Any]:
        """A connection beside the store's."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            yield connection
        finally:
            await connection.close()

    async def execute(self, statement: str) -> None:
        async with self.connected() as connection:
            await connection.execute(statement)

    async def fetch(self, statement: str) -> list[Any]:
        async with self.connected() as connection:
            return list(await connection.fetch(statement))

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        return fetch(self.dsn, statement)

    async def cut(self) -> None:
        """End all connections but this one, as a server does that is started again."""
        await self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")


def address() -> str:
    """A server for tests, named by a database whose user may create others."""
    return os.environ.get("POSBOT_TEST_POSTGRES") or LOCAL


def execute(dsn: str, statement: str) -> None:
    """Execute a statement from where no loop is, or another's."""
    with ThreadPoolExecutor() as thread:
        thread.submit(asyncio.run, Server(dsn=dsn).execute(statement)).result()


def fetch(dsn: str, statement: str) -> list[Any]:
    """The rows of a query, from where no loop is, or another's."""
    with ThreadPoolExecutor() as thread:
        rows: list[Any] = thread.submit(asyncio.run, Server(dsn=dsn).fetch(statement)).result()
        return rows


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Store]:
    """The store in this place, closed on the way out."""
    store = await place.open()
    try:
        yield store
    finally:
        await store.close()
