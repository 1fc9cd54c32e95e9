"""What the pages about merchants work with, and the only way to a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.staff import Permission, may

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.staff import Member
    from bot.service.desk import DeskStore, File, Row
    from bot.service.intake import Intake
    from bot.service.ports import Mind
    from bot.service.reports import ReportStore
    from bot.service.staff import StaffStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """`mind` gives the one of the moment, `clock` microseconds UTC, `new_id` what nobody can guess."""

    desk: DeskStore
    reports: ReportStore
    staff: StaffStore
    intake: Intake
    mind: Callable[[], Mind]
    clock: Callable[[], int]
    new_id: Callable[[], str]

    @property
    def kb(self) -> KnowledgeBase:
        """The knowledge base of the moment."""
        return self.mind().kb

    async def names(self) -> Mapping[str, str]:
        """What colleagues are called, by login."""
        return {member.login: member.name for member in await self.staff.members()}


def teams(kb: KnowledgeBase, member: Member) -> tuple[str, ...]:
    """The queues that a member serves, by id; none means all of them. Accounts name them by id or by title."""
    ids = {group.title: group.id for group in kb.groups.values()}
    return tuple(dict.fromkeys(ids.get(name, name) for name in member.groups))


def may_see(kb: KnowledgeBase, member: Member, row: Row) -> bool:
    """Whether a ticket is any of a member's business: of a queue that the member serves, or the member's own."""
    served = teams(kb, member)
    return may(member, Permission.READ_TICKETS) and (not served or row.team in served or row.owner == member.login)


async def access_ticket(work: Work, member: Member, id: str) -> File:
    """A ticket that this member may see. Raises HTTPNotFound alike for one that is not there and one that is not the member's."""
    file = await work.desk.file(id)
    if file is None or not may_see(work.kb, member, file.row):
        raise web.HTTPNotFound
    return file
