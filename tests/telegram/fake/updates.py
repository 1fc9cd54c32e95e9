"""The updates that wait for the bot, and how getUpdates hands them out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.telegram.fake.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}
"""Kinds that come only when they are named in allowed_updates."""
FIRST = 400_000_001
TERMINATED = "terminated by other getUpdates request; make sure that only one bot instance is running"


@dataclass(eq=False)
class Update:
    """One update on its way. `lane`: the next of a lane waits for the current one. `again`: it was confirmed and comes once more."""

    update_id: int
    body: dict[str, Any]
    lane: str
    again: bool = False
    tries: int = 0


@dataclass
class Updates:
    """The queue. `on_new` is called with every update that was added: the webhook listens there."""

    next_id: int = FIRST
    allowed: list[str] = field(default_factory=list)
    pending: list[Update] = field(default_factory=list)
    duplicates: int = 0
    """So many of the updates that will be confirmed come once more."""
    on_new: Callable[[Update], None] | None = None
    confirmed: int = 0
    highest: int = 0
    """The highest id since the count began."""
    _poller: asyncio.Future[None] | None = None

    def push(self, kind: str, content: dict[str, Any], lane: str) -> int | None:
        """Tell the bot something, unless it does not want to hear it. The update's id."""
        if not (kind in self.allowed if self.allowed else kind not in UNASKED):
            return None
        return self.push_raw({kind: content}, lane)

    def push_raw(self, body: dict[str, Any], lane: str) -> int:
        """An update as it is; its id is given to it, unless it brings its own."""
        update_id = body.get("update_id")
        if not isinstance(update_id, int):
            update_id, self.next_id = self.next_id, self.next_id + 1
        self.highest = max(self.highest, update_id)
        self._add(Update(update_id, {"update_id": update_id, **body}, lane))
        return update_id

    def restart(self, next_id: int) -> None:
        """Count from another id: the real server does so after a quiet week."""
        self.next_id, self.highest = next_id, 0

    def confirm(self, update: Update) -> None:
        """The bot has it; a wanted duplicate comes once more."""
        self.pending.remove(update)
        self._count(update)

    def drop(self) -> None:
        """Forget everything that waits."""
        self.pending.clear()

    async def poll(self, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        """getUpdates. Waits up to so many real seconds.

        Raises:
            RefusedError: another poller came (409).
        """
        self.end_poll(TERMINATED)
        self._confirm_before(offset)
        if not self.pending and seconds > 0:
            await self._wait(seconds)
        batch = self.pending[: limit if 0 < limit <= 100 else 100]
        for update in batch:
            update.tries += 1
        return [update.body for update in batch]

    def end_poll(self, reason: str) -> None:
        """The poller that waits is refused."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(RefusedError(reason, 409))

    def _add(self, update: Update) -> None:
        self.pending.append(update)
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)
        if self.on_new is not None:
            self.on_new(update)

    async def _wait(self, seconds: float) -> None:
        mine = self._poller = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await mine
        except TimeoutError:
            pass
        finally:
            mine.cancel()

    def _confirm_before(self, offset: int) -> None:
        if offset > max(self.next_id, self.highest + 1):
            return  # from before the count began anew
        if offset < 0:
            offset = self.pending[offset].update_id if len(self.pending) >= -offset else 0
        gone = [update for update in self.pending if (update.update_id < offset and not update.again) or (update.again and update.tries)]
        left = set(map(id, gone))
        self.pending = [update for update in self.pending if id(update) not in left]
        for update in gone:
            self._count(update)

    def _count(self, update: Update) -> None:
        self.confirmed += 1
        if self.duplicates > 0 and not update.again:
            self.duplicates -= 1
            self._add(Update(update.update_id, update.body, update.lane, again=True))
