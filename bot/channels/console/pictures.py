"""Pictures that staff send, their own or with a canned reply. They go the way of merchants' pictures: looked at, made small, kept with the chat."""

from __future__ import annotations

import re
from mimetypes import guess_type
from typing import TYPE_CHECKING

from aiohttp import web

from bot.channels import photos
from bot.channels.http import Refused, answer, in_time, problem, take
from bot.channels.uploads import upload
from bot.domain.staff import Permission
from bot.service.buckets import Limit

from .page import get, post
from .work import access_ticket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.staff import Member
    from bot.service.desk import File

    from .page import Page
    from .work import Work

PATIENCE = 120.0
"""Seconds in which a picture must have come."""
UPLOADS = Limit(per_minute=30, burst=15)
"""Pictures of one account."""
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class PictureDesk:
    """Takes pictures in, and shows those of the knowledge base."""

    def __init__(self, work: Work) -> None:
        self._work, self._uploads = work, UPLOADS.buckets(work.clock)

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            post("/console/tickets/{id}/photo", Permission.WORK_TICKETS, self.take),
            get("/console/canned/{canned}/image", Permission.READ_TICKETS, self.image, background=True),
        )

    async def take(self, request: web.Request, member: Member) -> web.StreamResponse:
        """A picture for the ticket's merchant, not sent yet; the answer names it. One that is sent again is kept once."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        try:
            id = await self._kept(request, member, file)
        except Refused as refused:  # the page reads JSON here, and says what was wrong beside the picture
            return refused.response
        return answer({"photo": id}, 201)

    async def _kept(self, request: web.Request, member: Member, file: File) -> str:
        """The id under which the picture is kept. Raises Refused (400, 408, 413, 422, 429)."""
        take(self._uploads, member.login)
        async with in_time(PATIENCE, "too-slow"):
            sent = await upload(request)
        if not ID.fullmatch(sent.client_id):
            raise Refused(problem(422, "bad-field", field="client_id", reason=ID.pattern))
        id = photos.id_of(file.chat, f"staff:{member.login}:{sent.client_id}")
        await self._work.keep(await photos.read(sent.photo, id), file.address, self._work.clock())
        return id

    async def image(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The picture that goes with a canned reply."""
        name = next((canned.image for canned in self._work.kb.canned if canned.id == request.match_info["canned"]), None)
        if name is None:
            raise web.HTTPNotFound
        headers = {"Content-Disposition": "attachment", "Cache-Control": "private, no-store"}
        return web.Response(body=self._work.kb.images[name], content_type=guess_type(name)[0] or "application/octet-stream", headers=headers)


async def chosen(work: Work, form: Mapping[str, str], file: File) -> str | None:
    """The id of the picture that a form sends: one that was taken in for this chat, or that of a canned reply; empty for none, None for one that is gone."""
    if id := form.get("photo", ""):
        return id if await work.desk.picture(id[:64], file.chat) else None
    if not (wanted := form.get("canned", "")):
        return ""
    name = next((canned.image for canned in work.kb.canned if canned.id == wanted), None)
    if name is None:
        return None
    id = photos.id_of(file.chat, f"canned:{work.kb.version}:{name}")
    await work.keep(await photos.read(work.kb.images[name], id), file.address, work.clock())
    return id
