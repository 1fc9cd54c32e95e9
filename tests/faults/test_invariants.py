"""A checker of promises that does not notice is worth nothing: each one is shown a world in which its promise was broken by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.messages import Address
from bot.service.ports import Arrival, Outcome, Sent, Spoken
from tests.contract.places import File
from tests.rows import ticket

from .invariants import Told, broken, hidden, mark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.service.ports import Work

NOW = 1_760_000_000_000_000
TAKEN = "INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at) VALUES (1, 1, '{}', 'take', 1, '[]', 0)"
ACKNOWLEDGED = [f"id{merchant}-{number}" for merchant in range(2) for number in range(3)]


def decide(work: Work) -> Outcome:
    """Each message has a line and an answer; the last one opens a ticket."""
    lines = [
        Spoken(event=event.id, side=side, body=json.dumps({"bubbles": [f"{work.address.chat} {event.id}"]}), at=NOW, push=push)
        for event in work.events
        for side, push in (("merchant", None), ("bot", f"{event.id}:0"))
    ]
    last = work.events[-1].id
    return Outcome(state="{}", knowledge="k", done=tuple(event.id for event in work.events), spoken=tuple(lines), tickets=(ticket(last),))


@pytest.fixture
async def world(tmp_path: Path) -> tuple[File, list[Told]]:
    """A database in which all is well, and what the other app wrote down."""
    place, came = File(path=tmp_path / "posbot.db"), []
    store = await place.open()
    for id in ACKNOWLEDGED:
        merchant = f"m-{id[2]}"
        await store.accept(Arrival(address=Address(channel="hook:shop", chat=merchant), ext_id=f"{merchant}/{id}", kind="said", body="{}", received=NOW))
    await store.step(decide, NOW)
    while lines := await store.claim(NOW, NOW + 1, 10):
        for line in lines:
            bubbles = tuple(json.loads(line.body)["bubbles"])
            came.append(
                Told(id=line.dedupe, merchant=line.address.chat, conversation=line.conversation, line=line.message, bubbles=bubbles, at=0.0, unclear=False)
            )
            await store.settle(line.id, Sent())
    await store.close()
    return place, came


def problems(place: File, came: Sequence[Told], **more: Any) -> list[str]:
    return broken(place.query, ACKNOWLEDGED, came, **{"in_flight": 0, **more})


async def test_where_all_is_well_nothing_is_found(world: tuple[File, list[Told]]) -> None:
    assert problems(*world) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM inbox WHERE id = 2", "are not there once"),
        ("UPDATE inbox SET status = 'new' WHERE id = 2", "1 events wait"),
        ("UPDATE inbox SET status = 'dead', error = 'x' WHERE id = 2", "1 were put aside"),
        ("UPDATE inbox SET status = 'dead', error = '' WHERE id = 2", "1 of them without a reason"),
        ("UPDATE conversation SET version = 0", "other versions"),
        ("UPDATE conversation SET version = 4", "other versions"),
        ("DROP INDEX ticket_open; UPDATE ticket SET conversation = 1", "2 open tickets in one conversation"),
        ("UPDATE ticket SET origin = 1 WHERE conversation = 2", "another conversation's"),
        ("DELETE FROM message WHERE side = 'merchant' AND event = 2", "1 messages without a line"),
        ("UPDATE message SET event = 1 WHERE side = 'merchant' AND event = 2", "1 with two"),
        ("UPDATE outbox SET status = 'dead' WHERE id = 2", "1 answers not sent"),
        ("UPDATE inbox SET status = 'new' WHERE id = 2", "2 lines of events that are not done"),
        ("UPDATE outbox SET message = 999 WHERE id = 2", "1 lines never came"),
        ("DELETE FROM outbox WHERE id = 2", "1 lines came that nobody sent"),
        ("UPDATE ticket SET owner = 'li' WHERE id = 1", "1 tickets have another owner"),
        (f"{TAKEN.format('wang')};{TAKEN.format('li')};UPDATE ticket SET owner = 'li' WHERE id = 1", "1 tickets were taken that had an owner"),
    ],
    ids=lambda value: value if " " not in value or value[0].isdigit() else None,
)
async def test_what_is_broken_in_the_database_is_noticed(world: tuple[File, list[Told]], statement: str, problem: str) -> None:
    place, came = world
    for each in statement.split(";"):
        await place.execute(each)
    assert [found for found in problems(place, came) if problem in found]


async def test_what_is_broken_outside_is_noticed(world: tuple[File, list[Told]]) -> None:
    place, came = world
    first, *rest = came
    other = next(told for told in came if told.merchant != first.merchant)
    wrong = {
        "lines came again": [*came, first],
        "never came": rest,
        "out of order": list(reversed(came)),
        "came to somebody else": [replace(first, merchant=other.merchant), *rest],
        "with other words": [replace(first, bubbles=other.bubbles), *rest],
        "hold what another merchant told": [replace(first, bubbles=(f"终端号{mark(7)}",)), *rest],
    }
    for problem, lines in wrong.items():
        assert [found for found in problems(place, lines) if problem in found], problem
    assert not [found for found in problems(place, [*came, first], in_flight=1) if "came again" in found]
    assert not [found for found in problems(place, [*came, replace(first, unclear=True)]) if "came again" in found]


def test_a_secret_is_found_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "data" / "wal").mkdir(parents=True)
    (tmp_path / "data" / "wal" / "1").write_bytes(b"\x00card 6222\xff")
    assert hidden([tmp_path], [b"6222", b"7391"]) == ["found in the clear: 1: b'6222'"]
