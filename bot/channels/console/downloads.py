"""Sends files that are made while they are sent."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.errors import StoreUnavailable

from .exports import csv_pieces, workbook

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable
    from pathlib import Path

    from .exports import Table

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PIECE = 1 << 16
"""Bytes of a file that are read at once."""
logger = logging.getLogger(__name__)


async def send_csv(request: web.Request, name: str, table: Table) -> web.StreamResponse:
    """A table as CSV, as its rows come."""
    return await _send(request, name, CSV, csv_pieces(table))


async def send_workbook(request: web.Request, name: str, tables: Iterable[Table]) -> web.StreamResponse:
    """Tables as a workbook, when it is done. Raises StoreUnavailable."""
    async with workbook(tables) as path:
        return await _send(request, name, XLSX, _read(path))


async def _send(request: web.Request, name: str, kind: str, pieces: AsyncIterable[bytes]) -> web.StreamResponse:
    """What fails in the middle breaks off, so that nobody takes a part for the whole."""
    response = web.StreamResponse(headers={"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'})
    await response.prepare(request)
    try:
        async for piece in pieces:
            await response.write(piece)
    except StoreUnavailable:
        logger.warning("a download broke off", extra={"event": "download_broken"})
        if request.transport:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


async def _read(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
