"""Tables as files for a spreadsheet: CSV as it is made, or a workbook that grows on the disk. Neither ever holds all rows.

What merchants wrote must not be run by the program that opens it: in CSV a cell that a spreadsheet would take for a formula begins with an apostrophe
(OWASP, CSV injection), in a workbook every text is written as a text.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import xlsxwriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence


class Share(float):
    """A part of 1, told in percent."""


Cell: TypeAlias = "str | int | float | datetime | None"
"""Moments are the merchants' wall clock, without a zone."""
AT_ONCE = 500
"""Rows for one piece of a file."""
MOST_ROWS = 1_048_576
"""Of a sheet, its heading included: Excel's limit. What is more goes on in a sheet of its own."""
LONGEST_TEXT = 32_767
LONGEST_TITLE = 31
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula may begin with, also in full width, as Excel reads it in East Asia."""
_NOT_IN_TITLES = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "nan_inf_to_errors": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a heading for each column; its rows are read once, as they are needed."""

    title: str
    headings: Sequence[str]
    rows: AsyncIterable[Sequence[Cell]]


async def csv_pieces(table: Table) -> AsyncIterator[bytes]:
    """A table as CSV in UTF-8, with the mark by which Excel knows that it is. Raises what reading the rows raises."""
    yield b"\xef\xbb\xbf" + _lines([table.headings])
    async for rows in _pieces(table.rows):
        yield _lines(rows)


@asynccontextmanager
async def workbook(tables: Iterable[Table]) -> AsyncIterator[Path]:
    """The file of a workbook with a sheet for each table, which is gone afterwards. Raises what reading the rows raises."""
    with tempfile.TemporaryDirectory(prefix="posbot-export-") as folder:
        path = Path(folder) / "export.xlsx"
        book = await asyncio.to_thread(xlsxwriter.Workbook, str(path), {**_OPTIONS, "tmpdir": folder})
        try:
            for table in tables:
                await _write(book, table)
        finally:
            await asyncio.to_thread(book.close)
        yield path


async def _write(book: Any, table: Table) -> None:
    """One table, in as many sheets as it takes. Each piece is written by a worker's thread while nothing else touches the book."""
    sheet = _Sheet(book, table)
    async for rows in _pieces(table.rows):
        await asyncio.to_thread(sheet.add, rows)


class _Sheet:
    """The sheet of a table that is being written, and the next one when it is full."""

    def __init__(self, book: Any, table: Table) -> None:
        self._book, self._table, self._sheets = book, table, 0
        self._bold, self._moment = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._share = book.add_format({"num_format": "0%"})
        self._begin()

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            if self._row == MOST_ROWS:
                self._begin()
            self._put(row)

    def _begin(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(_title(self._table.title, self._sheets))
        self._sheet.set_column(0, len(self._table.headings) - 1, 18)
        self._sheet.freeze_panes(1, 0)
        self._row = 0
        self._put(self._table.headings, self._bold)

    def _put(self, cells: Sequence[Cell], style: Any = None) -> None:
        for column, cell in enumerate(cells):
            match cell:
                case None:
                    pass
                case str():
                    self._sheet.write_string(self._row, column, _storable(cell)[:LONGEST_TEXT], style)
                case datetime():
                    self._sheet.write_datetime(self._row, column, cell, self._moment)
                case Share():
                    self._sheet.write_number(self._row, column, cell, self._share)
                case _:
                    self._sheet.write_number(self._row, column, cell, style)
        self._row += 1


def _title(title: str, number: int) -> str:
    """A name that Excel takes for a sheet."""
    suffix = f" ({number})" if number > 1 else ""
    return title.translate(_NOT_IN_TITLES).strip()[: LONGEST_TITLE - len(suffix)] + suffix


def _lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([_plain(cell) for cell in row] for row in rows)
    return file.getvalue().encode()


def _plain(cell: Cell) -> Cell:
    match cell:
        case str():
            return f"'{_storable(cell)}" if cell.startswith(FORMULAS) else _storable(cell)
        case datetime():
            return cell.isoformat(sep=" ", timespec="seconds")
        case _:
            return cell


def _storable(text: str) -> str:
    """The text without what no file in UTF-8 can hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


async def _pieces(rows: AsyncIterable[Sequence[Cell]]) -> AsyncIterator[list[Sequence[Cell]]]:
    piece: list[Sequence[Cell]] = []
    async for row in rows:
        piece.append(row)
        if len(piece) == AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece
