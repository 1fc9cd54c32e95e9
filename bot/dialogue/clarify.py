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

SURE = 0.65
"""Least probability of a topic that is answered without asking back. Of strangers' messages one in two hundred is then answered wrongly; at 0.75 none is, but
a fifth more of them are met with an offer, and at 0.6 one in fifty is wrong (`posbot eval` on two sets of messages that nobody was taught)."""
MARGIN = 0.3
"""How far the first topic must be ahead of the second: two close topics are never sure."""
ASIDE = 0.5
"""Least probability of what is no topic (a greeting, a wish for a human, another business)."""
LEADING = 0.3
"""Least probability of another business, or of a wish for a human, that is likelier than every topic: below, offering topics costs a tap only."""
WORTH_OFFERING = 0.03
"""Topics below are left out of an offer."""
MOST_OFFERED = 4
WANTS_HUMAN = "wants-human"


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
class Interpretation:
    """The outcome, and the topics that it is about: one for ANSWER, up to four for OFFER, none otherwise."""

    outcome: Outcome
    topics: tuple[str, ...] = ()


def decide(matches: Sequence[TopicMatch], signals: Sequence[str], kinds: Mapping[str, Kind]) -> Interpretation:
    """What to do with a message whose classes have these probabilities (likeliest first) and which has these tones. `kinds` gives the kind of each class.

    Who says that a human is wanted gets one, unless it is clear what it is about.
    """
    topics = [match for match in matches if kinds[match.topic] not in _ASIDE]
    asides: dict[Outcome, float] = {}
    for match in matches:
        if outcome := _ASIDE.get(kinds[match.topic]):
            asides[outcome] = asides.get(outcome, 0.0) + match.probability
    aside = max(asides, key=asides.__getitem__, default=Outcome.UNCLEAR)
    first, second = (*(match.probability for match in topics[:2]), 0.0, 0.0)[:2]
    if first >= SURE and first - second >= MARGIN:
        return Interpretation(outcome=Outcome.ANSWER, topics=(topics[0].topic,))
    if WANTS_HUMAN in signals:
        return Interpretation(outcome=Outcome.HUMAN)
    if asides.get(aside, 0.0) >= ASIDE or not topics:
        return Interpretation(outcome=aside)
    if aside in {Outcome.OUT_OF_SCOPE, Outcome.HUMAN} and asides[aside] >= max(first, LEADING):
        return Interpretation(outcome=aside)
    offered = tuple(match.topic for match in topics[:MOST_OFFERED] if match.probability >= WORTH_OFFERING)
    return Interpretation(outcome=Outcome.OFFER, topics=offered) if offered else Interpretation(outcome=Outcome.UNCLEAR)
