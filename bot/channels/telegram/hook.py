"""The way in for Telegram's own server: `POST /telegram/updates`.

The secret is compared before anything of the body is read. An update that is committed is answered 200; when the database is away 503, and it comes again.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from bot.channels.http import JSON_LIMIT, Refused, json_of, problem, prompt_body

if TYPE_CHECKING:
    from .reception import Reception

PATH = "/telegram/updates"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
PATIENCE = 20.0
"""Seconds for a body."""
DEEPEST = 200
"""Nested brackets: an update quotes others, and whatever is refused comes again for a day."""


def add_route(app: web.Application, *, reception: Reception, secret: str) -> None:
    """Let Telegram's server in. Raises ValueError without a secret. The application needs the middleware `http.guarded`."""
    if not secret:
        raise ValueError("a webhook without a secret is open to everybody")
    expected = secret.encode()

    async def update(request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.headers.get(HEADER, "").encode("utf-8", "surrogateescape"), expected):
            raise Refused(problem(401, "telegram-secret"))
        raw = await prompt_body(request, JSON_LIMIT, PATIENCE, "too-slow")
        await reception.take(json_of(raw, deepest=DEEPEST))
        return web.Response()

    app.router.add_post(PATH, update)
