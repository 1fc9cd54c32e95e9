"""What people do in their apps. Each function is a verb of the control interface: it takes the JSON of the request and gives the JSON of the answer."""

from __future__ import annotations

import base64
import re
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.telegram.fake import forum, markup, sending
from tests.telegram.fake.chats import ANONYMOUS, GENERAL, Chat, Json, Message, member
from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.files import CAPTIONED
from tests.telegram.fake.world import Query

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.telegram.fake.world import World

    Act = Callable[[World, Json], Any]

ACTS: dict[str, Act] = {}
FIRST_USER, FIRST_GROUP = 5_000_000_000, -1_002_000_000_000
"""User ids need more than 32 bits, as real ones do; supergroups are below -1000000000000."""
PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a deep link may carry (Bot API, "Deep Linking")."""
FILES = {*CAPTIONED, "video_note", "sticker"}


def act(run: Act) -> Act:
    """Make a function a verb."""
    ACTS[run.__name__] = run
    return run


@act
def person(world: World, given: Json) -> Json:
    """A new user, and the private chat with the bot: `state` is "started", "never", "blocked" or "deactivated"."""
    number = int(given.get("id") or FIRST_USER + next(world.numbers))
    names = {key: given[key] for key in ("last_name", "username", "language_code") if given.get(key)}
    user = {"id": number, "is_bot": bool(given.get("is_bot")), "first_name": given.get("first_name", "Wang"), **names}
    world.users[number] = user
    world.chats[number] = Chat(id=number, type="private", user=user, state=given.get("state", "started"))
    return user


@act
def group(world: World, given: Json) -> Json:
    """A group with the bot in it: `type` "supergroup" or "group", `forum`, the bot's `status` and `rights` (a list of names; None: all of them)."""
    kind = given.get("type", "supergroup")
    number = int(given.get("id") or (FIRST_GROUP if kind == "supergroup" else -1_000_000) - next(world.numbers))
    chat = Chat(id=number, type=kind, title=given.get("title", "Staff"), is_forum=bool(given.get("forum", kind == "supergroup")))
    world.chats[number] = chat
    _set_member(world, chat, world.bot_id, given)
    return chat.brief()


@act
def membership(world: World, given: Json) -> Json:
    """What a user (or the bot) is in a group: `status`, `rights`, `anonymous`. The bot hears of changes of its own."""
    chat = world.chat(given["chat"])
    _set_member(world, chat, given.get("user") or world.bot_id, given, tell=True)
    return chat.members[given.get("user") or world.bot_id]


@act
def say(world: World, given: Json) -> Json:
    """A text. `thread`, `reply_to`, `entities` are optional."""
    text = str(given["text"])
    if markup.units(text) > sending.TEXT:
        raise RefusedError("an app makes several messages of so long a text")
    found = given.get("entities") or markup.detect(text)
    return _send(world, given, {"text": text, **({"entities": found} if found else {})})


@act
def send(world: World, given: Json) -> Json:
    """Something else than a text: `kind` is one of a file, location or contact; `caption`; `content` in base64."""
    return _send(world, given, _content(world, given))


@act
def album(world: World, given: Json) -> list[Json]:
    """Several `items` (as for `send`) with one media_group_id: separate messages without an end mark."""
    group_id = {"media_group_id": f"{13_500_000_000_000_000 + next(world.numbers)}"}
    return [_send(world, given, {**_content(world, item), **group_id}) for item in given["items"]]


@act
def edit(world: World, given: Json) -> Json:
    """Change the text or the caption of an own `message`."""
    chat = world.chat(given["chat"])
    message = chat.message(given["message"], "message to edit")
    name, entities = ("text", "entities") if "text" in message.body else ("caption", "caption_entities")
    message.versions.append(message.body)
    kept = {key: value for key, value in message.body.items() if key not in {name, entities}}
    found = markup.detect(str(given["text"]))
    message.body = {**kept, name: given["text"], "edit_date": int(time.time()), **({entities: found} if found else {})}
    world.announce("edited_message", chat, message.body)
    world.touch()
    return message.body


