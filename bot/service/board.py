"""How things stand with the staff, looked at every few seconds, so that a decision needs no question to the database; and troubles of many are proposed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.clock import SECOND
from bot.domain.desk import Notice
from bot.domain.tickets import Actor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.domain.desk import Desk
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.staff import Member

    from .desk import DeskStore
    from .ports import Mind
    from .staff import StaffStore

LOOK = 3.0
"""Seconds between two looks."""
MANY, MINUTES = 5, 15
"""So many tickets of a kind within so many minutes are proposed to the leads as one trouble of many."""
logger = logging.getLogger(__name__)


class Board:
    """The picture of the desk. `rules` is what an operator decides of it, `mind` names the groups, `new_id` gives public ids, `clock` microseconds UTC."""

    def __init__(
        self, *, desk: DeskStore, staff: StaffStore, mind: Callable[[], Mind], rules: Desk, clock: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        self._desk, self._staff, self._mind, self._clock, self._new_id = desk, staff, mind, clock, new_id
        self._picture = rules

    def now(self) -> Desk:
        """The latest picture."""
        return self._picture

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.look()
                await self._propose()
            except Exception:  # a picture that is a little old is better than no service
                logger.exception("no look at the desk", extra={"event": "board_failed"})
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Make the picture anew."""
        loads, members = await self._desk.loads(), await self._staff.members()
        notices = tuple(
            Notice(topic=incident.topic, code=incident.code, acquirer=incident.acquirer, text=incident.text, until=incident.until)
            for incident in await self._desk.incidents(current=True)
            if incident.status == "announced"
        )
        waiting, on_duty = await self._desk.queue_state(), _on_duty(members, self._mind().kb, loads)
        alike = {group: sum(loads.get(actor.login, 0) == loads.get(there[0].login, 0) for actor in there) for group, there in on_duty.items() if there}
        self._picture = replace(self._picture, waiting=waiting, on_duty=on_duty, alike=alike, notices=notices)

    async def _propose(self) -> None:
        """Tell the leads of many tickets of one kind."""
        now = self._clock()
        for cluster in await self._desk.clusters(now - MINUTES * 60 * SECOND, MANY):
            if await self._desk.propose(cluster, self._new_id(), now):
                logger.warning("many tickets of one kind", extra={"event": "incident_proposed", "topic": cluster.topic, "tickets": cluster.tickets})


def _on_duty(members: Sequence[Member], kb: KnowledgeBase, loads: Mapping[str, int]) -> dict[str, tuple[Actor, ...]]:
    """By group those who are there, with the fewest tickets first. Who is in no group is in all of them."""
    there = sorted((member for member in members if member.on_duty and not member.disabled), key=lambda member: loads.get(member.login, 0))
    served = [(Actor(login=member.login, name=member.name), kb.groups_named(member.groups)) for member in there]
    return {group: tuple(actor for actor, groups in served if not groups or group in groups) for group in kb.groups}
