"""Tickets at the console over a real socket and a real store: a merchant hands over, staff take, answer, solve; and who may not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from bot.domain.events import Acted
from bot.domain.messages import Address, Photo
from bot.domain.staff import Role
from bot.domain.tickets import Act, Actor
from bot.service.desk import View, Wanted
from tests.console import HOUR, NOW, staged
from tests.contract.places import File

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot import app
    from bot.service.desk import Row
    from tests.console import Browser, Stage

REMINDERS = "/console/reminders"
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


async def test_a_ticket_in_danger_is_handed_back_to_a_step_only(stage: Stage) -> None:
    page = f"/console/tickets/{await handed_over(stage)}"
    anna = await staff(stage, "anna")
    assert "机器人只讲您选的步骤" in await anna.page(page)
    refused = await anna.post(f"{page}/act", act="hand-back", to="printer")
    assert (refused.status, "不能让机器人自己往下讲" in await refused.text()) == (409, True)
    assert (await anna.post(f"{page}/act", act="urgency", to="U2")).status == 303
    assert "机器人只讲您选的步骤" not in await anna.page(page)
    assert (await anna.post(f"{page}/act", act="hand-back", to="printer")).status == 303


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
        answers += [await ben.get(f"/console/tickets/{wanted}{path}") for path in ("", "/lines?after=0", "/photo/x", "/lines/1/file")]
        answers += [await ben.post(f"/console/tickets/{wanted}/{path}", act="take") for path in ("act", "lines/1/redact")]
    assert {answer.status for answer in answers} == {404}
    assert len({re.sub(r'value="[^"]*"', "", await answer.text()) for answer in answers[:1] + answers[6:7]}) == 1
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
    page = await anna.page(f"/console/tickets/{id}/canned")
    assert "我是安娜" in page
    file = await stage.store.desk.file(id)
    assert file
    assert file.row.number in page
    assert page.count('data-image="/console/canned/') >= 5


async def test_what_takes_long_is_shown_later(tmp_path: Path, mind: app.Mind, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(tmp_path, mind=mind) as stage:
        id = await handed_over(stage)
        anna = await staff(stage, "anna")
        monkeypatch.setattr("bot.channels.acts.PATIENCE", 0.0)
        response = await anna.post(f"/console/tickets/{id}/act", act="take")
        assert response.headers["Location"].endswith("done=queued")


async def reminds(tmp_path: Path, id: str, clock: str = "response", mark: str = "half") -> None:
    """Put a reminder into the log, as the clock does."""
    detail = json.dumps({"clock": clock, "mark": mark, "owner": ""})
    await File(path=tmp_path / "posbot.db").execute(
        "INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at) "
        f"SELECT id, 0, '', 'remind', true, '{detail}', {NOW} FROM ticket WHERE public_id = '{id}'"
    )


async def test_a_reminder_is_seen_by_whom_it_concerns(stage: Stage, tmp_path: Path) -> None:
    """While nobody has the ticket, by the group; the leads see what was put before them; seen is for oneself."""
    id = await handed_over(stage)
    row = (await everything(stage))[0]
    anna, lead = await staff(stage, "anna", groups=(row.team,)), await staff(stage, "lea", Role.LEAD)
    other, editor = await staff(stage, "ben", groups=("settle" if row.team != "settle" else "tech",)), await staff(stage, "eve", Role.EDITOR)
    assert "没有要看的提醒" in await anna.page(REMINDERS)
    assert (await anna.page(f"{REMINDERS}/count")).strip() == ""
    await reminds(tmp_path, id)
    for browser in (anna, lead):
        assert "首次回复时间过半" in await browser.page(REMINDERS)
        assert ">1<" in await browser.page(f"{REMINDERS}/count")
        assert "首次回复时间过半" in await browser.page("/console/queue?view=all")
    assert "首次回复时间过半" in await anna.page(f"/console/tickets/{id}")
    assert "没有要看的提醒" in await other.page(REMINDERS)
    assert (await editor.get(REMINDERS)).status == 403
    assert (await other.post(f"/console/tickets/{id}/noticed")).status == 404
    assert (await anna.post(f"/console/tickets/{id}/noticed", next=f"/console/tickets/{id}")).headers["Location"] == f"/console/tickets/{id}"
    assert "没有要看的提醒" in await anna.page(REMINDERS)
    assert "首次回复时间过半" in await lead.page(REMINDERS)
    assert (await lead.post(f"{REMINDERS}/seen")).headers["Location"] == REMINDERS
    assert (await lead.page(f"{REMINDERS}/count")).strip() == ""
    assert "看过提醒" in await lead.page(f"/console/tickets/{id}")


async def test_what_is_put_before_the_leads_is_seen_by_owner_and_leads(stage: Stage, tmp_path: Path) -> None:
    id = await handed_over(stage)
    anna, ben, lead = await staff(stage, "anna"), await staff(stage, "ben"), await staff(stage, "lea", Role.LEAD)
    await anna.post(f"/console/tickets/{id}/act", act="take")
    await reminds(tmp_path, id, "solution", "due")
    shown = [await browser.page(f"{REMINDERS}") for browser in (anna, ben, lead)]
    assert ["该解决了" in page for page in shown] == [True, False, False]
    stage.clock.now += 24 * HOUR
    await reminds(tmp_path, id, "solution", "leads")
    browsers = [await stage.inside(member) for login in ("anna", "ben", "lea") if (member := await stage.accounts.member(login))]
    shown = [await browser.page(REMINDERS) for browser in browsers]
    assert ["解决超时，请组长看" in page for page in shown] == [True, False, True]


async def chat(stage: Stage) -> list[str]:
    """What the merchant's chat shows now, once it has another line than before."""
    conversation = await stage.store.conversation(SHOP)
    return [line.body for line in await stage.store.transcript(conversation or "", 0, 100)]


