"""How the fake Bot API server brings updates, how often it lets a bot speak, and what goes wrong with it on purpose."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from telegram import Update
from telegram.error import BadRequest, Conflict, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, MessageHandler, filters

from tests.telegram.conftest import strict
from tests.telegram.people import UnheardError, telegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from telegram import Bot
    from telegram.ext import CallbackContext

    from tests.telegram.people import Fake

    Reply = Callable[[dict[str, Any]], web.StreamResponse]

SECRET = "s3cret_-"


# Polling.


async def test_polling_confirms_by_offset(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    for number in range(5):
        await wang.say(f"{number}")
    first = await bot.get_updates(limit=2)
    again = await bot.get_updates(limit=2)
    assert [update.update_id for update in first] == [update.update_id for update in again] == [400_000_001, 400_000_002]
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [update.message and update.message.text for update in rest] == ["2", "3", "4"]
    (last,) = await bot.get_updates(offset=-1)
    assert last.update_id == rest[-1].update_id
    assert len(await bot.get_updates()) == 1, "a negative offset forgets what came before"
    assert await bot.get_updates(offset=last.update_id + 1) == ()
    await fake.confirmed(5)


async def test_long_poll_ends_with_the_first_update_or_its_time(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    assert await bot.get_updates(timeout=1) == ()
    waiting = asyncio.create_task(bot.get_updates(timeout=50))
    await fake.until(lambda: _polls(fake, 2))
    await wang.say("now")
    (update,) = await waiting
    assert update.message
    assert update.message.text == "now"


async def test_kinds_that_nobody_asked_for_do_not_come(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    await bot.get_updates(allowed_updates=["edited_message"])
    said = await wang.say("a")
    await wang.edit(said["message_id"], "b")
    (update,) = await bot.get_updates()
    assert update.edited_message, "what was allowed stays so until it is said anew"


async def test_two_pollers_fight_and_a_webhook_ends_both(fake: Fake, bot: Bot) -> None:
    async with strict(fake) as second:
        first = asyncio.create_task(bot.get_updates(timeout=50))
        await fake.until(lambda: _polls(fake, 1))
        other = asyncio.create_task(second.get_updates(timeout=50))
        with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one bot instance is running"):
            await first
        await bot.set_webhook("http://127.0.0.1:9/", secret_token=SECRET)
        with pytest.raises(Conflict, match="terminated by setWebhook request"):
            await other
        with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
            await bot.get_updates()
        info = await bot.get_webhook_info()
        assert (info.url, info.max_connections, info.pending_update_count) == ("http://127.0.0.1:9/", 40, 0)
        assert await bot.delete_webhook()
        assert await bot.get_updates() == ()


async def test_confirmed_updates_may_come_again_and_ids_may_begin_anew(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    await fake.duplicates(1)
    await wang.say("a")
    (update,) = await bot.get_updates()
    (same,) = await bot.get_updates(offset=update.update_id + 1)
    assert same.update_id == update.update_id
    assert await bot.get_updates(offset=update.update_id + 1) == ()
    await fake.control("restart_ids", next=7)
    await wang.say("b")
    (after,) = await bot.get_updates(offset=update.update_id + 1)
    assert (after.update_id, after.message and after.message.text) == (7, "b")
    assert await bot.get_updates(offset=8) == ()


async def test_a_whole_application_polls(fake: Fake) -> None:
    """python-telegram-bot's own loop: answers and presses in their order."""

    async def echo(update: Update, _: CallbackContext[Any, Any, Any, Any]) -> None:
        assert update.message
        await update.message.reply_text(f"heard {update.message.text}")

    application = Application.builder().token(fake.token).base_url(f"{fake.url}/bot").base_file_url(f"{fake.url}/file/bot").build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    async with application:
        await application.start()
        assert application.updater
        await application.updater.start_polling(timeout=5)
        wang = await fake.person()
        for number in range(3):
            await wang.say(f"{number}")
        view = await wang.until(lambda seen: len(seen.of_bot()) == 3)
        assert [bubble.text for bubble in view.of_bot()] == ["heard 0", "heard 1", "heard 2"]
        await application.updater.stop()
        await application.stop()


# Webhook.


