"""Puts the web chat into a server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.channels import assets

from . import page
from .endpoints import Endpoints
from .feed import Feed
from .passes import Passes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from bot.channels.assets import Asset
    from bot.domain.messages import Reply
    from bot.service.bell import Bells
    from bot.service.intake import Intake
    from bot.service.ports import Store

    from .options import Options

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Permissions-Policy": "camera=(), microphone=(), geolocation=()"}


def add_routes(  # noqa: PLR0913  (dependencies, by name)
    app: web.Application,
    *,
    intake: Intake,
    store: Store,
    bells: Bells,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    welcome: Callable[[], Reply],
    options: Options,
    continued: Callable[[str], str] = lambda _: "",
) -> None:
    """Serve the page at `/`, `/embed.js`, and everything under `/chat/`.

    `app` has the middleware `guarded` of `bot.channels.http` already and must not be started yet. `bells` are those that `Conversations` rings after a
    step (its `said`); the channel "web" must not be one of the `pushing` of `Decider`. `clock` gives microseconds UTC. `new_id` gives at least 128 random
    bits as URL-safe text: two make a visitor's token. `welcome` gives what the bot says before the first message; its choices may be topics and the way to
    a human (`none` has no meaning there). `continued` gives a link that continues a conversation (by its public id; empty for one that has not begun) in
    Telegram, empty where that cannot be. Raises ValueError for secrets, ids or sources that cannot be used.
    """
    passes = Passes(secrets=options.merchant_secrets, clock=clock, new_id=new_id)
    feed = Feed(store=store, bells=bells, most=options.most_streams)
    endpoints = Endpoints(intake=intake, store=store, clock=clock, passes=passes, feed=feed, welcome=welcome, options=options, continued=continued)
    _add_endpoints(app, endpoints)
    _add_assets(app, options)

    async def end_streams(_: web.Application) -> None:
        feed.close()

    app.on_shutdown.append(end_streams)


def _add_endpoints(app: web.Application, endpoints: Endpoints) -> None:
    router = app.router
    router.add_post("/chat/session", endpoints.session)
    router.add_post("/chat/messages", endpoints.say)
    router.add_get("/chat/messages", endpoints.messages, allow_head=False)
    router.add_get("/chat/events", endpoints.events, allow_head=False)
    router.add_post("/chat/photo", endpoints.send_photo)
    router.add_get("/chat/photo/{id}", endpoints.photo, allow_head=False)
    router.add_post("/chat/delete-my-data", endpoints.delete)
    router.add_post("/chat/telegram", endpoints.telegram)


def _add_assets(app: web.Application, options: Options) -> None:
    """The files, and the headers of everything that is ours."""
    found = page.assets(options.kept.days)
    places = {"/": "page.html", "/embed.js": "embed.js", **{f"/chat/{name}": name for name in ("page.css", "page.js", "icon.svg")}}
    for path, name in places.items():
        app.router.add_get(path, _handler(found[name]))
    policy = page.policy(options.frame_ancestors)

    async def protect(request: web.Request, response: web.StreamResponse) -> None:
        if request.path in places or request.path.startswith("/chat/"):
            response.headers.update(HEADERS)
            response.headers["Content-Security-Policy"] = policy
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin" if request.path == "/embed.js" else "same-origin"

    app.on_response_prepare.append(protect)


def _handler(asset: Asset) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    return partial(_send, asset)


async def _send(asset: Asset, request: web.Request) -> web.StreamResponse:
    return assets.send(request, asset)
