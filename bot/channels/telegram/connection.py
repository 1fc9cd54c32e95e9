"""One caller at the port for Telegram's server: requests are read by llhttp (httptools), as Node.js and uvicorn read them, and answered one after the other.

What an application server would care for is cared for here: heads and bodies have a limit, who is slow is sent away, who is refused can read why. Who does not
wait for an answer before the next request (pipelining) gets the one, and comes again with the other.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum, auto
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import TYPE_CHECKING, Protocol

import httptools

from bot.channels.http import JSON_LIMIT, problem

if TYPE_CHECKING:
    from aiohttp import web

PATIENCE, IDLE, LINGER = 20.0, 75.0, 5.0
"""Seconds for a request, for the next one to begin, and for who was refused in the middle to read why: closed at once, TCP would take the answer back."""
HEAD_LIMIT = 1 << 14
"""Bytes of a request without its body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is sent, but for the last line of its head."""

    head: bytes
    body: bytes


class Gate(Protocol):
    """Who lets callers in, and decides about their requests."""

    @property
    def ending(self) -> bool:
        """Whether each answer is the last one of its connection."""

    def met(self, connection: Connection) -> None:
        """Somebody has come."""

    def left(self, connection: Connection) -> None:
        """Somebody has left, or was sent away."""

    def refusal(self, method: bytes, path: bytes, headers: dict[bytes, bytes]) -> web.Response | None:
        """Why a request is not let in, when its head has come. Names of headers are in small letters."""

    def came(self, connection: Connection, body: bytes) -> None:
        """A request that is let in has come; `connection.answer` answers it, later."""


class _State(Enum):
    RESTING = auto()
    ARRIVING = auto()
    ASKED = auto()
    LEAVING = auto()


class Connection(asyncio.Protocol):
    """One caller. The methods that begin with `on_` are called by the parser."""

    _transport: asyncio.Transport
    _headers: dict[bytes, bytes]
    _refusal: web.Response | None

    def __init__(self, gate: Gate, loop: asyncio.AbstractEventLoop) -> None:
        self._gate, self._loop = gate, loop
        self._parser = httptools.HttpRequestParser(self)
        self._last = False
        self._body = bytearray()
        self._rest()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has come."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._gate.met(self)
        if self._gate.ending:
            self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody has left, or was sent away."""
        self._gate.left(self)
        self._state = _State.LEAVING

    def eof_received(self) -> bool:
        """Nothing more will be said; who waits for an answer gets it."""
        self._last = True
        return self._state is _State.ASKED

    def pause_writing(self) -> None:
        """Who does not read is not answered without end."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """A part of a request, or all of it."""
        if self._state is _State.RESTING:
            self._since, self._state = self._loop.time(), _State.ARRIVING
        if self._state is not _State.ARRIVING:
            self._last = True
            return
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(problem(400, "bad-request"))
        self._check_size()
        self._answer_refused()

    def on_message_begin(self) -> None:
        """Another request begins, maybe in the middle of what was received."""
        if self._state is _State.RESTING:
            self._state = _State.ARRIVING
        elif self._state is _State.ASKED:
            self._last = True

    def on_url(self, url: bytes) -> None:
        """What is asked for, maybe in parts."""
        if self._state is _State.ARRIVING:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field."""
        if self._state is _State.ARRIVING:
            self._headers[name.lower()] = value.strip()

    def on_headers_complete(self) -> None:
        """Who is not let in is told so when all has come, so that the connection is still good."""
        if self._state is _State.ARRIVING:
            method = self._parser.get_method()
            self._refusal = self._gate.refusal(method, self._url.partition(b"?")[0], self._headers)
            self._has_head, self._wants_head_only = True, method == b"HEAD"

    def on_body(self, body: bytes) -> None:
        """A part of the body. Of who is not let in nothing is kept."""
        if self._state is _State.ARRIVING and self._refusal is None:
            self._body += body

    def on_message_complete(self) -> None:
        """The request is there. What stands behind one for another protocol (`Upgrade`, CONNECT) is no request."""
        if self._state is not _State.ARRIVING:
            return
        self._state, self._last = _State.ASKED, not self._parser.should_keep_alive() or self._parser.should_upgrade()
        if len(self._body) > JSON_LIMIT:
            self._refusal = problem(413, "too-large", most=JSON_LIMIT)
        if self._refusal is None:
            self._gate.came(self, bytes(self._body))

    def answer(self, answer: Answer) -> None:
        """Answer the request that has come; then the next one may."""
        if self._state is not _State.ASKED:  # the caller has left
            return
        self._last = self._last or self._gate.ending
        self._write(answer)
        self._rest()
        if self._last:
            self._leave()

    def look(self) -> None:
        """Send the caller away who is late; one who has begun to ask is told."""
        waited = self._loop.time() - self._since
        match self._state:
            case _State.ARRIVING if waited > PATIENCE:
                self._refuse(problem(408, "too-slow"))
            case _State.RESTING if waited > IDLE:
                self._leave()
            case _State.LEAVING if waited > LINGER:
                self._transport.abort()

    def end(self) -> None:
        """Leave, but not in the middle of a request that is let in: after its answer."""
        if self._state is _State.RESTING or (self._state is _State.ARRIVING and (not self._has_head or self._refusal is not None)):
            self._leave()

    def abort(self) -> None:
        """Leave at once."""
        self._transport.abort()

    def _rest(self) -> None:
        self._state, self._since = _State.RESTING, self._loop.time()
        self._url, self._headers, self._size = b"", {}, 0
        self._has_head = self._wants_head_only = False
        self._refusal = None
        self._body.clear()

    def _leave(self) -> None:
        self._state = _State.LEAVING
        self._transport.close()

    def _answer_refused(self) -> None:
        """Only when all that was received has been looked at: so one piece of it is answered once."""
        if self._state is _State.ASKED and self._refusal is not None:
            self.answer(refused(self._refusal))

    def _check_size(self) -> None:
        """Nobody sends without end."""
        if not self._has_head and self._size > HEAD_LIMIT:
            self._refuse(problem(431, "too-large", most=HEAD_LIMIT))
        elif self._size > HEAD_LIMIT + JSON_LIMIT:
            self._refuse(self._refusal or problem(413, "too-large", most=JSON_LIMIT))

    def _refuse(self, response: web.Response) -> None:
        """Say in the middle of a request why nothing more is heard. What stands behind a whole request waits for its answer, which is the last one."""
        self._last = True
        if self._state is _State.ARRIVING:
            self._write(refused(response))
            self._state, self._since = _State.LEAVING, self._loop.time()

    def _write(self, answer: Answer) -> None:
        end = b"Connection: close\r\n\r\n" if self._last else b"\r\n"
        self._transport.write(answer.head + end + (b"" if self._wants_head_only else answer.body))


def taken() -> Answer:
    """What says that all is well."""
    return _answer(HTTPStatus.OK, {}, b"")


def refused(response: web.Response) -> Answer:
    """What says what is wrong."""
    assert isinstance(response.body, bytes)
    return _answer(HTTPStatus(response.status), dict(response.headers), response.body)


def _answer(status: HTTPStatus, headers: dict[str, str], body: bytes) -> Answer:
    fields = {"Date": _date(int(time())), **headers, "Content-Length": len(body)}
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in fields.items()), ""]
    return Answer("\r\n".join(lines).encode(), body)


@lru_cache(1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
