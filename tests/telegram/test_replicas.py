"""Two processes on one PostgreSQL: both take in what is sent to a webhook, one of them fetches, and the other takes its place."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from .service import SECRET, hooked, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.places import Server

    from .people import Fake


@pytest.fixture
def scale() -> float:
    return 1.0


async def test_one_fetches_and_the_other_takes_its_place(fake: Fake, tmp_path: Path, server: Server) -> None:
    database = SecretStr(server.dsn)
    wang = await fake.person("王")
    async with AsyncExitStack() as first:
        await first.enter_async_context(serving(tmp_path, fake, database=database))
        async with serving(tmp_path, fake, database=database):
            await wang.say("打印机不出纸")
            await wang.sees(lambda bubble: bool(bubble.buttons))
            await asyncio.sleep(5)  # two looks of the one that waits
            await first.aclose()
            await wang.say("/privacy")
            await wang.sees(lambda bubble: "到期自动删除" in bubble.text, within=20)
    assert [call["code"] for call in await fake.calls("getUpdates") if call["outcome"] not in {None, "ok", "dropped"}] == []
    assert await server.fetch("SELECT count(*) FROM inbox") == [(2,)]


async def test_a_right_dies_with_its_connection(fake: Fake, tmp_path: Path, server: Server) -> None:
    async with serving(tmp_path, fake, database=SecretStr(server.dsn)):
        wang = await fake.person("王")
        await wang.say("打印机不出纸")
        await wang.sees(lambda bubble: bool(bubble.buttons))
        await server.cut()
        await wang.say("/privacy")
        await wang.sees(lambda bubble: "到期自动删除" in bubble.text, within=30)


async def test_both_take_in_what_is_sent_to_them(fake: Fake, tmp_path: Path, server: Server) -> None:
    database = SecretStr(server.dsn)
    people = [await fake.person(f"第{number}家") for number in range(6)]
    async with hooked(tmp_path, fake, database=database) as one, hooked(tmp_path, fake, database=database) as other:
        for turn in range(6):
            here = (one, other)[turn % 2]
            await fake.hook(f"{here.running.hook_address}/telegram/updates", SECRET)
            await asyncio.gather(*(person.say(f"第{turn}次问：打印机不出纸") for person in people))
        await fake.until(lambda: _handled(server, 36), within=30)
        rows = await server.fetch("SELECT c.chat, m.body FROM message AS m JOIN conversation AS c ON c.id = m.conversation WHERE m.side = 'bot' ORDER BY m.id")
        for person in people:
            expected = [text for chat, body in rows if chat == str(person.id) for text in _bubbles(body)]
            assert [bubble.text for bubble in (await person.view()).of_bot()] == expected


async def _handled(server: Server, number: int) -> bool | None:
    """Whether so many messages came in and everything was sent."""
    ((came, waits),) = await server.fetch(
        "SELECT (SELECT count(*) FROM inbox WHERE status = 'done'), (SELECT count(*) FROM outbox WHERE status IN ('new', 'sending'))"
    )
    return True if (came, waits) == (number, 0) else None


def _bubbles(body: str) -> list[str]:
    import json  # noqa: PLC0415

    found: list[str] = json.loads(body)["bubbles"]
    return found