@act
def delete(world: World, given: Json) -> bool:
    """Delete a message for everybody: bots do not hear of it."""
    chat = world.chat(given["chat"])
    chat.drop(chat.message(given["message"], "message to delete").id)
    world.touch()
    return True


@act
def press(world: World, given: Json) -> Json:
    """Press a button of a `message`, by `label` or `data`; `force` presses data that no button has, as a forged client can. The id of the query."""
    chat, user = world.chat(given["chat"]), world.users[given["user"]]
    message = chat.message(given["message"], "message")
    data = _data(message, given)
    query = Query(id=f"{4_382_000_000_000_000_000 + next(world.numbers)}", user=user["id"], at=time.monotonic())
    world.queries[query.id] = query
    body = {"id": query.id, "from": user, "message": message.body, "chat_instance": f"{chat.id}", "data": data}
    world.updates.push("callback_query", body, f"presses of {user['id']}")
    return {"query": query.id}


@act
def start(world: World, given: Json) -> Json:
    """Open the chat with the bot and press Start; `payload` is that of a deep link."""
    if given.get("payload") and not PAYLOAD.fullmatch(given["payload"]):
        raise RefusedError("no deep link can carry this payload")
    _turn(world, world.chat(given["user"]), "started")
    payload = f" {given['payload']}" if given.get("payload") else ""
    said: Json = say(world, {"chat": given["user"], "user": given["user"], "text": f"/start{payload}"})
    return said


@act
def block(world: World, given: Json) -> bool:
    """Block the bot."""
    return _turn(world, world.chat(given["user"]), "blocked")


@act
def unblock(world: World, given: Json) -> bool:
    """Let it write again."""
    return _turn(world, world.chat(given["user"]), "started")


@act
def deactivate(world: World, given: Json) -> bool:
    """The account is gone; the bot hears nothing."""
    world.chat(given["user"]).state = "deactivated"
    return True


@act
def migrate(world: World, given: Json) -> Json:
    """A group becomes a supergroup with another id; `forum` makes it a forum."""
    old = world.chat(given["chat"])
    number = FIRST_GROUP - next(world.numbers)
    new = Chat(id=number, type="supergroup", title=old.title, is_forum=bool(given.get("forum", True)), members=old.members)
    world.chats[number] = new
    author = next((world.users[user] for user in old.members if user in world.users), ANONYMOUS)
    world.serve(old, author, {"migrate_to_chat_id": number})
    old.migrated_to = number
    world.serve(new, {**ANONYMOUS}, {"migrate_from_chat_id": old.id, "sender_chat": new.brief()})
    return new.brief()


@act
def topic(world: World, given: Json) -> Json:
    """A member makes a topic."""
    return forum.found_topic(world, world.chat(given["chat"]), world.users[given["user"]], given["name"]).body()


@act
def rename_topic(world: World, given: Json) -> bool:
    """A member renames a topic."""
    chat = world.chat(given["chat"])
    chat.topic(given["thread"]).name = given["name"]
    world.serve(chat, world.users[given["user"]], {"forum_topic_edited": {"name": given["name"]}}, given["thread"])
    return True


@act
def close_topic(world: World, given: Json) -> bool:
    """A member closes (or with `closed` false opens) a topic; thread 1 is General."""
    chat, closed = world.chat(given["chat"]), bool(given.get("closed", True))
    if given["thread"] == GENERAL:
        chat.general_closed = closed
    else:
        forum.set_closed(world, chat, chat.topic(given["thread"]), world.users[given["user"]], closed=closed)
    return True


@act
def delete_topic(world: World, given: Json) -> bool:
    """A member deletes a topic with everything in it: bots do not hear of it."""
    chat = world.chat(given["chat"])
    chat.drop_topic(chat.topic(given["thread"]).thread)
    world.touch()
    return True


