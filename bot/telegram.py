"""Builds the Telegram channel from settings. The client is loaded beside everything else: until it is there, lines wait, and updates are taken in already."""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.channels.http import listening, origin
from bot.channels.telegram import bubbles, updates
from bot.channels.telegram.api import ApiError, Impossible, Unknown
from bot.channels.telegram.errands import Errands
from bot.channels.telegram.files import Files
from bot.channels.telegram.hook import Hook
from bot.channels.telegram.keyboards import Keyboards
from bot.channels.telegram.links import Links
from bot.channels.telegram.pace import Pace
from bot.channels.telegram.poller import Poller
from bot.channels.telegram.reception import Reception
from bot.channels.telegram.sender import Sender
from bot.channels.telegram.updates import CHANNEL, MOST_FETCHED
from bot.domain.errors import ChannelUnavailable, FileGone
from bot.forum import Forum
from bot.service import bodies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from typing import Any

    from bot.channels.telegram.api import Api
    from bot.channels.telegram.client import Client
    from bot.channels.telegram.forum.api import GroupApi
    from bot.domain.messages import Address
    from bot.service.bell import Bells
    from bot.service.bodies import Told
    from bot.service.intake import Intake
    from bot.service.ports import Channel, Meter, Mind, Store
    from bot.settings import Settings

BASE = "https://api.telegram.org"
GRACE = 2.0
"""Seconds that updates under way get at the end; they are small, and what is not answered comes again."""
AGAIN = 10.0
"""Seconds between two tries to learn the bot's name."""
logger = logging.getLogger(__name__)


def read(kind: str, body: str) -> Told:
    """The event in an inbox row, of this channel or any other. Raises ValueError for what is none."""
    return updates.read(body) if kind == updates.KIND else bodies.read(kind, body)


