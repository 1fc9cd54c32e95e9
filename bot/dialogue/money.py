"""What is known of the customer's money. The golden rule stands on it: nobody is told to charge again before it is known that he was not charged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.knowledge import Money, Urgency

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation
    from bot.domain.knowledge import KnowledgeBase, Topic

SETTLED = {Money.RECEIVED, Money.NOT_TAKEN}


def known(kb: KnowledgeBase, conversation: Conversation) -> Money:
    """RECEIVED, NOT_TAKEN, UNCLEAR or NOT_INVOLVED. Unclear as well where it is what the topic is about and nobody has said anything."""
    topic = kb.topics.get(conversation.topic or "")
    return said(kb, conversation) or (Money.UNCLEAR if topic and comes_first(kb, topic) else Money.NOT_INVOLVED)


def said(kb: KnowledgeBase, conversation: Conversation) -> Money | None:
    """What the findings that matter to this topic say of the money, in the order in which they were said; None when nothing.

    RECEIVED and NOT_TAKEN together are a contradiction: UNCLEAR. What the terminal or the acquirer says stands against what the customer sees (domain brief,
    B0.2: his bank is slower). His own word that he was not charged counts only where nothing speaks against it: no charge that he sees later, no sale that
    is on its way, and not where the whole trouble is that nobody knows.
    """
    topic = kb.topics.get(conversation.topic or "")
    relevant = questions(kb, topic) if topic else kb.questions.keys()
    told = [(id, money) for id, option in conversation.findings if id in relevant and id in kb.questions and (money := kb.questions[id].money.get(option))]
    settled = [(id, money) for id, money in told if money in SETTLED]
    if not settled:
        return Money.UNCLEAR if told else None
    id, result = settled[-1]
    if result is Money.NOT_TAKEN and Money.CHARGED in kb.questions[id].money.values() and not _is_believed(kb, topic, told, told.index(settled[-1])):
        return Money.UNCLEAR
    return Money.UNCLEAR if len({money for _, money in settled}) > 1 else result


def _is_believed(kb: KnowledgeBase, topic: Topic | None, told: list[tuple[str, Money]], place: int) -> bool:
    """Whether a customer's word that he was not charged, at this place among what was told, settles the money."""
    doubtful = topic is not None and topic.urgency is Urgency.U1 and comes_first(kb, topic)
    return not doubtful and all(money is not Money.UNCLEAR for _, money in told) and all(money is not Money.CHARGED for _, money in told[place:])


def may_charge(kb: KnowledgeBase, conversation: Conversation) -> bool:
    """Whether a merchant who asks may be told that he can charge again: the trouble is known, the customer was not charged, and no other one is open."""
    parked = any(comes_first(kb, kb.topics[id]) for id in conversation.parked if id in kb.topics)
    return conversation.topic is not None and not parked and known(kb, conversation) is Money.NOT_TAKEN


def forgotten(kb: KnowledgeBase, conversation: Conversation) -> Conversation:
    """The conversation after a new attempt to charge: what was known of the money was about the one before."""
    return replace(conversation, findings=tuple(pair for pair in conversation.findings if pair[0] not in kb.questions or not kb.questions[pair[0]].money))


def questions(kb: KnowledgeBase, topic: Topic) -> set[str]:
    """The questions that matter to a topic: asked, telling its causes apart, answered by one of its steps, or deciding where it goes."""
    told = {question for cause in topic.causes.values() for question in cause.answers}
    told |= {answer.question for answers in (topic.hand_over_now, topic.danger, *topic.elsewhere.values()) for answer in answers}
    shown = {kb.steps[step].then for cause in topic.causes.values() for step in cause.fixes if step in kb.steps}
    return {*topic.questions, *told, *filter(None, shown)}


def comes_first(kb: KnowledgeBase, topic: Topic) -> bool:
    """Whether the topic's first question is what became of the customer's money."""
    return _asks(kb, topic.questions[:1])


def is_open(kb: KnowledgeBase, conversation: Conversation) -> bool:
    """Whether this trouble is about money of which nobody knows what became."""
    topic = kb.topics.get(conversation.topic or "")
    if topic is None or not comes_first(kb, topic):
        return False
    told, answered = said(kb, conversation), {question for question, _ in conversation.findings}
    return told is Money.UNCLEAR or (told is None and topic.questions[0] not in answered)


def open_question(kb: KnowledgeBase, conversation: Conversation) -> str | None:
    """The first question about the money that this topic asks and that nobody has answered or been asked."""
    topic = kb.topics.get(conversation.topic or "")
    closed = {question for question, _ in conversation.findings} | set(conversation.asked)
    return next((id for id in topic.questions if id not in closed and _asks(kb, (id,))), None) if topic else None


def _asks(kb: KnowledgeBase, ids: tuple[str, ...]) -> bool:
    return any(kb.questions[id].money for id in ids if id in kb.questions)
