"""A full disk: what cannot be kept is refused, nothing is half there, and all goes on when there is room again."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from bot.domain.errors import StoreUnavailable
from bot.domain.messages import Address
from bot.service.ports import Arrival
from bot.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

numbers = count(1)


def arrival() -> Arrival:
    number = str(next(numbers))
    return Arrival(address=Address(channel="web", chat=number), ext_id=number, kind="said", body='{"text": "' + "x" * 20_000 + '"}', received=1)


def pages(connection: sqlite3.Connection) -> int:
    ((number,),) = connection.execute("PRAGMA page_count")
    return int(number)


async def test_a_full_database_refuses_and_recovers(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path / "posbot.db", lambda: f"id-{next(numbers)}")
    try:
        await store.accept(arrival())
        writing = store._writer._connection
        writing.execute(f"PRAGMA max_page_count = {pages(writing)}")
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="full"):
                await store.accept(arrival())
        assert (await store.counts(2)).inbox == 1
        writing.execute("PRAGMA max_page_count = 1000000")
        await store.accept(arrival())
        assert (await store.counts(2)).inbox == 2
    finally:
        await store.close()
