"""Dialogues with simulated merchants, drawn from the knowledge base's own causes, against the real `step`; other strategies beside it.

A merchant has a topic and a cause (by base rate), writes a phrasing of the topic that does not contradict the cause, or something vague first; answers a
question as the cause makes likely, but is wrong or does not know at times; does a step, which helps as often as the cause says; and gives up at times.
The same seed gives the same merchants to every strategy.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import log
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bot.dialogue import prompt
from bot.dialogue.diagnose import EXPECTED_COST, WRONG, Ask, Do, HandOver, Knobs, Strategy, best_step, model, posterior
from bot.dialogue.step import step
from bot.domain.conversation import Conversation, Phase
from bot.domain.effects import OpenTicket
from bot.domain.events import Chose, Said
from bot.domain.knowledge import Kind, Money, Urgency
from bot.domain.tickets import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.dialogue.diagnose import Action, Evidence, Model
    from bot.domain.events import Event
    from bot.domain.knowledge import Answer, Cause, KnowledgeBase, Question, Topic
    from bot.domain.understanding import Understanding

MORNING = datetime(2026, 1, 5, 10)  # noqa: DTZ001  (the merchant's wall clock)
MOST_EVENTS = 24
SURE = 0.75
"""Posterior at which a strategy that asks in a fixed order, or by entropy, stops asking."""
WORTH_A_BIT = 0.08
HELPS = 0.4
"""A hand-over was needless when some step that was not tried would have helped at least this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How merchants differ from the model: shares of wrong answers, of 不知道, of vague first messages, and of giving up after a question or a failed step."""

    wrong: float = 0.07
    unknown: float = 0.15
    vague: float = 0.3
    quit_question: float = 0.03
    quit_step: float = 0.08


PATIENT = Noise(wrong=0.0, unknown=0.0, vague=0.0, quit_question=0.0, quit_step=0.0)
EACH = 4
"""Patient merchants for each cause, when steps are looked for that nobody is guided to."""


def fixed_order(model: Model, evidence: Evidence, knobs: Knobs) -> Action:
    """A form: the one order of the list of all questions, whatever the topic, until a cause is likely; then its steps."""
    return _in_order(tuple(model.rows), model, evidence, knobs)


def hand_tree(model: Model, evidence: Evidence, knobs: Knobs) -> Action:
    """A hand-written tree: the order that the editors gave each topic's questions, until a cause is likely; then its steps."""
    return _in_order(model.askable, model, evidence, knobs)


def _in_order(questions: Sequence[str], model: Model, evidence: Evidence, knobs: Knobs) -> Action:
    if max(posterior(model, evidence)) < SURE and evidence.asked < knobs.most_questions:
        for question in questions:
            if question not in evidence.findings and question not in evidence.closed:
                return Ask(question)
    return _listed_steps(model, evidence)


def no_questions(model: Model, evidence: Evidence, knobs: Knobs) -> Action:
    """The steps of the likeliest cause, nothing asked."""
    return _listed_steps(model, evidence)


def entropy(model: Model, evidence: Evidence, knobs: Knobs) -> Action:
    """Twenty questions: the most information per minute until a cause is likely, then steps by P(fix) / cost."""
    shares = posterior(model, evidence)
    best, most = None, WORTH_A_BIT
    for question in model.askable if max(shares) < SURE and evidence.asked < knobs.most_questions else ():
        if question not in evidence.findings and question not in evidence.closed:
            gain = _information(model, shares, question)
            if gain > most:
                best, most = question, gain
    return Ask(best) if best else best_step(model, evidence, shares, knobs)


def _information(model: Model, shares: list[float], question: str) -> float:
    joint = [[share * likelihood for share, likelihood in zip(shares, row, strict=True)] for row in model.rows[question].values()]
    after = sum(sum(part) * _entropy([share / sum(part) for share in part]) for part in joint)
    return _entropy(shares) - after


