"""An update as Telegram sends it: `screened` takes what is used out of it, without secrets, before it is kept; `read` says in the step what it means.

Nothing here raises for what Telegram, or somebody in its name, may send. Of an update is kept: who wrote in which chat, the text or caption without secrets,
which button, and by what reference an attachment can be fetched. Quoted messages, entities, contacts, names of chats, keyboards are never kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.channels import photos
from bot.domain.conversation import Conversation
from bot.domain.events import Began, Chose, Edited, Left, Returned, Said, Sent
from bot.domain.understanding import Secret
from bot.service.bodies import Told, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.events import Event

    from .keyboards import Keyboards

    Redact = Callable[[str], tuple[str, tuple[Secret, ...]]]

CHANNEL = "telegram"
KIND = "update"
"""The kind of such an event in the inbox."""
WANTED = ("message", "edited_message", "callback_query", "my_chat_member")
"""Updates that the server is asked for."""
MOST_FETCHED = 20 << 20
"""Bytes of a file that a bot may fetch."""
LONGEST_NAME, LONGEST_ID = 64, 256
COMMANDS = {"start": "start", "human": "human", "status": "progress", "restart": "restart", "privacy": "privacy", "help": "help"}
"""Commands, and the choices that they stand for."""
FILES = ("animation", "video", "video_note", "voice", "audio", "document")
"""Kinds of messages with a file that is no picture. An animation is called a document beside it, so it is looked for first."""
PICTURES = {"image/jpeg", "image/png", "image/webp"}
_REFUSED = ("sticker", "contact", "poll", "dice", "story", "game", "checklist", "paid_media", "invoice", "giveaway", "gift")
_SERVICE = ("pinned_message", "message_auto_delete_timer_changed", "write_access_allowed", "chat_background_set")
"""What the chat says of itself: nobody wrote it, and nobody waits for an answer."""
_BIG = 1 << 62
_REFERENCE = re.compile(r"[A-Za-z0-9_=-]{1,256}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What an update is looked at with: `redact` takes secrets out of a text, `keyboards` knows our own buttons."""

    redact: Redact
    keyboards: Keyboards


