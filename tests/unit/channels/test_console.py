"""The console over a real socket: who gets where, in and out, and what somebody tries who means no good."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from bot.channels.console import Access, Options, places
from bot.channels.console.routes import PAGES
from bot.domain.staff import Permission, Role, may
from bot.service import passwords
from bot.service.sessions import IDLE, LIMITS, LONGEST
from tests.console import MINUTE, PASSWORD, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.channels.console import Page
    from bot.domain.staff import Member
    from tests.console import Browser, Stage

LOGIN, FIRST = "/console/login", "/console/password"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as running:
        yield running


def allowed(page: Page, member: Member | None) -> str:
    """What the table says: through, or where to."""
    match page.access:
        case Access.ANYBODY:
            return "through"
        case _ if member is None:
            return LOGIN
        case Access.CHANGING:
            return "through"
        case _ if member.must_change:
            return FIRST
        case Access.MEMBER:
            return "through"
        case Permission():
            return "through" if may(member, page.access) else "403"


async def outcome(browser: Browser, page: Page) -> str:
    path = re.sub(r"\{[^}]+\}", "9-nobody", page.path)
    response = await (browser.get(path) if page.method == "GET" else browser.post(path))
    assert response.status < 500
    place, _, query = response.headers.get("Location", "").partition("?")
    if place in (LOGIN, FIRST) and query != "done=logged-out":
        return place
    return "403" if response.status == 403 else "through"


async def test_every_page_lets_through_whom_the_table_says(stage: Stage) -> None:
    members: dict[str, Member | None] = {"none": None, **{str(role): await stage.member(role, role) for role in Role}}
    members["must_change"], _ = await stage.accounts.add("posbot", "new", role=Role.ADMIN)
    found, expected = {}, {}
    for page in stage.app[PAGES]:
        for actor, member in members.items():
            browser = await stage.inside(member) if member else stage.browser()
            if member is None:
                await browser.get(LOGIN)
            key = (actor, page.method, page.path)
            found[key], expected[key] = await outcome(browser, page), allowed(page, member)
    assert found == expected
    assert set(found.values()) == {"through", "403", LOGIN, FIRST}


def test_the_table_is_all_that_there_is(stage: Stage) -> None:
    routed = set()
    for route in stage.app.router.routes():
        assert route.resource
        if not route.resource.canonical.startswith("/console/static/"):
            gate, page = route.handler.func, route.handler.args[0]  # type: ignore[attr-defined]
            assert gate.__name__ == "answer"
            assert (route.method, route.resource.canonical) == (page.method, page.path.replace(":.+", ""))
            routed.add((page.method, page.path))
    assert routed == {(page.method, page.path) for page in stage.app[PAGES]}


async def test_in_and_out(stage: Stage) -> None:
    await stage.member("anna", name="安娜")
    browser = stage.browser()
    assert (await browser.get("/console/account")).headers["Location"] == "/console/login?next=%2Fconsole%2Faccount"
    assert "登录名" in await browser.page(LOGIN)
    response = await browser.post(LOGIN, login="Anna ", password=PASSWORD, next="/console/account")
    assert (response.status, response.headers["Location"]) == (303, "/console/account")
    assert "安娜" in await browser.page("/console/account")
    assert (await browser.get(LOGIN)).headers["Location"] == "/console/queue"
    kept = {cookie.key: cookie.value for cookie in browser.client.cookie_jar}
    assert (await browser.post("/console/logout")).headers["Location"].startswith(LOGIN)
    browser.client.cookie_jar.update_cookies(kept)
    assert (await browser.get("/console/account")).status == 303
    assert [what for _, what, _ in await stage.audited()][:2] == ["logged-out", "logged-in"]


async def test_who_is_wrong_hears_the_same_for_the_same_work(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown, wrong, disabled, impossible: nobody learns which logins there are."""
    await stage.member("anna")
    await stage.member("ben")
    await stage.accounts.disable("posbot", "ben")
    hasher, verified = passwords._hasher(), []
    verify = type(hasher).verify

    def counted(self: object, kept: str, password: str) -> bool:
        verified.append(kept.rpartition("$")[0].rpartition("$")[0])
        return verify(hasher, kept, password)

    monkeypatch.setattr(type(hasher), "verify", counted)
    answers = []
    for login, password in (("anna", "wrong"), ("nobody", "wrong"), ("ben", PASSWORD), ("a b c!", "wrong"), ("anna", "字" * 5000)):
        browser = stage.browser()
        response = await browser.log_in(login, password)
        answers.append((response.status, re.sub(r'value="[^"]*"|[0-9a-f]{64}| autofocus', "", await response.text())))
    assert len(set(answers)) == 1
    assert answers[0][0] == 401
    assert len(verified) == 5
    assert len(set(verified)) == 1  # the same parameters
    await asyncio.gather(*stage.sessions._notes)
    assert [entry for entry in await stage.audited() if entry[1] == "login-refused"] == [
        ("anna", "login-refused", "anna"), ("ben", "login-refused", "ben"), ("anna", "login-refused", "anna"),
    ]  # fmt: skip


