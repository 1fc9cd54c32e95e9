"""Lines of a transcript as they leave the house: documented fields only, nothing of what is kept for staff."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.service.ports import Line

OWN = ("text", "choice", "label")
"""Of what the merchant sent; `facts` and the rest are for staff."""
OTHERS = ("text",)


def ext_id(chat: str, client_id: str) -> str:
    """The channel's id of what a visitor sent: two visitors cannot collide."""
    return f"{chat}:{client_id}"


def mark(conversation: str | None) -> str | None:
    """Tells conversations apart without telling their ids."""
    return conversation and hashlib.sha256(conversation.encode()).hexdigest()[:16]


def shown(line: Line) -> dict[str, Any]:
    """A line as the page gets it."""
    fields = json.loads(line.body)
    told = {"id": line.id, "side": line.side, "at": line.at // 1000}
    if isinstance(photo := fields.get("file"), str):
        told["photo"] = photo
    return told | (_own(line, fields) if line.side == "merchant" else _others(fields))


def _own(line: Line, fields: dict[str, Any]) -> dict[str, Any]:
    client_id = (line.ext_id or "").partition(":")[2]
    return _texts(fields, OWN) | ({"client_id": client_id} if client_id else {})


def _others(fields: dict[str, Any]) -> dict[str, Any]:
    """What the bot or staff said."""
    if "bubbles" not in fields:
        return _texts(fields, OTHERS)
    choices = [{"id": choice["id"], "label": choice["label"]} for choice in fields.get("choices", ())]
    return {"bubbles": fields["bubbles"], "choices": choices}


def _texts(fields: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: fields[name] for name in names if isinstance(fields.get(name), str)}
