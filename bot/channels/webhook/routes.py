"""The way in for other apps: `POST /v1/sources/<source>/messages` and `/photos`, `GET /v1/sources/<source>/conversations/<id>/messages`.

The source stands in the path, so each app has an address of its own that needs no other header than the scheme's three, and a proxy can treat apps apart.
A source that does not exist is refused like one whose signature is wrong. What the signature says is checked before anything of the content is read.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.channels import callers, photos
from bot.channels.http import JSON_LIMIT, UPLOAD_LIMIT, Refused, answer, number, parsed, problem, prompt_body, take, too_often
from bot.domain.messages import Address
from bot.service.buckets import Buckets, Limit

from . import openapi, wire
from .signing import Signer, stamp
from .sources import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from bot.domain.messages import Photo
    from bot.service.intake import Intake
    from bot.service.ports import Line, Store

    from .signing import Stamp

BODY_SECONDS = 20.0
"""How long a body may take to come."""
MOST_UPLOADS = 8
"""Pictures that are read at the same time: each takes three times its size for a moment."""
AT_ONCE = 10
"""Messages that a merchant may send in one go (security: 20 a minute, 10 at once)."""
STRANGERS = Limit(per_minute=60, burst=60)
"""Requests from one address that nobody of ours has signed."""
Model = TypeVar("Model", bound=BaseModel)


def add_routes(  # noqa: PLR0913  (dependencies, by name)
    app: web.Application,
    *,
    sources: Mapping[str, Source],
    intake: Intake,
    store: Store,
    clock: Callable[[], int],
    proxies: int = 0,
    strangers: Limit = STRANGERS,
) -> None:
    """Let these sources in. `clock` gives microseconds UTC; `proxies` of our own stand before us. The application needs the middleware `http.guarded`."""
    api, door = _Api(sources=sources, intake=intake, store=store, clock=clock), _Strangers(strangers, proxies, clock)
    handlers = {"message": api.message, "photo": api.photo, "lines": api.lines, "picture": api.picture, "description": api.description}
    for operation in openapi.OPERATIONS:
        app.router.add_route(operation.method, operation.path, door.counting(handlers[operation.id]), name=f"hook-{operation.id}")


class _Strangers:
    """Counts what is not signed as it should be. Nothing else counts, so an app that shares an address with a stranger is not hurt."""

    def __init__(self, limit: Limit, proxies: int, clock: Callable[[], int]) -> None:
        self._buckets, self._proxies = limit.buckets(clock), proxies

    def counting(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The handler; who is refused by it too often is told when to come again (429)."""

        async def counted(request: web.Request) -> web.Response:
            try:
                return await handler(request)
            except Refused as refused:
                if refused.response.status == 401:
                    take(self._buckets, callers.network(request, proxies=self._proxies))
                raise

        return counted


class _Door:
    """Where one source comes in: its secrets and how often it may come."""

    def __init__(self, source: Source) -> None:
        self._channel, self._signer = source.channel, Signer(source.secrets)
        self._all = Buckets(rate=source.per_second, burst=max(source.per_second, AT_ONCE), clock=time.monotonic)
        self._each = Buckets(rate=source.per_minute / 60, burst=min(source.per_minute, AT_ONCE), clock=time.monotonic)

    def check(self, stamp: Stamp, content: str) -> None:
        """Raises Refused (401) when it is not signed by this source."""
        self._signer.check(stamp, content)

    def count(self) -> None:
        """Raises Refused (429). Only what is signed counts: nobody else can use up what a source may send."""
        take(self._all, "")

    def address(self, merchant: str) -> Address:
        """Where the conversation with this merchant takes place. Raises Refused (429)."""
        take(self._each, merchant)
        return Address(channel=self._channel, chat=merchant)

    def is_ours(self, address: Address | None) -> bool:
        """Whether a conversation belongs to this source."""
        return address is not None and address.channel == self._channel


