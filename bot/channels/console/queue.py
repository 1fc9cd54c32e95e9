"""The lists of tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from bot.domain.knowledge import Urgency
from bot.domain.staff import Permission
from bot.service.desk import Page as Part
from bot.service.desk import View, Wanted

from .page import get
from .views import render
from .work import may_see, teams

if TYPE_CHECKING:
    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.desk import Row

    from .page import Page
    from .work import Work

SHOWN = 50
"""Tickets on a page."""
ROUNDS = 20
"""Pages of the store that are looked through, at most, for a page of what somebody may see."""
FILTERS = ("team", "urgency", "topic")


class QueueDesk:
    """Shows who waits."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/queue", Permission.READ_TICKETS, self.show),
            get("/console/queue/rows", Permission.READ_TICKETS, self.rows, background=True),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """A view, narrowed by the filters of the address."""
        return render(request, member, "queue.html", **await self._shown(request, member))

    async def rows(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The part of the page that changes by itself."""
        return render(request, member, "queue-list.html", **await self._shown(request, member))

    async def _shown(self, request: web.Request, member: Member) -> dict[str, Any]:
        kb, now = self._work.kb, self._work.clock()
        view, narrowed = _view(request.query.get("view", "")), {name: request.query.get(name, "")[:64] for name in FILTERS}
        served, after = teams(kb, member), request.query.get("after", "")[:100]
        wanted = Wanted(view=view, login=member.login, now=now, **narrowed)
        part = await self._part(member, wanted, after)
        kept = {name: value for name, value in narrowed.items() if value}
        return {
            "view": view,
            "views": list(View),
            "sizes": await self._work.desk.sizes(member.login, served, now),
            "chosen": narrowed,
            "kept": urlencode(kept),
            "here": urlencode({"view": view, **kept, **({"after": after} if after else {})}),
            "next": urlencode({"view": view, **kept, "after": part.next}) if part.next else "",
            "rows": part.rows,
            "now": now,
            "groups": {id: group for id, group in kb.groups.items() if not served or id in served},
            "topics": kb.topics,
            "urgencies": list(Urgency),
            "names": await self._work.names(),
        }

    async def _part(self, member: Member, wanted: Wanted, after: str) -> Part:
        """A page of what this member may see, which the store's pages hold among others."""
        rows: list[Row] = []
        for _ in range(ROUNDS):
            part = await self._work.desk.queue(wanted, after, SHOWN - len(rows))
            rows += [row for row in part.rows if may_see(self._work.kb, member, row)]
            after = part.next
            if not after or len(rows) >= SHOWN:
                break
        return Part(rows=rows, next=after)


def _view(typed: str) -> View:
    return View(typed) if typed in set(View) else View.UNASSIGNED
