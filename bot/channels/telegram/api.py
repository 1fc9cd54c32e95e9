"""What the channel asks of the Bot API, and how that can fail. `client` implements it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from .keyboards import Button

    Rows = Sequence[Sequence[Button]]


class ApiError(Exception):
    """The server did not do what it was asked; the text holds neither token nor words of merchants."""


class Wait(ApiError):
    """Not before so many seconds have passed (429)."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class Forbidden(ApiError):
    """The merchant has blocked the bot, or is gone (403)."""


class Migrated(ApiError):
    """The group is another chat now."""

    def __init__(self, chat: int) -> None:
        super().__init__(f"migrated to {chat}")
        self.chat = chat


class Impossible(ApiError):
    """It can never be done as it was asked (400)."""


class Unknown(ApiError):
    """The server does not know the token, or is none of its kind (401, 404)."""


class Conflict(ApiError):
    """Somebody else fetches updates, or they are sent to a webhook (409)."""


class Unreachable(ApiError):
    """Nothing was sent: no connection."""


class Unclear(ApiError):
    """Nobody knows whether it was done: an error of the server, or a connection that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The bot: its name for links, and what it is called."""

    username: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A file to be sent: a photo or one of `updates.FILES`, by Telegram's reference, or its content; and what stands under it."""

    kind: str
    content: str | bytes
    name: str = ""
    caption: str = ""


ALBUMS = ({"photo", "video"}, {"document"}, {"audio"})
"""Kinds that may stand in one album, and how many files do at most (Bot API, sendMediaGroup)."""
MOST_IN_ALBUM = 10
COMPLETE = SECOND
"""Microseconds after which an album has come in: the server says nothing of its end."""


def go_together(kinds: Iterable[str]) -> bool:
    """Whether files of these kinds can be one album."""
    wanted = set(kinds)
    return any(wanted <= album for album in ALBUMS)


class Api(Protocol):
    """The Bot API. Every method raises ApiError; `chat` is the id as it came."""

    async def me(self) -> Me:
        """Who the bot is."""

    async def updates(self, offset: int | None, seconds: int) -> Sequence[Any]:
        """Updates that were not confirmed, raw; those before the offset are confirmed. Waits so long for the first."""

    async def send_text(self, chat: str, text: str, rows: Rows = ()) -> str:
        """Say something; the id of the message."""

    async def send_files(self, chat: str, files: Sequence[Attached], rows: Rows = ()) -> Sequence[str]:
        """Show a file, with buttons under it, or several of one album, in which they go together (`go_together`); the ids of the messages. A round video has no
        caption."""

    async def rewrite(self, chat: str, message: str, text: str) -> None:
        """Change the words of a message."""

    async def delete(self, chat: str, message: str) -> None:
        """Take a message out of the chat."""

    async def mark(self, chat: str, message: int, rows: Rows = ()) -> None:
        """Put other buttons under a message."""

    async def answer(self, query: str) -> None:
        """A tap was noticed."""

    async def typing(self, chat: str) -> None:
        """Somebody writes."""

    async def leave(self, chat: int) -> None:
        """Leave a group."""

    async def fetch(self, reference: str, most: int) -> bytes:
        """A file; `Impossible` for one of more bytes."""

    async def close(self) -> None:
        """Let go of the connections."""


GetApi: TypeAlias = "Callable[[], Awaitable[Api]]"
"""Gives the Bot API as soon as it is loaded."""
