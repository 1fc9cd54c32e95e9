"""What the staff's group asks of the Bot API, through aiogram's client. Nobody imports this at the top: see `telegram.client`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aiogram.methods import (
    AnswerCallbackQuery,
    CloseForumTopic,
    CreateForumTopic,
    DeleteForumTopic,
    DeleteMessage,
    EditForumTopic,
    EditMessageText,
    PinChatMessage,
    ReopenForumTopic,
    SendMessage,
    SetMessageReaction,
    SetMyCommands,
    TelegramMethod,
)
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    LinkPreviewOptions,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
)

from bot.channels.telegram.api import Impossible
from bot.channels.telegram.client import markup

from .api import CAN_DELETE, CAN_PIN, CAN_TOPICS, Group, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bot.channels.telegram.api import Attached, Rows
    from bot.channels.telegram.client import Client

    from .lines import Mention

Result = TypeVar("Result")
ANSWER = 200
"""Characters of an answer to a button (Bot API, answerCallbackQuery)."""
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class RawChat(TelegramMethod[dict[str, Any]]):
    """getChat whose result stays as it is: servers of every age can be asked."""

    __returning__ = dict[str, Any]
    __api_method__ = "getChat"

    chat_id: int


class RawMember(TelegramMethod[dict[str, Any]]):
    """getChatMember in the same way."""

    __returning__ = dict[str, Any]
    __api_method__ = "getChatMember"

    chat_id: int
    user_id: int


class GroupClient:
    """The same bot, in groups."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def group(self, chat: int) -> Group:
        """What this chat is."""
        found = await self._call(RawChat(chat_id=chat))
        member = await self._call(RawMember(chat_id=chat, user_id=self._client.id))
        can = frozenset(name for name in (CAN_TOPICS, CAN_PIN, CAN_DELETE) if member.get(name) is True)
        leads = member.get("status") == "administrator"
        return Group(id=chat, title=str(found.get("title") or ""), is_forum=found.get("is_forum") is True, can=can if leads else None)

    async def offer(self, chat: int, commands: Mapping[str, str]) -> None:
        """Commands for the menu."""
        offered = [BotCommand(command=name, description=text) for name, text in commands.items()]
        await self._call(SetMyCommands(commands=offered, scope=BotCommandScopeChat(chat_id=chat)))

    async def create_topic(self, chat: int, title: str) -> int:
        """A new topic."""
        return int((await self._call(CreateForumTopic(chat_id=chat, name=title))).message_thread_id)

    async def rename_topic(self, chat: int, thread: int, title: str) -> None:
        """Another name."""
        await self._call(EditForumTopic(chat_id=chat, message_thread_id=thread, name=title))

    async def turn_topic(self, chat: int, thread: int, *, closed: bool) -> None:
        """Close or reopen."""
        await self._call((CloseForumTopic if closed else ReopenForumTopic)(chat_id=chat, message_thread_id=thread))

    async def drop_topic(self, chat: int, thread: int) -> None:
        """Delete a topic."""
        await self._call(DeleteForumTopic(chat_id=chat, message_thread_id=thread))

    async def post(self, chat: int, thread: int | None, text: str, *, rows: Rows = (), mentions: Sequence[Mention] = (), answers: int | None = None) -> int:
        """Say something, as plain text; those who are called are links to their ids."""
        entities = [MessageEntity(type="text_link", offset=each.offset, length=each.length, url=f"tg://user?id={each.person}") for each in mentions]
        sent = await self._call(
            SendMessage(
                chat_id=chat, message_thread_id=thread, text=text, entities=entities or None, reply_markup=markup(rows), link_preview_options=_NO_PREVIEW,
                parse_mode=None, reply_parameters=None if answers is None else ReplyParameters(message_id=answers, allow_sending_without_reply=True),
            )
        )  # fmt: skip
        return sent.message_id

    async def post_files(self, chat: int, thread: int | None, files: Sequence[Attached]) -> Sequence[int]:
        """Show a file or an album."""
        with _told():
            return [int(id) for id in await self._client.send_files(str(chat), files, thread=thread)]

    async def rewrite(self, chat: int, message: int, text: str, rows: Rows) -> None:
        """Another text and other buttons."""
        await self._call(
            EditMessageText(chat_id=chat, message_id=message, text=text, reply_markup=markup(rows), link_preview_options=_NO_PREVIEW, parse_mode=None)
        )

    async def pin(self, chat: int, message: int) -> None:
        """Pin a message."""
        await self._call(PinChatMessage(chat_id=chat, message_id=message, disable_notification=True))

    async def react(self, chat: int, message: int, emoji: str) -> None:
        """Put a reaction under a message."""
        await self._call(SetMessageReaction(chat_id=chat, message_id=message, reaction=[ReactionTypeEmoji(emoji=emoji)]))

    async def remove(self, chat: int, message: int) -> None:
        """Delete a message."""
        await self._call(DeleteMessage(chat_id=chat, message_id=message))

    async def tell(self, query: str, text: str, *, alert: bool) -> None:
        """Answer to a pressed button."""
        await self._call(AnswerCallbackQuery(callback_query_id=query, text=text[:ANSWER] or None, show_alert=alert))

    async def fetch(self, reference: str, most: int) -> bytes:
        """A file."""
        return await self._client.fetch(reference, most)

    async def _call(self, method: TelegramMethod[Result]) -> Result:
        with _told():
            return await self._client.call(method)


@contextmanager
def _told() -> Iterator[None]:
    """Say what the server meant."""
    try:
        yield
    except Impossible as error:
        raise told(error) from None
