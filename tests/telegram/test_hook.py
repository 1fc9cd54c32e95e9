"""The way in for Telegram's server: whoever does not know the secret, and whatever is no update, is refused, and nothing is an error of ours."""

from __future__ import annotations

import io
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from pydantic import SecretStr

from bot import server
from bot.channels.telegram import hook
from bot.domain.errors import SettingsError

from .service import SECRET, hooked, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from .people import Fake
    from .service import Service

DEEP = b'{"update_id": 1, "message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.fixture
def scale() -> float:
    return 1.0


@pytest.fixture
async def service(fake: Fake, tmp_path: Path) -> AsyncIterator[Service]:
    async with hooked(tmp_path, fake) as found:
        yield found


async def post(service: Service, body: bytes, **headers: str) -> int:
    async with aiohttp.ClientSession() as http, http.post(f"{service.running.hook_address}{hook.PATH}", data=io.BytesIO(body), headers=headers) as response:
        return response.status


async def test_who_does_not_know_the_secret_is_not_let_in(service: Service) -> None:
    body = update("打印机不出纸")
    for headers in ({}, {hook.HEADER: ""}, {hook.HEADER: SECRET[:-1]}, {hook.HEADER: SECRET + "x"}, {hook.HEADER: "密码" * 16}):
        assert await post(service, body, **headers) == 401
    assert service.rows("SELECT count(*) FROM inbox") == [(0,)]
    assert await post(service, body, **{hook.HEADER: SECRET}) == 200
    assert service.rows("SELECT count(*) FROM inbox") == [(1,)]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b'{"update_id": NaN}', b'{"update_id": ' + b"9" * 5000 + b"}", DEEP, b"\x00" * 1000],
    ids=["empty", "broken", "no-utf-8", "nan", "endless", "deep", "nul"],
)
async def test_what_is_no_json_is_refused(service: Service, body: bytes) -> None:
    assert await post(service, body, **{hook.HEADER: SECRET}) == 400


@pytest.mark.parametrize(
    "body",
    [[], 1, "x", None, {}, {"update_id": "1"}, {"update_id": 1}, {"update_id": 2**80, "message": {}}, {"update_id": 1, "message": None},
     {"update_id": 1, "message": {"message_id": 1, "chat": {"id": "1", "type": "private"}, "text": "x"}}, {"update_id": 1, "poll": {"id": "1"}},
     {"update_id": 1, "callback_query": {"id": 1, "data": 2, "message": [3]}}, {"update_id": True, "message": {"message_id": 1}}],
    ids=str,
)  # fmt: skip
async def test_what_nobody_wrote_is_taken_and_forgotten(service: Service, body: Any) -> None:
    assert await post(service, json.dumps(body).encode(), **{hook.HEADER: SECRET}) == 200
    assert service.rows("SELECT count(*) FROM inbox") == [(0,)]


async def test_a_body_that_is_too_large_is_refused(service: Service) -> None:
    assert await post(service, b" " * (1 << 20) + b"{}", **{hook.HEADER: SECRET}) == 413


async def test_brackets_in_a_text_are_a_text(service: Service) -> None:
    """Refused, it would come again for a day, and hold up what is behind it."""
    assert await post(service, update("[{" * 2000), **{hook.HEADER: SECRET}) == 200
    await service.idle()
    assert service.rows("SELECT status FROM inbox") == [("done",)]


async def test_half_of_an_emoji_is_worth_reading(service: Service) -> None:
    body = update("打印机不出纸\ud83d\x00")
    assert await post(service, body, **{hook.HEADER: SECRET}) == 200
    await service.idle()
    assert service.rows("SELECT status FROM inbox") == [("done",)]


async def test_a_port_that_somebody_else_has_is_named(service: Service, fake: Fake, tmp_path: Path) -> None:
    taken = urlsplit(service.running.hook_address).port
    (other := tmp_path / "other").mkdir()
    with pytest.raises(ExceptionGroup) as found:
        await server.serve(settings(other, fake, telegram_mode="webhook", telegram_secret=SecretStr(SECRET), telegram_port=taken), lambda _: None)
    assert found.group_contains(SettingsError, match=f"127.0.0.1:{taken}.*POSBOT_TELEGRAM_PORT")


def update(text: str, number: int = 1) -> bytes:
    who = {"id": 5000000888, "is_bot": False, "first_name": "\ud83d王"}
    chat = {"id": 5000000888, "type": "private", "first_name": "王"}
    return json.dumps({"update_id": number, "message": {"message_id": number, "date": int(time.time()), "chat": chat, "from": who, "text": text}}).encode()
