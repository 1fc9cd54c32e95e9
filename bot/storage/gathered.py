"""One write for many callers: what comes while the last write is under way goes into the next one, all of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from bot.domain.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

MOST_ITEMS = 4000
"""Items that may wait for one write; more are refused, which is better than to take what cannot be kept. SQLite binds 32,766 values to a statement, and an
arrival seven."""

Item = TypeVar("Item")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Batch(Generic[Item, T]):
    """Items, and who waits for what becomes of how many of them."""

    items: list[Item] = field(default_factory=list)
    waiting: list[tuple[asyncio.Future[Sequence[T]], int]] = field(default_factory=list)

    def settle(self, results: Sequence[T]) -> None:
        """Tell those who have not left."""
        begin = 0
        for future, count in self.waiting:
            if not future.done():
                future.set_result(results[begin : begin + count])
            begin += count

    def fail(self, error: BaseException) -> None:
        """Tell them that there is nothing."""
        for future, _ in self.waiting:
            if not future.done():
                future.cancel() if isinstance(error, asyncio.CancelledError) else future.set_exception(error)


class Gathered(Generic[Item, T]):
    """A few statements for hundreds of items, not for each. `write` waits for its turn, then takes the items by calling what it is given, and returns a
    result for each, in order. Items are written in the order in which they came."""

    def __init__(self, write: Callable[[Callable[[], list[Item]]], Awaitable[Sequence[T]]]) -> None:
        self._write = write
        self._open: _Batch[Item, T] | None = None
        self._writing: set[asyncio.Task[None]] = set()

    async def add(self, items: Sequence[Item]) -> Sequence[T]:
        """The results for these items, which are written together. Raises what `write` raises, or StoreBusy; a caller who leaves takes nothing back."""
        batch = self._open
        if batch is None:
            batch = self._open = _Batch()
            task = asyncio.create_task(self._do(batch))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        if len(batch.items) + len(items) > MOST_ITEMS:
            raise StoreBusy(f"{MOST_ITEMS} arrivals are waiting for the database")
        future: asyncio.Future[Sequence[T]] = asyncio.get_running_loop().create_future()
        batch.items += items
        batch.waiting.append((future, len(items)))
        return await future

    async def _do(self, batch: _Batch[Item, T]) -> None:
        def take() -> list[Item]:
            self._close(batch)
            return batch.items

        try:
            batch.settle(await self._write(take))
        except BaseException as error:
            batch.fail(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._close(batch)  # also when it was refused before its turn

    def _close(self, batch: _Batch[Item, T]) -> None:
        if self._open is batch:
            self._open = None
