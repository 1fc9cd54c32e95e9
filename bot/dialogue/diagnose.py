"""Which question or step helps most: decision-theoretic troubleshooting (Heckerman, Breese & Rommelse 1995).

Causes have a posterior: base rate × P(answers | cause) × (1 − fix) for every step that did not help. With one fault, steps are best in the order of
P(fix) / cost. A question is worth asking when it lowers the expected cost of repair (ECR) by more than it costs. All costs are the merchant's minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import log
from operator import mul
from typing import TYPE_CHECKING, TypeAlias

from bot.domain.knowledge import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bot.domain.knowledge import KnowledgeBase, Topic

WRONG = 0.08
"""Share of answers that are wrong: one of them never kills a cause. 0.2 and 0 were worse in simulation."""
USELESS = 0.9
"""How much of a fix's likelihood a failed step takes away."""
ELSEWHERE = 0.01
"""P(fix) of a step that a cause does not name."""
KNOWN = 0.85
"""Share of merchants who can answer; each 不知道 makes equally hard questions less attractive by a fifth."""
CONFLICT = 0.7
"""Answers that contradict each other more than this (Jensen's conflict measure, in nats) are worth asking again."""

Shares: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What may be tuned. Costs in minutes, `rightly` that of a hand-over where staff are needed anyway; losses are the chance that a merchant gives up after
    a question or a failed step. Found with `posbot kb simulate`: dearer hand-overs are needless less often, dearer steps make more of them.
    """

    hand_over: float = 120.0
    rightly: float = 40.0
    turn: float = 0.7
    question_loss: float = 0.025
    step_loss: float = 0.04
    most_questions: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One topic in numbers: per cause the base rate, per question and option P(answer | cause), per step P(fix | cause) and what `remains`
    of a cause after it.

    `rows` stand in the order of the list of all questions, `askable` in the topic's own. `charging` are the steps that charge the customer again;
    `not_taken` the answers by which he was not charged, which permit them. `shown` are the questions that steps which only look would answer.
    """

    causes: tuple[str, ...]
    prior: Shares
    rows: Mapping[str, Mapping[str, Shares]]
    askable: tuple[str, ...]
    question_effort: Mapping[str, float]
    fixes: Mapping[str, Shares]
    remains: Mapping[str, Shares]
    step_effort: Mapping[str, float]
    requires: Mapping[str, frozenset[tuple[str, str]]]
    charging: frozenset[str]
    not_taken: frozenset[tuple[str, str]]
    shown: Mapping[str, str]
    ends: frozenset[tuple[str, str]]
    needs_staff: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about one trouble: answers by question, questions that may not be asked (again), steps that were done. `weary`: no more questions;
    `may_charge`: taking everything together, the customer was not charged.
    """

    findings: Mapping[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    done: frozenset[str] = frozenset()
    asked: int = 0
    weary: bool = False
    may_charge: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask this question."""

    question: str


