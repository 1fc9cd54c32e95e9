"""Troubles of many: proposed by the clock, announced and ended by leads."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from bot.dialogue.render import kb_say
from bot.domain.audit import Entry
from bot.domain.clock import SECOND, wall_clock
from bot.domain.errors import StoreUnavailable
from bot.domain.events import Acted
from bot.domain.staff import Permission
from bot.domain.tickets import Act, Actor

from .figures import Names
from .forms import fields
from .page import get, post
from .span import wall
from .views import redirect, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.messages import Address
    from bot.domain.staff import Member
    from bot.service.desk import Incident

    from .options import Options
    from .page import Page
    from .work import Work

ONE = "/console/incidents/{id}"
LONGEST_NOTICE, LONGEST_END = 200, 400
"""Characters of what all are told at the beginning, and at the end: that may repeat the notice."""
EARLIER = 2 * 3600 * SECOND
"""How long before the proposal tickets of the same kind belong to it."""
ENDED = 50
"""Former ones that are shown."""
PAUSES = (0.2, 1.0, 3.0)
"""Seconds before each further try to tell somebody, while the database is away."""
logger = logging.getLogger(__name__)


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
        if incident.status != "proposed" or await self._end(incident, over=False) is None:
            return await self._page(request, member, status=409, wrong="late")
        await self._record(member, "incident-dismissed", incident)
        return redirect("/console/incidents", "dismissed")

    async def end(self, request: web.Request, member: Member) -> web.StreamResponse:
        """It is over, and the merchants of linked tickets are told so."""
        incident, text = await self._incident(request), _line(fields(request).get("text", ""))
        if not text or len(text) > LONGEST_END:
            return await self._page(request, member, status=422, wrong="end-text", about=incident.id)
        linked = await self._end(incident, over=True) if incident.status == "announced" else None
        if linked is None:
            return await self._page(request, member, status=409, wrong="late")
        untold = await self._tell(incident, member, text, dict(linked))
        await self._record(member, "incident-over", incident, text)
        return await self._page(request, member, status=503, wrong="untold", untold=untold) if untold else redirect("/console/incidents", "over")

    async def _page(
        self, request: web.Request, member: Member, *, status: int = 200, wrong: str = "", about: str = "", untold: Sequence[str] = ()
    ) -> web.Response:
        """All of them; `wrong` with the form `about` an incident, or with all."""
        found = await self._work.desk.incidents(current=False)
        return render(
            request, member, "incidents.html", status=status, wrong=wrong, about=about, untold=untold, typed=fields(request),
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

    async def _end(self, incident: Incident, *, over: bool) -> Sequence[tuple[Address, str]] | None:
        return await self._work.desk.end_incident(incident.id, self._work.clock(), over=over)

    async def _tell(self, incident: Incident, member: Member, text: str, linked: dict[Address, str]) -> list[str]:
        """Tell each merchant once, by the latest ticket; the numbers of those whom nothing could be told."""
        actor, untold = Actor(login=member.login, name=member.name, leads=True), []
        for address, number in linked.items():
            act = Acted(actor=actor, act=Act.BROADCAST, number=number, text=text)
            if not await self._tell_one(address, f"incident-{incident.id}-{number}", act):
                untold.append(number)
        return untold

    async def _tell_one(self, address: Address, ext_id: str, act: Acted) -> bool:
        """Whether it was kept; the same id again is the same act."""
        for pause in (0.0, *PAUSES):
            await asyncio.sleep(pause)
            try:
                await self._work.intake.acted(address, ext_id, act)
            except StoreUnavailable:
                continue
            return True
        logger.error("ticket %s was not told the end of an incident", act.number, extra={"event": "incident_untold"})
        return False

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
