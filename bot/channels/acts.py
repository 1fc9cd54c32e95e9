"""What staff do with a ticket from anywhere: whose business it is, one road, one set of objections, and the same words for what was refused."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.dialogue import render
from bot.domain.staff import Permission, may
from bot.domain.tickets import Act, Actor
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.events import Acted
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.staff import Member
    from bot.service.bell import Bell, Bells
    from bot.service.desk import Deed, DeskStore, File, Row
    from bot.service.intake import Intake
    from bot.service.staff import StaffStore

PATIENCE, LOOK = 3.0, 0.2
"""Seconds for which somebody waits for what comes of an act, and between two looks when no bell rings."""
LONGEST = 4000
"""Characters of what is written at once."""
TO_MERCHANTS = frozenset({Act.REPLY, Act.WAIT_MERCHANT, Act.WAIT_ACQUIRER, Act.SOLVE, Act.CLOSE})
"""Where the text goes to the merchant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of an act: `done`, or the `problem` in words; neither when it takes longer than anybody waits."""

    done: bool
    problem: str = ""


class Acts:
    """Does things with tickets. `said` rings after each step of a conversation."""

    def __init__(self, *, desk: DeskStore, staff: StaffStore, intake: Intake, said: Bells) -> None:
        self._desk, self._staff, self._intake, self._said = desk, staff, intake, said

    async def do(self, file: File, ext_id: str, acted: Acted) -> Came:
        """Do one thing and wait for what comes of it. The same `ext_id` again is the same act. Raises StoreUnavailable."""
        with self._said.listening(file.chat) as bell:
            await self._intake.acted(file.address, ext_id, acted)
            deeds = await self._outcome(file.address.channel, ext_id, bell)
        if deeds is None:
            return Came(done=False)
        problem = await self._refusal(deeds, acted)
        return Came(done=not problem, problem=problem)

    async def _outcome(self, channel: str, ext_id: str, bell: Bell) -> Sequence[Deed] | None:
        """What came of it; None when it takes longer than anybody waits. The bell rings when it was handled here; another process is looked after."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while (deeds := await self._desk.outcome(channel, ext_id)) is None:
                    await bell.wait(LOOK)
                return deeds
        return None

    async def _refusal(self, deeds: Sequence[Deed], acted: Acted) -> str:
        """Why it was not done; empty when it was."""
        own = [deed for deed in deeds if deed.actor == acted.actor.login and deed.act == acted.act]
        if any(deed.done for deed in own):
            return ""
        detail = json.loads(own[0].detail) if own else {"why": "gone"}
        owner = str(detail.get("owner") or "")
        return refused(str(detail.get("why", "")), str(detail.get("name") or "") or await self._name(owner))

    async def _name(self, login: str) -> str:
        return next((member.name for member in await self._staff.members() if member.login == login), login)


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


def objection(kb: KnowledgeBase, acted: Acted) -> str:
    """Why an act cannot be sent at all; empty when it can."""
    if len(acted.text) > LONGEST:
        return say("console.refused-long", most=LONGEST)
    if acted.act in TO_MERCHANTS and render.safe(kb, acted.text) != acted.text:
        return say("console.refused-phone")
    if (acted.act is Act.ASSIGN and not acted.to) or (acted.act is Act.FACTS and not acted.facts):
        return say("console.refused-what")
    return ""


def refused(why: str, name: str) -> str:
    """Why the dialogue refused an act, in words; `name` is whose ticket it is."""
    return say(
        {
            "taken": "console.refused-taken",
            "status": "console.refused-status",
            "owner": "console.refused-owner",
            "what": "console.refused-what",
            "danger": "console.refused-danger",
        }.get(why, "console.refused-gone"),
        name=name,
    )
