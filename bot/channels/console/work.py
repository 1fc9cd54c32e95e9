"""What the pages about merchants work with, and the only way to a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from bot.channels.acts import may_see

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.messages import Address, Photo
    from bot.domain.staff import Member
    from bot.service.bell import Bells
    from bot.service.desk import DeskStore, Entry, File
    from bot.service.intake import Intake
    from bot.service.ports import Fetch, Held, Mind
    from bot.service.reports import ReportStore
    from bot.service.staff import StaffStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """`said` rings after each step of a conversation, `keep` keeps a picture that belongs to a chat (`Store.keep`), `mind` gives the one of the moment,
    `clock` microseconds UTC, `new_id` what nobody can guess, `held` tells what there is of a chat, `fetch` gives a file that only its channel keeps."""

    desk: DeskStore
    reports: ReportStore
    staff: StaffStore
    intake: Intake
    said: Bells
    keep: Callable[[Photo, Address, int], Awaitable[None]]
    mind: Callable[[], Mind]
    clock: Callable[[], int]
    new_id: Callable[[], str]
    held: Callable[[Address], Awaitable[Held]]
    fetch: Fetch

    @property
    def kb(self) -> KnowledgeBase:
        """The knowledge base of the moment."""
        return self.mind().kb

    async def names(self) -> Mapping[str, str]:
        """What colleagues are called, by login."""
        return {member.login: member.name for member in await self.staff.members()}


async def access_ticket(work: Work, member: Member, id: str) -> File:
    """A ticket that this member may see. Raises HTTPNotFound alike for one that is not there and one that is not the member's."""
    file = await work.desk.file(id)
    if file is None or not may_see(work.kb, member, file.row):
        raise web.HTTPNotFound
    return file


async def line_of(work: Work, file: File, typed: str) -> Entry:
    """A line of a ticket's conversation, by its id as it stands in an address. Raises HTTPNotFound."""
    id = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else 0
    found = await work.desk.entries(file.chat, id - 1, 1) if id else ()
    if not found or found[0].id != id:
        raise web.HTTPNotFound
    return found[0]
