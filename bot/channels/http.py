"""What every HTTP channel shares: bodies that are bounded and checked, answers that say what was wrong, and how often somebody may come."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from bot.domain.errors import SettingsError, StoreUnavailable
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from bot.service.buckets import Buckets

JSON_LIMIT = 1 << 20
"""Bytes of a JSON body."""
UPLOAD_LIMIT = 10_000_000
"""Bytes of a picture as it is sent."""
DEEPEST = 32
"""Nested brackets in a JSON body; ours have three."""
Model = TypeVar("Model", bound=BaseModel)


def problem(status: int, code: str, **values: object) -> web.Response:
    """An answer that says what is wrong: a stable code for programs, a Chinese sentence for people (RFC 9457 without its links)."""
    body = {"error": code, "message": say(f"http.{code}", **values)}
    return web.json_response(body, status=status, dumps=_dumps)


def answer(body: Any, status: int = 200) -> web.Response:
    """A JSON answer that nobody keeps."""
    return web.json_response(body, status=status, dumps=_dumps, headers={"Cache-Control": "no-store"})


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


class Refused(Exception):
    """The request cannot be served; carries the answer that says why."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


async def body(request: web.Request, limit: int) -> bytes:
    """The body, read no further than the limit. Raises Refused (413)."""
    if (request.content_length or 0) > limit:
        raise Refused(problem(413, "too-large", most=limit))
    parts, size = [], 0
    try:
        async for part in request.content.iter_chunked(1 << 16):
            size += len(part)
            if size > limit:
                raise Refused(problem(413, "too-large", most=limit))
            parts.append(part)
    except ConnectionError:  # the caller has left: nobody hears the answer, and it is no error of ours
        raise Refused(problem(400, "bad-request")) from None
    return b"".join(parts)


async def prompt_body(request: web.Request, limit: int, seconds: float, code: str) -> bytes:
    """The body, where who sends one must go on. A small one has come together with its head, and is not timed. Raises Refused (408, 413)."""
    if (request.content_length or limit + 1) <= limit and request.content.is_eof():
        return await request.content.read()
    async with in_time(seconds, code):
        return await body(request, limit)


@asynccontextmanager
async def in_time(seconds: float, code: str) -> AsyncIterator[None]:
    """Who sends a body must go on. Raises Refused (408, with this code)."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Refused(problem(408, code, seconds=int(seconds))) from None


def parsed(raw: bytes, model: type[Model]) -> Model:
    """A JSON body as its model. Raises Refused (400, 422): bad UTF-8, bad JSON, endless digits, NaN, brackets without end, wrong fields."""
    fields = json_of(raw)
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "-"
        raise Refused(problem(422, "bad-field", field=place, reason=first["msg"])) from None


def json_of(raw: bytes, *, deepest: int = DEEPEST) -> Any:
    """What a JSON body holds, with whole characters only. Raises Refused (400)."""
    try:
        value = _json(raw)
    except (ValueError, RecursionError):
        raise Refused(problem(400, "bad-json")) from None
    if raw.count(b"[") + raw.count(b"{") > deepest and _is_deeper(value, deepest):  # few have so many brackets, and most of those in a text
        raise Refused(problem(400, "bad-json"))
    return value


def number(text: str, name: str, least: int, most: int) -> int:
    """A whole number that somebody sent as text. Raises Refused (422)."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and least <= int(text) <= most):
        raise Refused(problem(422, "bad-field", field=name, reason=f"{least}..{most}"))
    return int(text)


def _json(raw: bytes) -> Any:
    """Read by pydantic's parser, which is several times as fast as Python's, but has no patience with half a character."""
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError:
        if b"\\u" not in raw:  # half a character comes in no other way
            raise
        return _mended(json.loads(raw.decode(), parse_constant=_no_constant))


def _is_deeper(value: Any, most: int) -> bool:
    """Whether more than so many lists and objects stand in one another. What somebody wrote is no bracket."""
    level = [value]
    for _ in range(most):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return any(isinstance(each, dict | list) for each in level)


def _mended(value: Any) -> Any:
    """The value with whole characters only: an app that cuts a text in the middle of an emoji sends half of it, and the rest is worth reading."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


@web.middleware
async def guarded(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Turns what went wrong into answers: nothing that comes in is a server error."""
    try:
        return await handler(request)
    except Refused as refused:
        return refused.response
    except web.RequestPayloadError:  # a body that is cut or not encoded as it says; what follows it cannot be read
        response = problem(400, "bad-request")
        response.force_close()
        return response
    except StoreUnavailable:
        return unavailable(2)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = problem(error.status, {404: "not-found", 405: "wrong-method", 413: "too-large"}.get(error.status, "bad-request"), most=JSON_LIMIT)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response


@contextmanager
def listening(host: str, port: int) -> Iterator[None]:
    """In the block a port is taken. Raises SettingsError when somebody else has it."""
    try:
        yield
    except OSError as error:
        raise SettingsError(say("settings.cannot-listen", host=host, port=port, reason=error.strerror)) from None


def origin(host: str, port: int) -> str:
    """The address of a server, as callers write it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class InFlight:
    """The requests of a server that are being handled or still arrive, so that it can wait for them."""

    def __init__(self) -> None:
        self._number, self._ending, self._none = 0, False, asyncio.Event()
        self._none.set()

    @web.middleware
    async def counted(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        """Notes that it is there. At the end each answer is the last one of its connection."""
        self._number += 1
        self._none.clear()
        try:
            response = await handler(request)
            if self._ending:
                response.force_close()
            return response
        finally:
            self._number -= 1
            if not self._number:
                self._none.set()

    async def landed(self, seconds: float) -> None:
        """Wait until there are none, at most so long."""
        self._ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none.wait()


def take(buckets: Buckets, key: str) -> None:
    """One more. Raises Refused (429, with Retry-After)."""
    if seconds := buckets.take(key):
        raise Refused(too_often(seconds))


def too_often(seconds: float) -> web.Response:
    """The answer to who comes too often."""
    wait = max(1, math.ceil(seconds))
    response = problem(429, "too-often", seconds=wait)
    response.headers["Retry-After"] = str(wait)
    return response


def unavailable(seconds: int) -> web.Response:
    """The answer when nobody can be served now."""
    response = problem(503, "unavailable")
    response.headers["Retry-After"] = str(seconds)
    return response
