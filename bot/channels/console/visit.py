"""Somebody at the console: the cookie, the session behind it, and the token of forms."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from bot.channels import callers

if TYPE_CHECKING:
    from bot.domain.staff import Member

    from .options import Options

COOKIE, PATH = "posbot_staff", "/console"
TOKEN_HEADER, TOKEN_FIELD = "X-CSRF-Token", "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`id` is what the cookie holds: of a session, or of somebody who has only seen the form to log in; empty for none."""

    id: str
    member: Member | None = None

    @property
    def token(self) -> str:
        """What every form must send back: follows from the cookie, which no other site can read."""
        return hmac.digest(self.id.encode("utf-8", "backslashreplace"), b"forms of the console", "sha256").hex()

    def has_sent(self, token: str) -> bool:
        """Whether this is the token."""
        return bool(self.id) and hmac.compare_digest(self.token.encode(), token.encode("utf-8", "replace"))


_VISIT = web.RequestKey("console_visit", Visit)


def enter(request: web.Request, visit: Visit) -> None:
    """Remember who makes a request."""
    request[_VISIT] = visit


def of(request: web.Request) -> Visit:
    """Who makes a request."""
    return request.get(_VISIT) or Visit(id="")


def is_same_origin(request: web.Request) -> bool:
    """Whether a form was sent from a page of ours. Browsers say so by `Sec-Fetch-Site`, older ones and those without HTTPS by `Origin`; what says neither is
    no browser that could be tricked, and is not served either."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    try:
        return urlsplit(request.headers.get("Origin", "")).netloc == request.host != ""
    except ValueError:
        return False


def remember(request: web.Request, response: web.Response, id: str, options: Options) -> None:
    """Put the id into the cookie, which ends with the browser."""
    secure = options.https or callers.is_https(request, proxies=options.proxies)
    response.set_cookie(COOKIE, id, path=PATH, httponly=True, samesite="Lax", secure=secure)
