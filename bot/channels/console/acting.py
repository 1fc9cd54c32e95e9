"""What members do with tickets: each act goes the one road, and what came of it is told."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from bot.channels.acts import Acts, actor, assigns, may_see, objection
from bot.domain.audit import Entry
from bot.domain.events import Acted
from bot.domain.staff import Permission, may
from bot.domain.tickets import Act
from bot.wording import say

from . import shown
from .forms import fields
from .gate import elsewhere, is_htmx
from .page import post
from .pictures import chosen
from .ticket import OFFERED, Tried, redacts, show
from .views import redirect
from .visit import TOKEN_FIELD
from .work import access_ticket, line_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.staff import Member
    from bot.service.desk import File

    from .page import Page
    from .work import Work

KEY, FACT = re.compile(r"[0-9A-Za-z_-]{16,64}"), "fact."
"""The key of a form, which tells one sending from the next, and what fields of details begin with."""


class ActDesk:
    """Does things with tickets."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            post("/console/tickets/{id}/act", Permission.WORK_TICKETS, self.act),
            post("/console/tickets/{id}/lines/{line}/redact", Permission.WORK_TICKETS, self.redact),
        )

    async def act(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Do one thing, wait for what comes of it, and look at the ticket again; what was typed is kept when it was refused."""
        work, file, form = self._work, await access_ticket(self._work, member, request.match_info["id"]), fields(request)
        act = _act(form)
        if act is Act.ASSIGN and not assigns(member, file.row):
            raise web.HTTPForbidden
        photo = await chosen(work, form, file) if act is Act.REPLY else ""
        acted = await self._acted(act, form, member, file)
        if problem := objection(work.kb, acted) or ("" if photo is not None else say("console.refused-photo")):
            return await show(work, request, member, file, Tried(typed=form, problem=problem, status=422))
        acted, ext_id = replace(acted, photo=photo or ""), f"staff:{_sending(form, member, file) or work.new_id()}"
        came = await Acts(desk=work.desk, staff=work.staff, intake=work.intake, said=work.said).do(file, ext_id, acted)
        if came.problem:
            return await show(work, request, member, await work.desk.file(file.row.id) or file, Tried(typed=form, problem=came.problem, status=409))
        return await self._after(request, member, file, "acted" if came.done else "queued")

    async def _after(self, request: web.Request, member: Member, file: File, done: str) -> web.StreamResponse:
        """The ticket as it is now, unless it is somebody else's; a page that asks for a part of itself gets it at once."""
        after = await self._work.desk.file(file.row.id)
        if after is None or not may_see(self._work.kb, member, after.row):
            return elsewhere(request, f"/console/queue?done={done}", 200)
        if is_htmx(request):
            return await show(self._work, request, member, after, Tried(typed={}, done=say(f"console.done-{done}")))
        return redirect(_page(file), done)

    async def redact(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Take out a line for good, with its picture."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        if not redacts(member):
            raise web.HTTPForbidden
        line = await line_of(self._work, file, request.match_info["line"])
        if photo := shown.said(self._work.kb, line).photo:
            await self._work.desk.redact_picture(file.chat, photo)
        await self._work.desk.redact_line(file.chat, line.id, shown.REDACTED)
        self._work.said.ring(file.chat)
        entry = Entry(at=self._work.clock(), actor=member.login, what="line-redacted", subject=file.row.number, detail=str(line.id))
        await self._work.staff.record(entry)
        return redirect(_page(file), "redacted")

    async def _acted(self, act: Act, form: Mapping[str, str], member: Member, file: File) -> Acted:
        """What the form says."""
        to, to_name = form.get("to", "")[:200], ""
        if act is Act.ASSIGN:
            found = next((other for other in await self._work.staff.members() if other.login == to and may(other, Permission.WORK_TICKETS)), None)
            to, to_name = (found.login, found.name) if found else ("", "")
        text = form.get("text", "").replace("\r\n", "\n").strip()
        return Acted(actor=actor(member), act=act, number=file.row.number, text=text, to=to, to_name=to_name, facts=_facts(act, form))


def _act(form: Mapping[str, str]) -> Act:
    """Raises HTTPBadRequest for what no member does."""
    typed = form.get("act", "")
    if typed not in OFFERED:
        raise web.HTTPBadRequest
    return Act(typed)


def _facts(act: Act, form: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if act is Act.FACTS:
        return _corrected(form)
    if act is Act.SOLVE:
        told = {"cause": form.get("cause", "")[:64], "bot_right": form.get("bot_right", "") if form.get("bot_right") in {"yes", "no"} else ""}
        return tuple((name, value) for name, value in told.items() if value)
    return ()


def _corrected(form: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Details that were changed in a form: those whose field differs from what stood there before, and one from the list."""
    typed = {name.removeprefix(FACT): value.strip()[:500] for name, value in form.items() if name.startswith(FACT)}
    changed = {slot: value for slot, value in typed.items() if value != form.get(f"was.{slot}", "").strip()}
    if form.get("slot") and form.get("value", "").strip():
        changed[form["slot"]] = form["value"].strip()[:500]
    return tuple((slot[:64], value) for slot, value in changed.items())


def _sending(form: Mapping[str, str], member: Member, file: File) -> str:
    """The same for the same form with the same words, so that what is sent twice is done once; empty for a form without a key."""
    if not KEY.fullmatch(form.get("key", "")):
        return ""
    told = [member.login, file.row.id, *sorted((name, value) for name, value in form.items() if name != TOKEN_FIELD)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _page(file: File) -> str:
    return f"/console/tickets/{file.row.id}"
