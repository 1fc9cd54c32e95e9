"""Methods that put new messages into chats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.telegram.fake import keyboards, markup, places
from tests.telegram.fake.chats import GENERAL
from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.files import CAPTIONED
from tests.telegram.fake.registry import method

if TYPE_CHECKING:
    from tests.telegram.fake.call import Call
    from tests.telegram.fake.chats import Chat, Json, Message
    from tests.telegram.fake.files import File
    from tests.telegram.fake.places import Place
    from tests.telegram.fake.registry import Run
    from tests.telegram.fake.world import World

COMMON = "chat_id message_thread_id disable_notification protect_content reply_parameters reply_to_message_id allow_sending_without_reply"
KEYBOARD = "reply_markup message_effect_id"
CAPTION = "caption parse_mode caption_entities"
FILES = {
    "photo": f"{CAPTION} show_caption_above_media has_spoiler",
    "document": f"{CAPTION} thumbnail disable_content_type_detection",
    "voice": f"{CAPTION} duration",
    "video": f"{CAPTION} duration width height thumbnail supports_streaming show_caption_above_media has_spoiler",
    "animation": f"{CAPTION} duration width height thumbnail show_caption_above_media has_spoiler",
    "video_note": "duration length thumbnail",
    "audio": f"{CAPTION} duration performer title thumbnail",
}
"""Kinds of files that bots send, each by a method of its own, with what that one knows besides."""
TEXT, CAPTION_TEXT = 4096, 1024
"""UTF-16 units of a text and of a caption, after markup is taken out."""
ALBUM = range(2, 11)
PHOTO = 10 * 1024 * 1024
ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document", "choose_sticker", "find_location",
    "record_video_note", "upload_video_note",
}  # fmt: skip


def written(call: Call, name: str = "text", entities: str = "entities") -> Json:
    """The text of a call with its entities.

    Raises:
        RefusedError: empty, too long, or broken markup.
    """
    text, found = markup.parse(call.text(name), call.text("parse_mode"), call.objects(entities))
    if not text:
        raise RefusedError("message text is empty")
    if markup.units(text) > TEXT:
        raise RefusedError("message is too long")
    found = found or markup.detect(text, bot=True)
    return {"text": text, **({"entities": found} if found else {})}


def captioned(values: Call) -> Json:
    """The caption of a call, if it has one."""
    text, found = markup.parse(values.text("caption"), values.text("parse_mode"), values.objects("caption_entities"))
    if markup.units(text) > CAPTION_TEXT:
        raise RefusedError("message caption is too long")
    return {"caption": text, **({"caption_entities": found} if found else {})} if text else {}


def put(world: World, place: Place, content: Json, keyboard: Json | None = None) -> Message:
    """A message of the bot. Only inline keyboards are shown with it."""
    buttons = {"reply_markup": keyboard} if keyboard and "inline_keyboard" in keyboard else {}
    return world.post(place.chat, world.bot, {**content, **buttons}, thread=place.thread, reply_to=place.reply_to)


@method(f"{COMMON} {KEYBOARD} text parse_mode entities link_preview_options disable_web_page_preview", costs="message")
def send_message(world: World, call: Call) -> Any:
    place = places.place(world, call)
    content, keyboard = written(call), keyboards.read(call)
    return put(world, place, content, keyboard).body


def _sending(kind: str) -> Run:
    """The method that sends files of one kind."""

    def send(world: World, call: Call) -> Any:
        place = places.place(world, call)
        caption, keyboard = captioned(call), keyboards.read(call)
        return put(world, place, {**media(world, call, kind, kind, call.values), **caption}, keyboard).body

    send.__name__ = f"send_{kind}"
    return send


for _kind, _parameters in FILES.items():
    method(f"{COMMON} {KEYBOARD} {_kind} {_parameters}", costs="message")(_sending(_kind))


@method(f"{COMMON} {KEYBOARD} latitude longitude horizontal_accuracy live_period heading proximity_alert_radius", costs="message")
def send_location(world: World, call: Call) -> Any:
    place = places.place(world, call)
    latitude, longitude = call.number("latitude"), call.number("longitude")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        raise RefusedError("wrong latitude or longitude specified")
    return put(world, place, {"location": {"latitude": latitude, "longitude": longitude}}, keyboards.read(call)).body


@method(f"{COMMON} message_effect_id media", costs="message")
def send_media_group(world: World, call: Call) -> Any:
    place = places.place(world, call)
    items = call.objects("media")
    if not items:
        raise RefusedError("there are no messages to send")
    if len(items) not in ALBUM:
        raise RefusedError("too many messages to send as an album" if len(items) > 1 else "there are not enough messages to send as an album")
    kinds = {str(item.get("type")) for item in items}
    if not kinds <= {"photo", "video"} and len(kinds) > 1:
        raise RefusedError("can't use the media of the specified type in the album")
    group = {"media_group_id": f"{13_000_000_000_000_000 + next(world.numbers)}"}
    contents = [album_part(world, call, item) for item in items]
    return [put(world, place, {**content, **group}).body for content in contents]


@method("chat_id message_thread_id action")
def send_chat_action(world: World, call: Call) -> bool:
    if call.whole("message_thread_id") == GENERAL:  # only here it has this id
        del call.values["message_thread_id"]
    place = places.place(world, call)
    if call.text("action") not in ACTIONS:
        raise RefusedError("wrong parameter action in request")
    place.chat.actions.append(call.text("action"))
    world.touch()
    return True


@method(f"{COMMON} {KEYBOARD} {CAPTION} from_chat_id message_id show_caption_above_media video_start_timestamp", costs="message")
def copy_message(world: World, call: Call) -> Any:
    place = places.place(world, call)
    source = places.find(world, call, "from_chat_id")
    message = source.message(call.whole("message_id"), "message to copy")
    if message.service:
        raise RefusedError("message can't be copied")
    content = _content(message)
    if "caption" in call.values and "text" not in content:
        content = {key: value for key, value in content.items() if key not in {"caption", "caption_entities"}} | captioned(call)
    copy = put(world, place, content, keyboards.read(call))
    return {"message_id": copy.id}


@method("chat_id message_thread_id from_chat_id message_id disable_notification protect_content message_effect_id video_start_timestamp", costs="message")
def forward_message(world: World, call: Call) -> Any:
    place = places.place(world, call)
    source = places.find(world, call, "from_chat_id")
    message = source.message(call.whole("message_id"), "message to forward")
    if message.service:
        raise RefusedError("message can't be forwarded")
    return put(world, place, {**_content(message), "forward_origin": _origin(message, source)}).body


def media(world: World, call: Call, kind: str, name: str, item: Json) -> Json:
    """The content of a message with a file: uploaded now, or known by its id. `item` carries the extras (duration …)."""
    given = call.text(name) if name not in call.files else f"attach://{name}"
    if given.startswith("attach://"):
        upload = call.files.get(given.removeprefix("attach://"))
        if upload is None:
            raise RefusedError(f'can\'t parse {kind}: file "{given}" is not among the uploaded ones')
        if not upload.content:
            raise RefusedError("file must be non-empty")
        return uploaded(world, kind, upload.content, name=upload.name, mime=upload.mime, extra=item)
    if not given:
        raise RefusedError(f"there is no {kind} in the request")
    return _known(world, kind, given)


def uploaded(world: World, kind: str, content: bytes, *, name: str, mime: str, size: int | None = None, extra: Json | None = None) -> Json:
    """Keep a file and say what a message with it contains."""
    if kind == "photo":
        if len(content) > PHOTO:
            raise RefusedError(f"file of size {len(content)} bytes is too big for a photo; the maximum size is {PHOTO} bytes")
        sizes = world.files.photo(content, size)
        world.files.contents.update({size["file_id"]: {"photo": sizes} for size in sizes})
        return {"photo": sizes}
    file = world.files.add(kind, content, name, size)
    described = {kind: _described(kind, file, name, mime, extra or {})}
    if kind == "animation":
        described["document"] = _described("document", file, name, mime, {})
    world.files.contents[file.file_id] = described
    return described


def album_part(world: World, call: Call, item: Json) -> Json:
    """The content that one InputMedia of a call describes."""
    kind = str(item.get("type")) if isinstance(item, dict) else ""
    if kind not in {"photo", "video", "document", "audio"}:
        raise RefusedError("can't use the media of the specified type in the album")
    inner = type(call)(method=call.method, values={**item, kind: item.get("media")}, files=call.files)
    return {**media(world, inner, kind, kind, item), **captioned(inner)}


def _described(kind: str, file: File, name: str, mime: str, extra: Json) -> Json:
    body: Json = {"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": file.size}
    match kind:
        case "voice":
            return {**body, "duration": int(extra.get("duration") or 0), "mime_type": mime}
        case "video_note":
            return {**body, "duration": int(extra.get("duration") or 0), "length": 240}
        case "video" | "animation" | "audio":
            shape = {} if kind == "audio" else {"width": 640, "height": 360}
            return {**body, **shape, "duration": int(extra.get("duration") or 0), "mime_type": mime, "file_name": name}
        case "sticker":
            return {**body, "type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False, "emoji": "👍"}
        case _:
            return {**body, "file_name": name, "mime_type": mime}


def _known(world: World, kind: str, given: str) -> Json:
    world.files.find(given)
    content = world.files.contents[given]
    if (own := next(iter(content))) != kind:
        raise RefusedError(f"can't use file of type {_type(own)} as {_type(kind)}")
    return content


def _type(kind: str) -> str:
    return kind.title().replace("_", "")


def _content(message: Message) -> Json:
    return {key: message.body[key] for key in CONTENT if key in message.body}


def _origin(message: Message, source: Chat) -> Json:
    if "sender_chat" in message.body:
        return {"type": "chat", "date": message.body["date"], "sender_chat": source.brief()}
    return {"type": "user", "date": message.body["date"], "sender_user": message.body["from"]}


CONTENT = ("text", "entities", *CAPTIONED, "video_note", "sticker", "location", "contact", "caption", "caption_entities")
"""What of a message is copied with it."""
