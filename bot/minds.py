"""The knowledge in use while the service runs: read again when an editor changed it, kept as it was when the change is broken."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from os import environ
from typing import TYPE_CHECKING, TypeAlias

from bot import app
from bot.domain.errors import KnowledgeError

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ops.meter import Meter

LOOK = 0.5
"""Seconds between two looks at the folder. Looking works where being told does not: on network drives, in containers, when the whole folder is replaced or
gone for a while, when the system has no watches left."""
LONGEST_LEARNING = 120.0
"""Seconds; ten times what 100,000 phrasings take."""
Stamp: TypeAlias = "frozenset[tuple[str, int, int, int]]"
_NOWHERE = asyncio.subprocess.DEVNULL
logger = logging.getLogger(__name__)


class Minds:
    """Holds the mind of the moment; a conversation that is being handled keeps the one that it began with."""

    def __init__(self, knowledge: Path, cache: Path, meter: Meter) -> None:
        self._knowledge, self._cache, self._meter = knowledge, cache, meter
        self._one_at_a_time = asyncio.Lock()
        self._read = stamp(knowledge)
        self._mind = app.wake(knowledge, cache)
        meter.learnt(self._mind.kb.version)

    def now(self) -> app.Mind:
        """The mind of the moment."""
        return self._mind

    async def reload(self) -> str:
        """Read the knowledge again; its version. Raises KnowledgeError, and then the old knowledge stays in use."""
        async with self._one_at_a_time:
            self._read = await asyncio.to_thread(stamp, self._knowledge)
            try:
                await self._learn_aside()
                self._mind = await asyncio.to_thread(app.wake, self._knowledge, self._cache)
            except KnowledgeError as error:
                self._meter.reloaded(good=False)
                logger.error("knowledge is broken, the old one stays in use:\n%s", error, extra={"event": "knowledge_broken"})  # noqa: TRY400  (no traceback)
                raise
            self._meter.reloaded(good=True)
            self._meter.learnt(self._mind.kb.version)
            logger.info("knowledge %s is in use", self._mind.kb.version, extra={"event": "knowledge_loaded"})
            return self._mind.kb.version

    async def watch(self) -> None:
        """Read again whenever the folder has changed and then stayed the same for two looks, until cancelled."""
        before = self._read
        while True:
            await asyncio.sleep(LOOK)
            now = await asyncio.to_thread(stamp, self._knowledge)
            if now == before and now != self._read:
                await self._try_again()
            before = now

    async def _try_again(self) -> None:
        try:
            await self.reload()
        except KnowledgeError:
            return  # it was logged and counted; the editor's next change comes by here
        except Exception:  # the watch must survive whatever reading does
            logger.exception("knowledge not read", extra={"event": "knowledge_failed"})

    async def _learn_aside(self) -> None:
        """Learn in another process, which leaves the result in the cache: seconds of work that nobody here should wait for. What fails there `wake` tells."""
        command = (sys.executable, "-m", "bot", "kb", "learn", "--knowledge", str(self._knowledge))
        there = {**environ, "POSBOT_CACHE": str(self._cache)}
        learning = await asyncio.create_subprocess_exec(*command, stdin=_NOWHERE, stdout=_NOWHERE, stderr=_NOWHERE, env=there)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_LEARNING):
                    await learning.wait()
        finally:
            if learning.returncode is None:
                learning.kill()
                await learning.wait()


def stamp(folder: Path) -> Stamp:
    """What tells one state of a knowledge folder from another, without reading it; a folder that is gone is a state, too."""
    found = set()
    for path in (*folder.glob("*.yaml"), *folder.glob("topics/*.yaml")):
        with suppress(OSError):  # an editor has just renamed it
            stat = path.stat()
            found.add((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)
