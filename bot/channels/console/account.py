"""A member's own account: on duty or not, another password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.channels import callers
from bot.domain.errors import AccountError
from bot.domain.staff import Permission
from bot.service.sessions import TooMany
from bot.wording import say

from . import places
from .forms import fields
from .page import Access, get, post
from .views import home, redirect, render
from .visit import remember

if TYPE_CHECKING:
    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.sessions import Sessions
    from bot.service.staff import Accounts

    from .options import Options
    from .page import Page


class Account:
    """What members do for themselves."""

    def __init__(self, sessions: Sessions, accounts: Accounts, options: Options) -> None:
        self._sessions, self._accounts, self._options = sessions, accounts, options

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/account", Access.MEMBER, self.show),
            post("/console/account/password", Access.MEMBER, self.change_password),
            get("/console/password", Access.CHANGING, self.show_first),
            post("/console/password", Access.CHANGING, self.change_first),
            post("/console/duty", Permission.WORK_TICKETS, self.set_duty),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Who somebody is here, and the form for another password."""
        return render(request, member, "account.html", problem="")

    async def change_password(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Another password, for one who knows the present one."""
        try:
            if await self._sessions.is_right(member, fields(request).get("current", ""), self._network(request)):
                return await self._changed(request, member, "/console/account")
        except TooMany as error:
            told = say("console.too-many", seconds=error.wait)
            return render(request, member, "account.html", status=429, retry=error.wait, problem=told)
        except AccountError as error:
            return render(request, member, "account.html", status=422, problem=str(error))
        return render(request, member, "account.html", status=422, problem=say("console.password-wrong"))

    async def show_first(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The form that comes before anything else, while somebody else knows the password."""
        return render(request, member, "password.html", problem="") if member.must_change else redirect("/console/account")

    async def change_first(self, request: web.Request, member: Member) -> web.StreamResponse:
        """An own password instead of the first one, which was typed a moment ago. Whoever has an own one must show it: `change_password`."""
        if not member.must_change:
            return redirect("/console/account")
        try:
            return await self._changed(request, member, "/console")
        except AccountError as error:
            return render(request, member, "password.html", status=422, problem=str(error))

    async def set_duty(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Begin or end work, and stay on the page."""
        await self._accounts.set_duty(member.login, on_duty=fields(request).get("on") == "yes")
        return redirect(places.local(fields(request).get("next", "")) or home(request, member))

    async def _changed(self, request: web.Request, member: Member, path: str) -> web.StreamResponse:
        """Keep the new password; all sessions end, and here a new one begins. Raises AccountError."""
        form = fields(request)
        if form.get("password", "") != form.get("again", ""):
            raise AccountError(say("console.password-differs"))
        await self._accounts.choose(member.login, form.get("password", ""))
        id = await self._sessions.open(member, self._network(request))
        response = redirect(path, "password")
        if id:
            remember(request, response, id, self._options)
        return response

    def _network(self, request: web.Request) -> str:
        return callers.network(request, proxies=self._options.proxies)
