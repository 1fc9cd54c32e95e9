"""Choosing the topic: from what was said, or from what is offered; rephrase, then a menu, then a human."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase
from bot.domain.knowledge import Kind, Money, Urgency
from bot.domain.tickets import Reason
from bot.domain.understanding import TopicMatch

from . import money, proceed, prompt, remarks, render, staff
from .clarify import LEADING, SURE, WORTH_OFFERING, Outcome, decide
from .listen import LONGEST_COMMAND
from .turn import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.conversation import Conversation
    from bot.domain.knowledge import Answer, Topic

    from .clarify import Interpretation
    from .turn import Turn

_HAN = re.compile(r"[\u4e00-\u9fff]")
COURTESIES = ("who-are-you", "thanks", "goodbye", "greeting")
"""Tones of small talk that have an answer of their own, the more telling ones first."""
SHORTEST_GRAVE = 6
"""Characters from which a message may bring up something graver: shorter ones are answers that were not understood."""
SHORTEST_SECOND = 8
"""Characters from which a message without 还有 or 另外 may bring up something that can wait."""
STANDS_OUT = 0.1
"""Least probability of a trouble that is named beside the wish for a human, or in which an answer is alarming."""
REMEMBERED = 0.05
"""Share of an earlier, unclear message that counts when the merchant says it differently."""


def choose(state: Conversation, turn: Turn, lead: Iterable[str] = ()) -> Decision:
    """What a message is about, and the move that follows."""
    assert turn.heard is not None
    lead = [*lead]
    if two := _two_matters(turn):
        first, second = two
        return proceed.enter(replace(state, parked=(second,)), turn, first, [*lead, turn.words("parked", topic=turn.kb.topics[second].title)])
    found = interpret(state, turn)
    if found.outcome is not Outcome.ANSWER and (topic := alarming(state, turn) or _pointed(state, turn, found)):
        return proceed.enter(state, turn, topic, lead)
    if state.expecting == prompt.TOPIC and (again := _still_choosing(state, turn, found, lead)):
        return again
    match found.outcome:
        case Outcome.ANSWER:
            return proceed.enter(state, turn, found.topics[0], lead)
        case Outcome.OFFER:
            odds = tuple((match.topic, match.probability) for match in turn.heard.topics if match.topic in turn.kb.topics)
            return offer(replace(state, odds=odds), turn, found.topics, [*_money_first(state, turn, lead), *remarks.code(turn), turn.words("offer")])
        case Outcome.UNCLEAR:
            foreign = [] if _HAN.search(turn.heard.text) else [turn.words("foreign-language")]
            return unclear(state, turn, [*_money_first(state, turn, lead), *remarks.code(turn), *foreign])
        case Outcome.HUMAN:
            return wish(state, turn, lead)
        case outcome:
            return Decision(conversation=state, effects=(turn.say([*lead, *aside(turn, outcome)], prompt.choices(turn.kb, state)),))


def graver(state: Conversation, turn: Turn) -> str | None:
    """Another trouble that must not wait for the one at hand: something alarming was said, it is dangerous, or money hangs in the air."""
    assert turn.heard is not None
    heard, current = turn.heard, turn.kb.topics.get(state.topic or "")
    if topic := alarming(state, turn):
        return proceed.leads_to(turn.kb, state, topic)
    if current is not None and (money.is_open(turn.kb, state) or current.urgency is Urgency.U0):
        return None
    found = decide(heard.topics, heard.signals, render.kinds(turn.kb))
    first = turn.kb.topics[proceed.leads_to(turn.kb, state, found.topics[0])] if found.outcome is Outcome.ANSWER else None
    asked = prompt.question(turn.kb, state)
    if first and first.id != state.topic and _is_grave(turn, first) and (first.urgency is Urgency.U0 or not (asked and asked.money)):
        return first.id
    if topic := _for_staff(state, turn, first):
        return topic
    return _money_trouble(turn) if _leaves_money_open(state, turn) else None


def _is_grave(turn: Turn, topic: Topic) -> bool:
    """Whether this topic, clearly said, comes before any other."""
    return _is_meant(turn) and (topic.urgency is Urgency.U0 or money.comes_first(turn.kb, topic))


def _is_meant(turn: Turn) -> bool:
    """Whether it may bring up something else. Short messages are answers, unless they name a code; who curses says much that is not meant."""
    assert turn.heard is not None
    return (len(turn.heard.text) >= SHORTEST_GRAVE or turn.code is not None) and "angry" not in turn.heard.signals


def _leaves_money_open(state: Conversation, turn: Turn) -> bool:
    """Whether the message speaks of a charge of which nobody knows what became, while something else is at hand."""
    assert turn.heard is not None
    current, asked = turn.kb.topics.get(state.topic or ""), prompt.question(turn.kb, state)
    if (current and money.comes_first(turn.kb, current)) or (asked and asked.money):
        return False
    known = money.questions(turn.kb, current) if current else set()
    new = [finding.answer for finding in turn.heard.findings if finding.answer.question not in known]
    charged = any(turn.kb.questions[answer.question].money.get(answer.option) in {Money.CHARGED, Money.UNCLEAR} for answer in new)
    return charged or "money-open" in turn.heard.signals


def _money_trouble(turn: Turn) -> str | None:
    """The likeliest trouble that is about money of which nobody knows what became."""
    assert turn.heard is not None
    about = [match for match in turn.heard.topics if match.topic in turn.kb.topics and money.comes_first(turn.kb, turn.kb.topics[match.topic])]
    return about[0].topic if about and about[0].probability >= WORTH_OFFERING else None


def other_trouble(state: Conversation, turn: Turn) -> str | None:
    """Another matter that is clearly in the message: a trouble, or something that is not to be helped with."""
    assert turn.heard is not None
    found = decide(turn.heard.topics, turn.heard.signals, render.kinds(turn.kb))
    if found.outcome is Outcome.ANSWER and found.topics[0] != state.topic and turn.kb.topics[found.topics[0]].kind is Kind.TROUBLE:
        return found.topics[0]
    return None


def alarming(state: Conversation, turn: Turn) -> str | None:
    """Another topic in which something that was just said must go to staff at once: that is left neither to a choice of topics nor to a later turn."""
    assert turn.heard is not None
    said = {finding.answer for finding in turn.heard.findings}
    for match in turn.heard.topics:
        topic = turn.kb.topics.get(match.topic)
        if topic and topic.causes and topic.id != state.topic and match.probability >= STANDS_OUT and _alarms(topic, said, state):
            return topic.id
    return None


def _alarms(topic: Topic, said: set[Answer], state: Conversation) -> bool:
    grave = topic.urgency is Urgency.U0 or state.topic is None
    return not said.isdisjoint(topic.danger) or (grave and not said.isdisjoint(topic.hand_over_now))


def _for_staff(state: Conversation, turn: Turn, clear: Topic | None) -> str | None:
    """Another trouble, no less urgent than the one at hand, in which something that was just said must go to staff: a message that may well be about
    such troubles. What matters to the trouble at hand is an answer to that, unless the message is clearly about the other one.
    """
    assert turn.heard is not None
    current = turn.kb.topics.get(state.topic or "")
    if current is None or not _is_meant(turn):
        return None
    asked, known = prompt.question(turn.kb, state), money.questions(turn.kb, current)
    new = {finding.answer for finding in turn.heard.findings if not (asked and finding.answer.question == asked.id)}
    if clear is None:
        new = {answer for answer in new if answer.question not in known}
    troubles = [(match.probability, turn.kb.topics[match.topic]) for match in turn.heard.topics if _is_trouble(turn, match.topic)]
    led = [(share, topic, turn.kb.topics[proceed.leads_to(turn.kb, state, topic.id)]) for share, topic in troubles]
    fitting = [(share, end) for share, topic, end in led if _comes_before(current, end) and not new.isdisjoint((*topic.hand_over_now, *end.hand_over_now))]
    told = sum(share for share, _ in fitting) >= LEADING * sum(share for share, _ in troubles)
    return fitting[0][1].id if told and fitting and fitting[0][0] >= STANDS_OUT else None


def _comes_before(current: Topic, other: Topic) -> bool:
    return other.id != current.id and other.urgency <= current.urgency


def _is_trouble(turn: Turn, id: str) -> bool:
    return id in turn.kb.topics and bool(turn.kb.topics[id].causes)


def _pointed(state: Conversation, turn: Turn, found: Interpretation) -> str | None:
    """The topic to which something that was said leads from one of those that would be offered: then nothing needs to be offered."""
    pointed = (proceed.destination(turn.kb, replace(state, topic=topic)) for topic in found.topics)
    return next((topic for topic in pointed if topic), None)


def _money_first(state: Conversation, turn: Turn, lead: list[str]) -> list[str]:
    """Before anything is asked: nobody charges again while a charge is in question, by what was said or by what it may be about."""
    assert turn.heard is not None
    likely = (turn.kb.topics[match.topic] for match in turn.heard.topics if match.probability >= STANDS_OUT and match.topic in turn.kb.topics)
    in_question = money.said(turn.kb, state) is Money.UNCLEAR or any(money.comes_first(turn.kb, topic) for topic in likely)
    return [turn.words("money-unclear")] if in_question and not lead else lead


def _two_matters(turn: Turn) -> tuple[str, str] | None:
    """Two troubles that are joined in one message, the graver first: money and danger do not wait."""
    assert turn.heard is not None
    found = [decide(half, (), render.kinds(turn.kb)) for half in turn.heard.halves]
    ids = [interpretation.topics[0] for interpretation in found if interpretation.outcome is Outcome.ANSWER]
    topics = [turn.kb.topics[id] for id in ids if turn.kb.topics[id].causes and not turn.kb.topics[id].refuses]
    if len(topics) < 2 or topics[0].id == topics[1].id:
        return None
    first, second = sorted(topics, key=lambda topic: (topic.urgency, not money.comes_first(turn.kb, topic)))
    return first.id, second.id


def _still_choosing(state: Conversation, turn: Turn, found: Interpretation, lead: list[str]) -> Decision | None:
    """A message under an offer that does not decide: 不知道, a mere detail, or the same doubt again; None when it decides."""
    assert turn.heard is not None
    if found.outcome is Outcome.ANSWER:
        return None
    if turn.heard.entities and turn.heard.topics[0].probability < SURE:
        return Decision(conversation=state, effects=(turn.say([*lead, turn.words("noted")], prompt.choices(turn.kb, state)),))
    if found.outcome is Outcome.OFFER or "not-know" in turn.heard.signals:
        return unclear(state, turn, lead)
    return None


def interpret(state: Conversation, turn: Turn) -> Interpretation:
    """The message taken together with an earlier one that was not clear enough."""
    assert turn.heard is not None
    before = dict(state.odds)
    if not before:
        return decide(turn.heard.topics, turn.heard.signals, render.kinds(turn.kb))
    weighed = [(match.topic, match.probability * (REMEMBERED + before.get(match.topic, REMEMBERED))) for match in turn.heard.topics]
    total = sum(share for _, share in weighed) or 1.0
    matches = [TopicMatch(topic=topic, probability=share / total) for topic, share in weighed]
    return decide(sorted(matches, key=lambda match: -match.probability), turn.heard.signals, render.kinds(turn.kb))


def offer(state: Conversation, turn: Turn, topics: tuple[str, ...], bubbles: Iterable[str]) -> Decision:
    """Let the merchant pick a topic."""
    state = replace(state, phase=Phase.CHOOSING, expecting=prompt.TOPIC, offered=topics)
    return Decision(conversation=state, effects=(turn.say(bubbles, prompt.choices(turn.kb, state)),))


def unclear(state: Conversation, turn: Turn, lead: Iterable[str] = ()) -> Decision:
    """Not understood: say it differently or pick from the commonest, then from all the others, then a human."""
    state = replace(state, confusions=state.confusions + 1)
    common = render.menu(turn.kb)
    if state.confusions == 1:
        return offer(state, turn, common, [*lead, turn.words("ask-again")])
    if state.confusions == 2:
        others = render.menu_of_others(turn.kb, common, dict(state.odds))
        return offer(state, turn, others, [*lead, turn.words("menu-title")])
    return staff.hand_over(state, turn, Reason.LOST, [*lead, turn.words("lost")])


def wish(state: Conversation, turn: Turn, lead: Iterable[str] = ()) -> Decision:
    """A human is wanted. Who asks for a telephone number gets it. When nothing is known yet, ask once what it is about, so that the right person gets it."""
    if turn.heard and "asks-number" in turn.heard.signals and state.phase is not Phase.COLLECTING:
        return proceed.again(state, turn, [*lead, turn.words("numbers")])
    if state.topic is None and turn.heard and (topic := likeliest_trouble(turn)):
        state, lead = replace(state, topic=topic), [*lead, turn.kb.topics[topic].first_aid]
    if state.topic is None and not state.words and not (turn.heard and len(turn.heard.text) > LONGEST_COMMAND):
        state = replace(state, phase=Phase.COLLECTING, expecting=prompt.STORY, handing_over=Reason.WISH)
        return Decision(conversation=state, effects=(turn.say([*lead, turn.words("human-confirm")], prompt.choices(turn.kb, state)),))
    return staff.hand_over(state, turn, Reason.WISH, lead)


def likeliest_trouble(turn: Turn) -> str | None:
    """The trouble in a message, beside whatever else it says; None when no trouble stands out."""
    assert turn.heard is not None
    troubles = [(match.probability, match.topic) for match in turn.heard.topics if match.topic in turn.kb.topics and turn.kb.topics[match.topic].causes]
    share, topic = max(troubles, default=(0.0, ""))
    return topic if share >= STANDS_OUT and share >= sum(probability for probability, _ in troubles) / 2 else None


def aside(turn: Turn, outcome: Outcome) -> list[str]:
    """The answer to what is no topic."""
    assert turn.heard is not None
    if not _HAN.search(turn.heard.text) and "greeting" not in turn.heard.signals:
        return [turn.words("foreign-language")]
    if outcome is Outcome.OUT_OF_SCOPE:
        return [turn.words("other-object", object=turn.heard.other_object) if turn.heard.other_object else turn.words("out-of-scope")]
    return [courtesy(turn)]


def in_passing(turn: Turn) -> list[str]:
    """The answer to what is clearly asked beside the trouble at hand: advice, or that it is another business; empty when it is neither."""
    assert turn.heard is not None
    found = decide(turn.heard.topics, turn.heard.signals, render.kinds(turn.kb))
    other = found.outcome is Outcome.OUT_OF_SCOPE and len(turn.heard.text) >= SHORTEST_GRAVE
    return aside(turn, found.outcome) if other else advice(turn)


def advice(turn: Turn) -> list[str]:
    """The advice that is clearly asked for; empty when none is."""
    assert turn.heard is not None
    found = decide(turn.heard.topics, turn.heard.signals, render.kinds(turn.kb))
    topic = turn.kb.topics[found.topics[0]] if found.outcome is Outcome.ANSWER else None
    return list(topic.answer) if topic and topic.kind is Kind.ADVICE else []


def courtesy(turn: Turn) -> str:
    """A friendly word back."""
    signals = turn.heard.signals if turn.heard else ()
    return turn.words(next((id for id in COURTESIES if id in signals), "greeting"))
