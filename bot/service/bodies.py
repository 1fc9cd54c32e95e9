"""Events as they are kept in the inbox: a kind, and a JSON object that holds nothing secret."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bot.domain.events import Acted, Chose, Edited, Left, Lost, Returned, Said, Sent, Silent
from bot.domain.tickets import Act, Actor
from bot.domain.understanding import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.events import Event

SAID, EDITED, CHOSE, SENT, ACTED, SILENT = "said", "edited", "chose", "sent", "acted", "silent"
LEFT, RETURNED, LOST = "left", "returned", "lost"
NOT_OF_MERCHANTS = frozenset({ACTED, SILENT, LEFT, RETURNED, LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What stands in an inbox row. `text` is None where nothing was written; `secrets` were taken out of it before it was kept, and `message` is what the
    channel calls the message that they still stand in, where it can delete it. `label` is what was on a tapped button, `more` what staff may want to know of
    an attachment, and `fetch` by which the channel can fetch it."""

    event: Event
    text: str | None = None
    secrets: tuple[Secret, ...] = ()
    message: str = ""
    label: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    fetch: str = ""


encoded = json.JSONEncoder(ensure_ascii=False).encode
"""A body as it is kept. `json.dumps` would make an encoder for each, which takes longer than to encode one."""


def written(text: str, secrets: tuple[Secret, ...], **more: str) -> str:
    """The body of a text or of a picture with its caption."""
    return encoded({"text": text, "secrets": secrets, **more})


def acted(event: Acted) -> str:
    """The body of an act of staff."""
    return encoded(asdict(event))


def read(kind: str, body: str) -> Told:
    """The event in an inbox row. Raises ValueError for what is none."""
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise ValueError(f"a body that is no object: {kind}")  # noqa: TRY004  (callers handle one kind of error)
    if kind not in _READERS:
        raise ValueError(f"an unknown kind of event: {kind}")
    return _READERS[kind](fields)


def _acted(fields: dict[str, Any]) -> Acted:
    """Raises ValueError, TypeError, KeyError for what is no act."""
    facts = tuple((str(slot), str(value)) for slot, value in fields.get("facts", ()))
    texts = {name: _text(fields, name) for name in ("number", "text", "photo", "to", "to_name")}
    more = {name: str(fields.get(name, "")) for name in ("kind", "carry", "album")}
    return Acted(actor=Actor(**fields["actor"]), act=Act(fields["act"]), facts=facts, amends=int(fields.get("amends", 0)), **texts, **more)


def _told(event: Event, fields: dict[str, Any]) -> Told:
    return Told(event=event, text=_text(fields, "text") if "text" in fields else None, secrets=tuple(map(Secret, fields.get("secrets", ()))))


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"no {name}")  # noqa: TRY004  (callers handle one kind of error)
    return value


_READERS: Mapping[str, Callable[[dict[str, Any]], Told]] = {
    SAID: lambda fields: _told(Said(), fields),
    EDITED: lambda fields: _told(Edited(), fields),
    CHOSE: lambda fields: Told(event=Chose(choice=_text(fields, "choice"))),
    SENT: lambda fields: _told(Sent(kind=_text(fields, "kind"), name=_text(fields, "name")), fields),
    ACTED: lambda fields: Told(event=_acted(fields)),
    SILENT: lambda _: Told(event=Silent()),
    LEFT: lambda _: Told(event=Left()),
    RETURNED: lambda _: Told(event=Returned()),
    LOST: lambda fields: Told(event=Lost(name=_text(fields, "name"))),
}
