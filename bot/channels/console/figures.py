"""The figures of a report as tables, for the page and for a workbook alike."""

from __future__ import annotations

from asyncio import gather
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from bot.service.reports import By
from bot.wording import say

from .exports import Share, Table
from .span import wall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bot.domain.knowledge import KnowledgeBase
    from bot.service.reports import Day, Fate, Guess, Handover, Misroute, Rating, ReportStore, Speed

    from .exports import Cell
    from .span import Span


Value: TypeAlias = "str | int | float | timedelta | None"


LENGTHS = {"answer-median", "answer-p90", "solution-median", "solution-p90"}
"""Headings of columns with lengths of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of a report. `key` and `headings` are ends of keys of the wording: `console.report-section-*`, `console.report-head-*`."""

    key: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Value]]

    def texts(self) -> list[list[str]]:
        """The rows for people."""
        return [[text(value) for value in row] for row in self.rows]

    def table(self) -> Table:
        """The same for a workbook: lengths of time in minutes."""
        names = [(heading, say(f"console.report-head-{heading}")) for heading in self.headings]
        headings = [say("console.report-in-minutes", heading=name) if heading in LENGTHS else name for heading, name in names]
        return Table(title=say(f"console.report-section-{self.key}"), headings=headings, rows=self._cells())

    async def _cells(self) -> AsyncIterator[Sequence[Cell]]:
        for row in self.rows:
            yield [_cell(value) for value in row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that a report tells."""

    days: Sequence[Day]
    whole: Sequence[Speed]
    topics: Sequence[Speed]
    teams: Sequence[Speed]
    ratings: Sequence[Rating]
    fates: Sequence[Fate]
    handovers: Sequence[Handover]
    guesses: Sequence[Guess]
    misroutes: Sequence[Misroute]


async def figures(store: ReportStore, span: Span, now: int) -> Figures:
    """All figures of these days. Raises StoreUnavailable."""
    period = span.period(now)
    days, whole, topics, teams = await gather(
        store.days(span.bounds(), now), store.speed(period, By.ALL), store.speed(period, By.TOPIC), store.speed(period, By.TEAM)
    )
    ratings, fates, handovers = await gather(store.ratings(period), store.fates(period), store.handovers(period))
    guesses, misroutes = await gather(store.guesses(period), store.misroutes(period))
    return Figures(days=days, whole=whole, topics=topics, teams=teams, ratings=ratings, fates=fates, handovers=handovers, guesses=guesses, misroutes=misroutes)


class Names:
    """What ids are called; one that is not known any more stays as it is."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self._kb = kb

    def topic(self, id: str | None) -> str:
        """A topic, also none."""
        return self._kb.topics[id].title if id and id in self._kb.topics else id or say("console.report-unknown")

    def team(self, id: str) -> str:
        """A group of colleagues."""
        return self._kb.groups[id].title if id in self._kb.groups else id or say("console.report-unknown")

    def step(self, id: str) -> str:
        """Something that a merchant is told to do."""
        return self._kb.steps[id].title if id in self._kb.steps else id

    def cause(self, topic: str, id: str) -> str:
        """Why something happens."""
        causes = self._kb.topics[topic].causes if topic in self._kb.topics else {}
        return causes[id].title if id in causes else id


SPEED = ("count", "answered", "answer-median", "answer-p90", "answer-kept", "solved", "solution-median", "solution-p90", "solution-kept")


def sections(found: Figures, names: Names, span: Span) -> list[Section]:
    """The tables of a report, in order."""
    return [
        Section(key="topics", headings=("topic", *SPEED), rows=[(names.topic(speed.key), *_speed(speed)) for speed in found.topics]),
        Section(key="teams", headings=("team", *SPEED), rows=[(names.team(speed.key), *_speed(speed)) for speed in found.teams]),
        _ratings(found, names),
        _handovers(found, names),
        _fates(found, names),
        _guesses(found, names),
        _misroutes(found, names),
        _days(found, span),
    ]


def _days(found: Figures, span: Span) -> Section:
    rows = [(f"{wall(day.start, span.zone):%Y-%m-%d}", day.troubles, day.by_bot, day.handed, day.given_up, day.tickets, day.by_staff) for day in found.days]
    return Section(key="days", headings=("day", "troubles", "by-bot", "handed", "given-up", "tickets", "by-staff"), rows=rows)


def _ratings(found: Figures, names: Names) -> Section:
    rows = [
        (names.topic(rating.topic), helper(rating), rating.ratings, round(rating.average, 1), rating.good, rating.fair, rating.bad) for rating in found.ratings
    ]
    return Section(key="ratings", headings=("topic", "helper", "ratings", "stars", "good", "fair", "bad"), rows=rows)


def _handovers(found: Figures, names: Names) -> Section:
    rows = [(names.topic(topic.topic), topic.troubles, topic.handed, Share(topic.share)) for topic in found.handovers]
    return Section(key="handovers", headings=("topic", "troubles", "handed", "share"), rows=rows)


def _fates(found: Figures, names: Names) -> Section:
    rows = [
        (names.topic(fate.topic), names.step(fate.step), fate.shown, fate.solved, fate.failed, fate.answered, fate.unable, fate.left, fate.handed, drop(fate))
        for fate in found.fates
    ]
    headings = ("topic", "step", "shown", "worked", "failed", "looked", "unable", "left", "handed", "drop")
    return Section(key="steps", headings=headings, rows=rows)


def _guesses(found: Figures, names: Names) -> Section:
    rows = [
        (names.topic(pair.topic), names.cause(pair.topic, pair.guess), names.cause(pair.topic, pair.cause), _right(pair), pair.tickets)
        for pair in found.guesses
    ]
    return Section(key="guesses", headings=("topic", "guess", "cause", "right", "count"), rows=rows)


def _misroutes(found: Figures, names: Names) -> Section:
    rows = [(names.topic(pair.guess), _moved(pair, names), pair.tickets) for pair in found.misroutes]
    return Section(key="misroutes", headings=("guessed-topic", "right-topic", "count"), rows=rows)


def drop(fate: Fate) -> Share:
    """How many of those who were shown a step went no further with the bot."""
    return Share(lost(fate) / fate.shown if fate.shown else 0)


def lost(fate: Fate) -> int:
    """The same as a number."""
    return fate.left + fate.handed


def _speed(speed: Speed) -> tuple[Value, ...]:
    return (
        speed.tickets, speed.answered, length(speed.answer_median), length(speed.answer_p90), kept(speed.tickets, speed.answered_late),
        speed.solved, length(speed.solution_median), length(speed.solution_p90), kept(speed.tickets, speed.solved_late),
    )  # fmt: skip


def kept(tickets: int, late: int) -> Share | None:
    """How many kept a target, or can still keep it."""
    return Share((tickets - late) / tickets) if tickets else None


def length(microseconds: int | None) -> timedelta | None:
    """A length of time."""
    return None if microseconds is None else timedelta(microseconds=microseconds)


def helper(rating: Rating) -> str:
    """Who is rated."""
    return say("console.report-staff") if rating.by_staff else say("console.report-bot")


def _right(pair: Guess) -> str:
    return say("console.report-yes") if pair.guess == pair.cause else say("console.report-no")


def _moved(pair: Misroute, names: Names) -> str:
    """Who said no more than that it was wrong named no topic."""
    return say("console.report-unsaid") if pair.guess == pair.topic else names.topic(pair.topic)


def text(value: Value) -> str:
    """A value for people."""
    match value:
        case None:
            return "–"
        case timedelta():
            return lasting(value)
        case Share():
            return f"{value:.0%}"
        case _:
            return str(value)


def lasting(time: timedelta) -> str:
    """A length of time, to the two largest units."""
    minutes = round(time.total_seconds() / 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return say("console.report-days", days=days, hours=hours)
    if hours:
        return say("console.report-hours", hours=hours, minutes=minutes % 60)
    return say("console.report-minutes", minutes=minutes) if minutes else say("console.report-moment")


def _cell(value: Value) -> Cell:
    return round(value.total_seconds() / 60, 1) if isinstance(value, timedelta) else value