@dataclass
class Hook:
    """A webhook that keeps what comes and answers what `replies` say, else 200."""

    port: int = 0
    secrets: set[str | None] = field(default_factory=set)
    heard: list[Update] = field(default_factory=list)
    replies: deque[Reply] = field(default_factory=deque)
    gate: asyncio.Event | None = None
    inside: int = 0
    most: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        body = await request.json()
        update = Update.de_json(body)
        self.heard.append(update)
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.gate is not None:
            await self.gate.wait()
        self.inside -= 1
        return self.replies.popleft()(body) if self.replies else web.Response()

    @property
    def texts(self) -> list[str | None]:
        return [update.message.text for update in self.heard if update.message]


@asynccontextmanager
async def hooked(bot: Bot, **options: Any) -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.port = runner.addresses[0][1]
    assert await bot.set_webhook(f"http://127.0.0.1:{hook.port}/hook", secret_token=SECRET, **options)
    try:
        yield hook
    finally:
        if hook.gate is not None:
            hook.gate.set()
        await bot.delete_webhook()
        await runner.cleanup()


async def test_webhook_brings_updates_with_the_secret(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    await wang.say("before")
    async with hooked(bot) as hook:
        await wang.say("after")
        await fake.confirmed(2)
        assert (hook.texts, hook.secrets) == (["before", "after"], {SECRET})
    await wang.say("later")
    assert len(await bot.get_updates()) == 1


async def test_webhook_may_be_refused(bot: Bot) -> None:
    for url, secret, words in (
        ("http://example.com/", "x", "bad webhook: an https url must be provided"),
        ("http://127.0.0.1/", "a b", "secret token contains unallowed characters"),
        ("http://127.0.0.1/", "x" * 257, "secret token is too long"),
    ):
        with pytest.raises(BadRequest, match=f"(?i){words}"):
            await bot.set_webhook(url, secret_token=secret)
    assert (await bot.get_webhook_info()).url == ""


async def test_pending_updates_may_be_dropped(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    await wang.say("old")
    async with hooked(bot, drop_pending_updates=True) as hook:
        await wang.say("new")
        await fake.confirmed(1)
        assert hook.texts == ["new"]


async def test_one_chat_waits_for_itself_and_others_do_not(fake: Fake, bot: Bot) -> None:
    wang, li = await fake.person("Wang"), await fake.person("Li")
    async with hooked(bot) as hook:
        hook.gate = asyncio.Event()
        await wang.say("w1")
        await wang.say("w2")
        await li.say("l1")
        await fake.until(lambda: _deliveries(fake, 2))
        await bot.get_me()
        assert sorted(map(str, hook.texts)) == ["l1", "w1"], "w2 waits for w1"
        hook.gate.set()
        await fake.confirmed(3)
        assert [text for text in hook.texts if text and text.startswith("w")] == ["w1", "w2"]


async def test_connections_are_limited(fake: Fake, bot: Bot) -> None:
    people = [await fake.person() for _ in range(6)]
    async with hooked(bot, max_connections=2) as hook:
        for person in people:
            await person.say("x")
        await fake.confirmed(6)
        assert hook.most <= 2


async def test_what_is_not_taken_comes_again(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    async with hooked(bot) as hook:
        hook.replies.extend(
            [lambda _: web.Response(status=500), lambda _: web.Response(status=302, headers={"Location": "/"}), lambda _: web.Response(status=502)]
        )
        await wang.say("a")
        await wang.say("b")
        await fake.confirmed(2)
        assert hook.texts == ["a"] * 4 + ["b"]
        info = await bot.get_webhook_info()
        assert info.last_error_message == "Wrong response from the webhook: 502 Bad Gateway"
        starts = [delivery["at"] for delivery in await fake.deliveries()]
        pauses = [round((after - before) / 0.02) for before, after in pairwise(starts)]
        assert pauses[1] >= 2, "the first repetition at once, then 2, 4, 8 … seconds of the server's clock"
        assert pauses[2] >= 4


async def test_retry_after_is_honoured(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    async with hooked(bot) as hook:
        hook.replies.append(lambda _: web.Response(status=503, headers={"Retry-After": "10"}))
        await wang.say("a")
        await fake.confirmed(1)
        first, second = await fake.deliveries()
        assert second["at"] - first["at"] >= 10 * 0.02


async def test_duplicates_and_disorder(fake: Fake, bot: Bot) -> None:
    people = [await fake.person() for _ in range(8)]
    await fake.settings(disorder=0.05, seed=3)
    await fake.duplicates(2)
    async with hooked(bot) as hook:
        for number in range(3):
            for person in people:
                await person.say(f"{number}")
        await fake.confirmed(26)
        ids = [update.update_id for update in hook.heard]
        assert (len(ids), len(set(ids))) == (26, 24)
        assert ids != sorted(ids)
        for person in people:
            own = [update.update_id for update in hook.heard if update.effective_chat and update.effective_chat.id == person.id]
            assert list(dict.fromkeys(own)) == sorted(set(own)), "a chat keeps its order"


def _in_json(body: dict[str, Any]) -> web.Response:
    return web.json_response({"method": "sendMessage", "chat_id": body["message"]["chat"]["id"], "text": "json"})


def _in_form(body: dict[str, Any]) -> web.Response:
    return web.Response(text=f"method=sendMessage&chat_id={body['message']['chat']['id']}&text=form", content_type="application/x-www-form-urlencoded")


def _in_parts(body: dict[str, Any]) -> web.Response:
    with aiohttp.MultipartWriter("form-data") as parts:
        for name, value in (("method", "sendDocument"), ("chat_id", f"{body['message']['chat']['id']}"), ("caption", "parts"), ("document", "attach://file")):
            parts.append(value).set_content_disposition("form-data", name=name)
        parts.append(b"content", {"Content-Type": "text/plain"}).set_content_disposition("form-data", name="file", filename="a.txt")
        return web.Response(body=parts, headers={"Content-Type": parts.content_type})


async def test_methods_in_the_answer_are_carried_out(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    async with hooked(bot) as hook:
        hook.replies.extend([_in_json, _in_form, _in_parts, lambda _: web.json_response({"ok": True}), lambda _: web.json_response({"method": "getMe"})])
        for _ in range(5):
            await wang.say("x")
        await fake.confirmed(5)
        assert [bubble.text for bubble in (await wang.view()).of_bot()] == ["json", "form", "parts"]
        assert await fake.calls("getMe") == [call for call in await fake.calls("getMe") if call["number"] == 0], "only the client's own"


# Limits.


async def test_a_chat_hears_one_message_a_second() -> None:
    async with telegram(limits=True) as fake, strict(fake) as bot:
        wang, li = await fake.person(), await fake.person()
        await fake.settings(burst=2)
        for _ in range(2):
            await bot.send_message(wang.id, "x")
        with pytest.raises(RetryAfter) as refusal:
            await bot.send_message(wang.id, "x")
        assert _seconds(refusal.value) == 2
        with pytest.raises(RetryAfter):
            await bot.send_message(wang.id, "x")
        await bot.send_message(li.id, "others do not wait")
        said = (await wang.view()).of_bot()[0]
        await bot.edit_message_text("y", wang.id, said.id)
        first, second = [call for call in await fake.calls("sendMessage") if call["code"] == 429]
        assert (first["outcome"], first["told"], first["early"], second["early"]) == ("Too Many Requests: retry after 2", {"retry_after": 2}, False, True)


async def test_a_group_hears_twenty_a_minute() -> None:
    async with telegram(limits=True) as fake, strict(fake) as bot:
        await fake.settings(burst=100)
        desk = await fake.forum()
        for _ in range(20):
            await bot.send_message(desk.id, "x")
        with pytest.raises(RetryAfter) as refusal:
            await bot.send_message(desk.id, "x")
        assert 1 < _seconds(refusal.value) <= 60
        await fake.settings(limits=False)
        await bot.send_message(desk.id, "x")


async def test_everybody_hears_thirty_a_second() -> None:
    async with telegram(scale=10, limits=True) as fake, strict(fake) as bot:
        people = [await fake.person() for _ in range(31)]
        for person in people[:30]:
            await bot.send_message(person.id, "x")
        with pytest.raises(RetryAfter):
            await bot.send_message(people[30].id, "the 31st within ten seconds, which are one here")


async def test_a_flood_lasts_as_long_as_wanted(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    await fake.flood(seconds=30, retry_after=4)
    for _ in range(2):
        with pytest.raises(RetryAfter) as refusal:
            await bot.send_message(wang.id, "x")
        assert _seconds(refusal.value) == 4
    assert [call["early"] for call in await fake.calls("sendMessage")] == [False, True]
    assert await bot.get_updates() == (), "what comes in is not flooded"
    await fake.heal()
    await bot.send_message(wang.id, "x")


# Faults.


async def test_connections_end_before_and_after_the_call(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    await fake.fault("drop_before", "sendMessage")
    with pytest.raises(NetworkError):
        await bot.send_message(wang.id, "never said")
    await fake.fault("drop_after", "sendMessage")
    with pytest.raises(NetworkError):
        await bot.send_message(wang.id, "said")
    await bot.send_message(wang.id, "again")
    assert [bubble.text for bubble in (await wang.view()).of_bot()] == ["said", "again"]
    assert [call["outcome"] for call in await fake.calls("sendMessage")] == ["dropped", "dropped", "ok"]
    assert [bool(call["result"]) for call in await fake.calls("sendMessage")] == [False, True, True]


async def test_proxies_answer_with_pages_and_servers_with_errors(fake: Fake, bot: Bot) -> None:
    wang, li = await fake.person(), await fake.person()
    await fake.fault("page", code=502)
    with pytest.raises(NetworkError):
        await bot.send_message(wang.id, "x")
    async with aiohttp.ClientSession() as http:
        await fake.fault("page", code=502)
        async with http.post(f"{fake.url}/bot{fake.token}/sendMessage") as answer:
            assert (answer.status, answer.content_type) == (502, "text/html")
    await fake.fault("refuse", code=500, description="Internal Server Error", chat=wang.id, times=None)
    await bot.send_message(li.id, "x")
    with pytest.raises(TelegramError, match="Internal Server Error"):
        await bot.send_message(wang.id, "x")
    await fake.heal()
    await fake.fault("slow", "sendMessage", seconds=0.05)
    began = time.monotonic()
    await bot.send_message(wang.id, "x")
    assert time.monotonic() - began >= 0.05


async def test_faults_may_come_by_chance(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    await fake.settings(seed=1)
    await fake.fault("refuse", code=500, times=None, share=0.3)
    outcomes = []
    for _ in range(40):
        try:
            await bot.send_message(wang.id, "x")
            outcomes.append(True)
        except TelegramError:
            outcomes.append(False)
    assert 4 <= outcomes.count(False) <= 20


# Load.


async def test_thousands_of_updates_and_raw_ones(fake: Fake, bot: Bot) -> None:
    raw: list[Any] = [{"message": {"message_id": number, "chat": {"id": number % 7}, "odd": "\x00"}} for number in range(20_000)]
    assert len(await fake.raw(*raw)) == 20_000
    heard, offset = 0, 0
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{fake.url}/bot{fake.token}/getUpdates", params={"offset": offset, "timeout": 0}) as answer:
                batch = (await answer.json())["result"]
            if not batch:
                break
            heard, offset = heard + len(batch), batch[-1]["update_id"] + 1
    assert heard == 20_000
    people = [await fake.person() for _ in range(20)]
    await asyncio.gather(*(person.say(f"{number}") for number in range(100) for person in people))
    async with hooked(bot) as hook:
        await fake.confirmed(22_000, within=60)
        assert len(hook.heard) == 2_000


async def test_waiting_in_vain_says_what_happened(fake: Fake) -> None:
    wang = await fake.person()
    with pytest.raises(UnheardError, match="last calls"):
        await wang.sees(lambda bubble: True, within=0.1)


async def _polls(fake: Fake, count: int) -> bool | None:
    """That so many polls have come, of which the last waits."""
    polls = await fake.calls("getUpdates")
    return True if len(polls) >= count and polls[-1]["outcome"] is None else None


async def _deliveries(fake: Fake, count: int) -> bool | None:
    return True if len(await fake.deliveries()) >= count else None


def _seconds(refusal: RetryAfter) -> float:
    assert isinstance(refusal.retry_after, timedelta)
    return refusal.retry_after.total_seconds()