async def until(stage: Stage, words: str) -> list[str]:
    for _ in range(200):
        lines = await chat(stage)
        if any(words in body for body in lines):
            return lines
        await asyncio.sleep(0.02)
    raise AssertionError(await chat(stage))


async def test_a_lead_deletes_what_a_merchant_wants_deleted(stage: Stage) -> None:
    """With a reason and the number typed again; the merchant is told, the owner learns of it, the audit holds nothing of what was said."""
    id = await handed_over(stage, "机器冒烟了，我叫王小明")
    number = (await everything(stage))[0].number
    anna, lead, page = await staff(stage, "anna"), await staff(stage, "lea", Role.LEAD), f"/console/tickets/{id}/forget"
    await anna.post(f"/console/tickets/{id}/act", act="take")
    assert (await anna.get(page)).status == 403
    assert page not in await anna.page(f"/console/tickets/{id}")
    assert page in await lead.page(f"/console/tickets/{id}")
    assert (await lead.post(f"/console/tickets/{id}/act", act="forget", text="x")).status == 400
    shown = await lead.page(page)
    assert "还没办完" in shown
    assert number in shown
    for reason, typed, problem in (("", number, "要写为什么删"), ("长" * 201, number, "要写为什么删"), ("商户要求", "1109-00000", "单号不对，没有删")):
        response = await lead.post(page, reason=reason, number=typed)
        assert (response.status, problem in await response.text()) == (422, True)
    assert await everything(stage) != []
    response = await lead.post(page, reason="商户在对话里要求", number=number)
    assert response.headers["Location"] == "/console/queue?done=forgotten"
    assert await everything(stage) == []
    assert [json.loads(body)["bubbles"][0][:8] for body in await chat(stage)] == ["您的聊天记录、照"]
    assert (await lead.get(f"/console/tickets/{id}")).status == 404
    entries = {entry.what: entry for entry in await stage.accounts.audit(None, 100)}
    assert (entries["data-deleted"].actor, entries["data-deleted"].subject, entries["data-deleted"].detail) == ("lea", number, "商户在对话里要求")
    assert not any("王小明" in entry.detail or "冒烟" in entry.detail for entry in entries.values())
    assert "商户撤回" in await anna.page(REMINDERS)
    assert ">1<" in await anna.page(f"{REMINDERS}/count")
    assert "商户撤回" not in await lead.page(REMINDERS)
    await anna.post(f"{REMINDERS}/withdrawn", number="1109-99999")
    assert "商户撤回" in await anna.page(REMINDERS)
    await anna.post(f"{REMINDERS}/withdrawn", number=number)
    assert "没有要看的提醒" in await anna.page(REMINDERS)


