"""What an operator decides about the web chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.service.buckets import Limit

if TYPE_CHECKING:
    from datetime import timedelta

PER_CHAT = Limit(per_minute=20, burst=10)
PER_IP = Limit(per_minute=300, burst=120)
"""Generous: mobile networks put many phones behind one address."""
UPLOADS_PER_IP = Limit(per_minute=30, burst=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings of the web chat.

    `kept`: how long anything of a chat is kept, as the page tells merchants; the timers must keep the promise. `merchant_secrets`: with which other sites
    sign who their merchants are (`passes`), at least 16 bytes each; the first signs, all are believed. `frame_ancestors`: sites that may show the page in
    a frame, as sources of a content security policy; none for nobody. `proxies`: how many proxies of our own stand before us, which add to X-Forwarded-For
    and set X-Forwarded-Proto. `https`: merchants come by HTTPS, whatever a request looks like by the time it is here. `per_chat`, `per_ip`,
    `uploads_per_ip`: how often somebody may come. `most_streams`: visitors that wait at the same time; more are asked to come again. `heartbeat`: seconds
    between two comments in a quiet stream.
    """

    kept: timedelta
    merchant_secrets: tuple[bytes, ...] = ()
    frame_ancestors: tuple[str, ...] = ("'self'",)
    proxies: int = 0
    https: bool = False
    per_chat: Limit = PER_CHAT
    per_ip: Limit = PER_IP
    uploads_per_ip: Limit = UPLOADS_PER_IP
    most_streams: int = 2000
    heartbeat: float = 15.0
