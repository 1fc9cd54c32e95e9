"""Pictures as they are sent: a form or the bare bytes, never read beyond the limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import BodyPartReader
from aiohttp.http import HttpProcessingError

from bot.channels.http import UPLOAD_LIMIT, Refused, body, problem

if TYPE_CHECKING:
    from aiohttp import MultipartReader, web

TEXT_LIMIT = 16_384
"""Bytes of a field that is text: 4,096 characters."""
FIELDS = {"photo": UPLOAD_LIMIT, "client_id": TEXT_LIMIT, "caption": TEXT_LIMIT}
AROUND = 65_536
"""Bytes that a form adds to a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What was sent; fields that were not are empty."""

    photo: bytes
    client_id: str
    caption: str


async def upload(request: web.Request) -> Upload:
    """The picture of a request with what belongs to it. Raises Refused (400, 413)."""
    if not request.content_type.startswith("multipart/"):
        return Upload(photo=await body(request, UPLOAD_LIMIT), client_id=request.query.get("client_id", ""), caption="")
    if (request.content_length or 0) > UPLOAD_LIMIT + AROUND:
        raise Refused(problem(413, "too-large", most=UPLOAD_LIMIT))
    try:
        fields = await _fields(await request.multipart())
        return Upload(photo=fields.get("photo", b""), client_id=fields.get("client_id", b"").decode(), caption=fields.get("caption", b"").decode())
    except (ValueError, LookupError, HttpProcessingError):  # what aiohttp's reader raises for a broken form, and bad UTF-8
        raise Refused(problem(400, "bad-request")) from None


async def _fields(form: MultipartReader) -> dict[str, bytes]:
    """Known fields by name, each once; anything else is refused."""
    fields: dict[str, bytes] = {}
    while (part := await form.next()) is not None:
        name = part.name if isinstance(part, BodyPartReader) else None
        if not isinstance(part, BodyPartReader) or name not in FIELDS or name in fields:
            raise Refused(problem(400, "bad-request"))
        fields[name] = await _field(part, FIELDS[name])
    return fields


async def _field(part: BodyPartReader, limit: int) -> bytes:
    chunks, size = [], 0
    while chunk := await part.read_chunk(1 << 16):
        size += len(chunk)
        if size > limit:
            raise Refused(problem(413, "too-large", most=limit))
        chunks.append(chunk)
    return b"".join(chunks)
