"""What the staff's group asks of the Bot API, and how that can fail besides. `forum.client` implements it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bot.channels.telegram.api import ApiError, Impossible

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from bot.channels.telegram.api import Attached, Rows

    from .lines import Mention

CAN_TOPICS, CAN_PIN, CAN_DELETE = "can_manage_topics", "can_pin_messages", "can_delete_messages"
"""Rights of administrators that the bot needs."""


class TopicGone(ApiError):
    """Somebody deleted the topic."""


class TopicClosed(ApiError):
    """The topic is closed."""


class MessageGone(ApiError):
    """The message is not there any more."""


class NoRights(ApiError):
    """The bot may not do that."""


class Same(ApiError):
    """It is so already."""


_TEXTS: tuple[tuple[type[ApiError], tuple[str, ...]], ...] = (
    (TopicGone, ("message thread not found", "topic_id_invalid", "topic_deleted", "message thread id invalid")),
    (TopicClosed, ("topic_closed",)),
    (Same, ("message is not modified", "topic_not_modified", "message_not_modified")),
    (MessageGone, ("message to edit not found", "message to pin not found", "message to be replied not found", "message to react not found",
                   "message to delete not found", "message_id_invalid", "message can't be edited")),
    (NoRights, ("not enough rights", "chat_admin_required", "the chat is not a forum", "need administrator rights")),
)  # fmt: skip
"""What the server says, in small letters: the only thing that tells these errors apart."""


def told(error: Impossible) -> ApiError:
    """What the server meant."""
    text = str(error).lower()
    return next((kind(str(error)) for kind, texts in _TEXTS if any(known in text for known in texts)), error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A chat as it is. `can` are the bot's rights there; None: it is no administrator."""

    id: int
    title: str
    is_forum: bool
    can: frozenset[str] | None


class GroupApi(Protocol):
    """The Bot API. Every method raises ApiError."""

    async def group(self, chat: int) -> Group:
        """What this chat is, and what the bot may do there."""

    async def offer(self, chat: int, commands: Mapping[str, str]) -> None:
        """Commands with what they do, for the menu in this chat."""

    async def create_topic(self, chat: int, title: str) -> int:
        """A new topic; its id."""

    async def rename_topic(self, chat: int, thread: int, title: str) -> None:
        """Another name for a topic."""

    async def turn_topic(self, chat: int, thread: int, *, closed: bool) -> None:
        """Close or reopen a topic."""

    async def drop_topic(self, chat: int, thread: int) -> None:
        """Delete a topic with all that stands in it."""

    async def post(self, chat: int, thread: int | None, text: str, *, rows: Rows = (), mentions: Sequence[Mention] = (), answers: int | None = None) -> int:
        """Say something in a topic, None for General; the id of the message."""

    async def post_files(self, chat: int, thread: int | None, files: Sequence[Attached]) -> Sequence[int]:
        """Show a file, or several pictures as an album; the ids of the messages. What is said of a round video is not shown."""

    async def rewrite(self, chat: int, message: int, text: str, rows: Rows) -> None:
        """Another text and other buttons for a message."""

    async def pin(self, chat: int, message: int) -> None:
        """Pin a message without telling everybody."""

    async def react(self, chat: int, message: int, emoji: str) -> None:
        """Put a reaction under a message."""

    async def remove(self, chat: int, message: int) -> None:
        """Delete a message."""

    async def tell(self, query: str, text: str, *, alert: bool) -> None:
        """Answer to a pressed button."""

    async def fetch(self, reference: str, most: int) -> bytes:
        """A file; `Impossible` for one of more bytes."""


GetGroupApi: TypeAlias = "Callable[[], Awaitable[GroupApi]]"
"""Gives the Bot API as soon as it is loaded."""
