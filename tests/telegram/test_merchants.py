"""Merchants in Telegram, from their phone to the dialogue and back, through real sockets: by long polling and by webhook."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image
from pydantic import SecretStr

from bot import telegram as composition
from bot.server import clock

from .service import serving, settings

if TYPE_CHECKING:
    from pathlib import Path

    from .people import Bubble, Fake, Person
    from .service import Service, Serving

CARD = "6222021234567890128"


@pytest.fixture
def scale() -> float:
    return 1.0


def picture(colour: str = "white", size: tuple[int, int] = (600, 400)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "JPEG", exif=b"Exif\x00\x00GPS: 31.23, 121.47")
    return data.getvalue()


async def said(service: Service, who: Person) -> list[Bubble]:
    """What the bot has said when nothing waits any more."""
    await service.idle()
    return (await who.view()).of_bot()


async def begun(fake: Fake, service: Service, words: str = "客人短信来了我这啥纸都没吐") -> Person:
    """Somebody with a trouble at hand, whom the bot has asked something."""
    wang = await fake.person("王")
    await wang.say(words)
    await wang.sees(lambda bubble: bool(bubble.buttons))
    await service.idle()
    return wang


async def test_a_whole_conversation(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        wang = await fake.person("王")
        await wang.start()
        assert "隐私" not in (await wang.sees(lambda bubble: "转人工" in bubble.labels)).text
        await wang.say("客人短信来了我这啥纸都没吐")
        await wang.sees(lambda bubble: "先停手" in bubble.text)
        asked = await wang.sees(lambda bubble: "成功" in bubble.labels)
        query = await wang.press(asked, label="成功")
        assert (await wang.answered(query))["alert"] is False
        await wang.sees(lambda bubble: "已经成功收到" in bubble.text)
        rating = await wang.sees(lambda bubble: "帮上忙了" in bubble.labels)
        await wang.press(rating, label="帮上忙了")
        await wang.sees(lambda bubble: "谢谢您的反馈" in bubble.text)
        bubbles = await said(service, wang)
        texts = [bubble.text for bubble in bubbles]
        assert len(texts) == len(set(texts))
        assert sum(bool(bubble.buttons) and not bubble.labels[0].startswith("✓") for bubble in bubbles) == 1, "buttons stand under the last question only"
        assert [bubble.labels for bubble in bubbles if bubble.id in {asked.id, rating.id}] == [["✓ 成功"], ["✓ 帮上忙了"]]


async def test_to_staff_and_back(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        wang = await begun(fake, service)
        await wang.say("/human")
        await wang.sees(lambda bubble: "直接转人工" in bubble.labels)
        await wang.press((await said(service, wang))[-1], label="直接转人工")
        await wang.sees(lambda bubble: "已经转给人工同事" in bubble.text)
        await wang.say("/status@posbot")
        await wang.sees(lambda bubble: "已经登记好" in bubble.text)
        assert service.rows("SELECT count(*) FROM ticket") == [(1,)]


@pytest.mark.parametrize(
    ("command", "answer"),
    [("/start", "直接说就行"), ("/human", "转人工"), ("/status", "没有在办的单子"), ("/restart", "重新来"), ("/privacy", "到期自动删除"), ("/help", "/human"),
     ("/take", ""), ("/kb 签到", "")],
)  # fmt: skip
async def test_commands(fake: Fake, tmp_path: Path, command: str, answer: str) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("王")
        await wang.say(command)
        await wang.sees(lambda bubble: answer in bubble.text)
        assert service.rows("SELECT count(*) FROM ticket") == [(0,)]


async def test_a_button_of_before_gets_a_friendly_word_and_the_current_question(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await begun(fake, service)
        first = (await said(service, wang))[-1]
        data = first.buttons[0][0].data
        await wang.say("成功")
        await wang.sees(lambda bubble: "帮上忙了" in bubble.labels)
        await service.idle()
        await wang.press(first, data=data, force=True)
        await wang.sees(lambda bubble: "这个按钮是前面的了" in bubble.text)
        assert "帮上忙了" in (await said(service, wang))[-1].labels


@pytest.mark.parametrize("data", ["human", "1.AAAAAAAA.human", "x" * 64])
async def test_a_button_that_is_not_ours(fake: Fake, tmp_path: Path, data: str) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await begun(fake, service)
        query = await wang.press((await said(service, wang))[-1], data=data, force=True)
        await wang.answered(query)
        await wang.sees(lambda bubble: "这个按钮是前面的了" in bubble.text)


async def test_a_button_tapped_twice_is_one_answer(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await begun(fake, service)
        asked = (await said(service, wang))[-1]
        for _ in range(3):
            await wang.press(asked, data=asked.buttons[0][0].data, force=True)
        await wang.sees(lambda bubble: "已经成功收到" in bubble.text)
        texts = [bubble.text for bubble in await said(service, wang)]
        assert not any("前面的了" in text for text in texts)
        assert sum("已经成功收到" in text for text in texts) == 1


async def test_an_edit_of_the_last_message_is_a_correction(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        wang = await fake.person("王")
        message = (await wang.say("打印机不出纸"))["message_id"]
        await wang.sees(lambda bubble: bool(bubble.buttons))
        await service.idle()
        await wang.edit(message, "签到签不上")
        await wang.sees(lambda bubble: "签到" in bubble.text)
        await service.idle()
        (state,) = service.rows("SELECT state FROM conversation")
        assert json.loads(state[0])["topic"] == "sign-in"


async def test_an_edit_of_an_earlier_message_is_named_as_one(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("王")
        message = (await wang.say("打印机不出纸"))["message_id"]
        await wang.sees(lambda bubble: bool(bubble.buttons))
        await service.idle()
        await wang.say("不知道")
        await service.idle()
        await wang.edit(message, f"签到签不上 卡号{CARD}")
        await wang.sees(lambda bubble: "您改的是前面的一条" in bubble.text)
        await wang.sees(lambda bubble: "请不要发完整卡号" in bubble.text)
        assert message in (await wang.view()).deleted


async def test_a_photo_is_kept_like_others(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        wang = await begun(fake, service)
        await wang.send("photo", picture())
        await wang.sees(lambda bubble: "照片收到了" in bubble.text)
        ((id, mime, data),) = service.rows("SELECT id, mime, data FROM photo")
        assert (mime, b"GPS" in data) == ("image/jpeg", False)
        assert id in str(service.said())


async def test_a_picture_sent_as_a_file_is_a_photo(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await begun(fake, service)
        await wang.send("document", picture(), name=f"{CARD}.jpg", mime="image/jpeg")
        await wang.sees(lambda bubble: "照片收到了" in bubble.text)
        assert service.rows("SELECT count(*) FROM photo") == [(1,)]
        assert CARD.encode() not in service.kept()


async def test_an_album_is_kept_together_and_acknowledged_once(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        wang = await begun(fake, service)
        await wang.album([{"kind": "photo", "content": _encoded(picture(colour))} for colour in ("red", "green", "blue")])
        await wang.sees(lambda bubble: "照片收到了" in bubble.text)
        await fake.until(lambda: _true(service.rows("SELECT count(*) FROM photo") == [(3,)]))
        assert sum("照片收到了" in bubble.text for bubble in await said(service, wang)) == 1
        albums = {json.loads(body).get("album") for side, body in service.said() if side == "merchant" and "file" in body}
        assert len(albums) == 1
        assert albums != {None}


@pytest.mark.parametrize(
    ("kind", "more", "answer"),
    [
        ("document", {"name": "对账单.pdf", "mime": "application/pdf"}, "文件收到了"),
        ("voice", {}, "我听不了语音"),
        ("video", {}, "视频收到了"),
        ("location", {}, "位置收到了"),
        ("sticker", {}, "看不太懂"),
        ("contact", {}, "名片我不收"),
        ("document", {"name": "录像.mp4", "size": (20 << 20) + 1}, "超过 20 MB"),
    ],
)
async def test_kinds(fake: Fake, tmp_path: Path, kind: str, more: dict[str, Any], answer: str) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await begun(fake, service)
        await wang.send(kind, b"" if kind in {"location", "contact"} else b"content", **more)
        await wang.sees(lambda bubble: answer in bubble.text)
        await service.idle()
        (body,) = next(row for row in service.rows("SELECT body FROM message WHERE side = 'merchant' ORDER BY id DESC"))
        assert json.loads(body)["kind"] in {kind, "too-large"}
        assert b"138" not in service.kept() or kind != "contact"


async def test_what_is_no_picture_is_asked_for_again(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await begun(fake, service)
        await wang.send("document", b"no picture", name="a.jpg", mime="image/jpeg")
        await wang.sees(lambda bubble: "没取到" in bubble.text)
        (state,) = service.rows("SELECT state FROM conversation")
        assert json.loads(state[0])["attachments"] == []


async def test_card_data_is_deleted_and_never_stored(fake: Fake, way: Serving, tmp_path: Path) -> None:
    async with way(tmp_path, fake) as service:
        wang = await begun(fake, service)
        first = await wang.say(f"卡号{CARD} 刷不过")
        await wang.sees(lambda bubble: "请不要发完整卡号" in bubble.text and "删掉了" in bubble.text)
        second = await wang.send("photo", picture(), caption=f"{CARD} 密码739105")
        await wang.until(lambda view: second["message_id"] in view.deleted)
        await wang.say("还是不行")
        await service.idle()
        assert (await wang.view()).deleted == [first["message_id"], second["message_id"]]
        assert [secret for secret in (CARD.encode(), b"739105") if secret in service.kept()] == []


async def test_secrets_in_names_and_quotations_are_never_stored(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        chat = {"id": 5000000777, "type": "private", "first_name": CARD}
        quoted = {"message_id": 1, "date": 1, "chat": chat, "text": f"卡号 {CARD}", "contact": {"phone_number": "13812345678", "first_name": "x"}}
        message = {
            "message_id": 2, "date": 1, "chat": chat, "from": {"id": 5000000777, "is_bot": False, "first_name": f"王 {CARD}"}, "text": "打印机不出纸",
            "reply_to_message": quoted, "quote": {"text": CARD, "position": 0}, "entities": [{"type": "text_link", "offset": 0, "length": 2, "url": CARD}],
            "external_reply": {"contact": {"phone_number": "13812345678"}}, "unknown_field": CARD,
        }  # fmt: skip
        await fake.raw({"message": message})
        await fake.until(lambda: _true(service.rows("SELECT 1 FROM message WHERE side = 'bot'")))
        assert [secret for secret in (CARD.encode(), b"13812345678") if secret in service.kept()] == []


async def test_a_group_is_left_and_nobody_in_it_is_answered(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        group = await fake.group("同行交流")
        li = await group.member("李")
        await li.say("/human@posbot 打印机不出纸")
        await group.bot_is("member")
        await fake.until(lambda: _true_after(fake.calls("leaveChat")))
        assert service.rows("SELECT count(*) FROM inbox") == [(0,)]
        assert await fake.calls("sendMessage") == []


async def test_a_name_is_kept_as_it_is_and_shown_to_staff(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("<b>王</b>")
        await wang.say("打印机不出纸")
        await wang.sees(lambda bubble: True)
        await service.idle()
        (state,) = service.rows("SELECT state FROM conversation")
        assert dict(json.loads(state[0])["slots"])["contact_name"] == "<b>王</b>"


async def test_a_sticker_on_the_terminal_says_who_the_merchant_is(fake: Fake, tmp_path: Path) -> None:
    payload = composition.links(settings(tmp_path, fake), clock).merchant(terminal="10023345", shop="好再来便利店")
    async with serving(tmp_path, fake) as service:
        wang = await fake.person("王")
        await wang.start(payload)
        await wang.sees(lambda bubble: "直接说就行" in bubble.text)
        await service.idle()
        (state,) = service.rows("SELECT state FROM conversation")
        slots = dict(json.loads(state[0])["slots"])
        assert (slots["terminal_no"], slots["merchant_name"]) == ("10023345", "好再来便利店")


async def test_a_link_that_is_not_ours_just_opens_the_chat(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake):
        wang = await fake.person("王")
        await wang.start("bTEwMDIzMzQ1CuWlveWGjeadpeS")
        await wang.sees(lambda bubble: "直接说就行" in bubble.text)


async def test_a_web_chat_goes_on_in_telegram(fake: Fake, tmp_path: Path) -> None:
    async with serving(tmp_path, fake) as service, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        page = service.running.address

        async def ask(path: str, **body: Any) -> Any:
            async with browser.post(f"{page}/chat/{path}", json=body) as response:
                assert response.status < 300, await response.text()
                return await response.json()

        await fake.until(lambda: _offers_telegram(ask))
        assert (await ask("telegram"))["url"].startswith("https://t.me/")
        await ask("messages", client_id="12345678", text="客人短信来了我这啥纸都没吐，终端号10023345")
        await fake.until(lambda: _true(service.rows("SELECT 1 FROM message WHERE side = 'bot'")))
        url = (await ask("telegram"))["url"]
        wang = await fake.person("王")
        await wang.start(url.partition("?start=")[2])
        await wang.sees(lambda bubble: "您在网页上说的我都记着" in bubble.text)
        await wang.sees(lambda bubble: "成功" in bubble.labels)
        await service.idle()
        (state,) = service.rows("SELECT state FROM conversation WHERE channel = 'telegram'")
        assert dict(json.loads(state[0])["slots"])["terminal_no"] == "10023345"
        assert json.loads(state[0])["topic"] == "debited-unknown"
        await wang.press((await said(service, wang))[-1], label="成功")
        await wang.sees(lambda bubble: "已经成功收到" in bubble.text)


async def _offers_telegram(ask: Any) -> bool | None:
    """The bot's name is known soon after the start."""
    return True if (await ask("session"))["telegram"] else None


