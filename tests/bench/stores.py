"""Speed of the stores in the same run: `python -m tests.bench.stores`. A decision costs 3 ms of CPU, as understanding a long message does.

Needs the server of the contract tests. What it prints depends on the machine; the ratios less so.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import tempfile
import time
import timeit
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.domain.messages import Address
from bot.service.ports import Arrival, Outcome, Sent, Spoken
from tests.contract.places import File, Server, address

if TYPE_CHECKING:
    from bot.service.ports import Store, Work
    from tests.contract.places import Place

ARRIVALS, CALLERS, CHATS = 10_000, 200, 400
DECISION = 0.003
LOOPS = "POSBOT_BENCH_LOOPS"
"""What a decision costs, in turns of a loop: the same work for all, measured once while nothing else runs here."""
NOW = 1_760_000_000_000_000


def decide(work: Work) -> Outcome:
    """Do as much as a decision does, then say two lines."""
    sum(range(int(os.environ[LOOPS])))
    last = work.events[-1].id
    spoken = tuple(Spoken(event=last, side="bot", body='{"bubbles": ["好"]}', at=NOW, push=f"{last}:{part}") for part in range(2))
    return Outcome(state=json.dumps({"n": work.version}), knowledge="k", done=tuple(event.id for event in work.events), spoken=spoken)


def loops() -> int:
    """Turns of the loop for one decision, from the best of many tries."""
    turns = 100_000
    best = min(timeit.repeat(lambda: sum(range(turns)), number=1, repeat=200))
    return int(turns * DECISION / best)


async def fill(store: Store, run: str, arrivals: int, chats: int) -> float:
    """Arrivals per second, each caller waiting for its own."""

    async def call(caller: int) -> None:
        for number in range(caller, arrivals, CALLERS):
            chat = Address(channel="web", chat=f"{run}-{number % chats}")
            await store.accept(Arrival(address=chat, ext_id=f"{run}-{number}", kind="said", body=json.dumps({"text": "打印机不出纸" * 5}), received=NOW))

    began = time.perf_counter()
    await asyncio.gather(*map(call, range(CALLERS)))
    return arrivals / (time.perf_counter() - began)


async def stepped(store: Store) -> int:
    """Step until nothing waits; how many conversations."""
    total = 0
    while handled := await store.step(decide, NOW):
        total += handled
    return total


async def sent(store: Store) -> float:
    """Lines per second that are claimed and settled, 64 at a time."""
    total, began = 0, time.perf_counter()
    while lines := await store.claim(NOW, NOW + 120_000_000, 64):
        await asyncio.gather(*(store.settle(line.id, Sent(remote_id="1")) for line in lines))
        total += len(lines)
    return total / (time.perf_counter() - began)


async def worker(dsn: str) -> None:
    """One of several processes: ready, go, done."""
    store = await Server(dsn=dsn).open()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    print(await stepped(store))  # noqa: T201
    await store.close()


async def processes(dsn: str, number: int) -> float:
    """Steps per second of so many processes together."""
    command = (sys.executable, "-m", "tests.bench.stores", dsn)
    workers = [await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE) for _ in range(number)]
    for each in workers:
        assert each.stdout is not None
        await each.stdout.readline()
    began = time.perf_counter()
    outputs = await asyncio.gather(*(each.communicate(b"go\n") for each in workers))
    return sum(int(output) for output, _ in outputs) / (time.perf_counter() - began)


async def measured(name: str, place: Place, numbers: tuple[int, ...]) -> None:
    """One store: arrivals, steps of one process or several, lines."""
    store = await place.open()
    print(f"{name:10} accept {await fill(store, 'a', ARRIVALS, 500):8.0f}/s")  # noqa: T201
    await stepped(store)
    for turn, number in enumerate(numbers):
        await fill(store, f"s{turn}", CHATS, CHATS)
        began = time.perf_counter()
        rate = await processes(place.dsn, number) if isinstance(place, Server) else await stepped(store) / (time.perf_counter() - began)
        print(f"{name:10} step, {number} process(es) {rate:8.0f}/s")  # noqa: T201
    print(f"{name:10} claim and settle {await sent(store):8.0f}/s")  # noqa: T201
    await store.close()


async def main() -> None:
    """Both stores, one after the other."""
    os.environ[LOOPS] = str(loops())
    with tempfile.TemporaryDirectory() as folder:
        await measured("sqlite", File(path=Path(folder) / "posbot.db"), (1, 1, 1))
    name = f"posbot_bench_{secrets.token_hex(8)}"
    await Server(dsn=address()).execute(f"CREATE DATABASE {name}")
    try:
        await measured("postgres", Server(dsn=urlsplit(address())._replace(path=f"/{name}").geturl()), (1, 3) * 6)
    finally:
        await Server(dsn=address()).execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    asyncio.run(worker(sys.argv[1]) if len(sys.argv) > 1 else main())
