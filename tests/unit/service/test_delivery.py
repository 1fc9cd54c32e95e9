"""Lines find their way: in order, again when it did not work, and not for ever. A real store; the other side is a list."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import TYPE_CHECKING

import pytest

from bot.domain.clock import SECOND
from bot.domain.errors import StoreUnavailable
from bot.domain.messages import Address
from bot.ops.meter import Meter
from bot.service.bell import Bell
from bot.service.delivery import GIVE_UP, LEASE, Deliveries, pause
from bot.service.ports import Arrival, Later, Outcome, Sent, Spoken, Undeliverable
from bot.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.service.ports import Delivery, Outgoing, Work

START = 1_760_000_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


class Chats:
    """The other side: remembers what came, and answers as it is told."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str, bool]] = []
        self.answers: Callable[[Outgoing], Delivery] = lambda _: Sent(remote_id="r")

    async def send(self, line: Outgoing) -> Delivery:
        await asyncio.sleep(0)
        answer = self.answers(line)
        if isinstance(answer, Sent):
            self.came.append((line.address.chat, line.body, line.maybe_duplicate))
        return answer


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    ids = count()
    opened = await SQLiteStore.open(tmp_path / "p.db", lambda: str(next(ids)))
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chats() -> Chats:
    return Chats()


@pytest.fixture
def deliveries(store: SQLiteStore, chats: Chats, clock: Clock) -> Deliveries:
    return Deliveries(store=store, channels={"hook": chats}, clock=clock, meter=Meter())


async def say(store: SQLiteStore, chat: str, *lines: str, channel: str = "hook") -> None:
    def decide(work: Work) -> Outcome:
        event = work.events[0]
        spoken = tuple(Spoken(event=event.id, side="bot", body=line, at=START, push=f"{event.id}:{part}") for part, line in enumerate(lines))
        return Outcome(state="{}", knowledge="k", done=(event.id,), spoken=spoken)

    await store.accept(Arrival(address=Address(channel=channel, chat=chat), ext_id=f"{chat}{lines}", kind="said", body=json.dumps({}), received=START))
    await store.step(decide, START)


async def until_idle(deliveries: Deliveries) -> None:
    while await deliveries.work(Bell()):
        await deliveries.finish(5)


async def test_lines_arrive_in_order(store: SQLiteStore, deliveries: Deliveries, chats: Chats) -> None:
    await say(store, "anna", "一", "二", "三")
    await say(store, "ben", "甲", "乙")
    await until_idle(deliveries)
    assert [body for chat, body, _ in chats.came if chat == "anna"] == ["一", "二", "三"]
    assert [body for chat, body, _ in chats.came if chat == "ben"] == ["甲", "乙"]


async def test_being_asked_to_wait_is_no_failure(store: SQLiteStore, deliveries: Deliveries, chats: Chats, clock: Clock) -> None:
    await say(store, "anna", "一", "二")
    chats.answers = lambda _: Later(not_before=clock.now + 30 * SECOND, error="429", counts=False)
    await until_idle(deliveries)
    chats.answers = lambda line: Sent() if line.tries == 0 else Undeliverable(error="counted")
    clock.now += 29 * SECOND
    await until_idle(deliveries)
    assert chats.came == []
    clock.now += 1 * SECOND
    await until_idle(deliveries)
    assert [body for _, body, _ in chats.came] == ["一", "二"]


async def test_a_line_that_may_have_arrived_says_so(store: SQLiteStore, deliveries: Deliveries, chats: Chats, clock: Clock) -> None:
    await say(store, "anna", "一")
    chats.answers = lambda line: Later(not_before=clock.now + pause(line.tries), error="timeout", maybe_arrived=True)
    await until_idle(deliveries)
    chats.answers = lambda _: Sent()
    clock.now += 1 * SECOND
    await until_idle(deliveries)
    assert chats.came == [("anna", "一", True)]


