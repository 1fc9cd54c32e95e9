"""The signed interface for other apps, over a real server, a real store and the real dialogue."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from PIL import Image

from bot.channels.webhook import routes
from bot.channels.webhook.routes import MOST_UPLOADS
from bot.channels.webhook.wire import Profile
from bot.domain.messages import Address
from tests.hook import OLD_SECRET, OTHER, OTHER_SECRET, SHOP, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot import app
    from tests.hook import Stage

TEXT = "打印机不出纸"


@pytest.fixture
async def stage(tmp_path: Path, mind: app.Mind) -> AsyncIterator[Stage]:
    async with staged(tmp_path, mind, SHOP, OTHER) as made:
        yield made


async def raw(stage: Stage, request: bytes) -> bytes:
    """The status line that comes back for bytes that no client would send."""
    parts = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()
    return answer.split()[1]


async def left(stage: Stage, request: bytes) -> None:
    """Send and leave."""
    parts = urlsplit(stage.url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(request)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def picture(size: tuple[int, int] = (8, 6), form: str = "PNG") -> str:
    kept = io.BytesIO()
    Image.new("RGB", size, "white").save(kept, form)
    return base64.b64encode(kept.getvalue()).decode()


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


# what merchants send


async def test_a_message_is_answered(stage: Stage) -> None:
    shop = stage.app()
    conversation = await shop.say("m1", TEXT, id="first")
    await stage.answered()
    answered = await shop.lines(conversation)
    assert answered.status == 200
    assert answered.headers["Cache-Control"] == "no-store"
    merchants, bots = answered.json["lines"]
    assert (merchants["side"], merchants["text"], merchants["webhook_id"]) == ("merchant", TEXT, "first")
    assert bots["side"] == "bot"
    assert any("先查流水" in bubble for bubble in bots["bubbles"])
    assert {"id": "human", "label": "转人工"} in bots["choices"]
    assert answered.json["after"] == bots["id"]


async def test_a_choice_goes_on(stage: Stage) -> None:
    shop = stage.app()
    conversation = await shop.say("m1", TEXT)
    await stage.answered()
    assert (await shop.post({"merchant": "m1", "choice": "human"})).json == {"conversation": conversation}
    await stage.answered()
    lines = (await shop.lines(conversation)).json["lines"]
    assert (lines[2]["choice"], lines[2]["label"]) == ("human", "转人工")
    assert lines[3]["side"] == "bot"


async def test_what_is_fetched_goes_on_after_a_line(stage: Stage) -> None:
    shop = stage.app()
    conversation = await shop.say("m1", TEXT)
    await stage.answered()
    first = (await shop.lines(conversation, "?limit=1")).json
    rest = (await shop.lines(conversation, f"?after={first['after']}&limit=200")).json
    assert [len(first["lines"]), len(rest["lines"])] == [1, 1]
    assert (await shop.lines(conversation, f"?after={rest['after']}")).json == {"conversation": conversation, "lines": [], "after": rest["after"]}


async def test_a_card_number_is_never_kept(stage: Stage, tmp_path: Path) -> None:
    shop = stage.app()
    conversation = await shop.say("m1", "卡号6222021234567890128扣款了", profile={"merchant_name": "密码123456"})
    await stage.answered()
    assert "622202*********0128" in (await shop.lines(conversation)).json["lines"][0]["text"]
    assert b"6222021234567890128" not in on_disk(tmp_path)


async def test_a_profile_need_not_be_asked_for(stage: Stage) -> None:
    profile = {"merchant_no": "848581358120001", "terminal_no": "10023345", "merchant_name": "好再来", "sn": "N86A0012345", "phone_tail4": "0128"}
    await stage.app().say("m1", TEXT, profile=profile)
    (work,) = await stage.store._waiting(2**62)
    assert json.loads(work.profile) == profile


def test_profiles_have_the_slots_of_the_knowledge_base(mind: app.Mind) -> None:
    assert set(Profile.model_fields) <= set(mind.kb.slots)


async def test_half_an_emoji_costs_no_message(stage: Stage) -> None:
    shop = stage.app()
    conversation = (await shop.post('{"merchant": "m1", "text": "没纸了\\ud83d\\u0000\\u202e"}')).json["conversation"]
    await stage.answered()
    assert (await shop.lines(conversation)).json["lines"][0]["text"].startswith("没纸了")


# pictures


async def test_a_picture_is_kept_without_what_the_camera_wrote(stage: Stage) -> None:
    shop = stage.app()
    body = {"merchant": "m1", "photo": picture(), "caption": "小票", "profile": {"terminal_no": "10023345"}}
    conversation = (await shop.post(body, to="photos", id="p1")).json["conversation"]
    assert (await shop.post(body, to="photos", id="p1")).json["conversation"] == conversation
    await stage.answered()
    merchants, *_ = (await shop.lines(conversation)).json["lines"]
    assert (merchants["text"], merchants["webhook_id"]) == ("小票", "p1")
    kept = await stage.store.photo(merchants["photo"], Address(channel="hook:shop", chat="m1"))
    assert kept is not None
    assert (kept.mime, kept.width, kept.height) == ("image/jpeg", 8, 6)
    assert len((await shop.lines(conversation)).json["lines"]) == 2
    target = f"/v1/sources/shop/conversations/{conversation}/photos/{merchants['photo']}"
    fetched = await shop.ask("GET", target, shop.signed(target))
    assert fetched.json == {"id": kept.id, "mime": "image/jpeg", "photo": base64.b64encode(kept.data).decode()}
    other = stage.app(OTHER)
    stolen = target.replace("/shop/", "/other/")
    assert (await other.ask("GET", stolen, other.signed(stolen))).problem == (404, "not-found")
    missing = target[:-32] + "0" * 32
    assert (await shop.ask("GET", missing, shop.signed(missing))).problem == (404, "not-found")


@pytest.mark.parametrize(
    ("photo", "problem"),
    [
        (base64.b64encode(b"<svg/>").decode(), (422, "no-picture")),
        (picture((9000, 9000)), (422, "too-many-pixels")),
        ("????", (422, "bad-field")),
        ("é" * 8, (422, "bad-field")),
        ("", (422, "bad-field")),
        (picture()[:60], (422, "no-picture")),
        ("A" * 13_333_340, (422, "bad-field")),
        ("A" * 14_000_000, (413, "too-large")),
    ],
    ids=["svg", "pixels", "no base64", "no ASCII", "empty", "cut", "long", "longer"],
)
async def test_what_is_no_picture_is_refused(stage: Stage, photo: str, problem: tuple[int, str]) -> None:
    assert (await stage.app().post({"merchant": "m1", "photo": photo}, to="photos")).problem == problem
    assert (await stage.store.counts(0)).inbox == 0


async def test_a_picture_of_ten_megabytes_is_looked_at(stage: Stage) -> None:
    shop, body = stage.app(), {"merchant": "m1", "photo": base64.b64encode(base64.b64decode(picture()).ljust(10_000_000, b"\0")).decode()}
    assert (await shop.post(body, to="photos")).status == 202
    body["photo"] = base64.b64encode(base64.b64decode(picture()).ljust(10_000_001, b"\0")).decode()
    assert (await shop.post(body, to="photos")).status in {413, 422}


async def test_a_picture_that_is_sent_again_is_kept_once(stage: Stage, tmp_path: Path) -> None:
    shop, body = stage.app(), {"merchant": "m1", "photo": picture(), "caption": "看这个"}
    answers = await asyncio.gather(*(shop.post(body, to="photos", id="once") for _ in range(3)))
    answers.append(await shop.post(body, to="photos", id="once"))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["conversation"] for answer in answers}) == 1
    await shop.post(body, to="photos", id="twice")
    await shop.post({**body, "merchant": "m2"}, to="photos", id="once")
    await stage.answered()
    lines = (await shop.lines(answers[0].json["conversation"])).json["lines"]
    assert len({line["photo"] for line in lines if line["side"] == "merchant"}) == 2
    with closing(sqlite3.connect(tmp_path / "posbot.db")) as connection:
        assert connection.execute("SELECT chat, count(*) FROM photo GROUP BY chat").fetchall() == [("m1", 2), ("m2", 1)]


async def test_few_pictures_are_read_at_once(stage: Stage) -> None:
    """Memory is bounded whoever sends: those that come in the middle of others are told to come again."""
    shop, parts = stage.app(), urlsplit(stage.url)
    slow = []
    for _ in range(MOST_UPLOADS):
        headers = "".join(f"{name}: {value}\r\n" for name, value in shop.signed("x").items())
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"POST /v1/sources/shop/photos HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 100\r\n\r\n".encode())
        slow.append(writer)
    answered = await shop.post({"merchant": "m1", "photo": picture()}, to="photos")
    for writer in slow:
        writer.close()
        await writer.wait_closed()
    assert answered.problem == (429, "too-often")
    assert answered.headers["Retry-After"] == "1"
    for _ in range(500):
        if (await shop.post({"merchant": "m1", "photo": picture()}, to="photos")).status == 202:
            return
        await asyncio.sleep(0.01)
    pytest.fail("those who left are still waited for")


# signatures


async def test_both_secrets_are_good_while_they_are_exchanged(stage: Stage) -> None:
    shop = stage.app()
    await replace(shop, secret=OLD_SECRET).say("m1", TEXT)
    both = shop.signed("{}")["webhook-signature"]
    body = json.dumps({"merchant": "m1", "text": TEXT})
    headers = shop.signed(body)
    headers["webhook-signature"] = f"v1a,AAAA {both} {headers['webhook-signature']}"
    assert (await shop.post(body, headers)).status == 202


BODY = json.dumps({"merchant": "m1", "text": TEXT})


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "another"},
        {"webhook-timestamp": "seven seconds ago"},
        {"webhook-signature": "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
    ],
    ids=["id", "time", "signature"],
)
async def test_a_signature_fits_what_was_signed_only(stage: Stage, change: dict[str, str]) -> None:
    shop = stage.app()
    if "webhook-timestamp" in change:
        change = {"webhook-timestamp": str(int(time.time()) - 7)}
    assert (await shop.post(BODY, shop.signed(BODY) | change)).problem == (401, "bad-signature")
    assert (await stage.store.counts(0)).inbox == 0


async def test_another_body_another_secret_another_source_are_refused(stage: Stage) -> None:
    shop, other = stage.app(), stage.app(OTHER)
    for answered in [
        await shop.post(BODY, shop.signed(BODY.replace("m1", "m2"))),
        await shop.post(BODY, shop.signed(BODY, secret=OTHER_SECRET)),
        await other.post(BODY, shop.signed(BODY)),
        await replace(shop, name="nobody").post(BODY, shop.signed(BODY)),
        await replace(shop, name="nobody").lines("c"),
        await shop.post(b"no json", shop.signed("something else")),
    ]:
        assert answered.problem == (401, "bad-signature")


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize(
    "value", [None, "", " ", "a.b", "x" * 5000, "v1", "v1,", "v1,AAAA", "v2,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "-1", "1e9", "nan", "1_000", "é"]
)
async def test_headers_that_are_no_signature_are_refused_unread(stage: Stage, header: str, value: str | None) -> None:
    shop = stage.app()
    headers = shop.signed(BODY)
    if value is None:
        del headers[header]
    else:
        headers[header] = value
    if (header, value) in {("webhook-id", "v1"), ("webhook-id", "1e9"), ("webhook-id", "nan"), ("webhook-id", "1_000"), ("webhook-id", "-1")}:
        assert (await shop.post(BODY, headers)).problem == (401, "bad-signature")
    else:
        assert (await shop.post(BODY, headers)).problem == (401, "unsigned")


@pytest.mark.parametrize(("off", "status"), [(-290, 202), (290, 202), (-310, 401), (310, 401), (-1_600_000_000, 401), (90_000_000_000, 401)])
async def test_old_and_future_requests_are_refused(stage: Stage, off: int, status: int) -> None:
    shop = stage.app()
    headers = shop.signed(BODY, at=int(time.time()) + off)
    answered = await shop.post(BODY, headers)
    assert answered.status == status
    assert status == 202 or answered.problem == (401, "wrong-time")


async def test_a_question_is_signed_with_its_path_and_its_query(stage: Stage) -> None:
    shop = stage.app()
    conversation = await shop.say("m1", TEXT)
    target = f"/v1/sources/shop/conversations/{conversation}/messages"
    for content in ["", "/", target + "?after=1"]:
        assert (await shop.ask("GET", target, shop.signed(content))).problem == (401, "bad-signature")
    assert (await shop.ask("GET", target + "?after=1", shop.signed(target))).problem == (401, "bad-signature")
    assert (await shop.ask("GET", target, {})).problem == (401, "unsigned")


async def test_a_signed_question_is_no_signed_message(stage: Stage) -> None:
    shop = stage.app()
    target = "/v1/sources/shop/conversations/c/messages"
    assert (await shop.post(target, shop.signed(target))).problem == (400, "bad-json")


# once


async def test_a_repeat_is_answered_like_the_first(stage: Stage) -> None:
    shop = stage.app()
    headers = shop.signed(BODY, id="once")
    first, again = await shop.post(BODY, headers), await shop.post(BODY, headers)
    await stage.answered()
    later = await shop.post(BODY, headers)
    await stage.answered()
    assert (first.status, first.body) == (again.status, again.body) == (later.status, later.body)
    assert len((await shop.lines(first.json["conversation"])).json["lines"]) == 2


async def test_repeats_at_the_same_time_count_once(stage: Stage) -> None:
    shop = stage.app()
    headers = shop.signed(BODY, id="once")
    answers = await asyncio.gather(*(shop.post(BODY, headers) for _ in range(20)))
    assert {(answer.status, answer.body) for answer in answers} == {(202, answers[0].body)}
    assert (await stage.store.counts(0)).inbox == 1


async def test_merchants_may_be_counted_each_for_itself(stage: Stage) -> None:
    """An app whose ids are unique within a merchant only loses nothing."""
    shop = stage.app()
    assert await shop.say("m1", TEXT, id="1") != await shop.say("m2", TEXT, id="1")
    assert (await stage.store.counts(0)).inbox == 2


# apart


async def test_sources_do_not_see_each_other(stage: Stage) -> None:
    shop, other = stage.app(), stage.app(OTHER)
    ours, theirs = await shop.say("m1", TEXT, id="1"), await other.say("m1", TEXT, id="1")
    assert ours != theirs
    await stage.answered()
    assert len((await shop.lines(ours)).json["lines"]) == 2
    theirs_seen, nobodys = await shop.lines(theirs), await shop.lines("nobody")
    assert theirs_seen.problem == nobodys.problem == (404, "not-found")
    assert theirs_seen.body == nobodys.body


async def test_other_channels_are_not_seen(stage: Stage, mind: app.Mind) -> None:
    from bot.service.ports import Arrival  # noqa: PLC0415

    arrival = Arrival(address=Address(channel="web", chat="m1"), ext_id="1", kind="said", body='{"text": "x"}', received=1)
    assert (await stage.app().lines(await stage.store.accept(arrival))).status == 404


# what is wrong

BAD_JSON = [
    b"",
    b"{",
    b"\xff\xfe",
    b'{"merchant": "m1", "text": "\xff"}',
    '{"merchant": "m1", "text": "打印机"}'.encode("gbk"),
    b"9" * 5000,
    b'{"merchant": "m1", "text": ' + b"9" * 5000 + b"}",
    b'{"merchant": "m1", "text": NaN}',
    b'{"merchant": "m1", "text": -Infinity}',
    b"[" * 100_000,
    b'{"merchant":' * 50_000,
    b'{"merchant": "m1", "text": "a"} {}',
    b"\xef\xbb\xbf{}",
    b"merchant=m1&text=a",
]


@pytest.mark.parametrize("body", BAD_JSON, ids=[repr(body[:40]) for body in BAD_JSON])
async def test_what_is_no_json_is_refused(stage: Stage, body: bytes) -> None:
    shop = stage.app()
    headers = shop.signed(body.decode("utf-8", "replace"))
    answered = await shop.post(body, headers)
    assert answered.problem == (400, "bad-json")
    assert answered.json["message"] == "请求的内容不是有效的 JSON"


BAD_FIELDS = [
    "null",
    "[]",
    "true",
    '"x"',
    "1",
    "{}",
    '{"merchant": "m1"}',
    '{"text": "a"}',
    '{"merchant": "m1", "text": "a", "choice": "b"}',
    '{"merchant": "m1", "text": ""}',
    '{"merchant": "m1", "text": null, "choice": "b"}',
    '{"merchant": "m1", "text": 1}',
    '{"merchant": "m1", "text": ["a"]}',
    '{"merchant": "m1", "photo": "a"}',
    '{"merchant": "m1", "text": "a", "more": 1}',
    '{"merchant": "m1", "text": "a", "profile": {"amount": "1"}}',
    '{"merchant": "m1", "text": "a", "profile": {"terminal_no": 10023345}}',
    '{"merchant": "m1", "text": "a", "profile": {"phone_tail4": "12345"}}',
    '{"merchant": "m1", "text": "a", "profile": []}',
    '{"merchant": 1, "text": "a"}',
    *(json.dumps({"merchant": id, "text": "a"}) for id in ["", " ", "m 1", "m/1", "é", "好", "-m", "m1\n", "m\0", "../m", "m" * 65, "\ud800", "%00"]),
    json.dumps({"merchant": "m1", "text": "a" * 4097}),
    json.dumps({"merchant": "m1", "choice": "a" * 201}),
]


@pytest.mark.parametrize("body", BAD_FIELDS, ids=[body[:70] for body in BAD_FIELDS])
async def test_wrong_fields_are_refused(stage: Stage, body: str) -> None:
    answered = await stage.app().post(body)
    assert answered.problem == (422, "bad-field")
    assert answered.json["message"].startswith("字段 ")


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=", "after=9223372036854775808", f"after={'9' * 5000}", "after=%D9%A1", "limit=0", "limit=201", "limit=1.5"]
)
async def test_a_wrong_query_is_refused(stage: Stage, query: str) -> None:
    shop = stage.app()
    assert (await shop.lines(await shop.say("m1", TEXT), f"?{query}")).problem == (422, "bad-field")


async def test_too_much_is_refused_while_it_is_read(stage: Stage) -> None:
    shop = stage.app()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 << 20:
            sent += 1 << 16
            yield b" " * (1 << 16)

    answered = await shop.ask("POST", "/v1/sources/shop/messages", shop.signed("x"), data=endless())
    assert answered.problem == (413, "too-large")
    assert sent < 20 << 20
    assert (await shop.post(" " * (1 << 20) + " ")).problem == (413, "too-large")


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("GET", "/v1/sources/shop/messages", "POST"),
        ("PUT", "/v1/sources/shop/photos", "POST"),
        ("POST", "/v1/sources/shop/conversations/c/messages", "GET"),
        ("HEAD", "/v1/sources/shop/conversations/c/messages", "GET"),
        ("DELETE", "/v1/openapi.json", "GET"),
    ],
)
async def test_wrong_methods_are_refused(stage: Stage, method: str, target: str, allow: str) -> None:
    answered = await stage.app().ask(method, target, {})
    assert (answered.status, answered.headers["Allow"]) == (405, allow)


@pytest.mark.parametrize("target", ["/", "/v1", "/v1/sources/shop", "/v1/sources/shop/messages/", "/v1/sources//messages", "/v2/sources/shop/messages"])
async def test_other_places_are_not_there(stage: Stage, target: str) -> None:
    assert (await stage.app().ask("GET", target, {})).problem == (404, "not-found")


async def test_compressed_bodies_are_refused(stage: Stage) -> None:
    shop = stage.app()
    packed = gzip.compress(BODY.encode())
    headers = shop.signed(BODY) | {"Content-Encoding": "gzip"}
    assert (await shop.ask("POST", "/v1/sources/shop/messages", headers, data=packed)).problem == (415, "compressed")


def signed_head(stage: Stage, method: str = "POST", target: str = "/v1/sources/shop/messages") -> bytes:
    """The beginning of a request that looks signed."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in stage.app().signed("x").items())
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}".encode("latin-1")


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", b"400"),
        (b"Content-Length: -5\r\n\r\n", b"400"),
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", b"400"),
        (b"X: \xff\xfe\r\nContent-Length: 1\r\n\r\nx", b"400"),
        (b"webhook-id: \xff\xfe\r\nContent-Length: 1\r\n\r\nx", b"400"),
        (b"\r\n", b"401"),
        (b"Expect: 200-maybe\r\nContent-Length: 1\r\n\r\nx", b"417"),
    ],
    ids=["bad chunk", "negative length", "two kinds", "two lengths", "odd header", "two ids", "no body", "bad expectation"],
)
async def test_broken_requests_are_no_server_errors(stage: Stage, more: bytes, status: bytes) -> None:
    assert await raw(stage, signed_head(stage) + more) == status
    assert await stage.app().say("m1", TEXT)


