"""Everything the server knows, and what both sides do with it: post a message, tell the bot, find a chat."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, fields
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.telegram.fake.chats import GENERAL, Chat, Json, Message
from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.faults import Faults
from tests.telegram.fake.files import Files
from tests.telegram.fake.limits import Limits
from tests.telegram.fake.updates import TERMINATED, Updates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.telegram.fake.webhook import Webhook


@dataclass(kw_only=True)
class Query:
    """A pressed button that waits for its answer."""

    id: str
    user: int
    at: float
    answer: Json | None = None


@dataclass(kw_only=True)
class World:
    """The state of the server. `scale` is the real length of a second of the server's clocks (limits, pauses of the webhook)."""

    token: str
    scale: float = 1.0
    query_seconds: float = 15.0
    """How long a callback query can be answered, in real seconds."""
    stray: bool = False
    """Messages for a deleted topic land in General without a word, as some have seen the real one do, instead of being refused."""
    users: dict[int, Json] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    updates: Updates = field(default_factory=Updates)
    limits: Limits = field(default_factory=lambda: Limits(time.monotonic))
    faults: Faults = field(default_factory=lambda: Faults(time.monotonic))
    queries: dict[str, Query] = field(default_factory=dict)
    calls: list[Json] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)
    deliveries: list[Json] = field(default_factory=list)
    profile: Json = field(default_factory=dict)
    """Commands, descriptions and the name, by kind, scope and language."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    webhook: Webhook = field(init=False)
    version: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bot_id(self) -> int:
        return int(self.token.partition(":")[0])

    @property
    def bot(self) -> Json:
        """The bot as a User object."""
        return {"id": self.bot_id, "is_bot": True, "first_name": self.profile.get("name", "Fake Bot"), "username": "fake_support_bot"}

    async def renew(self, *, scale: float, limits: bool) -> None:
        """Forget everything."""
        await self.webhook.stop()
        self.webhook.disorder = 0.0
        self.updates.end_poll(TERMINATED)
        self.touch()
        fresh = World(token=self.token, scale=scale)
        fresh.limits.on, fresh.limits.scale = limits, scale
        for part in fields(World):
            if part.init:
                setattr(self, part.name, getattr(fresh, part.name))

    def touch(self) -> None:
        """Something that can be seen has changed."""
        self.version += 1
        self.changed.set()
        self.changed = asyncio.Event()

    def fail(self, what: str, **details: Any) -> None:
        """Note what the product must not do or what the fake does not know."""
        self.failures.append({"what": what, **details})
        self.touch()

    def chat(self, number: int) -> Chat:
        """A chat for an act of a person."""
        if number not in self.chats:
            raise RefusedError("chat not found")
        return self.chats[number]

    def post(self, chat: Chat, author: Json, content: Json, *, thread: int | None = None, reply_to: int | None = None, service: bool = False) -> Message:
        """Put a message into a chat. `content` is what makes it up (text, photo …) in the words of the Bot API."""
        number = chat.next_message_id()
        body: Json = {"message_id": number, "from": author, "chat": chat.brief(), "date": int(time.time()), **content}
        message = Message(body=body, author=author["id"], thread=thread, service=service)
        if thread is not None and thread != GENERAL:
            body |= {"message_thread_id": thread, "is_topic_message": True}
        self._link(chat, message, reply_to)
        chat.messages[number] = message
        self.touch()
        return message

    def announce(self, kind: str, chat: Chat, body: Json) -> int | None:
        """Tell the bot about something in a chat, unless it is not in it."""
        if kind != "my_chat_member" and chat.members.get(self.bot_id, {}).get("status") in {"left", "kicked"}:
            return None
        return self.updates.push(kind, body, f"chat {chat.id}")

    def serve(self, chat: Chat, author: Json, content: Json, thread: int | None = None) -> Message:
        """A service message; the bot hears of it, also of its own."""
        message = self.post(chat, author, content, thread=thread, service=True)
        self.announce("message", chat, message.body)
        return message

    def _link(self, chat: Chat, message: Message, reply_to: int | None) -> None:
        """A reply carries what it answers; every message of a topic answers, at least, the topic's beginning."""
        target = reply_to if reply_to is not None else message.thread if message.thread in chat.topics else None
        if target is None or target not in chat.messages:
            return
        answered = chat.messages[target]
        message.body["reply_to_message"] = {key: value for key, value in answered.body.items() if key != "reply_to_message"}
        if chat.is_forum and message.thread is None:  # a thread inside General is no topic
            message.body["message_thread_id"] = answered.body.get("message_thread_id", target)
