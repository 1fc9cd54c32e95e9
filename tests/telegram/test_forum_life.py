"""The staff's group over time: reminders, General, merchants of other channels, what is taken back, redacted or forgotten, and a service that is killed."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import secrets
import signal
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from PIL import Image

from bot import server
from bot.channels.telegram.forum import mirror
from bot.domain.audit import Entry
from bot.domain.messages import Address
from bot.storage.sqlite import SQLiteStore

from .desk import Desk, console, desks, enrolled, having
from .service import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from .people import Fake, Group, Person

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def desk(tmp_path: Path, fake: Fake) -> AsyncIterator[Desk]:
    async with desks(tmp_path, fake, console="on", hours="always", telegram_report=0) as made:
        yield made


async def tampered(desk: Desk, statement: str) -> None:
    """Change the database behind the service's back."""
    store = await SQLiteStore.beside(desk.folder / "posbot.db", server.new_id)
    try:
        await store._writer.run(lambda connection: connection.execute(statement))
    finally:
        await store.close()


async def test_a_deadline_calls_those_whom_it_concerns(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.say("等很久了")
    await desk.sees(topic.thread, lambda bubble: "等很久了" in bubble.text)
    await desk.service.idle()
    long_ago = (datetime.now(ZONE) - timedelta(days=3)).replace(tzinfo=None).isoformat()
    ((state,),) = desk.service.rows("SELECT state FROM conversation")
    ticket = json.loads(state)["ticket"] | {"opened": long_ago, "waiting": long_ago}
    changed = json.dumps(json.loads(state) | {"ticket": ticket}, ensure_ascii=False).replace("'", "''")
    await tampered(desk, f"UPDATE conversation SET state = '{changed}', wake = 1")
    told = await desk.sees(topic.thread, lambda bubble: "首次回复已经超时" in bubble.text, within=20)
    called = {entity["url"] for entity in told.entities if entity["type"] == "text_link"}
    ids = {login: f"tg://user?id={person.id}" for login, person in desk.people.items()}
    assert called == set(ids.values()), "first those who are there, then the leads"
    assert "@陈组长" in told.text


async def test_somebody_is_reminded_when_it_was_wanted(desk: Desk) -> None:
    _, topic = await desk.handed_over()
    await desk.people["li"].say("/remind 5m 给王老板打电话", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "提醒您" in bubble.text)
    await tampered(desk, "UPDATE forum_alarm SET due = 1")
    told = await desk.sees(topic.thread, lambda bubble: bubble.text == "小李，到时间了：给王老板打电话")
    assert [entity["url"] for entity in told.entities] == [f"tg://user?id={desk.people['li'].id}"]


async def test_general_hears_of_yesterday_and_of_troubles_of_many(desk: Desk) -> None:
    await desk.group.sees(lambda bubble: "日报" in bubble.text and bubble.thread is None)
    await tampered(
        desk, "INSERT INTO incident (public_id, topic, code, acquirer, proposed) VALUES ('0123456789abcdef0123456789abcdef', 'connectivity', '', '', 1)"
    )
    told = await desk.group.sees(lambda bubble: "要不要发公告" in bubble.text)
    assert told.thread is None
    assert (await desk.people["li"].answered(await desk.people["li"].press(told, label="发 2 小时公告")))["text"] == "只有组长能发公告"
    assert "公告已发布" in (await desk.people["chen"].answered(await desk.people["chen"].press(told, label="发 2 小时公告")))["text"]
    assert desk.service.rows("SELECT status, author FROM incident") == [("announced", "chen")]
    assert "已经处理过" in (await desk.people["chen"].answered(await desk.people["chen"].press(told, label="不是事件")))["text"]
    assert sum("日报" in bubble.text for bubble in (await desk.group.view()).bubbles) == 1


async def test_a_merchant_of_the_web_chat(desk: Desk) -> None:
    address = desk.service.running.address
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        chat = Web(client, address)
        await chat.ask("POST", "/chat/session", json={})
        await chat.say("打印机坏了，转人工")
        await chat.choose("直接转人工")
        view = await desk.group.until(lambda view: any(topic.pinned for topic in view.topics))
        thread = view.topics[0].thread
        await chat.photo()
        await desk.sees(thread, lambda bubble: bubble.kind == "photo")
        said = await desk.people["li"].say("网页的商户您好", thread=thread)
        await chat.hears("网页的商户您好")
        view = await desk.group.until(lambda view: any(bubble.id == said["message_id"] and bubble.reactions for bubble in view.bubbles))
        await desk.people["li"].send("photo", caption="看这张", thread=thread)
        line = await chat.hears("看这张")
        assert line["photo"] is not None
        await desk.people["li"].send("voice", thread=thread)
        await desk.sees(thread, lambda bubble: "不在 Telegram" in bubble.text)
        await desk.people["li"].edit(said["message_id"], "改过的话")
        await chat.hears("更正一下刚才说的：改过的话")


@dataclass
class Web:
    """A merchant in the web chat."""

    client: aiohttp.ClientSession
    address: str
    last: int = 0

    async def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        async with self.client.request(method, f"{self.address}{path}", **more) as response:
            assert response.status < 300, await response.text()
            answer: dict[str, Any] = await response.json()
            return answer

    async def say(self, text: str) -> None:
        await self.ask("POST", "/chat/messages", json={"client_id": secrets.token_hex(8), "text": text})

    async def choose(self, label: str) -> None:
        """Tap the button with this label as soon as it is there."""
        line = await self.waits(lambda line: any(choice["label"] == label for choice in line.get("choices", ())))
        choice = next(choice["id"] for choice in line["choices"] if choice["label"] == label)
        await self.ask("POST", "/chat/messages", json={"client_id": secrets.token_hex(8), "choice": choice})

    async def photo(self) -> None:
        data = io.BytesIO()
        Image.new("RGB", (60, 40), "white").save(data, "PNG")
        await self.ask("POST", f"/chat/photo?client_id={secrets.token_hex(8)}", data=data.getvalue(), headers={"Content-Type": "image/png"})

    async def hears(self, words: str) -> dict[str, Any]:
        """A line with these words."""
        return await self.waits(lambda line: words in "".join(line.get("bubbles", ())))

    async def waits(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(15):
            while True:
                found: list[dict[str, Any]] = (await self.ask("GET", f"/chat/messages?after={self.last}&wait=5"))["lines"]
                for line in found:
                    self.last = line["id"]
                    if wanted(line):
                        return line


async def test_words_are_taken_back(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    li = desk.people["li"]
    said = await li.say("说错的话", thread=topic.thread)
    wrong = await merchant.sees(lambda bubble: "说错的话" in bubble.text)
    await li.say("/del", thread=topic.thread, reply_to=said["message_id"])
    await desk.sees(topic.thread, lambda bubble: "商户那边已经删除" in bubble.text)
    assert wrong.id in (await merchant.view()).deleted
    await li.say("/del", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "要删哪一条" in bubble.text)


async def test_files_are_opened_at_the_console_too(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.send("document", b"%PDF-1.7 slip", name="对账单 11月.pdf", mime="application/pdf")
    await merchant.send("voice", b"OggS voice", mime="audio/ogg")
    await merchant.send("video", b"<script>", mime="text/html")
    await desk.sees(topic.thread, lambda bubble: bubble.kind == "video")
    await desk.people["li"].send("document", b"manual", name="说明书.pdf", thread=topic.thread)
    await merchant.sees(lambda bubble: bubble.kind == "document" and bubble.by_bot)
    await desk.service.idle()
    ((ticket,),) = desk.service.rows("SELECT public_id FROM ticket")
    async with console(desk, "li") as browser:
        page = await browser.page(f"/console/tickets/{ticket}")
        places = re.findall(r'<a class="button small" href="([^"]+/file)">', page)
        files = [await browser.get(place) for place in places]
        assert [(file.status, await file.read(), file.content_type) for file in files] == [
            (200, b"%PDF-1.7 slip", "application/octet-stream"),
            (200, b"OggS voice", "audio/ogg"),
            (200, b"<script>", "application/octet-stream"),
            (200, b"manual", "application/octet-stream"),
        ]
        assert files[0].headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{quote('对账单 11月.pdf')}"
        assert [f'<{player} controls preload="none" src="{place}"' in page for player, place in zip(("audio", "video"), places[1:3], strict=True)] == [True] * 2
        parts = [await browser.get(places[1], Range=f"bytes={wanted}") for wanted in ("0-3", "5-", "-5", "99-", "x")]
        assert [(part.status, await part.read(), part.headers.get("Content-Range")) for part in parts] == [
            (206, b"OggS", "bytes 0-3/10"),
            (206, b"voice", "bytes 5-9/10"),
            (206, b"voice", "bytes 5-9/10"),
            (416, b"", "bytes */10"),
            (200, b"OggS voice", None),
        ]
        await desk.fake.fault("refuse", "getFile", code=400, description="Bad Request: wrong file_id or the file is temporarily unavailable")
        gone = await browser.get(places[0])
        assert (gone.status, "文件拿不到了" in await gone.text()) == (404, True)
        await desk.fake.fault("drop_before", "getFile")
        later = await browser.get(places[0])
        assert (later.status, later.headers["Retry-After"], "暂时取不到" in await later.text()) == (503, "2", True)
        assert (await browser.get(places[0].replace("/file", "9/file"))).status == 404


async def test_what_is_redacted_at_the_console_goes_from_the_topic(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await desk.sees(topic.thread, lambda bubble: "商户" in bubble.text)
    await merchant.say("不该说的隐私")
    told = await desk.sees(topic.thread, lambda bubble: "不该说的隐私" in bubble.text)
    ((ticket, line),) = desk.service.rows("SELECT t.public_id, m.id FROM ticket AS t, message AS m WHERE m.body LIKE '%隐私%'")
    async with console(desk, "chen") as browser:
        await browser.page(f"/console/tickets/{ticket}")
        await browser.post(f"/console/tickets/{ticket}/lines/{line}/redact")
    await desk.group.until(lambda view: told.id in view.deleted)
    await desk.sees(topic.thread, lambda bubble: "已经从这里删除" in bubble.text)


async def redacted(desk: Desk, *words: str) -> None:
    """A lead takes out the lines with these words."""
    async with console(desk, "chen") as browser:
        for each in words:
            ((ticket, line),) = desk.service.rows(f"SELECT t.public_id, m.id FROM ticket AS t, message AS m WHERE m.body LIKE '%{each}%'")
            await browser.page(f"/console/tickets/{ticket}")
            assert (await browser.post(f"/console/tickets/{ticket}/lines/{line}/redact")).status == 303


async def joined(desk: Desk, *words: str) -> tuple[Person, int]:
    """A merchant whose words stand in one message of the topic, because they had to wait; and the message."""
    merchant, topic = await desk.handed_over()
    await desk.service.idle()
    await desk.fake.fault("refuse", "sendMessage", chat=desk.group.id, code=429, description="Too Many Requests: retry after 1", parameters={"retry_after": 1})
    await merchant.say("在吗")
    for each in words:
        await merchant.say(each)
    told = await desk.sees(topic.thread, lambda bubble: all(each in bubble.text for each in words))
    return merchant, told.id


async def stands(desk: Desk, *words: str) -> None:
    """Of 甲甲甲, 乙乙乙 and 丙丙丙 these stand in the topic, each once, and the others nowhere."""
    every = ("甲甲甲", "乙乙乙", "丙丙丙")
    await desk.group.until(lambda view: [sum(word in bubble.text for bubble in view.bubbles) for word in every] == [word in words for word in every])


async def test_what_stood_beside_a_redacted_line_is_said_again(desk: Desk) -> None:
    _, told = await joined(desk, "甲甲甲", "乙乙乙", "丙丙丙")
    await redacted(desk, "甲甲甲")
    await stands(desk, "乙乙乙", "丙丙丙")
    assert told in (await desk.group.view()).deleted
    await redacted(desk, "乙乙乙")
    await stands(desk, "丙丙丙")


FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "may not speak yet": ("sendMessage", {"kind": "refuse", "code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 1}}),
    "removed, nobody knows": ("deleteMessage", {"kind": "drop_after"}),
    "token unknown for a while": ("deleteMessage", {"kind": "refuse", "code": 401, "description": "Unauthorized"}),
    "no answer": ("deleteMessage", {"kind": "drop_before"}),
}


@pytest.mark.parametrize(("method", "fault"), FAULTS.values(), ids=FAULTS)
async def test_a_redacted_line_goes_whatever_is_in_the_way(desk: Desk, monkeypatch: pytest.MonkeyPatch, method: str, fault: dict[str, Any]) -> None:
    monkeypatch.setattr(mirror, "MENDED", 0.3)
    _, told = await joined(desk, "甲甲甲", "乙乙乙")
    await desk.fake.fault(fault["kind"], method, chat=desk.group.id, **{name: value for name, value in fault.items() if name != "kind"})
    await redacted(desk, "甲甲甲")
    await stands(desk, "乙乙乙")
    assert told in (await desk.group.view()).deleted


async def test_of_an_album_the_redacted_picture_goes(desk: Desk) -> None:
    merchant, _ = await desk.handed_over()
    await merchant.album([{"kind": "photo", "caption": "甲甲甲"}, {"kind": "photo", "caption": "乙乙乙"}, {"kind": "photo", "caption": "丙丙丙"}])
    view = await desk.group.until(lambda view: sum(bubble.album is not None for bubble in view.of_bot()) == 3)
    first, second, third = (bubble.id for bubble in view.of_bot() if bubble.album)
    await redacted(desk, "乙乙乙")
    view = await desk.group.until(lambda view: second in view.deleted)
    assert {first, third}.isdisjoint(view.deleted)
    await stands(desk, "甲甲甲", "丙丙丙")


async def test_all_of_a_long_text_goes(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.say(f"甲甲甲{'长' * 4000}乙乙乙")
    await desk.sees(topic.thread, lambda bubble: "乙乙乙" in bubble.text)
    await redacted(desk, "甲甲甲")
    await stands(desk)


async def test_who_is_forgotten_is_forgotten_in_the_group(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await desk.service.idle()
    store = await SQLiteStore.beside(desk.folder / "posbot.db", server.new_id)
    try:
        assert await store.forget(Address(channel="telegram", chat=str(merchant.id)), Entry(at=1, actor="test", what="forgotten"))
    finally:
        await store.close()
    await desk.group.until(lambda view: not any(other.thread == topic.thread for other in view.topics))


async def test_nothing_is_lost_when_the_service_is_killed(tmp_path: Path, fake: Fake) -> None:
    """Killed in the middle, again and again: every line is told in the topic and reaches the merchant, and what comes twice says so or was under way."""
    group = await fake.forum("客服")
    people = {login: await group.member(login) for login in ("li", "zhao", "chen")}
    await enrolled(tmp_path, people)
    merchant = await fake.person("Wang")
    kills, told, thread = 2, 0, 0
    for round in range(kills + 1):
        async with running(tmp_path, fake, group) as process:
            if not round:
                await begun(merchant, group)
            thread = (await group.view()).topics[0].thread
            for _ in range(6):
                await asyncio.gather(merchant.say(f"商户第{told:03}句"), people["li"].say(f"客服第{told:03}句", thread=thread))
                told += 1
            if round < kills:  # while the rest of them is on its way
                await group.sees(having(f"商户第{told - 6 + round:03}句"), within=60)
                process.send_signal(signal.SIGKILL)
            else:
                await group.sees(having(f"商户第{told - 1:03}句"), within=60)
                await merchant.sees(having(f"客服第{told - 1:03}句"), within=60)
    view = await group.view()
    seen = [bubble.text for bubble in view.of_bot() if bubble.thread == thread and bubble.id not in view.topic(thread).pinned]
    heard = [bubble.text for bubble in (await merchant.view()).of_bot()]
    for number in range(told):
        times = [text.startswith("（可能重复）") for text in seen if f"商户第{number:03}句" in text]
        assert times, f"line {number} was lost"
        assert times.count(False) <= 1, "what is told again says so"
        assert sum(f"客服第{number:03}句" in text for text in heard) >= 1
    assert len((await group.view()).topics) == 1


@asynccontextmanager
async def running(folder: Path, fake: Fake, group: Group) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service as a process of its own."""
    chosen = {
        "DATABASE": folder / "posbot.db", "KNOWLEDGE": ROOT / "knowledge", "CACHE": folder.parent / "cache", "PORT": 0, "OPS_PORT": 0, "CONSOLE": "off",
        "TELEGRAM_TOKEN": fake.token, "TELEGRAM_API": fake.url, "TELEGRAM_DESK": group.id,
    }  # fmt: skip
    environment = {**os.environ, **{f"POSBOT_{name}": str(value) for name, value in chosen.items()}}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", cwd=ROOT, env=environment, stdout=asyncio.subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        await process.wait()


async def begun(merchant: Person, group: Group) -> None:
    await merchant.start()
    await merchant.say("转人工")
    asked = await merchant.sees(lambda bubble: "单号" in bubble.text or "直接转人工" in bubble.labels, within=30)
    if "直接转人工" in asked.labels:
        await merchant.press(asked, label="直接转人工")
    await group.until(lambda view: any(topic.pinned for topic in view.topics), within=30)
