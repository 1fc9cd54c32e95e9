"""What every store promises about the staff's group on Telegram, checked on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.messages import Address
from bot.service.forum import Alarm, Fate, Post

from .desk_rows import MINUTE, NOW, Rows
from .places import opened
from .test_staff import BEN, entry

if TYPE_CHECKING:
    from bot.service.ports import Store

    from .places import Place

GROUP = -1_002_000_000_001
MORE = 1 << 40
"""A number that needs more than 32 bits, as those of people do."""


@pytest.fixture
def rows(place: Place, store: Store) -> Rows:
    del store  # makes the tables
    return Rows(place)


async def behind(store: Store, now: int = NOW) -> list[tuple[str, int]]:
    return [(each.ticket, each.version) for each in await store.forum.behind(now, 100)]


async def test_tickets_without_a_topic_are_behind_the_most_urgent_first(store: Store, rows: Rows) -> None:
    await rows.conversations([{"id": 1, "active": NOW}, {"id": 2, "active": NOW + 1}, {"id": 3}, {"id": 4}, {"id": 5, "active": NOW - 1}])
    await rows.tickets([
        {"id": 1, "urgency": "U1"}, {"id": 2, "urgency": "U0"}, {"id": 3, "status": "solved"}, {"id": 4, "status": "closed"}, {"id": 5, "urgency": "U1"},
    ])  # fmt: skip
    assert await behind(store) == [("t2", 0), ("t5", 0), ("t1", 0)]
    assert [each.ticket for each in await store.forum.behind(NOW, 1)] == ["t2"]


async def test_a_topic_is_behind_until_everything_is_shown(store: Store, rows: Rows, place: Place) -> None:
    await rows.conversation(1)
    await rows.ticket(1)
    topic = await store.forum.begin("t1", GROUP, 3)
    assert topic is not None
    assert (topic.thread, topic.card, topic.line) == (None, None, 0)
    assert await behind(store) == [("t1", 0)]
    await store.forum.settled(topic, 0, done=False)
    assert await behind(store) == []
    await place.execute("UPDATE conversation SET version = 1 WHERE id = 1")
    assert await behind(store) == [("t1", 1)]
    await store.forum.settled(topic, 1, done=True)
    await place.execute("UPDATE conversation SET version = 2 WHERE id = 1")
    assert await behind(store) == []
    await store.forum.open_menu("t1", "hand", NOW + MINUTE)
    assert await behind(store) == [("t1", 2)]
    await store.forum.settled(topic, 2, done=False)
    assert await behind(store) == [("t1", 2)], "another menu was opened meanwhile"
    await store.forum.settled(replace(topic, stamp=1), 2, done=False)
    assert (await behind(store), await behind(store, NOW + MINUTE)) == ([], [("t1", 2)])
    await store.forum.look_again("t1", closed=True)
    looked = await store.forum.topic("t1")
    assert looked is not None
    assert (await behind(store), looked.closed) == ([("t1", 2)], True)
    await store.forum.look_again("t1", closed=None)
    assert await store.forum.topic("t1") == replace(looked, stamp=3)


async def test_what_was_shown_is_kept_beside_the_menu(store: Store, rows: Rows) -> None:
    await rows.conversation(1)
    await rows.ticket(1)
    assert await store.forum.begin("nobody", GROUP, 3) is None
    begun = await store.forum.begin("t1", GROUP, 3)
    assert begun is not None
    assert await store.forum.begin("t1", GROUP - 1, 3) == begun
    await store.forum.open_menu("t1", "hand", NOW)
    shown = replace(begun, thread=MORE, card=MORE + 1, pinned=True, title="好", shown="f", closed=True, line=7, deed=8, doing="9")
    await store.forum.save(shown, [Post(chat=GROUP, post=5, message=3, ticket="t1", mark="-")])
    shown = replace(shown, menu="hand", menu_until=NOW, stamp=1, title="", closed=False)
    assert await store.forum.topic("t1") == shown, "what somebody changed since begun is not covered"
    shown = replace(shown, title="好", closed=True)
    await store.forum.save(shown)
    assert await store.forum.topic("t1") == shown == await store.forum.topic_at(GROUP, MORE)
    assert await store.forum.topic_at(GROUP - 1, MORE) is None
    assert await store.forum.posts(GROUP, 5) == [Post(chat=GROUP, post=5, message=3, ticket="t1", mark="-")]
    await store.forum.replace(GROUP, 5, [Post(chat=GROUP, post=6, message=3, ticket="t1", mark="-")])
    assert (await store.forum.posts(GROUP, 5), len(await store.forum.posts(GROUP, 6))) == ([], 1)
    await store.forum.move(GROUP, GROUP - 9)
    moved = await store.forum.topic("t1")
    assert moved is not None
    assert (moved.chat, moved.thread, moved.card, moved.line) == (GROUP - 9, None, None, 7)


async def test_a_topic_begins_with_what_was_said_last_before_the_ticket(store: Store, rows: Rows) -> None:
    await rows.conversation(1)
    await rows.ticket(1, origin=50)
    for number in range(1, 10):
        await rows.line(number, 1, f"line {number}", event=(number + 1) // 2 * 20 - 10)
    await rows.conversation(2)
    await rows.ticket(2, origin=70)
    for number in range(11, 16):
        await rows.line(number, 2, f"line {number}", event=40 + (number - 10) // 2 * 10)
    topic = await store.forum.begin("t1", GROUP, 3)
    assert topic is not None
    assert topic.line == 0  # lines 1 to 6 were said at events 10, 30 and 50, which opened the ticket
    again = await store.forum.begin("t2", GROUP, 2)
    assert again is not None
    assert again.line == 11
    assert [told.entry.id for told in await store.forum.told("t1", topic.line, 3)] == [1, 2, 3]


async def test_lines_come_with_the_id_of_their_event(store: Store, rows: Rows) -> None:
    await rows.conversation(1)
    await rows.ticket(1)
    await rows.insert("inbox", [{"id": 7, "channel": "web", "ext_id": "forum:1:2", "conversation": 1, "kind": "acted", "body": "{}", "received": NOW}])
    await rows.line(1, 1, "one", side="staff", event=7)
    await rows.line(2, 1, "two", side="note")
    assert [(told.entry.side, told.ext_id) for told in await store.forum.told("t1", 0, 9)] == [("staff", "forum:1:2"), ("note", None)]
    assert [await store.forum.lines_from("web", "forum:1:2"), await store.forum.lines_from("hook", "forum:1:2")] == [[1], []]


async def test_the_fate_of_lines(store: Store, rows: Rows, place: Place) -> None:
    await rows.conversation(1)
    await rows.ticket(1)
    topic = await store.forum.begin("t1", GROUP, 3)
    assert topic is not None
    fates = {1: [], 2: ["sent"], 3: ["sent", "dead"], 4: ["sent", "new"], 5: ["sending"]}
    message = 0
    for post, lines in fates.items():
        for status in lines or [""]:
            message += 1
            await rows.line(message, 1, "said", side="staff")
            if status:
                values = {"id": message, "lane": "l", "dedupe": f"d{message}", "conversation": 1, "message": message, "status": status, "not_before": 0}
                await rows.insert("outbox", [{**values, "created": NOW, "error": "blocked" if status == "dead" else None}])
            await store.forum.save(topic, [Post(chat=GROUP, post=post, message=message, ticket="t1", mark="")])
    assert await store.forum.fates(10) == [
        Fate(chat=GROUP, post=1, ticket="t1", status="kept", error=""),
        Fate(chat=GROUP, post=2, ticket="t1", status="sent", error=""),
        Fate(chat=GROUP, post=3, ticket="t1", status="dead", error="blocked"),
    ]
    await store.forum.mark(GROUP, 3, "dead")
    assert [fate.post for fate in await store.forum.fates(10)] == [1, 2]


async def test_a_line_that_was_redacted_while_it_was_told_is_to_be_taken_out(store: Store, rows: Rows) -> None:
    await rows.conversation(1)
    await rows.ticket(1)
    for line in (2, 3):
        await rows.line(line, 1, f"第{line}句")
    begun = await store.forum.begin("t1", GROUP, 3)
    assert begun is not None
    told = {entry.id: entry.body for entry in await store.desk.entries("c1")}
    assert await store.desk.redact_line("c1", 2, '{"redacted": true}')
    await store.forum.save(begun, [Post(chat=GROUP, post=line, message=line, ticket="t1", mark="-", body=told[line]) for line in (2, 3)])
    assert await store.forum.taken_out(9) == [Post(chat=GROUP, post=2, message=2, ticket="t1", mark="taken-out")]


async def test_what_is_taken_out_or_forgotten_goes_from_the_group_too(store: Store, rows: Rows) -> None:
    await rows.conversation(1)
    await rows.ticket(1)
    topic = await store.forum.begin("t1", GROUP, 3)
    assert topic is not None
    await rows.line(1, 1, "one")
    await rows.line(2, 1, "two")
    posts = [Post(chat=GROUP, post=5, message=line, ticket="t1", mark="-") for line in (1, 2)]
    await store.forum.save(replace(topic, thread=MORE), posts)
    assert await store.desk.redact_line("c1", 2, '{"redacted": true}')
    assert await store.forum.taken_out(9) == [Post(chat=GROUP, post=5, message=2, ticket="t1", mark="taken-out")]
    await store.forum.mark(GROUP, 5, "-")
    assert await store.forum.taken_out(9) == [] == await store.forum.orphans(9)
    await store.forget(Address(channel="web", chat="chat1"), entry("forgotten"))
    ((id, chat, thread),) = await store.forum.orphans(9)
    assert (chat, thread) == (GROUP, MORE)
    await store.forum.drop(id)
    assert await store.forum.orphans(9) == []


async def test_what_comes_is_kept_once_and_handled_once(store: Store) -> None:
    assert await store.forum.accept("1", "lane", "{}", NOW)
    assert not await store.forum.accept("1", "lane", '{"other": 1}', NOW)
    assert await store.forum.accept("2", "lane", "two", NOW)
    waiting = await store.forum.waiting(10)
    assert [(came.ext_id, came.body) for came in waiting] == [("1", "{}"), ("2", "two")]
    await store.forum.handled(waiting[0].id, NOW)
    assert [came.ext_id for came in await store.forum.waiting(10)] == ["2"]
    assert not await store.forum.accept("1", "lane", "{}", NOW)


async def test_alarms_and_facts(store: Store, rows: Rows) -> None:
    await rows.conversation(1)
    await rows.ticket(1)
    for _ in range(2):
        await store.forum.set_alarm("t1", "a1", "ben", "call back", NOW + MINUTE)
    assert await store.forum.alarms(NOW) == []
    (alarm,) = await store.forum.alarms(NOW + MINUTE)
    assert alarm == Alarm(id=alarm.id, ticket="t1", login="ben", text="call back", due=NOW + MINUTE)
    await store.forum.alarm_given(alarm.id, NOW + MINUTE)
    assert await store.forum.alarms(NOW + MINUTE) == []
    assert [await store.forum.keep_fact("hint", "1", NOW), await store.forum.keep_fact("hint", "2", NOW)] == [True, False]
    await store.forum.change_fact("hint", "3", NOW)
    assert (await store.forum.fact("hint"), await store.forum.fact("none")) == ("3", None)
    await store.forum.change_fact("hint:2", "4", NOW + 1)
    assert [await store.forum.facts("hint"), await store.forum.facts("in")] == [[("hint:2", "4"), ("hint", "3")], []]


async def test_a_code_says_once_who_somebody_is(place: Place) -> None:
    async with opened(place) as store:
        staff = store.staff
        await staff.add(BEN, "kept", entry())
        await staff.add(replace(BEN, login="cora"), "kept", entry())
        assert not await staff.give_code("nobody", "h0", NOW + MINUTE, entry())
        assert await staff.give_code("ben", "h0", NOW + MINUTE, entry())
        assert await staff.give_code("BEN", "h1", NOW + MINUTE, entry("telegram-code"))
        assert await staff.link("h0", MORE, NOW, entry()) is None  # another took its place
        assert await staff.link("h1", MORE, NOW + MINUTE, entry()) is None  # over
        linked = await staff.link("h1", MORE, NOW, entry("telegram-linked"))
        assert linked == replace(BEN, telegram=MORE) == await staff.by_telegram(MORE)
        assert await staff.link("h1", MORE + 1, NOW, entry()) is None  # used up
        assert (await staff.audit(None, 1))[0].actor == "ben"
        await staff.give_code("cora", "h2", NOW + MINUTE, entry())
        assert await staff.link("h2", MORE, NOW, entry()) is not None
        assert (await staff.by_telegram(MORE) or BEN).login == "cora"  # the person is one colleague only
        found = await staff.member("ben")
        assert found is not None
        assert found[0].telegram is None
        assert [await staff.unlink("cora", entry()), await staff.unlink("cora", entry())] == [True, False]
        assert await staff.by_telegram(MORE) is None
