"""A staff group beside the service: members with accounts who are known there, and merchants who are handed over."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from bot import server
from bot.domain.staff import Role
from bot.service.passwords import Passwords
from bot.service.staff import Accounts
from bot.storage.sqlite import SQLiteStore
from tests.console import PASSWORD, Browser

from .service import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.service.ports import Store

    from .people import Bubble, Fake, Group, Person, Topic
    from .service import Service


@dataclass(frozen=True)
class Desk:
    """A group with a service behind it, and the members by login."""

    fake: Fake
    group: Group
    service: Service
    folder: Path
    people: dict[str, Person]

    async def handed_over(self, name: str = "Wang", text: str = "转人工") -> tuple[Person, Topic]:
        """A merchant with a ticket, and the topic of it."""
        merchant = await self.fake.person(name)
        before = {topic.thread for topic in (await self.group.view()).topics}
        await self.call(merchant, text)
        view = await self.group.until(lambda view: any(topic.pinned for topic in view.topics if topic.thread not in before))
        return merchant, next(topic for topic in view.topics if topic.thread not in before)

    async def call(self, merchant: Person, text: str = "转人工") -> None:
        """A merchant asks for staff until there is a ticket."""
        await merchant.start()
        await merchant.say(text)
        asked = await merchant.sees(lambda bubble: "单号" in bubble.text or "直接转人工" in bubble.labels)
        if "直接转人工" in asked.labels:
            await merchant.press(asked, label="直接转人工")
            await merchant.sees(lambda bubble: "单号" in bubble.text)

    async def sees(self, thread: int, wanted: Callable[[Bubble], bool], within: float = 10) -> Bubble:
        """A message of the bot in a topic."""
        return await self.group.sees(lambda bubble: bubble.thread == thread and wanted(bubble), within)

    async def card(self, thread: int) -> Bubble:
        """The card of a topic."""
        view = await self.group.view()
        pinned = view.topic(thread).pinned
        return next(bubble for bubble in view.bubbles if bubble.id == pinned[-1])

    async def told(self, thread: int) -> list[str]:
        """What the bot has said in a topic, the card apart."""
        view = await self.group.view()
        return [bubble.text for bubble in view.of_bot() if bubble.thread == thread and bubble.id not in view.topic(thread).pinned]

    async def press(self, login: str, thread: int, label: str) -> dict[str, Any]:
        """Somebody presses a button of the card as soon as it is there; what is said to that."""
        person = self.people[login]
        card = await self.shows(thread, lambda card: label in card.labels)
        return await person.answered(await person.press(card, label=label))

    async def shows(self, thread: int, wanted: Callable[[Bubble], bool], within: float = 10) -> Bubble:
        """The card, as soon as it looks as wanted."""

        async def find() -> Bubble | None:
            bubble = await self.card(thread)
            return bubble if wanted(bubble) else None

        return await self.fake.until(find, within)


NAMES = {"li": "小李", "zhao": "小赵", "chen": "陈组长"}
STAFF = {"li": Role.STAFF, "zhao": Role.STAFF, "chen": Role.LEAD}


@asynccontextmanager
async def console(desk: Desk, login: str) -> AsyncIterator[Browser]:
    """A colleague at the console."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        browser = Browser(client, desk.service.running.address)
        assert (await browser.log_in(login)).status == 303
        yield browser


@asynccontextmanager
async def desks(folder: Path, fake: Fake, **more: Any) -> AsyncIterator[Desk]:
    """A group with three members, and the service."""
    group = await fake.forum("客服")
    people = {login: await group.member(login) for login in STAFF}
    await enrolled(folder, people)
    async with serving(folder, fake, telegram_desk=group.id, **more) as service:
        yield Desk(fake, group, service, folder, people)


async def enrolled(folder: Path, people: dict[str, Person]) -> None:
    """Accounts for these people, who are known in the group."""
    await enrolled_in(await SQLiteStore.open(folder / "posbot.db", server.new_id), people)


async def enrolled_in(store: Store, people: dict[str, Person]) -> None:
    """The same in a store, which is closed then."""
    accounts = Accounts(store=store.staff, passwords=Passwords(), clock=server.clock)
    for login, role in STAFF.items():
        await accounts.add("test", login, name=NAMES[login], role=role)
        await accounts.choose(login, PASSWORD)
        await accounts.link(await accounts.give_code("test", login), people[login].id)
        await accounts.set_duty(login, on_duty=True)
    await store.close()


def having(words: str) -> Callable[[Bubble], bool]:
    """Words of a line, not of a card."""
    return lambda bubble: words in bubble.text and not bubble.buttons