def _send(world: World, given: Json, content: Json) -> Json:
    """Post a message of a person and tell the bot."""
    chat, user = world.chat(given["chat"]), world.users[given["user"]]
    thread, reply_to = given.get("thread"), given.get("reply_to")
    if chat.state in {"blocked", "deactivated"}:
        raise RefusedError("somebody who has blocked the bot cannot write to it")
    chat.state = "started"
    if thread is not None:
        if chat.topic(thread).closed and not chat.may(user["id"], "can_manage_topics"):
            raise RefusedError("TOPIC_CLOSED")
    elif reply_to is not None:
        thread = chat.message(reply_to, "message to be replied").thread
    author = user
    if chat.members.get(user["id"], {}).get("is_anonymous"):
        author, content = ANONYMOUS, {**content, "sender_chat": chat.brief()}
    message = world.post(chat, author, content, thread=thread, reply_to=reply_to)
    world.announce("message", chat, message.body)
    return message.body


def _content(world: World, given: Json) -> Json:
    kind = str(given["kind"])
    if kind == "location":
        return {"location": {"latitude": float(given.get("latitude", 31.23)), "longitude": float(given.get("longitude", 121.47))}}
    if kind == "contact":
        return {"contact": {"phone_number": str(given.get("phone_number", "")), "first_name": str(given.get("first_name", "Li"))}}
    if kind not in FILES:
        extra = given.get("extra")
        if not isinstance(extra, dict):
            raise RefusedError(f"no such kind: {kind}")
        return {kind: extra}
    content = base64.b64decode(given["content"]) if given.get("content") else _sample(kind)
    name, mime = str(given.get("name") or f"{kind}.bin"), str(given.get("mime") or "application/octet-stream")
    body = sending.uploaded(world, kind, content, name=name, mime=mime, size=given.get("size"), extra=given)
    found = markup.detect(str(given.get("caption", "")))
    caption = {"caption": given["caption"], **({"caption_entities": found} if found else {})} if given.get("caption") else {}
    return {**body, **caption}


def _sample(kind: str) -> bytes:
    if kind != "photo":
        return b"sample of " + kind.encode()
    picture = BytesIO()
    Image.new("RGB", (640, 480), "white").save(picture, "JPEG")
    return picture.getvalue()


def _data(message: Message, given: Json) -> str:
    buttons = [button for row in message.body.get("reply_markup", {}).get("inline_keyboard", []) for button in row]
    if given.get("force"):
        return str(given["data"])
    for button in buttons:
        if button["text"] == given.get("label") or button.get("callback_data") == given.get("data", ""):
            return str(button["callback_data"])
    raise RefusedError(f"no such button; there are {[button['text'] for button in buttons]}")


def _turn(world: World, chat: Chat, state: Any) -> bool:
    """A private chat is blocked or opened; the bot hears of it if anything changes (the first start comes as a message only)."""
    before, chat.state = chat.state, state
    if {before, state} == {"started", "blocked"}:
        statuses = {"started": "member", "blocked": "kicked"}
        _tell_membership(world, chat, chat.user, member(statuses[before]), member(statuses[state]))
    world.touch()
    return True


def _set_member(world: World, chat: Chat, user: int, given: Json, *, tell: bool = False) -> None:
    rights = given.get("rights")
    before = chat.members.get(user, member("left"))
    status = given.get("status", "administrator" if user == world.bot_id else "member")
    chat.members[user] = member(status, None if rights is None else dict.fromkeys(rights, True), anonymous=bool(given.get("anonymous")))
    if tell and user == world.bot_id:
        _tell_membership(world, chat, ANONYMOUS, before, chat.members[user])
    world.touch()


def _tell_membership(world: World, chat: Chat, author: Json, before: Json, after: Json) -> None:
    body = {"chat": chat.brief(), "from": author, "date": int(time.time()), "old_chat_member": {**before, "user": world.bot}}
    world.announce("my_chat_member", chat, {**body, "new_chat_member": {**after, "user": world.bot}})
