"""The words of the first reply, all from the knowledge base."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.knowledge import Kind
from bot.domain.messages import Choice, Reply
from bot.domain.understanding import Secret

from .clarify import Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.knowledge import KnowledgeBase, Question, Topic
    from bot.domain.understanding import Understanding

NONE_OF_THESE = "none"
MENU_SIZE = 6
_PLACE = re.compile(r"\{(hotline|phone):([^}]*)\}")
_ASIDE_REPLY = {Outcome.HUMAN: "human-confirm", Outcome.OUT_OF_SCOPE: "out-of-scope", Outcome.CHITCHAT: "greeting", Outcome.UNCLEAR: "ask-again"}
REPLIES = (
    "angry", "ask-again", "card-data-warning", "code-answer", "goodbye", "greeting", "hotline", "human-confirm", "none-of-these", "offer", "other-object",
    "out-of-scope", "secret-warning", "thanks", "who-are-you",
)  # fmt: skip
"""Sentences of `replies.yaml` that must be there."""
_COURTESIES = ("thanks", "goodbye", "who-are-you", "greeting")
"""Signals of small talk that have an answer of their own, the more telling ones first."""


def kinds(kb: KnowledgeBase) -> dict[str, Kind]:
    """The kind of every class that the engine may name."""
    return {**{id: topic.kind for id, topic in kb.topics.items()}, Kind.OUT_OF_SCOPE.value: Kind.OUT_OF_SCOPE}


def first_reply(kb: KnowledgeBase, heard: Understanding, decision: Decision) -> Reply:
    """What the bot says to a first message."""
    bubbles = [kb_say(kb, "card-data-warning" if secret is Secret.PAN else "secret-warning") for secret in heard.secrets[:1]]
    match decision.outcome:
        case Outcome.ANSWER:
            topic = kb.topics[decision.topics[0]]
            bubbles += [kb_say(kb, "angry")] if "angry" in heard.signals else []
            return _answer(kb, heard, topic, bubbles)
        case Outcome.OFFER:
            bubbles.append(kb_say(kb, "offer"))
            return _reply(kb, bubbles, (*_topic_choices(kb, decision.topics), Choice(id=NONE_OF_THESE, label=kb_say(kb, "none-of-these"))))
        case Outcome.UNCLEAR:
            bubbles.append(kb_say(kb, "ask-again"))
            return _reply(kb, bubbles, _topic_choices(kb, _menu(kb)))
        case outcome:
            return _reply(kb, [*bubbles, _aside(kb, heard, outcome)])


def kb_say(kb: KnowledgeBase, id: str, **values: object) -> str:
    """A sentence of `replies.yaml`; its id when nobody has written it (`posbot kb check` reports that)."""
    text = next(iter(kb.replies.get(id, ())), id)
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _answer(kb: KnowledgeBase, heard: Understanding, topic: Topic, bubbles: list[str]) -> Reply:
    """What it is, what to do at once, and the first question that the message does not answer already."""
    bubbles += _about(kb, heard, topic)
    question = _open_question(kb, heard, topic)
    if question is None:
        return _reply(kb, bubbles)
    bubbles.append(f"{question.text}\n{question.look}" if question.look else question.text)
    return _reply(kb, bubbles, tuple(Choice(id=f"option:{question.id}={option}", label=option) for option in question.options))


def _reply(kb: KnowledgeBase, bubbles: list[str], choices: tuple[Choice, ...] = ()) -> Reply:
    return Reply(bubbles=tuple(_with_numbers(kb, bubble) for bubble in bubbles), choices=choices)


def _with_numbers(kb: KnowledgeBase, text: str) -> str:
    """{phone:95516} and {hotline:收单机构} in full: only numbers of the whitelist, and never one of our own making."""

    def spell(place: re.Match[str]) -> str:
        if place[1] == "hotline":
            return kb_say(kb, "hotline", who=place[2])
        return place[2] if any(contact.number == place[2] for contact in kb.contacts) else ""

    return _PLACE.sub(spell, text)


def _about(kb: KnowledgeBase, heard: Understanding, topic: Topic) -> Iterator[str]:
    """What it is and what to do at once; a response code is explained directly."""
    if topic.kind is Kind.ADVICE:
        yield from topic.answer
        return
    code = next((entity.value for entity in heard.entities if entity.slot == "resp_code"), None)
    meaning = kb.code(code) if code else None
    if meaning and meaning.topic == topic.id:
        yield kb_say(kb, "code-answer", code=meaning.code, means=meaning.means, say=meaning.say)
    elif topic.summary:
        yield topic.summary
    if topic.first_aid:
        yield topic.first_aid


def _open_question(kb: KnowledgeBase, heard: Understanding, topic: Topic) -> Question | None:
    """The topic's first question that the message does not answer already."""
    answered = {finding.answer.question for finding in heard.findings}
    return next((kb.questions[id] for id in topic.questions if id not in answered and id in kb.questions), None)


def _topic_choices(kb: KnowledgeBase, ids: tuple[str, ...]) -> tuple[Choice, ...]:
    return tuple(Choice(id=f"topic:{id}", label=kb.topics[id].title) for id in ids)


def _menu(kb: KnowledgeBase) -> tuple[str, ...]:
    """The commonest troubles."""
    troubles = [topic for topic in kb.topics.values() if topic.kind is Kind.TROUBLE]
    return tuple(topic.id for topic in sorted(troubles, key=lambda topic: -topic.weight)[:MENU_SIZE])


def _aside(kb: KnowledgeBase, heard: Understanding, outcome: Outcome) -> str:
    """The answer to what is no topic."""
    if outcome is Outcome.OUT_OF_SCOPE and heard.other_object:
        return kb_say(kb, "other-object", object=heard.other_object)
    if outcome is Outcome.CHITCHAT:
        return kb_say(kb, next((id for id in _COURTESIES if id in heard.signals), "greeting"))
    return kb_say(kb, _ASIDE_REPLY[outcome])
