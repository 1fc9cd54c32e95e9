"""Who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.channels.http import number
from bot.domain.staff import Permission

from .page import get
from .views import render

if TYPE_CHECKING:
    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.staff import Accounts

    from .page import Page

SHOWN = 50
"""Entries on a page."""


class AuditDesk:
    """Shows the audit, newest first."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (get("/console/audit", Permission.AUDIT, self.show),)

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """A page of it, from before an entry."""
        typed = request.query.get("before", "")
        before = number(typed, "before", 1, 10**18) if typed else None
        found = list(await self._accounts.audit(before, SHOWN + 1))
        older = found[SHOWN - 1].id if len(found) > SHOWN else None
        return render(request, member, "audit.html", entries=found[:SHOWN], older=older, newest=before is None)
