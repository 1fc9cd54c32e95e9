"""The way in for Telegram's own server: `POST /telegram/updates` on a port of its own, where nothing else is.

Updates that come while others are being committed are taken together, as those are that we fetch. An update that is committed is answered 200; when the
database is away 503, and it comes again. There is no application around it: with one, a request costs more than all that is done with the update in it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from bot.channels.http import Refused, json_of, problem, unavailable
from bot.domain.errors import StoreUnavailable

from .connection import Connection, refused, taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from .reception import Reception

PATH = "/telegram/updates"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
LOOKS = 1.0
"""Seconds between two looks at who is late."""
DEEPEST = 200
"""Lists and objects in one another: an update quotes others, and whatever is refused comes again for a day and holds up what is behind it."""
TOGETHER = 100
"""Updates that are taken together at most: as many as are fetched at once."""
HELD_UP = 0.2
"""Seconds after which the next ones are not held up any longer by some whose commit takes long. The server sends nothing of a chat before its last update is
answered, so the order of a chat does not hang on it."""
TURNS = 4
"""Turns of the loop before they are taken: what has come to the socket already comes along, and one commit is for all of them."""
AGAIN = 2
"""Seconds after which an update that could not be committed may come again."""
_NAME, _PATH = HEADER.lower().encode(), PATH.encode()
logger = logging.getLogger(__name__)


class Hook:
    """Listens, and takes in what comes. Raises ValueError without a secret."""

    def __init__(self, *, reception: Reception, secret: str) -> None:
        if not secret:
            raise ValueError("a webhook without a secret is open to everybody")
        self._reception, self._secret = reception, secret.encode()
        self.ending = False
        self._connections: set[Connection] = set()
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._waiting: list[tuple[Connection, bytes]] = []
        self._pump: asyncio.Task[None] | None = None
        self._taking: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> int:
        """Let requests in; the port, which is a free one for 0. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self, loop), host, port, backlog=1024)
        self._watch = asyncio.create_task(self._send_away())
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def close(self, grace: float) -> None:
        """Let nobody new in, finish what has begun to come, at most so many seconds; then leave. What was not answered comes again."""
        self.ending = True
        self._server.close()
        for connection in [*self._connections]:
            connection.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._nobody.wait()
        for connection in [*self._connections]:
            connection.abort()
        rest = [self._watch, *self._taking, *([self._pump] if self._pump else [])]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def met(self, connection: Connection) -> None:
        """Somebody has come."""
        self._connections.add(connection)
        self._nobody.clear()

    def left(self, connection: Connection) -> None:
        """Somebody has left, or was sent away."""
        self._connections.discard(connection)
        if not self._connections:
            self._nobody.set()

    def refusal(self, method: bytes, path: bytes, headers: dict[bytes, bytes]) -> web.Response | None:
        """Why a request is not let in. The secret is compared before anything of a body is kept."""
        if path != _PATH:
            return problem(404, "not-found")
        if method != b"POST":
            response = problem(405, "wrong-method")
            response.headers["Allow"] = "POST"
            return response
        return None if hmac.compare_digest(headers.get(_NAME, b""), self._secret) else problem(401, "telegram-secret")

    def came(self, connection: Connection, body: bytes) -> None:
        """An update has come."""
        self._waiting.append((connection, body))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._take_all())

    async def _take_all(self) -> None:
        while self._waiting:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            task = asyncio.create_task(self._take_in(together))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)
            await asyncio.wait([task], timeout=HELD_UP)

    async def _take_in(self, together: Sequence[tuple[Connection, bytes]]) -> None:
        """Take in what can be read; whoever sent anything else is told."""
        read: list[tuple[Connection, object]] = []
        for connection, body in together:
            try:
                read.append((connection, json_of(body, deepest=DEEPEST)))
            except Refused as problem:
                connection.answer(refused(problem.response))
        await self._take(read)

    async def _take(self, together: Sequence[tuple[Connection, object]]) -> None:
        """Take in what came together, and answer: it is committed, or has to come again."""
        try:
            await self._reception.take([raw for _, raw in together])
        except StoreUnavailable:
            answer = refused(unavailable(AGAIN))
        except Exception:  # one must never stop the others; what is in it is not logged
            logger.exception("updates not taken", extra={"event": "updates_refused", "number": len(together)})
            if len(together) > 1:
                for alone in together:
                    await self._take([alone])
                return
            answer = refused(unavailable(AGAIN))
        else:
            answer = taken()
        for connection, _ in together:
            connection.answer(answer)

    async def _send_away(self) -> None:
        """Look at who is late, until cancelled."""
        while True:
            await asyncio.sleep(LOOKS)
            for connection in [*self._connections]:
                connection.look()