@dataclass(frozen=True, slots=True)
class Do:
    """Let the merchant do this step."""

    step: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Nothing is worth trying."""


Action: TypeAlias = Ask | Do | HandOver


@lru_cache(maxsize=64)
def model(kb: KnowledgeBase, topic: str) -> Model:
    """The numbers of a topic. Kept for about two knowledge bases, because every turn needs them."""
    entry = kb.topics[topic]
    weights = [cause.weight for cause in entry.causes.values()]
    prior = tuple(weight / sum(weights) for weight in weights)
    telling = {id for cause in entry.causes.values() for id in cause.answers}
    questions = [id for id in kb.questions if id in telling]
    steps = [id for id in dict.fromkeys(step for cause in entry.causes.values() for step in cause.fixes) if id in kb.steps]
    fixes = {id: tuple(cause.fixes.get(id, ELSEWHERE) for cause in entry.causes.values()) for id in steps}
    requires = {id: frozenset((answer.question, answer.option) for answer in kb.steps[id].requires) for id in steps}
    not_taken = frozenset((id, option) for id, question in kb.questions.items() for option, money in question.money.items() if money is Money.NOT_TAKEN)
    return Model(
        causes=tuple(entry.causes),
        prior=prior,
        rows={id: _rows(entry, prior, id, tuple(kb.questions[id].options)) for id in questions},
        askable=tuple(id for id in entry.questions if id in questions),
        question_effort={id: kb.questions[id].effort for id in questions},
        fixes=fixes,
        remains={id: tuple(1 - fix for fix in shares) for id, shares in fixes.items()},
        step_effort={id: kb.steps[id].effort for id in steps},
        requires=requires,
        charging=frozenset(id for id, answers in requires.items() if answers & not_taken),
        not_taken=not_taken,
        shown={id: then for id in steps if kb.steps[id].only_looks and (then := kb.steps[id].then)},
        ends=frozenset((answer.question, answer.option) for answer in (*entry.hand_over_now, *entry.danger)),
        needs_staff=tuple(cause.staff is not None for cause in entry.causes.values()),
    )


def _rows(topic: Topic, prior: Shares, question: str, options: tuple[str, ...]) -> Mapping[str, Shares]:
    """P(option | cause) by option. A cause that says nothing of a question answers it like the average of the others, half way to evenly."""
    written = [_row(cause.answers.get(question, {}), options) for cause in topic.causes.values()]
    known = [(share, row) for share, row in zip(prior, written, strict=True) if row]
    total = sum(share for share, _ in known)
    usual = [0.5 * sum(share * row[number] for share, row in known) / total + 0.5 / len(options) for number in range(len(options))]
    rows = [row or usual for row in written]
    return {option: tuple((1 - WRONG) * row[number] + WRONG / len(options) for row in rows) for number, option in enumerate(options)}


def _row(likelihoods: Mapping[str, float], options: tuple[str, ...]) -> list[float]:
    """A distribution over the options: what is left over goes to those that the editor did not write. Empty when nothing is written."""
    written = {option: likelihoods[option] for option in options if option in likelihoods}
    if not written:
        return []
    total = sum(written.values())
    rest = len(options) - len(written)
    scale = min(1.0, 0.97 / total) if rest else 1 / total
    left = (1 - total * scale) / rest if rest else 0.0
    return [written[option] * scale if option in written else left for option in options]


def posterior(model: Model, evidence: Evidence) -> list[float]:
    """The probability of each cause; it sums to 1."""
    shares = list(model.prior)
    for question, option in evidence.findings.items():
        if row := model.rows.get(question, {}).get(option):
            shares = [share * likelihood for share, likelihood in zip(shares, row, strict=True)]
    for step in sorted(evidence.done):  # products of floats depend on their order
        if fixes := model.fixes.get(step):
            shares = [share * (1 - USELESS * fix) for share, fix in zip(shares, fixes, strict=True)]
    total = sum(shares)
    return [share / total for share in shares]


def contradicting(model: Model, evidence: Evidence) -> str | None:
    """The question that is best asked again because its answer contradicts the others, None when the answers agree.

    Jensen's conflict measure is log(Π P(answer) / P(answers)): positive when the answers are less likely together than apart.
    """
    answers = {question: row for question, option in evidence.findings.items() if (row := model.rows.get(question, {}).get(option))}
    if len(answers) < 2 or _conflict(model.prior, answers.values()) <= CONFLICT:
        return None
    without = {left: _conflict(model.prior, [row for question, row in answers.items() if question != left]) for left in answers}
    return min(without, key=without.__getitem__)


def _conflict(prior: Shares, rows: Iterable[Shares]) -> float:
    joint, apart = list(prior), 0.0
    for row in rows:
        apart += log(sum(share * likelihood for share, likelihood in zip(prior, row, strict=True)))
        joint = [share * likelihood for share, likelihood in zip(joint, row, strict=True)]
    return apart - log(sum(joint))


def cheapest(model: Model, evidence: Evidence, knobs: Knobs) -> Action:
    """The policy of the product: the question, the step or the hand-over with the least expected cost of repair."""
    shares = posterior(model, evidence)
    question = best_question(model, evidence, shares, knobs)
    return Ask(question) if question else best_step(model, evidence, shares, knobs)


def best_question(model: Model, evidence: Evidence, shares: Sequence[float], knobs: Knobs) -> str | None:
    """The question that lowers the expected cost most, if by more than it costs."""
    if evidence.weary or evidence.asked >= knobs.most_questions:
        return None
    now = _repair_cost(model, shares, _available(model, evidence, None), knobs)
    best, most = None, 0.0
    for question in model.askable:
        if question in evidence.findings or question in evidence.closed:
            continue
        gain = _answerable(model, evidence, question) * (now - _cost_after(model, evidence, shares, question, knobs))
        gain -= model.question_effort[question] + knobs.turn + knobs.question_loss * knobs.hand_over
        if gain > most:
            best, most = question, gain
    return best


def _answerable(model: Model, evidence: Evidence, question: str) -> float:
    """How likely the merchant knows the answer, given what was not known before."""
    harder = sum(model.question_effort.get(other, 0.0) <= model.question_effort[question] for other in evidence.unknown)
    return float(KNOWN * 0.8**harder)


def _cost_after(model: Model, evidence: Evidence, shares: Sequence[float], question: str, knobs: Knobs) -> float:
    """The expected cost of repair when the answer to the question is known."""
    cost = 0.0
    for option, row in model.rows[question].items():
        joint = list(map(mul, shares, row))
        if (question, option) in model.ends:
            cost += _hand_over_cost(model, joint, knobs)
        else:
            cost += _repair_cost(model, joint, _available(model, evidence, (question, option)), knobs)
    return cost


def _available(model: Model, evidence: Evidence, supposed: tuple[str, str] | None) -> list[str]:
    """Steps that were not done and whose conditions are met, by what is known and what is supposed to be answered."""
    known = {*evidence.findings.items(), *([supposed] if supposed else ())}
    seen = {question for question, _ in known}
    may_charge = evidence.may_charge or supposed in model.not_taken
    untried = (step for step in model.fixes if step not in evidence.done and model.shown.get(step) not in seen)
    return [step for step in untried if _is_open(model, step, known, may_charge=may_charge)]


def _is_open(model: Model, step: str, known: set[tuple[str, str]], *, may_charge: bool) -> bool:
    """Whether a step's conditions are met. Money first: one that charges again needs more than an answer, nothing that is known may speak against it."""
    return (not model.requires[step] or bool(model.requires[step] & known)) and (may_charge or step not in model.charging)


