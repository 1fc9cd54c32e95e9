"""The staff's group when things go wrong: topics that are deleted, limits, lost rights, calls that may have arrived, a service that dies; nothing is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bot.channels.telegram.forum import pace
from bot.channels.telegram.forum.showing import Showing

from .desk import Desk, console, desks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.service.forum import Topic

    from .people import Fake, Group, Json


@pytest.fixture
async def desk(tmp_path: Path, fake: Fake) -> AsyncIterator[Desk]:
    async with desks(tmp_path, fake, console="on") as made:
        yield made


async def test_a_deleted_topic_is_made_anew(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await desk.people["chen"].delete_topic(topic.thread)
    await merchant.say("有人在吗")
    view = await desk.group.until(lambda view: any(topic.pinned for topic in view.topics))
    (again,) = view.topics
    assert again.thread != topic.thread
    await desk.sees(again.thread, lambda bubble: "有人在吗" in bubble.text)
    assert "接手" in (await desk.card(again.thread)).labels
    await desk.people["li"].say("在的", thread=again.thread)
    await merchant.sees(lambda bubble: "在的" in bubble.text)


async def test_a_deleted_card_comes_back(desk: Desk) -> None:
    _, topic = await desk.handed_over()
    await desk.people["chen"].delete((await desk.card(topic.thread)).id)
    await desk.people["li"].say("我看看", thread=topic.thread)
    view = await desk.group.until(lambda view: bool(view.topic(topic.thread).pinned))
    assert "小李负责" in next(bubble.text for bubble in view.bubbles if bubble.id == view.topic(topic.thread).pinned[0])


ALBUM = [{"kind": "photo", "caption": "先看这张"}, {"kind": "photo"}, {"kind": "photo", "caption": "再看这张"}]
REFUSED: dict[str, Json] = {
    "as an album": {"code": 400, "description": "Bad Request: WEBPAGE_MEDIA_EMPTY"},
    "for a while": {"code": 429, "description": "Too Many Requests: retry after 1", "parameters": {"retry_after": 1}},
    "by a server that is ill": {"code": 502, "description": "Bad Gateway"},
}


@pytest.mark.parametrize("fault", REFUSED.values(), ids=REFUSED)
async def test_an_album_of_staff_that_is_refused_arrives_once_and_in_order(desk: Desk, fault: Json) -> None:
    merchant, topic = await desk.handed_over()
    await desk.fake.fault("refuse", "sendMediaGroup", chat=merchant.id, **fault)
    await desk.people["li"].album(ALBUM, thread=topic.thread)
    await desk.people["li"].say("看完了回我", thread=topic.thread)
    await merchant.sees(lambda bubble: "看完了回我" in bubble.text)
    shown = [bubble for bubble in (await merchant.view()).of_bot() if bubble.kind == "photo"]
    assert [bubble.text.removeprefix("同事小李：").strip() for bubble in shown] == ["先看这张", "", "再看这张"]


@pytest.mark.parametrize("fault", REFUSED.values(), ids=REFUSED)
async def test_an_album_of_a_merchant_that_is_refused_is_shown_with_all_its_words(desk: Desk, fault: Json) -> None:
    merchant, topic = await desk.handed_over()
    await desk.fake.fault("refuse", "sendMediaGroup", chat=desk.group.id, **fault)
    await merchant.album(ALBUM)
    view = await desk.group.until(lambda view: sum(bubble.kind == "photo" and bubble.thread == topic.thread for bubble in view.of_bot()) == 3)
    assert [any(words in bubble.text for bubble in view.of_bot()) for words in ("先看这张", "再看这张")] == [True, True]


async def test_an_album_that_goes_on_while_the_topic_waits_for_its_turn(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await desk.fake.fault("refuse", "sendMessage", chat=desk.group.id, code=429, description="Too Many Requests", parameters={"retry_after": 2})
    await merchant.say("先说一句")
    for _ in range(3):
        await merchant.album([{"kind": "photo"}, {"kind": "photo"}])
        await asyncio.sleep(0.7)
    await desk.group.until(lambda view: sum(bubble.kind == "photo" for bubble in view.of_bot()) == 6)
    assert topic.thread in {bubble.thread for bubble in (await desk.group.view()).of_bot() if bubble.album}


async def test_a_topic_that_somebody_closes_or_renames_says_again_how_it_stands(desk: Desk) -> None:
    _, topic = await desk.handed_over()
    await desk.people["chen"].rename_topic(topic.thread, "随便")
    await desk.group.until(lambda view: view.topic(topic.thread).name == topic.name)
    await desk.people["chen"].close_topic(topic.thread)
    await desk.group.until(lambda view: not view.topic(topic.thread).closed)


async def test_who_is_blocked_learns_it_under_the_line(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.block()
    said = await desk.people["li"].say("还在吗", thread=topic.thread)
    told = await desk.sees(topic.thread, lambda bubble: "已拉黑" in bubble.text)
    assert told.reply_to == said["message_id"]
    view = await desk.group.view()
    assert next(bubble.reactions for bubble in view.bubbles if bubble.id == said["message_id"]) == ["👎"]


async def test_where_reactions_are_not_possible_a_word_is_said(desk: Desk) -> None:
    _, topic = await desk.handed_over()
    await desk.fake.fault("refuse", "setMessageReaction", times=None, code=400, description="Bad Request: REACTION_INVALID")
    said = await desk.people["li"].say("好的", thread=topic.thread)
    assert (await desk.sees(topic.thread, lambda bubble: "已送达" in bubble.text)).reply_to == said["message_id"]


async def test_a_line_that_may_have_arrived_is_said_again_and_says_so(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await desk.fake.fault("drop_after", "sendMessage", chat=desk.group.id)
    await merchant.say("只说一次")
    await desk.sees(topic.thread, lambda bubble: bubble.text.startswith("（可能重复）") and "只说一次" in bubble.text)
    await merchant.say("下一句")
    assert not (await desk.sees(topic.thread, lambda bubble: "下一句" in bubble.text)).text.startswith("（可能重复）")


async def test_rights_that_are_lost_lose_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("bot.channels.telegram.forum.mirror.MENDED", 1.0)
    await desk.group.bot_is("member")
    await desk.call(await desk.fake.person("Wang"))
    await desk.fake.until(lambda: _refused(caplog))
    await desk.group.bot_is("administrator")
    await desk.group.until(lambda view: any(topic.pinned for topic in view.topics))


async def _refused(caplog: pytest.LogCaptureFixture) -> bool | None:
    return any(getattr(record, "event", "") == "forum_refused" for record in caplog.records) or None


async def test_a_group_that_moves_is_followed(tmp_path: Path, fake: Fake) -> None:
    async with desks(tmp_path, fake) as desk:
        merchant, _ = await desk.handed_over()
        moved = await desk.group.migrate()
        await merchant.say("搬家以后")
        view = await moved.until(lambda view: any(topic.pinned for topic in view.topics))
        thread = view.topics[0].thread
        await moved.sees(lambda bubble: "搬家以后" in bubble.text)
        li = await moved.join(desk.people["li"].id)
        await li.say("新群里也能回", thread=thread)
        await merchant.sees(lambda bubble: "新群里也能回" in bubble.text)


async def test_a_group_that_moves_while_a_topic_is_shown_is_followed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, topic = await desk.handed_over()
    await desk.service.idle()
    tell, moves = Showing._tell, iter([True])

    async def told(self: Showing, topic: Topic) -> Topic:
        topic = await tell(self, topic)
        if next(moves, False):
            await self._forum.move(topic.chat, topic.chat)
        return topic

    monkeypatch.setattr(Showing, "_tell", told)
    await desk.people["li"].say("搬家时说的", thread=topic.thread)
    view = await desk.group.until(lambda view: len([topic for topic in view.topics if topic.pinned]) == 2)
    assert topic.thread in {topic.thread for topic in view.topics}


async def test_the_limit_of_a_group_makes_lines_go_together(tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty lines of four merchants within a minute of the server: none is lost, order is kept, and the server never has to refuse twice in a row."""
    monkeypatch.setattr(pace, "MINUTE", 6.05)
    monkeypatch.setattr(pace, "SECOND", 0.105)
    async with desks(tmp_path, fake) as desk:
        pairs = [await desk.handed_over(f"Merchant{number}") for number in range(4)]
        await fake.settings(limits=True, scale=0.1, overall=1000)
        for number in range(15):
            await asyncio.gather(*(merchant.say(f"第{number:02}句") for merchant, _ in pairs))
        for _, topic in pairs:
            await desk.sees(topic.thread, lambda bubble: "第14句" in bubble.text, within=40)
        told = [await desk.told(topic.thread) for _, topic in pairs]
        for texts in told:
            lines = [line for text in texts for line in text.splitlines() if line.startswith("商户：第")]
            assert lines == [f"商户：第{number:02}句" for number in range(15)]
        assert max(text.count("商户：第") for texts in told for text in texts) >= 5, "what waited went together"
        calls = [call for call in await fake.calls() if str(call["parameters"].get("chat_id")) == str(desk.group.id)]
        assert sum(call["code"] == 429 for call in calls) <= 3
        assert not any(call["early"] for call in calls)


