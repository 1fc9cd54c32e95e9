"""Who is calling, as far as the network tells."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


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
