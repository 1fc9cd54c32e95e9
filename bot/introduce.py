"""What operators type about Telegram: introduce the bot to it, make links for stickers. Each command gives its exit code."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from bot import server, telegram
from bot.channels.telegram import hook
from bot.channels.telegram.api import ApiError, Impossible, Unknown, Wait
from bot.channels.telegram.forum import setup as group_setup
from bot.channels.telegram.links import MOST, LinkError
from bot.domain.errors import SettingsError
from bot.wording import say

if TYPE_CHECKING:
    from bot.channels.telegram.api import Me
    from bot.channels.telegram.client import Client
    from bot.settings import Settings

DONE, FAILED = 0, 1
COMMANDS = ("start", "human", "status", "restart", "privacy", "help")


def setup(settings: Settings) -> int:
    """`posbot telegram setup`: check the token, set commands, descriptions and the webhook, or remove it."""
    return asyncio.run(_with_client(settings, sets=True))[0]


def link(settings: Settings, terminal: str, shop: str) -> int:
    """`posbot telegram link`: what is printed on the sticker of a terminal."""
    if settings.telegram_token is None:
        raise SettingsError(say("telegram.no-token"))
    try:
        payload = telegram.links(settings, server.clock).merchant(terminal=terminal, shop=shop)
    except LinkError as error:
        print(say(f"telegram.link-{error}", most=MOST), file=sys.stderr)
        return FAILED
    code, me = asyncio.run(_with_client(settings, sets=False))
    if me is not None:
        print(telegram.link(me.username, payload))
    return code


async def _with_client(settings: Settings, *, sets: bool) -> tuple[int, Me | None]:
    """Ask who the bot is, and set everything if that is wanted. Raises SettingsError without a token, or without an address for the webhook."""
    if settings.telegram_token is None:
        raise SettingsError(say("telegram.no-token"))
    url = settings.public_url.rstrip("/") + hook.PATH if settings.telegram_mode == "webhook" else ""
    if sets and url and not url.startswith("https://"):
        raise SettingsError(say("telegram.no-public-url"))
    client = telegram.client(settings)
    try:
        me = await client.me()
        if sets:
            await _introduce(client, settings, me, url)
    except ApiError as error:
        print(_told(error, settings, url), file=sys.stderr)
        return FAILED, None
    finally:
        await client.close()
    return DONE, me


async def _introduce(client: Client, settings: Settings, me: Me, url: str) -> None:
    print(say("telegram.me", name=me.name, username=me.username))
    await client.introduce({name: say(f"telegram.command-{name}") for name in COMMANDS}, say("telegram.about"), say("telegram.short"))
    print(say("telegram.introduced"))
    if not url:
        await client.keep_for_polling()
        print(say("telegram.polling"))
        return
    assert settings.telegram_secret is not None
    reason, waiting = await client.undelivered(url)
    await client.send_to_webhook(url, settings.telegram_secret.get_secret_value())
    print(say("telegram.webhook", url=url, port=settings.telegram_port))
    if reason:
        print(say("telegram.webhook-undelivered", reason=reason, waiting=waiting, port=settings.telegram_port))


def _told(error: ApiError, settings: Settings, url: str) -> str:
    """What went wrong, and what to do."""
    match error:
        case Unknown():
            return say("telegram.token-unknown")
        case Wait(seconds=seconds):
            return say("telegram.busy", seconds=seconds)
        case Impossible() if url and "webhook" in str(error).lower():
            return say("telegram.webhook-refused", url=url, reason=error)
        case Impossible():
            return say("telegram.refused", reason=error)
        case _:
            return say("telegram.unreachable", base=settings.telegram_api or telegram.BASE, reason=error)


def desk(settings: Settings) -> int:
    """`posbot telegram desk`: whether staff can work in their group, and what is to be done until they can."""
    if settings.telegram_token is None:
        raise SettingsError(say("telegram.no-token"))
    return asyncio.run(_desk(settings))


async def _desk(settings: Settings) -> int:
    client = telegram.client(settings)
    try:
        me, store = await client.me(), await server.open_beside(settings)
        try:
            looks = [await group_setup.looked_at(telegram.in_groups(client), me.username, store, chat) for chat in settings.telegram_desks or (None,)]
        finally:
            await store.close()
    except ApiError as error:
        print(_told(error, settings, ""), file=sys.stderr)
        return FAILED
    finally:
        await client.close()
    print("\n".join(line for _, told in looks for line in told))
    return DONE if all(good for good, _ in looks) else FAILED
