"""The port for Telegram's server, byte by byte: however a request is written or cut, it is read once and answered once, and nobody holds up the others."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, cast

import pytest

from bot.channels.http import JSON_LIMIT
from bot.channels.telegram import connection, hook
from bot.channels.telegram.connection import HEAD_LIMIT
from bot.channels.telegram.hook import HEADER, PATH, Hook
from bot.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from bot.channels.telegram.reception import Reception

SECRET = "0123456789abcdef0123456789abcdef"
LET_IN = f"Host: x\r\n{HEADER}: {SECRET}\r\n"


class Taker:
    """Notes what is taken together, as slowly as it is told to."""

    def __init__(self) -> None:
        self.taken: list[list[object]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.poison: object = None

    async def take(self, raws: Iterable[object]) -> None:
        self.taken.append(together := list(raws))
        await self.open.wait()
        if self.error:
            raise self.error
        if self.poison in together:
            raise KeyError("a bug")

    @property
    def all(self) -> list[object]:
        return [raw for together in self.taken for raw in together]


class Caller:
    """Somebody who sends bytes and reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in small letters, body."""
        async with asyncio.timeout(10):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            return int(status.split()[1]), headers, await self._reader.readexactly(int(headers["content-length"]))

    async def end(self) -> None:
        """Say that nothing more will be said."""
        self._writer.write_eof()

    async def is_sent_away(self) -> bool:
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                return await self._reader.read() == b""
            return True

    async def rest(self) -> bytes:
        """Everything until the connection is closed."""
        async with asyncio.timeout(10):
            return await self._reader.read()

    def leave(self) -> None:
        self._writer.close()


class House:
    """A hook that listens, and who calls there."""

    def __init__(self, hook: Hook, taker: Taker, port: int) -> None:
        self.hook, self.taker, self._port = hook, taker, port
        self._callers: list[Caller] = []

    async def call(self) -> Caller:
        self._callers.append(caller := Caller(*await asyncio.open_connection("127.0.0.1", self._port)))
        return caller

    async def ask(self, data: bytes) -> int:
        """The status of the answer to this, from a caller of its own."""
        caller = await self.call()
        await caller.send(data)
        return (await caller.answer())[0]

    def leave(self) -> None:
        for caller in self._callers:
            caller.leave()


@asynccontextmanager
async def opened() -> AsyncIterator[House]:
    found = Hook(reception=cast("Reception", taker := Taker()), secret=SECRET)
    house = House(found, taker, await found.listen("127.0.0.1", 0))
    try:
        yield house
    finally:
        taker.open.set()
        house.leave()
        await found.close(5)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with opened() as found:
        yield found


def post(update: object, head: str = LET_IN, path: str = PATH) -> bytes:
    return whole(json.dumps(update).encode(), head, path)


def whole(body: bytes, head: str = LET_IN, path: str = PATH) -> bytes:
    return f"POST {path} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(*parts: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
    return f"POST {PATH} HTTP/1.1\r\n{LET_IN}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks


@pytest.mark.parametrize(
    "written",
    [
        post({"update_id": 7}),
        post({"update_id": 7}, f"host:x\r\n{HEADER.upper()}:{SECRET}  \r\nX-Forwarded-For: 203.0.113.9\r\n"),
        post({"update_id": 7}, path=f"{PATH}?from=telegram"),
        chunked(b'{"upda', b'te_id": ', b"7}"),
        post({"update_id": 7}).replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["usual", "other-letters", "query", "chunked", "http-1.0"],
)
@pytest.mark.parametrize("step", [1, 1 << 20], ids=["byte-by-byte", "at-once"])
async def test_a_request_is_read_however_it_is_written_and_cut(house: House, written: bytes, step: int) -> None:
    caller = await house.call()
    for begin in range(0, len(written), step):
        await caller.send(written[begin : begin + step])
        await asyncio.sleep(0)
    status, headers, body = await caller.answer()
    assert (status, body, "date" in headers) == (200, b"", True)
    assert house.taker.all == [{"update_id": 7}]


@pytest.mark.parametrize(
    ("written", "status"),
    [
        (post({}, "Host: x\r\n"), 401),
        (post({}, f"Host: x\r\n{HEADER}: {SECRET}x\r\n"), 401),
        (post({}, path="/"), 404),
        (post({}, path="/telegram"), 404),
        (post({}, path="/telegram/updates/"), 404),
        (f"GET {PATH} HTTP/1.1\r\n{LET_IN}\r\n".encode(), 405),
        (whole(b"{"), 400),
        (whole(b""), 400),
        (whole(b"\xff"), 400),
    ],
    ids=["no-secret", "other-secret", "root", "part-of-the-path", "more-path", "method", "broken", "empty", "no-utf-8"],
)
async def test_who_is_refused_may_go_on(house: House, written: bytes, status: int) -> None:
    caller = await house.call()
    await caller.send(written)
    found, headers, body = await caller.answer()
    assert found == status
    assert json.loads(body)["message"]
    assert ("allow" in headers) == (status == 405)
    await caller.send(post({"update_id": 1}))
    assert (await caller.answer())[0] == 200
    assert house.taker.all == [{"update_id": 1}]


@pytest.mark.parametrize(
    ("written", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET\r\n\r\n", 400),
        (f"POST {PATH} HTTP/1.1\r\n{LET_IN}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{{}}".encode(), 400),
        (f"POST {PATH} HTTP/1.1\r\n{LET_IN}Content-Length: -1\r\n\r\n".encode(), 400),
        (f"POST {PATH} HTTP/1.1\r\n{LET_IN}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}".encode(), 400),
        (f"POST {PATH} HTTP/1.1\r\nX: {'x' * (2 * HEAD_LIMIT)}".encode(), 431),
        (f"POST /{'x' * (2 * HEAD_LIMIT)}".encode(), 431),
        (f"POST {PATH} HTTP/1.1\r\n{LET_IN}Content-Length: {10**12}\r\n\r\n".encode() + b" " * (JSON_LIMIT + HEAD_LIMIT), 413),
        (f"POST {PATH} HTTP/1.1\r\n{LET_IN}Transfer-Encoding: chunked\r\n\r\n".encode() + b"10000\r\n" + b" " * 0x10000 + b"\r\n10000\r\n" * 300_000, 400),
        (f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**12}\r\n\r\n".encode() + b" " * (JSON_LIMIT + HEAD_LIMIT), 401),
    ],
    ids=["tls", "no-http", "two-lengths", "negative", "other-lengths", "head", "path", "body", "chunks", "stranger"],
)
async def test_who_makes_no_sense_or_no_end_is_told_and_sent_away(monkeypatch: pytest.MonkeyPatch, written: bytes, status: int) -> None:
    monkeypatch.setattr(connection, "LINGER", 0.05)
    monkeypatch.setattr(hook, "LOOKS", 0.02)
    async with opened() as house:
        caller = await house.call()
        sending = asyncio.create_task(caller.send(written))
        found, headers, _ = await caller.answer()
        assert (found, headers["connection"]) == (status, "close")
        assert await caller.is_sent_away()
        await sending
        assert await house.ask(post({"update_id": 1})) == 200
        assert house.taker.all == [{"update_id": 1}]


async def test_a_whole_body_that_is_too_large_is_refused(house: House) -> None:
    assert await house.ask(whole(b" " * (JSON_LIMIT - 1) + b"1")) == 200
    assert await house.ask(whole(b" " * JSON_LIMIT + b"1")) == 413
    assert house.taker.all == [1]


async def test_who_does_not_wait_for_the_answer_comes_again(house: House) -> None:
    house.taker.open.clear()
    caller = await house.call()
    await caller.send(post({"update_id": 1}) + post({"update_id": 2}))
    await caller.send(post({"update_id": 3}))
    await asyncio.sleep(0.05)
    house.taker.open.set()
    status, headers, _ = await caller.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert await caller.is_sent_away()
    assert house.taker.all == [{"update_id": 1}]


UPGRADE = post({}, "Connection: Upgrade\r\nUpgrade: websocket\r\nHost: x\r\n")
CONNECT, GET = (f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for line in ("CONNECT x:443", "GET /"))


@pytest.mark.parametrize(
    ("written", "later"),
    [(UPGRADE, b""), (UPGRADE, post({"update_id": 2})), (CONNECT, post({"update_id": 2})), (GET + post({"update_id": 2}), b""), (GET * 1000, b"")],
    ids=["upgrade", "behind-an-upgrade", "behind-connect", "behind-a-refusal", "refusals"],
)
async def test_nothing_is_smuggled_in_behind_what_is_refused(house: House, written: bytes, later: bytes) -> None:
    caller = await house.call()
    await caller.send(written)
    status, headers, _ = await caller.answer()
    assert (status in {401, 404}, headers["connection"]) == (True, "close")
    await caller.send(later)
    assert await caller.is_sent_away()
    assert house.taker.all == []


async def test_an_answer_to_head_has_no_body(house: House) -> None:
    caller = await house.call()
    await caller.send(f"HEAD {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await caller.rest()
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b"\r\n\r\n")


async def test_who_has_said_everything_still_gets_the_answer(house: House) -> None:
    caller = await house.call()
    await caller.send(post({"update_id": 1}))
    await caller.end()
    assert (await caller.answer())[0] == 200
    assert await caller.is_sent_away()


async def test_behind_the_last_request_nothing_is_heard(house: House) -> None:
    caller = await house.call()
    await caller.send(post({"update_id": 1}, f"Connection: close\r\n{LET_IN}", path="/") + post({"update_id": 2}))
    assert (await caller.answer())[0] == 404
    assert await caller.is_sent_away()
    assert house.taker.all == []


async def test_nonsense_behind_a_request_does_not_take_its_answer_away(house: House) -> None:
    caller = await house.call()
    await caller.send(post({"update_id": 1}) + b"\x00\x01\x02\r\n\r\n")
    assert (await caller.answer())[0] == 200
    assert await caller.is_sent_away()
    assert house.taker.all == [{"update_id": 1}]


async def test_what_comes_meanwhile_is_taken_together(house: House) -> None:
    house.taker.open.clear()
    callers = [await house.call() for _ in range(hook.TOGETHER + 5)]
    for number, caller in enumerate(callers):
        await caller.send(post(number))
        await asyncio.sleep(0.01 if number == 0 else 0)
    await asyncio.sleep(0.1)
    assert house.taker.taken == [[0]]
    house.taker.open.set()
    assert [(await caller.answer())[0] for caller in callers] == [200] * len(callers)
    assert [len(together) for together in house.taker.taken] == [1, hook.TOGETHER, 4]
    assert house.taker.all == list(range(len(callers)))


@pytest.mark.parametrize("error", [StoreUnavailable("away"), KeyError("a bug")], ids=["away", "bug"])
async def test_what_is_not_committed_has_to_come_again(house: House, error: Exception) -> None:
    house.taker.error = error
    caller = await house.call()
    await caller.send(post({"update_id": 1}))
    status, headers, _ = await caller.answer()
    assert (status, headers["retry-after"]) == (503, "2")
    house.taker.error = None
    await caller.send(post({"update_id": 1}))
    assert (await caller.answer())[0] == 200


async def test_one_that_cannot_be_taken_does_not_harm_the_others(house: House) -> None:
    house.taker.open.clear()
    house.taker.poison = 2
    callers = [await house.call() for _ in range(4)]
    for number, caller in enumerate(callers):
        await caller.send(post(number))
        await asyncio.sleep(0.05 if number == 0 else 0)
    await asyncio.sleep(0.05)
    house.taker.open.set()
    assert [(await caller.answer())[0] for caller in callers] == [200, 200, 503, 200]


async def test_a_commit_that_takes_long_does_not_hold_up_the_others(house: House) -> None:
    house.taker.open.clear()
    stuck, next_one = await house.call(), await house.call()
    await stuck.send(post({"update_id": 1}))
    await asyncio.sleep(0.05)
    await next_one.send(post({"update_id": 2}))
    async with asyncio.timeout(5):
        while len(house.taker.taken) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    house.taker.open.set()
    assert [(await caller.answer())[0] for caller in (stuck, next_one)] == [200, 200]


async def test_who_is_slow_is_sent_away_and_who_waits_for_us_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"PATIENCE": 0.2, "IDLE": 0.4, "LINGER": 0.1}.items():
        monkeypatch.setattr(connection, name, seconds)
    monkeypatch.setattr(hook, "LOOKS", 0.02)
    async with opened() as house:
        house.taker.open.clear()
        silent, slow, waiting = await house.call(), await house.call(), await house.call()
        await waiting.send(post({"update_id": 1}))
        await slow.send(post({"update_id": 2})[:-1])
        status, headers, _ = await slow.answer()
        assert (status, headers["connection"]) == (408, "close")
        assert await slow.is_sent_away()
        assert await silent.is_sent_away()
        house.taker.open.set()
        assert (await waiting.answer())[0] == 200


async def test_somebody_who_leaves_takes_no_answer_of_others(house: House) -> None:
    house.taker.open.clear()
    leaving, staying = await house.call(), await house.call()
    await leaving.send(post({"update_id": 1}))
    await staying.send(post({"update_id": 2}))
    await asyncio.sleep(0.05)
    leaving.leave()
    await asyncio.sleep(0.05)
    house.taker.open.set()
    assert (await staying.answer())[0] == 200
    assert house.taker.all == [{"update_id": 1}, {"update_id": 2}]


async def test_at_the_end_what_has_begun_is_answered() -> None:
    async with opened() as house:
        house.taker.open.clear()
        idle, asking, beginning = await house.call(), await house.call(), await house.call()
        await asking.send(post({"update_id": 1}))
        await beginning.send(post({"update_id": 2})[:-1])
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(house.hook.close(5))
        assert await idle.is_sent_away()
        house.taker.open.set()
        await beginning.send(b"}")
        for caller in (asking, beginning):
            status, headers, _ = await caller.answer()
            assert (status, headers["connection"]) == (200, "close")
        await closing
        with pytest.raises(ConnectionError):
            await house.call()


@pytest.mark.parametrize("begun", [b"P", post({}, "Host: x\r\n")[:-1]], ids=["a-byte", "stranger"])
async def test_at_the_end_nobody_waits_for_strangers(begun: bytes) -> None:
    async with opened() as house:
        caller = await house.call()
        await caller.send(begun)
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await house.hook.close(60)
        assert await caller.is_sent_away()


async def test_at_the_end_nobody_waits_without_end() -> None:
    """Neither for who does not go on, nor for a commit that hangs."""
    async with opened() as house:
        house.taker.open.clear()
        beginning, asking = await house.call(), await house.call()
        await beginning.send(post({"update_id": 2})[:-1])
        await asking.send(post({"update_id": 1}))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await house.hook.close(0.1)
        assert await beginning.is_sent_away()
        assert await asking.is_sent_away()


def test_a_hook_without_a_secret_is_none() -> None:
    with pytest.raises(ValueError, match="secret"):
        Hook(reception=cast("Reception", Taker()), secret="")
