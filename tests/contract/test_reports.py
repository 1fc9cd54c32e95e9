"""Figures on each database: against a little world that was counted by hand, and against plain Python on many random ones."""

from __future__ import annotations

import math
import random
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.audit import Entry
from bot.service.ports import FORGOTTEN
from bot.service.reports import QUIET, By, Day, Fate, Guess, Handover, Misroute, Period, Rating, Speed, bounds

from .desk_rows import HOUR, MINUTE, NOW, Rows

if TYPE_CHECKING:
    from bot.service.ports import Store
    from bot.service.reports import ReportStore

    from .places import Place

DAY = 24 * HOUR
PERIOD = Period(since=NOW, until=NOW + DAY, now=NOW + 2 * DAY)


@pytest.fixture
def reports(store: Store) -> ReportStore:
    return store.reports


@pytest.fixture
async def rows(place: Place, store: Store) -> Rows:  # the store has made the tables
    rows = Rows(place)
    await rows.conversations([{"id": id, "active": NOW + (DAY if id < 100 else 2 * DAY)} for id in (*range(1, 21), *range(100, 110))])
    return rows


async def troubles(rows: Rows, *told: tuple[int, int, str, int, str | None]) -> None:
    """(event, conversation, topic, began, how)."""
    names = ("event", "conversation", "topic", "began", "how")
    await rows.insert("trouble", [{**dict(zip(names, row, strict=True)), "ended": row[3] + MINUTE if row[4] else None} for row in told])


async def test_nothing_is_nothing(reports: ReportStore, rows: Rows) -> None:
    assert await reports.days([NOW, NOW + DAY], NOW) == [Day(start=NOW, troubles=0, by_bot=0, handed=0, given_up=0, tickets=0, by_staff=0)]
    assert await reports.days([], NOW) == []
    for by in By:
        assert await reports.speed(PERIOD, by) == []
    for report in (reports.ratings, reports.fates, reports.handovers, reports.guesses, reports.misroutes):
        assert await report(PERIOD) == []


async def test_days(reports: ReportStore, rows: Rows) -> None:
    """Two days and the moments at which they begin and end; a trouble without an end is given up when its merchant has been silent for a day."""
    await troubles(
        rows,
        (1, 1, "printer", NOW - 1, "bot"),  # the day before
        (2, 2, "printer", NOW, "bot"),
        (3, 3, "", NOW + 1, "left"),
        (4, 4, "refund", NOW + 2, "handed"),
        (5, 5, "refund", NOW + 3, None),  # silent since NOW + DAY
        (6, 100, "refund", NOW + 4, None),  # silent since NOW + 2 * DAY
        (7, 6, "refund", NOW + DAY, "bot"),
        (8, 6, "refund", NOW + 2 * DAY, "bot"),  # the day after
    )
    await rows.tickets([
        {"id": 1, "opened": NOW, "solved": NOW + HOUR, "status": "solved"},
        {"id": 2, "opened": NOW + DAY - 1},
        {"id": 3, "opened": NOW + DAY, "status": "closed"},
        {"id": 4, "opened": NOW - 1},
    ])  # fmt: skip
    assert await reports.days([NOW, NOW + DAY, NOW + 2 * DAY], NOW + DAY + QUIET + 1) == [
        Day(start=NOW, troubles=5, by_bot=1, handed=1, given_up=2, tickets=2, by_staff=1),
        Day(start=NOW + DAY, troubles=1, by_bot=1, handed=0, given_up=0, tickets=1, by_staff=0),
    ]
    assert (await reports.days([NOW, NOW + DAY], NOW + DAY + QUIET))[0].given_up == 1


