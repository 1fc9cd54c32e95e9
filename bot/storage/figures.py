"""The reports, from either database: their statements are understood by both, but for how values are named and how a list of them is read."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bot.service.reports import QUIET, By, Day, Fate, Guess, Handover, Misroute, Rating, Speed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.service.reports import Period

Figure = TypeVar("Figure", Day, Speed, Rating, Fate, Handover, Guess, Misroute)


class Read(Protocol):
    """Reads from a database."""

    async def __call__(self, statement: str, **values: Any) -> list[Any]:
        """The rows of a statement in which values stand as `{name}`. Raises StoreUnavailable."""


class Figures:
    """The figures of a database. `listed` is the dialect's way to read the list `{bounds}` as rows with one column, `start`."""

    def __init__(self, *, read: Read, listed: str) -> None:
        self._read, self._listed = read, listed

    async def days(self, bounds: Sequence[int], now: int) -> Sequence[Day]:
        """Each day between two bounds."""
        rows = await self._read(_DAYS.replace("{listed}", self._listed), bounds=list(bounds), quiet=now - QUIET)
        return [_figure(Day, row) for row in rows]

    async def speed(self, period: Period, by: By) -> Sequence[Speed]:
        """Groups of tickets."""
        return await self._within(Speed, period, _SPEED.replace("{key}", _KEYS[by]))

    async def ratings(self, period: Period) -> Sequence[Rating]:
        """Ratings by topic."""
        return await self._within(Rating, period, _RATINGS)

    async def fates(self, period: Period) -> Sequence[Fate]:
        """What became of steps."""
        return await self._within(Fate, period, _FATES)

    async def handovers(self, period: Period) -> Sequence[Handover]:
        """How many troubles were handed over."""
        return await self._within(Handover, period, _HANDOVERS)

    async def guesses(self, period: Period) -> Sequence[Guess]:
        """The bot's causes and the staff's."""
        return await self._within(Guess, period, _GUESSES)

    async def misroutes(self, period: Period) -> Sequence[Misroute]:
        """The bot's topics and the staff's."""
        return await self._within(Misroute, period, _MISROUTES)

    async def _within(self, kind: type[Figure], period: Period, statement: str) -> list[Figure]:
        values = {"since": period.since, "until": period.until, "now": period.now, "quiet": period.now - QUIET}
        rows = await self._read(statement, **{name: value for name, value in values.items() if f"{{{name}}}" in statement})
        return [_figure(kind, row) for row in rows]


def _figure(kind: type[Figure], row: Sequence[Any]) -> Figure:
    """A row whose columns stand in the order of the fields."""
    values = dict(zip((field.name for field in fields(kind)), row, strict=True))
    return kind(**{**values, "by_staff": bool(values["by_staff"])} if kind is Rating else values)


