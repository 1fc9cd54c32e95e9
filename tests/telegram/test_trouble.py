"""What goes wrong between us and Telegram: nothing is lost, the order is kept, staff learn what did not arrive."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.channels.telegram.pace import Pace
from bot.domain.messages import Address, Photo
from bot.domain.tickets import Act, Actor
from tests.faults.world import LONG

from .service import hooked, serving
from .test_merchants import picture

if TYPE_CHECKING:
    from pathlib import Path

    from .people import Fake, Person
    from .service import Service, Serving

STORM = 30 if LONG else 3
"""Seconds of nothing but 429."""


@pytest.fixture
def scale() -> float:
    return 1.0


async def with_staff(fake: Fake, service: Service) -> Person:
    """Somebody whose trouble staff have."""
    wang = await fake.person("王")
    await wang.say("客人短信来了我这啥纸都没吐")
    await wang.sees(lambda bubble: bool(bubble.buttons))
    await wang.say("/human")
    await wang.sees(lambda bubble: "直接转人工" in bubble.labels)
    await wang.say("直接转人工")
    await wang.sees(lambda bubble: "已经转给人工同事" in bubble.text)
    await service.idle()
    return wang


def notes(service: Service) -> list[str]:
    return [json.loads(body)["bubbles"][0] for side, body in service.said() if side == "note"]


async def test_staff_learn_that_a_merchant_has_blocked_the_bot_and_that_he_is_back(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        wang = await with_staff(fake, service)
        await wang.block()
        await fake.until(lambda: _true("停用" in str(notes(service))))
        assert _state(service)["unreachable"] is True
        await wang.unblock()
        await fake.until(lambda: _true("重新启用" in str(notes(service))))
        assert _state(service)["unreachable"] is False


async def test_staff_learn_that_what_they_said_did_not_arrive(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await with_staff(fake, service)
        await wang.deactivate()
        await staff_says(service, wang, "请看一下流水")
        await fake.until(lambda: _true(notes(service)))
        assert "送不到" in notes(service)[0]
        await service.idle()
        assert service.rows("SELECT count(*) FROM outbox WHERE status = 'dead'") == [(2,)], "who took it, and what was said"
        await staff_says(service, wang, "看到了吗")
        await fake.until(lambda: _true(len(notes(service)) == 2))


async def test_staff_are_told_from_the_bot(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await with_staff(fake, service)
        await staff_says(service, wang, "请看一下流水。" * 800)
        await wang.sees(lambda bubble: bubble.text.startswith("同事小李：\n请看一下流水。"))
        await service.idle()
        parts = [bubble.text.removeprefix("同事小李：\n") for bubble in (await wang.view()).of_bot() if bubble.text.startswith("同事小李：")]
        assert "".join(parts) == "请看一下流水。" * 800
        assert len(parts) == 2


async def test_a_picture_of_staff_arrives_with_its_words(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await with_staff(fake, service)
        photo = Photo(id="0" * 32, mime="image/jpeg", width=600, height=400, data=picture())
        await service.keep(photo, Address(channel="telegram", chat=str(wang.id)))
        await staff_says(service, wang, "看这里", photo=photo.id)
        bubble = await wang.sees(lambda bubble: bubble.kind == "photo")
        assert bubble.text == "同事小李：\n看这里"


async def test_a_text_that_telegram_refuses_is_given_up_and_what_follows_arrives(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("王")
        await fake.fault("refuse", "sendMessage", times=1, code=400, description="Bad Request: chat not found")
        await wang.say("打印机不出纸")
        await wang.sees(lambda bubble: bool(bubble.buttons))
        await service.idle()
        assert service.rows("SELECT error FROM outbox WHERE status = 'dead'") == [("Bad Request: chat not found",)]


async def test_a_group_that_became_another_chat_is_followed(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang, other = await fake.person("王"), await fake.person("新")
        moved = {"code": 400, "description": "Bad Request: group chat was upgraded", "parameters": {"migrate_to_chat_id": other.id}}
        await fake.fault("refuse", "sendMessage", times=1, **moved)
        await wang.say("/privacy")
        await other.sees(lambda bubble: "到期自动删除" in bubble.text)
        await service.idle()


async def test_a_token_that_is_not_known_lets_lines_wait(fake: Fake, tmp_path: Path) -> None:
    async with hooked(tmp_path, fake) as service:
        wang = await fake.person("王")
        await fake.fault("refuse", "sendMessage", times=1, code=401, description="Unauthorized")
        await wang.say("打印机不出纸")
        await fake.until(lambda: _true(service.rows("SELECT 1 FROM outbox WHERE error = 'Unauthorized'")))
        assert service.rows("SELECT count(*) FROM outbox WHERE status = 'dead'") == [(0,)]


def test_two_chats_that_are_refused_mean_all() -> None:
    now = [1_000_000]
    pace = Pace(lambda: now[0])
    pace.refused("a", 5)
    assert [pace.until(chat) for chat in "abc"] == [6_000_000, 0, 0]
    pace.refused("b", 3)
    assert [pace.until(chat) for chat in "abc"] == [6_000_000, 4_000_000, 4_000_000]
    now[0] = 6_500_000
    pace.refused("c", 2)
    assert [pace.until(chat) for chat in "abc"] == [0, 0, 8_500_000]


async def staff_says(service: Service, who: Person, text: str, photo: str = "") -> None:
    """An answer of staff, as the console puts it on the road."""
    from bot.domain.events import Acted  # noqa: PLC0415
    from bot.service import bodies  # noqa: PLC0415

    (number,) = service.rows("SELECT number FROM ticket")[0]
    act = Acted(actor=Actor(login="li", name="小李"), act=Act.REPLY, number=number, text=text, photo=photo)
    await service.act(Address(channel="telegram", chat=str(who.id)), bodies.acted(act))


async def test_nothing_is_lost_and_the_order_is_kept_while_everything_is_refused(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        people = [await fake.person(f"第{number}家") for number in range(8)]
        await fake.flood(STORM, retry_after=1)
        for turn in range(3):
            await asyncio.gather(*(person.say(f"第{turn}次问：打印机不出纸") for person in people))
        await fake.until(lambda: _true(not service.waiting() and len(service.rows("SELECT 1 FROM inbox")) == 24), within=STORM + 27)
        said = {str(person.id): [bubble.text for bubble in (await person.view()).of_bot()] for person in people}
        expected = service.expected()
        assert said == {chat: [text.encode("utf-16", "surrogatepass").decode("utf-16") for text in texts] for chat, texts in expected.items()}
        assert await impatient(fake) == []


async def impatient(fake: Fake) -> list[dict[str, Any]]:
    """Calls to a chat that had been told to wait, and had not waited long enough."""
    return [call for call in await fake.calls() if call.get("early")]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "refuse", "code": 500}, {"kind": "refuse", "code": 502, "description": "Bad Gateway"}, {"kind": "page", "code": 502},
     {"kind": "drop_before"}, {"kind": "drop_after"}],
    ids=lambda fault: f"{fault['kind']}-{fault.get('code', '')}",
)  # fmt: skip
async def test_what_fails_is_tried_again(fake: Fake, tmp_path: Path, fault: dict[str, Any]) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("王")
        await fake.fault(fault.pop("kind"), "sendMessage", times=1, **fault)
        await wang.say("打印机不出纸")
        await wang.sees(lambda bubble: bool(bubble.buttons))
        await service.idle()
        texts = [bubble.text for bubble in (await wang.view()).of_bot()]
        expected = service.expected()[str(wang.id)]
        assert list(dict.fromkeys(texts)) == expected
        assert len(texts) - len(expected) <= 1


async def test_a_text_whose_buttons_are_refused_arrives_without_them(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake):
        wang = await fake.person("王")
        await fake.fault("refuse", "sendMessage", times=1, code=400, description="Bad Request: BUTTON_DATA_INVALID")
        await wang.say("/privacy")
        await wang.sees(lambda bubble: "到期自动删除" in bubble.text or "转人工" in bubble.text)


async def test_a_picture_that_cannot_be_fetched_now_is_fetched_later(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("王")
        await fake.fault("refuse", "getFile", times=1, code=500)
        await wang.send("photo", picture())
        await wang.sees(lambda bubble: "照片收到了" in bubble.text)
        assert service.rows("SELECT count(*) FROM photo") == [(1,)]


async def test_the_same_update_again_changes_nothing(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        wang = await fake.person("王")
        await fake.duplicates(20)
        for words in ("打印机不出纸", "没用", "还是不行"):
            await wang.say(words)
        await fake.until(lambda: _true(len(service.rows("SELECT 1 FROM inbox")) == 3))
        await fake.until(lambda: _true(not service.waiting()))
        await asyncio.sleep(0.5)
        assert service.rows("SELECT count(*) FROM inbox") == [(3,)]
        assert [bubble.text for bubble in (await wang.view()).of_bot()] == service.expected()[str(wang.id)]


async def test_numbers_that_begin_anew(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("王")
        await wang.say("打印机不出纸")
        await wang.sees(lambda bubble: bool(bubble.buttons))
        await fake.control("restart_ids", next=17)
        await wang.say("没用")
        await fake.until(lambda: _true(len(service.rows("SELECT 1 FROM inbox WHERE status = 'done'")) == 2))


async def test_a_restart_in_the_middle(fake: Fake, way: Serving, tmp_path: Path) -> None:
    wang = await fake.person("王")
    async with way(tmp_path, fake) as service:
        await wang.say("客人短信来了我这啥纸都没吐")
        await wang.sees(lambda bubble: "成功" in bubble.labels)
        await service.idle()
        asked = (await wang.view()).of_bot()[-1]
    await wang.press(asked, label="成功")
    async with way(tmp_path, fake):
        await wang.sees(lambda bubble: "已经成功收到" in bubble.text, within=20)


async def test_what_was_taken_in_while_the_token_was_not_known_is_answered_afterwards(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("王")
        await fake.fault("refuse", "getUpdates", times=1, code=409, description="Conflict: terminated by other getUpdates request")
        await wang.say("打印机不出纸")
        await wang.sees(lambda bubble: bool(bubble.buttons), within=20)
        assert service.rows("SELECT count(*) FROM inbox") == [(1,)]


def _state(service: Service) -> dict[str, Any]:
    ((state,),) = service.rows("SELECT state FROM conversation")
    found: dict[str, Any] = json.loads(state)
    return found


async def _true(holds: object) -> bool | None:
    return True if holds else None
