"""A ticket: all that is known of it, the conversation, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.channels.http import number
from bot.dialogue import render as rendering
from bot.domain.knowledge import Urgency
from bot.domain.staff import Permission, may
from bot.domain.tickets import TRANSITIONS, Act, Status, is_others

from . import shown
from .page import get
from .views import render
from .work import access_ticket, actor, assigns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.knowledge import Canned, KnowledgeBase, Topic
    from bot.domain.staff import Member
    from bot.service.desk import File, Row

    from .page import Page
    from .work import Work

SHOWN = 300
"""Lines of a conversation on the page, the latest."""
OFFERED = frozenset(Act) - {Act.OPEN, Act.SAID, Act.REMIND, Act.BROADCAST}
"""What a member does with one ticket."""


class TicketDesk:
    """Shows tickets."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/tickets/{id}", Permission.READ_TICKETS, self.show),
            get("/console/tickets/{id}/lines", Permission.READ_TICKETS, self.lines, background=True),
            get("/console/tickets/{id}/photo/{photo}", Permission.READ_TICKETS, self.photo),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Everything about a ticket."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        return await show(self._work, request, member, file, Tried(typed={"text": self._canned(request, member, file)}))

    async def lines(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Lines that have come since."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        after = number(request.query.get("after", "0"), "after", 0, 10**18)
        lines = [shown.said(self._work.kb, entry) for entry in await self._work.desk.entries(file.chat, after)]
        return render(request, member, "ticket-lines.html", row=file.row, lines=lines, last=lines[-1].id if lines else after, redacts=redacts(member))

    async def photo(self, request: web.Request, member: Member) -> web.StreamResponse:
        """A picture of the ticket's conversation. Opened by itself it is saved, not shown as a page of ours."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        photo = await self._work.desk.picture(request.match_info["photo"], file.chat)
        if photo is None:
            raise web.HTTPNotFound
        headers = {"Content-Disposition": f'attachment; filename="{photo.id}.jpg"', "Cache-Control": "private, no-store"}
        return web.Response(body=photo.data, content_type=photo.mime, headers=headers)

    def _canned(self, request: web.Request, member: Member, file: File) -> str:
        """The canned reply that the address names, filled with what is known."""
        found = next((canned for canned in self._work.kb.canned if canned.id == request.query.get("canned")), None)
        return filled(self._work.kb, found, member, file) if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was typed into a ticket's forms, why it was refused, and the status that says so."""

    typed: Mapping[str, str]
    problem: str = ""
    status: int = 200


async def show(work: Work, request: web.Request, member: Member, file: File, tried: Tried) -> web.StreamResponse:
    """The page of a ticket."""
    kb, row = work.kb, file.row
    members, lines = await work.staff.members(), [shown.said(kb, entry) for entry in await work.desk.latest(file.chat, SHOWN)]
    values = {
        "file": file,
        "row": row,
        "card": shown.card(kb, file.packet),
        "lines": lines,
        "last": lines[-1].id if lines else 0,
        "deeds": [shown.done(kb, deed) for deed in await work.desk.deeds(row.id)],
        "names": {other.login: other.name for other in members},
        "colleagues": [other for other in members if may(other, Permission.WORK_TICKETS) and other.login != row.owner],
        "possible": possible(row, member),
        "redacts": redacts(member),
        "typed": tried.typed,
        "problem": tried.problem,
        "now": work.clock(),
        **_choices(kb, row),
    }
    return render(request, member, "ticket.html", status=tried.status, **values)


def _choices(kb: KnowledgeBase, row: Row) -> dict[str, Any]:
    """What the forms offer."""
    topic = kb.topics.get(row.topic or "")
    return {
        "topic": topic,
        "groups": kb.groups,
        "topics": [other for other in kb.topics.values() if other.is_business],
        "steps": _steps(kb, topic),
        "causes": list(topic.causes.values()) if topic else [],
        "slots": list(kb.slots.values()),
        "urgencies": list(Urgency),
        "canned": suggested(kb, row.topic),
    }


def _steps(kb: KnowledgeBase, topic: Topic | None) -> list[tuple[str, str]]:
    """(what is sent, title) of the steps that help with a topic."""
    ids = dict.fromkeys(step for cause in topic.causes.values() for step in cause.fixes if step in kb.steps) if topic else {}
    return [(f"{topic.id}/{id}", kb.steps[id].title) for id in ids] if topic else []


def suggested(kb: KnowledgeBase, topic: str | None) -> Sequence[Canned]:
    """Canned replies for a topic, its own first, then those for everywhere."""
    fitting = [canned for canned in kb.canned if not canned.topics or topic in canned.topics]
    return sorted(fitting, key=lambda canned: not canned.topics)


def filled(kb: KnowledgeBase, canned: Canned, member: Member, file: File) -> str:
    """A canned reply with what is known of a ticket, telephone numbers in full."""
    topic = kb.topics.get(file.row.topic or "")
    values = {**shown.card(kb, file.packet).values, "name": member.name, "number": file.row.number, "topic": topic.title if topic else ""}
    return "".join(rendering.reply(kb, [canned.filled(values)]).bubbles)


def possible(row: Row, member: Member) -> frozenset[Act]:
    """What this member can do with a ticket as it stands now: what the one table has, less what is only others'."""
    if not may(member, Permission.WORK_TICKETS):
        return frozenset()
    status, own = Status(row.status), OFFERED if assigns(member, row) else OFFERED - {Act.ASSIGN}
    return frozenset(act for act in own if status in TRANSITIONS.get(act, {}) and not is_others(act, status, row.owner, actor(member)))


def redacts(member: Member) -> bool:
    """Whether this member may take out what was written."""
    return may(member, Permission.ASSIGN)
