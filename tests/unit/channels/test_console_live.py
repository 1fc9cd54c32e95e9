"""What pages of the console hear at once: streams, presence, lists that are made once for all, pictures by staff, forms that are sent twice."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

from bot.channels.console import live
from bot.channels.console.once import FRESH, Once
from bot.domain.errors import StoreUnavailable
from bot.domain.messages import Address
from bot.domain.staff import Role
from bot.service.bell import Pulse
from bot.service.sessions import IDLE, LONGEST
from tests.console import Clock, staged

from .test_tickets import SHOP, everything, handed_over, staff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot import app
    from tests.console import Browser, Stage

OTHER = Address(channel="web", chat="other")


@pytest.fixture
async def stage(tmp_path: Path, mind: app.Mind) -> AsyncIterator[Stage]:
    async with staged(tmp_path, mind=mind) as running:
        yield running


class Ear:
    """Reads a stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def event(self) -> tuple[str, Any]:
        """The next event with its data; comments are no events."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(10):
            while line := await self._response.content.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if not line.strip() and "event" in fields:
                    return fields["event"], json.loads(fields["data"]) if fields["data"] != "-" else None
                fields[name] = value
        return "over", None

    async def hears(self, wanted: str) -> Any:
        """The data of the next event of this name."""
        while True:
            name, data = await self.event()
            if name == wanted:
                return data
            assert name != "over"

    async def over(self) -> None:
        """Wait for the end."""
        while (await self.event())[0] != "over":
            pass


@asynccontextmanager
async def listening(browser: Browser, ticket: str = "") -> AsyncIterator[Ear]:
    response = await browser.get("/console/live" + (f"?ticket={ticket}" if ticket else ""))
    assert response.status == 200
    try:
        yield Ear(response)
    finally:
        response.close()


async def test_a_hand_over_is_heard(stage: Stage) -> None:
    anna = await staff(stage, "anna")
    async with listening(anna) as ear:
        assert await ear.hears("urgent") == {"ids": [], "text": ""}
        id = await handed_over(stage)
        assert await ear.hears("urgent") == {"ids": [id], "text": "有 1 张紧急工单没人接"}
        await anna.post(f"/console/tickets/{id}/act", act="take")
        assert (await ear.hears("urgent"))["ids"] == []
    assert await (await anna.get("/console/urgent")).json() == {"ids": [], "text": ""}


async def test_a_line_is_heard_on_its_ticket_only(stage: Stage) -> None:
    anna, one, other = await staff(stage, "anna"), await handed_over(stage), await handed_over(stage, address=OTHER)
    async with listening(anna, one) as here, listening(anna, other) as there:
        before = [await here.hears("ticket"), await there.hears("ticket")]
        await stage.intake.said(SHOP, "more", "还在冒烟")
        assert await here.hears("ticket") > before[0]
        await stage.intake.said(OTHER, "even more", "我这边好了")
        assert await there.hears("ticket") > before[1]


async def test_what_a_page_shows_already_does_not_come_again(stage: Stage) -> None:
    anna, id = await staff(stage, "anna"), await handed_over(stage)
    for path in ("/console/queue/rows", f"/console/tickets/{id}/lines?after=999999999"):
        first = await anna.get(path)
        assert (await anna.get(path, **{"X-Seen": first.headers["X-Mark"]})).status == 204
        assert (await anna.get(path, **{"X-Seen": "something else"})).status == 200
    lines = await anna.get(f"/console/tickets/{id}/lines?after=0")
    again = await anna.get(f"/console/tickets/{id}/lines?after=0", **{"X-Seen": lines.headers["X-Mark"]})
    assert "机器冒烟了" in await again.text()
    assert "ticket-head" not in await again.text()
    page = await anna.page(f"/console/tickets/{id}")
    assert f'data-mark="{lines.headers["X-Mark"]}"' in page
    queue = await anna.page("/console/queue?view=all")
    rows = await anna.get("/console/queue/rows?view=all")
    assert f'data-mark="{rows.headers["X-Mark"]}"' in queue


async def test_lists_that_pages_ask_for_together_are_made_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await handed_over(stage)
    browsers = [await staff(stage, f"anna{number}") for number in range(5)]
    made, queue = [], stage.store.desk.queue

    async def counted(*wanted: Any, **more: Any) -> Any:
        made.append(wanted)
        return await queue(*wanted, **more)

    monkeypatch.setattr(stage.store.desk, "queue", counted)
    texts = [await (await browser.get("/console/queue/rows?view=all")).text() for browser in browsers]
    assert len(set(texts)) == 1
    assert len(made) == 1
    await browsers[0].get("/console/queue/rows?view=mine")
    await browsers[1].get("/console/queue/rows?view=mine")
    assert len(made) == 3


async def test_what_is_only_mine_is_nobody_elses(stage: Stage) -> None:
    """Lists are shared, but not between those who may see different tickets."""
    id = await handed_over(stage)
    team = (await everything(stage))[0].team
    other = next(group for group in ("tech", "risk") if group != team)
    everybody, ben = await staff(stage, "eve"), await staff(stage, "ben", groups=(other,))
    lead = await staff(stage, "lea", Role.LEAD)
    path = "/console/queue/rows?view=all"
    assert id in await everybody.page(path)
    assert id not in await ben.page(path)
    assert (await lead.post(f"/console/tickets/{id}/act", act="assign", to="ben")).status == 303
    async with asyncio.timeout(10):
        while id not in await ben.page(path):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert id in await ben.page("/console/queue/rows?view=mine")
    assert id not in await everybody.page("/console/queue/rows?view=mine")


async def test_once() -> None:
    clock, pulse, made = Clock(), Pulse(), list[int]()
    once = Once(pulse, clock)

    async def make() -> int:
        made.append(1)
        await asyncio.sleep(0)
        if len(made) == 4:
            raise StoreUnavailable("away")
        return len(made)

    assert await asyncio.gather(*(once.get("a", make) for _ in range(9))) == [1] * 9
    pulse.ring()
    assert await once.get("a", make) == 2
    clock.now += FRESH
    assert await once.get("a", make) == 3
    clock.now += FRESH
    assert [type(each) for each in await asyncio.gather(once.get("a", make), once.get("a", make), return_exceptions=True)] == [StoreUnavailable] * 2
    assert await once.get("a", make) == 5


async def test_colleagues_see_who_looks_and_who_types(stage: Stage) -> None:
    id = await handed_over(stage)
    anna, ben, page = await staff(stage, "anna", name="安娜"), await staff(stage, "ben"), f"/console/tickets/{id}"
    async with listening(ben, id) as ear:
        await ear.hears("ticket")
        async with listening(anna, id) as own:
            await own.hears("ticket")
            await ear.hears("ticket")
            assert "安娜也在看" in await ben.page(page)
            assert "安娜" not in (await anna.page(page)).partition("watching")[2].partition("</p>")[0]
            assert (await anna.post(f"{page}/presence", state="typing")).status == 204
            await ear.hears("ticket")
            assert "安娜正在写" in await ben.page(page)
            assert (await anna.post(f"{page}/presence", state="looking")).status == 204
            await ear.hears("ticket")
            assert "安娜也在看" in await ben.page(page)
        assert (await anna.post(f"{page}/presence", state="left")).status == 204
        await ear.hears("ticket")
        assert "安娜" not in await ben.page(page)
    assert (await anna.post(f"{page}/presence", state="dancing")).status == 400
    file = await stage.store.desk.file(id)
    assert file
    assert not any("安娜" in line.body for line in await stage.store.transcript(file.chat, 0, 100))


async def test_a_colleague_with_another_process_is_seen_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "GLANCE", 0.05)
    id, anna = await handed_over(stage), await staff(stage, "anna")
    async with listening(anna, id) as ear:
        await ear.hears("ticket")
        await stage.store.desk.see(id, "ben", stage.clock.now + live.LOOKING, typing=True)  # nothing rings here
        assert (await ear.hears("ticket"))[1] == [["ben", True]]
        stage.clock.now += live.LOOKING
        assert (await ear.hears("ticket"))[1] == []


async def test_presence_ends_by_itself(stage: Stage) -> None:
    id = await handed_over(stage)
    anna, ben = await staff(stage, "anna", name="安娜"), await staff(stage, "ben")
    await anna.post(f"/console/tickets/{id}/presence", state="typing")
    assert "安娜正在写" in await ben.page(f"/console/tickets/{id}")
    stage.clock.now += live.LOOKING
    assert "安娜" not in await ben.page(f"/console/tickets/{id}")


async def test_a_stream_ends_with_the_session(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.05)
    anna, ben, eve = await staff(stage, "anna"), await staff(stage, "ben"), await staff(stage, "eve")
    async with listening(anna) as one, listening(ben) as two, listening(eve) as three:
        await anna.post("/console/logout")
        await one.over()
        await stage.accounts.disable("posbot", "ben")
        await two.over()
        stage.clock.now += LONGEST
        await three.over()
    assert (await anna.get("/console/live")).status == 303


async def test_nothing_that_pages_do_by_themselves_keeps_a_session_alive(stage: Stage, mind: app.Mind) -> None:
    id = await handed_over(stage)
    anna = await staff(stage, "anna")
    photo = (await (await uploaded(anna, id)).json())["photo"]
    canned = next(canned for canned in mind.kb.canned if canned.image)
    paths = ("/queue/rows", "/urgent", f"/tickets/{id}/lines", f"/tickets/{id}/photo/{photo}", f"/canned/{canned.id}/image")
    for _ in range(3):
        stage.clock.now += IDLE // 4
        assert [(await anna.get(f"/console{path}")).status for path in paths] == [200] * len(paths)
        assert (await anna.get(f"/console/tickets/{id}", **{"X-Background": "yes"})).status == 200
        async with listening(anna, id) as ear:
            await ear.hears("ticket")
    stage.clock.now += IDLE // 4
    assert (await anna.get("/console/queue")).status == 303


async def test_the_longest_stream_of_an_account_has_to_go(stage: Stage) -> None:
    anna, ben = await staff(stage, "anna"), await staff(stage, "ben")
    async with listening(anna) as first, listening(ben) as other:
        await first.hears("urgent")
        await other.hears("urgent")
        async with AsyncExitStack() as opened:
            for _ in range(live.PER_ACCOUNT):
                await opened.enter_async_context(listening(anna))
            await first.hears("enough")
            await first.over()
        await handed_over(stage)
        assert len((await other.hears("urgent"))["ids"]) == 1


async def test_no_more_streams_than_there_is_room_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    anna, ben = await staff(stage, "anna"), await staff(stage, "ben")
    async with listening(anna):
        assert (await ben.get("/console/live")).status == 503


async def test_streams_end_when_the_service_does(tmp_path: Path, mind: app.Mind) -> None:
    async with staged(tmp_path, mind=mind) as stage:
        anna = await staff(stage, "anna")
        async with listening(anna) as ear:
            await ear.hears("urgent")
            closing = asyncio.create_task(stage.server.close())
            await ear.over()
            await closing


async def test_others_tickets_are_not_listened_to(stage: Stage) -> None:
    id = await handed_over(stage)
    team = (await everything(stage))[0].team
    ben = await staff(stage, "ben", groups=(next(group for group in ("tech", "risk") if group != team),))
    for wanted in (id, "0" * 32):
        assert (await ben.get(f"/console/live?ticket={wanted}")).status == 404
        assert (await ben.post(f"/console/tickets/{wanted}/presence", state="typing")).status == 404
        assert (await ben.get(f"/console/tickets/{wanted}/canned")).status == 404
        assert (await uploaded(ben, wanted)).status == 404
    async with listening(ben) as ear:
        assert (await ear.hears("urgent"))["ids"] == []


def picture(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(file, "PNG")
    return file.getvalue()


async def uploaded(browser: Browser, ticket: str, data: bytes | None = None, id: str = "upload-1", token: str | None = None) -> aiohttp.ClientResponse:
    form = aiohttp.FormData()
    form.add_field("client_id", id)
    form.add_field("photo", io.BytesIO(picture() if data is None else data), filename="<b>.png", content_type="image/png")
    headers = {"Origin": browser.url, "X-CSRF-Token": browser.token if token is None else token}
    response = await browser.client.post(f"{browser.url}/console/tickets/{ticket}/photo", data=form, headers=headers, allow_redirects=False)
    await response.read()
    return response


async def said_by_staff(stage: Stage, ticket: str) -> list[dict[str, Any]]:
    file = await stage.store.desk.file(ticket)
    assert file
    return [json.loads(line.body) for line in await stage.store.transcript(file.chat, 0, 100) if line.side == "staff"]


async def test_staff_send_a_picture(stage: Stage) -> None:
    id = await handed_over(stage)
    anna = await staff(stage, "anna", name="安娜")
    answered = [await uploaded(anna, id) for _ in range(2)]
    assert [response.status for response in answered] == [201, 201]
    (photo,) = {(await response.json())["photo"] for response in answered}
    assert (await anna.post(f"/console/tickets/{id}/act", act="reply", text="看这里", photo=photo)).status == 303
    assert (await anna.post(f"/console/tickets/{id}/act", act="reply", text="", photo=photo)).status == 303
    assert await said_by_staff(stage, id) == [
        {"bubbles": bubbles, "choices": [], "author": "安娜", "file": photo} for bubbles in (["看这里"], [])
    ]  # fmt: skip
    kept = await stage.store.photo(photo, SHOP)
    assert kept
    assert (kept.mime, kept.width, kept.height) == ("image/jpeg", 8, 6)
    assert await stage.store.photo(photo, OTHER) is None
    assert f"/photo/{photo}" in await anna.page(f"/console/tickets/{id}/lines")


async def test_a_picture_of_another_chat_is_not_sent(stage: Stage) -> None:
    id, other = await handed_over(stage), await handed_over(stage, address=OTHER)
    anna = await staff(stage, "anna")
    photo = (await (await uploaded(anna, other)).json())["photo"]
    for form in ({"photo": photo}, {"photo": "0" * 32}, {"canned": "nonsense"}):
        refused = await anna.post(f"/console/tickets/{id}/act", act="reply", text="看这里", **form)
        assert refused.status == 422
        assert "图片已经不在了" in await refused.text()
        assert "看这里</textarea>" in await refused.text()
    assert await said_by_staff(stage, id) == []


async def test_what_is_no_picture_is_not_kept(stage: Stage) -> None:
    id = await handed_over(stage)
    anna = await staff(stage, "anna")
    refused = await uploaded(anna, id, b"<svg onload=alert(1)>")
    assert (refused.status, (await refused.json())["error"]) == (422, "no-picture")
    assert (await uploaded(anna, id, id="../../x")).status == 422
    assert (await uploaded(anna, id, b"x" * 10_000_001)).status == 413
    assert (await uploaded(anna, id, token="0" * 64)).status == 403
    assert (await uploaded(await staff(stage, "eve", Role.EDITOR), id)).status == 403


async def test_a_canned_reply_brings_its_picture(stage: Stage, mind: app.Mind) -> None:
    id = await handed_over(stage)
    anna = await staff(stage, "anna", name="安娜")
    canned = next(canned for canned in mind.kb.canned if canned.image)
    image = await anna.get(f"/console/canned/{canned.id}/image")
    assert await image.read() == mind.kb.images[canned.image or ""]
    assert (image.headers["Content-Disposition"], image.content_type) == ("attachment", "image/png")
    assert (await anna.get("/console/canned/nonsense/image")).status == 404
    assert (await anna.post(f"/console/tickets/{id}/act", act="reply", text="麻烦看下小票", canned=canned.id)).status == 303
    (line,) = await said_by_staff(stage, id)
    photo = await stage.store.photo(line["file"], SHOP)
    assert photo
    assert photo.mime == "image/jpeg"


async def test_a_form_that_is_sent_twice_is_done_once(stage: Stage) -> None:
    id = await handed_over(stage)
    anna, act = await staff(stage, "anna"), f"/console/tickets/{id}/act"
    for text in ("先拔电源", "先拔电源", "再等两分钟"):
        assert (await anna.post(act, act="reply", text=text, key="k" * 32)).status == 303
    assert [line["bubbles"] for line in await said_by_staff(stage, id)] == [["先拔电源"], ["再等两分钟"]]
    answers = await asyncio.gather(*(anna.post(act, act="note", text="一次", key="n" * 32) for _ in range(5)))
    assert {answer.status for answer in answers} == {303}
    assert (await anna.page(f"/console/tickets/{id}/lines")).count('<p class="said">一次</p>') == 1
    for _ in range(2):
        assert (await anna.post(act, act="note", text="两次", key="short")).status == 303
    assert (await anna.page(f"/console/tickets/{id}/lines")).count('<p class="said">两次</p>') == 2


async def test_an_act_answers_a_part_of_a_page_with_the_page(stage: Stage) -> None:
    id = await handed_over(stage)
    anna, act = await staff(stage, "anna"), f"/console/tickets/{id}/act"
    htmx = {"Origin": anna.url, "HX-Request": "true", "HX-Current-URL": f"{anna.url}/console/tickets/{id}"}
    done = await anna.post(act, htmx, act="reply", text="先拔电源")
    assert done.status == 200
    assert "已完成" in await done.text()
    assert "先拔电源" in await done.text()
    lead = await staff(stage, "lea", Role.LEAD, groups=((await everything(stage))[0].team,))
    moved = await lead.post(act, {**htmx, "Origin": lead.url}, act="move", to="risk")
    assert moved.headers["HX-Redirect"] == "/console/queue?done=acted"
    await anna.post("/console/logout")
    gone = await anna.post(act, htmx, act="reply", text="还有一句")
    assert (gone.status, gone.headers["HX-Redirect"]) == (401, f"/console/login?next=%2Fconsole%2Ftickets%2F{id}")


async def test_several_details_are_changed_at_once(stage: Stage) -> None:
    id = await handed_over(stage)
    anna, act = await staff(stage, "anna"), f"/console/tickets/{id}/act"
    form = {
        "act": "facts",
        "was.terminal_no": "",
        "fact.terminal_no": "12345678",
        "was.amount": "",
        "fact.amount": "",
        "slot": "ref_no",
        "value": "123456789012",
    }
    assert (await anna.post(act, None, **form)).status == 303
    page = await anna.page(f"/console/tickets/{id}")
    assert 'name="fact.terminal_no" maxlength="500" value="12345678"' in page
    assert 'name="fact.ref_no" maxlength="500" value="123456789012"' in page
    assert (await anna.post(act, None, **{**form, "was.terminal_no": "12345678", "slot": "", "value": ""})).status == 422  # nothing has changed
    assert (
        await anna.post(
            act, None, **{"act": "facts", "was.terminal_no": "12345678", "fact.terminal_no": "", "was.ref_no": "123456789012", "fact.ref_no": "123456789012"}
        )
    ).status == 303
    page = await anna.page(f"/console/tickets/{id}")
    assert '12345678"' not in page
    assert 'name="fact.ref_no" maxlength="500" value="123456789012"' in page
