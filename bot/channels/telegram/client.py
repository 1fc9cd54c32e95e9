"""The Bot API through aiogram's client. Importing this module takes two to three seconds of CPU and 100 MB, so nobody imports it at the top."""

from __future__ import annotations

from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from aiogram import Bot, exceptions
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    DeleteWebhook,
    EditMessageCaption,
    EditMessageReplyMarkup,
    EditMessageText,
    GetFile,
    GetMe,
    GetWebhookInfo,
    LeaveChat,
    SendAnimation,
    SendAudio,
    SendChatAction,
    SendDocument,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendVideo,
    SendVideoNote,
    SendVoice,
    SetMyCommands,
    SetMyDescription,
    SetMyShortDescription,
    SetWebhook,
    TelegramMethod,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    LinkPreviewOptions,
)

from .api import ApiError, Conflict, Forbidden, Impossible, Me, Migrated, Unclear, Unknown, Unreachable, Wait
from .updates import WANTED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from .api import Attached, Rows

Result = TypeVar("Result")
PATIENCE, SLOWEST_FETCH, UPLOAD = 12, 20, 24
"""Seconds for a call, and for a file that comes or goes: a line that must be deleted and answered, or fetched, is done within its lease."""
ON_TOP = 10
"""Seconds that a long poll may take longer than it was asked to."""
MOST_WAIT = 3600
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_ALONE: Mapping[str, tuple[type[TelegramMethod[Any]], str]] = {
    "photo": (SendPhoto, "photo"),
    "video": (SendVideo, "video"),
    "animation": (SendAnimation, "animation"),
    "video_note": (SendVideoNote, "video_note"),
    "voice": (SendVoice, "voice"),
    "audio": (SendAudio, "audio"),
    "document": (SendDocument, "document"),
}
"""How a file is sent, by its kind: the server has a reference for one of them only."""
_IN_ALBUM = {"photo": InputMediaPhoto, "video": InputMediaVideo, "audio": InputMediaAudio, "document": InputMediaDocument}
_NO_TEXT = "no text in the message"
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class RawUpdates(TelegramMethod[list[Any]]):
    """getUpdates whose result stays as it is: one update that this version cannot read must not hold up the others."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int | None = None
    timeout: int | None = None
    allowed_updates: list[str] | None = None


class Client:
    """One bot on one server."""

    def __init__(self, token: str, base: str) -> None:
        self._session = AiohttpSession(api=TelegramAPIServer.from_base(base), timeout=PATIENCE)
        self._bot = Bot(token, session=self._session)

    @property
    def id(self) -> int:
        """The bot's own id, which is a part of its token."""
        return self._bot.id

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def me(self) -> Me:
        """Who the bot is."""
        found = await self.call(GetMe())
        return Me(username=found.username or "", name=found.full_name)

    async def updates(self, offset: int | None, seconds: int) -> Sequence[Any]:
        """Updates that were not confirmed."""
        return await self.call(RawUpdates(offset=offset, timeout=seconds, allowed_updates=list(WANTED)), seconds + ON_TOP)

    async def send_text(self, chat: str, text: str, rows: Rows = ()) -> str:
        """Say something, as plain text: nothing in it is markup."""
        sent = await self.call(SendMessage(chat_id=chat, text=text, reply_markup=markup(rows), link_preview_options=_NO_PREVIEW, parse_mode=None))
        return str(sent.message_id)

    async def send_files(self, chat: str, files: Sequence[Attached], rows: Rows = (), *, thread: int | None = None) -> Sequence[str]:
        """Show a file or an album, in a topic if one is given."""
        place: dict[str, Any] = {"chat_id": chat, "message_thread_id": thread}
        if len(files) > 1:
            media = [_IN_ALBUM[file.kind](media=_input(file), caption=file.caption or None, parse_mode=None) for file in files]
            return [str(sent.message_id) for sent in await self.call(SendMediaGroup(**place, media=media), UPLOAD)]
        (file,) = files
        method, name = _ALONE[file.kind]
        words = {} if method is SendVideoNote else {"caption": file.caption or None, "parse_mode": None}
        sent = await self.call(method(**place, **words, reply_markup=markup(rows), **{name: _input(file)}), UPLOAD)
        return [str(sent.message_id)]

    async def rewrite(self, chat: str, message: str, text: str) -> None:
        """Change the words of a message, or of what stands under a picture."""
        place: dict[str, Any] = {"chat_id": chat, "message_id": int(message)}
        try:
            await self.call(EditMessageText(**place, text=text, link_preview_options=_NO_PREVIEW, parse_mode=None))
        except Impossible as error:
            if _NO_TEXT not in str(error):
                raise
            await self.call(EditMessageCaption(**place, caption=text, parse_mode=None))

    async def delete(self, chat: str, message: str) -> None:
        """Take a message out of the chat."""
        await self.call(DeleteMessage(chat_id=chat, message_id=int(message)))

    async def mark(self, chat: str, message: int, rows: Rows = ()) -> None:
        """Put other buttons under a message."""
        await self.call(EditMessageReplyMarkup(chat_id=chat, message_id=message, reply_markup=markup(rows)))

    async def answer(self, query: str) -> None:
        """A tap was noticed."""
        await self.call(AnswerCallbackQuery(callback_query_id=query))

    async def typing(self, chat: str) -> None:
        """Somebody writes."""
        await self.call(SendChatAction(chat_id=chat, action="typing"))

    async def leave(self, chat: int) -> None:
        """Leave a group."""
        await self.call(LeaveChat(chat_id=chat))

    async def fetch(self, reference: str, most: int) -> bytes:
        """A file. Its address holds the token, so errors are told by their kind only."""
        file = await self.call(GetFile(file_id=reference))
        if not file.file_path or (file.file_size or 0) > most:
            raise Impossible("file is too big")
        data = bytearray()
        async with _translated():
            async for part in self._session.stream_content(self._session.api.file_url(self._bot.token, file.file_path), timeout=SLOWEST_FETCH):
                data += part
                if len(data) > most:
                    raise Impossible("file is too big")
        return bytes(data)

    async def introduce(self, commands: Mapping[str, str], about: str, short: str) -> None:
        """What merchants see of the bot before they write: commands, a description, and a short one."""
        await self.call(SetMyCommands(commands=[BotCommand(command=name, description=text) for name, text in commands.items()]))
        await self.call(SetMyDescription(description=about))
        await self.call(SetMyShortDescription(short_description=short))

    async def send_to_webhook(self, url: str, secret: str) -> None:
        """Updates are sent to this address from now on."""
        await self.call(SetWebhook(url=url, secret_token=secret, allowed_updates=list(WANTED)))

    async def undelivered(self, url: str) -> tuple[str, int]:
        """Why updates could last not be sent to this address, empty when that is not known, and how many wait."""
        info = await self.call(GetWebhookInfo())
        return (info.last_error_message or "" if info.url == url else ""), info.pending_update_count

    async def keep_for_polling(self) -> None:
        """Updates are kept until they are fetched; those that wait stay."""
        await self.call(DeleteWebhook(drop_pending_updates=False))

    async def call(self, method: TelegramMethod[Result], seconds: int = PATIENCE) -> Result:
        """What the server says to any of its methods. Raises ApiError."""
        async with _translated():
            return await self._bot(method, request_timeout=seconds)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Say ApiError for whatever aiogram and aiohttp call it."""
    try:
        yield
    except exceptions.TelegramAPIError as error:
        raise _error(error) from None
    except exceptions.ClientDecodeError:  # not the server itself, but something before it
        raise Unclear("no JSON") from None
    except aiohttp.ClientResponseError as error:
        raise _of_file(error.status) from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unclear(type(error).__name__) from None


def _of_file(status: int) -> ApiError:
    """Why a file does not come."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Wait(1)
    if status == HTTPStatus.UNAUTHORIZED:
        return Unknown("file: 401")
    return (Unclear if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Impossible)(f"file: {status}")


