"""The page in a real Chromium: what a merchant with a phone does, and what goes wrong on the way."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image
from playwright.async_api import FilePayload, ViewportSize, async_playwright, expect

from bot.channels.webchat import passes
from tests.webchat import OPTIONS, Stage, microseconds, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, BrowserContext, FrameLocator, Locator, Page, Route

    from bot import app

pytestmark = pytest.mark.asyncio(loop_scope="module")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SECRET = b"shared with the shop's server"
SHOTS = os.environ.get("POSBOT_SHOTS")
"""A folder for pictures, to look at them."""
PHONE: ViewportSize = {"width": 390, "height": 844}
EXPECTED = re.compile(r"Failed to load resource")
"""What the console says when a test cuts the connection."""
expect.set_options(timeout=15_000)


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium")
    return next((found for name in (os.environ.get("CHROMIUM", ""), *names) if name and (found := shutil.which(name))), None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium found; set CHROMIUM to one")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, mind: app.Mind) -> AsyncIterator[Stage]:
    options = replace(OPTIONS, merchant_secrets=(SECRET,), frame_ancestors=("'self'", "http://localhost:*"))
    async with staged(tmp_path_factory.mktemp("webchat"), mind, options) as running:
        yield running


@dataclass
class Tab:
    """A page with what a test does on it, or the page in a frame of another one."""

    page: Page
    inside: Page | FrameLocator
    complaints: list[str] = field(default_factory=list)

    def at(self, selector: str) -> Locator:
        return self.inside.locator(selector)

    async def say(self, text: str) -> None:
        await self.at("#text").fill(text)
        await self.at("#send").click()

    async def tap(self, label: str) -> None:
        await self.at("#lines > :last-child .choices button").filter(has_text=re.compile(f"^{label}$")).click()

    async def answered(self, turns: int) -> None:
        """So many messages of the merchant are there, and the bot has answered the last."""
        await expect(self.at("#lines .line.me")).to_have_count(turns)
        await expect(self.at("#unsent .line")).to_have_count(0)
        await expect(self.at("#lines > .line.bot:last-child")).to_be_visible()

    @property
    def mine(self) -> Locator:
        return self.at("#lines .line.me .bubble")


@asynccontextmanager
async def visiting(browser: Browser, url: str, **more: Any) -> AsyncIterator[tuple[BrowserContext, Tab]]:
    """A new visitor with a phone. Nothing may go wrong in the page."""
    context = await browser.new_context(**{"viewport": PHONE, "has_touch": True, "locale": "zh-CN", "timezone_id": "Asia/Shanghai", **more})
    try:
        tab = await opened(context, url)
        yield context, tab
        assert [complaint for complaint in tab.complaints if not EXPECTED.search(complaint)] == []
    finally:
        await context.close()


async def opened(context: BrowserContext, url: str) -> Tab:
    page = await context.new_page()
    tab = Tab(page, page)
    page.on("console", lambda message: tab.complaints.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    await page.goto(url)
    await expect(page.locator("html.online #log[aria-busy=false]")).to_be_visible()
    return tab


async def texts(context: BrowserContext, stage: Stage) -> list[str]:
    """What the server keeps of the merchant's messages."""
    (cookie,) = await context.cookies()
    headers = {"Authorization": f"Bearer {cookie['value']}"}
    async with aiohttp.ClientSession(stage.url, headers=headers) as http, http.get("/chat/messages") as response:
        return [line.get("text", line.get("label")) for line in (await response.json())["lines"] if line["side"] == "merchant"]


def receipt() -> FilePayload:
    data = io.BytesIO()
    Image.new("RGB", (300, 600), (250, 250, 240)).save(data, "PNG")
    return {"name": "receipt.png", "mimeType": "image/png", "buffer": data.getvalue()}


async def cut(route: Route) -> None:
    """Nothing that is sent arrives."""
    await (route.abort() if route.request.method == "POST" else route.continue_())


