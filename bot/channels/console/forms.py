"""The fields of a form."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from bot.channels.http import Refused, problem, prompt_body

TYPE = "application/x-www-form-urlencoded"
LIMIT, MOST = 1 << 17, 500
"""Bytes of a form, and its fields."""
PATIENCE = 15.0
"""Seconds in which it must have come."""
_FIELDS = web.RequestKey("console_fields", MultiDict[str])


async def read(request: web.Request) -> None:
    """Read a form, bounded, for `fields`. Raises Refused (400, 408, 413)."""
    raw = await prompt_body(request, LIMIT, PATIENCE, "too-slow")
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST)
    except ValueError:
        raise Refused(problem(400, "bad-request")) from None
    request[_FIELDS] = MultiDict((name, value.replace("\x00", "")) for name, value in pairs)


def fields(request: web.Request) -> MultiDict[str]:
    """The fields of the form that was sent; none for other requests. A missing one is best read by `.get(name, "")`."""
    return request.get(_FIELDS) or MultiDict()
