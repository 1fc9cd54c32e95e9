"""How arrivals are kept in an embedded database: three statements for as many as come together.

Values are bound one by one: in one JSON text they cost twice as much, because SQLite reads that text anew for each of them. With statements for each arrival
the writer's thread would ask for its turn again and again, which it does not get at once while others are busy.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .rows import key, storable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from bot.service.ports import Arrival

SIZES = 64
"""Numbers of arrivals whose statements are kept: each number has statements of its own."""


def accept(connection: sqlite3.Connection, arrivals: Sequence[Arrival], new_id: Callable[[], str]) -> list[str]:
    """Keep arrivals, at most `gathered.MOST_ITEMS`; the public ids of their conversations, in order."""
    count = len(arrivals)
    places = [(a, a.address.channel, key(a.address.chat), key(a.ext_id)) for a in arrivals]
    connection.execute(_greet(count), _flat((new_id(), channel, chat, storable(a.profile), *(a.received,) * 3) for a, channel, chat, _ in places))
    connection.execute(_keep(count), _flat((channel, chat, ext_id, a.kind, storable(a.body), a.received) for a, channel, chat, ext_id in places))
    ((found,),) = connection.execute(_kept(count), _flat((place, channel, ext_id) for place, (_, channel, _, ext_id) in enumerate(places)))
    ids = json.loads(found)
    return [ids[str(place)] for place in range(count)]


def _flat(rows: Iterable[Sequence[Any]]) -> list[Any]:
    return [value for row in rows for value in row]


def _values(count: int, columns: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * count)


@lru_cache(SIZES)
def _greet(count: int) -> str:
    """Conversations that are new begin, and all have something to do."""
    return f"""
        INSERT INTO conversation (public_id, channel, chat, profile, ready, created, active) VALUES {_values(count, 7)}
        ON CONFLICT (channel, chat) DO UPDATE SET
            ready = coalesce(min(ready, excluded.ready), excluded.ready),
            profile = CASE excluded.profile WHEN '{{}}' THEN profile ELSE excluded.profile END
    """


@lru_cache(SIZES)
def _keep(count: int) -> str:
    """What has come before is there already."""
    return f"""
        WITH arrival (channel, chat, ext_id, kind, body, received) AS (VALUES {_values(count, 6)})
        INSERT INTO inbox (channel, ext_id, conversation, kind, body, received)
        SELECT a.channel, a.ext_id, c.id, a.kind, a.body, a.received
        FROM arrival AS a CROSS JOIN conversation AS c ON c.channel = a.channel AND c.chat = a.chat WHERE true
        ON CONFLICT (channel, ext_id) DO NOTHING
    """


@lru_cache(SIZES)
def _kept(count: int) -> str:
    """One row for all, because each row is another turn of the thread. What came before may have begun another conversation."""
    return f"""
        WITH arrival (place, channel, ext_id) AS (VALUES {_values(count, 3)})
        SELECT json_group_object(a.place, c.public_id)
        FROM arrival AS a CROSS JOIN inbox AS i ON i.channel = a.channel AND i.ext_id = a.ext_id JOIN conversation AS c ON c.id = i.conversation
    """
