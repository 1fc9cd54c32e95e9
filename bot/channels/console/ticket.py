"""A ticket: all that is known of it, the conversation, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.channels.acts import actor, assigns
from bot.channels.http import number
from bot.dialogue import render as rendering
from bot.domain.knowledge import Urgency
from bot.domain.staff import Permission, may
from bot.domain.tickets import TRANSITIONS, Act, Status, is_others
from bot.service.desk import LAST

from . import shown
from .gate import is_htmx
from .page import get
from .reminding import reminded
from .views import MARK, SEEN, drawn, mark, part, render
from .work import access_ticket

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.knowledge import Canned, KnowledgeBase, Topic
    from bot.domain.staff import Member
    from bot.service.desk import File, Row

    from .page import Page
    from .work import Work

SHOWN = 300
"""Lines of a conversation on the page, the latest."""
OFFERED = frozenset(Act) - {Act.OPEN, Act.SAID, Act.REMIND, Act.BROADCAST, Act.NOTICED, Act.FORGET}
"""What a member does with one ticket."""


class TicketDesk:
    """Shows tickets."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/tickets/{id}", Permission.READ_TICKETS, self.show),
            get("/console/tickets/{id}/earlier", Permission.READ_TICKETS, self.earlier),
            get("/console/tickets/{id}/lines", Permission.READ_TICKETS, self.lines, background=True),
            get("/console/tickets/{id}/canned", Permission.WORK_TICKETS, self.canned),
            get("/console/tickets/{id}/photo/{photo}", Permission.READ_TICKETS, self.photo, background=True),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Everything about a ticket."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        return await show(self._work, request, member, file, Tried(typed={}))

    async def lines(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Lines that have come since, and how the ticket stands now when the page shows something else."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        after = number(request.query.get("after", "0"), "after", 0, 10**18)
        lines = [shown.said(self._work.kb, entry) for entry in await self._work.desk.entries(file.chat, after)]
        text = drawn(request, member, "ticket-lines.html", row=file.row, lines=lines, redacts=redacts(member)) if lines else ""
        state = drawn(request, member, "ticket-state.html", **await _state(self._work, member, file), swapped=True)
        now = mark(state)
        if request.headers.get(SEEN) != now:
            text += state
        return part(request, text, now) if not lines else web.Response(text=text, content_type="text/html", headers={MARK: now})

    async def canned(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Canned replies, filled with what is known: those for the ticket's topic first, then those for everywhere, then the others."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        kb = self._work.kb
        replies = [(reply, filled(kb, reply, member, file)) for reply in suggested(kb, file.row.topic)]
        return render(request, member, "canned.html", replies=replies)

    async def earlier(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Lines before those that are shown: the part of the page for htmx, a page of its own where there is no script."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        before = number(request.query.get("before", "0"), "before", 0, 10**18)
        told = await conversation(self._work, file, before)
        template = "ticket-earlier.html" if is_htmx(request) else "conversation.html"
        return render(request, member, template, row=file.row, redacts=redacts(member), **told)

    async def photo(self, request: web.Request, member: Member) -> web.StreamResponse:
        """A picture of the ticket's conversation. Opened by itself it is saved, not shown as a page of ours."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        photo = await self._work.desk.picture(request.match_info["photo"], file.chat)
        if photo is None:
            raise web.HTTPNotFound
        headers = {"Content-Disposition": f'attachment; filename="{photo.id}.jpg"', "Cache-Control": "private, no-store"}
        return web.Response(body=photo.data, content_type=photo.mime, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was typed into a ticket's forms, why it was refused, and the status that says so; or what was done."""

    typed: Mapping[str, str]
    problem: str = ""
    status: int = 200
    done: str = ""


async def show(work: Work, request: web.Request, member: Member, file: File, tried: Tried) -> web.StreamResponse:
    """The page of a ticket."""
    kb, row = work.kb, file.row
    members, told, state = await work.staff.members(), await conversation(work, file), await _state(work, member, file)
    values = {
        **state,
        **told,
        "seen": mark(drawn(request, member, "ticket-state.html", **state, swapped=True)),
        "deeds": [shown.done(kb, deed) for deed in await work.desk.deeds(row.id)],
        "colleagues": [other for other in members if may(other, Permission.WORK_TICKETS) and other.login != row.owner],
        "redacts": redacts(member),
        "reminder": (await reminded(work, member)).get(row.id),
        "typed": tried.typed,
        "problem": tried.problem,
        "key": work.new_id(),
        **_choices(kb, row, state["card"]),
        **({"done": tried.done} if tried.done else {}),
    }
    return render(request, member, "ticket.html", status=tried.status, **values)


async def conversation(work: Work, file: File, before: int = LAST) -> dict[str, Any]:
    """The last lines before a line, and the one before which there are more: 0 for none."""
    found = await work.desk.latest(file.chat, SHOWN + 1, before)
    lines = [shown.said(work.kb, entry) for entry in found[-SHOWN:]]
    return {"lines": lines, "first": lines[0].id if len(found) > SHOWN else 0}


async def _state(work: Work, member: Member, file: File) -> dict[str, Any]:
    """How a ticket stands: what changes by itself while a page shows it."""
    kb, row, now = work.kb, file.row, work.clock()
    names = await work.names()
    return {
        "file": file,
        "row": row,
        "card": shown.card(kb, file.packet),
        "topic": kb.topics.get(row.topic or ""),
        "groups": kb.groups,
        "names": names,
        "possible": possible(row, member),
        "watching": [(names.get(seen.login, seen.login), seen.typing) for seen in await work.desk.seen(row.id, now) if seen.login != member.login],
        "redacted": await work.desk.alike(file.chat, shown.REDACTED, SHOWN),
        "late": row.due is not None and row.due < now,
    }


def _choices(kb: KnowledgeBase, row: Row, card: shown.Card) -> dict[str, Any]:
    """What the forms offer. Details that the ticket has, lacks, or that its topic asks for have a field of their own, the others are in a list."""
    topic = kb.topics.get(row.topic or "")
    near = [slot for slot in dict.fromkeys((*card.values, *card.wanted, *(topic.ask_for if topic else ()))) if slot in kb.slots]
    return {
        "near": [kb.slots[slot] for slot in near],
        "topics": [other for other in kb.topics.values() if other.is_business],
        "guides": [other for other in kb.topics.values() if other.is_business and Urgency.U0 not in {other.urgency, row.urgency}],
        "steps": _steps(kb, topic),
        "causes": list(topic.causes.values()) if topic else [],
        "far": [slot for slot in kb.slots.values() if slot.id not in near],
        "urgencies": list(Urgency),
    }


def _steps(kb: KnowledgeBase, topic: Topic | None) -> list[tuple[str, str]]:
    """(what is sent, title) of the steps that help with a topic."""
    ids = dict.fromkeys(step for cause in topic.causes.values() for step in cause.fixes if step in kb.steps) if topic else {}
    return [(f"{topic.id}/{id}", kb.steps[id].title) for id in ids] if topic else []


def suggested(kb: KnowledgeBase, topic: str | None) -> Sequence[Canned]:
    """All canned replies: a topic's own first, then those for everywhere, then those of other topics."""
    return sorted(kb.canned, key=lambda canned: 0 if topic in canned.topics else 1 if not canned.topics else 2)


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
