"""One ticket as a document: a page that needs nothing else, to be printed or kept, or JSON. What was taken out of it stays out."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.audit import Entry
from bot.domain.clock import SECOND
from bot.domain.staff import Permission

from . import shown
from .page import get
from .views import render
from .work import access_ticket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.staff import Member
    from bot.service.desk import Entry as Line
    from bot.service.desk import File

    from .page import Page
    from .shown import Said
    from .work import Work

AT_ONCE = 500
"""Lines that are read together."""
PICTURES = 40_000_000
"""Bytes of pictures in a document; browsers print no more. For those beyond it says that they are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line of the transcript with its picture as an address that holds all of it; empty for none, or one that is not there any more."""

    line: Said
    knowledge: str
    picture: str = ""
    left_out: bool = False


class DocumentDesk:
    """Makes documents. Who took one is in the audit."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/tickets/{id}/document", Permission.READ_TICKETS, self.show),
            get("/console/tickets/{id}/document.json", Permission.READ_TICKETS, self.send),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The page; with `notes=no` without what staff write to each other, with `save=yes` as a file."""
        work, file = self._work, await access_ticket(self._work, member, request.match_info["id"])
        notes = request.query.get("notes") != "no"
        lines = await self._pictured(file, await self._lines(file, notes=notes))
        await self._record(member, file, "html")
        row, kb = file.row, work.kb
        response = render(
            request, member, "document.html", style=_style(), row=row, file=file, card=shown.card(kb, file.packet), lines=lines, notes=notes,
            deeds=[shown.done(kb, deed) for deed in await work.desk.deeds(row.id) if notes or deed.act != "note"], names=await work.names(),
            topic=kb.topics.get(row.topic or ""), groups=kb.groups, now=work.clock(),
        )  # fmt: skip
        response.headers["Content-Security-Policy"] = _policy()
        if request.query.get("save") == "yes":
            response.headers["Content-Disposition"] = f'attachment; filename="{_name(file)}.html"'
        return response

    async def send(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The same for programs; pictures by their ids."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        lines, deeds = await self._lines(file, notes=request.query.get("notes") != "no"), await self._work.desk.deeds(file.row.id)
        await self._record(member, file, "json")
        row = file.row
        document = {
            "number": row.number, "status": row.status, "urgency": row.urgency, "reason": row.reason, "topic": row.topic, "group": row.team, "owner": row.owner,
            "channel": row.channel, "opened": _iso(row.opened), "changed": _iso(row.changed), "cause": file.cause, "bot_right": file.bot_right,
            "earlier": [number for _, number, _ in file.earlier], "packet": shown.read(file.packet),
            "deeds": [
                {"at": _iso(deed.at), "actor": deed.actor, "act": deed.act, "done": deed.done, "detail": shown.read(deed.detail)}
                for deed in deeds if deed.act != "note"
            ],
            "lines": [{"id": line.id, "at": _iso(line.at), "side": line.side, "knowledge": line.knowledge, **shown.read(line.body)} for line in lines],
        }  # fmt: skip
        text = json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace")
        headers = {"Content-Disposition": f'attachment; filename="{_name(file)}.json"'}
        return web.Response(body=text, content_type="application/json", charset="utf-8", headers=headers)

    async def _lines(self, file: File, *, notes: bool) -> list[Line]:
        """The whole conversation."""
        lines: list[Line] = []
        while found := await self._work.desk.entries(file.chat, lines[-1].id if lines else 0, AT_ONCE):
            lines += found
        return [line for line in lines if notes or line.side != "note"]

    async def _pictured(self, file: File, lines: Sequence[Line]) -> list[Told]:
        """Lines with their pictures, as long as there is room."""
        told, room = [], PICTURES
        for line in lines:
            said = shown.said(self._work.kb, line)
            photo = await self._work.desk.picture(said.photo, file.chat) if said.photo and room > 0 else None
            room -= len(photo.data) if photo else 0
            address = f"data:{photo.mime};base64,{base64.b64encode(photo.data).decode()}" if photo else ""
            told.append(Told(line=said, knowledge=line.knowledge, picture=address, left_out=bool(said.photo) and room <= 0 and not photo))
        return told

    async def _record(self, member: Member, file: File, kind: str) -> None:
        await self._work.staff.record(Entry(at=self._work.clock(), actor=member.login, what="ticket-exported", subject=file.row.number, detail=kind))


def _name(file: File) -> str:
    return f"ticket-{file.row.number}"


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="seconds")


@cache
def _style() -> str:
    """What the document looks like: it stands in it, so that a saved one looks the same."""
    return files(__package__).joinpath("static", "document.css").read_text("utf-8")


@cache
def _policy() -> str:
    """Of the document nothing may be loaded but what it holds: this style, and pictures."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
