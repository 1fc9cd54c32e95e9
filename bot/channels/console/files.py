"""Files and recordings that merchants or colleagues sent, which only their channel keeps: fetched when somebody opens one, and kept nowhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from bot.channels.http import take
from bot.domain.errors import ChannelUnavailable, FileGone
from bot.domain.staff import Permission
from bot.service.buckets import Limit

from . import shown
from .gate import problem
from .page import get
from .work import access_ticket, line_of

if TYPE_CHECKING:
    from bot.domain.staff import Member

    from .page import Page
    from .shown import Kept
    from .work import Work

OPENED = Limit(per_minute=60, burst=30)
"""Parts of files that one account opens: a player asks for several."""
SIDE_BY_SIDE = 4
"""Files that are fetched at the same time: each is held for a moment, of 20 MB at most (Bot API, getFile)."""
PLAYED = {"audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/x-m4a", "video/mp4", "video/quicktime", "video/webm"}
"""What a browser may take a recording for; anything else is a file to be saved."""
USUAL = {"voice": "audio/ogg", "audio": "audio/mpeg", "video": "video/mp4", "video_note": "video/mp4", "animation": "video/mp4"}
"""What recordings are when their sender does not say it (Bot API: Voice, Video, VideoNote, Animation)."""


class FileDesk:
    """Gives files to those who may see their ticket."""

    def __init__(self, work: Work) -> None:
        self._work, self._opened, self._places = work, OPENED.buckets(work.clock), asyncio.Semaphore(SIDE_BY_SIDE)

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (get("/console/tickets/{id}/lines/{line}/file", Permission.READ_TICKETS, self.file),)

    async def file(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The file of a line. Opened by itself it is saved: it comes from outside, and is no page of ours."""
        file = await access_ticket(self._work, member, request.match_info["id"])
        kept = shown.said(self._work.kb, await line_of(self._work, file, request.match_info["line"])).kept
        if kept is None:
            raise web.HTTPNotFound
        take(self._opened, member.login)
        try:
            async with self._places:
                content = await self._work.fetch(file.address, kept.reference)
        except FileGone:
            return problem(request, 404, "file-gone")
        except ChannelUnavailable:
            return problem(request, 503, "file-later")
        return _answer(request, content, kept)


def _answer(request: web.Request, content: bytes, kept: Kept) -> web.Response:
    """The file, or the part that is asked for: some browsers play nothing without (RFC 9110, 14.2)."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(_name(kept), safe='')}",
        "Cache-Control": "private, no-store",
        "Accept-Ranges": "bytes",
    }
    try:
        wanted = request.http_range
    except ValueError:  # not one that we know: then all of it
        wanted = slice(None, None, 1)
    start, stop, _ = wanted.indices(len(content))
    if wanted.start is None:
        return web.Response(body=content, content_type=_type(kept), headers=headers)
    if start >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
    return web.Response(status=206, body=content[start:stop], content_type=_type(kept), headers=headers)


def _type(kept: Kept) -> str:
    mime = kept.mime.partition(";")[0].strip().lower() or USUAL.get(kept.kind, "")
    return mime if kept.player and mime in PLAYED else "application/octet-stream"


def _name(kept: Kept) -> str:
    """What it is saved as."""
    return kept.name or f"{kept.kind}.{_type(kept).rpartition('/')[2].replace('octet-stream', 'bin')}"
