"""Two processes on one PostgreSQL: both take in what comes from the group, one works on it, and the other takes its place."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from pydantic import SecretStr

from .desk import STAFF, Desk, enrolled_in, having
from .service import SECRET, hooked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.places import Server

    from .people import Fake


async def test_two_processes_do_everything_once(fake: Fake, tmp_path: Path, server: Server) -> None:
    group = await fake.forum("客服")
    people = {login: await group.member(login) for login in STAFF}
    await enrolled_in(await server.open(), people)
    database = SecretStr(server.dsn)
    async with AsyncExitStack() as first:
        one = await first.enter_async_context(hooked(tmp_path, fake, database=database, telegram_desk=group.id))
        async with hooked(tmp_path, fake, database=database, telegram_desk=group.id) as other:
            desk = Desk(fake, group, one, tmp_path, people)
            merchant, topic = await desk.handed_over()
            for number in range(4):
                await fake.hook(f"{(one, other)[number % 2].running.hook_address}/telegram/updates", SECRET)
                await asyncio.gather(merchant.say(f"商户第{number}句"), people["li"].say(f"客服第{number}句", thread=topic.thread))
            for number in range(4):
                await desk.sees(topic.thread, having(f"商户第{number}句"))
                await merchant.sees(having(f"客服第{number}句"))
            said = "\n".join(await desk.told(topic.thread))
            heard = "\n".join(bubble.text for bubble in (await merchant.view()).of_bot())
            assert [said.count(f"商户第{number}句") for number in range(4)] == [1] * 4 == [heard.count(f"客服第{number}句") for number in range(4)]
            await fake.hook(f"{other.running.hook_address}/telegram/updates", SECRET)
            await first.aclose()
            await merchant.say("换了一个进程")
            await desk.sees(topic.thread, lambda bubble: "换了一个进程" in bubble.text)
            await people["li"].say("也能回", thread=topic.thread)
            await merchant.sees(lambda bubble: "也能回" in bubble.text)
    assert len((await group.view()).topics) == 1