@dataclass(frozen=True, slots=True, kw_only=True)
class Tapped:
    """What must be done about a tap in the chat itself: the query is answered, the keyboard marked. `label` is what was on the button."""

    query: str
    message: int
    data: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An update of a private chat, as it is kept. `start` is the payload of a deep link, `name` what the merchant is called there."""

    chat: str
    ext_id: str
    fields: dict[str, Any]
    name: str = ""
    start: str = ""
    tapped: Tapped | None = None

    @property
    def body(self) -> str:
        """For the inbox."""
        return encoded(self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """An update of a group or a channel. `joined`: the bot was put into it."""

    chat: int
    joined: bool


def id_of(raw: object) -> int | None:
    """The number of an update, None for what is none."""
    return _whole(raw.get("update_id")) if isinstance(raw, dict) else None


def screened(raw: object, screen: Screen) -> Taken | Elsewhere | None:
    """What is kept of an update; None for what nobody wrote. Never raises."""
    update = raw if isinstance(raw, dict) else {}
    number = id_of(update)
    if number is None:
        return None
    if "callback_query" in update:
        return _tap(number, _object(update, "callback_query"), screen)
    if "my_chat_member" in update:
        return _member(number, _object(update, "my_chat_member"))
    edited = "edited_message" in update
    return _message(number, _object(update, "edited_message" if edited else "message"), screen, edited=edited)


def _message(number: int, message: dict[str, Any], screen: Screen, *, edited: bool) -> Taken | Elsewhere | None:
    chat, id = _whole(_object(message, "chat").get("id")), _whole(message.get("message_id"))
    if chat is None or id is None or _object(message, "from").get("is_bot") is True or not message.keys().isdisjoint(_SERVICE):
        return None
    if _object(message, "chat").get("type") != "private":
        return Elsewhere(chat=chat, joined=False)
    written, secrets = screen.redact(_text(message, "text") or _text(message, "caption"))
    fields: dict[str, Any] = {"type": "edited" if edited else "message", "message": str(id)}
    if written:
        fields |= {"text": written, "secrets": list(secrets)}
    fields |= _attachment(str(chat), message, screen.redact)
    if edited and not written:  # a place that moves, a caption that was taken away
        return None
    command, _, payload = written.partition(" ") if written.startswith("/") and "kind" not in fields else ("", "", "")
    if command and not edited and (choice := COMMANDS.get(command[1:].partition("@")[0].lower())):
        fields = {"type": "command", "message": str(id), "choice": choice, "label": command[:LONGEST_NAME]}
    start = _text(message, "text").partition(" ")[2].strip()[:LONGEST_ID] if fields.get("choice") == "start" and payload else ""
    return Taken(chat=str(chat), ext_id=f"{number}/{chat}/{id}", fields=fields, name=_name(message, screen.redact), start=start)


def _attachment(chat: str, message: dict[str, Any], redact: Redact) -> dict[str, Any]:
    """What hangs on a message: its kind, and what is needed to fetch it."""
    album = {"album": _text(message, "media_group_id")[:LONGEST_NAME]} if "media_group_id" in message else {}
    if isinstance(message.get("photo"), list):
        sizes = [size for size in message["photo"] if isinstance(size, dict) and _text(size, "file_id")]
        return _file(chat, "photo", max(sizes, key=_area), redact) | album if sizes else {"kind": "photo"}
    if kind := next((name for name in FILES if name in message), None):
        return _file(chat, kind, _object(message, kind), redact) | album
    if isinstance(message.get("location"), dict):
        place = message["location"]
        return {"kind": "location", "name": f"{_degrees(place, 'latitude')},{_degrees(place, 'longitude')}"}
    if refused := next((name for name in _REFUSED if name in message), None):
        return {"kind": refused}
    return {} if "text" in message or "caption" in message else {"kind": "other"}


def _file(chat: str, kind: str, told: dict[str, Any], redact: Redact) -> dict[str, Any]:
    """A file by its reference. A picture that was sent as a file is a picture, but can be sent again as a file only: that is its `form`."""
    reference, unique = _text(told, "file_id"), _text(told, "file_unique_id")
    if not _REFERENCE.fullmatch(reference):
        return {"kind": kind}
    if (_whole(told.get("file_size")) or 0) > MOST_FETCHED:
        return {"kind": "too-large"}
    form = kind
    if kind == "document" and _text(told, "mime_type") in PICTURES:
        kind = "photo"
    name = {"name": photos.id_of(f"{CHANNEL}:{chat}", unique or reference), "fetch": reference} if kind == "photo" else {"name": reference}
    title, _ = redact(_text(told, "file_name")[:LONGEST_NAME])
    seconds = _whole(told.get("duration"))
    more = {
        "title": title,
        "mime": _text(told, "mime_type")[:LONGEST_NAME],
        "seconds": "" if seconds is None else str(seconds),
        "form": form if form != kind else "",
    }
    return {"kind": kind} | name | {name: value for name, value in more.items() if value}


def _tap(number: int, query: dict[str, Any], screen: Screen) -> Taken | Elsewhere | None:
    message = _object(query, "message")
    chat, id = _whole(_object(message, "chat").get("id")), _whole(message.get("message_id"))
    data, token = _text(query, "data")[:LONGEST_ID], _text(query, "id")[:LONGEST_ID]
    if chat is None or id is None or not token:
        return None
    if _object(message, "chat").get("type") != "private":
        return Elsewhere(chat=chat, joined=False)
    label, _ = screen.redact(_label(message, data))
    tap = screen.keyboards.read(str(chat), data)
    fields = {"type": "tap", "line": tap.line, "choice": tap.choice, "label": label} if tap else {"type": "tap", "choice": "unknown", "label": label}
    tapped = Tapped(query=token, message=id, data=data, label=label)
    return Taken(chat=str(chat), ext_id=f"{number}/{chat}/{token}", fields=fields, name=_name(query, screen.redact), tapped=tapped)


def _label(message: dict[str, Any], data: str) -> str:
    """What stood on the button with this data."""
    rows = _object(message, "reply_markup").get("inline_keyboard")
    buttons = [button for row in rows if isinstance(row, list) for button in row if isinstance(button, dict)] if isinstance(rows, list) else []
    return next((_text(button, "text")[:LONGEST_NAME] for button in buttons if _text(button, "callback_data") == data), "")


def _member(number: int, change: dict[str, Any]) -> Taken | Elsewhere | None:
    chat, kind = _whole(_object(change, "chat").get("id")), _object(change, "chat").get("type")
    status = _text(_object(change, "new_chat_member"), "status")
    if chat is None or not status:
        return None
    if kind != "private":
        return Elsewhere(chat=chat, joined=status in {"member", "administrator", "restricted"})
    return Taken(chat=str(chat), ext_id=f"{number}/{chat}/member", fields={"type": "member", "gone": status in {"kicked", "left"}})


def _name(told: dict[str, Any], redact: Redact) -> str:
    who = _object(told, "from")
    whole = f"{_text(who, 'first_name')} {_text(who, 'last_name')}".strip()
    return " ".join(redact(whole[:LONGEST_NAME])[0].split())


def read(body: str) -> Told:
    """What a kept update means. Raises ValueError for a body that is none of ours."""
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise ValueError("an update that is no object")  # noqa: TRY004  (callers handle one kind of error)
    match fields.get("type"):
        case "message" | "edited":
            return _written(fields)
        case "command":
            return Told(event=_commanded(fields), label=_text(fields, "label"))
        case "tap":
            return _tapped(fields)
        case "member":
            return Told(event=Left() if fields.get("gone") else Returned())
        case other:
            raise ValueError(f"an unknown type of update: {other}")


def _tapped(fields: dict[str, Any]) -> Told:
    """A choice, or the label of one that was too long. A button that is not ours means nothing to the dialogue, which has a friendly word for it."""
    choice, label = _text(fields, "choice"), _text(fields, "label")
    if not choice and label:
        return Told(event=Said(), text=label)
    return Told(event=Chose(choice=choice, prompt=_text(fields, "line")), label=label)


def _commanded(fields: dict[str, Any]) -> Event:
    choice = _text(fields, "choice")
    if choice != "start":
        return Chose(choice=choice)
    moved = fields.get("moved")
    known = tuple((str(slot), str(value)) for slot, value in fields.get("known", ()))
    return Began(known=known, moved=Conversation.from_json(moved) if isinstance(moved, dict) else None)


def _written(fields: dict[str, Any]) -> Told:
    """A text or an attachment with its caption. Where neither is, nobody wrote a word."""
    text = _text(fields, "text") if "text" in fields else None
    secrets, message = tuple(map(Secret, fields.get("secrets", ()))), _text(fields, "message")
    if "kind" not in fields or fields["type"] == "edited":
        event = Edited(mark=message) if fields["type"] == "edited" else Said(mark=message)
        return Told(event=event, text=text or "", secrets=secrets, message=message)
    more = {name: _text(fields, name) for name in ("title", "mime", "seconds", "album", "form") if _text(fields, name)}
    sent = Sent(kind=_text(fields, "kind"), name=_text(fields, "name"), album=_text(fields, "album"))
    return Told(event=sent, text=text, secrets=secrets, message=message, more=more, fetch=_text(fields, "fetch"))


def _object(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    """A whole number that a database can hold."""
    return value if isinstance(value, int) and not isinstance(value, bool) and -_BIG < value < _BIG else None


def _area(size: dict[str, Any]) -> int:
    return (_whole(size.get("width")) or 0) * (_whole(size.get("height")) or 0)


def _degrees(place: dict[str, Any], name: str) -> str:
    value = place.get(name)
    return f"{value:.5f}" if isinstance(value, int | float) and not isinstance(value, bool) and -180 <= value <= 180 else "?"
