"""A merchant and staff, each before a browser of their own: from the hand-over to the rating, and what happens when something is in the way."""

from __future__ import annotations

import asyncio
import io
import re
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.async_api import FilePayload, expect

from .test_console import PASSWORD, SHOTS, Seat, Told, choose, log_in, seated, told
from .test_webchat import Tab, browser, receipt, visiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Locator, Route

__all__ = ["browser", "told"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = "王芳自己的密码 2026"
SOUNDS = """
window.sounds = 0;
const create = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.sounds++; return create.call(this); };
"""
"""Counts what a page plays."""


@asynccontextmanager
async def at_work(browser: Browser, told: Told, *names: str) -> AsyncIterator[list[Seat]]:
    """Members of the staff before the queue, one by name; the administrator has let them in."""
    async with AsyncExitStack() as seats:
        boss = await seats.enter_async_context(seated(browser, told))
        await boss.go("/console/account")
        await log_in(boss, told.login, told.password)
        await choose(boss, PASSWORD)
        found = [await _hired(boss, await seats.enter_async_context(seated(browser, told)), f"staff{place}", name) for place, name in enumerate(names)]
        yield found


async def _hired(boss: Seat, seat: Seat, login: str, name: str) -> Seat:
    await boss.go("/console/new-account")
    await boss.page.get_by_label("登录名").fill(login)
    await boss.page.get_by_label("姓名").fill(name)
    await boss.page.get_by_label("接工单、回复商户").check()
    await boss.press("添加")
    first = await boss.page.locator("#first-password").inner_text()
    await seat.page.add_init_script(SOUNDS)
    await seat.go("/console/queue")
    await log_in(seat, login, first)
    await choose(seat, OWN)
    await seat.go("/console/queue")
    return seat


def shot(colour: str = "navy") -> FilePayload:
    data = io.BytesIO()
    Image.new("RGB", (400, 300), colour).save(data, "PNG")
    return {"name": "shot.png", "mimeType": "image/png", "buffer": data.getvalue()}


def rows(seat: Seat) -> Locator:
    return seat.page.locator("#list a.row-link")


async def open_details(seat: Seat, title: str) -> Locator:
    """The form behind a line that opens."""
    details = seat.page.locator("details.card").filter(has=seat.page.locator(f"summary:text-is('{title}')"))
    if await details.get_attribute("open") is None:
        await details.locator("summary").first.click()
    return details


async def test_the_whole_loop(browser: Browser, told: Told) -> None:
    async with at_work(browser, told, "王芳", "李强") as (wang, li), visiting(browser, told.url) as (_, merchant):
        await wang.page.locator("h1").click()  # sounds may be played from now on
        await _handed_over(merchant, wang)
        await wang.page.keyboard.press("j")
        await wang.page.keyboard.press("Enter")
        await expect(wang.page.locator("#lines img")).to_have_count(1)
        await rows(li).first.click()
        await expect(wang.page.locator(".watching")).to_have_text("李强也在看")
        await wang.looks_right("ticket-open")
        await _taken(wang, li)
        await _corrected(wang)
        await _noted(wang, merchant)
        await _answered(wang, merchant)
        await merchant.say("刚才说错了，烟是从充电口冒出来的")
        await expect(wang.page.locator("#lines")).to_contain_text("烟是从充电口冒出来的")
        await _handed_back(wang, merchant)
        await _solved(wang, merchant)


async def _handed_over(merchant: Tab, wang: Seat) -> None:
    await expect(wang.page).to_have_title(re.compile("^队列"))
    await merchant.at("#file").set_input_files(receipt())
    await expect(merchant.at("#chosen")).to_be_visible()
    await merchant.say("机器冒烟了")
    await expect(rows(wang)).to_have_count(1)
    await expect(wang.page).to_have_title(re.compile(r"^\(1\) 队列"))
    await expect(wang.page.locator("#urgent")).to_have_text("有 1 张紧急工单没人接")
    await expect(wang.page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("icon-alert"))
    assert await wang.page.evaluate("window.sounds") == 2
    await wang.looks_right("queue-one")


async def _taken(wang: Seat, li: Seat) -> None:
    """Two at once: the second, whose page has not heard of the first yet, learns who was first."""
    await li.page.context.route(re.compile("/live|/lines"), lambda route: route.abort())
    await li.page.reload()
    await wang.page.keyboard.press("t")
    await expect(wang.page.locator("#ticket-head")).to_contain_text("处理中")
    await li.press("接手")
    await expect(li.page.get_by_role("alert")).to_contain_text("王芳已经先接手了")
    await li.page.context.unroute_all()
    li.complaints.clear()  # what was cut, and the refusal
    await expect(wang.page).to_have_title(re.compile(r"^\d"))  # nobody waits any more


async def _corrected(wang: Seat) -> None:
    """Several details in one form."""
    form = await open_details(wang, "改资料")
    await form.get_by_label("终端号").fill("87654321")
    await form.get_by_label("机身 SN").fill("N5W1234567")
    await form.locator("select[name=slot]").select_option(label="店名")
    await form.locator("input[name=value]").fill("老王面馆")
    await form.get_by_role("button", name="保存").click()
    for value in ("87654321", "N5W1234567", "老王面馆"):
        await expect(wang.page.locator("#ticket-packet")).to_contain_text(value)


async def _noted(wang: Seat, merchant: Tab) -> None:
    await wang.page.locator("h1").click()
    await wang.page.keyboard.press("n")
    await wang.page.keyboard.type("这台去年修过一次")
    await wang.page.keyboard.press("Control+Enter")
    await expect(wang.page.locator("#lines .line.note")).to_have_text(re.compile("这台去年修过一次"))
    await expect(merchant.at("#lines")).not_to_contain_text("去年修过")


async def _answered(wang: Seat, merchant: Tab) -> None:
    """A canned reply with its picture by keys alone, then an own picture."""
    await wang.page.locator("h1").click()
    await wang.page.keyboard.press("c")
    await expect(wang.page.locator("#canned")).to_be_visible()
    await wang.looks_right("canned")
    await wang.page.keyboard.type("要终端号")
    await wang.page.keyboard.press("Enter")
    await expect(wang.page.locator("#reply textarea")).to_have_value(re.compile("终端编号"))
    await expect(wang.page.locator("[data-attached] img")).to_be_visible()
    await wang.looks_right("reply-with-picture")
    await wang.page.keyboard.press("Control+Enter")
    await expect(merchant.at("#lines .line.staff")).to_contain_text(["终端编号"])
    await expect(merchant.at("#lines .line.staff .picture img")).to_have_count(1)
    await wang.page.locator("#photo-file").set_input_files(shot())
    await expect(wang.page.locator("[data-attached] img")).to_have_js_property("naturalWidth", 400)
    await wang.page.locator("#reply textarea").fill("贴纸在机身背面")
    await wang.press("发送")
    await expect(merchant.at("#lines .line.staff .picture img")).to_have_count(2)
    await expect(merchant.at("#lines .line.staff").last).to_contain_text("贴纸在机身背面")
    await expect(wang.page.locator("#lines .line.staff img")).to_have_count(2)
    await expect(wang.page.locator("#reply textarea")).to_have_value("")


async def _handed_back(wang: Seat, merchant: Tab) -> None:
    """The bot guides through a step, in vain."""
    form = await open_details(wang, "交还机器人")
    await form.locator("select[name=to]").select_option(index=1)
    await form.get_by_role("button", name="交还机器人").click()
    await expect(wang.page.locator("#ticket-head")).to_contain_text("等商户")
    await expect(merchant.at("#lines > .line.bot:last-child .choices button").first).to_be_enabled()
    await merchant.say("还是不行")
    await expect(wang.page.locator("#ticket-head")).not_to_contain_text("等商户")
    await expect(wang.page.locator("#lines")).to_contain_text("还是不行")


async def _solved(wang: Seat, merchant: Tab) -> None:
    await wang.page.locator("h1").click()
    await wang.page.keyboard.press("s")
    form = await open_details(wang, "解决")
    await form.locator("select[name=cause]").select_option(label="其他原因")
    await form.locator("textarea").fill("换了新电池")
    await form.get_by_role("button", name="解决").click()
    await expect(wang.page.locator("#ticket-head")).to_contain_text("已解决")
    await expect(merchant.at("#lines")).to_contain_text("换了新电池")
    await merchant.tap("没解决")
    await expect(wang.page.locator("#ticket-head")).not_to_contain_text("已解决")
    await wang.looks_right("ticket-reopened")


async def test_without_a_stream_pages_look_by_themselves(browser: Browser, told: Told) -> None:
    async with at_work(browser, told, "王芳") as (wang,), visiting(browser, told.url) as (_, merchant):
        await wang.page.context.route("**/console/live*", lambda route: route.abort())
        await wang.page.reload()
        await merchant.say("机器冒烟了")
        await expect(rows(wang)).to_have_count(1)
        await expect(wang.page).to_have_title(re.compile(r"^\(1\)"))
        await rows(wang).first.click()
        await merchant.say("烟越来越大")
        await expect(wang.page.locator("#lines")).to_contain_text("烟越来越大")
        await wang.page.locator("#reply textarea").fill("先拔电源")
        await wang.press("发送")
        await expect(merchant.at("#lines .line.staff")).to_contain_text(["先拔电源"])
        await expect(merchant.at("#lines .line.staff").last).to_be_in_viewport()
        wang.complaints.clear()  # what was cut


async def test_what_was_typed_outlives_network_and_session(browser: Browser, told: Told) -> None:
    async def without_a_session(route: Route) -> None:
        await wang.page.context.clear_cookies()
        await route.continue_()

    async with at_work(browser, told, "王芳") as (wang,), visiting(browser, told.url) as (_, merchant):
        await merchant.say("机器冒烟了")
        await rows(wang).first.click()
        reply = wang.page.locator("#reply textarea")
        await wang.page.context.route("**/act", lambda route: route.abort())
        await reply.fill("先拔电源，离远一点")
        await wang.press("发送")
        await expect(wang.page.locator("[data-unsent]")).to_be_visible()
        await expect(reply).to_have_value("先拔电源，离远一点")
        if SHOTS:
            await wang.page.screenshot(path=f"{SHOTS}/unsent.png", caret="initial")
        await wang.page.context.unroute_all()
        wang.complaints.clear()  # what was cut
        # The session ends once the button is pressed: a page that asks for anything else without one
        # goes to the login by itself, which might be before there is anything to press.
        await wang.page.context.route("**/act", without_a_session, times=1)
        await wang.press("重试")
        await expect(wang.page.get_by_label("登录名")).to_be_visible()
        await log_in(wang, "staff0", OWN)
        await expect(reply).to_have_value("先拔电源，离远一点")
        await wang.press("发送")
        await expect(merchant.at("#lines .line.staff")).to_contain_text(["先拔电源，离远一点"])
        await expect(reply).to_have_value("")
        await wang.page.reload()
        await expect(reply).to_have_value("")


async def test_what_comes_into_a_form_on_its_way_belongs_to_the_next(browser: Browser, told: Told) -> None:
    """Staff write on while a slow network carries what they sent: nothing is sent twice, nothing is lost."""
    going, photo = asyncio.Event(), asyncio.Event()

    async def later(route: Route, until: asyncio.Event) -> None:
        await until.wait()
        await route.continue_()

    async with at_work(browser, told, "王芳") as (wang,), visiting(browser, told.url) as (_, merchant):
        await merchant.say("机器冒烟了")
        await rows(wang).first.click()
        reply, box = wang.page.locator("#reply textarea"), wang.page.locator("[data-attached]")
        await wang.page.context.route("**/act", lambda route: later(route, going))
        await wang.page.context.route("**/photo", lambda route: later(route, photo))
        await reply.fill("先拔电源")
        await wang.press("发送")
        await reply.press_sequentially("，离远一点")
        await wang.page.locator("#photo-file").set_input_files(shot())
        await expect(box).to_have_attribute("data-state", "sending")
        going.set()
        await expect(merchant.at("#lines .line.staff")).to_have_text(re.compile("先拔电源$"))
        await expect(reply).to_have_value("，离远一点")
        await expect(box).to_have_attribute("data-state", "sending")
        await _noted(wang, merchant)
        await expect(box).to_have_attribute("data-state", "sending")
        photo.set()
        await expect(box.locator("img")).to_have_js_property("naturalWidth", 400)
        await wang.press("发送")
        await expect(merchant.at("#lines .line.staff").last).to_contain_text("，离远一点")
        await expect(merchant.at("#lines .line.staff .picture img")).to_have_count(1)
        await expect(reply).to_have_value("")
        await expect(box).to_be_hidden()


async def test_what_is_taken_out_goes_from_open_pages(browser: Browser, told: Told) -> None:
    async with at_work(browser, told, "王芳") as (wang,), seated(browser, told) as boss, visiting(browser, told.url) as (_, merchant):
        await merchant.say("机器冒烟了，我叫王小明")
        await rows(wang).first.click()
        line = wang.page.locator("#lines .line.merchant", has_text="王小明")
        await expect(line).to_be_visible()
        await wang.page.locator("#reply textarea").fill("写到一半")
        await boss.go("/console/queue")
        await log_in(boss, told.login, PASSWORD)
        await rows(boss).first.click()
        await boss.page.locator("#lines .line.merchant", has_text="王小明").get_by_role("button", name="抹去").click()
        await expect(boss.page.locator("#lines")).not_to_contain_text("王小明")
        await expect(wang.page.locator("#lines")).not_to_contain_text("王小明")
        await expect(wang.page.locator("#lines [data-taken-out]")).to_have_text("已抹去")
        await expect(wang.page.locator("#reply textarea")).to_have_value("写到一半")


async def test_an_answer_that_is_lost_on_the_way_back_is_not_sent_twice(browser: Browser, told: Told) -> None:
    async def lost(route: Route) -> None:
        await route.fetch()
        await route.abort()

    async with at_work(browser, told, "王芳") as (wang,), visiting(browser, told.url) as (_, merchant):
        await merchant.say("机器冒烟了")
        await rows(wang).first.click()
        await wang.page.locator("#reply textarea").fill("先拔电源")
        await wang.page.context.route("**/act", lost, times=1)
        await wang.press("发送")
        await wang.press("重试")
        await expect(wang.page.locator("#reply textarea")).to_have_value("")
        await expect(merchant.at("#lines .line.staff")).to_have_count(1)
        await expect(wang.page.locator("#lines .line.staff")).to_have_count(1)
        wang.complaints.clear()  # what was cut


async def test_pictures_are_pasted_and_taken_out_again(browser: Browser, told: Told) -> None:
    async with at_work(browser, told, "王芳") as (wang,), visiting(browser, told.url) as (_, merchant):
        await merchant.say("机器冒烟了")
        await rows(wang).first.click()
        await wang.page.locator("#reply textarea").evaluate(_PASTE)
        box = wang.page.locator("[data-attached]")
        await expect(box.locator("img")).to_have_js_property("naturalWidth", 30)
        await wang.press("不发这张")
        await expect(box).to_be_hidden()
        await wang.page.locator("#photo-file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
        await expect(box).to_contain_text("不是能打开的图片")
        wang.complaints.clear()  # the refusal


_PASTE = """
async (area) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 30;
  const blob = await new Promise((done) => canvas.toBlob(done));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([blob], "pasted.png", { type: "image/png" }));
  area.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}
"""


async def test_keys_and_sound_can_be_turned_off(browser: Browser, told: Told) -> None:
    async with at_work(browser, told, "王芳") as (wang,), visiting(browser, told.url) as (_, merchant):
        page, keys = wang.page, wang.page.locator("#keys")
        await page.keyboard.press("?")
        await expect(keys).to_be_visible()
        await wang.looks_right("keys")
        await keys.get_by_label("启用快捷键").uncheck()
        await page.keyboard.press("Escape")
        await expect(keys).to_be_hidden()
        await page.keyboard.press("/")
        await expect(page).to_have_url(re.compile("/queue"))
        await wang.press("声音开")
        await page.reload()
        await page.locator("h1").click()
        await expect(page.get_by_role("button", name="声音关")).to_be_visible()
        await merchant.say("机器冒烟了")
        await expect(page).to_have_title(re.compile(r"^\(1\)"))
        assert await page.evaluate("window.sounds") == 0
        await page.keyboard.press("?")
        await keys.get_by_label("启用快捷键").check()
        await page.keyboard.press("Escape")
        await page.keyboard.press("/")
        await expect(page).to_have_url(re.compile("/search"))
        await page.keyboard.type("g q / ?")  # into the field
        await expect(page.get_by_role("searchbox")).to_have_value("g q / ?")
        await page.locator("h1").click()
        await page.keyboard.press("g")
        await page.keyboard.press("q")
        await expect(page).to_have_url(re.compile("/queue"))


async def test_a_colleague_is_seen_typing(browser: Browser, told: Told) -> None:
    async with at_work(browser, told, "王芳", "李强") as (wang, li), visiting(browser, told.url) as (_, merchant):
        await merchant.say("机器冒烟了")
        await rows(wang).first.click()
        await rows(li).first.click()
        await expect(wang.page.locator(".watching")).to_have_text("李强也在看")
        await li.page.locator("#reply textarea").press_sequentially("先拔")
        await expect(wang.page.locator(".watching")).to_have_text("李强正在写…")
        await wang.looks_right("colleague-types")
        await li.go("/console/queue")
        await expect(wang.page.locator(".watching")).to_have_text("")
        await expect(merchant.at("#lines")).not_to_contain_text("李强")