async def test_who_tries_too_often_waits(tmp_path: Path) -> None:
    async with staged(tmp_path, limits=LIMITS) as stage:
        await stage.member("anna")
        browser = stage.browser()
        while (response := await browser.log_in("anna", "wrong")).status == 401:
            pass
        assert response.status == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 30
        assert response.headers["Retry-After"] in await response.text()
        assert (await browser.log_in("ANNA")).status == 429  # the right password does not help, nor another way to write the login
        stage.clock.now += 30_000_000
        assert (await browser.log_in("anna")).status == 303


async def test_nobody_shuts_a_colleague_out(tmp_path: Path) -> None:
    async with staged(tmp_path, Options(proxies=1), limits=LIMITS) as stage:
        await stage.member("anna")
        browser = stage.browser()
        browser.client.headers["X-Forwarded-For"] = "198.51.100.7"
        while (await browser.log_in("anna", "wrong")).status == 401:
            pass
        browser.client.headers["X-Forwarded-For"] = "203.0.113.9"
        assert (await browser.log_in("anna")).status == 303


async def test_guesses_for_one_account_are_few_wherever_they_come_from(tmp_path: Path) -> None:
    async with staged(tmp_path, Options(proxies=1), limits=LIMITS) as stage:
        browser, statuses = stage.browser(), []
        for number in range(41):
            browser.client.headers["X-Forwarded-For"] = f"198.51.100.{number}"
            statuses.append((await browser.log_in("nobody", "wrong")).status)
        assert statuses == [401] * 40 + [429]


async def test_one_network_cannot_try_all_logins(tmp_path: Path) -> None:
    async with staged(tmp_path, limits=LIMITS) as stage:
        browser = stage.browser()
        statuses = [(await browser.log_in(f"user{number}", "wrong")).status for number in range(31)]
        assert statuses == [401] * 30 + [429]


async def test_a_session_ends_when_nobody_comes_and_at_last_anyway(stage: Stage) -> None:
    member = await stage.member("anna")
    browser = await stage.inside(member)
    stage.clock.now += IDLE - MINUTE
    assert (await browser.get("/console/account")).status == 200
    stage.clock.now += IDLE - 1
    assert (await browser.get("/console/account")).status == 200
    stage.clock.now += IDLE
    assert (await browser.get("/console/account")).status == 303
    browser = await stage.inside(member)
    for _ in range(LONGEST // (IDLE // 2) - 1):
        stage.clock.now += IDLE // 2
        assert (await browser.get("/console/account")).status == 200
    stage.clock.now += IDLE // 2
    assert (await browser.get("/console/account")).status == 303


async def test_what_a_page_does_by_itself_keeps_no_session_alive(stage: Stage) -> None:
    id = await stage.sessions.open(await stage.member("anna"), "test")
    assert id
    for _ in range(2):
        stage.clock.now += IDLE // 2 - 1
        assert await stage.sessions.member(id, background=True)
    stage.clock.now += 2
    assert await stage.sessions.member(id, background=True) is None


async def test_the_cookie_can_be_read_by_nobody_else(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        plain = (await stage.browser().get(LOGIN)).headers["Set-Cookie"]
    assert re.fullmatch(r"posbot_staff=[\w-]{43}; HttpOnly; Path=/console; SameSite=Lax", plain)
    async with staged(tmp_path, Options(https=True)) as stage:
        await stage.member("anna")
        browser = stage.browser()
        assert "; Secure" in (await browser.get(LOGIN)).headers["Set-Cookie"]
    async with staged(tmp_path, Options(proxies=1)) as stage:
        assert "; Secure" in (await stage.browser().get(LOGIN, **{"X-Forwarded-Proto": "https"})).headers["Set-Cookie"]


async def test_the_id_changes_with_the_login_and_only_its_hash_is_kept(stage: Stage) -> None:
    await stage.member("anna")
    browser = stage.browser()
    await browser.get(LOGIN)
    before = {cookie.value for cookie in browser.client.cookie_jar}
    await browser.log_in("anna")
    (after,) = {cookie.value for cookie in browser.client.cookie_jar}
    assert after not in before
    rows = await stage.store.staff._read("SELECT hash FROM session", ())
    assert [len(hash) for (hash,) in rows] == [64]
    assert after not in str(rows)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
    ],
    ids=str,
)
async def test_a_form_of_another_site_does_nothing(stage: Stage, headers: dict[str, str]) -> None:
    browser = await stage.inside(await stage.member("anna"))
    own = {name: value.replace("{own}", stage.url) for name, value in headers.items()}
    response = await browser.post("/console/duty", own, on="yes")
    assert response.status == 403
    found = await stage.accounts.member("anna")
    assert found
    assert not found.on_duty


