"""Reminders: what a member has to look at, until it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.channels.acts import may_see, teams
from bot.domain.audit import Entry
from bot.domain.staff import Permission, may
from bot.service.desk import Reminded
from bot.service.staff import WITHDRAWAL_SEEN

from . import places
from .forms import fields
from .page import get, post
from .views import redirect, render
from .work import access_ticket

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.desk import Reminder

    from .page import Page
    from .work import Work

PATH = "/console/reminders"
MOST = 100
"""Reminders that are shown; nobody reads more."""


class RemindersDesk:
    """Shows them, and keeps that they were seen."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get(PATH, Permission.WORK_TICKETS, self.show),
            get(f"{PATH}/count", Permission.WORK_TICKETS, self.count, background=True),
            post(f"{PATH}/seen", Permission.WORK_TICKETS, self.seen_all),
            post(f"{PATH}/withdrawn", Permission.WORK_TICKETS, self.seen_withdrawn),
            post("/console/tickets/{id}/noticed", Permission.WORK_TICKETS, self.seen),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """All of them."""
        found, withdrawn = await reminders(self._work, member), await self._withdrawn(member)
        return render(request, member, "reminders.html", reminders=found, withdrawn=withdrawn, topics=self._work.kb.topics)

    async def count(self, request: web.Request, member: Member) -> web.StreamResponse:
        """How many, for the header."""
        count = len(await reminders(self._work, member)) + len(await self._withdrawn(member))
        return render(request, member, "reminders-count.html", count=count, most=MOST)

    async def seen(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Those of one ticket are seen."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        if file.row.id in await reminded(self._work, member):
            await self._work.desk.notice(file.row.id, member.login, self._work.clock())
        return redirect(places.local(fields(request).get("next", "")) or PATH)

    async def seen_all(self, request: web.Request, member: Member) -> web.StreamResponse:
        """All that are there are seen."""
        for ticket in await reminded(self._work, member):
            await self._work.desk.notice(ticket, member.login, self._work.clock())
        for entry in await self._withdrawn(member):
            await self._see(entry.subject, member)
        return redirect(PATH)

    async def seen_withdrawn(self, request: web.Request, member: Member) -> web.StreamResponse:
        """That one ticket was withdrawn is seen."""
        number = fields(request).get("number", "")
        if any(entry.subject == number for entry in await self._withdrawn(member)):
            await self._see(number, member)
        return redirect(PATH)

    async def _withdrawn(self, member: Member) -> Sequence[Entry]:
        """Tickets of this member that merchants have withdrawn."""
        return await self._work.staff.withdrawn(member.login, leads=may(member, Permission.ASSIGN))

    async def _see(self, number: str, member: Member) -> None:
        await self._work.staff.record(Entry(at=self._work.clock(), actor=member.login, what=WITHDRAWAL_SEEN, subject=number))


async def reminders(work: Work, member: Member) -> Sequence[Reminder]:
    """What a member has to look at, the newest first."""
    if not may(member, Permission.WORK_TICKETS):
        return ()
    whose = Reminded(login=member.login, teams=teams(work.kb, member), leads=may(member, Permission.ASSIGN), now=work.clock())
    return [reminder for reminder in await work.desk.reminders(whose, MOST) if may_see(work.kb, member, reminder.row)]


async def reminded(work: Work, member: Member) -> Mapping[str, Reminder]:
    """The same by ticket."""
    return {reminder.row.id: reminder for reminder in await reminders(work, member)}
