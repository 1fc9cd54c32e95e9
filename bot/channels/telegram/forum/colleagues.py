"""Who somebody in the group is to us, and what may be asked in that name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.channels.acts import actor, may_see
from bot.domain.events import Acted
from bot.domain.staff import Permission, may
from bot.wording import say

from . import card

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.staff import Member
    from bot.domain.tickets import Act
    from bot.service.desk import File
    from bot.service.ports import Mind
    from bot.service.staff import StaffStore

    from . import came


class Colleagues:
    """The staff behind the people of a group."""

    def __init__(self, *, staff: StaffStore, mind: Callable[[], Mind]) -> None:
        self._staff, self._mind = staff, mind

    async def member(self, person: came.Person) -> Member | None:
        """Whose account it is; none of one that is disabled."""
        member = await self._staff.by_telegram(person.id)
        return card.known(member) if member is not None and not member.disabled else None

    def may_not(self, member: Member, file: File) -> str:
        """Why a member has no business with a ticket; empty when it is one's business."""
        kb = self._mind().kb
        if not may(member, Permission.WORK_TICKETS):
            return say("forum.may-not")
        if not may_see(kb, member, file.row):
            return say("forum.other-team", group=kb.groups[file.row.team].title if file.row.team in kb.groups else file.row.team)
        return ""


def acted_by(member: Member, file: File, act: Act, **more: str) -> Acted:
    """An act of a member on a ticket."""
    return replace(Acted(actor=actor(member), act=act, number=file.row.number), **more)  # type: ignore[arg-type]
