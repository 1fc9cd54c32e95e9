"""What the page asks for. Every handler says who is there before it does anything, and only ever touches that visitor's chat."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from weakref import WeakValueDictionary

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from bot.channels import callers, photos
from bot.channels.http import JSON_LIMIT, Model, Refused, answer, in_time, number, parsed, problem, prompt_body, take
from bot.channels.uploads import upload
from bot.domain.audit import Entry
from bot.domain.errors import StoreUnavailable
from bot.service.ports import FORGOTTEN
from bot.service.staff import PROGRAM

from . import lines
from .feed import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.messages import Reply
    from bot.service.intake import Intake
    from bot.service.ports import Line, Store

    from .feed import Feed, Seat
    from .options import Options
    from .passes import Passes, Visitor

COOKIE = "posbot"
REMEMBERED = 400 * 24 * 3600
"""Seconds a browser keeps the cookie (the most that browsers allow); each visit begins anew."""
LONGEST_WAIT = 25
"""Seconds of a long poll: proxies cut connections after 30."""
LONGEST_TEXT, LONGEST_CHOICE = 4096, 200
EARLIER = 100
"""Lines that are shown at first, and with each look further back."""
LARGEST = 10**18 - 1
"""Of the numbers in a query."""
PATIENCE, PATIENCE_FOR_PHOTO = 15.0, 120.0
"""Seconds in which a body must have come: a picture over a bad mobile network takes its time."""
STALLED = 30.0
"""Seconds after which a reader that takes nothing is given up."""
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
logger = logging.getLogger(__name__)


def _at_most(most: int) -> AfterValidator:
    """No more characters; lone surrogates pass (half an emoji is no reason to lose a message), `Mind.redact` takes them out."""

    def check(text: str) -> str:
        if len(text) > most:
            raise ValueError(f"at most {most} characters")
        return text

    return AfterValidator(check)


ClientId = Annotated[str, StringConstraints(pattern=f"^{CLIENT_ID.pattern}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Session(_Body):
    merchant: str | None = None


class _Deletion(_Body):
    confirm: bool = False


class _Message(_Body):
    client_id: ClientId
    text: Annotated[str, _at_most(LONGEST_TEXT)] | None = None
    choice: Annotated[str, _at_most(LONGEST_CHOICE)] | None = None

    @model_validator(mode="after")
    def _one(self) -> _Message:
        if (self.text is None) == (self.choice is None):
            raise ValueError("either text or choice")
        return self


class Endpoints:
    """The handlers of the web chat."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        *,
        intake: Intake,
        store: Store,
        clock: Callable[[], int],
        passes: Passes,
        feed: Feed,
        welcome: Callable[[], Reply],
        options: Options,
        continued: Callable[[str], str],
    ) -> None:
        self._intake, self._store, self._clock, self._passes, self._feed = intake, store, clock, passes, feed
        self._welcome, self._options, self._continued = welcome, options, continued
        self._per_chat, self._per_ip = options.per_chat.buckets(clock), options.per_ip.buckets(clock)
        self._uploads_per_ip = options.uploads_per_ip.buckets(clock)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def session(self, request: web.Request) -> web.Response:
        """Who is there: a merchant for whom a site vouches, somebody we know, or somebody new, who gets a token."""
        self._take_ip(request)
        asked = await self._json(request, _Session)
        shown = _token(request)
        visitor, token = self._passes.read(shown), None
        if asked.merchant is not None:
            token = self._passes.vouched(asked.merchant)
        elif visitor is None:
            token = self._passes.fresh()
        visitor = (self._passes.read(token) if token else None) or visitor
        assert visitor is not None
        welcome = asdict(self._welcome())
        response = answer(
            {"token": token, "visitor": visitor.mark, "identified": visitor.identified, "welcome": welcome, "telegram": bool(self._continued(""))}
        )
        if token or request.cookies.get(COOKIE) == shown:
            self._remember(request, response, token or shown)
        return response

    async def say(self, request: web.Request) -> web.Response:
        """The merchant wrote something or tapped a button."""
        visitor = self._visitor(request)
        take(self._per_chat, visitor.address.chat)
        message = await self._json(request, _Message)
        ext_id = lines.ext_id(visitor.address.chat, message.client_id)
        if message.choice is not None:
            conversation = await self._intake.chose(visitor.address, ext_id, message.choice, visitor.profile)
        else:
            conversation = await self._intake.said(visitor.address, ext_id, message.text or "", visitor.profile)
        self._feed.changed(visitor.address, conversation)
        return answer({"client_id": message.client_id, "visitor": visitor.mark}, 202)

    async def send_photo(self, request: web.Request) -> web.Response:
        """The merchant sent a picture. One at a time for each chat; one that is sent again is kept once."""
        visitor = self._visitor(request)
        take(self._uploads_per_ip, self._network(request))
        take(self._per_chat, visitor.address.chat)
        async with in_time(PATIENCE_FOR_PHOTO, "too-slow"):
            sent = await upload(request)
        if not CLIENT_ID.fullmatch(sent.client_id):
            raise Refused(problem(422, "bad-field", field="client_id", reason=CLIENT_ID.pattern))
        chat, id = visitor.address.chat, photos.id_of(visitor.address.chat, sent.client_id)
        async with self._locks.setdefault(chat, asyncio.Lock()):
            if await self._store.photo(id, visitor.address) is None:
                await self._store.keep(await photos.read(sent.photo, id), visitor.address, self._clock())
        caption = sent.caption[:LONGEST_TEXT]
        conversation = await self._intake.sent(visitor.address, lines.ext_id(chat, sent.client_id), "photo", id, caption, visitor.profile)
        self._feed.changed(visitor.address, conversation)
        return answer({"client_id": sent.client_id, "photo": id, "visitor": visitor.mark}, 202)

    async def messages(self, request: web.Request) -> web.Response:
        """Lines after a line; with `wait`, as soon as there are some. With `before` the last lines before one."""
        visitor = self._visitor(request)
        if "before" in request.query:
            return await self._earlier(visitor, number(request.query["before"], "before", 0, LARGEST))
        after, wait = number(request.query.get("after", "0"), "after", 0, LARGEST), number(request.query.get("wait", "0"), "wait", 0, LARGEST)
        with self._feed.seat(visitor.address) as seat:
            await self._feed.greet(seat)
            found = await self._feed.lines(seat, after, min(wait, LONGEST_WAIT))
        return answer({**_marks(visitor, seat), "lines": [lines.shown(line) for line in found], "more": len(found) == PAGE})

    async def _earlier(self, visitor: Visitor, before: int) -> web.Response:
        """The last lines before a line, and whether there are earlier ones."""
        with self._feed.seat(visitor.address) as seat:
            await self._feed.greet(seat)
            found = await self._store.earlier(seat.conversation, before, EARLIER + 1) if seat.conversation else ()
        return answer({**_marks(visitor, seat), "lines": [lines.shown(line) for line in found[-EARLIER:]], "more": len(found) > EARLIER})

    async def photo(self, request: web.Request) -> web.Response:
        """A picture of this chat."""
        visitor = self._visitor(request)
        photo = await self._store.photo(request.match_info["id"], visitor.address)
        if photo is None:
            raise Refused(problem(404, "not-found"))
        headers = {"Content-Disposition": f'attachment; filename="{photo.id}.jpg"', "Cache-Control": "private, no-store"}
        return web.Response(body=photo.data, content_type=photo.mime, headers=headers)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete everything of this chat, once it is confirmed; until then only tell what is still open. A visitor is somebody new afterwards; a signed
        merchant comes back to an empty chat."""
        visitor = self._visitor(request)
        asked = await self._json(request, _Deletion)
        if not asked.confirm:
            return answer({"deleted": False, "open": (await self._store.held(visitor.address)).open, "token": None})
        conversation = await self._store.conversation(visitor.address)
        deleted = await self._store.forget(visitor.address, Entry(at=self._clock(), actor=PROGRAM, what=FORGOTTEN, detail=visitor.address.channel))
        self._feed.changed(visitor.address, conversation)
        logger.info("a visitor's data deleted", extra={"event": "web_deleted", "found": deleted})
        token = None if visitor.identified else self._passes.fresh()
        response = answer({"deleted": deleted, "open": (), "token": token})
        if token:
            self._remember(request, response, token)
        return response

    async def telegram(self, request: web.Request) -> web.Response:
        """A link that continues this chat in Telegram, for an hour."""
        visitor = self._visitor(request)
        await self._json(request, _Body)
        url = self._continued(await self._store.conversation(visitor.address) or "")
        if not url:
            raise Refused(problem(404, "not-found"))
        return answer({"url": url})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Lines as they come, until somebody leaves."""
        visitor = self._visitor(request)
        after = number(request.headers.get("Last-Event-ID") or request.query.get("after", "0"), "after", 0, LARGEST)
        with self._feed.seat(visitor.address) as seat:
            await self._feed.greet(seat)
            response = web.StreamResponse(headers=STREAM)
            await response.prepare(request)
            try:
                await self._stream(request, response, seat, after, visitor)
            except (ConnectionResetError, TimeoutError, StoreUnavailable):
                logger.info("a stream ended early", extra={"event": "stream_ended"})
        return response

    async def _stream(self, request: web.Request, response: web.StreamResponse, seat: Seat, after: int, visitor: Visitor) -> None:
        await _write(response, "retry: 2000\n\n", _conversation(visitor, seat))
        while not seat.over and self._passes.read(_token(request)):
            told = seat.conversation
            found = await self._feed.lines(seat, after, self._options.heartbeat)
            if seat.conversation != told:
                await _write(response, _conversation(visitor, seat))
            elif found:
                after = found[-1].id
                await _write(response, *map(_event, found))
            else:
                await _write(response, ": still here\n\n")

    def _visitor(self, request: web.Request) -> Visitor:
        """Who asks. Raises Refused (429, 401)."""
        self._take_ip(request)
        visitor = self._passes.read(_token(request))
        if visitor is None:
            raise Refused(problem(401, "no-session"))
        return visitor

    def _take_ip(self, request: web.Request) -> None:
        take(self._per_ip, self._network(request))

    def _network(self, request: web.Request) -> str:
        return callers.network(request, proxies=self._options.proxies)

    def _remember(self, request: web.Request, response: web.Response, token: str) -> None:
        secure = self._options.https or callers.is_https(request, proxies=self._options.proxies)
        response.set_cookie(COOKIE, token, max_age=REMEMBERED, path="/", httponly=True, samesite="Lax", secure=secure)

    async def _json(self, request: web.Request, model: type[Model]) -> Model:
        """The body. Other types are refused: a form of another site can send everything but JSON."""
        if request.content_type != "application/json":
            raise Refused(problem(415, "wrong-type", expected="application/json"))
        raw = await prompt_body(request, JSON_LIMIT, PATIENCE, "too-slow")
        return parsed(raw, model)


def _token(request: web.Request) -> str:
    """The token that is shown; the cookie counts only for our own page, whatever the browser thinks of SameSite."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    own = request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
    return request.cookies.get(COOKIE, "") if own else ""


def _marks(visitor: Visitor, seat: Seat) -> dict[str, str | None]:
    return {"visitor": visitor.mark, "conversation": lines.mark(seat.conversation)}


def _conversation(visitor: Visitor, seat: Seat) -> str:
    return f"event: conversation\ndata: {json.dumps(_marks(visitor, seat))}\n\n"


def _event(line: Line) -> str:
    """A line as a server-sent event; JSON holds no line break."""
    return f"id: {line.id}\ndata: {json.dumps(lines.shown(line))}\n\n"


async def _write(response: web.StreamResponse, *events: str) -> None:
    """Raises TimeoutError when nobody reads, ConnectionResetError when nobody is there."""
    async with asyncio.timeout(STALLED):
        await response.write("".join(events).encode())
