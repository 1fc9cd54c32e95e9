"""What comes from the staff's group: `screened` takes what is used out of an update, without secrets, before it is kept; `read` gives it back.

Nothing here raises for what Telegram, or somebody in its name, may send.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from bot.channels.telegram.updates import FILES, PICTURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.understanding import Secret

    Redact = Callable[[str], tuple[str, tuple[Secret, ...]]]

ANONYMOUS = 1087968824
"""In whose name administrators write who stay anonymous (Bot API, GroupAnonymousBot)."""
LINK = "/link"
"""The command with which somebody sends a code."""
LONGEST = 4096
_REFERENCE = re.compile(r"[A-Za-z0-9_=-]{1,256}")
_BIG = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who wrote or pressed. `hidden`: somebody who does not say who it is: an anonymous administrator, or a channel."""

    id: int
    name: str
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file that hangs on a message: its kind (a photo or one of `updates.FILES`; other for what is none of these), reference and name."""

    kind: str
    reference: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """A message in the group. `thread` is None in General. `secrets`: something was taken out of the text. `answers` is the message that it replies to."""

    chat: int
    thread: int | None
    message: int
    person: Person
    text: str
    secrets: bool = False
    sheet: Sheet | None = None
    album: str = ""
    answers: int | None = None
    edited: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button was pressed."""

    chat: int
    thread: int | None
    message: int
    person: Person
    query: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The group is another chat now."""

    chat: int
    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Somebody closed or opened a topic (`closed`), or changed its name (None)."""

    chat: int
    thread: int
    message: int
    closed: bool | None


Came: TypeAlias = Wrote | Pressed | Moved | Turned
_TYPES: dict[str, type[Came]] = {"wrote": Wrote, "pressed": Pressed, "moved": Moved, "turned": Turned}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """As it is kept: the id under which it is there once, what it must stay in order with, and itself."""

    ext_id: str
    lane: str
    came: Came
    body: str = field(repr=False)


def chat_of(raw: object) -> int | None:
    """The chat of an update, None where there is none."""
    update = raw if isinstance(raw, dict) else {}
    for name in ("message", "edited_message", "my_chat_member"):
        if isinstance(update.get(name), dict):
            return _whole(_object(update[name], "chat").get("id"))
    return _whole(_object(_object(_object(update, "callback_query"), "message"), "chat").get("id"))


def message_of(update: dict[str, Any]) -> int:
    """The number of a message, 0 where there is none."""
    return _whole(_object(update, "message").get("message_id")) or 0


def leads(update: dict[str, Any]) -> bool:
    """Whether the bot was made an administrator."""
    return _text(_object(_object(update, "my_chat_member"), "new_chat_member"), "status") == "administrator"


def title_of(update: dict[str, Any]) -> str:
    """What the group is called that the bot was put into."""
    return _text(_object(_object(update, "my_chat_member"), "chat"), "title")[:64]


def code_of(update: dict[str, Any]) -> str:
    """The code that somebody sends in the private chat; empty where there is none."""
    message = _object(update, "message")
    if _object(message, "chat").get("type") != "private":
        return ""
    command, _, rest = _text(message, "text").partition(" ")
    return rest.strip()[:64] if command.partition("@")[0].lower() == LINK else ""


def screened(raw: object, redact: Redact) -> Kept | None:
    """What is kept of an update of the group; None for what nobody did."""
    update = raw if isinstance(raw, dict) else {}
    number = _whole(update.get("update_id"))
    if number is None:
        return None
    if "callback_query" in update:
        return _kept(number, _pressed(_object(update, "callback_query"), redact))
    edited = "edited_message" in update
    return _kept(number, _message(_object(update, "edited_message" if edited else "message"), redact, edited=edited))


def read(body: str) -> Came:
    """What was kept. Raises ValueError, TypeError, KeyError for what is none of ours."""
    fields = json.loads(body)
    kind = fields.pop("type")
    if "person" in fields:
        fields["person"] = Person(**fields["person"])
    if fields.get("sheet"):
        fields["sheet"] = Sheet(**fields["sheet"])
    return _TYPES[kind](**fields)


