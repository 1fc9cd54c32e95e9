"""Rows for the staff's side of a database, put there behind the store's back: what a test needs of them is named, the rest is as usual."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.storage import words

from .places import File

if TYPE_CHECKING:
    from .places import Place

MINUTE = 60_000_000
HOUR = 60 * MINUTE
NOW = 1_760_000_000_000_000
AT_ONCE = 500


@dataclass(slots=True)
class Rows:
    """Inserts rows into one place; ids are the caller's."""

    place: Place

    async def conversation(self, id: int, **columns: Any) -> None:
        await self.conversations([{"id": id, **columns}])

    async def conversations(self, rows: list[dict[str, Any]]) -> None:
        usual = {"channel": "web", "profile": "{}", "state": "{}", "created": NOW, "active": NOW}
        await self.insert("conversation", [{"public_id": f"c{row['id']}", "chat": f"chat{row['id']}", **usual, **row} for row in rows])

    async def ticket(self, id: int, **columns: Any) -> None:
        await self.tickets([{"id": id, **columns}])

    async def tickets(self, rows: list[dict[str, Any]]) -> None:
        """Tickets, each of the conversation with its own id unless told otherwise; the public id is `t1` for 1."""
        usual = {
            "status": "open", "urgency": "U2", "reason": "wish", "topic": "printer", "team": "device", "owner": None, "code": "", "acquirer": "",
            "packet": "{}", "state": "{}", "opened": NOW, "changed": NOW, "waiting": None, "due": None,
            "answered": None, "solved": None, "respond_by": None, "late": False,
            "overran": False, "cause": "", "bot_right": "", "bot_topic": "", "bot_cause": "", "terminal": "",
        }  # fmt: skip
        own = [{"public_id": f"t{row['id']}", "number": f"1009-{row['id']:05}", "conversation": row["id"], "origin": row["id"]} for row in rows]
        await self.insert("ticket", [{**usual, **names, **row} for names, row in zip(own, rows, strict=True)])

    async def deed(self, ticket: int, act: str, *, event: int = 0, actor: str = "", done: bool = True, detail: str = "{}", at: int = NOW) -> None:
        await self.insert("ticket_event", [{"ticket": ticket, "event": event, "actor": actor, "act": act, "done": done, "detail": detail, "at": at}])

    async def line(self, id: int, conversation: int, text: str, *, side: str = "merchant", event: int | None = None, at: int = NOW) -> None:
        """A line of a transcript, and its words as whoever writes it keeps them."""
        body = json.dumps({"text": text} if side == "merchant" else {"bubbles": [text]}, ensure_ascii=False)
        await self.lines([{"id": id, "conversation": conversation, "event": event, "side": side, "body": body, "knowledge": "k", "at": at}])

    async def lines(self, rows: list[dict[str, Any]]) -> None:
        found = {row["id"]: words.line_words(row["side"], row["body"]) for row in rows}
        if isinstance(self.place, File):
            await self.insert("message", rows)
            if kept := [{"rowid": id, "words": tokens} for id, tokens in found.items() if tokens]:
                await self.insert("message_words", kept)
        else:
            await self.insert("message", [{**row, "words": words.vector(found[row["id"]] or "")} for row in rows])

    async def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), AT_ONCE):
            values = ", ".join(f"({', '.join(map(_literal, row.values()))})" for row in rows[start : start + AT_ONCE])
            await self.place.execute(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES {values}")


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).upper()
    return "'" + str(value).replace("'", "''") + "'"
