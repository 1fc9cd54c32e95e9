"""The one task that writes to an embedded database.

Callers hand in a unit of work and wait for its future. Units that wait together are committed together, each in a savepoint of its own: so a power cut never
splits one, a cancelled caller never leaves half of one, and nobody commits a neighbour's rows. (Tasks that shared one aiosqlite connection did all three.)
A whole commit is one journey to the writer's thread and back: one for each statement takes longer than the statements.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from bot.domain.errors import StoreBusy, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_TOGETHER = 64
"""Units in one commit: a few milliseconds of writing at most, so that the first does not wait long for the last."""
MOST_WAITING = 4096
"""Units that may wait; more are refused, which is better than to take what cannot be kept."""

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Unit:
    begin: Callable[[], Callable[[sqlite3.Connection], Any]]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = field(default=None)

    def settle(self) -> None:
        """Tell the caller, who may have left."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Owns a connection in autocommit mode, and the thread that uses it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, "writer")
        self._units: asyncio.Queue[_Unit] = asyncio.Queue(MOST_WAITING)
        self._task = asyncio.create_task(self._serve())

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work`, which is done in the writer's thread, once it is on the disk. Raises what `work` raises, StoreBusy, or StoreUnavailable; then
        nothing of it was done."""
        return await self.run_late(lambda: work)

    async def run_late(self, begin: Callable[[], Callable[[sqlite3.Connection], T]]) -> T:
        """The same for work that is only known when its turn has come; `begin` is called in the loop's thread, and must not raise."""
        if self._task.done():
            raise StoreUnavailable("the database is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            self._units.put_nowait(_Unit(begin, future))
        except asyncio.QueueFull:
            raise StoreBusy(f"{MOST_WAITING} units of work are waiting for the database") from None
        return await future

    async def close(self) -> None:
        """Write what waits, then stop; the connection is closed. Again does nothing."""
        if self._task.done():
            return
        while not self._units.empty():
            await self._commit(self._take([]))
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._there(self._connection.close)
        self._thread.shutdown()

    async def _serve(self) -> None:
        while True:
            group = self._take([await self._units.get()])
            writing = asyncio.ensure_future(self._commit(group))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:  # what was begun is finished, whoever is leaving
                await writing
                raise

    def _take(self, group: list[_Unit]) -> list[_Unit]:
        while len(group) < MOST_TOGETHER and not self._units.empty():
            group.append(self._units.get_nowait())
        return group

    async def _commit(self, group: list[_Unit]) -> None:
        await self._there(self._write, [(unit, unit.begin()) for unit in group])
        for unit in group:
            unit.settle()

    async def _there(self, do: Callable[..., None], *values: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, do, *values)

    def _write(self, group: list[tuple[_Unit, Callable[[sqlite3.Connection], Any]]]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for unit, work in group:
                self._try(unit, work)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            logger.exception("units of work not committed", extra={"event": "commit_failed", "units": len(group)})
            self._roll_back()
            for unit, _ in group:
                unit.error = StoreUnavailable(str(error))

    def _try(self, unit: _Unit, work: Callable[[sqlite3.Connection], Any]) -> None:
        """Do one unit's work so that only this unit is undone when it fails."""
        self._connection.execute("SAVEPOINT unit")
        try:
            unit.result = work(self._connection)
        except Exception as error:  # noqa: BLE001  (it is the caller's to handle)
            unit.error = StoreUnavailable(str(error)) if isinstance(error, sqlite3.OperationalError) else error  # a full disk, above all
            self._connection.execute("ROLLBACK TO unit")
        self._connection.execute("RELEASE unit")

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            logger.exception("no rollback", extra={"event": "rollback_failed"})
