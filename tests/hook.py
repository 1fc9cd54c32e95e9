"""The signed interface on a loopback server, over a real store and the real dialogue, and an app that uses it."""

from __future__ import annotations

import io
import json
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from bot.channels.http import guarded
from bot.channels.webhook.callbacks import TIMEOUT, Callbacks
from bot.channels.webhook.routes import add_routes
from bot.channels.webhook.sources import Source, pushing
from bot.ops.meter import Meter
from bot.service.bell import Bell, Bells
from bot.service.buckets import Limit
from bot.service.conversations import Conversations
from bot.service.deciding import Decider
from bot.service.delivery import Deliveries
from bot.service.intake import Intake
from bot.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from bot import app

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBzaG9wLCAzMiBieXRlcyE="
OLD_SECRET = "whsec_b2xkIHNlY3JldCBvZiB0aGUgc2hvcCwgMzIgYiE="
OTHER_SECRET = "whsec_c2VjcmV0IG9mIHRoZSBvdGhlciBhcHAsIDMyIGI="
SHOP = Source(name="shop", secrets=(SECRET, OLD_SECRET), per_second=1_000_000, per_minute=1_000_000)
OTHER = Source(name="other", secrets=(OTHER_SECRET,), per_second=1_000_000, per_minute=1_000_000)

OFTEN = Limit(per_minute=6e6, burst=1e6)
"""Nobody is too fast for a test that is about something else."""


def microseconds() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> tuple[int, str]:
        return self.status, self.json["error"]


@dataclass(frozen=True)
class App:
    """An app of a source: signs with the scheme's own library."""

    session: aiohttp.ClientSession
    url: str
    name: str = "shop"
    secret: str = SECRET
    ids: count[int] = field(default_factory=count)

    def signed(self, content: str, id: str | None = None, at: int | None = None, secret: str | None = None) -> dict[str, str]:
        id, at = id or f"m{next(self.ids)}", int(time.time()) if at is None else at
        return {
            "webhook-id": id,
            "webhook-timestamp": str(at),
            "webhook-signature": Webhook(secret or self.secret).sign(id, datetime.fromtimestamp(at, UTC), content),
        }

    async def post(self, body: str | bytes | dict[str, Any], headers: dict[str, str] | None = None, to: str = "messages", id: str | None = None) -> Answered:
        text = json.dumps(body) if isinstance(body, dict) else body
        content = text if isinstance(text, str) else text.decode("utf-8", "replace")
        headers = self.signed(content, id=id) if headers is None else headers
        body = text.encode() if isinstance(text, str) else text
        return await self.ask("POST", f"/v1/sources/{self.name}/{to}", headers, data=io.BytesIO(body) if len(body) > 1 << 20 else body)

    async def say(self, merchant: str, text: str, id: str | None = None, **more: Any) -> str:
        answered = await self.post({"merchant": merchant, "text": text, **more}, id=id)
        assert answered.status == 202, answered
        conversation: str = answered.json["conversation"]
        return conversation

    async def lines(self, conversation: str, query: str = "") -> Answered:
        target = f"/v1/sources/{self.name}/conversations/{conversation}/messages{query}"
        return await self.ask("GET", target, self.signed(target))

    async def ask(self, method: str, target: str, headers: dict[str, str], **more: Any) -> Answered:
        async with self.session.request(method, f"{self.url}{target}", headers=headers, **more) as response:
            return Answered(response.status, dict(response.headers), await response.read())


@dataclass(frozen=True)
class Stage:
    """A server that runs, and what stands behind it."""

    url: str
    store: SQLiteStore
    session: aiohttp.ClientSession
    conversations: Conversations
    deliveries: Deliveries
    bell: Bell

    def app(self, source: Source = SHOP) -> App:
        return App(self.session, self.url, source.name, source.secrets[0])

    async def answered(self) -> None:
        """All that waits is handled."""
        while await self.conversations.work():
            pass

    async def delivered(self) -> None:
        """All that is due is tried once more."""
        while await self.deliveries.work(Bell()):
            pass
        await self.deliveries.finish(20)


@asynccontextmanager
async def staged(
    folder: Path,
    mind: app.Mind,
    *sources: Source,
    clock: Callable[[], int] = microseconds,
    patience: aiohttp.ClientTimeout = TIMEOUT,
    port: int = 0,
    proxies: int = 0,
    strangers: Limit = OFTEN,
) -> AsyncIterator[Stage]:
    """Everything, until the block is left. Nothing is answered or delivered before it is asked for."""
    store = await SQLiteStore.open(folder / "posbot.db", lambda: secrets.token_hex(16))
    meter, bell = Meter(), Bell()
    intake = Intake(store=store, mind=lambda: mind, clock=clock, bell=bell, meter=meter)
    decider = Decider(
        mind=lambda: mind, clock=clock, new_id=lambda: secrets.token_hex(16), zone=ZoneInfo("Asia/Shanghai"), pushing=pushing(sources).__contains__
    )
    conversations = Conversations(store=store, decide=decider.decide, clock=clock, said=Bells(), outbox=Bell(), meter=meter)
    callbacks = Callbacks(sources=sources, clock=clock, timeout=patience)
    deliveries = Deliveries(store=store, channels=dict.fromkeys(pushing(sources), callbacks), clock=clock, meter=meter)
    application = web.Application(middlewares=[guarded])
    by_name = {source.name: source for source in sources}
    add_routes(application, sources=by_name, intake=intake, store=store, clock=clock, proxies=proxies, strangers=strangers)
    server = TestServer(application, port=port or None)
    await server.start_server(access_log=None)
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as session, callbacks:
            yield Stage(str(server.make_url("")).rstrip("/"), store, session, conversations, deliveries, bell)
    finally:
        await server.close()
        await store.close()


@dataclass
class Came:
    """What an app's own server was sent."""

    id: str
    headers: dict[str, str]
    body: Any
    raw: str


@dataclass
class Receiver:
    """An app's own server: remembers what came, and answers as it is told."""

    came: list[Came] = field(default_factory=list)
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.text()
        self.came.append(Came(request.headers["webhook-id"], dict(request.headers), json.loads(raw), raw))
        return web.Response() if self.answer is None else await self.answer(request)


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    """A receiver and its address."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/in", receiver.handle)
    server = TestServer(application)
    await server.start_server(access_log=None)
    try:
        yield receiver, str(server.make_url("/in"))
    finally:
        await server.close()
