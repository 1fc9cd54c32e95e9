"""Tickets at the console over a real socket and a real store: a merchant hands over, staff take, answer, solve; and who may not."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.messages import Address
from bot.domain.staff import Role
from bot.service.desk import View, Wanted
from tests.console import NOW, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot import app
    from bot.service.desk import Row
    from tests.console import Browser, Stage

SHOP = Address(channel="web", chat="shop")
EVIL = "<script>alert(1)</script>"


@pytest.fixture
async def stage(tmp_path: Path, mind: app.Mind) -> AsyncIterator[Stage]:
    async with staged(tmp_path, mind=mind) as running:
        yield running


async def handed_over(stage: Stage, text: str = "机器冒烟了", address: Address = SHOP) -> str:
    """The public id of the ticket that a merchant's words open."""
    before = {row.id for row in await everything(stage)}
    await stage.intake.said(address, f"said-{len(before)}-{address.chat}", text)
    for _ in range(200):
        if fresh := [row.id for row in await everything(stage) if row.id not in before]:
            return fresh[0]
        await asyncio.sleep(0.02)
    raise AssertionError("no ticket")


async def everything(stage: Stage) -> list[Row]:
    return list((await stage.store.desk.queue(Wanted(view=View.ALL, login="", now=NOW))).rows)


async def staff(stage: Stage, login: str, role: Role = Role.STAFF, **more: Any) -> Browser:
    return await stage.inside(await stage.member(login, role, **more))


async def status(stage: Stage, id: str) -> str:
    file = await stage.store.desk.file(id)
    assert file
    return file.row.status


async def test_a_ticket_from_the_queue_to_its_solution(stage: Stage) -> None:
    """What staff answer is in the merchant's transcript."""
    id = await handed_over(stage)
    anna, page = await staff(stage, "anna", name="安娜"), f"/console/tickets/{id}"
    queue = await anna.page("/console/queue")
    assert page in queue
    assert "U0" in queue
    assert page in await anna.page("/console/queue/rows?view=all&urgency=U0")
    assert page not in await anna.page("/console/queue/rows?view=all&urgency=U3")
    taken = await anna.post(f"{page}/act", act="take")
    assert (taken.status, taken.headers["Location"]) == (303, f"{page}?done=acted")
    assert "安娜" in await anna.page(f"{page}?done=acted")
    assert (await anna.post(f"{page}/act", act="reply", text="先拔电源。别再碰它")).status == 303
    file = await stage.store.desk.file(id)
    assert file
    lines = await stage.store.transcript(file.chat, 0, 100)
    assert [json.loads(line.body)["bubbles"] for line in lines if line.side == "staff"] == [["先拔电源。别再碰它"]]
    assert "先拔电源" in await anna.page(f"{page}/lines?after=0")
    assert (await anna.post(f"{page}/act", act="note", text="只给同事看")).status == 303
    assert "只给同事看" in await anna.page(page)
    assert not any("只给同事看" in line.body for line in await stage.store.transcript(file.chat, 0, 100))
    assert (await anna.post(f"{page}/act", act="solve", cause="other", bot_right="yes", text="")).status == 303
    assert await status(stage, id) == "solved"
    assert page in await anna.page("/console/queue?view=solved")


async def test_the_second_taker_hears_who_was_first(stage: Stage) -> None:
    page = f"/console/tickets/{await handed_over(stage)}"
    anna, ben = await staff(stage, "anna", name="安娜"), await staff(stage, "ben")
    first, second = await anna.post(f"{page}/act", act="take"), await ben.post(f"{page}/act", act="take")
    assert (first.status, second.status) == (303, 409)
    assert "安娜已经先接手了" in await second.text()
    refused = await ben.post(f"{page}/act", act="reply", text="我来说一句")
    assert refused.status == 409
    assert "只有负责人安娜" in await refused.text()


async def test_what_is_not_possible_is_not_offered_and_refused(stage: Stage) -> None:
    page = f"/console/tickets/{await handed_over(stage)}"
    anna, editor = await staff(stage, "anna"), await staff(stage, "eve", Role.EDITOR)
    shown = await anna.page(page)
    assert 'value="take"' in shown
    assert 'value="reopen"' not in shown
    assert 'value="assign"' not in shown
    assert (await anna.post(f"{page}/act", act="reopen")).status == 409
    assert (await anna.post(f"{page}/act", act="broadcast", text="x")).status == 400
    assert (await anna.post(f"{page}/act", act="assign", to="eve")).status == 403
    assert 'name="act"' not in await editor.page(page)
    assert (await editor.post(f"{page}/act", act="take")).status == 403


async def test_a_lead_gives_a_ticket_to_somebody(stage: Stage) -> None:
    id = await handed_over(stage)
    lead = await staff(stage, "lea", Role.LEAD)
    await stage.member("anna", name="安娜")
    assert (await lead.post(f"/console/tickets/{id}/act", act="assign", to="nobody")).status == 422
    assert (await lead.post(f"/console/tickets/{id}/act", act="assign", to="anna")).status == 303
    file = await stage.store.desk.file(id)
    assert file
    assert (file.row.owner, file.row.status) == ("anna", "taken")