@pytest.mark.parametrize("more", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", b""], ids=["body", "chunk", "head"])
async def test_who_leaves_in_the_middle_harms_nobody(stage: Stage, caplog: pytest.LogCaptureFixture, more: bytes) -> None:
    await left(stage, signed_head(stage) + more)
    assert await stage.app().say("m1", TEXT)
    assert [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}] == []


@pytest.mark.parametrize("conversation", ["\xff\xfe", "%FF", "%00", "..", "%2e%2e%2f", "c?after=%", "x" * 5000, "x" * 50_000], ids=repr)
async def test_odd_targets_are_no_server_errors(stage: Stage, conversation: str) -> None:
    target = f"/v1/sources/shop/conversations/{conversation}/messages"
    assert (await raw(stage, signed_head(stage, "GET", target) + b"\r\n"))[:1] == b"4"


async def test_a_body_that_does_not_come_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "BODY_SECONDS", 0.05)
    parts = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    headers = "".join(f"{name}: {value}\r\n" for name, value in stage.app().signed("x").items())
    writer.write(f"POST /v1/sources/shop/messages HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 100\r\n\r\n{{".encode())
    assert (await asyncio.wait_for(reader.readline(), 5)).split()[1] == b"408"
    writer.close()
    await writer.wait_closed()


