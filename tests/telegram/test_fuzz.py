"""Updates that were damaged in every way: none of them is an error of ours, and nothing stays behind. `make faults` sends 20,000."""

from __future__ import annotations

import copy
import json
import logging
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.channels.telegram import hook
from tests.faults.world import LONG

from .people import telegram
from .service import SECRET, hooked

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from .people import Fake
    from .service import Service

UPDATES = 20_000 if LONG else 400
WHO = {"id": 5000000001, "is_bot": False, "first_name": "王", "last_name": "五", "username": "wang", "language_code": "zh-hans"}
CHAT = {"id": 5000000001, "type": "private", "first_name": "王"}
FILE = {"file_id": "BQACAgUAAxkBAAIdoc000001", "file_unique_id": "AgADdoc1", "file_size": 1000, "file_name": "对账单.pdf", "mime_type": "application/pdf"}
SIZES = [{"file_id": f"AgACAgUAAxkBAAI{n}", "file_unique_id": f"AQAD{n}", "width": 90 * n, "height": 60 * n, "file_size": 1000 * n} for n in (1, 4)]
KEYBOARD = {"inline_keyboard": [[{"text": "成功", "callback_data": "7.AAAAAAAA.option:pos-record=成功"}]]}


def _message(**more: Any) -> dict[str, Any]:
    return {"message_id": 7, "date": 1_795_000_000, "chat": CHAT, "from": WHO, **more}


SEEDS: tuple[dict[str, Any], ...] = (
    {"message": _message(text="打印机不出纸，卡号6222021234567890128", entities=[{"type": "bold", "offset": 0, "length": 2}])},
    {"message": _message(text="/start bTEwMDIzMzQ1", reply_to_message=_message(text="x"), quote={"text": "x", "position": 0})},
    {"message": _message(photo=SIZES, caption="小票", media_group_id="13500000000000000")},
    {"message": _message(document=FILE)},
    {"message": _message(voice={**FILE, "duration": 3})},
    {"message": _message(location={"latitude": 31.2, "longitude": 121.4})},
    {"message": _message(contact={"phone_number": "13812345678", "first_name": "李"})},
    {"message": _message(sticker={**FILE, "emoji": "👍"})},
    {"edited_message": _message(text="签到签不上", edit_date=1_795_000_001)},
    {"callback_query": {"id": "4382000000000000002", "from": WHO, "data": "7.AAAAAAAA.human", "message": _message(text="?", reply_markup=KEYBOARD)}},
    {"my_chat_member": {"chat": CHAT, "from": WHO, "date": 1, "old_chat_member": {"status": "member"}, "new_chat_member": {"status": "kicked"}}},
    {"message": _message(chat={"id": -1000001, "type": "supergroup", "title": "同行"}, text="/human")},
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 10**40, 1.5, -1e308, "", "\x00", "\ud83d", "\u202e" * 50, "9" * 5000, "密" * 9000, "/start " + "A" * 500,
    "6222021234567890128",
    [], {}, [[]], [None], {"id": None}, [{}] * 50, {"type": "private"}, "private", "../../etc/passwd", "<b>&amp;", "%s{}", "private\x00",
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in an update."""
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [(value, key) for key, _ in pairs] + [place for _, inner in pairs for place in places(inner)]


def damaged(chance: Random) -> dict[str, Any]:
    """An update with one to four things changed, lost or exchanged."""
    update = copy.deepcopy(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        found = places(update)
        if not found:
            break
        container, key = chance.choice(found)
        match chance.randrange(4):
            case 0:
                del container[key]
            case 1:
                other, name = chance.choice(found)
                container[key] = copy.deepcopy(other[name])
            case 2 if isinstance(container, dict):
                container[chance.choice(("text", "caption", "photo", "voice", "chat", "from", "id", "type", "contact"))] = copy.deepcopy(chance.choice(VALUES))
            case _:
                container[key] = copy.deepcopy(chance.choice(VALUES))
    return update


async def test_damaged_updates_do_no_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chance = Random(20261129)
    async with telegram() as fake, hooked(tmp_path, fake) as service, aiohttp.ClientSession() as http:
        caplog.set_level(logging.WARNING, "bot")
        answers = {await _post(http, service.running.hook_address, {**damaged(chance), "update_id": number}) for number in range(1, UPDATES + 1)}
        wang = await _somebody(fake)
        await wang.say("打印机不出纸")
        await wang.sees(lambda bubble: bool(bubble.buttons), within=60)
        await fake.until(lambda: _handled(service), within=120)
        assert answers == {200}
        assert service.rows("SELECT error FROM inbox WHERE status <> 'done'") == []
        assert service.rows("SELECT error FROM outbox WHERE status = 'new' AND tries > 0") == [], "the others wait for their turn only: one chat has thousands"
        assert [record.getMessage() for record in caplog.records if record.exc_info] == []
        assert service.rows("SELECT count(*) FROM inbox")[0][0] > UPDATES / 4


async def _post(http: aiohttp.ClientSession, address: str, update: dict[str, Any]) -> int:
    async with http.post(f"{address}{hook.PATH}", data=json.dumps(update).encode(), headers={hook.HEADER: SECRET}) as response:
        return response.status


async def _handled(service: Service) -> bool | None:
    return None if service.rows("SELECT 1 FROM inbox WHERE status = 'new'") else True


async def _somebody(fake: Fake) -> Any:
    return await fake.person("王")
