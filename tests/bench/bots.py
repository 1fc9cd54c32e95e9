"""`posbot serve` as an operator starts it, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.request import urlopen

from . import corpus
from .traffic import SECRET, SOURCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STARTS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that takes messages in at `port`; it was ready `ready` seconds after it was started."""

    pid: int
    port: int
    ready: float

    @property
    def megabytes(self) -> float:
        """What it holds of the memory."""
        return int(re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text("utf-8"))[0]) / 1024

    @property
    def seconds(self) -> float:
        """What it has had of the processors."""
        return cpu_seconds(self.pid)


def cpu_seconds(pid: int) -> float:
    """What a process has had of the processors."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A folder for what bots need: the file with their one source, and what was learnt of the knowledge base."""

    folder: Path

    def prepare(self) -> None:
        """Name the source. It may send as much as it likes as a whole; each merchant as much as any."""
        (self.folder / "sources.json").write_text(json.dumps([{"name": SOURCE, "secrets": [SECRET], "per_second": 1_000_000}]), "utf-8")

    @asynccontextmanager
    async def bot(self, database: str, **settings: str) -> AsyncIterator[Bot]:
        """A bot on this database until the block is left, with more settings. It has learnt before, as after `make`. Raises RuntimeError when it does not
        start."""
        there = {name: value for name, value in os.environ.items() if not name.startswith("POSBOT_")} | {
            "POSBOT_DATABASE": database, "POSBOT_SOURCES": str(self.folder / "sources.json"), "POSBOT_PORT": "0", "POSBOT_OPS_PORT": "0",
            "POSBOT_CACHE": str(self.folder), "POSBOT_LOG_LEVEL": "WARNING", **settings,
        }  # fmt: skip
        began = perf_counter()
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", cwd=corpus.ROOT, env=there, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        try:
            told = (await asyncio.wait_for(process.stdout.readline(), STARTS)).decode()
            if not told:
                raise RuntimeError("the bot does not start")
            port, ops_port = map(int, re.findall(r"http://[^:]+:(\d+)", told))
            with urlopen(f"http://127.0.0.1:{ops_port}/readyz", timeout=STARTS):  # noqa: ASYNC210  (nobody else is there; raises when it is not ready)
                ready = perf_counter() - began
            yield Bot(pid=process.pid, port=port, ready=ready)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
