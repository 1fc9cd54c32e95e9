"""What goes to staff, and how urgent it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bot.dialogue import handoff, money
from bot.dialogue.step import step
from bot.domain.conversation import Conversation, Phase
from bot.domain.effects import OpenTicket
from bot.domain.events import Chose, Said
from bot.domain.knowledge import Money, Urgency
from bot.domain.tickets import Ticket

if TYPE_CHECKING:
    from bot.app import Mind

TABLE: dict[str, list[str]] = yaml.load((Path(__file__).parents[2] / "cases" / "must_hand_over.yaml").read_text("utf-8"), yaml.BaseLoader)
NOW = datetime(2026, 11, 24, 10)  # noqa: DTZ001  (the merchant's wall clock)


@pytest.mark.parametrize("text", TABLE["U0"])
def test_danger_goes_to_staff_at_once(mind: Mind, text: str) -> None:
    decision = step(Conversation(), Said(), mind.engine.understand(text, NOW), mind.kb, NOW)
    packets = [effect.packet for effect in decision.effects if isinstance(effect, OpenTicket)]
    assert [packet.urgency for packet in packets] == [Urgency.U0]


@pytest.mark.parametrize(("urgency", "text"), [(Urgency(urgency), text) for urgency in ("U1", "U2") for text in TABLE[urgency]])
def test_money_and_disputes_go_to_staff_with_their_details(mind: Mind, urgency: Urgency, text: str) -> None:
    decision = step(Conversation(), Said(), mind.engine.understand(text, NOW), mind.kb, NOW)
    opened = decision if decision.conversation.phase is Phase.WITH_STAFF else step(decision.conversation, Chose(choice="send"), None, mind.kb, NOW)
    packets = [effect.packet for effect in opened.effects if isinstance(effect, OpenTicket)]
    assert packets
    assert packets[0].urgency <= urgency


CONNECTIVITY = Conversation(topic="connectivity")


def earlier(hours: int) -> Ticket:
    """A ticket of so many hours ago."""
    opened = (NOW - timedelta(hours=hours)).isoformat()
    return Ticket(number="1", urgency=Urgency.U3, reason="wish", group="service", opened=opened)


@pytest.mark.parametrize(
    ("state", "urgency"),
    [
        (Conversation(), Urgency.U3),
        (CONNECTIVITY, Urgency.U2),
        (replace(CONNECTIVITY, waiting=True), Urgency.U1),
        (replace(CONNECTIVITY, slots=(("amount", "5000.00"),)), Urgency.U1),
        (replace(CONNECTIVITY, slots=(("amount", "4999.99"),)), Urgency.U2),
        (replace(CONNECTIVITY, ticket=earlier(23)), Urgency.U1),
        (replace(CONNECTIVITY, ticket=earlier(25)), Urgency.U2),
        (replace(CONNECTIVITY, waiting=True, slots=(("amount", "9000.00"),), ticket=earlier(0)), Urgency.U1),
        (Conversation(topic="printer"), Urgency.U4),
        (Conversation(topic="tamper-lock"), Urgency.U0),
        (Conversation(topic="device", findings=(("device-look", "发烫或鼓包"),)), Urgency.U0),
    ],
)
def test_urgency(mind: Mind, state: Conversation, urgency: Urgency) -> None:
    assert handoff.urgency(mind.kb, state, NOW) is urgency


@pytest.mark.parametrize(
    ("topic", "findings", "expected"),
    [
        ("printer", {}, Money.NOT_INVOLVED),
        ("debited-unknown", {}, Money.UNCLEAR),
        ("debited-unknown", {"pos-record": "成功"}, Money.RECEIVED),
        ("debited-unknown", {"pos-record": "查不到"}, Money.UNCLEAR),
        ("debited-unknown", {"verdict": "已冲正"}, Money.NOT_TAKEN),
        ("debited-unknown", {"pos-record": "成功", "verdict": "失败没扣"}, Money.UNCLEAR),
        ("declined", {"charged": "没扣"}, Money.NOT_TAKEN),
        ("declined", {"charged": "扣了"}, Money.UNCLEAR),
    ],
)
def test_money(mind: Mind, topic: str, findings: dict[str, Any], expected: Money) -> None:
    assert money.known(mind.kb, Conversation(topic=topic, findings=tuple(findings.items()))) is expected
