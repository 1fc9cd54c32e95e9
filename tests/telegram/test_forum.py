"""The staff's group, from the merchant's first word to the ticket's end, through real sockets with the whole service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.channels.telegram.updates import FILES

from .desk import Desk, desks
from .test_merchants import picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from .people import Bubble, Fake, Json


@pytest.fixture
async def desk(tmp_path: Path, fake: Fake) -> AsyncIterator[Desk]:
    async with desks(tmp_path, fake) as made:
        yield made


async def test_a_hand_over_makes_a_topic_with_a_card(desk: Desk) -> None:
    _, topic = await desk.handed_over(text="打印机坏了，转人工")
    card = await desk.card(topic.thread)
    assert topic.name.startswith("U")
    assert topic.name.endswith("未接")
    assert topic.name.split(" · ")[1] in card.text
    assert {"接手", "转给", "等商户", "等收单", "已解决", "标为误派"} <= set(card.labels)
    await desk.sees(topic.thread, lambda bubble: "打印机坏了" in bubble.text)


async def test_words_go_both_ways(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.say("机器屏幕是黑的")
    await desk.sees(topic.thread, lambda bubble: "机器屏幕是黑的" in bubble.text)
    said = await desk.people["li"].say("按住电源键十秒", thread=topic.thread)
    got = await merchant.sees(lambda bubble: "按住电源键十秒" in bubble.text)
    assert "小李" in got.text
    view = await desk.group.until(lambda view: any(bubble.id == said["message_id"] and bubble.reactions for bubble in view.bubbles))
    assert next(bubble.reactions for bubble in view.bubbles if bubble.id == said["message_id"]) == ["👌"]
    await desk.shows(topic.thread, lambda card: "小李负责" in card.text and "接手" not in card.labels)
    assert not any("按住电源键" in text for text in await desk.told(topic.thread)), "what was written in the topic is there already"


async def test_of_two_who_press_one_has_it_and_the_other_learns_who(desk: Desk) -> None:
    _, topic = await desk.handed_over()
    card = await desk.card(topic.thread)
    people = (desk.people["li"], desk.people["zhao"])
    queries = [await person.press(card, label="接手") for person in people]
    said = [await person.answered(query) for person, query in zip(people, queries, strict=True)]
    assert sorted(answer["alert"] for answer in said) == [False, True]
    loser = next(answer["text"] for answer in said if answer["alert"])
    assert loser in {"小李已经先接手了", "小赵已经先接手了"}
    shown = await desk.shows(topic.thread, lambda card: "负责" in card.text)
    assert loser[:2] in shown.text
    assert desk.service.rows("SELECT owner FROM ticket") == [("li" if loser.startswith("小李") else "zhao",)]


async def test_notes_are_for_colleagues(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    for text in ("// 这家老是忘签到", "／／全角也算", "/note 命令也行"):
        await desk.people["li"].say(text, thread=topic.thread)
    await desk.people["li"].say("最后一句给商户", thread=topic.thread)
    await merchant.sees(lambda bubble: "最后一句给商户" in bubble.text)
    assert not any(word in bubble.text for bubble in (await merchant.view()).bubbles for word in ("签到", "全角", "命令"))
    assert [side for side, _ in desk.service.said()].count("note") == 3
    view = await desk.group.until(lambda view: sum(bubble.reactions == ["✍"] for bubble in view.bubbles) == 3)
    assert sum(bubble.text.startswith("📝") for bubble in view.bubbles) == 0


def of(kind: str) -> Callable[[Bubble], bool]:
    return lambda bubble: bubble.kind == kind


async def test_what_merchants_send_is_shown_to_staff(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.send("photo", caption="小票在这")
    await desk.sees(topic.thread, lambda bubble: bubble.kind == "photo" and "小票在这" in bubble.text)
    for kind in FILES:
        await merchant.send(kind, name="report.pdf")
        await desk.sees(topic.thread, of(kind))
    await merchant.send("location")
    await desk.sees(topic.thread, lambda bubble: "位置 31.23" in bubble.text)
    assert not any("显示不了" in bubble.text for bubble in (await desk.group.view()).bubbles)


async def test_an_album_of_a_merchant_is_an_album(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.album([{"kind": "photo"}, {"kind": "video"}, {"kind": "photo"}])
    view = await desk.group.until(lambda view: sum(bubble.album is not None for bubble in view.of_bot()) == 3)
    (album,) = {(bubble.album, bubble.thread) for bubble in view.of_bot() if bubble.album}
    assert album[1] == topic.thread


async def test_what_staff_send_reaches_the_merchant(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    li = desk.people["li"]
    await li.send("photo", caption="照这样接线", thread=topic.thread)
    await merchant.sees(lambda bubble: bubble.kind == "photo" and "照这样接线" in bubble.text)
    for kind in FILES:
        await li.send(kind, thread=topic.thread)
        await merchant.sees(of(kind))
    await li.send("sticker", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "转不了" in bubble.text)


async def test_a_picture_that_was_sent_as_a_file_is_shown_as_one(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.send("document", picture(), name="slip.jpg", mime="image/jpeg", caption="清楚一点的")
    seen = await desk.sees(topic.thread, lambda bubble: "清楚一点的" in bubble.text)
    assert seen.kind == "document"


ALBUMS = {
    "pictures and a video": [{"kind": "photo", "caption": "先看这几张"}, {"kind": "video"}, {"kind": "photo", "caption": "接口在这"}],
    "documents": [{"kind": "document"}, {"kind": "document"}],
    "songs": [{"kind": "audio"}, {"kind": "audio"}],
}


@pytest.mark.parametrize("items", ALBUMS.values(), ids=ALBUMS)
async def test_an_album_of_staff_is_an_album(desk: Desk, items: list[Json]) -> None:
    merchant, topic = await desk.handed_over()
    li = desk.people["li"]
    await li.album(items, thread=topic.thread)
    view = await merchant.until(lambda view: sum(bubble.album is not None for bubble in view.of_bot()) == len(items))
    shown = [bubble for bubble in view.of_bot() if bubble.album]
    assert len({bubble.album for bubble in shown}) == 1
    assert [bubble.kind for bubble in shown] == [item["kind"] for item in items]
    assert shown[0].text.endswith(items[0].get("caption", "小李："))
    assert [bubble.text for bubble in shown[1:]] == [item.get("caption", "") for item in items[1:]]
    said = await li.say("收到回我", thread=topic.thread)
    await merchant.sees(lambda bubble: "收到回我" in bubble.text)
    own = await desk.group.until(lambda view: all(bubble.reactions for bubble in view.bubbles if bubble.author == li.id and bubble.thread == topic.thread))
    assert said["message_id"] in {bubble.id for bubble in own.bubbles}


async def test_an_album_of_staff_is_one_however_long_its_pictures_take(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await desk.fake.fault("slow", "getFile", seconds=0.4, times=None)
    await desk.people["li"].album([{"kind": "photo"}] * 6, thread=topic.thread)
    view = await merchant.until(lambda view: sum(bubble.kind == "photo" for bubble in view.of_bot()) == 6)
    assert len({bubble.album for bubble in view.of_bot() if bubble.kind == "photo"} - {None}) == 1


async def test_words_under_a_picture_are_changed_with_it(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    sent = await desk.people["li"].send("photo", caption="插左边的口", thread=topic.thread)
    first = await merchant.sees(lambda bubble: "插左边的口" in bubble.text)
    await desk.people["li"].edit(sent["message_id"], "插右边的口")
    changed = await merchant.sees(lambda bubble: "插右边的口" in bubble.text)
    assert (changed.id, changed.kind) == (first.id, "photo")


async def test_what_staff_change_is_changed_for_the_merchant(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    said = await desk.people["li"].say("明天下午到帐", thread=topic.thread)
    first = await merchant.sees(lambda bubble: "明天下午到帐" in bubble.text)
    await desk.people["li"].edit(said["message_id"], "后天下午到账")
    changed = await merchant.sees(lambda bubble: "后天下午到账" in bubble.text)
    assert changed.id == first.id
    assert changed.edits == 1
    assert "更正" not in changed.text
    sides = [body for side, body in desk.service.said() if side == "staff"]
    assert ["明天下午到帐" in sides[0], "后天下午到账" in sides[1]] == [True, True], "both stay in the transcript"


async def test_menus_hand_over_and_ask_for_the_cause(desk: Desk) -> None:
    merchant, topic = await desk.handed_over(text="打印机坏了，转人工")
    assert (await desk.press("li", topic.thread, "接手"))["text"] == "好"
    await desk.shows(topic.thread, lambda card: "小李负责" in card.text)
    assert (await desk.press("li", topic.thread, "转给"))["text"] == "转给谁？"
    menu = await desk.shows(topic.thread, lambda card: "小赵" in card.labels)
    assert {"结算", "风控", "小赵", "陈组长", "« 返回"} <= set(menu.labels)
    assert (await desk.press("li", topic.thread, "小赵"))["text"] == "好"
    await desk.shows(topic.thread, lambda card: "小赵负责" in card.text and "已解决" in card.labels)
    assert (await desk.press("li", topic.thread, "已解决"))["text"] == "真正的原因是什么？"
    causes = await desk.shows(topic.thread, lambda card: "不清楚" in card.labels)
    assert causes.labels[0].endswith("%")
    assert "小赵" in (await desk.press("li", topic.thread, "其他原因"))["text"], "only the owner ends it"
    await desk.press("zhao", topic.thread, "已解决")
    causes = await desk.shows(topic.thread, lambda card: "不清楚" in card.labels)
    assert (await desk.press("zhao", topic.thread, causes.labels[0]))["text"] == "好"
    await desk.group.until(lambda view: view.topic(topic.thread).closed and view.topic(topic.thread).name.endswith("已解决"))
    await merchant.sees(lambda bubble: "没解决" in "".join(bubble.labels))
    ((cause, right),) = desk.service.rows("SELECT cause, bot_right FROM ticket")
    assert (bool(cause), right) == (True, "yes")
    await merchant.say("还是没解决")
    await desk.group.until(lambda view: not view.topic(topic.thread).closed)


async def test_who_is_nobody_here_is_told_so_once(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    stranger = await desk.group.member("Stranger")
    hidden = await desk.group.member("Boss", status="administrator", anonymous=True)
    await stranger.say("我来回", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "还没有绑定账号" in bubble.text)
    await stranger.say("再说一次", thread=topic.thread)
    query = await stranger.press(await desk.card(topic.thread), label="接手")
    assert (await stranger.answered(query))["alert"]
    await hidden.say("匿名的话", thread=topic.thread)
    await desk.sees(topic.thread, lambda bubble: "匿名管理员" in bubble.text)
    await desk.people["li"].say("真的回复", thread=topic.thread)
    await merchant.sees(lambda bubble: "真的回复" in bubble.text)
    assert sum("还没有绑定账号" in text for text in await desk.told(topic.thread)) == 1
    assert not any(word in bubble.text for bubble in (await merchant.view()).bubbles for word in ("我来回", "再说一次", "匿名的话"))


async def test_staff_commands_of_merchants_are_just_text(desk: Desk) -> None:
    merchant, topic = await desk.handed_over()
    await merchant.say("/hand 结算")
    await desk.sees(topic.thread, lambda bubble: "/hand 结算" in bubble.text)
    assert desk.service.rows("SELECT team FROM ticket")[0][0] != "settlement"
    await merchant.say("// 这不是备注")
    await desk.sees(topic.thread, lambda bubble: "这不是备注" in bubble.text)
    assert "note" not in [side for side, _ in desk.service.said()]