async def test_console_and_group_show_the_same(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    ((ticket,),) = desk.service.rows("SELECT public_id FROM ticket")
    async with console(desk, "zhao") as browser:
        await browser.page(f"/console/tickets/{ticket}")
        await browser.post(f"/console/tickets/{ticket}/act", act="take")
        await desk.shows(topic.thread, lambda card: "小赵负责" in card.text)
        await desk.group.until(lambda view: view.topic(topic.thread).name.endswith("处理中"))
        await browser.post(f"/console/tickets/{ticket}/act", act="reply", text="工单台说的话")
        await desk.sees(topic.thread, lambda bubble: "小赵（工单台）：工单台说的话" in bubble.text)
        await merchant.sees(lambda bubble: "工单台说的话" in bubble.text)
        await browser.post(f"/console/tickets/{ticket}/act", act="note", text="工单台的备注")
        await desk.sees(topic.thread, lambda bubble: "📝 小赵：工单台的备注" in bubble.text)
        await desk.people["zhao"].say("群里说的话", thread=topic.thread)
        await merchant.sees(lambda bubble: "群里说的话" in bubble.text)
        page = await browser.page(f"/console/tickets/{ticket}")
        assert "群里说的话" in page
        await browser.post(f"/console/tickets/{ticket}/act", act="wait-acquirer")
        await desk.shows(topic.thread, lambda card: "等收单机构" in card.text and "继续处理" in card.labels)


async def test_secrets_reach_nobody(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    card = "6222021234567890128"
    await merchant.say(f"卡号{card}刷不过")
    await desk.sees(topic.thread, lambda bubble: "刷不过" in bubble.text)
    said = await desk.people["li"].say(f"是不是卡号 {card}", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "已经抹掉再发" in bubble.text)
    await merchant.sees(lambda bubble: "是不是卡号" in bubble.text)
    await desk.sees(topic.thread, lambda bubble: "小李" in bubble.text and "是不是卡号" in bubble.text)
    view = await desk.group.view()
    assert said["message_id"] in view.deleted
    assert not [bubble for bubble in [*view.bubbles, *(await merchant.view()).of_bot()] if card in bubble.text]
    assert card.encode() not in desk.service.kept()


async def test_markup_is_only_text(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.say("<b>粗</b> & _斜_ [x](http://a.b)")
    got = await desk.sees(topic.thread, lambda bubble: "<b>" in bubble.text)
    assert "<b>粗</b> & _斜_ [x](http://a.b)" in got.text


async def test_a_long_text_is_told_in_full_once(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.say("。".join(f"第{number:04}句话在这里" for number in range(330)))
    await merchant.say("完了")
    await desk.sees(topic.thread, lambda bubble: "完了" in bubble.text)
    whole = "".join(await desk.told(topic.thread))
    assert [whole.count(f"第{number:04}句") for number in range(330)] == [1] * 330


async def test_commands(desk: Desk) -> None:
    merchant, topic = await desk.handed_over(text="打印机坏了，转人工")
    li = desk.people["li"]
    await li.say("/case", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "可能原因" in bubble.text and not bubble.buttons and bubble.reply_to is not None)
    await li.say("/kb 稍等", thread=topic.thread)
    found = await desk.sees(topic.thread, lambda bubble: "点一下就发" in bubble.text)
    assert 1 <= len(found.labels) <= 5
    assert (await li.answered(await li.press(found, label=found.labels[0])))["text"] == "好"
    await merchant.sees(lambda bubble: "小李：" in bubble.text and "稍等" in bubble.text)
    await li.say("/remind 1m 打电话", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "提醒您" in bubble.text)
    await li.say("/remind 明天", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "/remind 30m" in bubble.text)
    await li.say("/hand 不存在", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "没有这个组" in bubble.text)
    await li.say("/help", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "/kb 词" in bubble.text)
    await li.say("/nothing", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "没有这个命令" in bubble.text)
    await li.say("/hand 结算", thread=topic.thread)
    await desk.shows(topic.thread, lambda card: "结算组" in card.text)
    assert not any("/" in bubble.text for bubble in (await merchant.view()).of_bot() if "小李：" in bubble.text)


async def test_a_storm_of_refusals_loses_nothing(desk: Desk) -> None:
    """Nothing but 429 for some seconds: the group is asked no more than once in the time that was told, then everything is there in order."""
    merchant, topic = await desk.handed_over()
    await desk.fake.flood(4, retry_after=1)
    for number in range(8):
        await merchant.say(f"风暴里第{number}句")
    await desk.sees(topic.thread, lambda bubble: "风暴里第7句" in bubble.text, within=30)
    told = "\n".join(await desk.told(topic.thread))
    lines = [line for line in told.splitlines() if line.startswith("商户：风暴里第")]
    assert lines == [f"商户：风暴里第{number}句" for number in range(8)]
    calls = [call for call in await desk.fake.calls() if str(call["parameters"].get("chat_id")) == str(desk.group.id) and call["code"] == 429]
    assert 1 <= len(calls) <= 6


async def test_what_has_no_room_goes_to_the_second_group(tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PER_MINUTE", 4)
    second = await fake.forum("客服二群")
    async with desks(tmp_path, fake, telegram_overflow=second.id) as desk:
        await desk.handed_over("First")
        await desk.call(await fake.person("Second"))
        await fake.until(lambda: _topics(2, desk.group, second))
        await desk.call(await fake.person("Third"))
        view = await second.until(lambda view: any(topic.pinned for topic in view.topics))
        li = await second.join(desk.people["li"].id)
        await li.say("二群也能回", thread=view.topics[-1].thread)
        await fake.until(lambda: _heard(desk, "二群也能回"))


async def _topics(number: int, *groups: Group) -> bool | None:
    return sum([len((await group.view()).topics) for group in groups]) == number or None


async def _heard(desk: Desk, words: str) -> bool | None:
    return any(words in body for side, body in desk.service.said() if side == "staff") or None
