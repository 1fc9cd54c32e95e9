"""The console on a loopback server, over a real store, with a clock that tests move."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels import console
from bot.channels.http import guarded
from bot.domain.clock import SECOND
from bot.domain.knowledge import KnowledgeBase, Topic
from bot.domain.staff import Role
from bot.ops.meter import Meter
from bot.server import new_id
from bot.service.bell import Bell, Bells
from bot.service.buckets import Limit
from bot.service.conversations import Conversations
from bot.service.deciding import Decider
from bot.service.intake import Intake
from bot.service.passwords import Passwords
from bot.service.sessions import Limits, Sessions
from bot.service.staff import Accounts
from bot.storage.sqlite import SQLiteStore
from bot.telegram import NoTelegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from bot import app
    from bot.domain.knowledge import Question, Slot
    from bot.domain.staff import Member
    from bot.domain.understanding import Secret, Understanding
    from bot.service.ports import Mind

NOW = 1_760_000_000 * SECOND
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
PASSWORD = "correct horse 电池"
_ALL = Limit(per_minute=6e6, burst=1e6)
OFTEN = Limits(network=_ALL, login=_ALL, account=_ALL, altogether=_ALL)
"""Nobody is too fast for a test that is about something else."""


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


class Simple:
    """A mind that knows two topics, and takes no secrets for such."""

    kb = KnowledgeBase(version="1", topics={id: Topic(id=id, title=title) for id, title in (("printer", "打印机不出纸"), ("refund", "退款"))})

    def redact(self, text: str) -> tuple[str, tuple[Secret, ...]]:
        return text, ()

    def understand(self, text: str, now: datetime, expecting: Slot | Question | None) -> Understanding:
        raise AssertionError("nobody writes to this mind")


@dataclass
class Browser:
    """Somebody with a cookie, who sends what a browser sends."""

    client: aiohttp.ClientSession
    url: str
    token: str = ""

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        response = await self.client.get(self.url + path, allow_redirects=False, headers=headers)
        if response.content_type == "text/event-stream":  # it has no end
            return response
        if found := re.search(r'name="token" value="([0-9a-f]+)"', await response.text(errors="replace")):
            self.token = found[1]
        return response

    async def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> aiohttp.ClientResponse:
        sent = {"token": self.token, **form}
        told = {"Origin": self.url} if headers is None else headers
        response = await self.client.post(
            self.url + path, data={name: value for name, value in sent.items() if value is not None}, headers=told, allow_redirects=False
        )
        await response.read()
        return response

    async def log_in(self, login: str, password: str = PASSWORD, next: str = "") -> aiohttp.ClientResponse:
        await self.get("/console/login")
        response = await self.post("/console/login", login=login, password=password, next=next)
        if response.status == 303:
            await self.get("/console/password")
            await self.get("/console/account")
        return response

    async def page(self, path: str) -> str:
        response = await self.get(path)
        assert response.status == 200, response.status
        return await response.text()


@dataclass
class Stage:
    """A server that runs, and what stands behind it."""

    app: web.Application
    server: TestServer
    store: SQLiteStore
    accounts: Accounts
    sessions: Sessions
    clock: Clock
    intake: Intake
    said: Bells
    clients: list[aiohttp.ClientSession] = field(default_factory=list)

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    def browser(self) -> Browser:
        client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.clients.append(client)
        return Browser(client, self.url)

    async def member(self, login: str, role: Role = Role.STAFF, **more: Any) -> Member:
        """Somebody with the password of tests, changed already."""
        await self.accounts.add("posbot", login, role=role, **more)
        await self.accounts.choose(login, PASSWORD)
        found = await self.accounts.member(login)
        assert found
        return found

    async def inside(self, member: Member) -> Browser:
        """A browser in which somebody is logged in, without the work of a password."""
        id = await self.sessions.open(member, "test")
        assert id
        browser = self.browser()
        browser.client.cookie_jar.update_cookies({"posbot_staff": id}, self.server.make_url("/console"))
        await browser.get("/console/password" if member.must_change else "/console/account")
        return browser

    async def audited(self) -> list[tuple[str, str, str]]:
        """(actor, what, subject) of everything, newest first."""
        return [(entry.actor, entry.what, entry.subject) for entry in await self.accounts.audit(None, 100)]


@asynccontextmanager
async def staged(folder: Path, options: console.Options | None = None, limits: Limits = OFTEN, mind: app.Mind | None = None) -> AsyncIterator[Stage]:
    """Everything, running until the block is left; with a mind, what is taken in is also handled."""
    store = await SQLiteStore.open(folder / "posbot.db", new_id)
    clock, passwords = Clock(), Passwords()
    accounts = Accounts(store=store.staff, passwords=passwords, clock=clock)
    sessions = Sessions(store=store.staff, passwords=passwords, clock=clock, limits=limits)
    bell, said, thinks = Bell(), Bells(), mind or Simple()
    intake = Intake(store=store, mind=lambda: thinks, clock=clock, bell=bell, meter=Meter())
    application = web.Application(middlewares=[guarded])
    work = console.Work(
        desk=store.desk, reports=store.reports, staff=store.staff, intake=intake, said=said, keep=store.keep, mind=lambda: thinks, clock=clock, new_id=new_id,
        held=store.held, fetch=NoTelegram().fetch,
    )  # fmt: skip
    console.add_routes(application, accounts=accounts, sessions=sessions, options=options or console.Options(), work=work)
    server = TestServer(application)
    await server.start_server()
    stage = Stage(application, server, store, accounts, sessions, clock, intake, said)
    worker = asyncio.create_task(_work(store, thinks, clock, bell, said)) if mind else None
    try:
        yield stage
    finally:
        for client in stage.clients:
            await client.close()
        await server.close()
        if worker:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        await store.close()


async def _work(store: SQLiteStore, mind: Mind, clock: Clock, bell: Bell, said: Bells) -> None:
    """Handle what is taken in, without end."""
    decider = Decider(mind=lambda: mind, clock=clock, new_id=new_id, zone=ZoneInfo("Asia/Shanghai"), pushing=lambda channel: False)
    conversations = Conversations(store=store, decide=decider.decide, clock=clock, said=said, outbox=Bell(), meter=Meter())
    while True:
        if not await conversations.work():
            await bell.wait(0.05)