async def test_a_merchant_withdraws_a_ticket_with_everything(stage: Stage) -> None:
    """Asked for in the chat, confirmed in the chat; nothing happens before."""
    id = await handed_over(stage)
    lead, other = await staff(stage, "lea", Role.LEAD), await staff(stage, "ben")
    await stage.intake.said(SHOP, "wish", "删除我的数据")
    await until(stage, "还没办完")
    assert await status(stage, id) == "open"
    await stage.intake.chose(SHOP, "confirm", "forget:yes")
    assert len(await until(stage, "都已经删除")) == 1
    assert await everything(stage) == []
    assert ("posbot", "ticket-withdrawn") in [(actor, what) for actor, what, _ in await stage.audited()]
    assert "商户撤回" in await lead.page(REMINDERS)  # nobody had it
    assert "商户撤回" not in await other.page(REMINDERS)
    await lead.post(f"{REMINDERS}/seen")
    assert "没有要看的提醒" in await lead.page(REMINDERS)
    await stage.intake.chose(SHOP, "confirm", "forget:yes")  # brought once more
    await until(stage, "真要删")
    again = await handed_over(stage)
    assert await status(stage, again) == "open"


async def test_only_leads_forget(stage: Stage) -> None:
    """Whatever reaches the road: the dialogue refuses it, too."""
    id = await handed_over(stage)
    row = (await everything(stage))[0]
    for number, actor in enumerate((Actor(login="anna"), Actor(login="lea", leads=True))):
        await stage.intake.acted(SHOP, f"forge-{number}", Acted(actor=actor, act=Act.FORGET, number=row.number, text="" if actor.leads else "删"))
        while await stage.store.desk.outcome("web", f"forge-{number}") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await status(stage, id) == "open"
    assert [deed.done for deed in await stage.store.desk.deeds(id) if deed.act == "forget"] == [False, False]


async def test_earlier_lines_are_a_press_away(stage: Stage, tmp_path: Path) -> None:
    """All of a long conversation, in parts, with htmx and without."""
    id = await handed_over(stage)
    anna, place = await staff(stage, "anna"), File(path=tmp_path / "posbot.db")
    assert 'id="earlier"' not in await anna.page(f"/console/tickets/{id}")
    body = json.dumps({"bubbles": ["第x条"], "choices": []}, ensure_ascii=False)
    await place.execute(
        "INSERT INTO message (conversation, side, body, knowledge, at) "
        f"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 700) SELECT 1, 'bot', '{body}', 'k', {NOW} FROM n"
    )
    shown, path = list[str](), f"/console/tickets/{id}"
    for headers in ({}, {"HX-Request": "true"}, {}):
        page = await (await anna.get(path, **headers)).text()
        shown[:0] = re.findall(r'id="line-(\d+)"', page)
        assert ("<!doctype html>" in page) is not bool(headers)
        following = re.search(r'id="earlier"><a class="button small" href="([^"]+)"', page)
        path = following[1] if following else ""
    assert path == ""
    file = await stage.store.desk.file(id)
    assert file
    assert shown == [str(entry.id) for entry in await stage.store.desk.entries(file.chat, 0, 10_000)]


async def pictured(stage: Stage) -> None:
    """The merchant sends a picture."""
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "JPEG")
    await stage.store.keep(Photo(id="p1", mime="image/jpeg", width=8, height=8, data=data.getvalue()), SHOP, NOW)
    await stage.intake.sent(SHOP, "photo", "photo", "p1")
    await until(stage, "p1")


