"""Health and metrics over HTTP, on their own port: `/healthz`, `/readyz`, `/metrics`, and `POST /reload`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.errors import KnowledgeError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.service.ports import Store

    from .meter import Meter


class Site:
    """What operators and their tools ask. `reload` reads the knowledge again and gives its version."""

    def __init__(self, *, store: Store, meter: Meter, clock: Callable[[], int], reload: Callable[[], Awaitable[str]]) -> None:
        self._store, self._meter, self._clock, self._reload = store, meter, clock, reload
        self.draining = False

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.add_routes(
            [web.get("/healthz", self._health), web.get("/readyz", self._ready), web.get("/metrics", self._metrics), web.post("/reload", self._read_again)]
        )
        return app

    async def _health(self, _: web.Request) -> web.Response:
        """The process answers: that is all that a restart could mend."""
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        """Whether merchants should be sent here."""
        if self.draining:
            return web.Response(status=503, text="draining\n")
        try:
            await self._store.counts(self._clock())
        except StoreUnavailable as error:
            return web.Response(status=503, text=f"database: {type(error).__name__}\n")
        return web.Response(text="ready\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        with suppress(StoreUnavailable):  # the other figures are wanted all the more
            self._meter.waiting(await self._store.counts(self._clock()))
        return web.Response(body=self._meter.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _read_again(self, _: web.Request) -> web.Response:
        try:
            version = await self._reload()
        except KnowledgeError as error:
            return web.json_response({"problems": [str(problem) for problem in error.problems]}, status=422)
        return web.json_response({"version": version})
