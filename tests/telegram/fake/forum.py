"""Methods for the topics of a forum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.telegram.fake import places
from tests.telegram.fake.chats import Chat, Topic
from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.registry import method

if TYPE_CHECKING:
    from tests.telegram.fake.call import Call
    from tests.telegram.fake.world import World

NAME = 128
"""Characters of a topic's name."""
COLORS = {7322096, 16766590, 13338331, 9367192, 16749490, 16478047}
"""The colours that a topic's icon may have (Bot API, createForumTopic)."""
ICONS = {"5312536423851630001": "💡", "5309984423003823246": "📣", "5379748062124056162": "❗️", "5310228579009699834": "🎉", "5237699328843200968": "✅"}
"""A few of the custom emoji that everybody may use as an icon; ids of the real ones differ by nothing that matters here."""


@method("chat_id name icon_color icon_custom_emoji_id")
def create_forum_topic(world: World, call: Call) -> Any:
    chat = _forum(world, call, "create a topic")
    color = call.whole("icon_color", 7322096)
    if color not in COLORS:
        raise RefusedError("invalid icon color specified")
    return found_topic(world, chat, world.bot, _name(call.text("name")), color=color, icon=_icon(call)).body()


@method("chat_id message_thread_id name icon_custom_emoji_id")
def edit_forum_topic(world: World, call: Call) -> bool:
    chat = _forum(world, call, "edit the topic")
    topic = chat.topic(call.whole("message_thread_id"))
    if not call.text("name") and "icon_custom_emoji_id" not in call.values:
        return True
    name = _name(call.text("name")) if call.text("name") else topic.name
    icon = _icon(call) if "icon_custom_emoji_id" in call.values else topic.icon
    if (name, icon) == (topic.name, topic.icon):
        raise RefusedError("TOPIC_NOT_MODIFIED")
    changes = {"name": name} if name != topic.name else {}
    changes |= {"icon_custom_emoji_id": icon} if icon != topic.icon else {}
    topic.name, topic.icon = name, icon
    world.serve(chat, world.bot, {"forum_topic_edited": changes}, topic.thread)
    return True


@method("chat_id message_thread_id")
def close_forum_topic(world: World, call: Call) -> bool:
    return _toggle(world, call, closed=True)


@method("chat_id message_thread_id")
def reopen_forum_topic(world: World, call: Call) -> bool:
    return _toggle(world, call, closed=False)


@method("chat_id message_thread_id")
def delete_forum_topic(world: World, call: Call) -> bool:
    chat = places.reach(world, call)
    topic = chat.topic(call.whole("message_thread_id"))
    places.need(world, chat, "can_delete_messages", "delete the topic")
    chat.drop_topic(topic.thread)
    world.touch()
    return True


@method("chat_id message_thread_id")
def unpin_all_forum_topic_messages(world: World, call: Call) -> bool:
    chat = places.reach(world, call)
    topic = chat.topic(call.whole("message_thread_id"))
    places.need(world, chat, "can_pin_messages")
    chat.pinned = [number for number in chat.pinned if chat.messages[number].thread != topic.thread]
    world.touch()
    return True


@method("")
def get_forum_topic_icon_stickers(world: World, call: Call) -> Any:
    del world, call
    return [
        {"file_id": f"icon{number}", "file_unique_id": f"unique{number}", "type": "custom_emoji", "width": 100, "height": 100, "is_animated": True,
         "is_video": False, "emoji": emoji, "custom_emoji_id": number}
        for number, emoji in ICONS.items()
    ]  # fmt: skip


def found_topic(world: World, chat: Chat, author: dict[str, Any], name: str, *, color: int = 7322096, icon: str = "") -> Topic:
    """A new topic; its id is that of the service message that opens it."""
    topic = Topic(thread=chat.last_id + 1, name=name, creator=author["id"], icon_color=color, icon=icon)
    begun = {"name": name, "icon_color": color, **({"icon_custom_emoji_id": icon} if icon else {})}
    world.serve(chat, author, {"forum_topic_created": begun}, topic.thread)
    chat.topics[topic.thread] = topic
    return topic


def set_closed(world: World, chat: Chat, topic: Topic, author: dict[str, Any], *, closed: bool) -> None:
    """Close or reopen a topic.

    Raises:
        RefusedError: it is so already.
    """
    if topic.closed == closed:
        raise RefusedError("TOPIC_NOT_MODIFIED")
    topic.closed = closed
    world.serve(chat, author, {"forum_topic_closed" if closed else "forum_topic_reopened": {}}, topic.thread)


def _toggle(world: World, call: Call, *, closed: bool) -> bool:
    chat = _forum(world, call, "edit the topic")
    set_closed(world, chat, chat.topic(call.whole("message_thread_id")), world.bot, closed=closed)
    return True


def _forum(world: World, call: Call, purpose: str) -> Chat:
    chat = places.reach(world, call)
    if not chat.is_forum:
        raise RefusedError("the chat is not a forum")
    places.need(world, chat, "can_manage_topics", purpose)
    return chat


def _name(name: str) -> str:
    name = name.strip()
    if not name:
        raise RefusedError("title must be non-empty")
    if len(name) > NAME:
        raise RefusedError("TOPIC_TITLE_INVALID")
    return name


def _icon(call: Call) -> str:
    icon = call.text("icon_custom_emoji_id")
    if icon and icon not in ICONS:
        raise RefusedError("DOCUMENT_INVALID")
    return icon