async def test_a_ticket_is_a_document_that_needs_nothing_else(stage: Stage) -> None:
    """Packet, transcript, deeds, notes, pictures; nothing is loaded from anywhere; who took it is in the audit."""
    id = await handed_over(stage, f"机器冒烟了 {EVIL}")
    await pictured(stage)
    anna, page = await staff(stage, "anna", name="安娜"), f"/console/tickets/{id}/document"
    for form in ({"act": "take"}, {"act": "reply", "text": "先拔电源"}, {"act": "note", "text": "只给同事看"}, {"act": "solve", "cause": "other"}):
        await anna.post(f"/console/tickets/{id}/act", None, **form)
    response = await anna.get(page)
    document = await response.text()
    number = (await stage.store.desk.file(id) or pytest.fail("no ticket")).row.number
    assert all(part in document for part in (number, "机器冒烟了", "先拔电源", "只给同事看", "接手", "解决", "安娜", "导出于"))
    assert EVIL not in document
    assert 'src="data:image/jpeg;base64,' in document
    assert re.findall(r"""(?:src|href|action)=["'](?!data:)""", document) == []
    assert "<script" not in document
    policy = response.headers["Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", document, re.DOTALL)
    assert style
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert "attachment" not in response.headers.get("Content-Disposition", "")
    saved = await anna.get(f"{page}?notes=no&save=yes")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="ticket-{number}.html"'
    assert "只给同事看" not in await saved.text()
    told = json.loads(await (await anna.get(f"{page}.json?notes=no")).text())
    assert (told["number"], told["status"], told["owner"]) == (number, "solved", "anna")
    assert [deed["act"] for deed in told["deeds"]][-1] == "solve"
    assert "先拔电源" in json.dumps(told["lines"], ensure_ascii=False)
    assert "只给同事看" not in json.dumps(told, ensure_ascii=False)
    assert [entry for entry in await stage.audited() if entry[1] == "ticket-exported"] == [("anna", "ticket-exported", number)] * 3


async def test_what_was_taken_out_is_in_no_document(stage: Stage) -> None:
    id = await handed_over(stage, "机器冒烟了，我叫王小明")
    await pictured(stage)
    lead, page = await staff(stage, "lea", Role.LEAD), f"/console/tickets/{id}/document"
    file = await stage.store.desk.file(id)
    assert file
    for entry in await stage.store.desk.entries(file.chat):
        if entry.side == "merchant":
            await lead.post(f"/console/tickets/{id}/lines/{entry.id}/redact")
    document, told = await lead.page(page), await lead.page(f"{page}.json")
    assert "已抹去" in document
    for text in ("王小明", "data:image"):
        assert text not in document
        assert text not in told


async def test_documents_are_for_those_who_may_see_the_ticket(stage: Stage) -> None:
    id = await handed_over(stage)
    other = await staff(stage, "ben", groups=("settle" if (await everything(stage))[0].team != "settle" else "tech",))
    for path in ("document", "document.json"):
        assert (await other.get(f"/console/tickets/{id}/{path}")).status == 404
    assert "ticket-exported" not in [what for _, what, _ in await stage.audited()]


async def test_what_was_done_is_told_in_words(stage: Stage, tmp_path: Path) -> None:
    id = await handed_over(stage)
    lead = await staff(stage, "lea", Role.LEAD)
    await reminds(tmp_path, id)
    await lead.post(f"/console/tickets/{id}/act", act="solve", cause="no-paper", bot_right="yes")
    told = (await lead.page(f"/console/tickets/{id}/document")).partition("处理记录")[2].partition("对话</h2>")[0]
    for words in ("有危险 · U0 危险", "首次回复时间过半", "机器人的主题对吗 对"):
        assert words in told
    assert re.search("clock|mark|reason|bot_right|cause", told) is None
