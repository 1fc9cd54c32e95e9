"""What every store promises, checked on each of them with real files and a real server."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.audit import Entry
from bot.domain.errors import AlreadyRunning, StoreUnavailable
from bot.domain.messages import Address, Photo
from bot.service.ports import FORGOTTEN, Arrival, Forgotten, Held, Later, Outcome, Rated, Retention, Sent, Spoken, Undeliverable
from bot.storage.gathered import MOST_ITEMS
from bot.storage.sqlite import SQLiteStore
from tests.rows import ticket

from .places import File, new_id, opened

if TYPE_CHECKING:
    from pathlib import Path

    from bot.service.ports import Decide, Outgoing, Store, Work

    from .places import Place

MINUTE = 60_000_000
NOW = 1_760_000_000_000_000
ANNA = Address(channel="web", chat="anna")
BEN = Address(channel="hook:shop", chat="ben")


def arrival(address: Address = ANNA, ext_id: str = "1", *, text: str = "没出票", at: int = NOW, profile: str = "{}") -> Arrival:
    return Arrival(address=address, ext_id=ext_id, kind="said", body=json.dumps({"text": text}), received=at, profile=profile)


def says(*lines: str, push: bool = False, wake: int | None = None) -> Decide:
    """Answers every event with these lines."""

    def decide(work: Work) -> Outcome:
        return Outcome(
            state=json.dumps({"version": work.version + 1}),
            knowledge="k1",
            done=tuple(event.id for event in work.events),
            spoken=tuple(
                Spoken(event=event.id, side="bot", body=line, at=event.received, push=f"{event.id}:{part}" if push else None)
                for event in work.events
                for part, line in enumerate(lines)
            ),
            wake=wake,
        )

    return decide


def echo(work: Work) -> Outcome:
    """Answers every event with its own text."""
    lines = tuple(Spoken(event=event.id, side="bot", body=json.loads(event.body)["text"], at=event.received) for event in work.events)
    return replace(says()(work), spoken=lines)


async def texts(store: Store, conversation: str) -> list[str]:
    return [line.body for line in await store.transcript(conversation, 0, 100)]


async def test_an_event_is_handled_once_and_in_order(store: Store) -> None:
    conversation = await store.accept(arrival(ext_id="a", text="一"))
    assert await store.accept(arrival(ext_id="b", text="二")) == conversation
    assert await store.accept(arrival(ext_id="a", text="一")) == conversation  # the same again
    seen: list[str] = []

    def decide(work: Work) -> Outcome:
        seen.extend(json.loads(event.body)["text"] for event in work.events)
        return says("好")(work)

    assert await store.step(decide, NOW) == 1
    assert await store.step(decide, NOW) == 0
    assert seen == ["一", "二"]
    assert await texts(store, conversation) == ["好", "好"]


async def test_a_duplicate_after_the_step_changes_nothing(store: Store) -> None:
    conversation = await store.accept(arrival())
    await store.step(says("好"), NOW)
    await store.accept(arrival(at=NOW + MINUTE))
    await store.step(says("又来"), NOW + MINUTE)
    assert await texts(store, conversation) == ["好"]


async def test_the_same_id_in_another_channel_is_another_event(store: Store) -> None:
    assert await store.accept(arrival(ANNA)) != await store.accept(arrival(BEN))


async def test_as_many_as_may_wait_come_at_once(store: Store) -> None:
    """Some twice, many of the same chats: each is kept once, in its conversation."""
    crowd = [arrival(replace(ANNA, chat=f"c{number % 700}"), str(number % 3_900)) for number in range(MOST_ITEMS)]
    conversations = await asyncio.gather(*map(store.accept, crowd))
    assert (await store.counts(NOW)).inbox == 3_900
    assert len(set(conversations)) == 700
    assert conversations == await asyncio.gather(*map(store.accept, crowd))
    assert conversations[:20] == [await store.conversation(each.address) for each in crowd[:20]]


async def test_what_came_together_is_kept_in_its_order(store: Store) -> None:
    """Of several chats, some of them new, and something that was there already; while others come one by one."""
    first = await store.accept(arrival(BEN, ext_id="0", text="0"))
    together = [arrival((ANNA, BEN)[number % 2], ext_id=str(number // 2), text=str(number // 2)) for number in range(40)]
    conversations, *_ = await asyncio.gather(store.accept_all(together), *(store.accept(arrival(replace(ANNA, chat=f"c{n}"), f"c{n}")) for n in range(20)))
    assert list(conversations) == [await store.conversation(ANNA), first] * 20
    assert list(await store.accept_all(together)) == list(conversations)
    while await store.step(echo, NOW):
        pass
    for conversation in conversations[:2]:
        assert await texts(store, conversation) == [str(number) for number in range(20)]


async def test_state_version_and_profile_come_back(store: Store) -> None:
    works: list[Work] = []

    def decide(work: Work) -> Outcome:
        works.append(work)
        return replace(says()(work), state=json.dumps({"步": work.version}))

    for number, profile in enumerate(['{"terminal_no": "10023345"}', "{}"]):
        await store.accept(arrival(ext_id=str(number), profile=profile))
        await store.step(decide, NOW)
    assert [(work.version, work.state, work.profile) for work in works] == [
        (0, None, '{"terminal_no": "10023345"}'),
        (1, '{"\\u6b65": 0}', '{"terminal_no": "10023345"}'),
    ]
    assert works[0].address == ANNA


async def test_what_arrives_during_a_step_is_not_lost(store: Store) -> None:
    await store.accept(arrival(ext_id="a"))
    later: list[asyncio.Task[str]] = []

    def decide(work: Work) -> Outcome:
        if not later:
            later.append(asyncio.create_task(store.accept(arrival(ext_id="b"))))
        return says("好")(work)

    assert await store.step(decide, NOW) == 1
    conversation = await later[0]
    assert await store.step(decide, NOW) == 1
    assert await texts(store, conversation) == ["好", "好"]


async def test_a_step_that_fails_leaves_everything_as_it_was(store: Store) -> None:
    conversation = await store.accept(arrival())

    def breaks(work: Work) -> Outcome:
        raise RuntimeError(work.public_id)

    with pytest.raises(RuntimeError):
        await store.step(breaks, NOW)
    assert await texts(store, conversation) == []
    assert await store.step(says("好"), NOW) == 1
    assert await texts(store, conversation) == ["好"]


async def test_a_dead_event_keeps_its_reason_and_does_not_stop_others(store: Store) -> None:
    await store.accept(arrival(ext_id="a"))
    await store.accept(arrival(ext_id="b"))

    def decide(work: Work) -> Outcome:
        first, second = work.events
        return Outcome(state="{}", knowledge="k1", dead=((first.id, "unreadable"),), done=(second.id,))

    await store.step(decide, NOW)
    assert await store.step(decide, NOW) == 0
    assert (await store.counts(NOW)).inbox == 0


async def test_silence_becomes_an_event_once(store: Store) -> None:
    await store.accept(arrival())
    await store.step(says(wake=NOW + MINUTE), NOW)
    assert await store.wake(NOW) == 0
    assert await store.wake(NOW + MINUTE) == 1
    assert await store.wake(NOW + 2 * MINUTE) == 0
    kinds: list[str] = []

    def decide(work: Work) -> Outcome:
        kinds.extend(event.kind for event in work.events)
        return says(wake=NOW + 3 * MINUTE)(work)

    await store.step(decide, NOW + MINUTE)
    assert kinds == ["silent"]
    assert await store.wake(NOW + 3 * MINUTE) == 1


async def test_lines_of_one_chat_go_out_one_after_another(store: Store) -> None:
    await store.accept(arrival(ANNA))
    await store.accept(arrival(BEN))
    await store.step(says("一", "二", push=True), NOW)
    first = await store.claim(NOW, NOW + MINUTE, 10)
    assert {(line.address.chat, line.body) for line in first} == {("anna", "一"), ("ben", "一")}
    assert await store.claim(NOW, NOW + MINUTE, 10) == []
    for line in first:
        await store.settle(line.id, Sent(remote_id="r"))
    assert [line.body for line in await store.claim(NOW, NOW + MINUTE, 10)] == ["二", "二"]


async def test_what_waits_behind_a_line_may_go_along_with_it(store: Store) -> None:
    await store.accept(arrival(ANNA))
    await store.accept(arrival(BEN))
    await store.step(says("一", "二", "三", "四", push=True), NOW)
    anna, _ = sorted(await store.claim(NOW, NOW + MINUTE, 10), key=lambda line: line.address.chat)
    two, three = await store.queued(anna.id, 2)
    assert [(line.address, line.conversation, line.body, line.tries) for line in (two, three)] == [
        (ANNA, anna.conversation, "二", 0),
        (ANNA, anna.conversation, "三", 0),
    ]
    await store.settle(anna.id, Sent(remote_id="7", along=((two.id, "8"), (three.id, "9"))))
    assert [await store.forum.remote_of(anna.conversation, line.message) for line in (anna, two, three)] == ["7", "8", "9"]
    (last,) = await store.claim(NOW, NOW + MINUTE, 10)
    assert (last.address, last.body) == (ANNA, "四")
    assert await store.queued(last.id, 10) == []


async def test_a_line_that_must_wait_holds_back_its_chat_only(store: Store) -> None:
    await store.accept(arrival(ANNA))
    await store.accept(arrival(BEN))
    await store.step(says("一", "二", push=True), NOW)
    anna, ben = sorted(await store.claim(NOW, NOW + MINUTE, 10), key=lambda line: line.address.chat)
    await store.settle(anna.id, Later(not_before=NOW + MINUTE, error="429", counts=False))
    await store.settle(ben.id, Undeliverable(error="403"))
    (other,) = await store.claim(NOW, NOW + MINUTE, 10)
    assert (other.address.chat, other.body) == ("ben", "二")
    await store.settle(other.id, Sent())
    (again,) = await store.claim(NOW + MINUTE, NOW + 2 * MINUTE, 10)
    assert (again.body, again.tries, again.maybe_duplicate, again.dedupe) == ("一", 0, False, anna.dedupe)
    await store.settle(again.id, Later(not_before=NOW + 2 * MINUTE, error="500", maybe_arrived=True))
    (again,) = [line for line in await store.claim(NOW + 2 * MINUTE, NOW + 3 * MINUTE, 10) if line.address == ANNA]
    assert (again.tries, again.maybe_duplicate) == (1, True)


async def test_a_line_whose_sender_vanished_comes_back(store: Store) -> None:
    await store.accept(arrival())
    await store.step(says("一", "二", push=True), NOW)
    (line,) = await store.claim(NOW, NOW + MINUTE, 10)
    (again,) = await store.claim(NOW + MINUTE, NOW + 2 * MINUTE, 10)
    assert (again.id, again.maybe_duplicate) == (line.id, True)


async def test_one_open_ticket_per_conversation(store: Store) -> None:
    await store.accept(arrival(ext_id="a"))

    def opens(work: Work) -> Outcome:
        event = work.events[0]
        rated = Rated(event=event.id, topic="printer", stars=5, at=NOW)
        return replace(says()(work), tickets=(ticket(event.id),), rated=(rated,))

    await store.step(opens, NOW)
    assert (await store.counts(NOW)).tickets == 1
    await store.accept(arrival(ext_id="b"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.step(opens, NOW)
    assert (await store.counts(NOW)).inbox == 1


async def test_the_transcript_goes_on_after_a_line(store: Store) -> None:
    conversation = await store.accept(arrival())
    await store.step(says("一", "二", "三"), NOW)
    lines = await store.transcript(conversation, 0, 2)
    assert [line.body for line in lines] == ["一", "二"]
    assert [line.body for line in await store.transcript(conversation, lines[-1].id, 10)] == ["三"]
    assert await store.transcript("nobody", 0, 10) == []


async def test_each_step_is_another_version_of_its_conversation_only(store: Store) -> None:
    anna, ben = await store.accept(arrival()), await store.accept(arrival(BEN, "2"))
    assert await store.versions([anna, ben, "nobody", "\x00"]) == {anna: 0, ben: 0}
    await store.step(says("一"), NOW)
    before = await store.versions([anna, ben])
    await store.accept(arrival(ext_id="3"))
    await store.step(says("二"), NOW)
    after = await store.versions([anna, ben])
    assert (after[anna] > before[anna], after[ben]) == (True, before[ben])
    assert await store.versions([]) == {}


async def test_addresses_and_public_ids_belong_together(store: Store) -> None:
    conversation = await store.accept(arrival())
    assert await store.conversation(ANNA) == conversation
    assert await store.address(conversation) == ANNA
    assert await store.conversation(BEN) is None
    assert await store.address("nobody") is None


async def test_what_a_conversation_has_come_to_can_be_asked(store: Store) -> None:
    conversation = await store.accept(arrival())
    assert await store.state(conversation) is None
    await store.step(says(), NOW)
    assert await store.state(conversation) == json.dumps({"version": 1})
    assert await store.state("nobody") is None


async def test_what_was_seized_is_held_until_it_is_released(store: Store) -> None:
    hold = await store.seize("fetching")
    assert hold is not None
    assert await hold.lasts()
    await hold.release()
    again = await store.seize("fetching")
    assert again is not None
    await again.release()


async def test_a_photo_belongs_to_its_chat(store: Store) -> None:
    photo = Photo(id="p1", mime="image/jpeg", width=2, height=1, data=b"\xff\x00\xd8")
    await store.keep(photo, ANNA, NOW)
    assert await store.photo("p1", ANNA) == photo
    assert await store.photo("p1", BEN) is None
    assert await store.photo("p2", ANNA) is None


async def test_a_photo_is_kept_once(store: Store) -> None:
    photo = Photo(id="p", mime="image/jpeg", width=1, height=1, data=b"first")
    await asyncio.gather(*(store.keep(each, ANNA, NOW) for each in (photo, replace(photo, data=b"again"), replace(photo, data=b"again"))))
    found = await store.photo("p", ANNA)
    assert found is not None
    assert found.data in {b"first", b"again"}
    assert await store.photo("p", BEN) is None


GONE = Entry(at=NOW, actor="posbot", what=FORGOTTEN, detail="web")


async def audited(store: Store) -> list[tuple[str, str, str, str]]:
    """Everything in the audit, oldest first."""
    return [(entry.actor, entry.what, entry.subject, entry.detail) for entry in reversed(await store.staff.audit(None, 100))]


def opens(*tickets: dict[str, str | None]) -> Decide:
    """A step that opens tickets like these."""

    def decide(work: Work) -> Outcome:
        made = [replace(ticket(number), **columns) for number, columns in enumerate(tickets, 1)]  # type: ignore[arg-type]
        return replace(says("好")(work), tickets=tuple(made))

    return decide


async def test_what_was_deleted_is_in_the_audit_by_its_numbers_alone(store: Store) -> None:
    """Tickets that were still open with the owner, who must learn of it; nothing of what was said."""
    await store.accept(arrival(ANNA))
    await store.step(opens({"status": "closed", "owner": "li"}, {"status": "taken", "owner": "wang"}), NOW)
    await store.keep(Photo(id="p1", mime="image/jpeg", width=1, height=1, data=b"x"), ANNA, NOW)
    assert await store.held(ANNA) == Held(lines=1, photos=1, tickets=2, open=("1124-00002",))
    assert await store.held(BEN) == Held(lines=0, photos=0, tickets=0, open=())
    assert await store.forget(ANNA, GONE)
    assert await audited(store) == [
        ("posbot", "data-deleted", "1124-00001 1124-00002", "web"), ("posbot", "ticket-withdrawn", "1124-00002", "wang"),
    ]  # fmt: skip
    assert not await store.forget(ANNA, GONE)
    assert len(await audited(store)) == 2
    assert await store.held(ANNA) == Held(lines=0, photos=0, tickets=0, open=())


async def test_a_step_can_delete_everything_and_begin_anew(store: Store) -> None:
    """What it says is the only line of another conversation of the same chat, and is delivered; the event is not there a second time."""
    before = await store.accept(arrival(ANNA))
    await store.step(opens({"owner": None}), NOW)
    await store.keep(Photo(id="p1", mime="image/jpeg", width=1, height=1, data=b"x"), ANNA, NOW)
    await store.accept(arrival(ANNA, "confirm"))
    await store.accept(arrival(BEN))

    def forgets(work: Work) -> Outcome:
        said = says("已经删除", push=True)(work)
        return replace(said, state='{"fresh": 1}', forgotten=Forgotten(public_id="new", entry=GONE)) if work.address == ANNA else said

    assert await store.step(forgets, NOW) == 2
    assert await store.conversation(ANNA) == "new"
    assert await texts(store, before) == []
    assert await texts(store, "new") == ["已经删除"]
    assert await store.photo("p1", ANNA) is None
    assert {line.conversation for line in await store.claim(NOW, NOW + MINUTE, 10)} == {"new", await store.conversation(BEN)}
    assert [what for _, what, _, _ in await audited(store)] == ["data-deleted", "ticket-withdrawn"]
    assert await store.step(says("好"), NOW) == 0
    await store.accept(arrival(ANNA, "later"))
    seen: list[tuple[str, str | None, str]] = []

    def looks(work: Work) -> Outcome:
        seen.append((work.public_id, work.state, work.profile))
        return says("好")(work)

    await store.step(looks, NOW)
    assert seen == [("new", '{"fresh": 1}', "{}")]
    assert await texts(store, "new") == ["已经删除", "好"]


async def test_forgetting_a_chat_leaves_nothing(store: Store) -> None:
    conversation = await store.accept(arrival())
    await store.accept(arrival(BEN))
    await store.step(says("好", push=True), NOW)
    await store.keep(Photo(id="p1", mime="image/jpeg", width=1, height=1, data=b"x"), ANNA, NOW)
    assert await store.forget(ANNA, GONE)
    assert not await store.forget(ANNA, GONE)
    assert await store.conversation(ANNA) is None
    assert await texts(store, conversation) == []
    assert await store.photo("p1", ANNA) is None
    assert [line.address for line in await store.claim(NOW, NOW + MINUTE, 10)] == [BEN]
    assert await store.conversation(BEN) is not None


async def test_purging_keeps_what_waits_and_what_staff_have_not_closed(store: Store) -> None:
    def opens(work: Work) -> Outcome:
        return replace(says("好")(work), tickets=(ticket(work.events[0].id),) if work.address == BEN else ())

    await store.accept(arrival(ANNA))
    await store.accept(arrival(BEN))
    await store.step(opens, NOW)
    waiting = Address(channel="web", chat="waiting")
    await store.accept(arrival(waiting))
    later = NOW + MINUTE
    assert await store.purge(Retention(messages=later, photos=later, conversations=later)) > 0
    assert await store.conversation(ANNA) is None
    assert await store.conversation(BEN) is not None
    assert await store.step(says("好"), later) == 1


async def test_counts(store: Store) -> None:
    await store.accept(arrival(ANNA))
    await store.accept(arrival(BEN))
    counts = await store.counts(NOW + MINUTE)
    assert (counts.inbox, counts.oldest) == (2, MINUTE)
    await store.step(says("好", push=True), NOW)
    counts = await store.counts(NOW + MINUTE)
    assert (counts.inbox, counts.outbox, counts.dead, counts.tickets, counts.oldest) == (0, 2, 0, 0, 0)


async def test_the_latest_moment_is_known(store: Store) -> None:
    assert await store.latest() == 0
    await store.accept(arrival(ANNA, at=NOW + 5))
    await store.accept(arrival(BEN, at=NOW))
    assert await store.latest() == NOW + 5
    while await store.step(says("好"), NOW + 5):
        pass
    assert await store.latest() == NOW + 5


async def test_odd_text_is_kept_as_it_is(store: Store) -> None:
    body = json.dumps({"text": "NUL\x00 \ud800 \u202e ' \" \\ 9223372036854775808 😀"})
    await store.accept(replace(arrival(), body=body))
    bodies: list[str] = []

    def decide(work: Work) -> Outcome:
        bodies.extend(event.body for event in work.events)
        return says("😀'\"\\")(work)

    await store.step(decide, NOW)
    assert bodies == [body]


async def test_hundreds_at_once_are_all_there_once(store: Store) -> None:
    """Callers side by side, a third of them cancelled: each event is there once or not at all, each that was confirmed is there."""
    events = [arrival(Address(channel="web", chat=str(number % 20)), str(number % 250)) for number in range(300)]
    tasks = [asyncio.create_task(store.accept(event)) for event in events]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    kept = {event.ext_id for event, result in zip(events, results, strict=True) if isinstance(result, str)}
    seen: list[int] = []

    def decide(work: Work) -> Outcome:
        seen.extend(event.id for event in work.events)
        return says()(work)

    while await store.step(decide, NOW):
        pass
    assert len(seen) == len(set(seen))
    assert len(kept) <= len(seen) <= 250


async def test_callers_and_steppers_side_by_side_keep_the_order(store: Store) -> None:
    """Each caller writes one message after another; three workers step meanwhile, and one that comes second to a conversation leaves it as it is."""
    replies: dict[str, list[str]] = {}
    calling = True

    async def call(caller: int) -> None:
        address = Address(channel="web", chat=str(caller % 20))
        for number in range(3):
            conversation = await store.accept(arrival(address, f"{caller}:{number}", text=f"{caller}:{number}"))
            replies[conversation] = []

    async def step() -> None:
        while calling or (await store.counts(NOW)).inbox:
            with suppress(StoreUnavailable):
                await store.step(echo, NOW)
            await asyncio.sleep(0)

    workers = [asyncio.create_task(step()) for _ in range(3)]
    await asyncio.gather(*map(call, range(200)))
    calling = False
    await asyncio.gather(*workers)
    for conversation in replies:
        replies[conversation] = [line.body for line in await store.transcript(conversation, 0, 1000)]
    for caller in range(200):
        (own,) = [mine for lines in replies.values() if (mine := [line for line in lines if line.startswith(f"{caller}:")])]
        assert own == [f"{caller}:{number}" for number in range(3)]


async def test_what_is_called_first_is_first(store: Store) -> None:
    """Callers that do not wait for each other, more than one step takes."""
    ids = [str(number) for number in range(120)]
    await asyncio.gather(*(store.accept(arrival(ext_id=id, text=id)) for id in ids))
    seen: list[str] = []

    def decide(work: Work) -> Outcome:
        seen.extend(json.loads(event.body)["text"] for event in work.events)
        return says()(work)

    while await store.step(decide, NOW):
        pass
    assert seen == ids


async def test_a_step_that_is_cancelled_leaves_everything_as_it_was(store: Store) -> None:
    conversation = await store.accept(arrival())
    stepping: list[asyncio.Task[int]] = []

    def decide(work: Work) -> Outcome:
        stepping[0].cancel()
        return says("好")(work)

    stepping.append(asyncio.create_task(store.step(decide, NOW)))
    with pytest.raises(asyncio.CancelledError):
        await stepping[0]
    assert await texts(store, conversation) == []
    assert await store.step(says("好"), NOW) == 1
    assert await texts(store, conversation) == ["好"]


async def test_a_conversation_that_fails_does_not_take_others_with_it_for_good(store: Store) -> None:
    await store.accept(arrival(ANNA, at=NOW - 1))
    ben = await store.accept(arrival(BEN))

    def decide(work: Work) -> Outcome:
        outcome = says("好")(work)
        return replace(outcome, tickets=(ticket(0), replace(ticket(0), number="2"))) if work.address == ANNA else outcome

    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.step(decide, NOW)
    assert await texts(store, ben) == ["好"]


async def test_the_same_again_does_not_stop_the_clock(store: Store) -> None:
    await store.accept(arrival())
    await store.step(says(wake=NOW + MINUTE), NOW)
    await store.accept(arrival())
    await store.step(says(), NOW)
    assert await store.wake(NOW + MINUTE) == 1


async def test_many_that_look_at_the_clock_see_silence_once(store: Store) -> None:
    for chat in range(10):
        await store.accept(arrival(Address(channel="web", chat=str(chat)), str(chat)))
    while await store.step(says(wake=NOW + MINUTE), NOW):
        pass
    assert sum(await asyncio.gather(*(store.wake(NOW + MINUTE) for _ in range(4)))) == 10
    assert (await store.counts(NOW + MINUTE)).inbox == 10


async def test_nobody_stops_the_clock_by_taking_its_ids(store: Store) -> None:
    for number in range(10):
        await store.accept(arrival(ANNA, f"timer:{number}:0"))
    await store.accept(arrival(Address(channel="web", chat="carl")))
    while await store.step(says(wake=NOW + MINUTE), NOW):
        pass
    await store.wake(NOW + MINUTE)
    await store.accept(arrival(ANNA, "after"))
    assert await store.step(says(), NOW + MINUTE) > 0


async def test_a_late_word_does_not_bring_back_what_was_sent(store: Store) -> None:
    await store.accept(arrival())
    await store.step(says("一", push=True), NOW)
    (slow,) = await store.claim(NOW, NOW + MINUTE, 10)
    (again,) = await store.claim(NOW + MINUTE, NOW + 2 * MINUTE, 10)
    await store.settle(again.id, Sent())
    await store.settle(slow.id, Later(not_before=NOW, error="timeout"))
    assert await store.claim(NOW + 3 * MINUTE, NOW + 4 * MINUTE, 10) == []


async def test_senders_side_by_side_keep_the_order(store: Store) -> None:
    """Four claim at once: no chat ever has two lines in flight, and lines come in order."""
    lines = [str(number) for number in range(8)]
    for chat in range(6):
        await store.accept(arrival(Address(channel="web", chat=str(chat)), str(chat)))
    while await store.step(says(*lines, push=True), NOW):
        pass
    flying: set[str] = set()
    sent: dict[str, list[str]] = {str(chat): [] for chat in range(6)}

    async def send(line: Outgoing) -> None:
        assert line.address.chat not in flying
        flying.add(line.address.chat)
        await asyncio.sleep(0.001)
        flying.remove(line.address.chat)
        sent[line.address.chat].append(line.body)
        await store.settle(line.id, Sent())

    async def serve() -> None:
        while (await store.counts(NOW)).outbox:
            for line in await store.claim(NOW, NOW + MINUTE, 3):
                await send(line)

    await asyncio.gather(*(serve() for _ in range(4)))
    assert sent == dict.fromkeys(sent, lines)


ODD = ["a", "a\x00", "a\x00b", "a\ud800", "\udfff", "😀" * 3000, "😀" * 3000 + "b", "'\"\\%$1", "\u202e\ufeff"]


async def test_odd_ids_are_kept_apart(store: Store) -> None:
    addresses = [Address(channel="web", chat=chat) for chat in ODD]
    conversations = [await store.accept(arrival(address, id)) for address, id in zip(addresses, ODD, strict=True)]
    assert len(set(conversations)) == len(ODD)
    assert [await store.conversation(address) for address in addresses] == conversations
    assert await store.step(says("好"), NOW) == len(ODD)
    for address, id in zip(addresses, ODD, strict=True):
        await store.accept(arrival(address, id))  # the same again
        photo = Photo(id=f"p{ODD.index(id)}", mime="image/png", width=1, height=1, data=b"x")
        await store.keep(photo, address, NOW)
        assert await store.photo(photo.id, address) == photo
    assert (await store.counts(NOW)).inbox == 0
    assert await store.forget(addresses[1], GONE)
    assert await store.conversation(addresses[0]) == conversations[0]
    assert await store.address("\x00\ud800") is None
    assert await store.photo("\x00\ud800", ANNA) is None
    assert await store.transcript("\x00\ud800", 0, 10) == []


@pytest.mark.parametrize("odd", ODD, ids=ascii)
async def test_odd_text_means_the_same_everywhere(store: Store, odd: str) -> None:
    """What JSON leaves unescaped when it is asked to leave Chinese readable; reasons and remote ids are plain text."""
    body = json.dumps({"text": odd}, ensure_ascii=False)
    conversation = await store.accept(replace(arrival(ext_id="a"), body=body, profile=body))
    await store.accept(arrival(ext_id="b"))
    works: list[Work] = []

    def decide(work: Work) -> Outcome:
        works.append(work)
        first, *others = work.events
        kept = replace(ticket(first.id), packet=body)
        spoken = tuple(Spoken(event=first.id, side="bot", body=body, at=NOW, push=f"{first.id}:{part}") for part in range(3 - len(works)))
        return Outcome(
            state=body, knowledge="k1", dead=((first.id, odd),), done=tuple(event.id for event in others), spoken=spoken,
            tickets=(kept,) if len(works) == 1 else (),
        )  # fmt: skip

    await store.step(decide, NOW)
    await store.accept(arrival(ext_id="c"))
    await store.step(decide, NOW)
    kept = [works[0].events[0].body, works[0].profile, works[1].state, *await texts(store, conversation)]
    assert [json.loads(text or "") for text in kept] == [{"text": odd}] * 6
    for delivery in (Later(not_before=NOW, error=odd), Undeliverable(error=odd), Sent(remote_id=odd)):
        (line,) = await store.claim(NOW, NOW + MINUTE, 10)
        await store.settle(line.id, delivery)


async def test_after_closing_nothing_is_taken(place: Place) -> None:
    async with opened(place) as store:
        await store.accept(arrival())
    with pytest.raises(StoreUnavailable):
        await store.accept(arrival())
    with pytest.raises(StoreUnavailable):
        await store.conversation(ANNA)


async def test_what_was_kept_is_there_after_a_restart(place: Place) -> None:
    async with opened(place) as store:
        conversation = await store.accept(arrival())
        await store.step(says("好", push=True), NOW)
        await store.claim(NOW, NOW + MINUTE, 10)
    async with opened(place) as store:
        assert await texts(store, conversation) == ["好"]
        (line,) = await store.claim(NOW + MINUTE, NOW + 2 * MINUTE, 10)
        assert line.maybe_duplicate


async def test_a_newer_schema_is_refused(place: Place) -> None:
    async with opened(place):
        pass
    await place.execute("INSERT INTO schema_version VALUES (999)")
    with pytest.raises(StoreUnavailable, match="999"):
        await place.open()


async def test_one_process_alone_takes_back_at_once_what_was_being_sent(tmp_path: Path) -> None:
    place = File(path=tmp_path / "posbot.db")
    async with opened(place) as store:
        await store.accept(arrival())
        await store.step(says("好", push=True), NOW)
        await store.claim(NOW, NOW + MINUTE, 10)
    async with opened(place) as store:
        (line,) = await store.claim(NOW, NOW + MINUTE, 10)
        assert line.maybe_duplicate


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    async with opened(File(path=tmp_path / "posbot.db")):
        with pytest.raises(AlreadyRunning):
            await SQLiteStore.open(tmp_path / "posbot.db", new_id)


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\x00" + b"\xff" * 200], ids=["text", "damaged"])
async def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "posbot.db").write_bytes(content * 20)
    with pytest.raises(StoreUnavailable):
        await SQLiteStore.open(tmp_path / "posbot.db", new_id)


async def test_a_copy_is_whole(tmp_path: Path) -> None:
    async with opened(File(path=tmp_path / "posbot.db")) as store:
        assert isinstance(store, SQLiteStore)
        conversation = await store.accept(arrival())
        await store.step(says("好"), NOW)
        (tmp_path / "copy").mkdir()
        await store.backup(tmp_path / "copy" / "posbot.db")
    async with opened(File(path=tmp_path / "copy" / "posbot.db")) as copied:
        assert await texts(copied, conversation) == ["好"]


async def test_a_transcript_is_read_from_its_end(store: Store) -> None:
    conversation = await store.accept(arrival())
    await store.accept(arrival(BEN))
    await store.step(says(*map(str, range(7))), NOW)
    last = await store.earlier(conversation, 2**62, 3)
    assert [line.body for line in last] == ["4", "5", "6"]
    before = await store.earlier(conversation, last[0].id, 3)
    assert [line.body for line in before] == ["1", "2", "3"]
    assert [line.body for line in await store.earlier(conversation, before[0].id, 3)] == ["0"]
    assert await store.earlier(conversation, 0, 3) == []
    assert await store.earlier("nobody's", 2**62, 3) == []
