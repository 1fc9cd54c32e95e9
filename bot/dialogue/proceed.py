"""The next move about a known topic: ask, guide, hand over, or end. The hard rules stand above all costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.conversation import Phase, put
from bot.domain.effects import Advise
from bot.domain.knowledge import Kind, Money, Urgency
from bot.domain.tickets import Reason, Result

from . import edit, handoff, money, prompt, render, staff, ticketing
from .collect import GENERAL
from .diagnose import Ask, Do, contradicting, model
from .turn import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.conversation import Conversation
    from bot.domain.knowledge import KnowledgeBase, TerminalType, Topic

    from .turn import Turn

LONG = 9
"""Turns about one topic after which staff take over, and after which no more details are asked for."""
IN_ROW = 4
LASTING = {"merchant_no", "merchant_name", "terminal_no", "sn", "pos_model", "contact_name"}
"""Details that stay true of a merchant."""
EXPLAINS = 0.6
"""Probability from which the likeliest cause is told to the merchant."""


def enter(state: Conversation, turn: Turn, topic: str, lead: Iterable[str] = (), *, named: bool = False) -> Decision:
    """Begin with a topic: what it is (unless `named` already), what to do at once, then the first move."""
    topic = leads_to(turn.kb, state, topic)
    entry = turn.kb.topics[topic]
    if entry.refuses and not handoff.in_danger(entry, state):
        return _refuse(fresh(state), turn, entry, lead)
    state = replace(state, parked=tuple(id for id in state.parked if id != topic))
    about = [entry.first_aid] if named and entry.causes else render.about(turn.kb, entry, turn.code)
    bubbles = [*lead, *ticketing.notices(state, turn, topic), *about]
    if entry.kind is Kind.ADVICE or not entry.causes:
        return Decision(conversation=replace(fresh(state), turns=0), effects=(Advise(topic=topic), turn.say(bubbles, (render.human(turn.kb),))))
    return advance(replace(fresh(state), topic=topic, visited=(*state.visited, topic), phase=Phase.DIAGNOSING), turn, bubbles)


def guided(state: Conversation, turn: Turn, topic: str, step: str, lead: Iterable[str]) -> Decision:
    """Begin with one step of a topic, which staff chose; with the topic as usual when what is known does not permit that step."""
    began = replace(state, topic=topic, visited=(topic,), phase=Phase.GUIDING, expecting=f"step:{step}")
    if not turn.kb.topics[topic].causes or _may_not(began, turn):
        return enter(state, turn, topic, lead, named=True)
    return _guide(began, turn, step, [*lead])


def destination(kb: KnowledgeBase, state: Conversation) -> str | None:
    """Another topic that an answer points to, unless it was there before."""
    topic = kb.topics[state.topic or ""]
    pointed = (id for id, answers in topic.elsewhere.items() if any((answer.question, answer.option) in state.findings for answer in answers))
    return next((id for id in pointed if id in kb.topics and id not in state.visited), None)


def leads_to(kb: KnowledgeBase, state: Conversation, topic: str) -> str:
    """Where a topic leads by what was said: to another one that an answer points to, else to itself."""
    return destination(kb, replace(state, topic=topic)) or topic


def _refuse(state: Conversation, turn: Turn, entry: Topic, lead: Iterable[str]) -> Decision:
    return Decision(conversation=replace(state, turns=0), effects=(turn.say([*lead, *refusal(turn, state, entry)], (render.human(turn.kb),)),))


def refusal(turn: Turn, state: Conversation, entry: Topic) -> list[str]:
    """Why it is not helped with, and what is legitimate: in this case when it is clear which one it is, else in all of them."""
    cause, share = handoff.likeliest(turn.kb, replace(state, topic=entry.id))[0]
    return [entry.first_aid, entry.causes[cause].why if share >= EXPLAINS else turn.words("refuse")]


def fresh(state: Conversation) -> Conversation:
    """The same merchant with no trouble at hand: what is known of the terminal and the transaction stays."""
    return replace(
        state, phase=Phase.IDLE, topic=None, expecting=None, left=None, odds=(), offered=(), asked=(), in_row=0, steps=(), explained=(), detailed=None,
        reasked=None, unknown=tuple(id for id in state.unknown if id == render.TERMINAL), skipped=(), collected=0, handing_over=None, confusions=0,
        closing=False,
    )  # fmt: skip


def over(state: Conversation) -> Conversation:
    """The trouble is over: what is remembered is the terminal, its numbers, and what was put aside."""
    findings = tuple(pair for pair in state.findings if pair[0] == render.TERMINAL)
    slots = tuple(pair for pair in state.slots if pair[0] in LASTING)
    return replace(
        fresh(state), visited=(), findings=findings, slots=slots, attachments=(), words="", waiting=False, angry=False, desperate=False, turns=0, undo=()
    )


def parking(state: Conversation, topic: str) -> Conversation:
    """The state with another trouble put aside for later."""
    return state if topic in state.parked else replace(state, parked=(*state.parked, topic))


def put_aside(state: Conversation, topic: str) -> Conversation:
    """The state with another trouble put aside that was just told: the amount and the time in that text belong to it."""
    return parking(edit.taken_back(state, GENERAL), topic)


def with_open_money(state: Conversation, turn: Turn) -> Conversation:
    """The state with its trouble put aside when it is about money of which nobody knows what became: it is not forgotten for something else."""
    return parking(state, state.topic) if state.topic is not None and money.is_open(turn.kb, state) else state


def advance(state: Conversation, turn: Turn, bubbles: Iterable[str] = ()) -> Decision:
    """The next move, said after `bubbles`; when it is the one that is open, only a reminder of it."""
    bubbles = [*bubbles]
    if decision := _ruled(state, turn, bubbles):
        return decision
    assert state.topic is not None
    numbers, known = model(turn.kb, state.topic), handoff.evidence(turn.kb, state)
    doubtful = contradicting(numbers, known)
    if doubtful and state.reasked is None and doubtful in state.asked and state.in_row < IN_ROW:
        state = replace(state, reasked=doubtful, findings=tuple(pair for pair in state.findings if pair[0] != doubtful))
        return _ask(state, turn, doubtful, [*bubbles, turn.words("conflict")])
    match turn.strategy.choose(numbers, known if state.in_row < IN_ROW else replace(known, weary=True), turn.strategy.knobs):
        case Ask(question):
            return _ask(replace(state, asked=(*state.asked, question)), turn, question, bubbles)
        case Do(step) if state.expecting == f"step:{step}":
            return again(state, turn, bubbles)
        case Do(step) if known.may_charge or step not in numbers.charging:
            return _guide(state, turn, step, bubbles)
        case _:
            return staff.hand_over(state, turn, Reason.EXHAUSTED, bubbles)


def _ruled(state: Conversation, turn: Turn, bubbles: list[str]) -> Decision | None:
    """What the hard rules decide before any cost is weighed: another topic, staff, or the end, because the money is known to have arrived."""
    topic = turn.kb.topics[state.topic or ""]
    if other := destination(turn.kb, state):
        return enter(state, turn, other, [*bubbles, turn.words("elsewhere", topic=turn.kb.topics[other].title)], named=True)
    if reason := must_hand_over(turn.kb, state):
        return staff.hand_over(state, turn, reason, bubbles)
    if money.comes_first(turn.kb, topic) and money.known(turn.kb, state) is Money.RECEIVED:
        return solved(state, turn, [*bubbles, turn.words("money-received")])
    return solved(state, turn, [*bubbles, turn.words("solved")]) if state.closing and not money.is_open(turn.kb, state) else None


def must_hand_over(kb: KnowledgeBase, state: Conversation) -> Reason | None:
    """The hard rules, the gravest first."""
    topic = kb.topics[state.topic or ""]
    if handoff.in_danger(topic, state):
        return Reason.DANGER
    if handoff.hand_over_finding(topic, state):
        return Reason.FINDING
    if state.waiting and money.is_open(kb, state) and (topic.urgency is Urgency.U1 or money.said(kb, state)):
        return Reason.WAITING
    return Reason.LONG if state.turns >= LONG else None


def again(state: Conversation, turn: Turn, bubbles: Iterable[str]) -> Decision:
    """A word, a reminder of the open prompt and its buttons once more; not for ever."""
    if state.topic is not None and state.phase in {Phase.CHOOSING, Phase.DIAGNOSING, Phase.GUIDING} and state.turns >= LONG:
        return staff.hand_over(state, turn, Reason.LONG, bubbles)
    if state.phase is Phase.COLLECTING and state.turns >= staff.MOST_TURNS:
        return staff.open_ticket(state, turn, bubbles)
    if _may_not(state, turn):
        state = replace(state, expecting=None)
    if state.expecting is None and state.topic is not None and state.phase in {Phase.DIAGNOSING, Phase.GUIDING}:
        return advance(state, turn, bubbles)
    if state.expecting is None and state.phase is Phase.COLLECTING:
        return staff.collect(state, turn, bubbles)
    return Decision(conversation=state, effects=(turn.say([*bubbles, prompt.reminder(turn.kb, state)], prompt.choices(turn.kb, state)),))


def resume(state: Conversation, turn: Turn, bubbles: Iterable[str]) -> Decision:
    """It is still the same trouble: the question that was open once more, or the next move, which is said in full."""
    left = replace(state, phase=Phase.DIAGNOSING, expecting=state.left, confusions=0)
    if prompt.step(turn.kb, left) is None and prompt.question(turn.kb, left):
        return again(left, turn, bubbles)
    return advance(replace(left, expecting=None), turn, bubbles)


def _may_not(state: Conversation, turn: Turn) -> bool:
    """Whether the open step charges again, and what is known by now does not permit it any more."""
    doing, topic = prompt.step(turn.kb, state), turn.kb.topics.get(state.topic or "")
    if doing is None or topic is None or not topic.causes:
        return False
    return doing.id in model(turn.kb, topic.id).charging and money.known(turn.kb, state) is not Money.NOT_TAKEN


def _ask(state: Conversation, turn: Turn, question: str, bubbles: list[str]) -> Decision:
    state = replace(state, phase=Phase.DIAGNOSING, expecting=f"question:{question}", in_row=state.in_row + 1)
    text = render.question_text(turn.kb.questions[question])
    return Decision(conversation=state, effects=(turn.say([*bubbles, text], prompt.choices(turn.kb, state)),))


def _guide(state: Conversation, turn: Turn, step: str, bubbles: list[str]) -> Decision:
    """The step, in the variant of the merchant's terminal if that is known; one that charges again begins with a last look."""
    state, why = _explain(state, turn)
    if step in model(turn.kb, state.topic or "").charging:
        why = [*why, turn.words("check-before-charge")]
    detailed = state.detailed == step
    text = render.step_text(turn.kb, turn.kb.steps[step], _terminal(turn.kb, state), detailed=detailed)
    state = replace(state, phase=Phase.GUIDING, expecting=f"step:{step}", in_row=0)
    return Decision(conversation=state, effects=(turn.say([*bubbles, *why, text], prompt.choices(turn.kb, state)),))


