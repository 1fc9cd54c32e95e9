"""Handing over: how urgent it is, and the packet that staff get."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

from bot.domain.knowledge import Money, Urgency
from bot.domain.tickets import Packet, Reason

from . import money
from .collect import masked, missing, values
from .diagnose import Evidence, model, posterior

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.conversation import Conversation
    from bot.domain.knowledge import KnowledgeBase, Topic

LARGE = 5000.0
"""Yuan from which a trouble is one level more urgent (domain brief, C3)."""
LIKELY = 3


def evidence(kb: KnowledgeBase, conversation: Conversation) -> Evidence:
    """What the diagnosis needs to know of a conversation."""
    askable = set(kb.topics[conversation.topic].questions) if conversation.topic else set()
    return Evidence(
        findings=dict(conversation.findings),
        closed=frozenset(conversation.asked),
        unknown=tuple(question for question in conversation.unknown if question in askable),
        done=frozenset(step for step, _ in conversation.steps),
        asked=sum(question in askable for question in conversation.asked),
        may_charge=money.known(kb, conversation) is Money.NOT_TAKEN,
        weary=len(conversation.asked) > 1 and all(question in conversation.unknown for question in conversation.asked[-2:]),
    )


def likeliest(kb: KnowledgeBase, conversation: Conversation) -> tuple[tuple[str, float], ...]:
    """Causes by probability, likeliest first; ties in the editors' order."""
    if conversation.topic is None or not kb.topics[conversation.topic].causes:
        return ()
    numbers = model(kb, conversation.topic)
    shares = posterior(numbers, evidence(kb, conversation))
    return tuple(sorted(zip(numbers.causes, (round(share, 4) for share in shares), strict=True), key=lambda pair: -pair[1]))


def in_danger(topic: Topic, conversation: Conversation) -> bool:
    """Whether it is the most urgent kind: by its topic, by an answer that was given, because the merchant is desperate, or because the open ticket is."""
    answered = any((answer.question, answer.option) in conversation.findings for answer in topic.danger)
    ticket = conversation.ticket
    return Urgency.U0 in {topic.urgency, ticket.urgency if ticket and ticket.is_active else None} or conversation.desperate or answered


def dangers(kb: KnowledgeBase, conversation: Conversation) -> frozenset[object]:
    """The signs of danger that a merchant has given, whatever the topic at hand: answers, and despair."""
    signs = {(answer.question, answer.option) for topic in kb.topics.values() for answer in topic.danger}
    return frozenset({*signs.intersection(conversation.findings), *(["desperate"] if conversation.desperate else [])})


def calmed(kb: KnowledgeBase, conversation: Conversation) -> Conversation:
    """The conversation without the signs of danger that were given: somebody has judged them. Told again, they count again, and are answered again."""
    signs = dangers(kb, conversation)
    grave = {topic.id for topic in kb.topics.values() if topic.danger or topic.urgency is Urgency.U0}
    return replace(
        conversation,
        desperate=False,
        findings=tuple(pair for pair in conversation.findings if pair not in signs),
        parked=tuple(topic for topic in conversation.parked if topic not in grave),
    )


def hand_over_finding(topic: Topic, conversation: Conversation) -> bool:
    """Whether an answer was given after which only staff can help, such as a second charge."""
    return any((answer.question, answer.option) in conversation.findings for answer in topic.hand_over_now)


def urgency(kb: KnowledgeBase, conversation: Conversation, now: datetime) -> Urgency:
    """The topic's level, U1 when the money is said to be unclear, and one more for each of: a large amount, a customer who waits, an answer that
    only staff can act on (a second charge), a second ticket within a day (domain brief, C3). U0 is danger only."""
    topic = kb.topics.get(conversation.topic or "")
    if topic is None:
        return Urgency.U0 if conversation.desperate else Urgency.U3
    if in_danger(topic, conversation):
        return Urgency.U0
    raised = (
        _is_large(dict(conversation.slots).get("amount", "")) + conversation.waiting + hand_over_finding(topic, conversation) + _second_today(conversation, now)
    )
    level = min(topic.urgency, Urgency.U1) if money.said(kb, conversation) is Money.UNCLEAR else topic.urgency
    levels = list(Urgency)
    return levels[max(1, levels.index(level) - raised)]


def _is_large(amount: str) -> bool:
    """Whether it is a large sum; an amount in words that no reader knew is not taken for one."""
    return amount.replace(".", "", 1).isdecimal() and float(amount) >= LARGE


def _second_today(conversation: Conversation, now: datetime) -> bool:
    if conversation.ticket is None:
        return False
    return (now - now.fromisoformat(conversation.ticket.opened)).total_seconds() < 24 * 3600


def number(conversation: Conversation, now: datetime) -> str:
    """A ticket number that can be read out: the day and five digits that follow from conversation and moment."""
    return f"{now:%m%d}-{crc32(f'{conversation.id}|{conversation.tickets}|{now.isoformat()}'.encode()) % 100_000:05d}"


def packet(kb: KnowledgeBase, conversation: Conversation, reason: Reason, now: datetime) -> Packet:
    """All that is known, for staff."""
    topic = kb.topics.get(conversation.topic or "")
    known = money.known(kb, conversation)
    flags = {
        "desperate": conversation.desperate,
        "danger": reason is Reason.DANGER,
        "told-not-to-charge-again": known is Money.UNCLEAR,
        "angry": conversation.angry,
    }
    return Packet(
        number=number(conversation, now),
        urgency=urgency(kb, conversation, now),
        reason=reason,
        topic=conversation.topic,
        summary=conversation.words,
        facts=tuple((slot, masked(kb.slots[slot], value) if slot in kb.slots else value) for slot, value in values(kb, conversation)),
        screen_text=dict(conversation.slots).get("screen_text", ""),
        causes=likeliest(kb, conversation)[:LIKELY],
        findings=conversation.findings,
        steps=conversation.steps,
        money=known,
        flags=tuple(flag for flag, holds in flags.items() if holds),
        missing=missing(kb, replace(conversation, skipped=()), topic) if topic else (),
        customer_waiting=conversation.waiting,
        consent=conversation.consent,
        parked=tuple(id for id in conversation.parked if id in kb.topics and id != conversation.topic),
        attachments=tuple(name for name, _ in conversation.attachments),
    )
