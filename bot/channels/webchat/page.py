"""The page and what belongs to it: files of `static/`, with the sentences of `zh.yaml` put in once at the start."""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import re
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from aiohttp import web

from bot.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECTION = "webchat."
SCRIPTED = f"{SECTION}js-"
"""Sentences that the page's script says; the others stand in the HTML."""
EMBEDDED = f"{SECTION}embed-"
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FOREVER, EACH_TIME, SOON = "public, max-age=31536000, immutable", "no-cache", "public, max-age=300"
_PLACE = re.compile(r"\{\{([a-z-]+)\}\}")


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file as it is sent."""

    name: str
    data: bytes

    @cached_property
    def packed(self) -> bytes:
        """Compressed."""
        return gzip.compress(self.data, 9, mtime=0)

    @cached_property
    def version(self) -> str:
        """Changes with the content."""
        return hashlib.sha256(self.data).hexdigest()[:16]

    @property
    def mime(self) -> str:
        """Its media type."""
        return TYPES[self.name.rpartition(".")[2]]


def assets(kept_days: int) -> Mapping[str, Asset]:
    """Everything the browser loads, by file name. `kept_days` is told to merchants."""
    found = {name: _asset(name) for name in ("page.css", "page.js", "icon.svg")}
    words = _words(SCRIPTED)
    places = {name: html.escape(text.replace("{days}", str(kept_days))) for name, text in _words(SECTION).items()}
    places |= {f"{name.rpartition('.')[2]}-version": asset.version for name, asset in found.items()}
    places["words"] = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")
    found["page.html"] = _filled("page.html", places)
    found["embed.js"] = _filled("embed.js", {"words": json.dumps(_words(EMBEDDED), ensure_ascii=False)})
    return found


def _words(prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): text for key, text in sentences().items() if key.startswith(prefix)}


def _asset(name: str) -> Asset:
    return Asset(name=name, data=files(__package__).joinpath("static", name).read_bytes())


def _filled(name: str, places: Mapping[str, str]) -> Asset:
    """A file with its {{places}} filled. Raises KeyError for one that has no sentence."""
    text = _asset(name).data.decode()
    return Asset(name=name, data=_PLACE.sub(lambda place: places[place[1]], text).encode())


def send(request: web.Request, asset: Asset) -> web.Response:
    """The file, compressed where that is understood; nothing when the browser has it."""
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    etag = f'"{asset.version}{"-gz" if packed else ""}"'
    headers = {"ETag": etag, "Vary": "Accept-Encoding", "Cache-Control": _keeping(request, asset)}
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=asset.packed if packed else asset.data, content_type=asset.mime, charset="utf-8", headers=headers)


def _keeping(request: web.Request, asset: Asset) -> str:
    if asset.name == "embed.js":
        return SOON
    return FOREVER if request.query.get("v") == asset.version else EACH_TIME


def policy(frame_ancestors: Iterable[str]) -> str:
    """The content security policy of the page; `frame_ancestors` are the sites that may show it in a frame. Raises ValueError for what is no source."""
    sources = " ".join(frame_ancestors) or "'none'"
    if not re.fullmatch(r"[A-Za-z0-9:/.*' \[\]_-]+", sources):
        raise ValueError(f"frame_ancestors holds what is no source: {sources!r}")
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {sources}"
    )
