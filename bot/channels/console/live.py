"""What pages of the console hear at once: that a list or the shown ticket has changed, and which urgent tickets nobody has taken. A stream says only that
something has changed; the page asks for it then, and asks every ten seconds where no stream comes through."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.channels.acts import may_see, teams
from bot.channels.http import Refused, answer, take, unavailable
from bot.domain.clock import SECOND
from bot.domain.errors import StoreUnavailable
from bot.domain.knowledge import Urgency
from bot.domain.staff import Permission, may
from bot.service.bell import Bell
from bot.service.buckets import Limit
from bot.service.desk import View, Wanted
from bot.wording import say

from . import visit
from .forms import fields
from .page import get, post
from .work import access_ticket

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.staff import Member
    from bot.service.desk import File
    from bot.service.sessions import Sessions

    from .once import Once
    from .page import Page
    from .work import Work

GAP = 0.25
"""Seconds between two words to one page, whatever they are about: shorter than the rest of the desk's pulse, so that a page is free for the next beat."""
GLANCE = 3.0
"""Seconds between two looks at who else has the ticket open: colleagues may be with another process, or have gone without a word."""
HEARTBEAT = 15.0
"""Seconds between two looks at who is there: whether the session lasts, and that the ticket is still looked at. Proxies cut what is quiet for longer."""
PER_ACCOUNT, MOST = 4, 500
"""Streams at the same time. Browsers open six connections to a place over HTTP/1.1, and with all of them taken by streams nothing else would come through;
the longest one has to go, and comes back when its page is looked at."""
LOOKING = 40 * SECOND
"""How long somebody counts as looking at a ticket after the last sign."""
STALLED = 10.0
"""Seconds after which a reader that takes nothing is given up."""
TYPED = Limit(per_minute=60, burst=20)
"""Signs of somebody who types."""
URGENT = frozenset({Urgency.U0, Urgency.U1})
MOST_URGENT = 99
STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Stream:
    """A page that listens. `told` is what it was told last, by event; `over`: it must end."""

    member: Member
    session: str
    file: File | None
    bell: Bell = field(default_factory=Bell)
    told: dict[str, Any] = field(default_factory=dict)
    checked: float = 0.0
    over: bool = False

    def end(self) -> None:
        """Say no more."""
        self.over = True
        self.bell.ring()


