"""What comes of events as rows: the real dialogue, without a database."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.messages import Address
from bot.service import bodies
from bot.service.deciding import Decider
from bot.service.ports import Outcome, Pending, Work

if TYPE_CHECKING:
    from bot import app

MINUTE = 60_000_000
NOW = 1_764_036_000_000_000  # 2025-11-25 10:00 in Shanghai
WORK = Work(id=7, public_id="c7", address=Address(channel="web", chat="anna"), profile="{}", state=None, version=0, events=())


@pytest.fixture
def decider(mind: app.Mind) -> Decider:
    ids = count(1)
    return Decider(mind=lambda: mind, clock=lambda: NOW, new_id=lambda: f"t{next(ids)}", zone=ZoneInfo("Asia/Shanghai"), pushing="hook:shop".__eq__)


def said(id: int, text: str, at: int = NOW) -> Pending:
    return Pending(id=id, kind="said", body=bodies.written(text, ()), received=at)


def chose(id: int, choice: str) -> Pending:
    return Pending(id=id, kind="chose", body=json.dumps({"choice": choice}), received=NOW)


def after(work: Work, outcome: Outcome, *events: Pending) -> Work:
    return replace(work, state=outcome.state, version=work.version + 1, events=events)


def lines(outcome: Outcome, side: str) -> list[dict[str, Any]]:
    return [json.loads(line.body) for line in outcome.spoken if line.side == side]


def state(outcome: Outcome) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(outcome.state)
    return stored


def test_a_text_becomes_its_line_and_an_answer(decider: Decider) -> None:
    outcome = decider.decide(replace(WORK, events=(said(1, "客人短信来了我这啥纸都没吐"),)))
    assert outcome.done == (1,)
    assert lines(outcome, "merchant") == [{"text": "客人短信来了我这啥纸都没吐"}]
    (answer,) = lines(outcome, "bot")
    assert any("先停手" in bubble for bubble in answer["bubbles"])
    assert {"id": "human", "label": "转人工"} in answer["choices"]
    assert [line.push for line in outcome.spoken] == [None, None]
    assert state(outcome)["topic"] == "debited-unknown"


def test_lines_are_carried_where_the_channel_pushes(decider: Decider) -> None:
    work = replace(WORK, address=Address(channel="hook:shop", chat="b"), events=(said(1, "你好"),))
    assert [(line.side, line.push) for line in decider.decide(work).spoken] == [("merchant", None), ("bot", "1:1")]


def test_the_label_of_a_button_stands_in_the_transcript(decider: Decider) -> None:
    first = decider.decide(replace(WORK, events=(said(1, "客人短信来了我这啥纸都没吐"),)))
    tapped = decider.decide(after(WORK, first, chose(2, "human")))
    assert lines(tapped, "merchant") == [{"choice": "human", "label": "转人工"}]


def test_secrets_taken_out_before_are_still_warned_of(decider: Decider) -> None:
    body = json.dumps({"text": "卡号622202*********2337 刷不过", "secrets": ["pan"]})
    outcome = decider.decide(replace(WORK, events=(Pending(id=1, kind="said", body=body, received=NOW),)))
    assert any("卡号" in bubble and "撤回" in bubble for bubble in lines(outcome, "bot")[0]["bubbles"])


def test_what_the_channel_knows_of_the_merchant_is_not_asked_for(decider: Decider) -> None:
    work = replace(WORK, profile='{"terminal_no": "10023345"}', events=(said(1, "人工"), said(2, "打印机卡纸 修不好了")))
    outcome = decider.decide(work)
    assert dict(state(outcome)["slots"])["terminal_no"] == "10023345"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("said", "no json"),
        ("said", "[1]"),
        ("said", '{"text": 5}'),
        ("said", '{"text": "好", "secrets": ["unheard of"]}'),
        ("chose", "{}"),
        ("sent", '{"kind": "photo"}'),
        ("fax", "{}"),
    ],
)
def test_an_event_that_cannot_be_read_does_not_stop_the_others(decider: Decider, kind: str, body: str) -> None:
    bad = Pending(id=2, kind=kind, body=body, received=NOW)
    outcome = decider.decide(replace(WORK, events=(said(1, "你好"), bad, said(3, "打印机卡纸了"))))
    assert outcome.done == (1, 3)
    assert [id for id, _ in outcome.dead] == [2]
    assert "抱歉" in lines(outcome, "bot")[1]["bubbles"][0]
    assert state(outcome)["topic"] == "printer"


def test_a_hand_over_opens_a_ticket_with_its_packet(decider: Decider) -> None:
    outcome = decider.decide(replace(WORK, events=(said(1, "机器冒烟了"),)))
    (ticket,) = outcome.tickets
    assert (ticket.event, ticket.public_id, ticket.urgency, ticket.reason, ticket.opened) == (1, "t1", "U0", "danger", NOW)
    assert json.loads(ticket.packet)["number"] == ticket.number
    assert any(ticket.number in bubble for bubble in lines(outcome, "bot")[0]["bubbles"])


def test_somebody_who_left_while_details_were_collected_gets_staff_all_the_same(decider: Decider) -> None:
    first = decider.decide(replace(WORK, events=(said(1, "转人工"),)))
    assert first.wake == NOW + 10 * MINUTE
    early = decider.decide(after(WORK, first, Pending(id=2, kind="silent", body="{}", received=NOW + 9 * MINUTE)))
    assert not early.tickets
    assert not early.spoken
    late = decider.decide(after(WORK, first, Pending(id=2, kind="silent", body="{}", received=NOW + 10 * MINUTE)))
    (ticket,) = late.tickets
    assert ticket.reason == "wish"
    assert late.wake == ticket.opened + 120 * MINUTE  # half of the time for a first answer


def test_a_rating_is_kept(decider: Decider) -> None:
    first = decider.decide(replace(WORK, events=(said(1, "打印机卡纸了"),)))
    second = decider.decide(after(WORK, first, said(2, "好了 谢谢")))
    rated = decider.decide(after(WORK, second, chose(3, "rate:5")))
    assert [(rating.topic, rating.stars) for rating in rated.rated] == [("printer", 5)]


def test_a_photo_is_kept_by_name_and_its_caption_is_read(decider: Decider) -> None:
    body = json.dumps({"text": "打印出来是白纸", "secrets": [], "kind": "photo", "name": "p1"})
    outcome = decider.decide(replace(WORK, events=(Pending(id=1, kind="sent", body=body, received=NOW),)))
    assert lines(outcome, "merchant") == [{"text": "打印出来是白纸", "kind": "photo", "file": "p1"}]
    assert state(outcome)["topic"] == "printer"


def test_a_damaged_state_begins_anew(decider: Decider) -> None:
    outcome = decider.decide(replace(WORK, state="{broken", events=(said(1, "你好"),)))
    assert outcome.done == (1,)
