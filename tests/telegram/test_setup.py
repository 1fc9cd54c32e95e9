"""`posbot telegram setup` and `link`: what they set, and what they say about each thing that can be wrong."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr, ValidationError

from bot import introduce
from bot.domain.errors import SettingsError

from .service import SECRET, settings

if TYPE_CHECKING:
    from pathlib import Path

    from .people import Fake

PUBLIC = {"telegram_mode": "webhook", "telegram_secret": SecretStr(SECRET), "public_url": "https://pos.example.com"}


@pytest.fixture
def scale() -> float:
    return 1.0


async def setup(tmp_path: Path, fake: Fake, **more: Any) -> int:
    return await asyncio.to_thread(introduce.setup, settings(tmp_path, fake, **more))


async def test_polling(fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await fake.hook("http://127.0.0.1:9/", SECRET)
    assert await setup(tmp_path, fake) == 0
    told = capsys.readouterr().out
    assert "@" in told
    assert "回调地址已经去掉" in told
    (commands,) = await fake.calls("setMyCommands")
    assert [entry["command"] for entry in json.loads(commands["parameters"]["commands"])] == list(introduce.COMMANDS)
    assert len(await fake.calls("setMyDescription")) == len(await fake.calls("setMyShortDescription")) == len(await fake.calls("deleteWebhook")) == 1


async def test_webhook(fake: Fake, tmp_path: Path) -> None:
    assert await setup(tmp_path, fake, **PUBLIC) == 0
    (call,) = await fake.calls("setWebhook")
    assert call["parameters"]["url"] == "https://pos.example.com/telegram/updates"
    assert call["parameters"]["secret_token"] == SECRET


async def test_what_could_not_be_delivered_is_told(fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = {**PUBLIC, "public_url": "https://127.0.0.1:9"}
    assert await setup(tmp_path, fake, **here) == 0
    assert "没能送到" not in capsys.readouterr().out
    wang = await fake.person("王")
    await wang.say("打印机不出纸")
    await asyncio.sleep(1)
    assert await setup(tmp_path, fake, **here) == 0
    assert "没能送到（Connection failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"telegram_token": None}, "还没有设置"),
        ({**PUBLIC, "public_url": "http://pos.example.com"}, "POSBOT_PUBLIC_URL"),
    ],
)
async def test_a_setting_that_is_wrong_is_named(fake: Fake, tmp_path: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        await setup(tmp_path, fake, **more)


@pytest.mark.parametrize(
    ("more", "told"),
    [({"telegram_token": SecretStr("7000000001:wrong")}, "不认识这个令牌"), ({"telegram_api": "http://127.0.0.1:9"}, "连不上")],
)
async def test_what_the_server_says_is_explained(fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: dict[str, Any], told: str) -> None:
    assert await setup(tmp_path, fake, **more) == 1
    assert told in capsys.readouterr().err


async def test_an_address_that_telegram_refuses(fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await fake.fault("refuse", "setWebhook", code=400, description="Bad Request: bad webhook: IP address 127.0.0.1 is reserved")
    assert await setup(tmp_path, fake, **PUBLIC) == 1
    assert "端口只能是" in capsys.readouterr().err


async def test_a_webhook_needs_a_secret(fake: Fake, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="POSBOT_TELEGRAM_MODE"):
        settings(tmp_path, fake, telegram_mode="webhook")


async def test_a_link_for_a_sticker(fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(introduce.link, settings(tmp_path, fake), "10023345", "好再来便利店") == 0
    assert capsys.readouterr().out.startswith("https://t.me/")
    assert await asyncio.to_thread(introduce.link, settings(tmp_path, fake), "10023345", "店" * 30) == 1
    assert "太长" in capsys.readouterr().err
