"""Delivery to a webhook: one update of a lane at a time, lanes side by side, repeated until the bot says 2xx."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.telegram.fake.call import read_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.telegram.fake.call import Call
    from tests.telegram.fake.updates import Update
    from tests.telegram.fake.world import World

LONGEST_PAUSE = 60
"""Seconds between two tries, by the server's clock; the real one takes 60 to 120."""
LONGEST_RETRY_AFTER = 3600
PATIENCE = 60
"""Real seconds until an answer is given up."""
HEADER = "X-Telegram-Bot-Api-Secret-Token"


@dataclass
class Webhook:
    """The webhook of the bot. `execute` carries out the method in an answer; its result is lost."""

    world: World
    execute: Callable[[Call], Awaitable[Any]]
    url: str = ""
    disorder: float = 0.0
    """Lanes wait up to so many real seconds before each delivery, by chance, so chats overtake each other."""
    chance: Random = field(default_factory=lambda: Random(1))
    _secret: str = ""
    _connections: int = 40
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(40))
    _lanes: dict[str, deque[Update]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None
    _error: dict[str, Any] = field(default_factory=dict)

    def start(self, url: str, secret: str, connections: int) -> None:
        """Deliver what waits and what will come."""
        self.url, self._secret, self._connections, self._error = url, secret, connections, {}
        self._free = asyncio.Semaphore(connections)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections), timeout=aiohttp.ClientTimeout(total=PATIENCE))
        for update in self.world.updates.pending:
            self._add(update)
        self.world.updates.on_new = self._add

    async def stop(self) -> None:
        """Deliver no more; what was not confirmed waits."""
        self.world.updates.on_new = None
        self.url = ""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._lanes.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def info(self) -> dict[str, Any]:
        """A WebhookInfo object."""
        allowed = {"allowed_updates": self.world.updates.allowed} if self.world.updates.allowed else {}
        more = {"max_connections": self._connections, "ip_address": "127.0.0.1", **self._error} if self.url else {}
        return {"url": self.url, "has_custom_certificate": False, "pending_update_count": len(self.world.updates.pending), **more, **allowed}

    def _add(self, update: Update) -> None:
        if update.lane in self._lanes:
            self._lanes[update.lane].append(update)
            return
        self._lanes[update.lane] = deque([update])
        task = asyncio.create_task(self._empty(update.lane))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.world.fail("fake broke", error=f"{type(error).__name__}: {error}")

    async def _empty(self, lane: str) -> None:
        while self._lanes[lane]:
            update = self._lanes[lane][0]
            if self.disorder:
                await asyncio.sleep(self.chance.random() * self.disorder)
            pause = 1.0
            while (wait := await self._deliver(update)) is not None:
                if wait == 0 and update.tries > 1:  # the first repetition comes at once
                    pause = min(pause * 2, LONGEST_PAUSE)
                    wait = pause
                await asyncio.sleep(wait * self.world.scale)
            self._lanes[lane].popleft()
            if update in self.world.updates.pending:
                self.world.updates.confirm(update)
            self.world.touch()
        del self._lanes[lane]

    async def _deliver(self, update: Update) -> float | None:
        """One try. None if the bot has it, else the seconds that it wants to be left alone (0: it did not say)."""
        update.tries += 1
        note: dict[str, Any] = {
            "update_id": update.update_id,
            "lane": update.lane,
            "try": update.tries,
            "at": time.time(),
            "status": None,
            "again": update.again,
        }
        self.world.deliveries.append(note)
        headers = {HEADER: self._secret} if self._secret else {}
        assert self._session is not None
        try:
            async with self._free, self._session.post(self.url, json=update.body, headers=headers, allow_redirects=False) as response:
                note["status"] = response.status
                if 200 <= response.status < 300:
                    await self._carry_out(response)
                    return None
                return self._complain(f"Wrong response from the webhook: {response.status} {response.reason}", response.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._complain(f"Connection failed: {type(error).__name__}", "")

    async def _carry_out(self, response: aiohttp.ClientResponse) -> None:
        try:
            call = await read_response(response)
        except ValueError as error:
            self.world.fail("unreadable answer of the webhook", error=str(error))
            return
        name = call.method.lower() if call is not None else ""
        if call is not None and name not in {"setwebhook", "deletewebhook", "close", "logout"} and not name.startswith("get"):
            await self.execute(call)

    def _complain(self, reason: str, retry_after: str) -> float:
        self._error = {"last_error_date": int(time.time()), "last_error_message": reason}
        return float(min(int(retry_after), LONGEST_RETRY_AFTER)) if retry_after.isdigit() else 0.0
