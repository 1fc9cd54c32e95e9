"""The lists of tickets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup

from bot.channels.acts import may_see, teams
from bot.domain.knowledge import Urgency
from bot.domain.staff import Permission
from bot.service.desk import Page as Part
from bot.service.desk import View, Wanted

from .page import get
from .reminding import reminded
from .views import drawn, mark, part, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.desk import Reminder, Row

    from .once import Once
    from .page import Page
    from .work import Work

SHOWN = 50
"""Tickets on a page."""
ROUNDS = 20
"""Pages of the store that are looked through, at most, for a page of what somebody may see."""
FILTERS = ("team", "urgency", "topic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A list that somebody asks for: the view, what it is narrowed to, the mark after which it begins, and the groups that the member serves."""

    view: View
    narrowed: tuple[tuple[str, str], ...]
    after: str
    served: tuple[str, ...]

    @property
    def kept(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: value for name, value in self.narrowed if value}


class QueueDesk:
    """Shows who waits. Pages that have heard of a change ask for the same list together: `once`."""

    def __init__(self, work: Work, once: Once) -> None:
        self._work, self._once = work, once

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/queue", Permission.READ_TICKETS, self.show),
            get("/console/queue/rows", Permission.READ_TICKETS, self.rows, background=True),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """A view, narrowed by the filters of the address."""
        asked = self._asked(request, member)
        groups = {id: group for id, group in self._work.kb.groups.items() if not asked.served or id in asked.served}
        listed = self._list(request, asked, await self._table(request, member, asked, await reminded(self._work, member)), await self._sizes(member, asked))
        choices: dict[str, Any] = {"groups": groups, "topics": self._work.kb.topics, "urgencies": list(Urgency), "chosen": dict(asked.narrowed)}
        return render(request, member, "queue.html", **choices, listed=Markup(listed), seen=mark(listed), view=asked.view, here=_here(asked))

    async def rows(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The part of the page that changes by itself."""
        asked = self._asked(request, member)
        whose = member.login if asked.served or asked.view is View.MINE else ""
        told = await self._once.get(("reminded", member.login), lambda: reminded(self._work, member))
        marks = frozenset((id, reminder.clock, reminder.mark) for id, reminder in told.items())
        table = await self._once.get((asked, whose, marks, self._work.kb.version), lambda: self._table(request, member, asked, told))
        sizes = await self._once.get(asked.served, lambda: self._work.desk.sizes("", asked.served, self._work.clock()))
        loads = await self._once.get("loads", self._work.desk.loads)
        return part(request, self._list(request, asked, table, {**sizes, View.MINE: loads.get(member.login, 0)}))

    def _asked(self, request: web.Request, member: Member) -> Asked:
        return Asked(
            view=_view(request.query.get("view", "")),
            narrowed=tuple((name, request.query.get(name, "")[:64]) for name in FILTERS),
            after=request.query.get("after", "")[:100],
            served=teams(self._work.kb, member),
        )

    async def _sizes(self, member: Member, asked: Asked) -> Mapping[View, int]:
        return await self._work.desk.sizes(member.login, asked.served, self._work.clock())

    def _list(self, request: web.Request, asked: Asked, table: str, sizes: Mapping[View, int]) -> str:
        """The views with their sizes, and the tickets of one."""
        values = {"view": asked.view, "views": list(View), "sizes": sizes, "kept": urlencode(asked.kept), "table": Markup(table)}
        return drawn(request, None, "queue-list.html", **values)

    async def _table(self, request: web.Request, member: Member, asked: Asked, told: Mapping[str, Reminder]) -> str:
        """The tickets: nothing in it depends on who sees it but which they are, and of which the member is reminded."""
        now = self._work.clock()
        found = await self._part(member, Wanted(view=asked.view, login=member.login, now=now, **dict(asked.narrowed)), asked.after)
        values: dict[str, Any] = {"rows": found.rows, "now": now, "topics": self._work.kb.topics, "names": await self._work.names()}
        following = urlencode({"view": asked.view, **asked.kept, "after": found.next}) if found.next else ""
        return drawn(request, None, "queue-table.html", **values, reminded=told, next=following)

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


def _here(asked: Asked) -> str:
    """The list that is shown, as a query."""
    return urlencode({"view": asked.view, **asked.kept, **({"after": asked.after} if asked.after else {})})


def _view(typed: str) -> View:
    return View(typed) if typed in set(View) else View.UNASSIGNED