def _terminal(kb: KnowledgeBase, state: Conversation) -> TerminalType | None:
    return render.terminal_type(kb, dict(state.findings).get(render.TERMINAL))


def _explain(state: Conversation, turn: Turn) -> tuple[Conversation, list[str]]:
    """The likeliest cause in a sentence, once, when it is likely enough."""
    cause, share = handoff.likeliest(turn.kb, state)[0]
    if share < EXPLAINS or cause in state.explained or state.topic is None:
        return state, []
    why = turn.kb.topics[state.topic].causes[cause].why
    return replace(state, explained=(*state.explained, cause)), [turn.words("reason-why", why=why)]


def detail(state: Conversation, turn: Turn) -> Decision:
    """The merchant does not know how: the step for this type of terminal (asked for once), with all that there is to say; then it is laid aside."""
    doing = prompt.step(turn.kb, state)
    assert doing is not None
    known = render.TERMINAL in (*dict(state.findings), *state.asked, *state.unknown)
    asks_terminal = bool(doing.variants) and not known and render.TERMINAL in turn.kb.questions
    if state.detailed == doing.id or not (doing.detail or asks_terminal):
        return failed(state, turn, Result.UNABLE, [turn.words("step-unable")])
    if state.turns >= LONG:
        return staff.hand_over(state, turn, Reason.LONG)
    state = replace(state, detailed=doing.id)
    if asks_terminal:
        return _ask(replace(state, asked=(*state.asked, render.TERMINAL)), turn, render.TERMINAL, [turn.words("step-how")])
    text = render.step_text(turn.kb, doing, _terminal(turn.kb, state), detailed=True)
    return Decision(conversation=state, effects=(turn.say([turn.words("step-how"), text], prompt.choices(turn.kb, state)),))


