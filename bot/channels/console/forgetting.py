"""Everything of a merchant is deleted, when the merchant has asked a lead for it: with a reason, and the ticket's number typed once more."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from bot.channels.acts import LOOK, PATIENCE, actor
from bot.domain.events import Acted
from bot.domain.staff import Permission
from bot.domain.tickets import Act

from .forms import fields
from .page import get, post
from .views import redirect, render
from .work import access_ticket

if TYPE_CHECKING:
    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.bell import Bell
    from bot.service.desk import File

    from .page import Page
    from .work import Work

PATH = "/console/tickets/{id}/forget"
LONGEST_REASON = 200


class ForgettingDesk:
    """Asks, and deletes."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return get(PATH, Permission.FORGET, self.show), post(PATH, Permission.FORGET, self.forget)

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """What would be deleted, and the form that confirms it."""
        return await self._page(request, member, await access_ticket(self._work, member, request.match_info["id"]))

    async def forget(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Delete it, the one road like every act; the merchant is told."""
        work, file, form = self._work, await access_ticket(self._work, member, request.match_info["id"]), fields(request)
        reason = " ".join(form.get("reason", "").split())
        if not reason or len(reason) > LONGEST_REASON:
            return await self._page(request, member, file, "reason")
        if form.get("number", "").strip() != file.row.number:
            return await self._page(request, member, file, "number")
        act = Acted(actor=actor(member), act=Act.FORGET, number=file.row.number, text=reason)
        with work.said.listening(file.chat) as bell:
            await work.intake.acted(file.address, f"staff:{work.new_id()}", act)
            gone = await self._is_gone(file, bell)
        return redirect("/console/queue", "forgotten" if gone else "queued")

    async def _page(self, request: web.Request, member: Member, file: File, wrong: str = "") -> web.Response:
        held = await self._work.held(file.address)
        return render(
            request, member, "forget.html", status=422 if wrong else 200, row=file.row, held=held, wrong=wrong, longest=LONGEST_REASON,
            reason=fields(request).get("reason", ""),
        )  # fmt: skip

    async def _is_gone(self, file: File, bell: Bell) -> bool:
        """Whether the ticket went while somebody waits for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while await self._work.desk.file(file.row.id) is not None:
                    await bell.wait(LOOK)
                return True
        return False