_KINDS: tuple[tuple[type[exceptions.TelegramAPIError], type[ApiError]], ...] = (
    (exceptions.TelegramForbiddenError, Forbidden),
    (exceptions.TelegramUnauthorizedError, Unknown),
    (exceptions.TelegramNotFound, Unknown),
    (exceptions.TelegramConflictError, Conflict),
    (exceptions.TelegramEntityTooLarge, Impossible),
    (exceptions.TelegramBadRequest, Impossible),
    (exceptions.TelegramServerError, Unclear),
)


def _error(error: exceptions.TelegramAPIError) -> ApiError:
    if isinstance(error, exceptions.TelegramRetryAfter):
        return Wait(min(max(1, error.retry_after), MOST_WAIT))
    if isinstance(error, exceptions.TelegramMigrateToChat):
        return Migrated(error.migrate_to_chat_id)
    for kind, ours in _KINDS:
        if isinstance(error, kind):
            return ours(error.message)
    if isinstance(error, exceptions.TelegramNetworkError):
        cause = error.__cause__
        return (Unreachable if isinstance(cause, _NEVER_SENT) else Unclear)(type(cause).__name__)
    return Wait(1) if error.message.startswith("Too Many Requests") else Unclear(error.message)


def _input(file: Attached) -> str | BufferedInputFile:
    return file.content if isinstance(file.content, str) else BufferedInputFile(file.content, file.name or f"{file.kind}.jpg")


def markup(rows: Rows) -> InlineKeyboardMarkup | None:
    """Buttons as aiogram has them; None for none."""
    if not rows:
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=button.label, callback_data=button.data) for button in row] for row in rows])
