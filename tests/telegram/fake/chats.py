"""People, chats, topics and messages as the server keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.telegram.fake.errors import RefusedError

Json = dict[str, Any]
ANONYMOUS: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
"""Whose name anonymous administrators write under."""
RIGHTS = (
    "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users",
    "can_post_stories", "can_edit_stories", "can_delete_stories", "can_pin_messages", "can_manage_topics",
)  # fmt: skip
GENERAL = 1
"""The id of the topic General; its messages do not carry it."""


@dataclass(kw_only=True)
class Message:
    """One message. `body` is what the Bot API shows; `author` the id of who wrote it; `versions` the earlier bodies."""

    body: Json
    author: int
    thread: int | None = None
    versions: list[Json] = field(default_factory=list)
    reactions: list[Json] = field(default_factory=list)
    service: bool = False

    @property
    def id(self) -> int:
        number: int = self.body["message_id"]
        return number


@dataclass(kw_only=True)
class Topic:
    """A topic of a forum."""

    thread: int
    name: str
    creator: int
    icon_color: int = 7322096
    icon: str = ""
    closed: bool = False

    def body(self) -> Json:
        """A ForumTopic object."""
        icon = {"icon_custom_emoji_id": self.icon} if self.icon else {}
        return {"message_thread_id": self.thread, "name": self.name, "icon_color": self.icon_color, **icon}


@dataclass(kw_only=True)
class Chat:
    """A private chat, a group, or a forum supergroup. `state` says whether the bot may write into a private chat."""

    id: int
    type: Literal["private", "group", "supergroup"]
    title: str = ""
    user: Json = field(default_factory=dict)
    state: Literal["never", "started", "blocked", "deactivated"] = "started"
    is_forum: bool = False
    members: dict[int, Json] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    pinned: list[int] = field(default_factory=list)
    migrated_to: int | None = None
    actions: list[str] = field(default_factory=list)
    last_id: int = 0
    general_closed: bool = False

    def __post_init__(self) -> None:
        if self.type != "private":
            self.next_message_id()  # that it was made: so no topic has the id of General

    def brief(self) -> Json:
        """A Chat object."""
        if self.type == "private":
            names = {key: self.user[key] for key in ("first_name", "last_name", "username") if self.user.get(key)}
            return {"id": self.id, "type": "private", **names}
        return {"id": self.id, "type": self.type, "title": self.title, **({"is_forum": True} if self.is_forum else {})}

    def next_message_id(self) -> int:
        """Message ids are counted per chat."""
        self.last_id += 1
        return self.last_id

    def message(self, number: int, purpose: str) -> Message:
        """A message that is still there.

        Raises:
            RefusedError: "message to edit not found" with the purpose "message to edit".
        """
        if number not in self.messages:
            raise RefusedError(f"{purpose} not found")
        return self.messages[number]

    def topic(self, thread: int) -> Topic:
        """A topic to be changed.

        Raises:
            RefusedError: there is none, or no longer.
        """
        if not self.is_forum:
            raise RefusedError("the chat is not a forum")
        if thread not in self.topics:
            raise RefusedError("TOPIC_ID_INVALID")
        return self.topics[thread]

    def may(self, user: int, right: str) -> bool:
        """Whether a member is allowed something."""
        member = self.members.get(user, {})
        return member.get("status") == "creator" or (member.get("status") == "administrator" and bool(member.get(right)))

    def drop(self, number: int) -> None:
        """A message is deleted for everybody."""
        del self.messages[number]
        self.deleted.append(number)
        if number in self.pinned:
            self.pinned.remove(number)

    def drop_topic(self, thread: int) -> None:
        """A topic goes with all its messages."""
        del self.topics[thread]
        for number in [message.id for message in self.messages.values() if message.thread == thread]:
            self.drop(number)


def member(status: str, rights: Json | None = None, *, anonymous: bool = False) -> Json:
    """A ChatMember object without its user."""
    match status:
        case "creator":
            return {"status": status, "is_anonymous": anonymous}
        case "administrator":
            given = rights if rights is not None else dict.fromkeys(RIGHTS, True)
            return {"status": status, "can_be_edited": False, "is_anonymous": anonymous, **{right: bool(given.get(right, False)) for right in RIGHTS}}
        case "kicked":
            return {"status": status, "until_date": 0}
        case "member" | "left":
            return {"status": status}
        case _:
            raise RefusedError(f"no such status: {status}")
