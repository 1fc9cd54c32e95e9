"""Figures of some days, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.audit import Entry
from bot.domain.clock import SECOND
from bot.domain.staff import Permission
from bot.service.reports import QUIET
from bot.wording import say

from .charts import bars, chart
from .downloads import send_csv, send_workbook
from .exports import Table
from .figures import Names, figures, helper, kept, length, lost, sections, text
from .page import get
from .span import BadSpan, chosen, usual, wall
from .views import render

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aiohttp import web

    from bot.domain.staff import Member
    from bot.service.desk import Row
    from bot.service.reports import Fate, Rating

    from .charts import Bar, Chart
    from .exports import Cell
    from .figures import Figures
    from .options import Options
    from .page import Page
    from .span import Span
    from .work import Work

OF_TROUBLES = {"by-bot", "handed", "given-up"}
"""Totals that are parts of all troubles."""
DRAWN = 8
"""Bars of a chart; the table has all."""
COLUMNS = ("number", "opened", "status", "urgency", "reason", "topic", "team", "owner", "channel", "merchant", "summary", "changed")


class ReportsDesk:
    """Shows figures, and gives them and the tickets away as files."""

    def __init__(self, work: Work, options: Options) -> None:
        self._work, self._zone = work, options.zone

    def pages(self) -> tuple[Page, ...]:
        """Its part of the table."""
        return (
            get("/console/reports", Permission.REPORTS, self.show),
            get("/console/reports/figures.xlsx", Permission.REPORTS, self.send_figures),
            get("/console/reports/tickets.csv", Permission.EXPORT, self.send_csv),
            get("/console/reports/tickets.xlsx", Permission.EXPORT, self.send_workbook),
        )

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The figures of a period."""
        try:
            span = chosen(request.query, self._work.clock(), self._zone)
        except BadSpan as error:
            return self._refuse(request, member, error)
        found, names = await figures(self._work.reports, span, self._work.clock()), Names(self._work.kb)
        shown = sections(found, names, span)
        return render(
            request, member, "reports.html", problem="", first=span.first.isoformat(), last=span.last.isoformat(), sections=shown, totals=_totals(found),
            quiet=QUIET // (3600 * SECOND), charts=_charts(found, span), bars=_bars(found, names),
        )  # fmt: skip

    async def send_figures(self, request: web.Request, member: Member) -> web.StreamResponse:
        """The tables of the page as a workbook."""
        try:
            span = chosen(request.query, self._work.clock(), self._zone)
        except BadSpan as error:
            return self._refuse(request, member, error)
        found = await figures(self._work.reports, span, self._work.clock())
        tables = [section.table() for section in sections(found, Names(self._work.kb), span)]
        return await send_workbook(request, _name("figures", span, "xlsx"), tables)

    async def send_csv(self, request: web.Request, member: Member) -> web.StreamResponse:
        """All tickets of a period as CSV."""
        try:
            span = await self._export(request, member)
        except BadSpan as error:
            return self._refuse(request, member, error)
        return await send_csv(request, _name("tickets", span, "csv"), self._tickets(span))

    async def send_workbook(self, request: web.Request, member: Member) -> web.StreamResponse:
        """All tickets of a period as a workbook."""
        try:
            span = await self._export(request, member)
        except BadSpan as error:
            return self._refuse(request, member, error)
        return await send_workbook(request, _name("tickets", span, "xlsx"), [self._tickets(span)])

    async def _export(self, request: web.Request, member: Member) -> Span:
        """The period, once it is written down who takes its tickets away. Raises BadSpan."""
        now = self._work.clock()
        span = chosen(request.query, now, self._zone)
        await self._work.staff.record(Entry(at=now, actor=member.login, what="tickets-exported", detail=f"{span.first} – {span.last}"))
        return span

    def _refuse(self, request: web.Request, member: Member, error: BadSpan) -> web.StreamResponse:
        """What is wrong with the days, and the form for others."""
        rest = usual(self._work.clock(), self._zone)
        nothing: tuple[object, ...] = ()
        return render(
            request, member, "reports.html", status=422, problem=str(error), first=rest.first.isoformat(), last=rest.last.isoformat(), sections=nothing,
            totals=nothing, charts=nothing, bars=nothing,
        )  # fmt: skip

    def _tickets(self, span: Span) -> Table:
        headings = [say(f"console.report-head-{column}") for column in COLUMNS]
        return Table(title=say("console.report-tickets"), headings=headings, rows=self._rows(span))

    async def _rows(self, span: Span) -> AsyncIterator[Sequence[Cell]]:
        period, names = span.period(self._work.clock()), Names(self._work.kb)
        async for row in self._work.desk.export(period.since, period.until):
            yield _row(row, names, span)


