"""What the pages about merchants work with, and the only way to a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.staff import Permission, may
from bot.domain.tickets import Actor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.staff import Member
    from bot.service.bell import Bells
    from bot.service.desk import DeskStore, File, Row
    from bot.service.intake import Intake
    from bot.service.ports import Mind
    from bot.service.reports import ReportStore
    from bot.service.staff import StaffStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """`said` rings after each step of a conversation, `mind` gives the one of the moment, `clock` microseconds UTC, `new_id` what nobody can guess."""

    desk: DeskStore
    reports: ReportStore
    staff: StaffStore
    intake: Intake
    said: Bells
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


def actor(member: Member) -> Actor:
    """A member as the one who does something with a ticket."""
    return Actor(login=member.login, name=member.name, leads=may(member, Permission.ASSIGN))


def assigns(member: Member, row: Row) -> bool:
    """Whether a member may give a ticket to a colleague: a lead any of them, others their own."""
    return may(member, Permission.ASSIGN) or row.owner == member.login


def teams(kb: KnowledgeBase, member: Member) -> tuple[str, ...]:
    """The queues that a member serves, by id; none means all of them. Accounts name them by id or by title."""
    return kb.groups_named(member.groups)


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
