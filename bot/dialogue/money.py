"""What is known of the customer's money. The golden rule stands on it: nobody is told to charge again before it is known that he was not charged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.knowledge import Money

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

    RECEIVED and NOT_TAKEN together are a contradiction: UNCLEAR. So is a customer who was not charged and then was; but what the terminal or the acquirer
    says stands against what he sees (domain brief, B0.2: his bank is slower).
    """
    topic = kb.topics.get(conversation.topic or "")
    relevant = questions(kb, topic) if topic else kb.questions.keys()
    told = [(id, money) for id, option in conversation.findings if id in relevant and id in kb.questions and (money := kb.questions[id].money.get(option))]
    settled = [(id, money) for id, money in told if money in SETTLED]
    if not settled:
        return Money.UNCLEAR if told else None
    id, result = settled[-1]
    by_customer = Money.CHARGED in kb.questions[id].money.values()
    taken_back = result is Money.NOT_TAKEN and by_customer and any(money is Money.CHARGED for _, money in told[told.index(settled[-1]) :])
    return Money.UNCLEAR if taken_back or len({money for _, money in settled}) > 1 else result


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
