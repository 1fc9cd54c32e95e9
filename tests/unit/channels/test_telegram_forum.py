"""The pure parts of the staff's group: what comes, what is meant by it, buttons, what is told in how many messages, and how fast."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bot.channels.telegram.api import COMPLETE, Impossible
from bot.channels.telegram.forum import api, buttons, came, card, lines, orders, pace, suggest
from bot.domain.messages import Address
from bot.domain.staff import Member, Role
from bot.domain.understanding import Secret
from bot.service.desk import Deed, Entry, File, Row
from bot.service.forum import Told

if TYPE_CHECKING:
    from bot import app

GROUP, TICKET = -1_002_000_000_001, "0123456789abcdef0123456789abcdef"
LI = {"id": 5_000_000_001, "is_bot": False, "first_name": "Li", "last_name": "Na"}
CHAT = {"id": GROUP, "type": "supergroup", "title": "Staff", "is_forum": True}


def redact(text: str) -> tuple[str, tuple[Secret, ...]]:
    return (text.replace("6222021234567890128", "***"), (Secret.PAN,)) if "6222" in text else (text, ())


def message(**more: Any) -> dict[str, Any]:
    usual = {"message_id": 7, "from": LI, "chat": CHAT, "date": 1, "message_thread_id": 3, "is_topic_message": True}
    return {"update_id": 9, "message": {name: value for name, value in {**usual, **more}.items() if value is not None}}


WROTE = came.Wrote(chat=GROUP, thread=3, message=7, person=came.Person(id=5_000_000_001, name="Li Na"), text="hello")
PHOTO = [{"file_id": "small", "width": 90}, {"file_id": "large", "width": 1280}]
CAME = {
    "a text": (message(text="hello"), WROTE),
    "in General, where an answer has a thread that is no topic": (message(text="hello", is_topic_message=None), replace(WROTE, thread=None)),
    "an answer": (message(text="hello", reply_to_message={"message_id": 5}), replace(WROTE, answers=5)),
    "what seems to answer the beginning of the topic": (message(text="hello", reply_to_message={"message_id": 3}), WROTE),
    "with secrets": (message(text="card 6222021234567890128"), replace(WROTE, text="card ***", secrets=True)),
    "a photo": (message(photo=PHOTO, caption="hello"), replace(WROTE, sheet=came.Sheet(kind="photo", reference="large"))),
    "a picture as a file": (
        message(document={"file_id": "doc", "mime_type": "image/png", "file_name": "a.png"}, caption="hello", media_group_id="4"),
        replace(WROTE, sheet=came.Sheet(kind="photo", reference="doc", name="a.png"), album="4"),
    ),
    "a voice": (message(voice={"file_id": "v"}), replace(WROTE, text="", sheet=came.Sheet(kind="voice", reference="v"))),
    "a sticker": (message(sticker={"file_id": "s"}), replace(WROTE, text="", sheet=came.Sheet(kind="other"))),
    "an anonymous administrator": (
        message(text="hello", **{"from": {"id": came.ANONYMOUS, "is_bot": True, "first_name": "Group"}}, sender_chat={"id": GROUP}),
        replace(WROTE, person=came.Person(id=GROUP, name="Group", hidden=True)),
    ),
    "another bot": (message(text="hello", **{"from": {**LI, "is_bot": True}}), None),
    "a channel": (message(text="hello", **{"from": {"id": 136817688, "is_bot": True}}, sender_chat={"id": -5}), None),
    "a pinned message": (message(pinned_message={"message_id": 1}), None),
    "a topic that was closed": (message(forum_topic_closed={}), came.Turned(chat=GROUP, thread=3, message=7, closed=True)),
    "a topic that was opened": (message(forum_topic_reopened={}), came.Turned(chat=GROUP, thread=3, message=7, closed=False)),
    "a topic with another name": (message(forum_topic_edited={"name": "x"}), came.Turned(chat=GROUP, thread=3, message=7, closed=None)),
    "a topic that the bot closed": (message(forum_topic_closed={}, **{"from": {**LI, "is_bot": True}}), None),
    "a move": (message(migrate_to_chat_id=-77), came.Moved(chat=GROUP, to=-77)),
    "an edit": ({"update_id": 9, "edited_message": {**message(text="hello")["message"], "edit_date": 5}}, replace(WROTE, edited=5)),
    "a press": (
        {"update_id": 9, "callback_query": {"id": "q", "from": LI, "data": "d", "message": message()["message"]}},
        came.Pressed(chat=GROUP, thread=3, message=7, person=WROTE.person, query="q", data="d"),
    ),
    "nothing": ({}, None),
    "no object": (["x"], None),
    "a huge number": (message(text="hello", message_id=1 << 80), None),
    "objects where texts are": (message(text={"a": 1}, **{"from": "x"}), None),
}


@pytest.mark.parametrize("case", CAME)
def test_what_comes(case: str) -> None:
    raw, expected = CAME[case]
    kept = came.screened(raw, redact)
    assert (kept.came if kept else None) == expected
    if kept:
        assert came.read(kept.body) == expected
        assert "6222" not in kept.body
        assert json.loads(kept.body)["chat"] == came.chat_of(raw)


ORDERS = {
    "在吗": orders.Say(text="在吗"),
    "http://a": orders.Say(text="http://a"),
    "// 备注": orders.Note(text="备注"),
    "//备注": orders.Note(text="备注"),
    "／／备注": orders.Note(text="备注"),
    "/note 备注\n两行": orders.Note(text="备注\n两行"),
    "/note": orders.Command(name="note", rest=""),
    "/KB@posbot 签到 失败": orders.Command(name="kb", rest="签到 失败"),
    "／case": orders.Command(name="case", rest=""),
    "/take": orders.Command(name="unknown", rest=""),
    "/ 空": orders.Command(name="unknown", rest=" 空"),
}


@pytest.mark.parametrize("text", ORDERS)
def test_what_is_meant(text: str) -> None:
    assert orders.read(text) == ORDERS[text]


ALARMS = {
    "30m": (timedelta(minutes=30), ""),
    "30m 打电话": (timedelta(minutes=30), "打电话"),
    "2小时后看": (timedelta(hours=2), "后看"),
    "15 分钟": (timedelta(minutes=15), ""),
    "1d": (timedelta(days=1), ""),
    "30 money": None,
    "0m": None,
    "40d": None,
    "明天": None,
    "": None,
}


@pytest.mark.parametrize("text", ALARMS)
def test_when_somebody_is_reminded(text: str) -> None:
    assert orders.alarm(text) == ALARMS[text]


def test_a_button_is_read_by_whoever_made_it_only() -> None:
    made = buttons.Buttons(b"secret")
    for about in ("", "li", "x" * 32, "商户"):
        data = made.data("mt", TICKET, about)
        assert len(data.encode()) <= buttons.LONGEST
        assert made.read(data) == buttons.Press(action="mt", ticket=TICKET, mark=buttons.mark(about) if about else "")
        assert buttons.Buttons(b"other").read(data) is None
        for place in range(len(data)):
            forged = data[:place] + ("A" if data[place] != "A" else "B") + data[place + 1 :]
            assert made.read(forged) is None
    assert made.data("t", "t1") != made.data("t", "t2")
    assert made.read(made.data("t", "t1")) == buttons.Press(action="t", ticket="t1", mark="")
    for bad in ("", ":::", "t", "t:a:b:c:d", "商:户::", "\ud800:::"):
        assert made.read(bad) is None


def row(**more: Any) -> Row:
    usual = {
        "id": TICKET, "number": "1130-00001", "status": "open", "urgency": "U1", "reason": "wish", "topic": "printer", "team": "device", "owner": None,
        "channel": "web", "summary": "", "merchant": "", "opened": 1_760_000_000_000_000, "changed": 0, "waiting": None, "due": None, "incident": None,
    }  # fmt: skip
    return Row(**{**usual, **more})


def file(packet: dict[str, Any] | None = None, **more: Any) -> File:
    kept = {"summary": "不出纸", "facts": [], "causes": [], "reason": "wish", "flags": [], "money": "not-involved", **(packet or {})}
    return File(
        row=row(**more), state="{}", packet=json.dumps(kept), conversation="{}", chat="c1", address=Address(channel="web", chat="x"), cause="", bot_right="",
        earlier=[],
    )  # fmt: skip


@pytest.fixture(scope="module")
def draw(mind: app.Mind) -> card.Drawing:
    members = [
        Member(login="li", name="小 李", role=Role.STAFF, on_duty=True, telegram=11),
        Member(login="zhao", name="小赵", role=Role.STAFF, on_duty=True),
        Member(login="chen", name="陈组长", role=Role.LEAD, telegram=22),
        Member(login="off", name="离职", role=Role.LEAD, disabled=True, telegram=33),
    ]
    return card.Drawing(kb=mind.kb, members=members, zone=ZoneInfo("Asia/Shanghai"), url="https://pos.example.com", buttons=buttons.Buttons(b"secret"))


def test_a_title_has_room_for_everything(draw: card.Drawing) -> None:
    assert card.title(draw, file()) == "U1 · 1130-00001 · 未知商户 · 未接"
    assert card.title(draw, file(merchant="好再来\n便利店", status="taken")) == "U1 · 1130-00001 · 好再来 便利店 · 处理中"
    assert card.title(draw, file({"facts": [["contact_name", "王"]]})).endswith("· 王 · 未接")
    long = card.title(draw, file(merchant="店" * 500))
    assert len(long) <= card.TITLE
    assert long.endswith("未接")


BUTTONS = {
    "open": ["接手", "转给", "等商户", "等收单", "已解决", "标为误派"],
    "taken": ["转给", "等商户", "等收单", "已解决", "标为误派"],
    "waiting-merchant": ["继续处理", "转给", "等收单", "已解决", "标为误派"],
    "waiting-acquirer": ["继续处理", "转给", "等商户", "已解决", "标为误派"],
    "solved": ["重新打开"],
    "closed": [],
}


@pytest.mark.parametrize("status", BUTTONS)
def test_a_card_offers_what_can_be_done(draw: card.Drawing, status: str) -> None:
    drawn = card.card(draw, file(status=status), "")
    assert [button.label for row in drawn.rows for button in row] == BUTTONS[status]
    assert f"https://pos.example.com/console/tickets/{TICKET}" in drawn.text


def test_a_card_is_another_one_when_anything_of_it_is(draw: card.Drawing) -> None:
    usual = card.card(draw, file(), "")
    assert usual.fingerprint == card.card(draw, file(), "").fingerprint
    others = [card.card(draw, file(), "hand"), card.card(draw, file(owner="li", status="taken"), ""), card.card(draw, file({"summary": "卡纸"}), "")]
    assert len({usual.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_a_card_of_any_size_can_be_sent(draw: card.Drawing) -> None:
    drawn = card.card(draw, file({"summary": "\ud800\x00" + "字" * 9000}), "")
    assert card.fits(drawn.text)
    drawn.text.encode()
    assert "\x00" not in drawn.text


def said(id: int, text: str = "", side: str = "merchant", event: int | None = None, ext_id: str | None = None, **body: Any) -> Told:
    fields = {"text": text, **body} if side == "merchant" else {"bubbles": [text], "author": "小李" if side != "bot" else "", **body}
    entry = Entry(id=id, side=side, body=json.dumps(fields), at=0, knowledge="", event=event or id)
    return Told(entry=entry, ext_id=ext_id)


def deed(id: int, act: str, event: int, actor: str = "li", **detail: Any) -> Deed:
    return Deed(id=id, ticket=TICKET, number="1", event=event, actor=actor, act=act, done=detail.pop("done", True), detail=json.dumps(detail), at=0)


def told(draw: card.Drawing, *what: Told, deeds: tuple[Deed, ...] = (), lasts: bool = True) -> list[lines.Message]:
    return lines.messages(lines.items(draw, what, deeds, lasts=lasts))


def test_what_waits_goes_together_in_order(draw: card.Drawing) -> None:
    (message,) = told(draw, said(1, "一"), said(2, "你好", "bot"), said(3, "二"), deeds=(deed(5, "take", 2),))
    assert message.text.split("\n") == ["商户：一", "· 小 李：接手", "机器人：你好", "商户：二"]
    assert [item.line or -item.deed for item in message.items] == [1, -5, 2, 3]


def test_what_the_bot_said_at_once_is_one_short_line(draw: card.Drawing) -> None:
    (message,) = told(draw, said(1, "甲" * 100, "bot", event=1), said(2, "乙" * 100, "bot", event=1))
    assert message.text == f"机器人：{'甲' * 100} {'乙' * 18}…"
    assert [([line for line, _ in item.words], item.line) for item in message.items] == [([1, 2], 2)]


def test_what_staff_wrote_in_the_topic_is_there_already(draw: card.Drawing) -> None:
    (message,) = told(draw, said(1, "好", "staff", ext_id="forum:-100:42"), said(2, "备注", "note", ext_id="forum:-100:43"))
    assert (message.text, [item.own for item in message.items]) == ("", [42, 43])
    (elsewhere,) = told(draw, said(1, "好", "staff", ext_id="staff:1"), said(2, "备注", "note"), said(3, "改", "staff", ext_id="screened:forum:-100:44"))
    assert elsewhere.text.split("\n") == ["小李（工单台）：好", "📝 小李：备注", "小李（工单台）：改"]


def test_pictures_of_an_album_stay_together(draw: card.Drawing) -> None:
    photos = [said(id, "看" if id == 1 else "", kind="photo", file=f"p{id}", fetch=f"f{id}", album="a") for id in range(1, 13)]
    first, second, voice = told(draw, *photos, said(20, kind="voice", file="v"))
    assert [len(first.sheets), len(second.sheets)] == [10, 2]
    assert (first.text, first.sheets[0].reference) == ("商户：看", "f1")
    assert (voice.sheets[0].kind, voice.sheets[0].reference) == ("voice", "v")


def test_what_the_bot_said_of_a_picture_stands_under_it(draw: card.Drawing) -> None:
    photos = [said(id, words, kind="photo", file=f"p{id}", album="a") for id, words in ((1, "看"), (3, "接口"), (4, ""))]
    (message, question) = told(draw, photos[0], said(2, "收到了", "bot"), *photos[1:], said(5, "然后呢"))
    assert (message.text, [sheet.caption for sheet in message.sheets]) == ("商户：看\n机器人：收到了", ["看", "接口", ""])
    assert [[item.line for item in each.items] for each in (message, question)] == [[1, 2, 3, 4], [5]]


@pytest.mark.parametrize("before", [said(1, "一"), said(1, redacted=True), said(1, "收到了", "bot")], ids=["words", "redacted", "bot"])
def test_an_album_begins_a_message_of_its_own(draw: card.Drawing, before: Told) -> None:
    messages = told(draw, before, *(said(id, "看", kind="video", file=f"v{id}", album="a") for id in (2, 3)), deeds=(deed(5, "take", 1),))
    assert [len(message.sheets) for message in messages] == [0, 2]
    assert messages[1].text == "商户：看"


def test_what_a_message_is_made_of_is_known_from_its_first_part(draw: card.Drawing) -> None:
    messages = told(draw, said(1, "长" * 9000))
    assert [[item.line for item in (*message.begins, *message.items)] for message in messages] == [[1], [1], [1]]


def test_an_album_is_told_when_it_has_come_in(draw: card.Drawing) -> None:
    items = lines.items(draw, [said(1, "一"), said(2, kind="photo", file="p", album="a"), said(3, "收到了", "bot")], (), lasts=True)
    assert [item.line for item in lines.complete(items, COMPLETE - 1)] == [1]
    assert [item.line for item in lines.complete(items, COMPLETE)] == [1, 2, 3]
    assert [item.line for item in lines.complete(items, -1)] == [1, 2, 3], "a clock that was set back holds up nothing"


def test_a_long_text_is_several_messages_and_told_when_all_are(draw: card.Drawing) -> None:
    messages = told(draw, said(1, "长" * 9000))
    assert len(messages) == 3
    assert [len(message.items) for message in messages] == [0, 0, 1]
    assert all(card.fits(message.text) for message in messages)


def test_what_is_said_after_the_end_is_another_trouble(draw: card.Drawing) -> None:
    end = deed(9, "solve", 2)
    messages = told(draw, said(1, "一"), said(2, "二"), said(3, "三"), said(4, "补一句", "staff"), deeds=(end,), lasts=False)
    assert messages[0].text.split("\n") == ["商户：一", "· 小 李：解决", "商户：二", "小李（工单台）：补一句"]


def test_what_was_taken_out_or_is_nothing_is_not_told(draw: card.Drawing) -> None:
    (message,) = told(draw, said(1), said(2, redacted=True), said(3, "", choice="x", label="没用"), deeds=(deed(1, "take", 1, done=False), deed(2, "said", 1)))
    assert message.text.split("\n") == ["商户：已抹去", "商户：点了“没用”"]


REMINDED = {
    "the owner": ({"clock": "response", "mark": "half", "owner": "li"}, [11]),
    "those who are there, where nobody has it": ({"clock": "response", "mark": "due", "owner": ""}, [11]),
    "the owner and the leads": ({"clock": "solution", "mark": "leads", "owner": "li"}, [11, 22]),
    "who is not on Telegram cannot be called": ({"clock": "solution", "mark": "due", "owner": "zhao"}, []),
}


@pytest.mark.parametrize("case", REMINDED)
def test_a_deadline_calls(draw: card.Drawing, case: str) -> None:
    detail, people = REMINDED[case]
    (message,) = told(draw, said(1, "😀"), deeds=(deed(3, "remind", 2, actor="", **detail),))
    assert [mention.person for mention in message.mentions] == people
    text = message.text.encode("utf-16-le")
    called = [text[2 * each.offset : 2 * (each.offset + each.length)].decode("utf-16-le") for each in message.mentions]
    assert called == [{11: "@小李", 22: "@陈组长"}[person] for person in people]


def test_words_are_found(draw: card.Drawing) -> None:
    assert suggest.found(draw.kb, "", None) == ()
    assert suggest.found(draw.kb, "xyzzy", None) == []
    found = suggest.found(draw.kb, "稍等", None)
    assert 1 <= len(found) <= suggest.MOST
    assert "稍等" in found[0].title + found[0].text
    offered = suggest.rows(draw.buttons, file(), found)
    press = draw.buttons.read(offered[0][0].data)
    assert press is not None
    assert suggest.text(draw, file(), draw.members[0], press.mark)
    assert suggest.text(draw, file(), draw.members[0], "gone") == ""


ERRORS = {
    "Telegram server says - Bad Request: message thread not found": api.TopicGone,
    "Bad Request: TOPIC_DELETED": api.TopicGone,
    "Bad Request: TOPIC_CLOSED": api.TopicClosed,
    "Bad Request: message is not modified: specified new message content": api.Same,
    "Bad Request: TOPIC_NOT_MODIFIED": api.Same,
    "Bad Request: message to edit not found": api.MessageGone,
    "Bad Request: not enough rights to create a topic": api.NoRights,
    "Bad Request: the chat is not a forum": api.NoRights,
    "Bad Request: chat not found": Impossible,
}


@pytest.mark.parametrize("text", ERRORS)
def test_what_the_server_means(text: str) -> None:
    assert type(api.told(Impossible(text))) is ERRORS[text]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_twenty_a_minute_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    async def passes(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr("asyncio.sleep", passes)
    turns, given = pace.GroupPace(clock), []
    for _ in range(60):
        await turns.turn()
        given.append(clock.now)
    for first, last in zip(given, given[pace.PER_MINUTE :], strict=False):
        assert last - first >= pace.MINUTE - 0.001
    for first, last in zip(given, given[pace.BURST :], strict=False):
        assert last - first >= pace.BURST * pace.SECOND - 0.001
    assert given[-1] - given[0] < 3 * pace.MINUTE
    turns.refused(100)
    before = clock.now
    assert await turns.turn()
    assert clock.now >= before + 100


def test_edits_are_counted_apart() -> None:
    clock = Clock()
    turns = pace.GroupPace(clock)
    assert [turns.edit() for _ in range(21)] == [True] * 20 + [False]
    clock.now += pace.MINUTE + 1
    assert turns.edit()
    turns.refused(5)
    assert not turns.edit()
