"""Methods about the bot itself, about chats and members, and about files."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from tests.telegram.fake import places
from tests.telegram.fake.chats import member
from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.registry import method

if TYPE_CHECKING:
    from tests.telegram.fake.call import Call
    from tests.telegram.fake.chats import Chat, Json
    from tests.telegram.fake.world import World

COMMAND = re.compile(r"/?[a-z0-9_]{1,32}")
SCOPES = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators", "chat_member"}


@method("")
def get_me(world: World, call: Call) -> Any:
    del call
    able = {"can_join_groups": True, "can_read_all_group_messages": True, "supports_inline_queries": False}
    return {**world.bot, **able, "can_connect_to_business": False, "has_main_web_app": False}


@method("")
def log_out(world: World, call: Call) -> bool:
    del world, call
    return True


@method("")
def close(world: World, call: Call) -> bool:
    del world, call
    return True


@method("file_id")
def get_file(world: World, call: Call) -> Any:
    return world.files.downloadable(call.text("file_id"))


@method("chat_id")
def get_chat(world: World, call: Call) -> Any:
    chat = places.find(world, call)
    accepted = dict.fromkeys(("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False)
    body = {**chat.brief(), "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": accepted}
    pinned = {"pinned_message": chat.messages[chat.pinned[-1]].body} if chat.pinned else {}
    allowed = {} if chat.type == "private" else {"permissions": {"can_send_messages": True}}
    return {**body, **pinned, **allowed}


@method("chat_id user_id")
def get_chat_member(world: World, call: Call) -> Any:
    chat = places.find(world, call)
    user = call.whole("user_id")
    if chat.type == "private":
        raise RefusedError("there are no members in the private chat")
    if user not in world.users and user != world.bot_id:
        raise RefusedError("PARTICIPANT_ID_INVALID")
    return _member(world, chat, user)


@method("chat_id return_bots")
def get_chat_administrators(world: World, call: Call) -> Any:
    chat = places.find(world, call)
    if chat.type == "private":
        raise RefusedError("there are no administrators in the private chat")
    heads = [user for user, member in chat.members.items() if member["status"] in {"creator", "administrator"}]
    return [_member(world, chat, user) for user in heads if user == world.bot_id or not world.users[user]["is_bot"]]


@method("chat_id")
def get_chat_member_count(world: World, call: Call) -> int:
    chat = places.find(world, call)
    return 2 if chat.type == "private" else sum(member["status"] not in {"left", "kicked"} for member in chat.members.values())


@method("chat_id")
def leave_chat(world: World, call: Call) -> bool:
    chat = places.find(world, call)
    if chat.type == "private":
        raise RefusedError("chat member status can't be changed in private chats")
    before = chat.members.get(world.bot_id, member("left"))
    chat.members[world.bot_id] = member("left")
    body = {"chat": chat.brief(), "from": world.bot, "date": int(time.time()), "old_chat_member": {**before, "user": world.bot}}
    world.announce("my_chat_member", chat, {**body, "new_chat_member": {**chat.members[world.bot_id], "user": world.bot}})
    return True


@method("commands scope language_code")
def set_my_commands(world: World, call: Call) -> bool:
    commands = call.objects("commands")
    if len(commands) > 100:
        raise RefusedError("BOT_COMMANDS_TOO_MUCH")
    for item in commands:
        if not COMMAND.fullmatch(str(item.get("command", ""))):
            raise RefusedError("BOT_COMMAND_INVALID")
        if not 1 <= len(str(item.get("description", "")).strip()) <= 256:
            raise RefusedError("BOT_COMMAND_DESCRIPTION_INVALID" if item.get("description") else "command description must be non-empty")
    world.profile[_key(call, "commands")] = commands
    return True


@method("scope language_code")
def get_my_commands(world: World, call: Call) -> Any:
    return world.profile.get(_key(call, "commands"), [])


@method("scope language_code")
def delete_my_commands(world: World, call: Call) -> bool:
    world.profile.pop(_key(call, "commands"), None)
    return True


@method("name language_code")
def set_my_name(world: World, call: Call) -> bool:
    return _say(world, call, "name", 64)


@method("language_code")
def get_my_name(world: World, call: Call) -> Any:
    return {"name": world.profile.get(_key(call, "name"), world.bot["first_name"])}


@method("description language_code")
def set_my_description(world: World, call: Call) -> bool:
    return _say(world, call, "description", 512)


@method("language_code")
def get_my_description(world: World, call: Call) -> Any:
    return {"description": world.profile.get(_key(call, "description"), "")}


@method("short_description language_code")
def set_my_short_description(world: World, call: Call) -> bool:
    return _say(world, call, "short_description", 120)


@method("language_code")
def get_my_short_description(world: World, call: Call) -> Any:
    return {"short_description": world.profile.get(_key(call, "short_description"), "")}


def _say(world: World, call: Call, name: str, longest: int) -> bool:
    if len(call.text(name)) > longest:
        raise RefusedError(f"bot {name.replace('_', ' ')} is too long")
    world.profile[_key(call, name)] = call.text(name)
    return True


def _key(call: Call, name: str) -> str:
    scope = call.object("scope") or {"type": "default"}
    if str(scope.get("type")) not in SCOPES:
        raise RefusedError("can't parse BotCommandScope: unsupported type specified")
    parts = (name, scope["type"], scope.get("chat_id"), scope.get("user_id"), call.text("language_code"))
    return name if parts[1:] == ("default", None, None, "") else " ".join(str(part) for part in parts if part)


def _member(world: World, chat: Chat, user: int) -> Json:
    shown = world.bot if user == world.bot_id else world.users[user]
    return {**chat.members.get(user, {"status": "left"}), "user": shown}
