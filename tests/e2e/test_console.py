"""The console in a real Chromium: the first login with the password that the service told, and what an administrator does next."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import ViewportSize, expect

from .test_webchat import browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

__all__ = ["browser"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).parents[2]
PASSWORD = "客服台的新密码 2026"
SIZES: tuple[ViewportSize, ...] = ({"width": 320, "height": 640}, {"width": 390, "height": 844}, {"width": 1280, "height": 800})
EXPECTED = re.compile(r"status of 401|status of 404")
"""What Chromium's console says of a wrong password, and of a page that is not there."""
SHOTS = os.environ.get("POSBOT_SHOTS")
"""A folder for pictures of all pages, to look at them."""


@dataclass(frozen=True)
class Told:
    """What the service printed at its start."""

    url: str
    login: str
    password: str


@dataclass
class Seat:
    """A page with what goes wrong in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def looks_right(self, name: str) -> None:
        """In all sizes, light and dark: nothing sticks out, everything that can be pressed is large enough."""
        for size in SIZES:
            await self.page.set_viewport_size(size)
            assert await self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, size)
            small = await self.page.evaluate(_TOO_SMALL)
            assert small == [], (name, size)
            for scheme in ("light", "dark"):
                await self.page.emulate_media(color_scheme=scheme)
                faint = await self.page.evaluate(_TOO_FAINT)
                assert faint == [], (name, scheme)
                if SHOTS:
                    await self.page.screenshot(path=f"{SHOTS}/{name}-{size['width']}-{scheme}.png", caret="initial")  # to hide it, a style is put into the page


_TOO_SMALL = """
[...document.querySelectorAll("a.button, button, input:not([type=hidden]):not(.unseen), summary, nav a")]
    .filter((each) => each.checkVisibility()).map((each) => [each, (each.closest("label") ?? each).getBoundingClientRect()])
    .filter(([_, box]) => box.height < 34 || box.width < 34).map(([each]) => each.outerHTML)