async def test_a_form_needs_the_token_of_its_session(stage: Stage) -> None:
    anna, ben = await stage.member("anna"), await stage.member("ben")
    browser, other = await stage.inside(anna), await stage.inside(ben)
    for token in ("", "x", "é", other.token, browser.token.upper()):
        assert (await browser.post("/console/duty", token=token, on="yes")).status == 403
    assert (await browser.post("/console/duty", {"Sec-Fetch-Site": "same-origin"}, on="yes")).status == 303
    by_htmx = {"Origin": stage.url, "X-CSRF-Token": browser.token}
    assert (await browser.post("/console/duty", by_htmx, token="", on="no")).status == 303
    assert (await stage.browser().post(LOGIN, login="anna", password=PASSWORD)).status == 403  # no cookie, no token


async def test_looking_changes_nothing(stage: Stage) -> None:
    """Not even a form's own address with GET."""
    browser = await stage.inside(await stage.member("admin", Role.ADMIN))
    await stage.member("ben")
    for path in ("duty?on=yes", "logout", "accounts/ben/disable", "accounts/ben/reset"):
        assert (await browser.get(f"/console/{path}")).status == 404
    assert (await browser.get("/console/account")).status == 200


async def test_a_disabled_member_is_out_at_once(stage: Stage) -> None:
    admin, ben = await stage.member("admin", Role.ADMIN), await stage.member("ben")
    boss, browser = await stage.inside(admin), await stage.inside(ben)
    assert (await boss.post("/console/accounts/ben/disable")).headers["Location"] == "/console/accounts/ben?done=disabled"
    assert (await browser.get("/console/account")).status == 303
    assert (await browser.log_in("ben")).status == 401
    assert (await boss.post("/console/accounts/ben/enable")).status == 303
    assert (await browser.log_in("ben")).status == 303
    assert (await boss.post("/console/accounts/admin/disable")).status == 422
    assert (await boss.get("/console/account")).status == 200


async def test_another_password_ends_the_other_sessions(stage: Stage) -> None:
    anna = await stage.member("anna")
    here, elsewhere = await stage.inside(anna), await stage.inside(anna)
    path, new = "/console/account/password", "a brand new one 1"
    forms: list[tuple[dict[str, str], str]] = [
        ({"current": "wrong", "password": new, "again": new}, "现在的密码不对"),
        ({"current": PASSWORD, "password": new, "again": "another"}, "不一样"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "太短"),
        ({"current": PASSWORD, "password": PASSWORD, "again": PASSWORD}, "和原来的一样"),
    ]
    for form, told in forms:
        response = await here.post(path, None, **form)
        assert response.status == 422
        assert told in await response.text()
    assert (await elsewhere.get("/console/account")).status == 200
    assert (await here.post(path, current=PASSWORD, password=new, again=new)).status == 303
    assert (await here.get("/console/account")).status == 200
    assert (await elsewhere.get("/console/account")).status == 303
    assert (await elsewhere.log_in("anna")).status == 401
    assert (await elsewhere.log_in("anna", new)).status == 303