def _entropy(shares: list[float]) -> float:
    return -sum(share * log(share + 1e-12) for share in shares)


def _listed_steps(model: Model, evidence: Evidence) -> Action:
    """The steps of the likeliest cause in the order of P(fix), as a hand-written guide has them."""
    shares = posterior(model, evidence)
    cause = shares.index(max(shares))
    known = set(evidence.findings.items())
    open_steps = [step for step in model.fixes if step not in evidence.done and (not model.requires[step] or model.requires[step] & known)]
    likely = [step for step in open_steps if model.fixes[step][cause] > 0.05]
    return Do(max(likely, key=lambda step: model.fixes[step][cause])) if likely else HandOver()


STRATEGIES: Mapping[str, Strategy] = {
    "expected-cost": EXPECTED_COST,
    "fixed-order": Strategy(choose=fixed_order, knobs=Knobs()),
    "hand-tree": Strategy(choose=hand_tree, knobs=Knobs()),
    "no-questions": Strategy(choose=no_questions, knobs=Knobs()),
    "entropy": Strategy(choose=entropy, knobs=Knobs()),
}


@dataclass(slots=True)
class Merchant:
    """One simulated merchant. `helped`: a step has cleared it up, which is said at the next step that can be ended; a look at the money alone cannot."""

    kb: KnowledgeBase
    topic: Topic
    cause: Cause
    text: str
    chance: Random
    noise: Noise
    answers: dict[str, str] = field(default_factory=dict)
    helped: bool = False

    def truth(self, question: str) -> str | None:
        """What the cause makes a merchant see; the same each time it is asked. None for what has nothing to do with the trouble."""
        rows = model(self.kb, self.topic.id).rows.get(question)
        if question not in self.answers and rows:
            options = list(rows)
            place = list(self.topic.causes).index(self.cause.id)
            seen = [max(0.0, rows[option][place] - WRONG / len(options)) for option in options]  # the model's share of errors is not the cause's: `noise` errs
            self.answers[question] = self.chance.choices(options, seen)[0]
            if self.chance.random() < self.noise.wrong:
                self.answers[question] = self.chance.choice(options)
        return self.answers.get(question)

    def sees(self, question: Question) -> Chose | None:
        """The answer to a question, None when it is not known. To see that the money arrived clears a trouble up in which it really did."""
        option = self.truth(question.id)
        if option is None:
            return None
        arrived = question.money.get(option) is Money.RECEIVED and self.cause.answers.get(question.id, {}).get(option, 0.0) >= HELPS
        self.helped = self.helped or arrived
        return Chose(choice=f"option:{question.id}={option}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a dialogue ended: `solved`, `rightly`, `needless`, `unhelped`, `misled`, `gave-up` or `limit`; merchant turns, questions asked, reason,
    milliseconds of each `step`, and the steps that the merchant was guided through."""

    end: str
    turns: int
    asked: int
    topic: str
    reason: Reason | None = None
    times: tuple[float, ...] = ()
    steps: frozenset[str] = frozenset()


def run(
    kb: KnowledgeBase, understand: Callable[[str, datetime], Understanding], dialogues: int, seed: int, strategies: Mapping[str, Strategy]
) -> dict[str, Any]:
    """The report: per strategy the shares of endings, turns and questions."""
    reading = _Reading(kb, understand)
    found = {name: [_dialogue(_merchant(reading, seed, number), reading, strategy) for number in range(dialogues)] for name, strategy in strategies.items()}
    return {"dialogues": dialogues, "seed": seed, "strategies": {name: _summary(endings) for name, endings in found.items()}}


class _Reading:
    """Understands each text once."""

    def __init__(self, kb: KnowledgeBase, understand: Callable[[str, datetime], Understanding]) -> None:
        self.kb, self._understand = kb, understand
        self._known: dict[str, Understanding] = {}
        self.vague = next((topic.phrasings for topic in kb.topics.values() if topic.kind is Kind.UNCLEAR), ("?",))
        self.troubles = [topic for topic in kb.topics.values() if topic.kind is Kind.TROUBLE and topic.causes and not topic.refuses]

    def of(self, text: str) -> Understanding:
        if text not in self._known:
            self._known[text] = self._understand(text, MORNING)
        return self._known[text]


def _merchant(reading: _Reading, seed: int, number: int) -> Merchant:
    chance, noise = Random(seed * 1_000_003 + number), Noise()
    topic = chance.choices(reading.troubles, [topic.weight for topic in reading.troubles])[0]
    cause = chance.choices(list(topic.causes.values()), [cause.weight for cause in topic.causes.values()])[0]
    return _with(reading, topic, cause, chance, noise)


def _with(reading: _Reading, topic: Topic, cause: Cause, chance: Random, noise: Noise) -> Merchant:
    """A merchant with this trouble, and a text of the topic that does not contradict the cause."""
    texts = chance.sample(topic.phrasings, min(12, len(topic.phrasings)))
    fitting = next((text for text in texts if not _contradicts(reading, topic, cause, text)), texts[0])
    merchant = Merchant(kb=reading.kb, topic=topic, cause=cause, text=fitting, chance=chance, noise=noise)
    merchant.answers.update({finding.answer.question: finding.answer.option for finding in reading.of(fitting).findings})
    return merchant


def _contradicts(reading: _Reading, topic: Topic, cause: Cause, text: str) -> bool:
    """Whether the text says something that this cause makes unlikely."""
    return any(_likelihood(cause, finding.answer) < 0.15 for finding in reading.of(text).findings)


def _likelihood(cause: Cause, answer: Answer) -> float:
    """What an editor wrote for this answer, neutral when nothing."""
    return cause.answers.get(answer.question, {}).get(answer.option, 1.0)


def unreached(kb: KnowledgeBase, understand: Callable[[str, datetime], Understanding]) -> dict[str, list[str]]:
    """By topic the steps that its causes name and that patient merchants are never guided to."""
    reading, found = _Reading(kb, understand), {}
    for topic in reading.troubles:
        named = {step for cause in topic.causes.values() for step in cause.fixes if step in kb.steps}
        for number, cause in enumerate(list(topic.causes.values()) * EACH):
            if topic.urgency is Urgency.U0 or not named:
                break
            named -= _dialogue(_with(reading, topic, cause, Random(number), PATIENT), reading, EXPECTED_COST).steps
        if named and topic.urgency is not Urgency.U0:
            found[topic.id] = sorted(named)
    return found


def _dialogue(merchant: Merchant, reading: _Reading, strategy: Strategy) -> Ending:
    """One conversation to its end."""
    kb, chance, noise = merchant.kb, Random(merchant.chance.random()), merchant.noise
    state, times = Conversation(), list[float]()
    event: Event = Said()
    vague = chance.random() < noise.vague
    heard: Understanding | None = reading.of(chance.choice(reading.vague) if vague else merchant.text)
    done: set[str] = set()
    while len(times) < MOST_EVENTS:
        start = perf_counter()
        decision = step(state, event, heard, kb, MORNING, strategy)
        times.append((perf_counter() - start) * 1000)
        state, before = decision.conversation, state
        done |= {doing.id for doing in [prompt.step(kb, state)] if doing}
        packet = next((effect.packet for effect in decision.effects if isinstance(effect, OpenTicket)), None)
        if packet:
            return _ended(merchant, before, state, times, done, packet.reason)
        if state.phase is Phase.RATING:
            return _left(merchant, state, times, done, "solved" if merchant.helped else "misled")
        move = _move(merchant, reading, state, chance)
        if move is None:
            return _left(merchant, state, times, done, "gave-up")
        event, heard = move
    return _left(merchant, state, times, done, "limit")


def _left(merchant: Merchant, state: Conversation, times: list[float], done: set[str], end: str) -> Ending:
    """An end without staff."""
    return Ending(end=end, turns=len(times), asked=len(state.asked), topic=merchant.topic.id, times=tuple(times), steps=frozenset(done))


def _ended(merchant: Merchant, before: Conversation, state: Conversation, times: list[float], done: set[str], reason: Reason) -> Ending:
    """A hand-over: right where staff are needed, or a hard rule demands it; needless where a step that was not tried would have helped."""
    right = merchant.topic.id in state.visited and (reason in {Reason.DANGER, Reason.FINDING, Reason.WAITING} or merchant.cause.staff is not None)
    tried = {step for step, _ in state.steps}
    numbers = model(merchant.kb, merchant.topic.id)
    known = set(state.findings)
    place = list(merchant.topic.causes).index(merchant.cause.id)
    open_steps = [step for step in numbers.fixes if step not in tried and (not numbers.requires[step] or numbers.requires[step] & known)]
    helps = any(numbers.fixes[step][place] >= HELPS for step in open_steps)
    end = "rightly" if right else "needless" if helps else "unhelped"
    return replace(_left(merchant, before, times, done, end), reason=reason)


def _move(merchant: Merchant, reading: _Reading, state: Conversation, chance: Random) -> tuple[Event, Understanding | None] | None:
    """What the merchant does next; None when giving up."""
    kb, noise = merchant.kb, merchant.noise
    if doing := prompt.step(kb, state):
        shown = prompt.question(kb, state)
        merchant.helped = merchant.helped or chance.random() < merchant.cause.fixes.get(doing.id, 0.01)
        if merchant.helped and f"step:{doing.id}=solved" in {choice.id for choice in prompt.choices(kb, state)}:
            return Chose(choice=f"step:{doing.id}=solved"), None
        if not merchant.helped and chance.random() < noise.quit_step:
            return None
        return (merchant.sees(shown) if shown else None) or Chose(choice=f"step:{doing.id}=failed"), None
    if asked := prompt.question(kb, state):
        if chance.random() < noise.quit_question:
            return None
        known = chance.random() >= noise.unknown
        return (merchant.sees(asked) if known else None) or Chose(choice=f"unknown:{asked.id}"), None
    if state.phase is Phase.COLLECTING:
        return Chose(choice="send"), None
    return _topic_move(merchant, reading, state, chance)


def _topic_move(merchant: Merchant, reading: _Reading, state: Conversation, chance: Random) -> tuple[Event, Understanding | None] | None:
    """Picking from what is offered, or saying it properly."""
    if merchant.topic.id in state.offered and state.phase is Phase.CHOOSING:
        return Chose(choice=f"topic:{merchant.topic.id}"), None
    if chance.random() < merchant.noise.quit_question:
        return None
    return Said(), reading.of(merchant.text if state.confusions == 1 else chance.choice(merchant.topic.phrasings))


def _summary(endings: list[Ending]) -> dict[str, Any]:
    count = len(endings)
    ends = Counter(ending.end for ending in endings)
    handed = sum(ends[end] for end in ("rightly", "needless", "unhelped"))
    times = sorted(time for ending in endings for time in ending.times)
    return {
        "success": round((ends["solved"] + ends["rightly"]) / count, 4),
        "turns": round(sum(ending.turns for ending in endings) / count, 2),
        "questions": round(sum(ending.asked for ending in endings) / count, 2),
        "needless_of_hand_overs": round(ends["needless"] / handed, 4) if handed else 0.0,
        "gave_up": round(ends["gave-up"] / count, 4),
        "ends": {end: round(number / count, 4) for end, number in sorted(ends.items())},
        "step_ms_p50": round(times[len(times) // 2], 3),
        "step_ms_p99": round(times[len(times) * 99 // 100], 3),
    }


__all__ = ["STRATEGIES", "Noise", "run"]