"""
_TOO_FAINT = """
(() => {
  const parsed = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, place) => sum + c * [.2126, .7152, .0722][place], 0);
  const ground = (each) => {
    for (; each; each = each.parentElement) {
      const color = parsed(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const contrast = (one, other) => (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.checkVisibility() && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((each) => [each, contrast(light(parsed(getComputedStyle(each).color)), light(ground(each)))])
    .filter(([_, found]) => found < 4.5).map(([each, found]) => `${each.outerHTML} ${found.toFixed(2)}`);
})()
"""
"""Texts with less contrast than WCAG 2.2 AA asks for."""


@pytest_asyncio.fixture(loop_scope="module")
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    """A service as it is started the first time."""
    settings = {"POSBOT_DATABASE": str(tmp_path / "posbot.db"), "POSBOT_PORT": "0", "POSBOT_OPS_PORT": "0", "POSBOT_KNOWLEDGE": str(ROOT / "knowledge")}
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith("POSBOT_")}, **settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "serve", cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            ready, first = (await process.stdout.readline()).decode(), (await process.stdout.readline()).decode()
        url, password = re.search(r"http://\S+", ready), re.search(r"[a-z0-9]{4}(?:-[a-z0-9]{4}){3}", first)
        assert url
        assert password
        yield Told(url[0], "admin", password[0])
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def seated(browser: Browser, told: Told, **more: Any) -> AsyncIterator[Seat]:
    """Somebody before a browser. Nothing may go wrong in the page."""
    context = await browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **more)
    try:
        page = await context.new_page()
        seat = Seat(page, told.url)
        page.on("console", lambda message: seat.complaints.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: seat.complaints.append(str(error)))
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        yield seat
        assert [complaint for complaint in seat.complaints if not EXPECTED.search(complaint)] == []
    finally:
        await context.close()


async def test_the_first_day(browser: Browser, told: Told) -> None:
    async with seated(browser, told) as boss, seated(browser, told) as staff:
        await _come_in(boss, told)
        first = await _hire(boss)
        await _begin_work(staff, first)
        await _dismiss(boss)
        await staff.page.reload()
        await expect(staff.page.get_by_label("登录名")).to_be_visible()
        await _look_around_and_leave(boss)


async def _come_in(boss: Seat, told: Told) -> None:
    await boss.go("/console/audit")
    await boss.looks_right("login")
    await log_in(boss, told.login, "not this one")
    await expect(boss.page.get_by_role("alert")).to_have_text("登录名或密码不对")
    await boss.looks_right("login-wrong")
    await log_in(boss, told.login, told.password)
    await choose(boss, PASSWORD)
    await expect(boss.page.get_by_role("status")).to_have_text("新密码已生效")
    await boss.go("/console/account")
    await boss.looks_right("account")


async def _hire(boss: Seat) -> str:
    """The first password of somebody new."""
    await boss.go("/console/new-account")
    await boss.looks_right("new-account")
    await boss.page.get_by_label("登录名").fill("wangfang")
    await boss.page.get_by_label("姓名").fill("王芳 <b>&")
    await boss.page.get_by_label("组长").check()
    await boss.page.get_by_label("分组").fill("华东，风险组")
    await boss.press("添加")
    await boss.looks_right("first-password")
    first = await boss.page.locator("#first-password").inner_text()
    await boss.go("/console/accounts")
    await boss.looks_right("accounts")
    return first


async def _begin_work(staff: Seat, first: str) -> None:
    await staff.go("/console/account?done=nonsense")
    await log_in(staff, "wangfang", first)
    await staff.looks_right("password")
    await choose(staff, "一匹马和电池 123")
    await staff.go("/console/account")
    await expect(staff.page.get_by_role("link", name="审计")).to_have_count(0)
    await staff.press("离岗")
    await expect(staff.page.get_by_role("button", name="在岗")).to_be_visible()
    await expect(staff.page).to_have_url(re.compile("/console/account"))


async def _dismiss(boss: Seat) -> None:
    await boss.go("/console/accounts/wangfang")
    await expect(boss.page.get_by_role("heading", level=1)).to_have_text("王芳 <b>& 在岗")
    await boss.looks_right("member")
    await boss.press("停用账号")
    await expect(boss.page.get_by_role("status")).to_contain_text("已停用")


async def _look_around_and_leave(boss: Seat) -> None:
    await boss.page.locator("nav").get_by_role("link", name="审计").click()
    await expect(boss.page.get_by_role("cell", name="停用账号")).to_be_visible()
    await boss.looks_right("audit")
    await boss.go("/console/nothing-here")
    await boss.page.locator("summary").click()
    await boss.looks_right("missing")
    await boss.press("退出登录")
    await expect(boss.page.get_by_role("status")).to_have_text("已退出登录")
    await boss.go("/console/accounts")
    await expect(boss.page.get_by_label("登录名")).to_be_visible()


async def test_without_scripts_everything_works_as_well(browser: Browser, told: Told) -> None:
    async with seated(browser, told, java_script_enabled=False) as boss:
        await boss.go("/console")
        await log_in(boss, told.login, told.password)
        await choose(boss, PASSWORD)
        await boss.press("离岗")
        await expect(boss.page.get_by_role("button", name="在岗")).to_be_visible()


async def log_in(seat: Seat, login: str, password: str) -> None:
    await seat.page.get_by_label("登录名").fill(login)
    await seat.page.get_by_label("密码").fill(password)
    await seat.press("登录")


async def choose(seat: Seat, password: str) -> None:
    """The form that comes first."""
    await expect(seat.page.get_by_role("heading", name="先设一个自己的密码")).to_be_visible()
    await seat.page.get_by_label("新密码", exact=True).fill(password)
    await seat.page.get_by_label("再输一遍新密码").fill(password)
    await seat.press("保存新密码")
    await expect(seat.page.locator("details.menu")).to_be_visible()
