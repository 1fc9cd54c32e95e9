"""Reports at the console over a real socket: figures, charts, files, and days that are none."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from bot.channels.console.charts import bars, chart
from bot.domain.staff import Role
from bot.domain.tickets import Act
from tests.console import HOUR, MINUTE, NOW, staged
from tests.contract.desk_rows import Rows
from tests.contract.places import File
from tests.contract.talk import Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot import app
    from tests.console import Stage

DAYS = "?from=2025-10-01&to=2025-10-31"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as running:
        rows = Rows(File(path=tmp_path / "posbot.db"))
        await rows.conversations([{"id": id} for id in (1, 2, 3)])
        await rows.insert(
            "trouble",
            [
                {"event": 1, "conversation": 1, "topic": "printer", "began": NOW, "how": "handed", "ended": NOW + MINUTE},
                {"event": 2, "conversation": 2, "topic": "refund", "began": NOW, "how": "bot", "ended": NOW + MINUTE},
            ],
        )
        await rows.tickets(
            [
                {"id": 1, "answered": NOW + 5 * MINUTE, "solved": NOW + HOUR, "status": "solved", "cause": "paper", "bot_cause": "head", "team": "tech"},
                {"id": 2, "topic": None, "bot_topic": "refund", "bot_right": "no", "packet": '{"summary": "=1+1", "facts": []}'},
                {"id": 3, "opened": NOW - 90 * 24 * HOUR},
            ]
        )
        yield running


async def test_the_page_tells_the_figures(stage: Stage) -> None:
    page = await (await stage.inside(await stage.member("lead", Role.LEAD))).page("/console/reports")
    for told in ("打印机不出纸", "5 分钟", "1 小时 0 分", "机器人解决", "head", "paper", "<svg", "<title>", "/console/reports/tickets.csv"):
        assert told in page
    assert "<script>" not in page
    assert "style=" not in page


async def test_a_period_without_anything(stage: Stage) -> None:
    page = await (await stage.inside(await stage.member("lead", Role.LEAD))).page("/console/reports?from=2024-01-01&to=2024-12-31")
    assert "还没有记录" in page


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ("?from=yesterday", "日期不对"),
        ("?from=0001-01-01", "日期不对"),
        ("?to=9999-12-31", "日期不对"),
        ("?from=2025-02-30", "日期不对"),
        ("?from=2025-10-02&to=2025-10-01", "换一下"),
        ("?from=2020-01-01&to=2025-10-01", "366"),
    ],
)
@pytest.mark.parametrize("page", ["", "/tickets.csv", "/tickets.xlsx", "/figures.xlsx"])
async def test_days_that_are_none(stage: Stage, page: str, days: str, told: str) -> None:
    response = await (await stage.inside(await stage.member("lead", Role.LEAD))).get(f"/console/reports{page}{days}")
    assert response.status == 422
    assert told in await response.text()


async def test_tickets_as_csv(stage: Stage) -> None:
    lead = await stage.inside(await stage.member("lead", Role.LEAD))
    response = await lead.get(f"/console/reports/tickets.csv{DAYS}")
    assert response.headers["Content-Disposition"] == 'attachment; filename="tickets-2025-10-01-2025-10-31.csv"'
    assert response.headers["Cache-Control"] == "no-store"
    heading, first, second = csv.reader(io.StringIO((await response.read()).decode("utf-8-sig"), newline=""))
    assert heading[0] == "工单号"
    assert first[:6] == ["1009-00001", "2025-10-09 16:53:20", "已解决", "U2", "商户要求", "打印机不出纸"]
    assert second[5] == "没认出来"
    assert "'=1+1" in second
    assert ("lead", "tickets-exported", "") in await stage.audited()


@pytest.mark.parametrize(("file", "told"), [("tickets", "1009-00002"), ("figures", "打印机不出纸")])
async def test_workbooks(stage: Stage, file: str, told: str) -> None:
    response = await (await stage.inside(await stage.member("lead", Role.LEAD))).get(f"/console/reports/{file}.xlsx{DAYS}")
    assert response.status == 200
    with zipfile.ZipFile(io.BytesIO(await response.read())) as book:
        assert any(told in book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))


async def test_real_conversations(tmp_path: Path, mind: app.Mind) -> None:
    """One solved by the bot, one handed over and answered by staff: they are in the page and in the files, with names and units that people know."""
    async with staged(tmp_path, mind=mind) as stage:
        town = Town(stage.store, mind, NOW)  # in the future of the stage's clock, so its worker keeps out of it
        await town.does("anna", "打印出来是白纸", "好了", "[帮上忙了]")
        await town.does("ben", "打印出来是白纸", "转人工", "[直接转人工]")
        await town.waits(0.5)
        await town.acts("ben", Act.REPLY, "马上寄新的打印头")
        lead = await stage.inside(await stage.member("lead", Role.LEAD))
        page = await lead.page("/console/reports")
        heading, ticket = csv.reader(io.StringIO((await (await lead.get(f"/console/reports/tickets.csv{DAYS}")).read()).decode("utf-8-sig")))
        book = zipfile.ZipFile(io.BytesIO(await (await lead.get(f"/console/reports/figures.xlsx{DAYS}")).read()))
        sheets = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    for told in ("1（50%）", "31 分钟", "打印机：重新装纸", "打印机（机器人）", "24 小时"):
        assert told in page
    assert dict(zip(heading, ticket, strict=True))["话题"] == "打印机"
    for told in ("重新装纸", "响应中位数（分钟）", "<v>31</v>", "<v>0.5</v>"):
        assert told in sheets


async def test_who_may(stage: Stage) -> None:
    editor = await stage.inside(await stage.member("editor", Role.EDITOR))
    assert "tickets.csv" not in await editor.page("/console/reports")
    assert (await editor.get("/console/reports/figures.xlsx")).status == 200
    assert (await editor.get("/console/reports/tickets.csv")).status == 403
    anna = await stage.inside(await stage.member("anna"))
    for page in ("", "/figures.xlsx", "/tickets.csv", "/tickets.xlsx"):
        assert (await anna.get(f"/console/reports{page}")).status == 403


def test_columns_add_up() -> None:
    drawn = chart([(str(day), (day % 3, 1)) for day in range(366)])
    assert len(drawn.columns) <= 31
    assert sum(sum(column.values) for column in drawn.columns) == sum(day % 3 + 1 for day in range(366))
    for column in drawn.columns:
        assert 10 <= min(part.y for part in column.parts) <= 156
        assert column.x + column.width <= 360


@pytest.mark.parametrize(("most", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (9, 10), (10, 10), (11, 20), (100, 100), (101, 200), (999, 1000)])
def test_scales_are_round_and_no_larger_than_they_must_be(most: int, top: int) -> None:
    assert chart([("1", (most,))]).lines[-1][1] == top


def test_nothing_can_be_drawn() -> None:
    assert chart([("1", (0, 0))]).is_empty
    assert not chart([("1", (0, 1))]).is_empty
    assert chart([]).columns == []
    assert chart([("1", (0, 0))]).columns[0].parts == []
    assert bars([]) == []
    assert bars([("a", 0, "0")])[0].length == 0
