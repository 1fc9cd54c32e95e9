"""One call of a method: parameters from the query, a form, multipart or JSON, and the files that came with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import aiohttp
from multidict import CIMultiDict

from tests.telegram.fake.errors import RefusedError

if TYPE_CHECKING:
    from aiohttp import web

UPLOAD = 50 * 1024 * 1024
"""Bytes that one upload may have (Bot API, "Sending files")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with a call."""

    name: str
    mime: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class Call:
    """A call with its parameters as they came: text from forms, any type from JSON."""

    method: str
    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def text(self, name: str) -> str:
        """The parameter as text, empty if it is missing."""
        value = self.values.get(name)
        if value is None:
            return ""
        text = value if isinstance(value, str) else json.dumps(value)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise RefusedError("strings must be encoded in UTF-8")
        return text.replace("\0", "")

    def whole(self, name: str, default: int = 0) -> int:
        """The parameter as an integer."""
        value = self.text(name).strip()
        if not value:
            return default
        try:
            return int(value[:20])
        except ValueError:
            raise RefusedError(f"invalid {name} specified") from None

    def number(self, name: str) -> float | None:
        """The parameter as a floating point number."""
        value = self.text(name).strip()
        try:
            return float(value) if value else None
        except ValueError:
            raise RefusedError(f"invalid {name} specified") from None

    def flag(self, name: str) -> bool:
        """The parameter as a truth value, as lenient as the real one."""
        return self.text(name).strip().lower() in {"true", "yes", "1"}

    def json(self, name: str) -> Any:
        """The parameter as JSON; None if it is missing."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise RefusedError(f"can't parse {name} JSON object") from None

    def object(self, name: str) -> dict[str, Any] | None:
        """The parameter as a JSON object; None if it is missing or empty."""
        value = self.json(name)
        if value and not isinstance(value, dict):
            raise RefusedError(f"can't parse {name}: expected an object")
        return value or None

    def objects(self, name: str) -> list[dict[str, Any]]:
        """The parameter as a JSON array of objects; empty if it is missing."""
        value = self.json(name) or []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise RefusedError(f"can't parse {name}: expected an array of objects")
        return value


async def read_request(request: web.Request, method: str) -> Call:
    """The call in a request, whatever its form.

    Raises:
        RefusedError: 413 for an upload that is too large, 400 for a body that cannot be read.
    """
    call = Call(method=method, values=dict(request.query))
    if request.content_type == "multipart/form-data":
        await _read_parts(await request.multipart(), call)
    else:
        _read_body(await request.read(), request.content_type, call)
    return call


async def read_response(response: aiohttp.ClientResponse) -> Call | None:
    """The call in a webhook's answer; None if there is none."""
    call = Call(method="")
    if response.content_type == "multipart/form-data":
        await _read_parts(aiohttp.MultipartReader.from_response(response), call)  # type: ignore[arg-type]
    else:
        try:
            _read_body(await response.read(), response.content_type, call)
        except RefusedError:
            return None
    call.method = str(call.values.pop("method", ""))
    return call if call.method else None


def _read_body(body: bytes, kind: str, call: Call) -> None:
    if kind == "application/json" and body.strip():
        try:
            values = json.loads(body)
        except ValueError:
            raise RefusedError("can't parse request JSON body: expected a JSON object") from None
        if not isinstance(values, dict):
            raise RefusedError("can't parse request JSON body: expected a JSON object")
        call.values.update(values)
    elif kind == "application/x-www-form-urlencoded":
        call.values.update(parse_qsl(body.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"))


async def _read_parts(reader: aiohttp.MultipartReader, call: Call) -> None:
    while (part := await reader.next()) is not None:
        if not isinstance(part, aiohttp.BodyPartReader) or not (name := part.name):
            continue
        content = bytes(await part.read())
        if len(content) > UPLOAD:
            raise RefusedError("Request Entity Too Large", 413)
        if part.filename is None:
            call.values[name] = content.decode("utf-8", "surrogateescape")
        else:
            mime = CIMultiDict(part.headers).get("Content-Type", "application/octet-stream")
            call.files[name] = Upload(name=part.filename, mime=mime, content=content)