class LiveDesk:
    """Tells pages what has changed, and colleagues who looks at a ticket."""

    def __init__(self, work: Work, sessions: Sessions, once: Once) -> None:
        self._work, self._sessions, self._once = work, sessions, once
        self._streams: list[Stream] = []
        self._typing: set[tuple[str, str]] = set()
        self._signs = TYPED.buckets(work.clock)
        self._closed = False

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/live", Permission.READ_TICKETS, self.stream, background=True),
            get("/console/urgent", Permission.READ_TICKETS, self.urgent, background=True),
            post("/console/tickets/{id}/presence", Permission.READ_TICKETS, self.presence),
        )

    async def close(self, _: web.Application) -> None:
        """The service ends: so do all streams."""
        self._closed = True
        for stream in self._streams:
            stream.end()

    async def stream(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Events `queue`, `ticket` and `urgent` as they come, until somebody leaves; `enough` when the account has too many."""
        ticket = request.query.get("ticket", "")
        file = await access_ticket(self._work, member, ticket) if ticket else None
        stream = Stream(member=member, session=visit.of(request).id, file=file, over=self._closed)
        with self._seated(stream):
            response = web.StreamResponse(headers=STREAM)
            await response.prepare(request)
            try:
                await _write(response, "retry: 3000\n\n")
                await self._tell(stream, response)
            except (ConnectionResetError, TimeoutError, StoreUnavailable):
                logger.info("a stream of the console ended early", extra={"event": "console_stream_ended"})
            finally:
                await self._left(stream)
        return response

    async def urgent(self, _: web.Request, member: Member) -> web.StreamResponse:
        """What a stream tells of urgent tickets, for pages without one."""
        return answer(await self._urgent(member))

    async def presence(self, request: web.Request, member: Member) -> web.StreamResponse:
        """Somebody types, has stopped, or leaves the page."""
        take(self._signs, member.login)
        file = await access_ticket(self._work, member, request.match_info["id"])
        state, key = fields(request).get("state", ""), (file.row.id, member.login)
        if state not in {"typing", "looking", "left"}:
            raise web.HTTPBadRequest
        before = key in self._typing
        (self._typing.add if state == "typing" else self._typing.discard)(key)
        if state == "left":
            await self._leave(file, member)
        else:
            await self._see(file, member, news=before != (state == "typing"))
        return web.Response(status=204)

    @contextmanager
    def _seated(self, stream: Stream) -> Iterator[None]:
        """A place among the streams. Raises Refused (503) when all are taken."""
        if len(self._streams) >= MOST:
            raise Refused(unavailable(10))
        self._streams.append(stream)
        own = [other for other in self._streams if other.member.login == stream.member.login]
        for oldest in own[:-PER_ACCOUNT]:
            oldest.end()
        with ExitStack() as listening:
            listening.callback(self._streams.remove, stream)
            listening.enter_context(self._work.said.desk.listening(stream.bell))
            if stream.file:
                listening.enter_context(self._work.said.listening(stream.file.chat, stream.bell))
            yield

    async def _tell(self, stream: Stream, response: web.StreamResponse) -> None:
        """All that there is at first, so that nothing is missed between the page and the stream; then what changes."""
        while await self._is_there(stream):
            now = await self._now(stream)
            changed = [(event, data) for event, data in now.items() if stream.told.get(event) != data]
            stream.told = now
            await _write(response, *(_event(event, data) for event, data in changed) if changed else (": still here\n\n",))
            await asyncio.sleep(GAP)
            await stream.bell.wait(GLANCE if stream.file else HEARTBEAT)
        await _write(response, "event: enough\ndata: -\n\n")

    async def _is_there(self, stream: Stream) -> bool:
        """Whether the page may hear more; looked at with each heartbeat, as is that the ticket is being looked at."""
        if stream.over:
            return False
        now = asyncio.get_running_loop().time()
        if now - stream.checked >= HEARTBEAT or not stream.checked:
            first, stream.checked = not stream.checked, now
            member = await self._sessions.member(stream.session, background=True)
            if member is None or not may(member, Permission.READ_TICKETS):
                return False
            stream.member = member
            if stream.file:
                await self._see(stream.file, member, news=first)
        return True

    async def _now(self, stream: Stream) -> dict[str, Any]:
        """By event what tells one state from the next."""
        now: dict[str, Any] = {"queue": self._work.said.desk.beats, "urgent": await self._urgent(stream.member)}
        if stream.file:
            seen = await self._work.desk.seen(stream.file.row.id, self._work.clock())
            others = [[other.login, other.typing] for other in seen if other.login != stream.member.login]
            now["ticket"] = [self._work.said.rings(stream.file.chat), others]
        return now

    async def _urgent(self, member: Member) -> dict[str, Any]:
        """The urgent tickets of a member's groups that nobody has taken."""
        served = teams(self._work.kb, member)
        ids = await self._once.get(("urgent", served), lambda: self._untaken(member))
        return {"ids": ids, "text": say("console.urgent", count=len(ids)) if ids else ""}

    async def _untaken(self, member: Member) -> Sequence[str]:
        """The most urgent come first in the queue."""
        found = await self._work.desk.queue(Wanted(view=View.UNASSIGNED, login="", now=self._work.clock()), limit=MOST_URGENT)
        return [row.id for row in takewhile(lambda row: row.urgency in URGENT, found.rows) if may_see(self._work.kb, member, row)]

    async def _see(self, file: File, member: Member, *, news: bool) -> None:
        """Somebody looks at a ticket; colleagues who look at it hear what is new."""
        typing = (file.row.id, member.login) in self._typing
        await self._work.desk.see(file.row.id, member.login, self._work.clock() + LOOKING, typing=typing)
        if news:
            self._work.said.ring(file.chat)

    async def _leave(self, file: File, member: Member) -> None:
        await self._work.desk.see(file.row.id, member.login, self._work.clock(), typing=False)
        self._work.said.ring(file.chat)

    async def _left(self, stream: Stream) -> None:
        """The page has gone, but perhaps the same ticket is on another one."""
        file, login = stream.file, stream.member.login
        others = [other for other in self._streams if other is not stream and other.member.login == login]
        if file and not any(other.file and other.file.row.id == file.row.id for other in others):
            self._typing.discard((file.row.id, login))
            with suppress(StoreUnavailable):
                await self._leave(file, stream.member)


def _event(event: str, data: Any) -> str:
    """JSON holds no line break."""
    return f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _write(response: web.StreamResponse, *events: str) -> None:
    """Raises TimeoutError when nobody reads, ConnectionResetError when nobody is there."""
    async with asyncio.timeout(STALLED):
        await response.write("".join(events).encode())