async def test_a_whole_conversation(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (context, tab):
        await expect(tab.at("#lines .line.bot .bubble")).to_have_count(1)  # the greeting
        await tab.say("客人说扣了钱，我这边没出小票")
        await tab.answered(1)
        assert await tab.at(".choices button:enabled").count() == await tab.at("#lines > :last-child .choices button").count() > 1
        await tab.tap("失败")
        await tab.answered(2)
        await expect(tab.at(".choices button.picked")).to_have_text("失败")
        await expect(tab.at(".choices button.picked")).to_be_disabled()
        await expect(tab.at("#human")).to_be_in_viewport()
        await tab.at("#human").click()
        await tab.answered(3)
        assert await texts(context, stage) == ["客人说扣了钱,我这边没出小票", "失败", "转人工"]


async def test_card_numbers_vanish_from_the_page(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (_, tab):
        await tab.say("卡号6222021234567890128刷不了")
        await tab.answered(1)
        await expect(tab.mine).to_contain_text("622202*")


async def test_a_photo_with_a_caption(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (_, tab):
        await tab.at("#file").set_input_files(receipt())
        await expect(tab.at("#chosen")).to_be_visible()
        await tab.say("小票在这里")
        await tab.answered(1)
        await expect(tab.mine).to_have_text("小票在这里")
        await tab.page.reload()
        await tab.at(".picture img").click()
        await expect(tab.at("#zoomed")).to_be_visible()
        assert await tab.at("#zoomed").evaluate("image => image.naturalHeight") == 600
        await tab.page.keyboard.press("Escape")
        await expect(tab.at("#zoomed")).to_be_hidden()


async def test_what_is_no_picture_is_refused_with_a_reason(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (_, tab):
        await tab.at("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
        await tab.at("#send").click()
        await expect(tab.at(".state.refused")).to_contain_text("JPG")
        await tab.at(".state.refused button").click()
        await expect(tab.at("#unsent .line")).to_have_count(0)


async def test_offline_and_back(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (context, tab):
        await tab.say("没出票")
        await tab.answered(1)
        await context.set_offline(True)
        await expect(tab.at("html.offline")).to_be_attached()
        await tab.say("客人等着呢")
        await tab.say("怎么办")
        await expect(tab.at("#unsent .state.waiting")).to_have_count(2)
        await _from_elsewhere(context, stage, "另一台手机说的")  # while nobody hears
        await context.set_offline(False)
        await tab.answered(4)
        assert await tab.mine.all_text_contents() == ["没出票", "另一台手机说的", "客人等着呢", "怎么办"]
        assert await texts(context, stage) == ["没出票", "另一台手机说的", "客人等着呢", "怎么办"]


async def _from_elsewhere(context: BrowserContext, stage: Stage, text: str) -> None:
    (cookie,) = await context.cookies()
    headers = {"Authorization": f"Bearer {cookie['value']}"}
    async with aiohttp.ClientSession(stage.url, headers=headers) as http:
        async with http.post("/chat/messages", json={"client_id": secrets.token_hex(8), "text": text}) as response:
            assert response.status == 202
        async with http.get("/chat/messages?wait=25") as response:
            await response.read()


async def test_a_failed_message_can_be_sent_again_and_is_there_once(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (context, tab):
        await tab.page.route("**/chat/messages", _taken_but_not_answered)
        await tab.say("没出票")
        await tab.answered(1)  # its line came by the stream all the same
        await tab.page.unroute("**/chat/messages")
        await tab.page.route("**/chat/messages", cut)
        await tab.say("第二句")
        await expect(tab.at(".state.failed")).to_be_visible()
        await tab.page.unroute("**/chat/messages")
        await tab.at(".state.failed button").click()
        await tab.answered(2)
        assert await texts(context, stage) == ["没出票", "第二句"]


async def _taken_but_not_answered(route: Route) -> None:
    if route.request.method == "POST":
        await route.fetch()
        await route.abort()
    else:
        await route.continue_()


async def test_what_was_not_sent_survives_a_reload(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (context, tab):
        await tab.page.route("**/chat/messages", cut)
        await tab.say("没出票")
        await tab.say("客人等着呢")
        await expect(tab.at("#unsent .line")).to_have_count(2)
        await tab.page.reload()
        await expect(tab.at("#unsent .line")).to_have_count(2)
        await tab.page.unroute("**/chat/messages")
        await tab.page.reload()
        await tab.answered(2)
        assert await texts(context, stage) == ["没出票", "客人等着呢"]


async def test_a_reload_brings_the_conversation_back(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (context, tab):
        await tab.say("没出票")
        await tab.answered(1)
        before = await tab.at("#lines .bubble").all_text_contents()
        await tab.page.reload()
        await tab.answered(1)
        assert await tab.at("#lines .bubble").all_text_contents() == before
        assert await tab.at("#lines > :last-child .choices button:enabled").count() > 1
        other = await browser.new_context()
        stranger = await opened(other, stage.url)
        await expect(stranger.mine).to_have_count(0)
        await other.close()
        assert len(await context.cookies()) == 1


async def test_two_tabs_show_the_same_and_forget_together(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url) as (context, one):
        two = await opened(context, stage.url)
        await one.say("没出票")
        await two.answered(1)
        await two.tap("转人工")
        await one.answered(2)
        assert await one.at("#lines .bubble").all_text_contents() == await two.at("#lines .bubble").all_text_contents()
        await one.at("#delete").click()
        await one.at("#ask-yes").click()
        for tab in (one, two):
            await expect(tab.mine).to_have_count(0)
            await expect(tab.at("#lines .line.bot")).to_have_count(1)
        await expect(one.at(".notice")).to_be_visible()
        await two.say("打印机没纸了")
        await two.answered(1)
        await one.answered(1)


async def test_the_page_begins_with_the_last_lines_and_goes_back(browser: Browser, stage: Stage) -> None:
    """By a press, then by scrolling up; nothing is doubled, and what was looked at stays where it was."""
    async with visiting(browser, stage.url) as (context, tab):
        await tab.say("没出票")
        await tab.answered(1)
        ((id,),) = await stage.store._read("SELECT max(id) FROM conversation")
        rows = [(id, json.dumps({"bubbles": [f"第{number}条"], "choices": []}, ensure_ascii=False)) for number in range(1, 251)]
        insert = "INSERT INTO message (conversation, side, body, knowledge, at) VALUES (?, 'bot', ?, 'k', 1760000000000000)"
        await stage.store._writer.run(lambda connection: connection.executemany(insert, rows))
        fresh = await opened(context, stage.url)
        numbered = fresh.at("#lines .line.bot .bubble").filter(has_text=re.compile("^第"))
        await expect(numbered).to_have_count(100)
        assert await numbered.first.text_content() == "第151条"
        await expect(fresh.at("#earlier")).to_be_visible()
        await fresh.at("#earlier").dispatch_event("click")
        await expect(numbered).to_have_count(200)
        seen = await fresh.at("#log").evaluate("log => log.scrollTop")
        assert seen > 1000
        if SHOTS:
            await fresh.page.screenshot(path=f"{SHOTS}/webchat-earlier.png")
        await fresh.at("#log").evaluate("log => { log.scrollTop = 30; }")
        await expect(numbered).to_have_count(250)
        await expect(fresh.at("#earlier")).to_be_hidden()
        assert await numbered.all_text_contents() == [f"第{number}条" for number in range(1, 251)]
        await fresh.say("打印机没纸了")
        await fresh.answered(2)


async def test_what_is_deleted_is_told_first_and_confirmed(browser: Browser, stage: Stage) -> None:
    """With an open ticket; then once more in words."""
    async with visiting(browser, stage.url) as (_, tab):
        await tab.say("机器冒烟了")
        await tab.answered(1)
        await tab.at("#delete").click()
        await expect(tab.at("#ask-open")).to_contain_text("还没办完")
        if SHOTS:
            for scheme in ("light", "dark"):
                await tab.page.emulate_media(color_scheme=scheme)
                await tab.page.screenshot(path=f"{SHOTS}/webchat-delete-{scheme}.png")
        await tab.at("#ask-no").click()
        await expect(tab.mine).to_have_count(1)
        await tab.say("删除我的数据")
        await tab.answered(2)
        await tab.tap("确认删除")
        await expect(tab.at("#lines .bubble").last).to_contain_text("都已经删除")
        await expect(tab.mine).to_have_count(0)
        await tab.say("没出票")
        await tab.answered(1)
        await tab.at("#delete").click()
        await expect(tab.at("#ask-open")).to_be_hidden()
        await tab.at("#ask-yes").click()
        await expect(tab.mine).to_have_count(0)


@pytest.mark.parametrize("scale", [1, 2])
async def test_a_narrow_phone_needs_no_sideways_scrolling(browser: Browser, stage: Stage, scale: int) -> None:
    async with visiting(browser, stage.url, viewport={"width": 320, "height": 568}) as (_, tab):
        await tab.page.evaluate(f"document.documentElement.style.fontSize = '{100 * scale}%'")
        await tab.say("https://example.com/" + "a" * 300)
        await tab.answered(1)
        await tab.say("客人说扣了钱，我这边没出小票")
        await tab.answered(2)
        for selector in ("html", "body", "#log", "header", "footer"):
            wide, seen = await tab.at(selector).evaluate("element => [element.scrollWidth, element.clientWidth]")
            assert wide <= max(seen, 320), selector
        for selector in ("#human", "#send", "#photo", "#delete"):
            box = await tab.at(selector).bounding_box()
            assert box is not None
            assert box["x"] >= 0, selector
            assert box["x"] + box["width"] <= 320, selector
        await expect(tab.at("#human")).to_be_in_viewport(ratio=1)


async def test_a_long_answer_is_shown_from_its_beginning(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url, viewport={"width": 320, "height": 480}) as (_, tab):
        await tab.say("客人说扣了钱，我这边没出小票")
        await tab.answered(1)
        await expect(tab.mine).to_be_in_viewport()
        await tab.at("#down").click()
        await expect(tab.at("#lines > :last-child .choices button").last).to_be_in_viewport()
        await expect(tab.at("#down")).to_be_hidden()


async def test_with_the_keyboard_alone(browser: Browser, stage: Stage) -> None:
    async with visiting(browser, stage.url, has_touch=False) as (_, tab):
        press = tab.page.keyboard.press
        await tab.at("#text").focus()
        await tab.page.keyboard.type("客人说扣了钱，我这边没出小票")
        await press("Enter")
        await tab.answered(1)
        await press("Shift+Tab")
        await expect(tab.at("#photo")).to_be_focused()
        for _ in range(20):
            await press("Shift+Tab")
            if await tab.at("#lines > :last-child .choices button").first.evaluate("button => button === document.activeElement"):
                break
        await press("Enter")
        await tab.answered(2)
        await expect(tab.at("#text")).to_be_focused()
        for _ in range(2):
            await press("Tab")
        await expect(tab.at("#delete")).to_be_focused()
        await press("Enter")
        await expect(tab.at("#ask-no")).to_be_focused()
        await press("Tab")
        await expect(tab.at("#ask-yes")).to_be_focused()
        await press("Tab")
        await expect(tab.at("#ask-no")).to_be_focused()
        await press("Escape")
        await expect(tab.at("#delete")).to_be_focused()
        await expect(tab.mine).to_have_count(2)


async def test_where_streams_are_blocked_the_page_asks_instead(browser: Browser, stage: Stage) -> None:
    context = await browser.new_context(viewport=PHONE)
    await context.route("**/chat/events*", lambda route: route.abort())
    tab = await opened(context, stage.url)
    await tab.say("没出票")
    await tab.answered(1)
    await _from_elsewhere(context, stage, "另一台手机说的")
    await tab.answered(2)
    await context.close()


def identity() -> str:
    return passes.signed({"merchant": secrets.token_hex(4), "expires": microseconds() // 1_000_000 + 600}, SECRET)


@asynccontextmanager
async def another_site(stage: Stage, merchant: str | None = None) -> AsyncIterator[str]:
    """A page of somebody else (for a browser, localhost is another site than 127.0.0.1) with the one line in it."""
    known = f' data-merchant="{merchant}"' if merchant else ""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=f'<!doctype html><title>shop</title><h1>shop</h1><script src="{stage.url}embed.js"{known}></script>', content_type="text/html")

    application = web.Application()
    application.router.add_get("/", page)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    try:
        yield f"http://localhost:{server.port}/"
    finally:
        await server.close()


@pytest.mark.parametrize("merchant", [None, identity()], ids=["anonymous", "signed"])
async def test_in_a_frame_of_another_site(browser: Browser, stage: Stage, merchant: str | None) -> None:
    async with another_site(stage, merchant) as url:
        context = await browser.new_context(viewport=PHONE)
        page = await context.new_page()
        tab = Tab(page, page.frame_locator("iframe"))
        for visit in (1, 2):  # without cookies and storage, only who is signed is known the second time
            await page.goto(url)
            for opening in (0, 1):
                await page.locator("button[aria-expanded]").click()
                await expect(tab.at("html.online #log[aria-busy=false]")).to_be_visible()
                await tab.say("没出票")
                await tab.answered((2 * (visit - 1) if merchant else 0) + opening + 1)
                await tab.at("#close").click()
                await expect(page.locator("iframe")).to_be_hidden()
        assert await context.cookies() == []
        await context.close()
