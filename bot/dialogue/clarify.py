"""From probabilities to what the bot does with a message: answer, offer a choice, or say why not.

Two thresholds and a margin: high and clear → answer; middling or close → offer at most four topics; low → ask to say it differently. Two close
topics are never "sure".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.knowledge import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.understanding import TopicMatch

SURE = 0.75
"""Least probability of a topic that is answered without asking back: wrong answers stay below three in a hundred when probabilities are calibrated."""
MARGIN = 0.35
"""How far the first topic must be ahead of the second."""
ASIDE = 0.5
"""Least probability of what is no topic (a greeting, a wish for a human, another business)."""
FOREIGN = 0.3
"""Least probability of another business that is likelier than every topic: below, offering topics costs a tap, sending a merchant away costs the merchant."""
WORTH_OFFERING = 0.03
"""Topics below are left out of an offer."""
MOST_OFFERED = 4


class Outcome(StrEnum):
    """What happens to one message."""

    ANSWER = "answer"
    OFFER = "offer"
    HUMAN = "human"
    CHITCHAT = "chitchat"
    OUT_OF_SCOPE = "out-of-scope"
    UNCLEAR = "unclear"


_ASIDE = {Kind.HUMAN: Outcome.HUMAN, Kind.CHITCHAT: Outcome.CHITCHAT, Kind.OUT_OF_SCOPE: Outcome.OUT_OF_SCOPE, Kind.UNCLEAR: Outcome.UNCLEAR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome, and the topics that it is about: one for ANSWER, up to four for OFFER, none otherwise."""

    outcome: Outcome
    topics: tuple[str, ...] = ()


def decide(matches: Sequence[TopicMatch], kinds: Mapping[str, Kind]) -> Decision:
    """What to do with a message whose classes have these probabilities (likeliest first). `kinds` gives the kind of each class."""
    topics = [match for match in matches if kinds[match.topic] not in _ASIDE]
    asides: dict[Outcome, float] = {}
    for match in matches:
        if outcome := _ASIDE.get(kinds[match.topic]):
            asides[outcome] = asides.get(outcome, 0.0) + match.probability
    aside = max(asides, key=asides.__getitem__, default=Outcome.UNCLEAR)
    if asides.get(aside, 0.0) >= ASIDE or not topics:
        return Decision(outcome=aside)
    first, second = topics[0].probability, topics[1].probability if len(topics) > 1 else 0.0
    if first >= SURE and first - second >= MARGIN:
        return Decision(outcome=Outcome.ANSWER, topics=(topics[0].topic,))
    if asides.get(Outcome.OUT_OF_SCOPE, 0.0) >= max(first, FOREIGN):
        return Decision(outcome=Outcome.OUT_OF_SCOPE)
    offered = tuple(match.topic for match in topics[:MOST_OFFERED] if match.probability >= WORTH_OFFERING)
    return Decision(outcome=Outcome.OFFER, topics=offered) if offered else Decision(outcome=Outcome.UNCLEAR)
