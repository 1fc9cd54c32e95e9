"""What every HTTP channel shares, with hostile bodies and impatient visitors."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, TCPConnector, web
from pydantic import BaseModel, ConfigDict

from bot.channels.http import DEEPEST, Refused, body, guarded, json_of, parsed
from bot.domain.errors import StoreUnavailable
from bot.service.buckets import Buckets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT = 1000


class Order(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    text: str
    number: int = 0


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe{}", 400),
        (b'{"text": "\xe5\xb0"}', 400),
        ("\ufeff{}".encode(), 400),
        (b'{"text": "a", "number": NaN}', 400),
        (b'{"text": "a", "number": Infinity}', 400),
        (b'{"text": "a", "number": -Infinity}', 400),
        (b'{"text": "a", "number": ' + b"9" * 5000 + b"}", 400),
        (b"[" * 100_000, 400),
        (b"[" * 33 + b"]" * 33, 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
        (b'{"text": "a\nb"}', 400),
        (b'{"text": "a"} {}', 400),
        (b"{'text': 'a'}", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b"{}", 422),
        (b'{"text": 5}', 422),
        (b'{"text": null}', 422),
        (b'{"text": "a", "number": 1e999}', 422),
        (b'{"text": "a", "number": "1"}', 422),
        (b'{"text": "a", "number": 1.5}', 422),
        (b'{"text": "a", "number": true}', 422),
        (b'{"text": "a", "more": 1}', 422),
    ],
    ids=lambda value: f"{value[:40]!r}" if isinstance(value, bytes) else "",
)
def test_what_is_no_order_is_refused_with_a_reason(raw: bytes, status: int) -> None:
    with pytest.raises(Refused) as raised:
        parsed(raw, Order)
    response = raised.value.response
    assert response.status == status
    told = json.loads(response.text or "")
    assert told["error"] in ("bad-json", "bad-field")
    assert told["message"]


@pytest.mark.parametrize(
    ("raw", "order"),
    [
        (b'{"text": "a"}', Order(text="a")),
        (b' {"text": "\\u5c0f\\u7968", "number": -1} ', Order(text="小票", number=-1)),
        (b'{"text": "a", "text": "b"}', Order(text="b")),
        (b'{"text": "[[[{"}', Order(text="[[[{")),
    ],
    ids=lambda value: f"{value[:40]!r}" if isinstance(value, bytes) else "",
)
def test_an_order_is_read(raw: bytes, order: Order) -> None:
    assert parsed(raw, Order) == order


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A server that counts the bytes of a body."""

    async def size(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await body(request, LIMIT))))

    async def closed(_: web.Request) -> web.Response:
        raise StoreUnavailable("full")

    app = web.Application(middlewares=[guarded], client_max_size=LIMIT)
    app.add_routes([web.post("/size", size), web.get("/closed", closed)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 100):
        yield b"x" * 100


@pytest.mark.parametrize(("size", "status"), [(0, 200), (LIMIT, 200), (LIMIT + 100, 413), (LIMIT * 500, 413)])
@pytest.mark.parametrize("streamed", [False, True], ids=["announced", "streamed"])
async def test_a_body_is_read_no_further_than_the_limit(address: str, size: int, status: int, streamed: bool) -> None:
    async with (
        ClientSession(connector=TCPConnector(force_close=True)) as session,
        session.post(f"{address}/size", data=_pieces(size) if streamed else b"x" * size) as response,
    ):
        assert response.status == status
        assert await response.text() == str(size) if status == 200 else (await response.json())["error"] == "too-large"


@pytest.mark.parametrize(
    ("request_lines", "status"),
    [
        ("GET /closed HTTP/1.1\r\n\r\n", 503),
        ("GET /nowhere HTTP/1.1\r\n\r\n", 404),
        ("GET /size HTTP/1.1\r\n\r\n", 405),
        ("POST /size HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /size HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nXYZ\r\n", 400),
        ("POST /size HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone", 400),
    ],
)
async def test_nothing_that_comes_in_is_a_server_error(address: str, request_lines: str, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    writer.write(request_lines.replace("HTTP/1.1\r\n", "HTTP/1.1\r\nHost: posbot\r\n").encode())
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    assert int(line.split()[1]) == status


async def test_who_leaves_while_sending_is_no_error(address: str, caplog: pytest.LogCaptureFixture) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    writer.write(b"POST /size HTTP/1.1\r\nHost: posbot\r\nContent-Length: 100\r\n\r\nbegun")
    await writer.drain()
    async with ClientSession() as session, session.get(f"{address}/nowhere"):  # by then the other one is being read
        writer.transport.abort()
    async with ClientSession() as session, session.get(f"{address}/nowhere") as response:
        assert response.status == 404
    assert [record.message for record in caplog.records if record.name == "aiohttp.server"] == []


def test_a_bucket_lets_a_burst_through_and_then_one_at_a_time() -> None:
    now = 0.0
    buckets = Buckets(rate=0.5, burst=3, clock=lambda: now)
    waits = []
    for at in (0, 0, 0, 0, 1, 2, 2, 100, 100, 100, 100):
        now = at
        waits.append(buckets.take("anna"))
    assert waits == [0, 0, 0, 2, 1, 0, 2, 0, 0, 0, 2]


def test_who_waits_as_told_is_let_in() -> None:
    now = 0.0
    buckets = Buckets(rate=20 / 60, burst=10, clock=lambda: now)
    for _ in range(200):
        if wait := buckets.take("anna"):
            now += wait + 1e-9
            assert buckets.take("anna") == 0
    assert now == pytest.approx((200 + 190 - 10) / 2 * 3, rel=0.02)


def test_a_clock_that_is_set_back_makes_nobody_wait_for_it() -> None:
    now = 5000.0
    buckets = Buckets(rate=1, burst=2, clock=lambda: now)
    assert [buckets.take("anna") for _ in range(3)] == [0, 0, 1]
    now -= 3600
    assert buckets.take("anna") == 1
    now += 1
    assert buckets.take("anna") == 0


def test_each_has_an_own_bucket() -> None:
    buckets = Buckets(rate=1, burst=1, clock=lambda: 0.0)
    assert [buckets.take(key) for key in ("anna", "ben", "anna")] == [0, 0, 1]


def test_memory_is_bounded_by_time_and_by_number() -> None:
    now, numbers = 0.0, count()
    buckets = Buckets(rate=1, burst=5, clock=lambda: now, most_keys=1000)
    for _ in range(3000):
        buckets.take(f"visitor {next(numbers)}")
    assert len(buckets._buckets) == 1000
    now = 5.0  # all are full again
    buckets.take("anna")
    assert list(buckets._buckets) == ["anna"]


def test_who_comes_too_often_is_not_forgotten_by_coming() -> None:
    now = 0.0
    buckets = Buckets(rate=1, burst=2, clock=lambda: now, most_keys=100)
    for number in range(50):
        buckets.take(f"visitor {number}")
        buckets.take("anna")
    assert buckets.take("anna") > 0


@pytest.mark.parametrize("inner", ["", '"\\ud83d"'], ids=["usual", "half-a-character"])
def test_only_lists_and_objects_in_one_another_are_deep(inner: str) -> None:
    """What somebody wrote may have as many brackets as it likes."""

    def nested(levels: int) -> bytes:
        return ("[" * levels + inner + "]" * levels).encode()

    assert json_of(nested(DEEPEST))
    for levels in (DEEPEST + 1, 150_000):
        with pytest.raises(Refused):
            json_of(nested(levels))
    assert json_of(json.dumps({"text": "[{" * 1000}).encode()) == {"text": "[{" * 1000}
    assert len(json_of(b"[" + b"[]," * 1000 + b"{}]")) == 1001
