"""Where words stand in what merchants and staff wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.channels.acts import may_see, teams
from bot.domain.staff import Permission

from . import shown
from .page import get
from .views import render

if TYPE_CHECKING:
    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.desk import Hit

    from .page import Page
    from .work import Work

LONGEST = 200
"""Characters that are searched for."""
EXCERPT = 200
"""Characters of a line that was found."""


class SearchDesk:
    """Searches tickets and what was written."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (get("/console/search", Permission.READ_TICKETS, self.show),)

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The form, and what was found of what this member may see."""
        words = request.query.get("q", "").strip()[:LONGEST]
        found = await self._work.desk.search(words) if words else ()
        hits = [(hit, " ".join(shown.texts(shown.read(hit.body)))[:EXCERPT]) for hit in found if self._may_see(member, hit)]
        return render(request, member, "search.html", words=words, hits=hits, topics=self._work.kb.topics)

    def _may_see(self, member: Member, hit: Hit) -> bool:
        """A conversation without a ticket is nobody's in particular."""
        return may_see(self._work.kb, member, hit.row) if hit.row else not teams(self._work.kb, member)
