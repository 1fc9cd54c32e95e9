"""What members do with tickets: each act goes the one road, and what came of it is told."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from bot.dialogue import render as rendering
from bot.domain.audit import Entry
from bot.domain.events import Acted
from bot.domain.staff import Permission, may
from bot.domain.tickets import Act
from bot.wording import say

from . import shown
from .forms import fields
from .page import post
from .ticket import OFFERED, Tried, redacts, show
from .views import redirect
from .work import access_ticket, actor, assigns, may_see

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.staff import Member
    from bot.service.bell import Bell
    from bot.service.desk import Deed, File

    from .page import Page
    from .work import Work

PATIENCE, LOOK = 3.0, 0.2
"""Seconds for which a page waits for what comes of an act, and between two looks when no bell rings."""
LONGEST = 4000
"""Characters of what is written at once."""
TO_MERCHANTS = frozenset({Act.REPLY, Act.WAIT_MERCHANT, Act.WAIT_ACQUIRER, Act.SOLVE, Act.CLOSE})
"""Where the text goes to the merchant."""


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
        acted = await self._acted(act, form, member, file)
        if problem := _objection(work.kb, acted):
            return await show(work, request, member, file, Tried(typed=form, problem=problem, status=422))
        ext_id = f"staff:{work.new_id()}"
        with work.said.listening(file.chat) as bell:
            await work.intake.acted(file.address, ext_id, acted)
            deeds = await self._outcome(file.address.channel, ext_id, bell)
        if deeds is None:
            return redirect(_page(file), "queued")
        if problem := await self._refusal(deeds, acted):
            return await show(work, request, member, await work.desk.file(file.row.id) or file, Tried(typed=form, problem=problem, status=409))
        after = await work.desk.file(file.row.id)
        return redirect(_page(file) if after and may_see(work.kb, member, after.row) else "/console/queue", "acted")

    async def redact(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Take out a line for good, with its picture."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        if not redacts(member):
            raise web.HTTPForbidden
        typed = request.match_info["line"]
        line = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else 0
        found = next((entry for entry in await self._work.desk.entries(file.chat, line - 1, 1) if entry.id == line), None) if line else None
        if found is None:
            raise web.HTTPNotFound
        if photo := shown.said(self._work.kb, found).photo:
            await self._work.desk.redact_picture(file.chat, photo)
        await self._work.desk.redact_line(file.chat, line, json.dumps({"redacted": True}))
        entry = Entry(at=self._work.clock(), actor=member.login, what="line-redacted", subject=file.row.number, detail=str(line))
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

    async def _outcome(self, channel: str, ext_id: str, bell: Bell) -> list[Deed] | None:
        """What came of it; None when it takes longer than anybody waits. The bell rings when it was handled here; another process is looked after."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while (deeds := await self._work.desk.outcome(channel, ext_id)) is None:
                    await bell.wait(LOOK)
                return list(deeds)
        return None

    async def _refusal(self, deeds: list[Deed], acted: Acted) -> str:
        """Why it was not done; empty when it was."""
        own = [deed for deed in deeds if deed.actor == acted.actor.login and deed.act == acted.act]
        if any(deed.done for deed in own):
            return ""
        detail = shown.read(own[0].detail) if own else {"why": "gone"}
        why, owner = str(detail.get("why", "")), str(detail.get("owner") or "")
        name = str(detail.get("name") or "") or (await self._work.names()).get(owner, owner)
        return _refused(why, name)


def _act(form: Mapping[str, str]) -> Act:
    """Raises HTTPBadRequest for what no member does."""
    typed = form.get("act", "")
    if typed not in OFFERED:
        raise web.HTTPBadRequest
    return Act(typed)


def _facts(act: Act, form: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if act is Act.FACTS:
        return ((form.get("slot", "")[:64], form.get("value", "").strip()[:500]),)
    if act is Act.SOLVE:
        told = {"cause": form.get("cause", "")[:64], "bot_right": form.get("bot_right", "") if form.get("bot_right") in {"yes", "no"} else ""}
        return tuple((name, value) for name, value in told.items() if value)
    return ()


def _objection(kb: KnowledgeBase, acted: Acted) -> str:
    """Why it cannot be sent at all; empty when it can."""
    if len(acted.text) > LONGEST:
        return say("console.refused-long", most=LONGEST)
    if acted.act in TO_MERCHANTS and rendering.safe(kb, acted.text) != acted.text:
        return say("console.refused-phone")
    if acted.act is Act.ASSIGN and not acted.to:
        return say("console.refused-what")
    return ""


def _refused(why: str, name: str) -> str:
    """Why the dialogue refused it, in words; `name` is whose ticket it is."""
    return say(
        {
            "taken": "console.refused-taken",
            "status": "console.refused-status",
            "owner": "console.refused-owner",
            "what": "console.refused-what",
        }.get(why, "console.refused-gone"),
        name=name,
    )


def _page(file: File) -> str:
    return f"/console/tickets/{file.row.id}"
