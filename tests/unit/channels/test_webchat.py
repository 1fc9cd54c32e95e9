"""The web chat's interface: who may see what, what happens once, what is refused, and that nothing is lost between two connections."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import re
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

from bot.channels.webchat import Limit, Options, page, passes
from bot.channels.webchat.lines import shown
from bot.domain.messages import Address
from bot.service.ports import Line
from bot.wording import sentences
from tests.webchat import OPTIONS, Stage, microseconds, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot import app

SECRET = b"shared with the shop's server"
HOUR = 3600


@dataclass
class Visitor:
    """Somebody with a browser of their own."""

    http: aiohttp.ClientSession

    async def session(self, **body: Any) -> dict[str, Any]:
        return await self.ask("POST", "/chat/session", json=body)

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> dict[str, Any]:
        async with self.http.request(method, path, **more) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == status, answer
            return answer

    async def say(self, text: str, client_id: str | None = None, status: int = 202) -> str:
        client_id = client_id or secrets.token_hex(8)
        await self.ask("POST", "/chat/messages", status, json={"client_id": client_id, "text": text})
        return client_id

    async def lines(self, after: int = 0, wait: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.ask("GET", f"/chat/messages?after={after}&wait={wait}"))["lines"]
        return found

    async def answered(self, after: int = 0) -> list[dict[str, Any]]:
        """Lines up to the next one of the bot."""
        found: list[dict[str, Any]] = []
        while not any(line["side"] == "bot" for line in found):
            found += await self.lines(found[-1]["id"] if found else after, 25)
        return found

    async def events(self, events: int, begun: asyncio.Event | None = None, /, **headers: str) -> list[tuple[str, str, Any]]:
        """The next so many server-sent events: id, name, data; `begun` is set with the first one."""
        found: list[tuple[str, str, Any]] = []
        async with self.http.get("/chat/events", headers=headers) as response:
            assert response.status == 200
            block: dict[str, str] = {}
            while len(found) < events:
                row = (await response.content.readline()).decode().rstrip("\n")
                if row:
                    name, _, value = row.partition(": ")
                    block[name] = value
                elif "data" in block:
                    found.append((block.get("id", ""), block.get("event", ""), json.loads(block["data"])))
                    block = {}
                    if begun:
                        begun.set()
                else:
                    block = {}
        return found


@asynccontextmanager
async def visiting(stage: Stage) -> AsyncIterator[Visitor]:
    """A visitor who has a session."""
    async with aiohttp.ClientSession(stage.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        visitor = Visitor(http)
        await visitor.session()
        yield visitor


@pytest.fixture
async def stage(tmp_path: Path, mind: app.Mind) -> AsyncIterator[Stage]:
    async with staged(tmp_path, mind, replace(OPTIONS, merchant_secrets=(SECRET,))) as running:
        yield running


@pytest.fixture
async def anna(stage: Stage) -> AsyncIterator[Visitor]:
    async with visiting(stage) as visitor:
        yield visitor


@pytest.fixture
async def ben(stage: Stage) -> AsyncIterator[Visitor]:
    async with visiting(stage) as visitor:
        yield visitor


def picture(size: tuple[int, int] = (60, 40)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(data, "PNG")
    return data.getvalue()


def form(client_id: str = "photo-0001", data: bytes | None = None, **fields: str) -> aiohttp.FormData:
    made = aiohttp.FormData()
    made.add_field("client_id", client_id)
    for name, value in fields.items():
        made.add_field(name, value)
    made.add_field("photo", io.BytesIO(picture() if data is None else data), filename="a.png", content_type="image/png")
    return made


def identity(secret: bytes = SECRET, **claims: Any) -> str:
    return passes.signed({"merchant": "M-1001", "expires": microseconds() // 1_000_000 + 600, **claims}, secret)


# ---- sessions


async def test_a_first_visit_gets_a_token_that_only_its_hash_remembers(stage: Stage) -> None:
    async with aiohttp.ClientSession(stage.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http, http.post("/chat/session", json={}) as response:
        answer = await response.json()
        cookie = response.cookies["posbot"]
        assert (cookie.value, cookie["httponly"], cookie["samesite"], cookie["secure"]) == (answer["token"], True, "Lax", "")
        assert set(answer) == {"token", "visitor", "identified", "welcome", "telegram"}
        assert answer["welcome"]["bubbles"]
        await Visitor(http).say("没出票")
        chat = hashlib.sha256(answer["token"].encode()).hexdigest()
        assert await stage.store.conversation(Address(channel="web", chat=chat))


async def test_a_visitor_who_is_known_stays_the_same(anna: Visitor) -> None:
    first, second = await anna.session(), await anna.session()
    assert first["token"] is second["token"] is None
    assert first["visitor"] == second["visitor"]


async def test_a_token_in_a_header_does_where_cookies_are_blocked(stage: Stage, anna: Visitor) -> None:
    async with aiohttp.ClientSession(stage.url, cookie_jar=aiohttp.DummyCookieJar()) as http:
        token = (await Visitor(http).session())["token"]
        await Visitor(http).ask("GET", "/chat/messages", 401)
        http.headers["Authorization"] = f"Bearer {token}"
        assert (await Visitor(http).session())["token"] is None
        await Visitor(http).say("没出票")
        assert len(await Visitor(http).answered()) == 2
    assert await anna.lines() == []


async def test_https_makes_the_cookie_secure(tmp_path: Path, mind: app.Mind) -> None:
    async with (
        staged(tmp_path, mind, replace(OPTIONS, proxies=1)) as stage,
        aiohttp.ClientSession(stage.url) as http,
        http.post("/chat/session", json={}, headers={"X-Forwarded-Proto": "https"}) as response,
    ):
        assert response.cookies["posbot"]["secure"]


@pytest.mark.parametrize("token", ["", "short", "x" * 42, "a.b", "x" * 5000, "../../etc", "ü" * 43, f"e30.{'0' * 64}"], ids=range(8))
async def test_nobody_comes_with_a_token_of_another_form(anna: Visitor, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert (await anna.ask("GET", "/chat/messages", 401, headers=headers))["error"] == "no-session"


async def test_a_chat_cannot_be_named(anna: Visitor, ben: Visitor, stage: Stage) -> None:
    await anna.say("没出票")
    mine = await anna.answered()
    chat = await stage.store.address(str(await stage.store.conversation(Address(channel="web", chat=_hash(anna)))))
    assert chat is not None
    for headers in ({"Authorization": f"Bearer {chat.chat}"}, {"X-Chat": chat.chat}):
        assert (await ben.ask("GET", f"/chat/messages?chat={chat.chat}", headers=headers))["lines"] == []
    assert len(mine) == 2


def _hash(visitor: Visitor) -> str:
    (cookie,) = visitor.http.cookie_jar
    return hashlib.sha256(cookie.value.encode()).hexdigest()


async def test_a_cookie_counts_for_our_own_page_only(anna: Visitor) -> None:
    await anna.ask("GET", "/chat/messages", 401, headers={"Sec-Fetch-Site": "cross-site"})
    await anna.ask("GET", "/chat/messages", 401, headers={"Sec-Fetch-Site": "same-site"})
    await anna.ask("GET", "/chat/messages", headers={"Sec-Fetch-Site": "same-origin"})


async def test_a_form_of_another_site_is_refused(anna: Visitor) -> None:
    for path in ("/chat/session", "/chat/messages", "/chat/delete-my-data"):
        assert (await anna.ask("POST", path, 415, data={"a": "1"}))["error"] == "wrong-type"


# ---- merchants for whom a site vouches


async def test_a_merchant_is_the_same_on_every_device_and_brings_a_profile(stage: Stage, anna: Visitor, ben: Visitor) -> None:
    one = await anna.session(merchant=identity(profile={"terminal_no": "10023345", "merchant_name": "小李便利店"}))
    other = await ben.session(merchant=identity())
    assert one["identified"]
    assert one["visitor"] == other["visitor"]
    await anna.say("没出票")
    assert len(await ben.answered()) == 2
    rows = await stage.store._read("SELECT chat, profile FROM conversation")
    assert [(row[0], json.loads(row[1])) for row in rows] == [
        (hashlib.sha256(b"merchant:M-1001").hexdigest(), {"terminal_no": "10023345", "merchant_name": "小李便利店"})
    ]


async def test_a_detail_that_nobody_knows_does_no_harm(anna: Visitor) -> None:
    await anna.session(merchant=identity(profile={"shoe_size": "42"}))
    await anna.say("转人工，机器打不出小票")
    assert "抱歉，这一句我没处理好" not in str(await anna.answered())


NOW = microseconds() // 1_000_000
WRONG = {
    "another secret": identity(b"x" * 32),
    "changed": identity().replace(".", "A."),
    "no signature": identity().partition(".")[0],
    "far ahead": identity(expires=NOW + 3 * HOUR),
    "a session of ours": passes.signed({"merchant": "M-1001", "expires": NOW + 60}, SECRET, "session."),
    "no merchant": passes.signed({"expires": NOW + 60}, SECRET),
    "no object": passes.signed([], SECRET),  # type: ignore[arg-type]
    "more fields": identity(admin=True),
    "slot": identity(profile={"Bad Slot": "x"}),
    "huge": identity(profile={"merchant_name": "x" * 200, **{f"slot_{n}": "x" * 200 for n in range(18)}}),
    "digits": identity(expires=10**30),
    "empty": "",
    "surrogate": "\ud800.",
}


@pytest.mark.parametrize("case", sorted(WRONG))
async def test_an_identity_that_is_wrong_is_refused(anna: Visitor, case: str) -> None:
    assert (await anna.ask("POST", "/chat/session", 401, json={"merchant": WRONG[case]}))["error"] == "identity-wrong"


async def test_an_identity_that_has_expired_says_so(anna: Visitor) -> None:
    assert (await anna.ask("POST", "/chat/session", 401, json={"merchant": identity(expires=NOW - 1)}))["error"] == "identity-expired"


async def test_without_a_secret_nobody_is_vouched_for(tmp_path: Path, mind: app.Mind) -> None:
    async with staged(tmp_path, mind) as stage, visiting(stage) as visitor:
        await visitor.ask("POST", "/chat/session", 401, json={"merchant": identity()})


async def test_an_identity_wears_off(tmp_path: Path, mind: app.Mind) -> None:
    now = microseconds()
    async with staged(tmp_path, mind, replace(OPTIONS, merchant_secrets=(SECRET,)), clock=lambda: now) as stage, visiting(stage) as visitor:
        merchant = await visitor.session(merchant=identity())
        now += 13 * HOUR * 1_000_000
        await visitor.ask("GET", "/chat/messages", 401)
        assert (await visitor.session())["visitor"] != merchant["visitor"]


def test_secrets_and_ids_that_can_be_guessed_are_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        passes.Passes(secrets=(b"",), clock=microseconds, new_id=secrets.token_urlsafe)
    with pytest.raises(ValueError, match="128"):
        passes.Passes(secrets=(), clock=microseconds, new_id=lambda: "1")


# ---- messages


async def test_what_is_sent_twice_is_there_once(anna: Visitor) -> None:
    client_id = await anna.say("没出票", "message-0001")
    await anna.answered()
    await anna.say("没出票", client_id)
    await anna.say("谢谢", "message-0002")
    await anna.answered(2)
    assert [line.get("client_id", line["side"]) for line in await anna.lines()] == ["message-0001", "bot", "message-0002", "bot"]


async def test_two_visitors_with_the_same_ids_do_not_meet(anna: Visitor, ben: Visitor) -> None:
    await anna.say("没出票", "message-0001")
    await ben.say("打印机没纸了", "message-0001")
    assert [(await visitor.answered())[0]["text"] for visitor in (anna, ben)] == ["没出票", "打印机没纸了"]


async def test_only_documented_fields_leave(anna: Visitor) -> None:
    await anna.say("刷卡 6222021234567890123 扣了 58 元没出票")
    mine, bots = (await anna.answered())[:2]
    assert set(mine) == {"id", "side", "at", "text", "client_id"}
    assert "6222021234567890123" not in mine["text"]
    assert set(bots) == {"id", "side", "at", "bubbles", "choices"}
    await anna.ask("POST", "/chat/messages", 202, json={"client_id": "tap-000001", "choice": bots["choices"][0]["id"]})
    tapped = (await anna.answered(bots["id"]))[0]
    assert tapped["label"] == bots["choices"][0]["label"]
    assert set(tapped) == {"id", "side", "at", "choice", "label", "client_id"}


def test_what_is_for_staff_stays_here() -> None:
    body = {"text": "t", "facts": {"amount": "58"}, "kind": "photo", "file": "p1", "caption": "x"}
    merchant = shown(Line(id=1, side="merchant", body=json.dumps(body), at=2_000, ext_id="chat:abc"))
    assert merchant == {"id": 1, "side": "merchant", "at": 2, "photo": "p1", "text": "t", "client_id": "abc"}
    staff = shown(Line(id=2, side="staff", body=json.dumps({"text": "您好", "author": "张三", "note": "x"}), at=0, ext_id=None))
    assert staff == {"id": 2, "side": "staff", "at": 0, "text": "您好"}
    bot = shown(Line(id=3, side="bot", body=json.dumps({"bubbles": ["a"], "choices": [{"id": "human", "label": "b", "odds": 1}]}), at=0, ext_id=None))
    assert bot == {"id": 3, "side": "bot", "at": 0, "bubbles": ["a"], "choices": [{"id": "human", "label": "b"}]}


BAD = {
    "no JSON": (400, b"{"),
    "no UTF-8": (400, b'"\xff"'),
    "5,000 digits": (400, b'{"client_id": ' + b"1" * 5000 + b"}"),
    "deep": (400, b"[" * 100_000),
    "NaN": (400, b'{"client_id": NaN}'),
    "infinite": (422, b'{"client_id": "message-0001", "text": 1e999}'),
    "a list": (422, b"[]"),
    "nothing": (400, b""),
    "no id": (422, b'{"text": "x"}'),
    "a bad id": (422, b'{"client_id": "../../../etc", "text": "x"}'),
    "an id with NUL": (422, b'{"client_id": "message-0001\\u0000", "text": "x"}'),
    "a surrogate as id": (422, b'{"client_id": "\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800", "text": "x"}'),
    "a surrogate as name": (422, b'{"client_id": "message-0001", "text": "x", "\\ud800": 1}'),
    "a choice and a text": (422, b'{"client_id": "message-0001", "text": "x", "choice": "human"}'),
    "neither": (422, b'{"client_id": "message-0001"}'),
    "long": (422, json.dumps({"client_id": "message-0001", "text": "x" * 4097}).encode()),
    "a long choice": (422, json.dumps({"client_id": "message-0001", "choice": "x" * 201}).encode()),
    "another's chat": (422, b'{"client_id": "message-0001", "text": "x", "chat": "y"}'),
    "huge": (413, b" " * (1 << 20) + b"{}"),
}


@pytest.mark.parametrize("case", sorted(BAD))
async def test_a_bad_body_is_refused(anna: Visitor, case: str) -> None:
    status, raw = BAD[case]
    answer = await anna.ask("POST", "/chat/messages", status, data=io.BytesIO(raw), headers={"Content-Type": "application/json"})
    assert set(answer) == {"error", "message"}
    assert await anna.lines() == []


async def test_a_body_that_is_not_packed_as_it_says_is_refused(anna: Visitor) -> None:
    for packing in ("gzip", "deflate"):
        headers = {"Content-Type": "application/json", "Content-Encoding": packing}
        await anna.ask("POST", "/chat/messages", 400, data=b"not packed", headers=headers)
    bomb = io.BytesIO(gzip.compress(b" " * (20 << 20)))
    await anna.ask("POST", "/chat/messages", 413, data=bomb, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    "text", ["NUL\x00 \ud800 \udc00 \u202e", "\u2028id: 9\r\ndata: {}\n\nevent: x", "<script>alert(1)</script>", "1" * 4096, ""], ids=range(5)
)
async def test_odd_text_is_taken_and_answered(anna: Visitor, text: str) -> None:
    raw = json.dumps({"client_id": "message-0001", "text": text}).encode()
    await anna.ask("POST", "/chat/messages", 202, data=raw, headers={"Content-Type": "application/json"})
    await anna.answered()
    found = await anna.events(3)
    assert [event[2].get("side") for event in found] == [None, "merchant", "bot"]


@pytest.mark.parametrize("choice", ["human\x00", "topic:\ud800", "none", "option:x=y", "x" * 200], ids=range(5))
async def test_an_invented_button_is_met_with_a_word(anna: Visitor, choice: str) -> None:
    raw = json.dumps({"client_id": "message-0001", "choice": choice}).encode()
    await anna.ask("POST", "/chat/messages", 202, data=raw, headers={"Content-Type": "application/json"})
    assert (await anna.answered())[-1]["bubbles"]


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=1e9", f"after={'9' * 40}", "after=", "after=0&wait=x", "after=٣"])
async def test_a_bad_place_is_refused(anna: Visitor, query: str) -> None:
    await anna.ask("GET", f"/chat/messages?{query}", 422)
    await anna.ask("GET", "/chat/messages?after=999999999999999999")


# ---- photos


async def test_a_photo_is_taken_once_and_seen_by_its_owner_only(anna: Visitor, ben: Visitor, stage: Stage) -> None:
    sent = await anna.ask("POST", "/chat/photo", 202, data=form(caption="小票没出来"))
    again = await anna.ask("POST", "/chat/photo", 202, data=form(data=b"whatever came this time"))
    assert sent == again
    mine = (await anna.answered())[0]
    assert (mine["photo"], mine["text"], mine["client_id"]) == (sent["photo"], "小票没出来", "photo-0001")
    async with anna.http.get(f"/chat/photo/{sent['photo']}") as response:
        assert (response.status, response.content_type) == (200, "image/jpeg")
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert Image.open(io.BytesIO(await response.read())).size == (60, 40)
    foreign = await ben.ask("GET", f"/chat/photo/{sent['photo']}", 404)
    assert foreign == await ben.ask("GET", "/chat/photo/nothing", 404)
    assert await stage.store._one("SELECT count(*) FROM photo", ()) == 1


async def test_two_uploads_of_the_same_photo_at_once(anna: Visitor, stage: Stage) -> None:
    await asyncio.gather(*(anna.ask("POST", "/chat/photo", 202, data=form()) for _ in range(4)))
    assert await stage.store._one("SELECT count(*) FROM photo", ()) == 1


async def test_a_bare_photo_is_taken(anna: Visitor) -> None:
    await anna.ask("POST", "/chat/photo?client_id=photo-0001", 202, data=picture(), headers={"Content-Type": "image/png"})
    assert (await anna.answered())[0]["client_id"] == "photo-0001"


def _multipart(body: bytes) -> tuple[bytes, dict[str, str]]:
    return body, {"Content-Type": "multipart/form-data; boundary=b"}


PART = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
BAD_FORMS = {
    "nothing": _multipart(b""),
    "no boundary": (b"x", {"Content-Type": "multipart/form-data"}),
    "not ended": _multipart(PART % (b"photo", b"x")),
    "no name": _multipart(b"--b\r\n\r\nx\r\n--b--\r\n"),
    "a broken head": _multipart(b"--b\r\nContent-Disposition\r\n\r\nx\r\n--b--\r\n"),
    "unknown field": _multipart(PART % (b"chat", b"x") + b"--b--\r\n"),
    "twice": _multipart(PART % (b"client_id", b"photo-0001") + PART % (b"client_id", b"photo-0002") + b"--b--\r\n"),
    "nested": _multipart(b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n"),
    "no UTF-8": _multipart(PART % (b"photo", picture()) + PART % (b"client_id", b"\xff") + b"--b--\r\n"),
    "no id": _multipart(PART % (b"photo", picture()) + b"--b--\r\n"),
    "no picture": _multipart(PART % (b"client_id", b"photo-0001") + PART % (b"photo", b"<svg/>") + b"--b--\r\n"),
    "without photo": _multipart(PART % (b"client_id", b"photo-0001") + b"--b--\r\n"),
    "JSON": (b"{}", {"Content-Type": "application/json"}),
    "encoded": _multipart(b'--b\r\nContent-Disposition: form-data; name="photo"\r\nContent-Transfer-Encoding: x-odd\r\n\r\nx\r\n--b--\r\n'),
    "length": _multipart(b'--b\r\nContent-Disposition: form-data; name="photo"\r\nContent-Length: 99\r\n\r\nx\r\n--b--\r\n'),
    "bad length": _multipart(b'--b\r\nContent-Disposition: form-data; name="photo"\r\nContent-Length: x\r\n\r\nx\r\n--b--\r\n'),
}


@pytest.mark.parametrize("case", sorted(BAD_FORMS))
async def test_a_bad_form_is_refused(anna: Visitor, case: str) -> None:
    data, headers = BAD_FORMS[case]
    async with anna.http.post("/chat/photo", data=data, headers=headers) as response:
        assert response.status in {400, 422}, await response.text()
    assert await anna.lines() == []


async def test_too_many_pixels_are_refused(anna: Visitor) -> None:
    data = io.BytesIO()
    Image.new("1", (9000, 9000)).save(data, "PNG")
    assert (await anna.ask("POST", "/chat/photo", 422, data=form(data=data.getvalue())))["error"] == "too-many-pixels"


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "image/jpeg"])
async def test_what_is_too_large_is_refused_while_it_is_read(anna: Visitor, kind: str) -> None:
    """The body never ends and has no length; the answer comes all the same."""
    answered = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="photo"\r\n\r\n'
        while not answered.is_set():
            yield b"x" * (1 << 16)

    async with anna.http.post("/chat/photo?client_id=photo-0001", data=endless(), headers={"Content-Type": kind}) as response:
        answered.set()
        assert response.status == 413


async def test_what_says_that_it_is_too_large_is_not_read(anna: Visitor) -> None:
    await anna.ask("POST", "/chat/photo", 413, data=form(data=b"x" * 10_100_000))


# ---- how often


async def test_who_sends_too_often_is_told_when_to_come_again(tmp_path: Path, mind: app.Mind) -> None:
    now = microseconds()
    async with staged(tmp_path, mind, Options(kept=timedelta(days=1)), clock=lambda: now) as stage, visiting(stage) as anna, visiting(stage) as ben:
        for _ in range(10):
            await anna.say("在吗")
        async with anna.http.post("/chat/messages", json={"client_id": "message-0001", "text": "在吗"}) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "3")
            assert (await response.json())["error"] == "too-often"
        async with anna.http.post("/chat/photo", data=form()) as response:
            assert response.status == 429
        await ben.say("在吗")
        now += 3_000_000
        await anna.say("在吗")


async def test_an_address_that_comes_too_often_is_told_too(tmp_path: Path, mind: app.Mind) -> None:
    options = Options(kept=timedelta(days=1), per_ip=Limit(per_minute=60, burst=3), proxies=1)
    async with staged(tmp_path, mind, options, clock=lambda: 1) as stage, aiohttp.ClientSession(stage.url) as http:
        visitor = Visitor(http)
        for host in range(3):
            await visitor.ask("POST", "/chat/session", json={}, headers={"X-Forwarded-For": f"1.1.1.{host}, 2001:db8::{host}"})
        await visitor.ask("POST", "/chat/session", 429, json={}, headers={"X-Forwarded-For": "9.9.9.9, 2001:db8::77"})
        await visitor.ask("POST", "/chat/session", json={}, headers={"X-Forwarded-For": "2001:db8::77, 9.9.9.9"})


async def test_more_streams_than_there_may_be_are_asked_to_come_again(tmp_path: Path, mind: app.Mind) -> None:
    options = replace(OPTIONS, most_streams=1)
    async with staged(tmp_path, mind, options) as stage, visiting(stage) as anna, visiting(stage) as ben, anna.http.get("/chat/events") as response:
        assert response.status == 200
        await ben.ask("GET", "/chat/messages", 503)


async def test_the_oldest_stream_of_a_chat_has_to_go(anna: Visitor) -> None:
    streams = [await anna.http.get("/chat/events") for _ in range(9)]
    assert b"conversation" in await streams[0].content.read()  # to its end
    await anna.say("没出票")
    while b"bubbles" not in await streams[-1].content.readline():
        pass
    for stream in streams:
        stream.close()


# ---- the stream


async def test_a_stream_begins_before_the_first_message(anna: Visitor) -> None:
    begun = asyncio.Event()
    events = asyncio.create_task(anna.events(4, begun))
    await begun.wait()
    await anna.say("没出票")
    found = await events
    assert [(name, data.get("side")) for _, name, data in found if "side" in data] == [("", "merchant"), ("", "bot")]
    assert [data["conversation"] is None for _, _, data in found if "conversation" in data] == [True, False]


async def test_a_stream_that_is_cut_goes_on_without_gap_or_double(anna: Visitor) -> None:
    await anna.say("没出票")
    seen = [event for event in await anna.events(2) if event[0]]  # cut after one line
    await anna.say("客人等着呢")
    await anna.answered(int(seen[-1][0]) + 1)
    total = len(await anna.lines())
    while len(seen) < total:
        seen += [event for event in await anna.events(2, **{"Last-Event-ID": seen[-1][0]}) if event[0]]
    assert [int(id) for id, _, _ in seen] == [line["id"] for line in await anna.lines()]


async def test_a_quiet_stream_shows_that_it_lives(tmp_path: Path, mind: app.Mind) -> None:
    async with staged(tmp_path, mind, replace(OPTIONS, heartbeat=0.01)) as stage, visiting(stage) as anna, anna.http.get("/chat/events") as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["X-Accel-Buffering"] == "no"
        while not (await response.content.readline()).startswith(b":"):
            pass


async def test_a_stream_ends_cleanly_when_the_server_stops(tmp_path: Path, mind: app.Mind) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with staged(tmp_path, mind) as stage:
            async with http.post(f"{stage.url}chat/session", json={}):
                pass
            response = await http.get(f"{stage.url}chat/events")
            assert (await response.content.readline()).startswith(b"retry")
        assert b"conversation" in await response.content.read()  # ended as HTTP wants it, else this raises


# ---- delete my data


async def test_what_is_deleted_is_gone_everywhere(anna: Visitor, stage: Stage) -> None:
    sent = await anna.ask("POST", "/chat/photo", 202, data=form())
    await anna.answered()
    (cookie,) = anna.http.cookie_jar
    other_tab = {"Authorization": f"Bearer {cookie.value}"}
    async with anna.http.get("/chat/events", headers=other_tab) as stream:
        before = b""
        while b"bubbles" not in before:
            before = await stream.content.readline()
        asked = await anna.ask("POST", "/chat/delete-my-data", json={})
        assert asked == {"deleted": False, "open": [], "token": None}
        assert await anna.lines() != []
        gone = await anna.ask("POST", "/chat/delete-my-data", json={"confirm": True})
        assert gone["deleted"]
        assert gone["token"] != cookie.value
        while b'"conversation": null' not in await stream.content.readline():
            pass
    assert (await anna.ask("GET", "/chat/messages", headers=other_tab))["lines"] == []
    assert (await anna.session())["visitor"] != (await anna.ask("POST", "/chat/session", json={}, headers=other_tab))["visitor"]
    await anna.ask("GET", f"/chat/photo/{sent['photo']}", 404, headers=other_tab)
    assert await stage.store._one("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM message) + (SELECT count(*) FROM photo)", ()) == 0


async def test_a_merchant_who_deletes_stays_the_same(anna: Visitor) -> None:
    before = await anna.session(merchant=identity())
    await anna.say("没出票")
    assert await anna.ask("POST", "/chat/delete-my-data", json={"confirm": True}) == {"deleted": True, "open": [], "token": None}
    assert await anna.lines() == []
    assert (await anna.session())["visitor"] == before["visitor"]


async def test_the_last_lines_come_first_and_the_earlier_ones_on_request(anna: Visitor, stage: Stage) -> None:
    await anna.say("没出票")
    await anna.answered()
    (row,) = await stage.store._read("SELECT id, public_id FROM conversation")
    await stage.store._writer.run(
        lambda connection: connection.executemany(
            "INSERT INTO message (conversation, side, body, knowledge, at) VALUES (?, ?, ?, 'k', 1)",
            [(row[0], "note" if number % 10 == 0 else "bot", json.dumps({"bubbles": [str(number)], "choices": []})) for number in range(1, 251)],
        )
    )
    shown, before = list[int](), 10**18 - 1
    for count, more in ((100, True), (100, True), (25 + 2, False)):
        found = await anna.ask("GET", f"/chat/messages?before={before}")
        assert (len(found["lines"]), found["more"]) == (count, more)
        assert [line["id"] for line in found["lines"]] == sorted(line["id"] for line in found["lines"])
        shown[:0], before = [line["id"] for line in found["lines"]], found["lines"][0]["id"]
    assert len(set(shown)) == 227
    assert shown[:200] == [line["id"] for line in await anna.lines()]
    assert (await anna.ask("GET", f"/chat/messages?before={before}"))["lines"] == []
    await anna.ask("GET", "/chat/messages?before=x", 422)


async def test_deleting_nothing_is_no_error(anna: Visitor) -> None:
    assert (await anna.ask("POST", "/chat/delete-my-data", json={"confirm": True}))["deleted"] is False
    await anna.ask("POST", "/chat/delete-my-data", 422, json={"confirm": "yes"})


# ---- the page


FILES = ("/", "/embed.js", "/chat/page.css", "/chat/page.js", "/chat/icon.svg")


async def test_headers_of_everything(anna: Visitor) -> None:
    for path in (*FILES, "/chat/messages", "/chat/nothing", "/chat/photo/x", "/chat/session"):
        async with anna.http.get(path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert policy.endswith("frame-ancestors 'self'")


def test_frames_are_for_those_who_are_named() -> None:
    assert page.policy(()).endswith("frame-ancestors 'none'")
    assert page.policy(("https://shop.example", "https://*.bank.example")).endswith("frame-ancestors https://shop.example https://*.bank.example")
    with pytest.raises(ValueError, match="source"):
        page.policy(("https://a.example; script-src *",))


async def test_the_page_is_small(anna: Visitor) -> None:
    sizes = {}
    for path in FILES:
        async with anna.http.get(path, headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            sizes[path] = len(await response.read())
    assert sum(sizes.values()) <= 30_000, sizes


async def test_what_the_browser_has_is_not_sent_again(anna: Visitor) -> None:
    async with anna.http.get("/") as response:
        etag, text = response.headers["ETag"], await response.text()
        assert response.headers["Cache-Control"] == "no-cache"
    async with anna.http.get("/", headers={"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    (script,) = re.findall(r'src="(chat/page\.js\?v=\w+)"', text)
    async with anna.http.get(f"/{script}") as response:
        assert "immutable" in response.headers["Cache-Control"]


def test_no_inline_script_or_style_and_no_sentence_in_the_files() -> None:
    for name, asset in page.assets(180).items():
        text = asset.data.decode()
        assert gzip.decompress(asset.packed) == asset.data
        assert not re.search(r"""\son\w+\s*=|\sstyle\s*=|<style|javascript:|<script(?![^>]*(src=|type="application/json"))""", text), name
    for name in ("page.html", "page.css", "page.js", "embed.js", "icon.svg"):
        assert not re.search("[\u4e00-\u9fff]", page._asset(name).data.decode()), name


def test_every_sentence_of_the_page_is_used() -> None:
    files = {name: page._asset(name).data.decode() for name in ("page.html", "page.js", "embed.js")}
    placed = set(re.findall(r"\{\{([a-z-]+)\}\}", files["page.html"])) - {"css-version", "js-version", "words"}
    scripted = set(re.findall(r"""(?:say|status)\(\s*"([a-z-]+)\"""", files["page.js"])) | set(re.findall(r'mark\(\w+, "([a-z]+)"', files["page.js"]))
    scripted |= {"today", "yesterday", "day", "me", "bot"}  # chosen at run time
    embedded = set(re.findall(r"words\.(\w+)", files["embed.js"]))
    wanted = placed | {f"js-{name}" for name in scripted} | {f"embed-{name}" for name in embedded}
    assert wanted == {key.removeprefix("webchat.") for key in sentences() if key.startswith("webchat.")}


def test_old_phones_can_read_the_script() -> None:
    """Browsers in apps are old: nothing newer than ES2018 (`?.`, `??`, look-behind)."""
    for name in ("page.js", "embed.js"):
        assert not re.search(r"\?\.[a-zA-Z(\[]|\?\?|\(\?<[=!]", page._asset(name).data.decode())
