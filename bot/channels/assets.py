"""Files that a browser loads, such as style sheets and scripts."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property

from aiohttp import web

TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}
FOREVER, EACH_TIME, SOON = "public, max-age=31536000, immutable", "no-cache", "public, max-age=300"
"""How long a browser keeps a file: for ever when its address names the version, else it asks each time, or after five minutes."""


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file as it is sent."""

    name: str
    data: bytes
    keep: str = EACH_TIME

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


def send(request: web.Request, asset: Asset) -> web.Response:
    """The file, compressed where that is understood; nothing when the browser has it."""
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    etag = f'"{asset.version}{"-gz" if packed else ""}"'
    keep = FOREVER if request.query.get("v") == asset.version else asset.keep
    headers = {"ETag": etag, "Vary": "Accept-Encoding", "Cache-Control": keep}
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=asset.packed if packed else asset.data, content_type=asset.mime, charset="utf-8", headers=headers)
