"""How often somebody may come, and who that is."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from bot.channels.http import Buckets
from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many a minute, so many at once."""

    per_minute: float
    burst: float

    def buckets(self, clock: Callable[[], int]) -> Buckets:
        """Counts by this limit; `clock` gives microseconds."""
        return Buckets(rate=self.per_minute / 60, burst=self.burst, clock=lambda: clock() / SECOND)


def network(request: web.Request, *, proxies: int) -> str:
    """Where a request comes from: an IPv4 address, or the /64 of an IPv6 address, which is one customer's. Each of our own proxies adds one entry at the end
    of the header; everything before may be invented."""
    told = [entry.strip() for value in request.headers.getall("X-Forwarded-For", ()) for entry in value.split(",")]
    remote = told[-proxies] if 0 < proxies <= len(told) else request.remote or ""
    try:
        address = ip_address(remote)
    except ValueError:
        return remote[:64]
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


def is_https(request: web.Request, *, proxies: int) -> bool:
    """Whether the visitor's browser speaks HTTPS."""
    return request.secure or (proxies > 0 and request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https")