def _kept(number: int, came: Came | None) -> Kept | None:
    if came is None:
        return None
    kind = next(name for name, known in _TYPES.items() if isinstance(came, known))
    lane = f"{came.chat}/{getattr(came, 'thread', None) or ''}"
    if isinstance(came, Pressed):
        lane = f"{lane}/{came.query}"  # who is first is decided by the ticket, not by the order here
    ext_id = f"{number}/{came.chat}/{came.query if isinstance(came, Pressed) else getattr(came, 'message', kind)}"
    return Kept(ext_id=ext_id, lane=lane, came=came, body=json.dumps({"type": kind, **asdict(came)}, ensure_ascii=False))


def _pressed(query: dict[str, Any], redact: Redact) -> Pressed | None:
    message = _object(query, "message")
    chat, id, person = _whole(_object(message, "chat").get("id")), _whole(message.get("message_id")), _person(query, redact, chat=None)
    if chat is None or id is None or person is None or not _text(query, "id"):
        return None
    return Pressed(chat=chat, thread=_thread(message), message=id, person=person, query=_text(query, "id")[:64], data=_text(query, "data")[:64])


def _message(message: dict[str, Any], redact: Redact, *, edited: bool) -> Came | None:
    chat, id = _whole(_object(message, "chat").get("id")), _whole(message.get("message_id"))
    if chat is None or id is None:
        return None
    if (to := _whole(message.get("migrate_to_chat_id"))) is not None:
        return Moved(chat=chat, to=to)
    thread = _thread(message)
    if any(name in message for name in ("forum_topic_closed", "forum_topic_reopened", "forum_topic_edited")):
        closed = "forum_topic_closed" in message if "forum_topic_edited" not in message else None
        return Turned(chat=chat, thread=thread, message=id, closed=closed) if thread is not None and not _is_bot(message, chat) else None
    person, sheet = _person(message, redact, chat=chat), _sheet(message, redact)
    text = (_text(message, "text") or _text(message, "caption"))[:LONGEST]
    if person is None or _is_bot(message, chat) or (sheet is None and not text):
        return None
    redacted, secrets = redact(text)
    return Wrote(
        chat=chat, thread=thread, message=id, person=person, text=redacted if secrets else text, secrets=bool(secrets), sheet=sheet,
        album=_text(message, "media_group_id")[:64], answers=_answers(message, thread), edited=_whole(message.get("edit_date")) or 1 if edited else 0,
    )  # fmt: skip


def _thread(message: dict[str, Any]) -> int | None:
    """The topic. What answers something in General has a thread id too, which is no topic."""
    return _whole(message.get("message_thread_id")) if message.get("is_topic_message") is True else None


def _answers(message: dict[str, Any], thread: int | None) -> int | None:
    """The message that is answered. In a topic everything seems to answer the message that it began with."""
    answered = _whole(_object(message, "reply_to_message").get("message_id"))
    return None if answered == thread else answered


def _person(told: dict[str, Any], redact: Redact, *, chat: int | None) -> Person | None:
    who = _object(told, "from")
    id = _whole(who.get("id"))
    if id is None:
        return None
    name = redact(" ".join(f"{_text(who, 'first_name')} {_text(who, 'last_name')}"[:64].split()))[0]
    sender = _whole(_object(told, "sender_chat").get("id"))
    return Person(id=sender if sender is not None else id, name=name, hidden=id == ANONYMOUS or (sender is not None and chat is not None))


def _is_bot(message: dict[str, Any], chat: int) -> bool:
    """Whether a bot wrote it; anonymous administrators do so by name only."""
    return _object(message, "from").get("is_bot") is True and _object(message, "sender_chat").get("id") != chat


def _sheet(message: dict[str, Any], redact: Redact) -> Sheet | None:
    if isinstance(message.get("photo"), list):
        sizes = [size for size in message["photo"] if isinstance(size, dict)]
        return _file("photo", max(sizes, key=lambda size: _whole(size.get("width")) or 0), redact) if sizes else None
    if kind := next((name for name in FILES if name in message), None):
        return _file(kind, _object(message, kind), redact)
    others = ("sticker", "location", "contact", "poll", "dice", "story", "game", "venue")
    return Sheet(kind="other") if any(name in message for name in others) else None


def _file(kind: str, told: dict[str, Any], redact: Redact) -> Sheet:
    reference = _text(told, "file_id")
    name = redact(_text(told, "file_name")[:64])[0]
    if kind == "document" and _text(told, "mime_type") in PICTURES:
        kind = "photo"
    return Sheet(kind=kind, reference=reference, name=name) if _REFERENCE.fullmatch(reference) else Sheet(kind="other")


def _object(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and -_BIG < value < _BIG else None