async def test_what_cannot_be_delivered_does_not_hold_up_the_rest(store: SQLiteStore, deliveries: Deliveries, chats: Chats) -> None:
    await say(store, "anna", "一", "二")
    chats.answers = lambda line: Undeliverable(error="403") if line.body == "一" else Sent()
    await until_idle(deliveries)
    assert [body for _, body, _ in chats.came] == ["二"]
    assert (await store.counts(START)).dead == 1


async def test_a_channel_that_raises_is_tried_again(store: SQLiteStore, deliveries: Deliveries, chats: Chats, clock: Clock) -> None:
    await say(store, "anna", "一")

    def breaks(_: Outgoing) -> Delivery:
        raise RuntimeError("a bug")

    chats.answers = breaks
    await until_idle(deliveries)
    chats.answers = lambda _: Sent()
    clock.now += 1 * SECOND
    await until_idle(deliveries)
    assert chats.came == [("anna", "一", True)]


async def test_after_a_day_it_is_given_up(store: SQLiteStore, deliveries: Deliveries, chats: Chats, clock: Clock) -> None:
    await say(store, "anna", "一")
    chats.answers = lambda _: Later(not_before=clock.now + GIVE_UP, error="500")
    clock.now += 1
    await until_idle(deliveries)
    counts = await store.counts(clock.now)
    assert (counts.outbox, counts.dead) == (0, 1)


async def test_a_channel_that_is_gone(store: SQLiteStore, deliveries: Deliveries) -> None:
    await say(store, "anna", "一", channel="fax")
    await until_idle(deliveries)
    assert (await store.counts(START)).dead == 1


async def test_a_sender_that_vanished_is_replaced(store: SQLiteStore, deliveries: Deliveries, chats: Chats, clock: Clock) -> None:
    await say(store, "anna", "一")
    await store.claim(clock.now, clock.now + LEASE, 1)  # by somebody who then died
    await until_idle(deliveries)
    assert chats.came == []
    clock.now += LEASE
    await until_idle(deliveries)
    assert chats.came == [("anna", "一", True)]


async def test_what_has_arrived_is_not_sent_again_because_the_database_was_away(
    store: SQLiteStore, deliveries: Deliveries, chats: Chats, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(store, "anna", "一")
    settle, tries = store.settle, count()

    async def away(id: int, delivery: Delivery) -> None:
        if next(tries) < 2:
            raise StoreUnavailable("away")
        await settle(id, delivery)

    monkeypatch.setattr(store, "settle", away)
    await until_idle(deliveries)
    clock.now += LEASE
    await until_idle(deliveries)
    assert chats.came == [("anna", "一", False)]


async def test_who_may_not_be_the_sender_any_more_does_not_insist(
    store: SQLiteStore, deliveries: Deliveries, chats: Chats, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(store, "anna", "一")

    async def away(*_: object) -> None:
        clock.now += LEASE
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(store, "settle", away)
        assert await deliveries.work(Bell())
        await deliveries.finish(5)
    await until_idle(deliveries)
    assert chats.came == [("anna", "一", False), ("anna", "一", True)]


async def test_a_clock_that_jumps_does_not_send_what_is_being_sent(store: SQLiteStore, clock: Clock) -> None:
    arrived = asyncio.Event()

    class Slow(Chats):
        async def send(self, line: Outgoing) -> Delivery:
            await arrived.wait()
            return await super().send(line)

    slow = Slow()
    deliveries = Deliveries(store=store, channels={"hook": slow}, clock=clock, meter=Meter())
    await say(store, "anna", "一", "二")
    assert await deliveries.work(Bell()) == 1
    clock.now += 3600 * SECOND
    assert await deliveries.work(Bell()) == 0
    arrived.set()
    await deliveries.finish(5)
    await until_idle(deliveries)
    assert slow.came == [("anna", "一", False), ("anna", "二", False)]


def test_pauses_grow_and_end() -> None:
    assert [pause(tries) / SECOND for tries in (0, 1, 2, 3)] == [1, 2, 4, 8]
    assert pause(50) / SECOND == 300
