"""What the staff's side promises on each database: order and parts of lists, search, redaction, presence, incidents, export."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tracemalloc
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.audit import Entry as AuditEntry
from bot.domain.messages import Address, Photo
from bot.service.desk import Cluster, Reminded, Seen, View, Wanted
from bot.service.ports import FORGOTTEN, Arrival, Outcome, Retention
from bot.storage import sqlite_desk, words
from tests.rows import ticket as kept

from .desk_rows import HOUR, MINUTE, NOW, Rows
from .places import File, Server, opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.service.desk import DeskStore, Hit
    from bot.service.ports import Store, Work

    from .places import Place

ME, OTHER = "li", "wang"
GONE = AuditEntry(at=NOW, actor="posbot", what=FORGOTTEN)
SECRET = "110101199003078515"


@pytest.fixture
def desk(store: Store) -> DeskStore:
    return store.desk


@pytest.fixture
def rows(place: Place, store: Store) -> Rows:  # the store has made the tables
    return Rows(place)


def wanted(view: View = View.ALL, **narrowed: Any) -> Wanted:
    return Wanted(**{"view": view, "login": ME, "now": NOW, **narrowed})


async def names(desk: DeskStore, wanted: Wanted, limit: int = 50) -> list[str]:
    """Public ids of a whole list, read in parts."""
    found, after = list[str](), ""
    while True:
        page = await desk.queue(wanted, after, limit)
        assert len(page.rows) <= limit
        found += [row.id for row in page.rows]
        if not page.next:
            return found
        assert len(page.rows) == limit
        after = page.next


async def little_world(rows: Rows) -> None:
    """Nine tickets of nine conversations, told apart by what the lists look at."""
    await rows.conversations([{"id": id, "channel": "hook:shop" if id == 3 else "web"} for id in range(1, 10)])
    await rows.tickets([
        {"id": 1, "urgency": "U2", "due": NOW + HOUR},
        {"id": 2, "urgency": "U0", "due": NOW + 9 * HOUR, "status": "taken", "owner": ME},
        {"id": 3, "urgency": "U2", "due": NOW - HOUR, "status": "taken", "owner": OTHER, "team": "money"},
        {"id": 4, "urgency": "U2", "due": None, "status": "waiting-merchant", "owner": ME, "topic": "refund"},
        {"id": 5, "urgency": "U1", "due": NOW, "team": "money"},
        {"id": 6, "urgency": "U4", "due": NOW - 1, "status": "waiting-acquirer", "owner": OTHER},
        {"id": 7, "status": "solved", "changed": NOW - 3, "owner": ME},
        {"id": 8, "status": "closed", "changed": NOW - 1},
        {"id": 9, "status": "solved", "changed": NOW - 2, "owner": OTHER},
    ])  # fmt: skip


VIEWS = {
    View.MINE: ["t2", "t4"],
    View.UNASSIGNED: ["t5", "t1"],
    View.ALL: ["t2", "t5", "t3", "t1", "t4", "t6"],
    View.WAITING: ["t4", "t6"],
    View.OVERDUE: ["t5", "t3", "t6"],
    View.SOLVED: ["t8", "t9", "t7"],
}


@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize("view", [*View])
async def test_each_view_has_its_order_in_parts_of_any_length(desk: DeskStore, rows: Rows, view: View, limit: int) -> None:
    await little_world(rows)
    assert await names(desk, wanted(view), limit) == VIEWS[view]


async def test_sizes_are_those_of_the_views(desk: DeskStore, rows: Rows) -> None:
    await little_world(rows)
    assert await desk.sizes(ME, [], NOW) == {view: len(found) for view, found in VIEWS.items()}
    assert (await desk.sizes(ME, ["money"], NOW))[View.UNASSIGNED] == 1
    assert (await desk.sizes("nobody", ["\x00", "none"], NOW))[View.MINE] == 0


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ({"team": "money"}, ["t5", "t3"]),
        ({"topic": "refund"}, ["t4"]),
        ({"urgency": "U2"}, ["t3", "t1", "t4"]),
        ({"owner": OTHER}, ["t3", "t6"]),
        ({"channel": "hook:shop"}, ["t3"]),
        ({"team": "money", "owner": OTHER, "channel": "web"}, []),
        ({"team": "'; --\x00\ud800"}, []),
    ],
    ids=str,
)
async def test_lists_are_narrowed(desk: DeskStore, rows: Rows, narrowed: dict[str, str], expected: list[str]) -> None:
    await little_world(rows)
    assert await names(desk, wanted(View.ALL, **narrowed), 1) == expected


@pytest.mark.parametrize("after", ["x", "U2", "U2:1", "U2:1:2:3", "U2:a:b", f"U2:{10**30}:{10**30}", "\x00:1:1", ":::"], ids=ascii)
async def test_a_mark_that_nobody_gave_is_no_error(desk: DeskStore, rows: Rows, after: str) -> None:
    await little_world(rows)
    for view in View:
        await desk.queue(wanted(view), after.replace("\x00", ""), 2)


async def test_equal_deadlines_lose_nobody(desk: DeskStore, rows: Rows) -> None:
    await rows.conversations([{"id": id} for id in range(1, 31)])
    await rows.tickets([{"id": id, "due": NOW if id % 2 else None} for id in range(1, 31)])
    assert await names(desk, wanted(), 7) == [f"t{id}" for id in (*range(1, 31, 2), *range(2, 31, 2))]


async def test_a_row_tells_who_and_what(desk: DeskStore, rows: Rows) -> None:
    packet = {"summary": "没出票", "facts": [["terminal_no", "10023345"], ["merchant_name", "老王面馆"]]}
    await rows.conversation(1)
    await rows.ticket(1, packet=json.dumps(packet), opened=NOW, changed=NOW + 1, waiting=NOW + 2, due=NOW + 3)
    (row,) = (await desk.queue(wanted())).rows
    assert (row.number, row.channel, row.summary, row.merchant) == ("1009-00001", "web", "没出票", "老王面馆")
    assert (row.opened, row.changed, row.waiting, row.due, row.incident) == (NOW, NOW + 1, NOW + 2, NOW + 3, None)


async def test_a_file_has_everything(desk: DeskStore, rows: Rows) -> None:
    await rows.conversation(1, state='{"phase": "staff"}')
    await rows.tickets([
        {"id": 1, "conversation": 1, "status": "closed"},
        {"id": 2, "conversation": 1, "state": '{"number": "1009-00002"}', "packet": '{"summary": "s"}', "cause": "paper", "bot_right": "yes"},
    ])  # fmt: skip
    file = await desk.file("t2")
    assert file is not None
    assert (file.row.id, file.state, file.packet, file.conversation) == ("t2", '{"number": "1009-00002"}', '{"summary": "s"}', '{"phase": "staff"}')
    assert (file.chat, file.address, file.cause, file.bot_right) == ("c1", Address(channel="web", chat="chat1"), "paper", "yes")
    assert file.earlier == [("t1", "1009-00001", "closed")]
    assert await desk.file("\x00\ud800") is None


async def test_lines_with_notes_forwards_and_from_the_end(desk: DeskStore, rows: Rows) -> None:
    await rows.conversation(1)
    await rows.conversation(2)
    await rows.line(1, 1, "一", event=7)
    await rows.line(2, 2, "别人")
    await rows.line(3, 1, "二", side="note")
    await rows.line(4, 1, "三", side="bot")
    assert [(entry.id, entry.side, entry.event) for entry in await desk.entries("c1")] == [(1, "merchant", 7), (3, "note", None), (4, "bot", None)]
    assert [entry.id for entry in await desk.entries("c1", after=1, limit=1)] == [3]
    assert [entry.id for entry in await desk.latest("c1", 2)] == [3, 4]
    assert [entry.id for entry in await desk.latest("c1", 2, 4)] == [1, 3]
    assert await desk.latest("c1", 2, 0) == []
    assert await desk.entries("nobody") == []


async def test_deeds_are_read_by_ticket_and_on_from_the_last_one(desk: DeskStore, rows: Rows) -> None:
    assert await desk.last_deed() == 0 or not await desk.deeds_after(0, 1)
    await rows.conversations([{"id": 1}, {"id": 2}])
    await rows.tickets([{"id": 1}, {"id": 2}])
    before = await desk.last_deed()
    await rows.deed(1, "take", actor=ME)
    await rows.deed(2, "note", actor=OTHER)
    await rows.deed(1, "take", actor=OTHER, done=False, detail='{"why": "taken"}')
    own = await desk.deeds("t1")
    assert [(deed.actor, deed.done, deed.number, deed.detail) for deed in own] == [
        (ME, True, "1009-00001", "{}"),
        (OTHER, False, "1009-00001", '{"why": "taken"}'),
    ]
    first, *others = await desk.deeds_after(before, 10)
    assert [deed.ticket for deed in (first, *others)] == ["t1", "t2", "t1"]
    assert await desk.deeds_after(first.id, 1) == [others[0]]
    assert await desk.last_deed() == others[-1].id


async def test_who_accepted_an_act_learns_what_came_of_it(store: Store, desk: DeskStore, rows: Rows) -> None:
    address = Address(channel="web", chat="chat9")
    await store.accept(Arrival(address=address, ext_id="staff:1", kind="acted", body="{}", received=NOW))
    await store.accept(Arrival(address=address, ext_id="staff:2", kind="acted", body="{}", received=NOW))
    assert await desk.outcome("web", "staff:1") is None
    events: list[int] = []

    def decide(work: Work) -> Outcome:
        events.extend(event.id for event in work.events)
        return Outcome(state="{}", knowledge="k", done=(work.events[0].id,), dead=((work.events[1].id, "broken"),))

    await store.step(decide, NOW)
    await rows.conversation(500)
    await rows.ticket(500, origin=10_000)
    await rows.deed(500, "take", event=events[0], actor=ME)
    told = await desk.outcome("web", "staff:1")
    assert told is not None
    assert [(deed.act, deed.actor) for deed in told] == [("take", ME)]
    assert await desk.outcome("web", "staff:2") == []
    assert await desk.outcome("web", "never\x00") is None


async def test_a_picture_belongs_to_its_conversation(store: Store, desk: DeskStore, rows: Rows) -> None:
    await rows.conversations([{"id": 1}, {"id": 2}])
    photo = Photo(id="p1", mime="image/png", width=2, height=1, data=b"\x00\xff")
    await store.keep(photo, Address(channel="web", chat="chat1"), NOW)
    assert await desk.picture("p1", "c1") == photo
    assert await desk.picture("p1", "c2") is None
    assert not await desk.redact_picture("c2", "p1")
    assert await desk.redact_picture("c1", "p1")
    assert not await desk.redact_picture("c1", "p1")
    assert await desk.picture("p1", "c1") is None


TEXTS = [
    "打印机不出纸，急",
    "客人刷了两次卡，金额128.50，终端号10023345",
    "机",
    "ＰＯＳ机显示51，Error CODE",
    "出纸了但是打印不清楚",
    "\"quoted\" AND (NEAR/2) * ^x 'or' -- ; \\ & | ! <-> :*",
    "𠮷野家的单子",
]


@pytest.fixture
async def said(rows: Rows) -> None:
    """One conversation for each text; the first has a ticket."""
    await rows.conversations([{"id": id} for id in range(1, len(TEXTS) + 1)])
    await rows.ticket(1, terminal="10099999")
    for id, text in enumerate(TEXTS, 1):
        await rows.line(id, id, text, side="staff" if id == 5 else "merchant")
    await rows.line(99, 1, "机器人说打印机", side="bot")


def lines(hits: Sequence[Hit]) -> list[int]:
    return [hit.line for hit in hits]


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("打印", [5, 1]),
        ("打印机", [1]),
        ("出纸", [5, 1]),
        ("不出", [1]),
        ("机", [4, 3, 1]),
        ("急", [1]),
        ("纸", [5, 1]),
        ("打印 清楚", [5]),
        ("清楚打印", []),
        ("打印，急", [1]),
        ("10023345", [2]),
        ("3345", [2]),
        ("1002", [2]),
        ("128.50", [2]),
        ("终端号10023345", [2]),
        ("pos", [4]),
        ("POS机", [4]),
        ("ｐｏｓ", [4]),
        ("51", [4]),
        ("5", []),
        ("err", [4]),
        ("error code", [4]),
        ("code error", [4]),
        ("quoted", [6]),
        ('"quoted" AND', [6]),
        ("near", [6]),
        ("𠮷野", [7]),
        ("𠮷", [7]),
        ("机器人", []),
        ("", []),
        (" \t\n", []),
        ("*", []),
        ("\"'", []),
        ("NOT OR AND (", []),
        ("\x00\ud800\udfff", []),
        ("打印\x00机", [1]),
        ("打" * 10_000, []),
        ("a" * 10_000, []),
        ("1" * 10_000, []),
        ("打印机不出纸，急" * 1_250, []),
    ],
    ids=lambda value: ascii(value[:20]) if isinstance(value, str) else "",
)
async def test_search(desk: DeskStore, query: str, expected: list[int]) -> None:
    assert lines(await desk.search(query)) == expected


@pytest.mark.usefixtures("said")
async def test_a_hit_names_ticket_and_place(desk: DeskStore, rows: Rows) -> None:
    (hit,) = await desk.search("打印机")
    assert (hit.chat, hit.side, json.loads(hit.body), hit.at, hit.row and hit.row.id) == ("c1", "merchant", {"text": TEXTS[0]}, NOW, "t1")
    (hit,) = await desk.search("清楚")
    assert (hit.row, hit.side) == (None, "staff")
    await rows.tickets([{"id": 20, "conversation": 2, "opened": NOW + 10, "status": "closed"}, {"id": 21, "conversation": 2, "opened": NOW + 30}])
    await rows.line(100, 2, "后来又清楚了", at=NOW + 20)
    await rows.line(101, 2, "现在清楚", at=NOW + 40)
    assert [hit.row and hit.row.id for hit in await desk.search("清楚")] == ["t21", "t20", None]
    (hit,) = await desk.search("10023345")
    assert hit.row is not None
    assert hit.row.id == "t20"  # what was said before the first one belongs to it


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize("query", ["1009-00001", "100900001", "00001", "0001", " １００９-００００１ ", "10099999"])
async def test_a_ticket_is_found_by_its_number_or_the_terminals(desk: DeskStore, query: str) -> None:
    (hit,) = await desk.search(query)
    assert hit.row is not None
    assert (hit.row.id, hit.chat, hit.line) == ("t1", "c1", 0)


async def test_the_latest_come_first_and_no_more_than_asked_for(desk: DeskStore, rows: Rows) -> None:
    await rows.conversation(1)
    body = json.dumps({"text": "打印机"})
    await rows.lines(
        [{"id": id, "conversation": 1, "event": None, "side": "merchant", "body": body, "knowledge": "k", "at": NOW + id} for id in range(1, 1001)]
    )
    assert lines(await desk.search("打印", 3)) == [1000, 999, 998]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.one_of(st.sampled_from("打印机不出 a1\"'()*:^-+&|!<>\\\x00\ud800"), st.characters()), max_size=40))
def test_what_was_written_is_found_by_any_part_of_it(text: str) -> None:
    """By the cutting alone: tokens of a part of a text are tokens of the text in the same order. The databases are asked above."""
    for tokens, prefix in words._wanted(text):
        kept = words.indexed(text).split()
        runs = [kept[start : start + len(tokens)] for start in range(len(kept))]
        assert list(tokens) in runs or (prefix and any(token.startswith(tokens[0]) for token in kept))
    assert "\x00" not in words.fts5(text) + words.tsquery(text)


async def test_no_query_is_a_syntax_error(desk: DeskStore) -> None:
    """Every character of the first planes once, between others."""
    for start in range(0, 0x3000, 48):
        await desk.search("打印".join(chr(code) for code in range(start, start + 48)))


class Redacting:
    """A conversation in which a secret slipped through everywhere."""

    TEXT = f"我叫王小明，证号{SECRET}，打印机不出纸"
    CLEAN = "我叫***，证号***，打印机不出纸"

    def __init__(self, store: Store, rows: Rows) -> None:
        self.store, self.rows = store, rows

    async def fill(self) -> None:
        state = json.dumps({
            "words": self.TEXT[:30], "slots": [["other_party", "王小明"], ["amount", "128"]], "last_at": "2025-10-09T16:00:00",
            "before": {"words": self.TEXT[:30]},
        }, ensure_ascii=False)  # fmt: skip
        address = Address(channel="web", chat="chat1")
        body = json.dumps({"text": self.TEXT, "secrets": []}, ensure_ascii=False)
        await self.store.accept(Arrival(address=address, ext_id="1", kind="said", body=body, received=NOW))
        events: list[int] = []

        def decide(work: Work) -> Outcome:
            events.append(work.events[0].id)
            return Outcome(state=state, knowledge="k", done=(work.events[0].id,))

        await self.store.step(decide, NOW)
        self.chat = await self.store.conversation(address) or ""
        packet = json.dumps({"summary": self.TEXT[:30], "facts": [["id_no", SECRET], ["amount", "128"]]}, ensure_ascii=False)
        await self.rows.ticket(1, packet=packet, conversation=1)
        await self.rows.deed(1, "said", event=events[0], detail=json.dumps({"text": self.TEXT}, ensure_ascii=False))
        await self.rows.line(1, 1, self.TEXT, event=events[0])
        await self.rows.line(2, 1, "好的", side="bot", event=events[0])


@pytest.fixture
async def redacting(store: Store, rows: Rows) -> Redacting:
    world = Redacting(store, rows)
    await world.fill()
    return world


async def test_a_redacted_line_is_gone_from_everywhere(desk: DeskStore, redacting: Redacting) -> None:
    (hit,) = await desk.search(SECRET)
    assert not await desk.redact_line(redacting.chat, 3, "{}")
    assert not await desk.redact_line("nobody", 1, "{}")
    assert await desk.redact_line(redacting.chat, hit.line, json.dumps({"text": redacting.CLEAN}))
    assert await desk.search(SECRET) == []
    assert await desk.search("王小明") == []
    assert lines(await desk.search("打印机")) == [1]
    file = await desk.file("t1")
    assert file is not None
    assert json.loads(file.packet) == {"summary": "我叫***，证号***，打印机", "facts": [["amount", "128"]]}
    assert json.loads(file.conversation)["slots"] == [["amount", "128"]]
    told = [file.packet, file.conversation, *(entry.body for entry in await desk.entries(redacting.chat)), *(deed.detail for deed in await desk.deeds("t1"))]
    assert not [text for text in told if SECRET in text or "王小明" in text]
    assert [entry.side for entry in await desk.entries(redacting.chat)] == ["merchant", "bot"]


async def test_lines_that_are_alike_are_found(desk: DeskStore, redacting: Redacting) -> None:
    out = json.dumps({"redacted": True})
    assert await desk.alike(redacting.chat, out, 10) == []
    for entry in await desk.entries(redacting.chat):
        assert await desk.redact_line(redacting.chat, entry.id, out)
    newest_first = [entry.id for entry in await desk.entries(redacting.chat)][::-1]
    assert await desk.alike(redacting.chat, out, 10) == newest_first
    assert await desk.alike(redacting.chat, out, 1) == newest_first[:1]
    assert await desk.alike("nobody", out, 10) == []


async def test_redacting_what_the_bot_said_leaves_the_merchants_event(desk: DeskStore, redacting: Redacting) -> None:
    assert await desk.redact_line(redacting.chat, 2, '{"bubbles": ["***"]}')
    assert SECRET in (await desk.deeds("t1"))[0].detail
    assert lines(await desk.search(SECRET)) == [1]


async def test_a_step_goes_on_after_a_redaction(store: Store, desk: DeskStore, redacting: Redacting) -> None:
    await desk.redact_line(redacting.chat, 1, json.dumps({"text": redacting.CLEAN}))
    await store.accept(Arrival(address=Address(channel="web", chat="chat1"), ext_id="2", kind="said", body="{}", received=NOW))
    states: list[str | None] = []

    def decide(work: Work) -> Outcome:
        states.append(work.state)
        return Outcome(state=work.state or "", knowledge="k", done=(work.events[0].id,))

    assert await store.step(decide, NOW) == 1
    assert SECRET not in (states[0] or "")


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_redacted_bytes_are_gone_from_the_file(tmp_path: Path) -> None:
    place = File(path=tmp_path / "posbot.db")
    async with opened(place) as store:
        world = Redacting(store, Rows(place))
        await world.fill()
        await place.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert b"19900307" in place.path.read_bytes()
        await store.desk.redact_line(world.chat, 1, json.dumps({"text": world.CLEAN}))
    content = everything(tmp_path)  # closing has done the last checkpoint
    for secret in (SECRET, "19900307", "王小", "小明", "8515"):
        assert secret.encode() not in content, secret
    assert "打印".encode() in content


async def test_words_of_what_is_forgotten_or_old_are_gone_too(store: Store, desk: DeskStore, rows: Rows, place: Place) -> None:
    await rows.conversations([{"id": 1}, {"id": 2}, {"id": 3}])
    for id in (1, 2, 3):
        await rows.line(id, id, f"打印机{id}", at=NOW - HOUR if id == 2 else NOW)
    assert len(await desk.search("打印机")) == 3
    await store.forget(Address(channel="web", chat="chat1"), GONE)
    assert lines(await desk.search("打印机")) == [3, 2]
    await store.purge(Retention(messages=NOW - MINUTE, photos=0, conversations=0))
    assert lines(await desk.search("打印机")) == [3]
    if isinstance(place, File):
        await place.execute("INSERT INTO message_words (message_words) VALUES ('integrity-check')")


async def test_purged_words_leave_no_bytes(tmp_path: Path) -> None:
    place = File(path=tmp_path / "posbot.db")
    async with opened(place) as store:
        rows = Rows(place)
        await rows.conversation(1)
        await rows.line(1, 1, f"证号{SECRET}")
        await rows.line(2, 1, "打印机")
        await store.forget(Address(channel="web", chat="chat1"), GONE)
        await store.purge(Retention(messages=0, photos=0, conversations=0))
    assert SECRET.encode() not in everything(tmp_path)


async def test_the_index_does_not_grow_with_every_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_desk, "HIGHEST", 40)
    place = File(path=tmp_path / "posbot.db")
    async with opened(place) as store:
        rows = Rows(place)
        await rows.conversation(1)
        for id in range(1, 40):
            await rows.line(id, 1, f"打印机{id}")
            assert await store.desk.redact_line("c1", id, json.dumps({"text": "打印机***"}))
        assert len(await store.desk.search("打印机")) == 39
        await place.execute("INSERT INTO message_words (message_words) VALUES ('integrity-check')")
        with closing(sqlite3.connect(place.path)) as connection:
            ((record,),) = connection.execute("SELECT length(block) FROM message_words_data WHERE id = 10")
    assert record < 60


async def test_who_looks_is_seen_until_then(store: Store, desk: DeskStore, rows: Rows) -> None:
    await rows.conversations([{"id": 1}, {"id": 2}])
    await rows.tickets([{"id": 1}, {"id": 2}])
    await desk.see("t1", ME, NOW + MINUTE, typing=False)
    await desk.see("t1", OTHER, NOW + 2 * MINUTE, typing=True)
    await desk.see("t9", ME, NOW + MINUTE, typing=False)
    assert await desk.seen("t1", NOW) == [Seen(login=ME, typing=False), Seen(login=OTHER, typing=True)]
    assert await desk.seen("t1", NOW + MINUTE) == [Seen(login=OTHER, typing=True)]
    assert await desk.seen("t2", NOW) == []
    await desk.see("t1", ME, NOW + 3 * MINUTE, typing=True)
    await desk.see("t1", OTHER, NOW, typing=False)  # left
    assert await desk.seen("t1", NOW) == [Seen(login=ME, typing=True)]
    await store.purge(Retention(messages=NOW + HOUR, photos=0, conversations=0))
    assert await desk.seen("t1", NOW) == []


async def test_queue_state_and_loads(desk: DeskStore, rows: Rows) -> None:
    await little_world(rows)
    assert await desk.queue_state() == {"device": 1, "money": 1}
    assert await desk.loads() == {ME: 2, OTHER: 2}


async def outage(rows: Rows, first: int, number: int, **columns: Any) -> None:
    """So many tickets of one kind, a second apart."""
    ids = range(first, first + number)
    await rows.conversations([{"id": id} for id in ids])
    await rows.tickets([{"id": id, "topic": "network", "code": "91", "acquirer": "x", "opened": NOW + id, **columns} for id in ids])


KIND = Cluster(topic="network", code="91", acquirer="x", tickets=3)


async def test_tickets_of_one_kind_are_noticed(desk: DeskStore, rows: Rows) -> None:
    await outage(rows, 1, 3)
    await outage(rows, 11, 5, code="51")
    await outage(rows, 21, 4, topic=None)
    await outage(rows, 31, 9, acquirer="y", status="solved")
    await outage(rows, 41, 9, acquirer="z", opened=NOW - HOUR)
    other = Cluster(topic="network", code="51", acquirer="x", tickets=5)
    assert await desk.clusters(NOW, 3) == [other, KIND]
    assert await desk.clusters(NOW, 4) == [other]
    assert await desk.propose(other, "i1", NOW)
    assert not await desk.propose(other, "i2", NOW)
    assert await desk.clusters(NOW, 3) == [KIND]


async def test_an_incident_from_proposal_to_end(desk: DeskStore, rows: Rows) -> None:
    await outage(rows, 1, 3)
    await outage(rows, 11, 1, opened=NOW - HOUR)
    assert await desk.propose(KIND, "i1", NOW)
    (proposed,) = await desk.incidents(current=True)
    assert (proposed.status, proposed.tickets, proposed.ended) == ("proposed", 0, None)
    assert not await desk.announce("i9", text="", until="", author=ME, since=NOW)
    assert await desk.announce("i1", text="线路故障", until="2025-10-09T18:00:00", author=ME, since=NOW)
    (announced,) = await desk.incidents(current=True)
    assert (announced.status, announced.text, announced.until, announced.author, announced.tickets) == ("announced", "线路故障", "2025-10-09T18:00:00", ME, 3)
    assert {row.id: row.incident for row in (await desk.queue(wanted())).rows} == {"t1": "i1", "t2": "i1", "t3": "i1", "t11": None}
    assert sorted(await desk.end_incident("i1", NOW + HOUR, str) or ()) == [f"1009-{id:05}" for id in (1, 2, 3)]
    assert await desk.end_incident("i1", NOW + HOUR, str) is None
    assert await desk.incidents(current=True) == []
    (over,) = await desk.incidents(current=False)
    assert (over.status, over.ended) == ("over", NOW + HOUR)
    assert await desk.clusters(NOW, 3) == []
    await outage(rows, 51, 3, opened=NOW + 2 * HOUR)
    assert await desk.clusters(NOW, 3) == [KIND]


async def told(store: Store) -> list[tuple[str, str]]:
    """(chat, body) of the acts of staff that wait, each handled."""
    found: list[tuple[str, str]] = []

    def hears(work: Work) -> Outcome:
        found.extend((work.address.chat, event.body) for event in work.events if event.kind == "acted")
        return Outcome(state="{}", knowledge="k", done=tuple(event.id for event in work.events))

    while await store.step(hears, NOW + 9 * HOUR):
        pass
    return found


async def test_whoever_is_linked_is_told_once_whatever_dies(place: Place) -> None:
    """Who ends an incident dies at once: what is to be told is there already, one event for each conversation, by its latest ticket."""
    async with opened(place) as store:
        rows = Rows(place)
        await outage(rows, 1, 2)
        await rows.ticket(9, conversation=1, status="closed", topic="network", code="91", acquirer="x", opened=NOW)
        await store.desk.propose(KIND, "i1", NOW)
        await store.desk.announce("i1", text="线路故障", until="", author=ME, since=NOW)
        await place.execute("UPDATE ticket SET incident = (SELECT id FROM incident) WHERE public_id = 't9'")
        await store.desk.end_incident("i1", NOW + HOUR, lambda number: json.dumps({"number": number}))
    async with opened(place) as store:
        assert await store.desk.end_incident("i1", NOW + HOUR, str) is None
        assert sorted(await told(store)) == [("chat1", '{"number": "1009-00009"}'), ("chat2", '{"number": "1009-00002"}')]
        assert await told(store) == []


async def test_an_end_that_fails_in_the_middle_has_not_happened(store: Store, rows: Rows) -> None:
    def breaks(number: str) -> str:
        if number.endswith("3"):
            raise ValueError(number)
        return "{}"

    await outage(rows, 1, 3)
    await store.desk.propose(KIND, "i1", NOW)
    await store.desk.announce("i1", text="线路故障", until="", author=ME, since=NOW)
    with pytest.raises(ValueError, match="3"):
        await store.desk.end_incident("i1", NOW + HOUR, breaks)
    assert [incident.status for incident in await store.desk.incidents(current=True)] == ["announced"]
    assert await told(store) == []
    assert len(await store.desk.end_incident("i1", NOW + HOUR, lambda number: "{}") or ()) == 3
    assert len(await told(store)) == 3


async def test_a_ticket_of_the_kind_is_linked_while_the_notice_stands(store: Store, rows: Rows) -> None:
    """Whoever comes during an incident is told its end; who comes afterwards is not."""
    await outage(rows, 101, 3)
    await store.desk.propose(KIND, "i1", NOW)
    await store.desk.announce("i1", text="线路故障", until="", author=ME, since=NOW)

    def opens(work: Work) -> Outcome:
        return Outcome(
            state="{}",
            knowledge="k",
            done=tuple(event.id for event in work.events),
            tickets=(replace(kept(work.events[0].id), topic="network", code="91", acquirer="x"),),
        )

    late = Address(channel="web", chat="late")
    await store.accept(Arrival(address=late, ext_id="late", kind="said", body="{}", received=NOW))
    await store.step(opens, NOW + HOUR)
    assert len(await store.desk.end_incident("i1", NOW + HOUR, lambda number: "{}") or ()) == 4
    assert "late" in {chat for chat, _ in await told(store)}


async def test_what_was_none_is_not_proposed_again_for_the_same_tickets(desk: DeskStore, rows: Rows) -> None:
    await outage(rows, 1, 3)
    await desk.propose(KIND, "i1", NOW + MINUTE)
    assert await desk.end_incident("i1", NOW + MINUTE, None) == []
    assert await desk.clusters(NOW, 3) == []
    assert [incident.status for incident in await desk.incidents(current=False)] == ["dismissed"]


async def test_two_leads_at_once_announce_once(desk: DeskStore, rows: Rows) -> None:
    await outage(rows, 1, 3)
    assert sum(await asyncio.gather(*(desk.propose(KIND, f"i{number}", NOW) for number in range(8)))) == 1
    (incident,) = await desk.incidents(current=True)
    said = [desk.announce(incident.id, text=f"通知{number}", until="", author=f"lead{number}", since=NOW) for number in range(8)]
    results = await asyncio.gather(*said)
    assert sum(results) == 1
    (announced,) = await desk.incidents(current=True)
    assert (announced.author, announced.tickets) == (f"lead{results.index(True)}", 3)
    ends = await asyncio.gather(*(desk.end_incident(incident.id, NOW, str) for _ in range(8)))
    assert sorted(len(end) for end in ends if end is not None) == [3]


async def test_old_incidents_go_and_their_tickets_stay(store: Store, desk: DeskStore, rows: Rows) -> None:
    await outage(rows, 1, 3)
    await desk.propose(KIND, "i1", NOW)
    await desk.announce("i1", text="", until="", author=ME, since=NOW)
    await store.purge(Retention(messages=0, photos=0, conversations=NOW))
    assert await desk.incidents(current=False) != []
    await desk.end_incident("i1", NOW, str)
    await store.purge(Retention(messages=0, photos=0, conversations=NOW + 1))
    assert await desk.incidents(current=False) == []
    assert [row.incident for row in (await desk.queue(wanted())).rows] == [None] * 3


async def test_an_export_has_all_rows_and_little_memory(desk: DeskStore, rows: Rows) -> None:
    await rows.conversations([{"id": id} for id in range(1, 10_001)])
    packet = json.dumps({"summary": "没出票" * 10, "facts": []}, ensure_ascii=False)
    await rows.tickets([{"id": id, "opened": NOW + id // 7, "packet": packet, "state": json.dumps({"x": "y" * 500})} for id in range(1, 10_001)])
    tracemalloc.start()
    number, last = 0, 0
    async for row in desk.export(NOW, NOW + 10_000):
        assert row.opened >= last
        number, last = number + 1, row.opened
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == 10_000
    assert peak < 4_000_000
    assert [row.id async for row in desk.export(NOW + 1, NOW + 2)] == [f"t{id}" for id in range(7, 14)]


async def test_deeds_have_their_numbers_in_the_order_of_commits(server: Server) -> None:
    """Who logs while another has logged and not committed waits: so a live page that has read up to a number has read all of them."""
    async with opened(server) as store, server.connected() as slow:
        rows = Rows(server)
        await rows.conversation(1)
        await rows.ticket(1)
        before = await store.desk.last_deed()
        insert = "INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at) VALUES (1, 0, '', 'note', TRUE, '{}', 0)"
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(insert)
        quick = asyncio.create_task(server.execute(insert))
        await asyncio.sleep(0.3)
        assert await store.desk.deeds_after(before, 10) == []
        await transaction.commit()
        await quick
        assert len(await store.desk.deeds_after(before, 10)) == 2


async def test_nothing_is_kept_for_ever(store: Store, rows: Rows) -> None:
    """A conversation that goes on loses what is over in it; the audit has a time of its own; what is announced or open stays."""
    old, day = NOW - 24 * HOUR, 24 * HOUR
    await rows.conversation(1)
    await rows.tickets([
        {"id": 1, "conversation": 1, "status": "closed", "changed": old - 1},
        {"id": 2, "conversation": 1, "status": "solved", "changed": old - 1},
        {"id": 3, "conversation": 1, "changed": old - 1},
        {"id": 4, "conversation": 1, "status": "closed", "changed": old},
    ])  # fmt: skip
    for id, at in ((1, old - 1), (2, old)):
        await rows.insert("rating", [{"event": id, "conversation": 1, "topic": "printer", "stars": 5, "at": at}])
        await rows.insert("trouble", [{"event": id, "conversation": 1, "began": at, "ended": at, "how": "bot"}])
        await store.staff.record(AuditEntry(at=at, actor="li", what="logged-in"))
    for id, (status, at) in enumerate([("proposed", old - 1), ("announced", old - 1), ("over", old - 1), ("proposed", old)], 1):
        ended = at if status == "over" else None
        await rows.insert(
            "incident", [{"public_id": f"i{id}", "topic": f"t{id}", "code": "", "acquirer": "", "status": status, "proposed": at, "ended": ended}]
        )
    await store.purge(Retention(messages=0, photos=0, conversations=old, audit=old - 1))
    assert {row.id for row in [*(await store.desk.queue(wanted())).rows, *(await store.desk.queue(wanted(View.SOLVED))).rows]} == {"t2", "t3", "t4"}
    assert {incident.id for incident in await store.desk.incidents(current=False)} == {"i2", "i4"}
    assert len(await store.staff.audit(None, 10)) == 2
    await store.purge(Retention(messages=0, photos=0, conversations=0, audit=old + day))
    assert await store.staff.audit(None, 10) == []


LEAD = "zhao"
REMINDED = {
    "its owner": (ME, ["money"], False, ["t1"]),
    "an owner who serves all queues": (ME, [], False, ["t2", "t1"]),
    "a colleague": (OTHER, [], False, ["t2"]),
    "who serves other queues": (OTHER, ["money"], False, []),
    "a lead": (LEAD, [], True, ["t3", "t2"]),
    "a lead of other queues": (LEAD, ["money"], True, []),
}


@pytest.mark.parametrize(("login", "teams", "leads", "expected"), REMINDED.values(), ids=[*REMINDED])
async def test_who_is_reminded_of_what(desk: DeskStore, rows: Rows, login: str, teams: list[str], leads: bool, expected: list[str]) -> None:
    """The owner, the group while nobody has it, and of what was put before them the leads; of nothing that is over."""
    await rows.conversations([{"id": id} for id in range(1, 7)])
    await rows.tickets([
        {"id": 1, "owner": ME, "status": "taken", "due": NOW + HOUR},
        {"id": 2, "due": NOW + HOUR},
        {"id": 3, "owner": "other", "status": "taken", "due": NOW - HOUR},
        {"id": 4, "owner": ME, "status": "taken", "answered": NOW, "due": NOW + HOUR},
        {"id": 5, "owner": ME, "status": "solved"},
        {"id": 6, "owner": ME, "status": "taken"},
    ])  # fmt: skip
    for ticket in (1, 2, 4, 5):
        await rows.deed(ticket, "remind", detail='{"clock": "response", "mark": "half", "owner": ""}', at=NOW - ticket)
    for mark in ("due", "leads"):
        await rows.deed(3, "remind", detail=json.dumps({"clock": "solution", "mark": mark}))
    reminded = Reminded(login=login, teams=teams, leads=leads, now=NOW)
    assert [reminder.row.id for reminder in await desk.reminders(reminded, 10)] == expected
    assert len(await desk.reminders(reminded, 1)) <= 1


async def test_a_reminder_is_gone_for_whoever_has_seen_it_or_has_acted_since(desk: DeskStore, rows: Rows) -> None:
    await rows.conversation(1)
    await rows.ticket(1)
    first, second = (Reminded(login=login, teams=[], leads=False, now=NOW) for login in (ME, OTHER))
    await rows.deed(1, "remind", detail='{"clock": "response", "mark": "half"}', at=NOW + 1)
    (reminder,) = await desk.reminders(first, 10)
    assert (reminder.clock, reminder.mark, reminder.at, reminder.row.number) == ("response", "half", NOW + 1, "1009-00001")
    await desk.notice("t1", ME, NOW + 2)
    assert await desk.reminders(first, 10) == []
    assert len(await desk.reminders(second, 10)) == 1
    assert [(deed.actor, deed.act, deed.at) for deed in await desk.deeds("t1")][-1] == (ME, "noticed", NOW + 2)
    await rows.deed(1, "remind", detail='{"clock": "response", "mark": "due"}')
    assert [reminder.mark for reminder in await desk.reminders(first, 10)] == ["due"]
    await rows.deed(1, "reply", actor=ME, done=False)
    assert len(await desk.reminders(first, 10)) == 1
    await rows.deed(1, "note", actor=ME)
    assert await desk.reminders(first, 10) == []
    await desk.notice("nothing", ME, NOW)
