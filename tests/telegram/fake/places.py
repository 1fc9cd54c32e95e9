"""Where a call wants to write: the chat, whether the bot may, the topic and the message that is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.telegram.fake.call import Call
from tests.telegram.fake.chats import GENERAL, Chat
from tests.telegram.fake.errors import RefusedError

if TYPE_CHECKING:
    from tests.telegram.fake.world import World

RIGHTS = {
    "can_pin_messages": "manage pinned messages in the chat",
    "can_delete_messages": "delete messages",
    "create a topic": "create a topic",
    "can_manage_topics": "edit the topic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A chat and what a message in it hangs on."""

    chat: Chat
    thread: int | None
    reply_to: int | None


def find(world: World, call: Call, name: str = "chat_id") -> Chat:
    """The chat of a call that only reads.

    Raises:
        RefusedError: there is none, it has moved, or the bot is not in it.
    """
    written = call.text(name).strip()
    if not written:
        raise RefusedError("chat_id is empty")
    try:
        chat = world.chats[int(written)]
    except (ValueError, KeyError):
        raise RefusedError("chat not found") from None
    if chat.migrated_to is not None:
        raise RefusedError("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to)
    status = chat.members.get(world.bot_id, {}).get("status") if chat.type != "private" else "member"
    if status == "kicked":
        raise RefusedError(f"bot was kicked from the {chat.type} chat", 403)
    if status in {None, "left"}:
        raise RefusedError(f"bot is not a member of the {chat.type} chat", 403)
    return chat


def reach(world: World, call: Call) -> Chat:
    """The chat of a call that writes.

    Raises:
        RefusedError: as `find`, and when the person does not want or cannot get messages.
    """
    chat = find(world, call)
    match chat.state:
        case "blocked":
            raise RefusedError("bot was blocked by the user", 403)
        case "deactivated":
            raise RefusedError("user is deactivated", 403)
        case "never":
            raise RefusedError("bot can't initiate conversation with a user", 403)
        case "started":
            return chat


def place(world: World, call: Call) -> Place:
    """Where a new message goes.

    Raises:
        RefusedError: as `reach`, and for topics and answered messages that are not there.
    """
    chat = reach(world, call)
    thread = call.whole("message_thread_id") or None
    reply_to = _answered(chat, call)
    if thread is None and reply_to is not None:
        thread = chat.messages[reply_to].thread
    if thread is not None and (thread == GENERAL or thread not in chat.topics):
        if not (world.stray and chat.is_forum):
            raise RefusedError("message thread not found")
        thread = None
    closed = chat.topics[thread].closed if thread is not None else chat.general_closed
    if closed and not chat.may(world.bot_id, "can_manage_topics"):
        raise RefusedError("TOPIC_CLOSED")
    return Place(chat=chat, thread=thread, reply_to=reply_to)


def need(world: World, chat: Chat, right: str, purpose: str = "") -> None:
    """Insist on a right of the bot in a group."""
    if not chat.may(world.bot_id, right):
        raise RefusedError(f"not enough rights to {purpose or RIGHTS[right]}")


def _answered(chat: Chat, call: Call) -> int | None:
    given = Call(method=call.method, values=call.object("reply_parameters") or {})
    number = given.whole("message_id") or call.whole("reply_to_message_id")
    lenient = given.flag("allow_sending_without_reply") or call.flag("allow_sending_without_reply")
    if not number:
        return None
    if number not in chat.messages:
        if lenient:
            return None
        raise RefusedError("message to be replied not found")
    return number