async def test_speed_and_targets(reports: ReportStore, rows: Rows) -> None:
    opened = {"opened": NOW, "respond_by": NOW + HOUR}
    await rows.tickets([
        {"id": 1, **opened, "team": "money", "answered": NOW + 10, "solved": NOW + 100, "status": "solved"},
        {"id": 2, **opened, "team": "money", "answered": NOW + 2 * HOUR, "solved": NOW + 300, "status": "closed", "late": True, "overran": True},
        {"id": 3, **opened, "team": "money", "answered": NOW + 20, "status": "taken", "due": NOW + HOUR},  # its solution is overdue
        {"id": 4, **opened, "team": "money", "due": NOW + HOUR},  # nobody has answered yet
        {"id": 5, **opened, "team": "money", "status": "closed", "changed": NOW + MINUTE},  # the merchant took it back in time
        {"id": 6, **opened, "team": "device", "topic": None, "respond_by": NOW + 9 * DAY, "due": NOW + 9 * DAY},
        {"id": 7, **opened, "opened": NOW - 1},
        {"id": 8, **opened, "opened": NOW + DAY},
    ])  # fmt: skip
    money = Speed(
        key="money", tickets=5, answered=3, answer_median=20, answer_p90=2 * HOUR, answered_late=2, solved=2, solution_median=100, solution_p90=300,
        solved_late=2,
    )  # fmt: skip
    device = Speed(
        key="device", tickets=1, answered=0, answer_median=None, answer_p90=None, answered_late=0, solved=0, solution_median=None, solution_p90=None,
        solved_late=0,
    )  # fmt: skip
    assert await reports.speed(PERIOD, By.TEAM) == [money, device]
    assert [(speed.key, speed.tickets) for speed in await reports.speed(PERIOD, By.TOPIC)] == [("printer", 5), ("", 1)]
    assert [(speed.key, speed.tickets) for speed in await reports.speed(PERIOD, By.URGENCY)] == [("U2", 6)]
    (all_of_them,) = await reports.speed(PERIOD, By.ALL)
    assert (all_of_them.key, all_of_them.tickets, all_of_them.answered_late) == ("", 6, 2)


@pytest.mark.parametrize("seed", range(6))
async def test_medians_are_those_of_plain_python(reports: ReportStore, rows: Rows, seed: int) -> None:
    chance = random.Random(seed)
    number = chance.choice((1, 2, 10, 11, 200, 1500))

    def ticket(id: int) -> dict[str, Any]:
        opened = NOW + chance.randrange(1000)
        answered = opened + chance.randrange(50) if chance.random() < 0.7 else None
        solved = (answered or opened) + chance.randrange(10_000) if chance.random() < 0.5 else None
        team = chance.choice(("a", "b", "c"))
        status = "solved" if solved else "closed"
        return {"id": id, "conversation": 1, "opened": opened, "answered": answered, "solved": solved, "team": team, "status": status}

    tickets = [ticket(id) for id in range(1, number + 1)]
    await rows.tickets(tickets)
    found = {speed.key: speed for speed in await reports.speed(PERIOD, By.TEAM)}
    assert found.keys() == {ticket["team"] for ticket in tickets}
    for team, speed in found.items():
        own = [ticket for ticket in tickets if ticket["team"] == team]
        answers = sorted(ticket["answered"] - ticket["opened"] for ticket in own if ticket["answered"] is not None)
        solutions = sorted(ticket["solved"] - ticket["opened"] for ticket in own if ticket["solved"] is not None)
        assert (speed.tickets, speed.answered, speed.solved) == (len(own), len(answers), len(solutions))
        assert (speed.answer_median, speed.answer_p90) == (nearest(answers, 1, 2), nearest(answers, 9, 10))
        assert (speed.solution_median, speed.solution_p90) == (nearest(solutions, 1, 2), nearest(solutions, 9, 10))


def nearest(values: list[int], part: int, whole: int) -> int | None:
    """The value at the nearest rank of sorted values."""
    return values[math.ceil(len(values) * part / whole) - 1] if values else None


async def test_ratings(reports: ReportStore, rows: Rows) -> None:
    told = [("printer", 5, None), ("printer", 1, None), ("printer", 3, "1009-00001"), ("refund", 4, None), ("printer", 2, None)]
    await rows.insert("rating", [
        {"event": event, "conversation": 1, "topic": topic, "stars": stars, "at": NOW, "number": number} for event, (topic, stars, number) in enumerate(told, 1)
    ])  # fmt: skip
    await rows.insert("rating", [{"event": 99, "conversation": 1, "topic": "printer", "stars": 5, "at": NOW + DAY, "number": None}])
    ratings = await reports.ratings(PERIOD)
    assert ratings == [
        Rating(topic="printer", by_staff=False, ratings=3, stars=8, good=1, fair=0, bad=2),
        Rating(topic="printer", by_staff=True, ratings=1, stars=3, good=0, fair=1, bad=0),
        Rating(topic="refund", by_staff=False, ratings=1, stars=4, good=1, fair=0, bad=0),
    ]
    assert ratings[1].average == 3.0


