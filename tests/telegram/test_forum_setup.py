"""What operators type about the staff's group, and what members type to be known there."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from bot import introduce, roster
from bot.domain.staff import Role

from .desk import desks
from .service import serving, settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from .people import Fake


async def looked(folder: Path, fake: Fake, **more: object) -> int:
    return await introduce._desk(settings(folder, fake, **more))


async def test_a_group_is_found_and_judged(tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(tmp_path, fake) as service:
        assert await looked(tmp_path, fake) == 1
        assert "还没有看到" in capsys.readouterr().out
        group = await fake.forum("客服", status="left")
        await group.bot_is("administrator", [])
        await fake.until(lambda: _true(service.rows("SELECT 1 FROM forum_fact")))
        assert await looked(tmp_path, fake) == 1
        told = capsys.readouterr().out
        assert f"客服，编号 {group.id}" in told
        assert "@fake_support_bot" in told
        plain = await fake.forum("别的群", status="member")
        assert await looked(tmp_path, fake, telegram_desk=plain.id) == 1
        assert "不行 机器人不是管理员" in capsys.readouterr().out
        await group.bot_is("administrator", ["can_manage_topics", "can_pin_messages"])
        assert await looked(tmp_path, fake, telegram_desk=group.id) == 1
        told = capsys.readouterr().out
        assert "好   机器人可以管理话题" in told
        assert "不行 机器人不能删除消息" in told
        await group.bot_is("administrator")
        assert await looked(tmp_path, fake, telegram_desk=group.id) == 0
        assert "客服群可以用了" in capsys.readouterr().out
        offered = (await fake.calls("setMyCommands"))[-1]["parameters"]
        assert "kb" in offered["commands"]
        assert str(group.id) in offered["scope"]
        assert await looked(tmp_path, fake, telegram_desk=-5) == 1
        assert "-5" in capsys.readouterr().out


async def _true(rows: list[tuple[object, ...]]) -> bool | None:
    return True if rows else None


async def test_a_code_tells_who_somebody_is(tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    async with desks(tmp_path, fake) as desk:
        chosen = settings(tmp_path, fake)

        await asyncio.to_thread(roster.add, chosen, "sun", name="小孙", role=Role.STAFF, groups="", given=None, telegram=True)
        found = re.search(r"/link (\S+)", capsys.readouterr().out)
        assert found is not None
        sun = await fake.person("Sun")
        for tried in ("AAAAA-AAAAA", found[1].lower()):
            await sun.say(f"/link {tried}")
        await sun.sees(lambda bubble: "绑定码不对" in bubble.text)
        await sun.sees(lambda bubble: "已绑定为小孙" in bubble.text)
        assert not [bubble for bubble in (await sun.view()).bubbles if "/link" in bubble.text], "a code does not stay in the chat"
        assert found[1].encode() not in desk.service.kept()
        assert desk.service.rows("SELECT count(*) FROM conversation") == [(0,)], "it is nobody's message"
        merchant, topic = await desk.handed_over()
        there = await desk.group.join(sun.id)
        await there.say("第一天上班", thread=topic.thread)
        await merchant.sees(lambda bubble: "第一天上班" in bubble.text)
        await there.say("/duty")
        assert (await desk.group.sees(lambda bubble: "小孙上岗了" in bubble.text)).thread is None
        for _ in range(6):
            await sun.say("/link AAAAA-AAAAB")
        await sun.sees(lambda bubble: "试得太多" in bubble.text)
        await asyncio.to_thread(roster.unlink, chosen, "sun")
        assert "已解除" in capsys.readouterr().out
        assert desk.service.rows("SELECT telegram FROM staff WHERE login = 'sun'") == [(None,)]


async def test_who_is_disabled_can_do_nothing_at_once(tmp_path: Path, fake: Fake) -> None:
    async with desks(tmp_path, fake) as desk:
        merchant, topic = await desk.handed_over()

        await asyncio.to_thread(roster.disable, settings(tmp_path, fake), "li")
        await desk.people["li"].say("我还在", thread=topic.thread)
        await desk.sees(topic.thread, lambda bubble: "还没有绑定账号" in bubble.text)
        query = await desk.people["li"].press(await desk.card(topic.thread), label="接手")
        assert (await desk.people["li"].answered(query))["alert"]
        assert not any("我还在" in bubble.text for bubble in (await merchant.view()).bubbles)
