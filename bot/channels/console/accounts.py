"""Accounts of all members, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.errors import AccountError
from bot.domain.staff import Permission, Role, groups_of, name_of
from bot.wording import say

from .forms import fields
from .page import get, post
from .views import redirect, render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.staff import Member
    from bot.service.staff import Accounts

    from .page import Page

ONE = "/console/accounts/{login}"


class AccountsDesk:
    """Adds, changes and disables accounts."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/accounts", Permission.ACCOUNTS, self.show_all),
            get("/console/new-account", Permission.ACCOUNTS, self.show_new),
            post("/console/new-account", Permission.ACCOUNTS, self.add),
            get(ONE, Permission.ACCOUNTS, self.show),
            post(ONE, Permission.ACCOUNTS, self.change),
            post(f"{ONE}/disable", Permission.ACCOUNTS, self.disable),
            post(f"{ONE}/enable", Permission.ACCOUNTS, self.enable),
            post(f"{ONE}/reset", Permission.ACCOUNTS, self.reset),
        )

    async def show_all(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Everybody."""
        return render(request, member, "accounts.html", members=await self._accounts.members())

    async def show_new(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The form for a new account."""
        return self._form(request, member, "", {"login": "", "name": "", "role": Role.STAFF, "groups": ""})

    async def add(self, request: web.Request, member: Member) -> web.StreamResponse:
        """A new account, and its first password: it is shown this once."""
        form = fields(request)
        typed = {name: form.get(name, "")[:500] for name in ("login", "name", "role", "groups")}
        try:
            added, password = await self._accounts.add(
                member.login, typed["login"], name=typed["name"], role=_role(typed["role"]), groups=groups_of(typed["groups"])
            )
        except AccountError as error:
            return self._form(request, member, str(error), typed)
        return render(request, member, "first-password.html", whose=added, password=password)

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """One account."""
        return render(request, member, "member.html", whose=await self._whose(request), roles=list(Role), problem="")

    async def change(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Name, role, groups: what is different is changed."""

        async def change(whose: Member) -> None:
            form = fields(request)
            name, role, groups = name_of(form.get("name", "")), _role(form.get("role", "")), groups_of(form.get("groups", ""))
            if name != whose.name:
                await self._accounts.rename(member.login, whose.login, name)
            if role is not whose.role:
                await self._accounts.give_role(member.login, whose.login, role)
            if groups != whose.groups:
                await self._accounts.give_groups(member.login, whose.login, groups)

        return await self._try(request, member, change, "saved")

    async def disable(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Nobody gets in with it any more."""

        async def disable(whose: Member) -> None:
            if whose.login == member.login:
                raise AccountError(say("console.not-yourself"))
            await self._accounts.disable(member.login, whose.login)

        return await self._try(request, member, disable, "disabled")

    async def enable(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Once more."""

        async def enable(whose: Member) -> None:
            await self._accounts.enable(member.login, whose.login)

        return await self._try(request, member, enable, "enabled")

    async def reset(self, request: web.Request, member: Member) -> web.StreamResponse:
        """A first password once more."""
        whose = await self._whose(request)
        if whose.login == member.login:
            return redirect("/console/account")
        password = await self._accounts.reset(member.login, whose.login)
        return render(request, member, "first-password.html", whose=whose, password=password)

    async def _try(self, request: web.Request, member: Member, do: Callable[[Member], Awaitable[None]], done: str) -> web.StreamResponse:
        """Do something to an account, and look at it."""
        whose = await self._whose(request)
        try:
            await do(whose)
        except AccountError as error:
            now = await self._whose(request)
            return render(request, member, "member.html", status=422, whose=now, roles=list(Role), problem=str(error))
        return redirect(f"/console/accounts/{whose.login}", done)

    async def _whose(self, request: web.Request) -> Member:
        """The account of the address. Raises HTTPNotFound."""
        found = await self._accounts.member(request.match_info["login"])
        if found is None:
            raise web.HTTPNotFound
        return found

    def _form(self, request: web.Request, member: Member, problem: str, typed: dict[str, str]) -> web.Response:
        return render(request, member, "new-account.html", status=422 if problem else 200, typed=typed, roles=list(Role), problem=problem)


def _role(typed: str) -> Role:
    """Raises AccountError for none."""
    try:
        return Role(typed)
    except ValueError:
        raise AccountError(say("staff.bad-role", roles=", ".join(Role))) from None
