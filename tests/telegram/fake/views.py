"""A chat as somebody sees it who holds the phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.telegram.fake.files import CAPTIONED

if TYPE_CHECKING:
    from tests.telegram.fake.chats import Chat, Json, Message
    from tests.telegram.fake.world import World

KINDS = ("text", *CAPTIONED, "video_note", "sticker", "location", "contact")


def chat_view(world: World, chat: Chat) -> Json:
    """The messages in order, without the deleted ones, and the topics."""
    return {
        **chat.brief(),
        "state": chat.state,
        "messages": [_message_view(world, chat, message) for message in chat.messages.values()],
        "deleted": chat.deleted,
        "topics": [
            {**topic.body(), "closed": topic.closed, "pinned": [number for number in chat.pinned if chat.messages[number].thread == topic.thread]}
            for topic in chat.topics.values()
        ],
        "pinned": chat.pinned,
        "actions": chat.actions,
        "migrated_to": chat.migrated_to,
    }


def _message_view(world: World, chat: Chat, message: Message) -> Json:
    body = message.body
    buttons = body.get("reply_markup", {}).get("inline_keyboard", [])
    return {
        "id": message.id,
        "by_bot": message.author == world.bot_id,
        "author": message.author,
        "kind": next((kind for kind in KINDS if kind in body), "service"),
        "text": body.get("text") or body.get("caption") or "",
        "entities": body.get("entities") or body.get("caption_entities") or [],
        "buttons": [[{"label": button["text"], "data": button.get("callback_data"), "url": button.get("url")} for button in row] for row in buttons],
        "thread": message.thread,
        "reply_to": body.get("reply_to_message", {}).get("message_id"),
        "album": body.get("media_group_id"),
        "edits": len(message.versions),
        "pinned": message.id in chat.pinned,
        "reactions": [reaction["emoji"] for reaction in message.reactions],
        "raw": body,
    }