_KEYS: Mapping[By, str] = {By.ALL: "''", By.TOPIC: "coalesce(topic, '')", By.TEAM: "team", By.URGENCY: "urgency"}
_GIVEN_UP = "(r.how = 'left' OR r.ended IS NULL AND c.active < {quiet})"
_ANSWERED_LATE = "late OR answered IS NULL AND respond_by < CASE WHEN status IN ('solved', 'closed') THEN changed ELSE {now} END"
# The next deadline of a ticket that was answered is that of its solution.
_SOLVED_LATE = "overran OR status NOT IN ('solved', 'closed') AND answered IS NOT NULL AND due < {now}"
_DAYS = f"""
WITH day AS (SELECT start, lead(start) OVER (ORDER BY start) AS stop FROM ({{listed}}) AS listed),
began AS (
    SELECT day.start, count(*) AS troubles, count(*) FILTER (WHERE r.how = 'bot') AS by_bot, count(*) FILTER (WHERE r.how = 'handed') AS handed,
        count(*) FILTER (WHERE {_GIVEN_UP}) AS given_up
    FROM day JOIN trouble AS r ON r.began >= day.start AND r.began < day.stop JOIN conversation AS c ON c.id = r.conversation GROUP BY day.start
), opened AS (
    SELECT day.start, count(*) AS tickets, count(t.solved) AS by_staff
    FROM day JOIN ticket AS t ON t.opened >= day.start AND t.opened < day.stop GROUP BY day.start
)
SELECT day.start, coalesce(troubles, 0), coalesce(by_bot, 0), coalesce(handed, 0), coalesce(given_up, 0), coalesce(tickets, 0), coalesce(by_staff, 0)
FROM day LEFT JOIN began ON began.start = day.start LEFT JOIN opened ON opened.start = day.start WHERE day.stop IS NOT NULL ORDER BY day.start
"""
# Of n values in order, the median is the first whose place is at least n/2, and the 90th percentile the first with at least 9n/10.
_SPEED = f"""
WITH chosen AS (
    SELECT {{key}} AS key, answered - opened AS answer, solved - opened AS solution, {_ANSWERED_LATE} AS answered_late, {_SOLVED_LATE} AS solved_late
    FROM ticket WHERE opened >= {{since}} AND opened < {{until}}
), placed AS (
    SELECT *, count(answer) OVER (PARTITION BY key) AS answers, count(solution) OVER (PARTITION BY key) AS solutions,
        row_number() OVER (PARTITION BY key ORDER BY answer IS NULL, answer) AS answer_place,
        row_number() OVER (PARTITION BY key ORDER BY solution IS NULL, solution) AS solution_place
    FROM chosen
)
SELECT key, count(*) AS tickets,
    max(answers), min(answer) FILTER (WHERE 2 * answer_place >= answers), min(answer) FILTER (WHERE 10 * answer_place >= 9 * answers),
    count(*) FILTER (WHERE answered_late),
    max(solutions), min(solution) FILTER (WHERE 2 * solution_place >= solutions), min(solution) FILTER (WHERE 10 * solution_place >= 9 * solutions),
    count(*) FILTER (WHERE solved_late)
FROM placed GROUP BY key ORDER BY tickets DESC, key
"""
_RATINGS = """
SELECT topic, number IS NOT NULL AS by_staff, count(*) AS ratings, sum(stars), count(*) FILTER (WHERE stars >= 4), count(*) FILTER (WHERE stars = 3),
    count(*) FILTER (WHERE stars <= 2)
FROM rating WHERE at >= {since} AND at < {until} GROUP BY topic, number IS NOT NULL ORDER BY ratings DESC, topic, by_staff
"""
_FATES = f"""
SELECT s.topic, s.step, count(*) AS shown, count(*) FILTER (WHERE s.result = 'solved'), count(*) FILTER (WHERE s.result = 'failed'),
    count(*) FILTER (WHERE s.result = 'answered'), count(*) FILTER (WHERE s.result = 'unable'),
    count(*) FILTER (WHERE s.result = '' AND {_GIVEN_UP}), count(*) FILTER (WHERE s.result = '' AND r.how = 'handed')
FROM trouble AS r JOIN conversation AS c ON c.id = r.conversation JOIN trial AS s ON s.trouble = r.event
WHERE r.began >= {{since}} AND r.began < {{until}} GROUP BY s.topic, s.step ORDER BY shown DESC, s.topic, s.step
"""
_HANDOVERS = """
SELECT topic, count(*) AS troubles, count(*) FILTER (WHERE how = 'handed') AS handed
FROM trouble WHERE began >= {since} AND began < {until} GROUP BY topic ORDER BY handed DESC, troubles DESC, topic
"""
_GUESSES = """
SELECT coalesce(topic, '') AS about, bot_cause, cause, count(*) AS tickets FROM ticket
WHERE opened >= {since} AND opened < {until} AND cause <> '' AND bot_cause <> ''
GROUP BY coalesce(topic, ''), bot_cause, cause ORDER BY tickets DESC, about, bot_cause, cause
"""
_MISROUTES = """
SELECT bot_topic, coalesce(topic, '') AS right_one, count(*) AS tickets FROM ticket
WHERE opened >= {since} AND opened < {until} AND bot_right = 'no'
GROUP BY bot_topic, coalesce(topic, '') ORDER BY tickets DESC, bot_topic, right_one
"""