async def test_a_first_password_must_be_changed_before_anything_else(stage: Stage) -> None:
    boss = await stage.inside(await stage.member("admin", Role.ADMIN))
    response = await boss.post("/console/new-account", login="Ben", name="本", role="lead", groups="华东，风险")
    found = re.search(r'id="first-password">([^<]+)<', await response.text())
    assert found
    browser = stage.browser()
    await browser.log_in("ben", found[1])
    assert (await browser.get("/console/account")).headers["Location"] == FIRST
    assert (await browser.post("/console/duty", on="yes")).headers["Location"] == FIRST
    assert (await browser.post(FIRST, password="ben1234ben", again="ben1234ben")).status == 422
    assert (await browser.post(FIRST, password=PASSWORD, again=PASSWORD)).headers["Location"].startswith("/console")
    page = await browser.page("/console/account")
    assert "本" in page
    assert "华东" in page
    assert (await browser.post(FIRST, password="stolen session 1", again="stolen session 1")).headers["Location"] == "/console/account"
    assert (await stage.browser().log_in("ben")).status == 303  # what a session alone cannot change
    assert [what for _, what, _ in await stage.audited()][:4] == ["logged-in", "logged-in", "password-changed", "logged-in"]


async def test_administrators_change_accounts(stage: Stage) -> None:
    boss = await stage.inside(await stage.member("admin", Role.ADMIN))
    await stage.member("ben")
    assert (await boss.post("/console/accounts/ben", name="小本", role="editor", groups="")).status == 303
    found = await stage.accounts.member("ben")
    assert found
    assert (found.name, found.role, found.groups) == ("小本", Role.EDITOR, ())
    assert (await boss.post("/console/accounts/ben", name="", role="editor", groups="")).status == 422
    assert (await boss.post("/console/accounts/ben", name="x", role="king", groups="")).status == 422
    assert (await boss.post("/console/accounts/admin", name="admin", role="staff", groups="")).status == 422
    assert (await boss.get("/console/accounts/nobody")).status == 404
    assert (await boss.post("/console/new-account", login="BEN", role="staff")).status == 422
    assert (await boss.post("/console/new-account", login="posbot", role="staff")).status == 422
    response = await boss.post("/console/accounts/ben/reset")
    assert re.search(r'id="first-password">[^<]+<', await response.text())
    assert (await stage.browser().log_in("ben")).status == 401
    assert "小本" in await boss.page("/console/accounts")
    assert "重置密码" in await boss.page("/console/audit")


async def test_the_audit_is_paged(stage: Stage) -> None:
    boss = await stage.inside(await stage.member("admin", Role.ADMIN))
    for number in range(60):
        await stage.accounts.set_duty("admin", on_duty=number % 2 == 0)
    first = await boss.page("/console/audit")
    link = re.search(r'"/console/audit\?before=(\d+)"', first)
    assert link
    second = await boss.page(f"/console/audit?before={link[1]}")
    assert first.count("<tr>") == 51
    assert "更早" not in second
    for before in ("0", "-1", "x", "9" * 30):
        assert (await boss.get(f"/console/audit?before={before}")).status == 422


XSS = '"><script>alert(1)</script>'


async def test_names_are_text(stage: Stage) -> None:
    await stage.member("ben", name=XSS, groups=(XSS,))
    boss = await stage.inside(await stage.member("admin", Role.ADMIN, name=XSS))
    await stage.accounts.rename("admin", "ben", f"{XSS}!")
    for path in ("accounts", "accounts/ben", "audit", "account", "nothing", f"login?next={XSS}", f"account?done={XSS}"):
        response = await boss.get(f"/console/{path}")
        assert "<script>alert" not in await response.text()
    response = await boss.post("/console/new-account", login=XSS, name=XSS, role="x", groups=XSS)
    assert "<script>alert" not in await response.text()
    response = await stage.browser().log_in(XSS)
    assert "<script>alert" not in await response.text()


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/console/../evil", "/console//evil.example", "javascript:alert(1)",
        "/consolevil", "/console@evil.example", "/console/\r\nSet-Cookie: a=b", "/console?a=\n", " /console", "http:/console", "/console/%2e%2e/x\\", "/",
        "/chat", "/console/x?next=" + "a" * 600,
    ],
)  # fmt: skip
async def test_a_link_to_the_login_leads_nowhere_else(stage: Stage, place: str) -> None:
    await stage.member("anna")
    assert places.local(place) == ""
    response = await stage.browser().log_in("anna", next=place)
    assert response.headers["Location"] == "/console/queue"


