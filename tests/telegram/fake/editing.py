"""Methods that change or take away messages, pin them, react to them, and answer buttons."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.telegram.fake import keyboards, places
from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.files import CAPTIONED
from tests.telegram.fake.registry import method
from tests.telegram.fake.sending import album_part, captioned, written

if TYPE_CHECKING:
    from tests.telegram.fake.call import Call
    from tests.telegram.fake.chats import Chat, Json, Message
    from tests.telegram.fake.world import World

UNMODIFIED = "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
DELETABLE = 48 * 3600
"""Seconds after which a message can no longer be deleted in a private chat."""
REACTIONS = {
    *"❤👍👎🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓🍾💋🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾🤷😡",
    "❤\u200d🔥",
    "👨\u200d💻",
    "🤷\u200d♂",
    "🤷\u200d♀",
}
"""The emoji that bots may react with (Bot API, ReactionTypeEmoji)."""


@method("chat_id message_id text parse_mode entities link_preview_options disable_web_page_preview reply_markup", costs="edit")
def edit_message_text(world: World, call: Call) -> Any:
    chat, message = _mine(world, call)
    content, keyboard = written(call), keyboards.read(call)
    if "text" not in message.body:
        raise RefusedError("there is no text in the message to edit")
    return _change(world, chat, message, content, keyboard, ("text", "entities"))


@method("chat_id message_id caption parse_mode caption_entities show_caption_above_media reply_markup", costs="edit")
def edit_message_caption(world: World, call: Call) -> Any:
    chat, message = _mine(world, call)
    content, keyboard = captioned(call), keyboards.read(call)
    if not set(CAPTIONED) & set(message.body):
        raise RefusedError("there is no caption in the message to edit")
    return _change(world, chat, message, content, keyboard, ("caption", "caption_entities"))


@method("chat_id message_id media reply_markup", costs="edit")
def edit_message_media(world: World, call: Call) -> Any:
    chat, message = _mine(world, call)
    content, keyboard = album_part(world, call, call.json("media")), keyboards.read(call)
    if not set(CAPTIONED) & set(message.body):
        raise RefusedError("there is no media in the message to edit")
    return _change(world, chat, message, content, keyboard, (*CAPTIONED, "caption", "caption_entities"))


@method("chat_id message_id reply_markup", costs="edit")
def edit_message_reply_markup(world: World, call: Call) -> Any:
    chat, message = _mine(world, call)
    return _change(world, chat, message, {}, keyboards.read(call), ())


@method("chat_id message_id")
def delete_message(world: World, call: Call) -> bool:
    chat = places.find(world, call)
    message = chat.message(call.whole("message_id"), "message to delete")
    if not _may_delete(world, chat, message):
        raise RefusedError("message can't be deleted for everyone" if chat.type == "private" else "message can't be deleted")
    chat.drop(message.id)
    world.touch()
    return True


@method("chat_id message_ids")
def delete_messages(world: World, call: Call) -> bool:
    chat = places.find(world, call)
    numbers = call.json("message_ids")
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= 100:
        raise RefusedError("message identifiers are not specified" if not numbers else "too many message identifiers specified")
    for number in numbers:
        if isinstance(number, int) and number in chat.messages and _may_delete(world, chat, chat.messages[number]):
            chat.drop(number)
    world.touch()
    return True


@method("chat_id message_id reaction is_big")
def set_message_reaction(world: World, call: Call) -> bool:
    chat = places.reach(world, call)
    message = chat.message(call.whole("message_id"), "message to react")
    given = call.objects("reaction")
    if len(given) > 1:
        raise RefusedError("REACTIONS_TOO_MANY")
    if any(item.get("type") != "emoji" or str(item.get("emoji", "")).rstrip("\ufe0f") not in REACTIONS for item in given):
        raise RefusedError("REACTION_INVALID")
    message.reactions = [{"by": world.bot_id, "emoji": item["emoji"]} for item in given]
    world.touch()
    return True


@method("callback_query_id text show_alert url cache_time")
def answer_callback_query(world: World, call: Call) -> bool:
    query = world.queries.get(call.text("callback_query_id"))
    if query is None or query.answer is not None or time.monotonic() - query.at > world.query_seconds:
        raise RefusedError(TOO_OLD)
    if len(call.text("text")) > 200:
        raise RefusedError("MESSAGE_TOO_LONG")
    query.answer = {"text": call.text("text"), "alert": call.flag("show_alert")}
    world.touch()
    return True


@method("chat_id message_id disable_notification")
def pin_chat_message(world: World, call: Call) -> bool:
    chat = places.reach(world, call)
    if chat.type != "private":
        places.need(world, chat, "can_pin_messages")
    message = chat.message(call.whole("message_id"), "message to pin")
    if message.id not in chat.pinned:
        chat.pinned.append(message.id)
        shown = {key: value for key, value in message.body.items() if key != "reply_to_message"}
        world.serve(chat, world.bot, {"pinned_message": shown}, message.thread)
    return True


@method("chat_id message_id")
def unpin_chat_message(world: World, call: Call) -> bool:
    chat = places.reach(world, call)
    if chat.type != "private":
        places.need(world, chat, "can_pin_messages")
    number = call.whole("message_id") or (chat.pinned[-1] if chat.pinned else 0)
    if number not in chat.messages:
        raise RefusedError("message to unpin not found")
    if number in chat.pinned:
        chat.pinned.remove(number)
    world.touch()
    return True


def _mine(world: World, call: Call) -> tuple[Chat, Message]:
    chat = places.reach(world, call)
    if not call.whole("message_id"):
        raise RefusedError("message identifier is not specified")
    message = chat.message(call.whole("message_id"), "message to edit")
    if message.author != world.bot_id or message.service or "forward_origin" in message.body:
        raise RefusedError("message can't be edited")
    return chat, message


def _change(world: World, chat: Chat, message: Message, content: Json, keyboard: Json | None, names: tuple[str, ...]) -> Json:
    before = {key: message.body[key] for key in (*names, "reply_markup") if key in message.body}
    after = {**content, **({"reply_markup": keyboard} if keyboard else {})}
    if before == after:
        raise RefusedError(UNMODIFIED)
    message.versions.append(message.body)
    kept = {key: value for key, value in message.body.items() if key not in {*names, "reply_markup"}}
    message.body = {**kept, **after, "edit_date": int(time.time())}
    chat.messages[message.id] = message
    world.touch()
    return message.body


def _may_delete(world: World, chat: Chat, message: Message) -> bool:
    if chat.type == "private":
        return not message.service and time.time() - message.body["date"] < DELETABLE
    return message.author == world.bot_id or chat.may(world.bot_id, "can_delete_messages")
