"""The life of a ticket: what staff may do when, what the merchant hears, what the clocks do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue import deadlines, prompt
from bot.dialogue.step import step
from bot.domain.calendar import Calendar
from bot.domain.conversation import Conversation, Phase
from bot.domain.desk import Desk, Notice
from bot.domain.effects import Answer, Log, Note, OpenTicket, Say
from bot.domain.events import Acted, Chose, Said, Silent
from bot.domain.knowledge import Urgency
from bot.domain.tickets import ACTIVE, TRANSITIONS, Act, Actor, Status, Ticket

from .stage import Stage

if TYPE_CHECKING:
    from bot.app import Mind
    from bot.dialogue.turn import Decision

NOW = datetime(2026, 11, 25, 10)  # noqa: DTZ001  (the merchant's wall clock)
WANG, LI = Actor(login="wang", name="小王"), Actor(login="li", name="小李")
LEAD = Actor(login="zhao", name="赵姐", leads=True)
TICKET = Ticket(
    number="1125-00001", urgency=Urgency.U2, reason="wish", group="tech", topic="connectivity", opened=NOW.isoformat(), running=NOW.isoformat(),
    waiting=NOW.isoformat(),
)  # fmt: skip
STATE = Conversation(id="c", phase=Phase.WITH_STAFF, topic="connectivity", ticket=TICKET, tickets=1)
OFFICE = Calendar(hours=(((time(9), time(18)),),) * 5 + ((), ()))


def does(mind: Mind, state: Conversation, actor: Actor, act: Act, **more: Any) -> Decision:
    event = Acted(actor=actor, act=act, number=TICKET.number, **more)
    return step(state, event, None, mind.kb, NOW)


def log(decision: Decision) -> Log:
    return next(effect for effect in decision.effects if isinstance(effect, Log))


def said(decision: Decision) -> str:
    return "\n".join(bubble for effect in decision.effects if isinstance(effect, Say) for bubble in effect.reply.bubbles)


def ticket(decision: Decision) -> Ticket:
    assert decision.conversation.ticket is not None
    return decision.conversation.ticket


def test_the_first_who_takes_it_has_it_and_the_second_learns_who_was_first(mind: Mind) -> None:
    first = does(mind, STATE, WANG, Act.TAKE)
    assert (ticket(first).status, ticket(first).owner) == (Status.TAKEN, "wang")
    assert "小王" in said(first)
    second = does(mind, first.conversation, LI, Act.TAKE)
    assert ticket(second).owner == "wang"
    assert not log(second).done
    assert dict(log(second).detail) == {"why": "taken", "owner": "wang", "name": "小王"}
    assert said(second) == ""


def test_who_answers_an_open_ticket_takes_it(mind: Mind) -> None:
    decision = does(mind, STATE, WANG, Act.REPLY, text="您好，我在看")
    assert (ticket(decision).status, ticket(decision).owner, ticket(decision).waiting) == (Status.TAKEN, "wang", None)
    assert [effect.text for effect in decision.effects if isinstance(effect, Answer)] == ["您好，我在看"]


@pytest.mark.parametrize("act", [Act.REPLY, Act.SOLVE, Act.RELEASE, Act.WAIT_ACQUIRER, Act.CLOSE, Act.HAND_BACK])
def test_only_the_owner_or_a_lead_acts_on_a_ticket_that_is_taken(mind: Mind, act: Act) -> None:
    taken = does(mind, STATE, WANG, Act.TAKE).conversation
    more: dict[str, Any] = {"text": "好", "to": "connectivity"}
    assert dict(log(does(mind, taken, LI, act, **more)).detail)["why"] == "owner"
    assert log(does(mind, taken, LEAD, act, **more)).done
    assert log(does(mind, taken, WANG, act, **more)).done


def test_a_note_is_never_told_to_the_merchant(mind: Mind) -> None:
    decision = does(mind, STATE, LI, Act.NOTE, text="像是双扣")
    assert [effect.text for effect in decision.effects if isinstance(effect, Note)] == ["像是双扣"]
    assert not any(isinstance(effect, Say | Answer) for effect in decision.effects)


@pytest.mark.parametrize(
    ("act", "more"),
    [
        (Act.REPLY, {}), (Act.NOTE, {}), (Act.MOVE, {"to": "nobody"}), (Act.MISROUTE, {"to": "nothing"}), (Act.URGENCY, {"to": "U9"}),
        (Act.HAND_BACK, {"to": "connectivity/no-such-step"}), (Act.ASSIGN, {}), (Act.FACTS, {"facts": (("nothing", "1"),)}),
    ],
)  # fmt: skip
def test_what_is_missing_or_unknown_is_refused(mind: Mind, act: Act, more: dict[str, Any]) -> None:
    decision = does(mind, STATE, WANG, act, **more)
    assert dict(log(decision).detail)["why"] == "what"
    assert decision.conversation == STATE


def test_a_ticket_of_before_is_gone(mind: Mind) -> None:
    event = Acted(actor=WANG, act=Act.TAKE, number="1124-00009")
    decision = step(STATE, event, None, mind.kb, NOW)
    assert (decision.conversation, dict(log(decision).detail)["why"]) == (STATE, "gone")


@pytest.mark.parametrize(("waiting", "heard"), [(1, "前面没人"), (3, "2")])
def test_nobody_waits_for_his_own_ticket(mind: Mind, waiting: int, heard: str) -> None:
    """The queue counts the ticket that is asked about."""
    decision = step(STATE, Chose(choice="progress"), None, mind.kb, NOW, at_desk=Desk(waiting={TICKET.group: waiting}))
    assert heard in said(decision)


@pytest.mark.parametrize(
    ("urgency", "on_duty", "heard"),
    [(Urgency.U2, (WANG,), "同事下班了"), (Urgency.U1, (), "同事下班了"), (Urgency.U1, (WANG,), "前面没人")],
)
def test_at_night_nobody_is_promised_who_is_not_there(mind: Mind, urgency: Urgency, on_duty: tuple[Actor, ...], heard: str) -> None:
    desk, night = Desk(calendar=OFFICE, on_duty={TICKET.group: on_duty}), NOW.replace(hour=22)
    state = replace(STATE, ticket=replace(TICKET, urgency=urgency))
    assert heard in said(step(state, Chose(choice="progress"), None, mind.kb, night, at_desk=desk))


def test_solved_by_staff_can_be_denied_by_the_merchant(mind: Mind) -> None:
    solved = does(mind, STATE, WANG, Act.SOLVE, text="已冲正", facts=(("cause", "sim"), ("bot_right", "yes")))
    assert (ticket(solved).status, ticket(solved).cause, ticket(solved).bot_right) == (Status.SOLVED, "sim", "yes")
    choices = [choice.id for effect in solved.effects if isinstance(effect, Say) for choice in effect.reply.choices]
    assert "unsolved" in choices
    again = step(solved.conversation, Chose(choice="unsolved"), None, mind.kb, NOW + timedelta(hours=1))
    assert (ticket(again).status, ticket(again).owner, again.conversation.phase) == (Status.TAKEN, "wang", Phase.WITH_STAFF)


def test_after_a_week_a_solved_ticket_is_closed_and_stays_so(mind: Mind) -> None:
    solved = does(mind, STATE, WANG, Act.SOLVE).conversation
    closed = step(solved, Silent(), None, mind.kb, NOW + timedelta(days=7))
    assert ticket(closed).status is Status.CLOSED
    assert ticket(step(closed.conversation, Chose(choice="unsolved"), None, mind.kb, NOW + timedelta(days=7))).status is Status.CLOSED


@pytest.mark.parametrize(("ticket_is", "to"), [(Urgency.U0, "printer"), (Urgency.U0, "device"), (Urgency.U1, "fraud-victim")])
def test_in_danger_the_bot_does_not_go_on_by_itself(mind: Mind, ticket_is: Urgency, to: str) -> None:
    state = replace(STATE, ticket=replace(TICKET, urgency=ticket_is))
    decision = does(mind, state, WANG, Act.HAND_BACK, to=to)
    assert (decision.conversation, dict(log(decision).detail)["why"]) == (state, "danger")


def test_in_danger_the_bot_says_the_step_that_staff_chose_and_no_other(mind: Mind) -> None:
    state = replace(STATE, ticket=replace(TICKET, urgency=Urgency.U0))
    guiding = does(mind, state, WANG, Act.HAND_BACK, to="printer/clean-printer")
    assert (ticket(guiding).with_bot, guiding.conversation.phase) == (True, Phase.GUIDING)
    back = step(guiding.conversation, Chose(choice="step:clean-printer=failed"), None, mind.kb, NOW)
    assert (ticket(back).status, ticket(back).with_bot, back.conversation.phase) == (Status.TAKEN, False, Phase.WITH_STAFF)


def test_a_danger_that_staff_call_over_does_not_stop_the_bot(mind: Mind) -> None:
    smokes = next((answer.question, answer.option) for answer in mind.kb.topics["device"].danger)
    state = replace(STATE, ticket=replace(TICKET, urgency=Urgency.U0), desperate=True, findings=(smokes,))
    judged = does(mind, state, WANG, Act.URGENCY, to=Urgency.U2).conversation
    assert (judged.findings, judged.desperate) == ((), False)
    guiding = does(mind, judged, WANG, Act.HAND_BACK, to="device")
    assert (ticket(guiding).with_bot, guiding.conversation.topic) == (True, "device")


@pytest.mark.parametrize("words", ["机器冒烟了", "我不想活了"])
def test_danger_that_staff_hear_of_makes_their_ticket_urgent_each_time(mind: Mind, words: str) -> None:
    stage = Stage(mind)
    stage.state = replace(STATE, acknowledged=True)
    for _ in range(2):
        answer = stage.says(words)
        assert stage.state.ticket is not None
        assert (stage.state.ticket.urgency, "断电" in answer or "110" in answer) == (Urgency.U0, True)
        event = Acted(actor=WANG, act=Act.HAND_BACK, number=TICKET.number, to="connectivity")
        assert dict(log(step(stage.state, event, None, mind.kb, NOW)).detail)["why"] == "danger"
        judged = step(stage.state, replace(event, act=Act.URGENCY, to=Urgency.U2), None, mind.kb, NOW)
        stage.state = judged.conversation
        assert log(step(stage.state, event, None, mind.kb, NOW)).done


def test_a_danger_while_the_bot_guides_makes_the_ticket_urgent(mind: Mind) -> None:
    guiding = does(mind, STATE, WANG, Act.HAND_BACK, to="device").conversation
    answer = next(answer for answer in mind.kb.topics["device"].danger)
    asked = replace(guiding, phase=Phase.DIAGNOSING, expecting=f"question:{answer.question}", asked=(answer.question,))
    back = step(asked, Chose(choice=f"option:{answer.question}={answer.option}"), None, mind.kb, NOW)
    assert (ticket(back).urgency, ticket(back).with_bot) == (Urgency.U0, False)


def test_the_bot_guides_for_staff_and_comes_back(mind: Mind) -> None:
    guiding = does(mind, STATE, WANG, Act.HAND_BACK, to="printer")
    assert (ticket(guiding).status, ticket(guiding).with_bot) == (Status.WAITING_MERCHANT, True)
    assert guiding.conversation.phase in {Phase.DIAGNOSING, Phase.GUIDING}
    back = step(guiding.conversation, Chose(choice="human"), None, mind.kb, NOW)
    while back.conversation.phase is Phase.COLLECTING:
        back = step(back.conversation, Chose(choice="send"), None, mind.kb, NOW)
    assert (ticket(back).number, ticket(back).status, ticket(back).owner) == (TICKET.number, Status.TAKEN, "wang")
    assert any(isinstance(effect, OpenTicket) for effect in back.effects)


def test_reminders_come_at_half_and_at_all_of_the_time_then_to_the_leads(mind: Mind) -> None:
    desk = Desk(calendar=OFFICE)
    marks, state, now = [], STATE, NOW
    for _ in range(6):
        moment = deadlines.next_moment(state.ticket or TICKET, mind.kb, desk, now)
        assert moment is not None
        now = max(now, moment)
        assert OFFICE.is_open(now)
        decision = step(state, Silent(), None, mind.kb, now, at_desk=desk)
        state = decision.conversation
        marks += ["-".join(value for _, value in effect.detail[:2]) for effect in decision.effects if isinstance(effect, Log)]
    assert marks == ["response-half", "response-due", "response-leads", "solution-half", "solution-due", "solution-leads"]


@pytest.mark.parametrize(
    ("urgency", "opened", "reminded"),
    [
        (Urgency.U2, "2026-11-25T17:15", "2026-11-25T17:45"),
        (Urgency.U2, "2026-11-25T17:30", "2026-11-26T09:00"),  # half of the time ends with the day
        (Urgency.U2, "2026-11-27T17:30", "2026-11-30T09:00"),
        (Urgency.U1, "2026-11-28T03:00", "2026-11-28T03:15"),
    ],
)
def test_nobody_is_reminded_out_of_hours(mind: Mind, urgency: Urgency, opened: str, reminded: str) -> None:
    """Nor by a clock that looks too late, because nothing was running: it looks again when somebody is there."""
    desk, late = Desk(calendar=OFFICE), replace(TICKET, urgency=urgency, opened=opened, running=opened)
    moment = datetime.fromisoformat
    assert deadlines.next_moment(late, mind.kb, desk, moment(opened)) == moment(reminded)
    night = moment("2026-12-01T23:00")
    decision = step(replace(STATE, ticket=late), Silent(), None, mind.kb, night, at_desk=desk)
    assert bool(ticket(decision).reminded) is (urgency is Urgency.U1)
    if urgency is Urgency.U2:
        assert deadlines.next_moment(ticket(decision), mind.kb, desk, night) == moment("2026-12-02T09:00")


@pytest.mark.parametrize(
    ("opened", "urgency", "by"),
    [
        ("2026-11-27T17:30", Urgency.U2, "2026-11-30T09:30"),  # over a weekend
        ("2026-11-28T03:00", Urgency.U0, "2026-11-28T03:02"),  # danger at night
        ("2026-11-27T17:30", Urgency.U3, "2026-11-30T12:30"),
    ],
)
def test_time_counts_while_staff_work_but_for_the_most_urgent(mind: Mind, opened: str, urgency: Urgency, by: str) -> None:
    late = replace(TICKET, opened=opened, running=opened, urgency=urgency)
    assert deadlines.respond_by(late, mind.kb, Desk(calendar=OFFICE)) == datetime.fromisoformat(by)


def test_the_clock_of_the_solution_stands_still_while_the_merchant_has_to_do_something(mind: Mind) -> None:
    desk = Desk(calendar=OFFICE)
    before = deadlines.solve_by(TICKET, mind.kb, desk)
    waits = deadlines.entered(TICKET, Status.WAITING_MERCHANT, NOW + timedelta(hours=1), mind.kb, desk)
    assert deadlines.solve_by(waits, mind.kb, desk) is None
    goes_on = deadlines.entered(waits, Status.TAKEN, NOW + timedelta(hours=3), mind.kb, desk)
    after_pause = deadlines.solve_by(goes_on, mind.kb, desk)
    assert before is not None
    assert after_pause == before + timedelta(hours=2)


def test_an_owner_who_lets_the_merchant_wait_loses_the_ticket(mind: Mind) -> None:
    taken = does(mind, STATE, WANG, Act.TAKE).conversation
    left = step(taken, Silent(), None, mind.kb, NOW + timedelta(minutes=31), at_desk=Desk())
    assert (ticket(left).status, ticket(left).owner) == (Status.OPEN, None)


def test_an_operator_decides_how_long_an_owner_may_be_silent(mind: Mind) -> None:
    taken, desk = does(mind, STATE, WANG, Act.TAKE).conversation, Desk(release=timedelta(minutes=5))
    assert ticket(step(taken, Silent(), None, mind.kb, NOW + timedelta(minutes=4), at_desk=desk)).owner == "wang"
    assert ticket(step(taken, Silent(), None, mind.kb, NOW + timedelta(minutes=6), at_desk=desk)).owner is None


def test_an_operator_decides_for_how_long_a_ticket_is_opened_again(mind: Mind) -> None:
    solved, desk = does(mind, STATE, WANG, Act.SOLVE).conversation, Desk(reopen=timedelta(days=2))
    again = step(solved, Chose(choice="unsolved"), None, mind.kb, NOW + timedelta(days=1), at_desk=desk)
    assert ticket(again).status is Status.TAKEN
    assert ticket(step(solved, Silent(), None, mind.kb, NOW + timedelta(days=2), at_desk=desk)).status is Status.CLOSED


@pytest.mark.parametrize(("assigns", "owner"), [(False, None), (True, "wang")])
def test_an_operator_decides_whether_tickets_are_given_out(mind: Mind, assigns: bool, owner: str | None) -> None:
    desk = Desk(assigns=assigns, on_duty=dict.fromkeys(mind.kb.groups, (WANG, LI)))
    state = step(Conversation(), Chose(choice="human"), None, mind.kb, NOW, at_desk=desk).conversation
    assert ticket(step(state, Chose(choice="send"), None, mind.kb, NOW, at_desk=desk)).owner == owner


@pytest.mark.parametrize(("pace", "heard"), [(10, "大约 20 分钟"), (30, "大约 60 分钟")])
def test_an_operator_decides_how_long_a_ticket_takes(mind: Mind, pace: int, heard: str) -> None:
    desk = Desk(waiting={TICKET.group: 3}, pace=timedelta(minutes=pace))
    assert heard in said(step(STATE, Chose(choice="progress"), None, mind.kb, NOW, at_desk=desk))


@pytest.mark.parametrize(
    ("status", "text", "heard"),
    [
        (Status.OPEN, "", "先办到这里"), (Status.TAKEN, "", "先办到这里"), (Status.WAITING_MERCHANT, "", "没等到您"), (Status.TAKEN, "查过了", ""),
        (Status.SOLVED, "", ""),
    ],
)  # fmt: skip
def test_nobody_is_left_waiting_for_a_ticket_that_is_closed(mind: Mind, status: Status, text: str, heard: str) -> None:
    owner = None if status is Status.OPEN else "wang"
    state = replace(STATE, ticket=replace(TICKET, status=status, owner=owner, solved=NOW.isoformat() if status is Status.SOLVED else None))
    told = said(does(mind, state, WANG, Act.CLOSE, text=text))
    assert heard in told
    assert bool(told) is bool(heard)


def test_another_urgency_has_reminders_of_its_own(mind: Mind) -> None:
    state = replace(STATE, ticket=replace(TICKET, reminded=("response-half", "response-due")))
    assert ticket(does(mind, state, WANG, Act.URGENCY, to="U0")).reminded == ()


def test_what_is_still_broken_after_the_rating_opens_the_ticket_again(mind: Mind) -> None:
    """As long as it can be opened again; later it is a new one, which links to the old."""
    solved = does(mind, STATE, WANG, Act.SOLVE).conversation
    rated = step(solved, Chose(choice="rate:5"), None, mind.kb, NOW).conversation
    assert rated.phase is Phase.IDLE
    again = hears(mind, rated, "还是不行", NOW + timedelta(days=2), Desk())
    assert (ticket(again).number, ticket(again).status) == (TICKET.number, Status.TAKEN)
    late = step(rated, Silent(), None, mind.kb, NOW + timedelta(days=8)).conversation
    state = step(late, Chose(choice="human"), None, mind.kb, NOW + timedelta(days=8)).conversation
    fresh = step(state, Chose(choice="send"), None, mind.kb, NOW + timedelta(days=8))
    assert (ticket(fresh).number != TICKET.number, ticket(fresh).previous) == (True, TICKET.number)


@pytest.mark.parametrize(("alike", "owners"), [(1, {"wang"}), (2, {"wang", "li"})])
def test_tickets_that_come_at_once_are_shared_among_those_who_have_equally_few(mind: Mind, alike: int, owners: set[str]) -> None:
    desk = Desk(assigns=True, on_duty=dict.fromkeys(mind.kb.groups, (WANG, LI)), alike=dict.fromkeys(mind.kb.groups, alike))
    found = set()
    for number in range(20):
        state = step(Conversation(id=f"c{number}"), Chose(choice="human"), None, mind.kb, NOW, at_desk=desk).conversation
        found.add(ticket(step(state, Chose(choice="send"), None, mind.kb, NOW, at_desk=desk)).owner)
    assert found == owners


OUTAGE = Notice(topic="debited-unknown", code="91", text="线路故障", until="2026-11-25T18:30:00")


def hears(mind: Mind, state: Conversation, text: str, now: datetime, desk: Desk) -> Decision:
    heard = mind.understand(text, now, prompt.expected(mind.kb, state))
    return step(state, Said(), heard, mind.kb, now, at_desk=desk)


def test_who_comes_during_an_incident_is_told_at_once_until_when(mind: Mind) -> None:
    """Also when the code becomes known only on the way; not with another code, and not when the time is over."""
    desk, told = Desk(notices=(OUTAGE,)), "“线路故障”。预计 今天 18:30"
    assert told in said(hears(mind, Conversation(), "刷卡失败，屏幕显示91", NOW, desk))
    assert told not in said(hears(mind, Conversation(), "刷卡失败，屏幕显示05", NOW, desk))
    assert told not in said(hears(mind, Conversation(), "刷卡失败，屏幕显示91", NOW.replace(hour=19), desk))
    first = hears(mind, Conversation(), "顾客扣款了，机器没出票", NOW, desk)
    assert first.conversation.topic == OUTAGE.topic
    assert told not in said(first)
    second = hears(mind, first.conversation, "屏幕显示91", NOW, desk)
    assert told in said(second)
    assert told not in said(hears(mind, second.conversation, "屏幕显示91", NOW, desk))
    assert told not in said(hears(mind, Conversation(), "刷卡失败，屏幕显示91", NOW, Desk(notices=(replace(OUTAGE, acquirer="x"),))))


@pytest.mark.parametrize("number", [TICKET.number, "1124-00009"])
def test_that_an_incident_is_over_is_told_whatever_became_of_the_ticket(mind: Mind, number: str) -> None:
    event = Acted(actor=LEAD, act=Act.BROADCAST, number=number, text="已经恢复")
    decision = step(STATE, event, None, mind.kb, NOW)
    assert (said(decision), log(decision).done, decision.conversation) == ("已经恢复", True, STATE)
    asked = step(Conversation(), Chose(choice="topic:printer"), None, mind.kb, NOW)
    again = step(asked.conversation, event, None, mind.kb, NOW)
    assert [choice.id for effect in again.effects if isinstance(effect, Say) for choice in effect.reply.choices]
    assert again.conversation == asked.conversation


ACTS = st.tuples(
    st.sampled_from([WANG, LI, LEAD]),
    st.sampled_from([act for act in Act if act in TRANSITIONS]),
    st.sampled_from(["", "好的"]),
    st.sampled_from(["", "li", "risk", "U0", "printer", "printer/reload-paper"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTS, max_size=12))
def test_whatever_staff_do_the_ticket_goes_only_where_the_table_allows(mind: Mind, acts: list[tuple[Actor, Act, str, str]]) -> None:
    state = STATE
    for number, (actor, act, text, to) in enumerate(acts):
        before = state.ticket
        assert before is not None
        event = Acted(actor=actor, act=act, number=TICKET.number, text=text, to=to, to_name="小李")
        decision = step(state, event, None, mind.kb, NOW + timedelta(minutes=number))
        state, now = decision.conversation, ticket(decision)
        assert Conversation.from_json(state.to_json()) == state
        if log(decision).done:
            assert now.status is TRANSITIONS[act][before.status]
            owned = before.owner is not None and before.owner != actor.login and not actor.leads
            assert not (owned and before.status in ACTIVE and act in {Act.REPLY, Act.SOLVE, Act.CLOSE, Act.RELEASE, Act.ASSIGN, Act.MOVE})
        else:
            assert now == before
        assert (now.owner is None) if now.status is Status.OPEN else True
        assert state.phase is Phase.WITH_STAFF or not now.is_active or now.with_bot
