"""Events as they are kept in the inbox: a kind, and a JSON object that holds nothing secret."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bot.domain.events import Acted, Chose, Edited, Said, Sent, Silent
from bot.domain.tickets import Act, Actor
from bot.domain.understanding import Secret

if TYPE_CHECKING:
    from bot.domain.events import Event

SAID, EDITED, CHOSE, SENT, ACTED, SILENT = "said", "edited", "chose", "sent", "acted", "silent"
NOT_OF_MERCHANTS = frozenset({ACTED, SILENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What stands in an inbox row. `text` is None where nothing was written; `secrets` were taken out of it before it was kept."""

    event: Event
    text: str | None = None
    secrets: tuple[Secret, ...] = ()


def written(text: str, secrets: tuple[Secret, ...], **more: str) -> str:
    """The body of a text or of a picture with its caption."""
    return json.dumps({"text": text, "secrets": secrets, **more}, ensure_ascii=False)


def acted(event: Acted) -> str:
    """The body of an act of staff."""
    return json.dumps(asdict(event), ensure_ascii=False)


def read(kind: str, body: str) -> Told:
    """The event in an inbox row. Raises ValueError for what is none."""
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise ValueError(f"a body that is no object: {kind}")  # noqa: TRY004  (callers handle one kind of error)
    match kind:
        case "said":
            return _told(Said(), fields)
        case "edited":
            return _told(Edited(), fields)
        case "chose":
            return Told(event=Chose(choice=_text(fields, "choice")))
        case "sent":
            return _told(Sent(kind=_text(fields, "kind"), name=_text(fields, "name")), fields)
        case "silent":
            return Told(event=Silent())
        case "acted":
            return Told(event=_acted(fields))
        case _:
            raise ValueError(f"an unknown kind of event: {kind}")


def _acted(fields: dict[str, Any]) -> Acted:
    """Raises ValueError, TypeError, KeyError for what is no act."""
    facts = tuple((str(slot), str(value)) for slot, value in fields.get("facts", ()))
    texts = {name: _text(fields, name) for name in ("number", "text", "photo", "to", "to_name")}
    return Acted(actor=Actor(**fields["actor"]), act=Act(fields["act"]), facts=facts, **texts)


def _told(event: Event, fields: dict[str, Any]) -> Told:
    return Told(event=event, text=_text(fields, "text") if "text" in fields else None, secrets=tuple(map(Secret, fields.get("secrets", ()))))


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"no {name}")  # noqa: TRY004  (callers handle one kind of error)
    return value