def _row(row: Row, names: Names, span: Span) -> Sequence[Cell]:
    """In the order of COLUMNS."""
    status, reason = say(f"export.status-{row.status}"), say(f"export.reason-{row.reason}")
    opened, changed = (wall(at, span.zone).replace(microsecond=0) for at in (row.opened, row.changed))
    team, topic = names.team(row.team), names.topic(row.topic)
    return (row.number, opened, status, row.urgency, reason, topic, team, row.owner, row.channel, row.merchant, row.summary, changed)


def _name(what: str, span: Span, kind: str) -> str:
    return f"{what}-{span.first}-{span.last}.{kind}"


def _totals(found: Figures) -> list[tuple[str, str]]:
    """(heading, value) of the whole period."""
    sums = {
        "troubles": sum(day.troubles for day in found.days),
        "by-bot": sum(day.by_bot for day in found.days),
        "handed": sum(day.handed for day in found.days),
        "given-up": sum(day.given_up for day in found.days),
        "tickets": sum(day.tickets for day in found.days),
        "by-staff": sum(day.by_staff for day in found.days),
    }
    totals = [(heading, _with_share(value, sums["troubles"]) if heading in OF_TROUBLES else str(value)) for heading, value in sums.items()]
    for speed in found.whole:
        totals += [
            ("answer-median", text(length(speed.answer_median))),
            ("answer-p90", text(length(speed.answer_p90))),
            ("answer-kept", text(kept(speed.tickets, speed.answered_late))),
            ("solution-median", text(length(speed.solution_median))),
            ("solution-p90", text(length(speed.solution_p90))),
            ("solution-kept", text(kept(speed.tickets, speed.solved_late))),
        ]
    return totals


def _with_share(value: int, whole: int) -> str:
    """A number, and how much of the whole it is."""
    return say("console.report-part", value=value, share=f"{value / whole:.0%}") if whole else str(value)


def _charts(found: Figures, span: Span) -> list[tuple[str, Sequence[str], Chart]]:
    """(what, headings of its parts from below, columns). What is neither solved nor handed over nor given up lasts."""
    days = [(f"{wall(day.start, span.zone):%m-%d}", day) for day in found.days]
    troubles = [(name, (day.by_bot, day.handed, day.given_up, max(0, day.troubles - day.by_bot - day.handed - day.given_up))) for name, day in days]
    tickets = [(name, (day.by_staff, day.tickets - day.by_staff)) for name, day in days]
    return [
        ("troubles", ("by-bot", "handed", "given-up", "lasting"), chart(troubles)),
        ("tickets", ("by-staff", "unsolved"), chart(tickets)),
    ]


def _bars(found: Figures, names: Names) -> list[tuple[str, Sequence[Bar]]]:
    """(what, lying bars) of what should be better: of the first three, the longest first."""
    handed = [(names.topic(topic.topic), topic.handed, _with_share(topic.handed, topic.troubles)) for topic in found.handovers if topic.handed]
    dropped = [(_placed(fate, names), lost(fate), _with_share(lost(fate), fate.shown)) for fate in found.fates if lost(fate)]
    answers = [(names.topic(speed.key), speed.answer_median, text(length(speed.answer_median))) for speed in found.topics if speed.answer_median]
    stars = [(_helped(rating, names), rating.average, f"{rating.average:.1f}") for rating in found.ratings]
    drawn = [
        ("handovers", bars(_longest(handed))),
        ("steps", bars(_longest(dropped))),
        ("topics", bars(_longest(answers))),
        ("ratings", bars(stars[:DRAWN], 5)),
    ]
    return [(what, shown) for what, shown in drawn if shown]


def _longest(rows: list[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    return sorted(rows, key=lambda row: -row[1])[:DRAWN]


def _placed(fate: Fate, names: Names) -> str:
    """A step with its topic: it may belong to several."""
    return say("console.report-step-of", topic=names.topic(fate.topic), step=names.step(fate.step))


def _helped(rating: Rating, names: Names) -> str:
    """A topic, and who helped with it."""
    return say("console.report-helped", topic=names.topic(rating.topic), helper=helper(rating))
