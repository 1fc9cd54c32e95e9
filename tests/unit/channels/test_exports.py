"""Files for spreadsheets: nothing in them is run, nothing is lost, and no size fills the memory."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from bot.channels.console import exports
from bot.channels.console.exports import Table, csv_pieces, workbook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bot.channels.console.exports import Cell

MOMENT = datetime(2025, 10, 9, 16, 53, 20)  # noqa: DTZ001  (the merchants' wall clock)
NAME = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def rows(*given: Sequence[Cell]) -> AsyncIterator[Sequence[Cell]]:
    for row in given:
        yield row


async def many(number: int) -> AsyncIterator[Sequence[Cell]]:
    for count in range(number):
        yield count, f"没出票 {count}" * 10, MOMENT


def table(*given: Sequence[Cell], title: str = "工单") -> Table:
    return Table(title=title, headings=["编号", "内容"], rows=rows(*given))


async def text(table: Table) -> str:
    return b"".join([piece async for piece in csv_pieces(table)]).decode("utf-8")


async def sheets(*tables: Table) -> dict[str, list[list[str]]]:
    """Texts and numbers of each sheet, as they stand in the file."""
    async with workbook(tables) as path:
        with zipfile.ZipFile(path) as archive:
            names = [sheet.get("name") or "" for sheet in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(f"{NAME}sheet")]
            parts = [archive.read(f"xl/worksheets/sheet{number}.xml") for number in range(1, len(names) + 1)]
    assert not [part for part in parts if b"<f>" in part]
    return {
        name: [["".join(cell.itertext()) for cell in row] for row in ElementTree.fromstring(part).iter(f"{NAME}row")]
        for name, part in zip(names, parts, strict=True)
    }


async def test_csv_opens_in_excel() -> None:
    content = await text(table(("1009-00001", '打印机\n不出"纸"，急'), (3, None), (1.5, MOMENT)))
    assert content.startswith("\ufeff编号,内容\r\n")
    assert [*csv.reader(io.StringIO(content[1:], newline=""))] == [
        ["编号", "内容"], ["1009-00001", "打印机\n不出\"纸\"，急"], ["3", ""], ["1.5", "2025-10-09 16:53:20"],
    ]  # fmt: skip


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠1", "=cmd|' /C calc'!A0"])
async def test_no_cell_is_a_formula(cell: str) -> None:
    lines = [*csv.reader(io.StringIO((await text(table((cell, -5)))), newline=""))]
    assert lines[1] == [f"'{cell}", "-5"]
    (sheet,) = (await sheets(table((cell, -5)))).values()
    assert sheet[1][1] == "-5"
    assert sheet[1][0].replace("_x000D_", "\r") in {cell, cell.replace("\r", "\n")}


async def test_odd_text_breaks_no_file() -> None:
    odd = "NUL\x00 \ud800 \x0b \u202e <b>&\"' 😀 𠮷" + "长" * 40_000
    assert "NUL ? " in await text(table((odd, "")))
    (sheet,) = (await sheets(table((odd, "")))).values()
    assert re.match(r"NUL \? .*😀 𠮷长", sheet[1][0])


async def test_sheets_are_named_and_go_on_when_they_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 3)
    found = await sheets(table(*((number, "x") for number in range(5)), title="a/b[c]:*?\\'" + "长" * 40), table(title="空"))
    first, second, third, empty = found
    assert [len(name) for name in (first, second, third)] == [31, 31, 31]
    assert (second[-4:], empty) == (" (2)", "空")
    assert [[row[0] for row in found[name]] for name in found] == [["编号", "0", "1"], ["编号", "2", "3"], ["编号", "4"], ["编号"]]


async def test_moments_are_moments() -> None:
    (sheet,) = (await sheets(table((MOMENT, None), ("b", 2)))).values()
    assert float(sheet[1][0]) == pytest.approx(45939.7037037)
    assert sheet[2] == ["b", "2"]


async def test_ten_thousand_rows_take_little_memory() -> None:
    tracemalloc.start()
    pieces = [len(piece) async for piece in csv_pieces(Table(title="t", headings=["a", "b", "c"], rows=many(10_000)))]
    async with workbook([Table(title="t", headings=["a", "b", "c"], rows=many(10_000))]) as path:
        size = path.stat().st_size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(pieces) == 21
    assert size > 100_000
    assert peak < 6_000_000
    assert not path.exists()


async def test_a_reading_that_fails_leaves_nothing() -> None:
    async def breaks() -> AsyncIterator[Sequence[Cell]]:
        yield 1, "x"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        async with workbook([Table(title="t", headings=["a", "b"], rows=breaks())]):
            pytest.fail("there is no file")