def failed(state: Conversation, turn: Turn, result: Result, bubbles: Iterable[str]) -> Decision:
    """The open step did not help: that is evidence. Where the money comes first, a charge that failed again leaves it unclear again."""
    doing = prompt.step(turn.kb, state)
    if doing is None:
        return advance(state, turn, bubbles)
    state = replace(state, steps=put(state.steps, doing.id, result))
    numbers = model(turn.kb, state.topic or "")
    topic = turn.kb.topics[state.topic or ""]
    if result is Result.FAILED and doing.id in numbers.charging and money.comes_first(turn.kb, topic):
        state = replace(state, findings=tuple(pair for pair in state.findings if pair not in numbers.not_taken))
        bubbles = [*bubbles, turn.words("money-unclear")]
    return advance(state, turn, bubbles)


def solved(state: Conversation, turn: Turn, bubbles: Iterable[str] = ()) -> Decision:
    """The trouble is over: one tip that fits, and a rating. What the open step was is kept as what helped; `bubbles` say why it is over.

    A trouble about money is not over before somebody has said what became of the money: that is asked for once.
    """
    if not bubbles and not state.closing and money.is_open(turn.kb, state) and (asking := _ask_of_money(replace(state, closing=True), turn)):
        return asking
    if doing := prompt.step(turn.kb, state):
        state = replace(state, steps=put(state.steps, doing.id, Result.SOLVED))
    tip = _tip(turn.kb, state)
    told = [*bubbles] or [turn.words("solved")]
    state = replace(state, phase=Phase.RATING, expecting=prompt.RATING)
    bubbles = [*told, turn.words("prevention", tip=tip) if tip else "", turn.words("rating-ask")]
    return Decision(conversation=state, effects=(turn.say(bubbles, prompt.choices(turn.kb, state)),))


def _ask_of_money(state: Conversation, turn: Turn) -> Decision | None:
    """Before a trouble about money is closed: what the open step shows, or the first question about it; None when there is nothing left to ask."""
    shown = prompt.question(turn.kb, state)
    if shown and shown.money:
        return again(state, turn, [turn.words("what-shows")])
    question = money.open_question(turn.kb, state) if state.in_row < IN_ROW else None
    return _ask(replace(state, asked=(*state.asked, question)), turn, question, [turn.words("what-shows")]) if question else None


def _tip(kb: KnowledgeBase, state: Conversation) -> str:
    """The prevention advice that shares most with the likeliest cause; the first one when none does."""
    topic = kb.topics.get(state.topic or "")
    if topic is None or not topic.prevent:
        return ""
    causes = handoff.likeliest(kb, state)
    about = topic.causes[causes[0][0]] if causes else None
    pairs = _pairs(about.title + about.why) if about else set()
    return max(topic.prevent, key=lambda tip: len(pairs & _pairs(tip)))


def _pairs(text: str) -> set[str]:
    return {text[start : start + 2] for start in range(len(text) - 1)}