async def test_a_number_that_is_not_ours_is_not_sent(stage: Stage) -> None:
    page = f"/console/tickets/{await handed_over(stage)}"
    anna = await staff(stage, "anna")
    response = await anna.post(f"{page}/act", act="reply", text="请打 13800001111")
    text = await response.text()
    assert response.status == 422
    assert "不在白名单" in text
    assert "请打 13800001111</textarea>" in text
    assert (await anna.post(f"{page}/act", act="reply", text="请打 95516")).status == 303


async def test_others_and_unknown_tickets_are_the_same_404(stage: Stage) -> None:
    id = await handed_over(stage)
    row = (await everything(stage))[0]
    other = next(group for group in ("tech", "risk") if group != row.team)
    ben = await staff(stage, "ben", groups=(other,))
    answers = []
    for wanted in (id, "0" * 32):
        answers += [await ben.get(f"/console/tickets/{wanted}{path}") for path in ("", "/lines?after=0", "/photo/x")]
        answers += [await ben.post(f"/console/tickets/{wanted}/{path}", act="take") for path in ("act", "lines/1/redact")]
    assert {answer.status for answer in answers} == {404}
    assert len({re.sub(r'value="[^"]*"', "", await answer.text()) for answer in answers[:1] + answers[5:6]}) == 1
    assert id not in await ben.page("/console/queue?view=all")
    assert id not in await ben.page(f"/console/search?q={row.number}")
    mine = await staff(stage, "mia", groups=(row.team,))
    assert id in await mine.page("/console/queue?view=all")
    assert id in await mine.page(f"/console/search?q={row.number}")


async def test_what_merchants_write_is_text(stage: Stage) -> None:
    id = await handed_over(stage, f"机器冒烟了 {EVIL}")
    anna = await staff(stage, "anna")
    for path in (f"/console/tickets/{id}", "/console/queue", f"/console/tickets/{id}/lines"):
        page = await anna.page(path)
        assert EVIL not in page
        assert "&lt;script&gt;" in page or path == "/console/queue"
    assert EVIL not in await anna.page(f"/console/search?q={EVIL}")


async def test_a_lead_takes_a_line_out(stage: Stage) -> None:
    id = await handed_over(stage, "机器冒烟了，我叫王小明")
    anna, lead = await staff(stage, "anna"), await staff(stage, "lea", Role.LEAD)
    file = await stage.store.desk.file(id)
    assert file
    line = next(entry.id for entry in await stage.store.desk.entries(file.chat) if entry.side == "merchant")
    path = f"/console/tickets/{id}/lines/{line}/redact"
    assert (await anna.post(path)).status == 403
    assert (await lead.post(f"/console/tickets/{id}/lines/999/redact")).status == 404
    assert (await lead.post(path)).headers["Location"].endswith("done=redacted")
    lines = await lead.page(f"/console/tickets/{id}/lines")
    assert "已抹去" in lines
    assert "王小明" not in lines
    assert ("lea", "line-redacted", file.row.number) in await stage.audited()


async def test_every_act_does_what_it_says(stage: Stage) -> None:
    id = await handed_over(stage)
    lead, act = await staff(stage, "lea", Role.LEAD), f"/console/tickets/{id}/act"
    forms: tuple[dict[str, str], ...] = (
        {"act": "take"}, {"act": "wait-merchant", "text": ""}, {"act": "resume"}, {"act": "wait-acquirer", "text": ""}, {"act": "urgency", "to": "U2"},
        {"act": "facts", "slot": "terminal_no", "value": "12345678"}, {"act": "move", "to": "risk"}, {"act": "take"}, {"act": "release"},
        {"act": "misroute", "to": "printer"}, {"act": "hand-back", "to": "printer"}, {"act": "solve", "text": ""}, {"act": "reopen"},
        {"act": "close", "text": ""},
    )  # fmt: skip
    found = [(form["act"], (await lead.post(act, None, **form)).status) for form in forms]
    assert found == [(form["act"], 303) for form in forms]
    assert await status(stage, id) == "closed"
    page = await lead.page(f"/console/tickets/{id}")
    assert "关闭" in page


async def test_canned_replies_are_filled(stage: Stage) -> None:
    id = await handed_over(stage)
    anna = await staff(stage, "anna", name="安娜")
    assert "我是安娜" in await anna.page(f"/console/tickets/{id}?canned=hello")


async def test_what_takes_long_is_shown_later(tmp_path: Path, mind: app.Mind, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(tmp_path, mind=mind) as stage:
        id = await handed_over(stage)
        anna = await staff(stage, "anna")
        monkeypatch.setattr("bot.channels.console.acting.PATIENCE", 0.0)
        response = await anna.post(f"/console/tickets/{id}/act", act="take")
        assert response.headers["Location"].endswith("done=queued")