def in_parts(channel: str, line: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """The messages in which a channel carries a line."""
    return bubbles.in_parts(line) if channel == CHANNEL else (line,)


def links(settings: Settings, clock: Callable[[], int]) -> Links:
    """Deep links. They are signed with the merchants' secret, else with the bot's token: then they end with it."""
    secret = settings.merchant_secret or settings.telegram_token
    assert secret is not None
    return Links(secret.get_secret_value().encode(), clock)


def client(settings: Settings) -> Client:
    """The Bot API. Takes seconds the first time."""
    collecting = gc.isenabled()
    gc.disable()  # thousands of classes are made, and nothing of them is ever garbage
    try:
        from bot.channels.telegram.client import Client  # noqa: PLC0415  (seconds, and 100 MB, only where there is a token)
        from bot.channels.telegram.forum import client as _  # noqa: F401, PLC0415  (with it, in the same thread)
    finally:
        if collecting:
            gc.enable()
    assert settings.telegram_token is not None
    return Client(settings.telegram_token.get_secret_value(), settings.telegram_api or BASE)


def in_groups(client: Client) -> GroupApi:
    """The same bot in groups."""
    from bot.channels.telegram.forum.client import GroupClient  # noqa: PLC0415  (it is there when the client is: both would import one another's halves)

    return GroupClient(client)


class Telegram:
    """The channel: what it sends with, what takes updates in, and what works beside. `name` is the bot's, empty as long as nobody knows it."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self, settings: Settings, *, intake: Intake, store: Store, mind: Callable[[], Mind], said: Bells, meter: Meter, clock: Callable[[], int]
    ) -> None:
        assert settings.telegram_token is not None
        self._settings, self._store, self.name = settings, store, ""
        self._loaded: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._pace, keyboards = Pace(clock), Keyboards(settings.telegram_token.get_secret_value().encode())
        self._errands = Errands(api=self.api, pace=self._pace, bells=said)
        self.sender = Sender(
            api=self.api, keyboards=keyboards, files=Files(store=store, clock=clock), store=store, intake=intake, pace=self._pace, errands=self._errands,
            clock=clock,
        )  # fmt: skip
        self.links = links(settings, clock)
        self.forum = Forum(settings, api=self.group_api, intake=intake, store=store, mind=mind, said=said, meter=meter, clock=clock)
        self.reception = Reception(
            intake=intake, store=store, mind=mind, keyboards=keyboards, links=self.links, errands=self._errands, answered=self.sender.answered,
            aside=self.forum.entrance.takes,
        )  # fmt: skip

    async def api(self) -> Api:
        """The Bot API, as soon as it is loaded."""
        return await asyncio.shield(self._loaded)

    async def group_api(self) -> GroupApi:
        """The same for groups."""
        return in_groups(await asyncio.shield(self._loaded))

    async def load(self) -> None:
        """Begin to load the client, in a thread of its own."""
        self._loading = asyncio.create_task(asyncio.to_thread(client, self._settings))
        self._loading.add_done_callback(self._load)

    async def close(self) -> None:
        """Let go of the connections, also of a client that is loaded just now."""
        await self._errands.close()
        await self.forum.entrance.close()
        (loaded,) = await asyncio.gather(self._loading, return_exceptions=True)
        if not isinstance(loaded, BaseException):
            await loaded.close()

    def _load(self, task: asyncio.Task[Client]) -> None:
        if not self._loaded.done() and not task.cancelled():
            if error := task.exception():
                self._loaded.set_exception(error)
            else:
                self._loaded.set_result(task.result())
                gc.freeze()  # 100 MB of classes that collections need not look at

    @property
    def channels(self) -> dict[str, Channel]:
        """What carries lines, by channel."""
        return {CHANNEL: self.sender}

    @asynccontextmanager
    async def let_in(self) -> AsyncIterator[str]:
        """The way in for Telegram's server, where updates are sent to a webhook: its address, else empty. Raises SettingsError when the port is taken."""
        settings = self._settings
        if settings.telegram_mode != "webhook":
            yield ""
            return
        assert settings.telegram_secret is not None
        hook = Hook(reception=self.reception, secret=settings.telegram_secret.get_secret_value())
        with listening(settings.host, settings.telegram_port):
            port = await hook.listen(settings.host, settings.telegram_port)
        try:
            yield origin(settings.host, port)
        finally:
            await hook.close(GRACE)

    async def run(self) -> None:
        """Learn the bot's name, and fetch updates where they are not sent, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._learn_name())
            group.create_task(self.forum.run())
            if self._settings.telegram_mode == "polling":
                group.create_task(Poller(api=self.api, store=self._store, reception=self.reception).run())

    async def _learn_name(self) -> None:
        api = await self.api()
        while not self.name:
            try:
                self.name = (await api.me()).username
            except Unknown:
                logger.error("the server does not know the token; `posbot telegram setup` says why", extra={"event": "token_unknown"})  # noqa: TRY400
                await asyncio.sleep(AGAIN)
            except ApiError as error:
                logger.warning("the bot's name is not known yet", extra={"event": "name_unknown", "error": str(error)})
                await asyncio.sleep(AGAIN)

    async def fetch(self, address: Address, reference: str) -> bytes:
        """A file of a chat. Raises FileGone, ChannelUnavailable."""
        if address.channel != CHANNEL:
            raise FileGone(reference)
        try:
            return await (await self.api()).fetch(reference, MOST_FETCHED)
        except Impossible:
            raise FileGone(reference) from None
        except ApiError as error:
            raise ChannelUnavailable(str(error)) from None

    def continued(self, conversation: str) -> str:
        """A link that continues a conversation in Telegram, or opens the chat when there is none; empty as long as nobody knows the bot's name."""
        if not self.name:
            return ""
        return link(self.name, self.links.chat(conversation)) if conversation else f"https://t.me/{self.name}"


class NoTelegram:
    """The channel where there is no token."""

    channels: Mapping[str, Channel] = {}

    @asynccontextmanager
    async def let_in(self) -> AsyncIterator[str]:
        """Nobody comes."""
        yield ""

    async def run(self) -> None:
        """Nothing to do."""

    async def fetch(self, address: Address, reference: str) -> bytes:
        """Nothing is kept. Raises FileGone."""
        raise FileGone(f"{address.channel} {reference}")

    def continued(self, conversation: str) -> str:
        """There is nothing to continue in."""
        return ""


@asynccontextmanager
async def opened(  # noqa: PLR0913  (dependencies, by name)
    settings: Settings, *, intake: Intake, store: Store, mind: Callable[[], Mind], said: Bells, meter: Meter, clock: Callable[[], int]
) -> AsyncIterator[Telegram | NoTelegram]:
    """The channel, where there is a token, until the block is left."""
    if settings.telegram_token is None:
        yield NoTelegram()
        return
    telegram = Telegram(settings, intake=intake, store=store, mind=mind, said=said, meter=meter, clock=clock)
    await telegram.load()
    try:
        yield telegram
    finally:
        await telegram.close()


def link(name: str, payload: str) -> str:
    """A link that opens the chat of a bot with a payload."""
    return f"https://t.me/{name}?start={payload}"
