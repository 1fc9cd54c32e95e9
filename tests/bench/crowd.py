"""Databases as they are after a long time, made without waiting for it: many conversations, or many messages that nobody has answered yet."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from bot.domain.messages import Address
from bot.service import bodies
from bot.service.ports import Arrival
from bot.storage.sqlite import SQLiteStore

from .traffic import CHANNEL, dialogues

if TYPE_CHECKING:
    from pathlib import Path

MONTH = 30 * 24 * 3600 * 1_000_000
"""Microseconds over which the last messages of the conversations are spread."""


def new_id() -> str:
    """As the service makes them."""
    return secrets.token_hex(16)


async def wait_in_line(path: Path, messages: int, merchants: int) -> None:
    """A database in which so many messages were acknowledged, and none was answered."""
    store, texts = await SQLiteStore.open(path, new_id), dialogues()
    now = time.time_ns() // 1000

    async def arrive(number: int) -> None:
        turn, merchant = divmod(number, merchants)
        said = texts[merchant % len(texts)]
        body = bodies.written(said[turn % len(said)], ())
        address = Address(channel=CHANNEL, chat=f"waiting-{merchant}")
        await store.accept(Arrival(address=address, ext_id=f"waiting-{number}", kind=bodies.SAID, body=body, received=now + number - messages))

    for first in range(0, messages, 1000):
        await asyncio.gather(*(arrive(number) for number in range(first, first + 1000)))
    await store.close()


async def multiply(lived_in: Path, path: Path, conversations: int) -> None:
    """A database of so many conversations `m-0`, `m-1`, …, copied in turn from one in which merchants were helped: each with its state, its first message, and
    what was said to that."""
    await (await SQLiteStore.open(path, new_id)).close()
    with closing(sqlite3.connect(path, isolation_level=None, uri=True)) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA foreign_keys = OFF")
        connection.execute("ATTACH ? AS lived", (f"file:{lived_in}?mode=ro",))
        connection.executescript(_MODELS)
        values = {"count": conversations, "now": time.time_ns() // 1000, "step": MONTH // conversations}
        for statement in _COPIES:
            connection.execute(statement, values)
        connection.executescript("DETACH lived; PRAGMA journal_mode = WAL")


_MODELS = """
CREATE TEMP TABLE model AS SELECT row_number() OVER (ORDER BY id) - 1 AS place, * FROM lived.conversation WHERE ready IS NULL AND state IS NOT NULL;
CREATE UNIQUE INDEX temp.model_place ON model (place);
CREATE TEMP TABLE first AS SELECT m.place, i.kind, i.body, min(i.id) AS id FROM model AS m JOIN lived.inbox AS i ON i.conversation = m.id GROUP BY m.place;
CREATE UNIQUE INDEX temp.first_place ON first (place);
CREATE TEMP TABLE said AS SELECT f.place, l.side, l.body, l.knowledge FROM first AS f JOIN lived.message AS l ON l.event = f.id;
CREATE INDEX temp.said_place ON said (place);
"""
_EACH = "WITH RECURSIVE each (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM each WHERE n + 1 < :count), models (count) AS (SELECT count(*) FROM model)"
_COPIES = (
    f"""{_EACH} INSERT INTO conversation (id, public_id, channel, chat, profile, state, version, wakes, created, active)
    SELECT n + 1, lower(hex(randomblob(16))), m.channel, 'm-' || n, m.profile, m.state, m.version, m.wakes, :now - n * :step, :now - n * :step
    FROM each, models JOIN model AS m ON m.place = n % models.count""",
    f"""{_EACH} INSERT INTO inbox (channel, ext_id, conversation, kind, body, status, received)
    SELECT '{CHANNEL}', 'm-' || n || '/' || lower(hex(randomblob(16))), n + 1, f.kind, f.body, 'done', :now - n * :step
    FROM each, models JOIN first AS f ON f.place = n % models.count""",
    f"""{_EACH} INSERT INTO message (conversation, event, side, body, knowledge, at)
    SELECT n + 1, n + 1, s.side, s.body, s.knowledge, :now - n * :step FROM each, models JOIN said AS s ON s.place = n % models.count""",
)
