"""One write for many callers: what comes while the last write is under way goes into the next one, all of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from bot.domain.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

MOST_ITEMS = 4096
"""Items that may wait for one write; more are refused, which is better than to take what cannot be kept."""

Item = TypeVar("Item")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Batch(Generic[Item, T]):
    items: list[Item]
    results: asyncio.Task[Sequence[T]] | None = None


class Gathered(Generic[Item, T]):
    """A few statements for hundreds of items, not for each. `write` waits for its turn, then takes the items by calling what it is given, and returns a
    result for each, in order. Items are written in the order in which they came."""

    def __init__(self, write: Callable[[Callable[[], list[Item]]], Awaitable[Sequence[T]]]) -> None:
        self._write = write
        self._open: _Batch[Item, T] | None = None

    async def add(self, item: Item) -> T:
        """The result for this item. Raises what `write` raises, or StoreBusy; a caller who leaves takes nothing back."""
        batch = self._open
        if batch is None:
            batch = self._open = _Batch([])
            batch.results = asyncio.create_task(self._do(batch))
        if len(batch.items) >= MOST_ITEMS:
            raise StoreBusy(f"{MOST_ITEMS} arrivals are waiting for the database")
        place = len(batch.items)
        batch.items.append(item)
        assert batch.results is not None
        return (await asyncio.shield(batch.results))[place]

    async def _do(self, batch: _Batch[Item, T]) -> Sequence[T]:
        def take() -> list[Item]:
            self._close(batch)
            return batch.items

        try:
            return await self._write(take)
        finally:
            self._close(batch)  # also when it was refused before its turn

    def _close(self, batch: _Batch[Item, T]) -> None:
        if self._open is batch:
            self._open = None