def test_places_of_ours_are_kept() -> None:
    for place in ("/console", "/console/", "/console/queue", "/console/tickets/T-1?tab=a&after=3", "/console/search?q=%E6%89%A3+%E6%AC%BE"):
        assert places.local(place) == place


async def test_every_answer_has_the_headers(stage: Stage) -> None:
    browser = await stage.inside(await stage.member("anna"))
    for path in ("/console", "/console/account", "/console/login", "/console/accounts", "/console/nothing", "/console/static/console.css"):
        response = await browser.get(path)
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")
    page = await browser.page("/console/account")
    files = re.findall(r'"(/console/static/[^"]+)"', page)
    assert len(files) >= 5
    for file in files:
        response = await browser.get(file)
        assert "immutable" in response.headers["Cache-Control"]
    assert not re.search(r"<script(?! src)|<style|\sstyle=|\son[a-z]+=", page)


async def test_htmx_is_told_to_load_the_login(stage: Stage) -> None:
    browser = stage.browser()
    response = await browser.get("/console/queue/rows", **{"HX-Request": "true", "HX-Current-URL": f"{stage.url}/console/account?a=1"})
    assert (response.status, response.headers["HX-Redirect"]) == (401, "/console/login?next=%2Fconsole%2Faccount%3Fa%3D1")
    response = await browser.get("/console/queue/rows", **{"HX-Request": "true", "HX-Current-URL": "https://evil.example/"})
    assert response.headers["HX-Redirect"] == LOGIN
    browser = await stage.inside(await stage.member("anna"))
    response = await browser.get("/console/accounts", **{"HX-Request": "true"})
    assert (response.status, response.content_type) == (403, "text/plain")


async def test_odd_cookies_and_addresses_are_nobodys(stage: Stage) -> None:
    host = stage.url.removeprefix("http://")
    for header in (b"Cookie: posbot_staff=\xff\xfe", b"Cookie: posbot_staff=" + b"a" * 6000, b"Cookie: posbot_staff=\xed\xa0\x80; posbot_staff=b"):
        for line in (b"GET /console/account", b"GET /console/login?next=%ff%00&done=%ed%a0%80", b"POST /console/login"):
            reader, writer = await asyncio.open_connection(*host.split(":"))
            more = b"HX-Request: true\r\nHX-Current-URL: http://[bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(line + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n" + header + b"\r\n" + more)
            assert (await reader.readline()).split()[1] in (b"200", b"303", b"400", b"401", b"403"), (header, line)
            writer.close()
            await writer.wait_closed()


async def test_bad_forms_are_answered(stage: Stage) -> None:
    browser = await stage.inside(await stage.member("anna"))
    sent = {"Origin": stage.url, "X-CSRF-Token": browser.token, "Content-Type": "application/x-www-form-urlencoded"}
    for body, status in ((b"on=\xff\xfe", 400), (b"a&" * 1000, 400), (b"a=" + b"x" * (1 << 18), 413), (b"on=%00%ff%ed%a0%80", 303), (b"", 303)):
        response = await browser.client.post(f"{stage.url}/console/duty", data=body, headers=sent, allow_redirects=False)
        assert response.status == status


async def test_without_the_database_pages_say_so(stage: Stage) -> None:
    browser = await stage.inside(await stage.member("anna"))
    await stage.store._reading.close()
    response = await browser.get("/console/account")
    assert response.status == 503
    assert response.headers["Retry-After"] == "2"
    assert "数据库" in await response.text()


async def test_an_old_hash_is_renewed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.member("anna")
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(passwords.normal(PASSWORD))
    await stage.store.staff.rehash("anna", (await stage.store.staff.member("anna") or ("", ""))[1], weak)
    assert (await stage.browser().log_in("anna")).status == 303
    found = await stage.store.staff.member("anna")
    assert found
    assert f"m={passwords.MEMORY_KIB},t={passwords.TURNS}" in found[1]
    assert (await stage.browser().log_in("anna")).status == 303


async def test_the_navigation_shows_what_somebody_may_see(stage: Stage) -> None:
    boss = await stage.inside(await stage.member("admin", Role.ADMIN))
    anna = await stage.inside(await stage.member("anna"))
    assert "/console/audit" in await boss.page("/console/account")
    assert "/console/audit" not in await anna.page("/console/account")
    assert "/console/duty" in await anna.page("/console/account")
    editor = await stage.inside(await stage.member("eve", Role.EDITOR))
    assert "/console/duty" not in await editor.page("/console/account")
