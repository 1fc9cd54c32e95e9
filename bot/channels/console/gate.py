"""Stands before every page: who is there, what that member may do, where a form comes from."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from aiohttp import web

from bot.channels.http import Refused
from bot.domain.errors import StoreUnavailable
from bot.domain.staff import Permission, may

from . import forms, places, visit
from .page import Access
from .views import redirect, render
from .visit import COOKIE, TOKEN_FIELD, TOKEN_HEADER, Visit

if TYPE_CHECKING:
    from bot.service.sessions import Sessions

    from .page import Page

TOLD = frozenset({400, 403, 404, 408, 413, 429, 503})
"""Errors that have words of their own; others are told as 400."""
BACKGROUND = "X-Background"
"""Header of a whole page that was asked for by itself, because it has changed."""
RETRY = {429: 5, 503: 2}
"""Seconds until it may work."""
logger = logging.getLogger(__name__)


class Forged(Exception):
    """A form that was not sent from a page of ours, or from one that is too old."""


class Gate:
    """Lets requests through to pages."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, page: Page, request: web.Request) -> web.StreamResponse:
        """What the page answers, or why not."""
        try:
            return await self._let_in(page, request)
        except Forged:
            logger.warning("a form was refused", extra={"event": "form_refused", "path": page.path})
            return problem(request, 403, "forged")
        except Refused as refused:
            return problem(request, refused.response.status)
        except StoreUnavailable:
            return problem(request, 503)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return problem(request, error.status)

    async def _let_in(self, page: Page, request: web.Request) -> web.StreamResponse:
        id = request.cookies.get(COOKIE, "")
        member = await self._sessions.member(id, background=page.background or request.headers.get(BACKGROUND) == "yes")
        visit.enter(request, Visit(id=id, member=member))
        if page.access is not Access.ANYBODY:
            if member is None:
                return _to_login(request)
            if member.must_change and page.access is not Access.CHANGING:
                return elsewhere(request, "/console/password")
            if isinstance(page.access, Permission) and not may(member, page.access):
                raise web.HTTPForbidden
        if page.method == "POST":
            await _check(request)
        return await page.handler(request, member)


async def _check(request: web.Request) -> None:
    """A form of another site changes nothing. Raises Forged, Refused."""
    if not visit.is_same_origin(request):
        raise Forged
    token = request.headers.get(TOKEN_HEADER, "")
    if request.content_type == forms.TYPE:
        await forms.read(request)
        token = token or forms.fields(request).get(TOKEN_FIELD, "")
    if not visit.of(request).has_sent(token):
        raise Forged


def _to_login(request: web.Request) -> web.Response:
    """To the form to log in, and back afterwards: to the page, not to what only a form or a part of a page asks for."""
    place = request.path_qs if request.method == "GET" else ""
    if is_htmx(request):
        place = _shown(request)
    wanted = places.local(place)
    return elsewhere(request, f"/console/login?next={quote(wanted, safe='')}" if wanted else "/console/login")


def _shown(request: web.Request) -> str:
    """The page that is shown while htmx asks for a part of one."""
    try:
        shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return ""
    return f"{shown.path}?{shown.query}" if shown.query else shown.path


def elsewhere(request: web.Request, path: str, status: int = 401) -> web.Response:
    """The whole page goes elsewhere, also when htmx asks for a part of it; `status` is what htmx gets."""
    return web.Response(status=status, headers={"HX-Redirect": path}) if is_htmx(request) else redirect(path)


def is_htmx(request: web.Request) -> bool:
    """Whether a part of a page is asked for."""
    return request.headers.get("HX-Request") == "true"


def problem(request: web.Request, status: int, what: str = "") -> web.Response:
    """An error as a page, or for htmx as a sentence."""
    template = "problem.txt" if is_htmx(request) else "problem.html"
    what = what or str(status if status in TOLD else 400)
    response = render(request, visit.of(request).member, template, status=status, retry=RETRY.get(status, 0), what=what)
    if is_htmx(request):
        response.content_type = "text/plain"
    return response