async def test_without_the_database_nothing_is_taken(stage: Stage) -> None:
    shop = stage.app()
    await stage.store.close()
    answered = await shop.post(BODY)
    assert answered.problem == (503, "unavailable")
    assert int(answered.headers["Retry-After"]) >= 1
    assert (await shop.post({"merchant": "m1", "photo": picture()}, to="photos")).problem == (503, "unavailable")
    assert (await shop.lines("c")).problem == (503, "unavailable")


# how often


async def test_a_merchant_who_comes_too_often_waits(tmp_path: Path, mind: app.Mind) -> None:
    async with staged(tmp_path, mind, replace(SHOP, per_minute=20)) as stage:
        shop = stage.app()
        answers = [await shop.post({"merchant": "m1", "text": "a"}) for _ in range(11)]
        assert [answer.status for answer in answers] == [202] * 10 + [429]
        assert answers[-1].problem == (429, "too-often")
        assert answers[-1].headers["Retry-After"] == "3"
        assert await shop.say("m2", TEXT)


async def test_a_source_that_comes_too_often_waits_and_nobody_else_can_use_it_up(tmp_path: Path, mind: app.Mind) -> None:
    async with staged(tmp_path, mind, replace(SHOP, per_second=1), OTHER) as stage:
        shop = stage.app()
        for _ in range(50):
            assert (await shop.post(BODY, shop.signed("forged"))).status == 401
        statuses = [(await shop.post({"merchant": f"m{number}", "text": "a"})).status for number in range(20)]
        assert statuses[:10] == [202] * 10
        assert 429 in statuses[10:]
        assert (await shop.lines("c")).status in {404, 429}
        assert await stage.app(OTHER).say("m1", TEXT)
