"""In and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.channels import callers
from bot.service.sessions import TooMany, fresh
from bot.wording import say

from . import places, visit
from .forms import fields
from .page import Access, get, post
from .views import home, redirect, render
from .visit import COOKIE, PATH, Visit, remember

if TYPE_CHECKING:
    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.sessions import Sessions

    from .options import Options
    from .page import Page


class Entrance:
    """Logs members in and out."""

    def __init__(self, sessions: Sessions, options: Options) -> None:
        self._sessions, self._options = sessions, options

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/login", Access.ANYBODY, self.show),
            post("/console/login", Access.ANYBODY, self.log_in),
            post("/console/logout", Access.CHANGING, self.log_out),
        )

    async def show(self, request: web.Request, member: Member | None) -> web.StreamResponse:
        """The form to log in; its token needs a cookie already."""
        wanted = places.local(request.query.get("next", ""))
        if member is not None:
            return redirect(wanted or home(request, member))
        id = visit.of(request).id or fresh()
        visit.enter(request, Visit(id=id))
        response = render(request, None, "login.html", wanted=wanted, login="", problem="")
        remember(request, response, id, self._options)
        return response

    async def log_in(self, request: web.Request, _: Member | None) -> web.StreamResponse:
        """A login and a password were typed. What was wrong is not said."""
        form = fields(request)
        login, wanted = form.get("login", "")[:100], places.local(form.get("next", ""))
        try:
            network = callers.network(request, proxies=self._options.proxies)
            found = await self._sessions.log_in(login, form.get("password", ""), network)
        except TooMany as error:
            told = say("console.too-many", seconds=error.wait)
            return render(request, None, "login.html", status=429, retry=error.wait, wanted=wanted, login=login, problem=told)
        if found is None:
            return render(request, None, "login.html", status=401, wanted=wanted, login=login, problem=say("console.login-wrong"))
        id, member = found
        response = redirect(wanted or home(request, member))
        remember(request, response, id, self._options)
        return response

    async def log_out(self, request: web.Request, member: Member) -> web.StreamResponse:
        """End the session, here and in the database."""
        await self._sessions.log_out(visit.of(request).id, member)
        response = redirect("/console/login", "logged-out")
        response.del_cookie(COOKIE, path=PATH)
        return response
