"""The table of the console's pages, and how it gets into a server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from bot.channels import assets

from .account import Account
from .accounts import AccountsDesk
from .acting import ActDesk
from .audit import AuditDesk
from .document import DocumentDesk
from .entrance import Entrance
from .files import FileDesk
from .forgetting import ForgettingDesk
from .gate import Gate
from .incidents import IncidentsDesk
from .live import LiveDesk
from .once import Once
from .page import Access, get, post
from .pictures import PictureDesk
from .queue import QueueDesk
from .reminding import RemindersDesk
from .reports import ReportsDesk
from .search import SearchDesk
from .ticket import TicketDesk
from .views import VIEWS, Views, home, redirect

if TYPE_CHECKING:
    from bot.channels.assets import Asset
    from bot.domain.staff import Member
    from bot.service.sessions import Sessions
    from bot.service.staff import Accounts

    from .options import Options
    from .page import Page
    from .work import Work

PAGES = web.AppKey("console_pages", tuple)
"""The table of a server, for whoever wants to look at it."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # nobody else learns anything; with `no-referrer` browsers hide the origin of forms from ourselves too
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def pages(*, accounts: Accounts, sessions: Sessions, options: Options, work: Work, live: LiveDesk, once: Once) -> tuple[Page, ...]:
    """Every page: where, who may, and who answers."""
    return (
        get("/console", Access.MEMBER, _begin),
        get("/console/", Access.MEMBER, _begin),
        *Entrance(sessions, options).pages(),
        *Account(sessions, accounts, options).pages(),
        *ReportsDesk(work, options).pages(),
        *IncidentsDesk(work, options).pages(),
        *AccountsDesk(accounts).pages(),
        *AuditDesk(accounts).pages(),
        *QueueDesk(work, once).pages(),
        *TicketDesk(work).pages(),
        *FileDesk(work).pages(),
        *ActDesk(work).pages(),
        *PictureDesk(work).pages(),
        *SearchDesk(work).pages(),
        *live.pages(),
        *RemindersDesk(work).pages(),
        *ForgettingDesk(work).pages(),
        *DocumentDesk(work).pages(),
        get("/console/{rest:.+}", Access.MEMBER, _nothing),  # the last: what nobody has asked for is told to members only
        post("/console/{rest:.+}", Access.MEMBER, _nothing),
    )


def add_routes(app: web.Application, *, accounts: Accounts, sessions: Sessions, options: Options, work: Work) -> None:
    """Serve the console. `app` has the middleware `guarded` of `bot.channels.http` already and must not be started yet."""
    once = Once(work.said.desk, work.clock)
    live = LiveDesk(work, sessions, once)
    table = pages(accounts=accounts, sessions=sessions, options=options, work=work, live=live, once=once)
    app[PAGES] = table
    app[VIEWS] = views = Views(options, {page.path for page in table})
    gate = Gate(sessions)
    for name, asset in views.assets.items():
        app.router.add_get(f"/console/static/{name}", partial(_send, asset))
    for page in table:
        app.router.add_route(page.method, page.path, partial(gate.answer, page))
    app.on_response_prepare.append(_protect)
    app.on_shutdown.append(live.close)


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    """The headers of everything that is ours; nobody keeps a page."""
    if request.path == "/console" or request.path.startswith("/console/"):
        for name, value in (HEADERS | {"Cache-Control": "no-store"}).items():
            response.headers.setdefault(name, value)  # a document has a stricter policy of its own


async def _send(asset: Asset, request: web.Request) -> web.StreamResponse:
    return assets.send(request, asset)


async def _begin(request: web.Request, member: Member) -> web.StreamResponse:
    """Where a member begins; what was done is told there."""
    return redirect(home(request, member), request.query.get("done", "") if request.query.get("done", "").isalpha() else "")


async def _nothing(_: web.Request, __: Member) -> web.StreamResponse:
    raise web.HTTPNotFound
