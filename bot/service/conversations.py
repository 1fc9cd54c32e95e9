"""The worker of the inbox: lets what waits there be decided, and tells who waits for the outcome."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from bot.domain.tickets import Act

if TYPE_CHECKING:
    from collections.abc import Callable

    from .bell import Bell, Bells
    from .ports import Decide, Meter, Outcome, Store, Work

POLL = 0.2
"""Seconds between two looks when no bell rings: what another process took in is noticed by then."""
logger = logging.getLogger(__name__)


class Conversations:
    """Works as long as something waits. `said` rings for whoever listens to a conversation, `outbox` for the deliveries."""

    def __init__(self, *, store: Store, decide: Decide, clock: Callable[[], int], said: Bells, outbox: Bell, meter: Meter) -> None:
        self._store, self._decide, self._clock, self._said, self._outbox, self._meter = store, decide, clock, said, outbox, meter

    async def run(self, bell: Bell) -> None:
        """Work until cancelled."""
        while True:
            try:
                handled = await self.work()
            except Exception:  # the worker must survive whatever the database does; nothing was done, and it is tried again
                logger.exception("no step", extra={"event": "step_failed"})
                handled = 0
            if not handled:
                await bell.wait(POLL)

    async def work(self) -> int:
        """Handle what waits now; how many conversations had something."""
        decided: list[tuple[str, Outcome, float]] = []

        def decide(work: Work) -> Outcome:
            began = perf_counter()
            outcome = self._decide(work)
            decided.append((work.public_id, outcome, perf_counter() - began))
            return outcome

        handled = await self._store.step(decide, self._clock())
        for conversation, outcome, seconds in decided:
            self._said.ring(conversation)
            if outcome.tickets or outcome.logged:
                self._said.desk.ring()
            self._count(outcome, seconds)
        if handled:
            self._outbox.ring()
        return handled

    def _count(self, outcome: Outcome, seconds: float) -> None:
        self._meter.stepped(seconds, len(outcome.done), len(outcome.dead))
        new = {deed.number for deed in outcome.logged if deed.act == Act.OPEN}
        for ticket in outcome.tickets:
            if ticket.number in new:
                self._meter.opened(ticket.reason, ticket.urgency)
        for rated in outcome.rated:
            self._meter.rated(rated.stars)