def _hand_over_cost(model: Model, joint: Sequence[float], knobs: Knobs) -> float:
    """What handing over costs: less where staff are needed anyway."""
    return float(sum(map(mul, joint, _hand_over_costs(model.needs_staff, knobs))))


@lru_cache(maxsize=256)
def _hand_over_costs(needs_staff: tuple[bool, ...], knobs: Knobs) -> Shares:
    """The same for each cause."""
    return tuple(knobs.rightly if needed else knobs.hand_over for needed in needs_staff)


def _repair_cost(model: Model, joint: Sequence[float], steps: list[str], knobs: Knobs) -> float:
    """Expected cost to the end: steps in the order of P(fix) / cost, and handing over when a step is worth less than it costs. `joint` need not sum to 1."""
    left, cost, given_up = list(steps), 0.0, _hand_over_cost(model, joint, knobs)
    while left:
        step, price, fixed = _most_worth(model, joint, left, knobs)
        after = list(map(mul, joint, model.remains[step]))
        given_up_after = _hand_over_cost(model, after, knobs)
        if given_up - given_up_after <= price or fixed <= 0:
            break
        cost, joint, given_up = cost + price, after, given_up_after
        left.remove(step)
    return cost + given_up


def _most_worth(model: Model, joint: Sequence[float], steps: list[str], knobs: Knobs) -> tuple[str, float, float]:
    """(step, its price, probability that it fixes) with the best ratio."""
    mass, loss, fixes, effort = sum(joint), knobs.step_loss * knobs.hand_over, model.fixes, model.step_effort
    best, best_price, best_fixed = "", 1.0, -1.0
    for step in steps:
        fixed = sum(map(mul, joint, fixes[step]))
        price = (effort[step] + knobs.turn) * mass + loss * (mass - fixed)
        if fixed * best_price > best_fixed * price:
            best, best_price, best_fixed = step, price, fixed
    return best, best_price, best_fixed


def best_step(model: Model, evidence: Evidence, shares: Sequence[float], knobs: Knobs) -> Action:
    """The step that is worth most, or handing over when none is worth its cost."""
    steps = _available(model, evidence, None)
    if not steps:
        return HandOver()
    step, price, _ = _most_worth(model, shares, steps, knobs)
    after = list(map(mul, shares, model.remains[step]))
    saved = _hand_over_cost(model, shares, knobs) - _hand_over_cost(model, after, knobs)
    return Do(step) if saved > price else HandOver()


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How the next move is chosen, and with which costs."""

    choose: Callable[[Model, Evidence, Knobs], Action]
    knobs: Knobs


EXPECTED_COST = Strategy(choose=cheapest, knobs=Knobs())
"""The product's strategy; `posbot kb simulate` sets it beside others."""
