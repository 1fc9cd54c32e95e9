"""Troubles of many: proposed by the clock, announced and ended by leads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from bot.channels.acts import actor
from bot.dialogue.render import kb_say
from bot.domain.audit import Entry
from bot.domain.clock import wall_clock
from bot.domain.events import Acted
from bot.domain.staff import Permission
from bot.domain.tickets import Act
from bot.service.desk import EARLIER

from .figures import Names
from .forms import fields
from .page import get, post
from .span import wall
from .views import redirect, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.staff import Member
    from bot.service.desk import Incident

    from .options import Options
    from .page import Page
    from .work import Work

ONE = "/console/incidents/{id}"
LONGEST_NOTICE, LONGEST_END = 200, 400
"""Characters of what all are told at the beginning, and at the end: that may repeat the notice."""
ENDED = 50
"""Former ones that are shown."""


class IncidentsDesk:
    """What leads decide about them."""

    def __init__(self, work: Work, options: Options) -> None:
        self._work, self._zone = work, options.zone

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/incidents", Permission.INCIDENTS, self.show),
            post(f"{ONE}/announce", Permission.INCIDENTS, self.announce),
            post(f"{ONE}/dismiss", Permission.INCIDENTS, self.dismiss),
            post(f"{ONE}/end", Permission.INCIDENTS, self.end),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """All of them, those that matter first."""
        return await self._page(request, member)

    async def announce(self, request: web.Request, member: Member) -> web.StreamResponse:
        """From now on merchants with this trouble are told at once."""
        incident = await self._incident(request)
        text, until = _line(fields(request).get("text", "")), self._until(fields(request).get("until", ""))
        if not text or len(text) > LONGEST_NOTICE or not until:
            wrong = "text" if not text or len(text) > LONGEST_NOTICE else "until"
            return await self._page(request, member, status=422, wrong=wrong, about=incident.id)
        since = incident.proposed - EARLIER
        if not await self._work.desk.announce(incident.id, text=text, until=until, author=member.login, since=since):
            return await self._page(request, member, status=409, wrong="late")
        await self._record(member, "incident-announced", incident, text)
        return redirect("/console/incidents", "announced")

    async def dismiss(self, request: web.Request, member: Member) -> web.StreamResponse:
        """It was none: nobody is told."""
        incident = await self._incident(request)
        if incident.status != "proposed" or await self._work.desk.end_incident(incident.id, self._work.clock(), None) is None:
            return await self._page(request, member, status=409, wrong="late")
        await self._record(member, "incident-dismissed", incident)
        return redirect("/console/incidents", "dismissed")

    async def end(self, request: web.Request, member: Member) -> web.StreamResponse:
        """It is over, and the merchants of linked tickets are told so."""
        incident, text = await self._incident(request), _line(fields(request).get("text", ""))
        if not text or len(text) > LONGEST_END:
            return await self._page(request, member, status=422, wrong="end-text", about=incident.id)
        if incident.status != "announced" or await self._work.desk.end_incident(incident.id, self._work.clock(), self._telling(member, text)) is None:
            return await self._page(request, member, status=409, wrong="late")
        await self._record(member, "incident-over", incident, text)
        return redirect("/console/incidents", "over")

    async def _page(self, request: web.Request, member: Member, *, status: int = 200, wrong: str = "", about: str = "") -> web.Response:
        """All of them; `wrong` with the form `about` an incident, or with all."""
        found = await self._work.desk.incidents(current=False)
        return render(
            request, member, "incidents.html", status=status, wrong=wrong, about=about, typed=fields(request),
            current=[incident for incident in found if incident.ended is None], ended=[incident for incident in found if incident.ended][:ENDED],
            names=Names(self._work.kb), over=self._over, now=wall(self._work.clock(), self._zone).isoformat(timespec="minutes"),
            longest=(LONGEST_NOTICE, LONGEST_END),
        )  # fmt: skip

    async def _incident(self, request: web.Request) -> Incident:
        """The one in the address, also when it has ended. Raises HTTPNotFound."""
        for incident in await self._work.desk.incidents(current=False):
            if incident.id == request.match_info["id"]:
                return incident
        raise web.HTTPNotFound

    def _telling(self, member: Member, text: str) -> Callable[[str], str]:
        """What a conversation gets, by the number of its ticket."""
        act = Acted(actor=actor(member), act=Act.BROADCAST, number="", text=text)
        return lambda number: self._work.intake.safe(replace(act, number=number))

    async def _record(self, member: Member, what: str, incident: Incident, detail: str = "") -> None:
        subject = " · ".join(part for part in (Names(self._work.kb).topic(incident.topic), incident.code, incident.acquirer) if part)
        await self._work.staff.record(Entry(at=self._work.clock(), actor=member.login, what=what, subject=subject, detail=detail))

    def _until(self, typed: str) -> str:
        """The moment that was chosen as an ISO text of the merchants' wall clock; empty for none, or one that is over."""
        try:
            until = wall_clock(typed)
        except ValueError:
            return ""
        return until.isoformat() if until > wall(self._work.clock(), self._zone) else ""

    def _over(self, incident: Incident) -> str:
        """What merchants may be told at the end, in the words of the knowledge base."""
        return kb_say(self._work.kb, "incident-over", text=incident.text)


def _line(typed: str) -> str:
    """What was typed, on one line."""
    return " ".join(typed.split())