async def test_steps_and_hand_overs(reports: ReportStore, rows: Rows) -> None:
    await troubles(
        rows,
        (1, 1, "printer", NOW, "bot"),
        (2, 2, "printer", NOW, "handed"),
        (3, 3, "printer", NOW, "left"),
        (4, 4, "refund", NOW, None),
        (5, 100, "printer", NOW, None),
        (6, 5, "printer", NOW - 1, "handed"),
        (7, 6, "refund", NOW, "handed"),
    )
    tried = [
        (1, "paper", "failed"), (1, "lid", "solved"), (2, "paper", "unable"), (2, "lid", ""), (3, "paper", ""), (4, "paper", "answered"), (5, "paper", ""),
        (6, "paper", "failed"),
    ]  # fmt: skip
    await rows.insert("trial", [{"trouble": event, "topic": "printer", "step": step, "result": result} for event, step, result in tried])
    assert await reports.fates(PERIOD) == [
        Fate(topic="printer", step="paper", shown=5, solved=0, failed=1, answered=1, unable=1, left=1, handed=0),
        Fate(topic="printer", step="lid", shown=2, solved=1, failed=0, answered=0, unable=0, left=0, handed=1),
    ]
    handovers = await reports.handovers(PERIOD)
    assert handovers == [Handover(topic="printer", troubles=4, handed=1), Handover(topic="refund", troubles=2, handed=1)]
    assert handovers[0].share == 0.25


async def test_what_staff_say_of_the_bots_guesses(reports: ReportStore, rows: Rows) -> None:
    said = [("paper", "paper", ""), ("paper", "motor", ""), ("paper", "motor", "yes"), ("", "motor", ""), ("paper", "", ""), ("paper", "", "no")]
    await rows.tickets([
        {"id": id, "bot_topic": "printer", "topic": "refund" if right == "no" else "printer", "bot_cause": guess, "cause": cause, "bot_right": right}
        for id, (guess, cause, right) in enumerate(said, 1)
    ])  # fmt: skip
    await rows.ticket(20, opened=NOW - 1, bot_cause="paper", cause="motor", bot_right="no")
    assert await reports.guesses(PERIOD) == [
        Guess(topic="printer", guess="paper", cause="motor", tickets=2),
        Guess(topic="printer", guess="paper", cause="paper", tickets=1),
    ]
    assert await reports.misroutes(PERIOD) == [Misroute(guess="printer", topic="refund", tickets=1)]


async def test_what_is_forgotten_is_in_no_report(store: Store, reports: ReportStore, rows: Rows) -> None:
    await troubles(rows, (1, 1, "printer", NOW, "bot"))
    await rows.insert("trial", [{"trouble": 1, "topic": "printer", "step": "paper", "result": "solved"}])
    await store.forget((await store.address("c1")) or pytest.fail("no conversation"), Entry(at=NOW, actor="posbot", what=FORGOTTEN))
    assert await reports.handovers(PERIOD) == []
    assert await reports.fates(PERIOD) == []


def test_days_begin_where_the_merchants_are() -> None:
    shanghai = bounds(date(2025, 10, 9), date(2025, 10, 10), ZoneInfo("Asia/Shanghai"))
    assert shanghai == (1_759_939_200_000_000, 1_759_939_200_000_000 + DAY, 1_759_939_200_000_000 + 2 * DAY)
    berlin = bounds(date(2025, 10, 25), date(2025, 10, 26), ZoneInfo("Europe/Berlin"))
    assert [(after - before) // HOUR for before, after in pairwise(berlin)] == [24, 25]
    assert bounds(date(2025, 10, 9), date(2025, 10, 8), ZoneInfo("Asia/Shanghai")) == (1_759_939_200_000_000,)