async def test_links_and_buttons_survive_a_new_token_where_there_is_a_secret_of_merchants(fake: Fake, tmp_path: Path) -> None:
    secret = SecretStr("s" * 32)
    before = composition.links(settings(tmp_path, fake, merchant_secret=secret), clock).merchant(terminal="10023345")
    after = composition.links(settings(tmp_path, fake, merchant_secret=secret, telegram_token=SecretStr("1:new")), clock)
    assert after.read(before) is not None


async def test_somebody_seems_to_write_while_a_reply_waits(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, fake) as service:
        wang = await begun(fake, service)
        assert (await wang.view()).actions == []
        monkeypatch.setattr("bot.service.conversations.Conversations.work", _slow())
        await wang.say("没用")
        await wang.until(lambda view: "typing" in view.actions)


def _slow() -> Any:
    from bot.service.conversations import Conversations  # noqa: PLC0415

    work = Conversations.work

    async def slowly(conversations: Conversations) -> int:
        import asyncio  # noqa: PLC0415

        await asyncio.sleep(1.5)
        return await work(conversations)

    return slowly


def _encoded(data: bytes) -> str:
    import base64  # noqa: PLC0415

    return base64.b64encode(data).decode()


async def _true(holds: object) -> bool | None:
    return True if holds else None


async def _true_after(found: Any) -> bool | None:
    return True if await found else None