class _Api:
    """The handlers."""

    def __init__(self, *, sources: Mapping[str, Source], intake: Intake, store: Store, clock: Callable[[], int]) -> None:
        self._intake, self._store, self._clock = intake, store, clock
        self._doors = {name: _Door(source) for name, source in sources.items()}
        self._nobody = _Door(Source(name="nobody", secrets=(base64.b64encode(secrets.token_bytes(32)).decode(),)))
        self._uploads = 0
        self._description = json.dumps(openapi.document(), ensure_ascii=False).encode()

    async def message(self, request: web.Request) -> web.Response:
        """A merchant wrote or tapped."""
        door, signed = self._knock(request)
        raw = await prompt_body(request, JSON_LIMIT, BODY_SECONDS, "body-late")
        door.check(signed, _text(raw))
        door.count()
        message = _read(raw, wire.Message)
        address, ext_id = door.address(message.merchant), _ext_id(message.merchant, signed.id)
        if message.text:
            return _accepted(await self._intake.said(address, ext_id, message.text, message.known()))
        return _accepted(await self._intake.chose(address, ext_id, message.choice, message.known()))

    async def photo(self, request: web.Request) -> web.Response:
        """A merchant sent a picture."""
        door, signed = self._knock(request)
        with self._uploading():
            raw = await prompt_body(request, wire.PHOTO_BODY_LIMIT, BODY_SECONDS, "body-late")
            await asyncio.to_thread(lambda: door.check(signed, _text(raw)))  # megabytes are looked at in another thread
            door.count()
            message = await asyncio.to_thread(_read, raw, wire.PhotoMessage)
            address, ext_id = door.address(message.merchant), _ext_id(message.merchant, signed.id)
            id = photos.id_of(address.channel, ext_id)
            if await self._store.photo(id, address) is None:
                await self._store.keep(await _picture(message, id), address, self._clock())
        return _accepted(await self._intake.sent(address, ext_id, "photo", id, message.caption, message.known()))

    async def lines(self, request: web.Request) -> web.Response:
        """What was said in a conversation."""
        door, signed = self._knock(request)
        door.check(signed, request.raw_path)
        door.count()
        after = _number(request, "after", 0, openapi.LARGEST_LINE_ID, 0)
        limit = _number(request, "limit", 1, openapi.MOST_LINES, openapi.DEFAULT_LIMIT)
        conversation = request.match_info["conversation"]
        if not door.is_ours(await self._store.address(conversation)):
            raise Refused(problem(404, "not-found"))
        lines = [_line(line) for line in await self._store.transcript(conversation, after, limit)]
        return answer(wire.Lines(conversation=conversation, lines=lines, after=lines[-1].id if lines else after).model_dump(exclude_none=True))

    async def picture(self, request: web.Request) -> web.Response:
        """A picture of a conversation of this source."""
        door, signed = self._knock(request)
        door.check(signed, request.raw_path)
        door.count()
        address = await self._store.address(request.match_info["conversation"])
        photo = await self._store.photo(request.match_info["photo"], address) if address and door.is_ours(address) else None
        if photo is None:
            raise Refused(problem(404, "not-found"))
        encoded = await asyncio.to_thread(base64.b64encode, photo.data)
        return answer(wire.Picture(id=photo.id, mime="image/jpeg", photo=encoded.decode()).model_dump())

    async def description(self, _: web.Request) -> web.Response:
        """What can be asked here."""
        return web.Response(body=self._description, content_type="application/json")

    def _knock(self, request: web.Request) -> tuple[_Door, Stamp]:
        """Whose door it is, and the headers of the signature. Raises Refused."""
        signed = stamp(request.headers, self._clock())
        if not request.raw_path.isascii():
            raise Refused(problem(400, "bad-request"))
        if request.headers.get("Content-Encoding", "identity") != "identity":  # what was signed would not be what is read, and little could become much
            raise Refused(problem(415, "compressed"))
        return self._doors.get(request.match_info["source"], self._nobody), signed

    @contextmanager
    def _uploading(self) -> Iterator[None]:
        if self._uploads >= MOST_UPLOADS:
            raise Refused(too_often(1))
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1


async def _picture(message: wire.PhotoMessage, id: str) -> Photo:
    """The picture as it is kept. Raises Refused (413, 422)."""
    try:
        data = await asyncio.to_thread(message.data)
    except ValueError:
        raise Refused(problem(422, "bad-field", field="photo", reason="base64")) from None
    if len(data) > UPLOAD_LIMIT:
        raise Refused(problem(413, "too-large", most=UPLOAD_LIMIT))
    return await photos.read(data, id)


def _text(raw: bytes) -> str:
    """What is signed. Raises Refused (400)."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Refused(problem(400, "bad-json")) from None


def _read(raw: bytes, model: type[Model]) -> Model:
    """A body as its model; what the fast way refuses is looked at by the careful one, which says why or mends it."""
    try:
        return model.model_validate_json(raw)
    except ValidationError:
        return parsed(raw, model)


def _ext_id(merchant: str, id: str) -> str:
    """What tells messages of a source apart: an app may count each merchant's messages for itself."""
    return f"{merchant}/{id}"


def _accepted(conversation: str) -> web.Response:
    return answer({"conversation": conversation}, 202)


def _number(request: web.Request, name: str, least: int, most: int, default: int) -> int:
    """A number of the query. Raises Refused (422)."""
    text = request.query.get(name)
    return default if text is None else number(text, name, least, most)


def _line(line: Line) -> wire.Line:
    """A line as it leaves the house: documented fields only, nothing of what is kept for staff."""
    kept = json.loads(line.body)
    return wire.Line(
        id=line.id, side=line.side, at=wire.moment(line.at), bubbles=kept.get("bubbles", ()), choices=kept.get("choices", ()),
        text=kept.get("text"), choice=kept.get("choice"), label=kept.get("label"), photo=kept.get("file"),
        webhook_id=line.ext_id.rpartition("/")[2] if line.ext_id else None,
    )  # fmt: skip
