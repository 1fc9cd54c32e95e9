"""Carries lines from the outbox to their chats: in order within a chat, chats side by side, again when it did not work."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.domain.clock import SECOND
from bot.domain.errors import StoreUnavailable

from .ports import Later, Sent, Undeliverable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .bell import Bell
    from .ports import Channel, Delivery, Meter, Outgoing, Store

POLL = 0.2
SIDE_BY_SIDE = 64
"""Chats that are served at the same time."""
LEASE = 30 * SECOND
"""A line whose sender said nothing for so long is sent by another; longer than any try takes."""
GIVE_UP = 24 * 3600 * SECOND
"""Nobody reads an answer of yesterday (Telegram repeats for as long)."""
AGAIN = 0.2
"""Seconds between two tries to tell the database what became of a line."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds before the second try; doubled each time."""
_RESULTS = {Sent: "sent", Later: "later", Undeliverable: "dead"}
logger = logging.getLogger(__name__)


def pause(tries: int) -> int:
    """Microseconds to wait after the try number `tries`, counted from 0."""
    return int(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries, 20)) * SECOND)


class Deliveries:
    """The worker of the outbox, with one channel by name for each kind of chat."""

    def __init__(self, *, store: Store, channels: Mapping[str, Channel], clock: Callable[[], int], meter: Meter) -> None:
        self._store, self._channels, self._clock, self._meter = store, channels, clock, meter
        self._flying: dict[int, asyncio.Task[None]] = {}

    async def run(self, bell: Bell) -> None:
        """Work until cancelled; what is being sent then is awaited by `finish`."""
        while True:
            try:
                sent = await self.work(bell)
            except Exception:  # the worker must survive whatever the database does; claimed lines come back after their lease
                logger.exception("no delivery", extra={"event": "delivery_failed"})
                sent = 0
            if not sent:
                await bell.wait(POLL)

    async def work(self, bell: Bell) -> int:
        """Begin to send what is due; how many lines."""
        while len(self._flying) >= SIDE_BY_SIDE:
            await asyncio.wait(self._flying.values(), return_when=asyncio.FIRST_COMPLETED)
        now = self._clock()
        claimed = await self._store.claim(now, now + LEASE, SIDE_BY_SIDE - len(self._flying))
        lines = [line for line in claimed if line.id not in self._flying]  # a clock that jumps ends the lease of what we are sending ourselves
        for line in lines:
            self._flying[line.id] = asyncio.create_task(self._deliver(line, now + LEASE, bell))
        return len(lines)

    async def finish(self, seconds: float) -> None:
        """Wait for what is being sent, at most so long; what is not done then is sent again by whoever comes next."""
        if self._flying:
            await asyncio.wait(self._flying.values(), timeout=seconds)

    async def _deliver(self, line: Outgoing, lease: int, bell: Bell) -> None:
        try:
            began = self._clock()
            delivery = await self._try(line)
            self._meter.delivered(line.address.channel, _RESULTS[type(delivery)], (self._clock() - began) / SECOND)
            await self._settle(line, delivery, lease)
        except Exception:  # not settled: it comes back after its lease, as one that may have arrived
            logger.exception("delivery not settled", extra={"event": "settle_failed", "id": line.id})
        finally:
            del self._flying[line.id]
        bell.ring()

    async def _settle(self, line: Outgoing, delivery: Delivery, lease: int) -> None:
        """Keep what became of a line; once more while the database is away, as long as the line is ours: what has arrived must not be sent again."""
        while True:
            try:
                return await self._store.settle(line.id, delivery)
            except StoreUnavailable:
                if self._clock() >= lease:
                    raise
                await asyncio.sleep(AGAIN)

    async def _try(self, line: Outgoing) -> Delivery:
        channel = self._channels.get(line.address.channel)
        if channel is None:
            return Undeliverable(error=f"no channel {line.address.channel}")
        try:
            delivery = await channel.send(line)
        except Exception as error:  # a channel that breaks its word
            logger.exception("channel failed", extra={"event": "channel_failed", "channel": line.address.channel})
            delivery = Later(not_before=self._clock() + pause(line.tries), error=f"{type(error).__name__}: {error}"[:500], maybe_arrived=True)
        if isinstance(delivery, Later) and delivery.not_before - line.created > GIVE_UP:
            return Undeliverable(error=f"given up after a day: {delivery.error}")
        return delivery
