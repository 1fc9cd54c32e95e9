"""What a page of the console is: where, who may, and who answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from bot.domain.staff import Permission

Handler: TypeAlias = "Callable[[web.Request, Any], Awaitable[web.StreamResponse]]"
"""Gets the request and the `Member`; one of a page for anybody gets `Member | None`."""


class Access(Enum):
    """Who may, when no permission is needed."""

    ANYBODY = "anybody"
    CHANGING = "changing"
    """A member, also one who must change the password first."""
    MEMBER = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One entry of the table. `background`: browsers ask for it by themselves, so it does not keep a session alive."""

    method: Literal["GET", "POST"]
    path: str
    access: Access | Permission
    handler: Handler
    background: bool = False


def get(path: str, access: Access | Permission, handler: Handler, *, background: bool = False) -> Page:
    """A page to look at; it changes nothing."""
    return Page(method="GET", path=path, access=access, handler=handler, background=background)


def post(path: str, access: Access | Permission, handler: Handler) -> Page:
    """Something to do."""
    return Page(method="POST", path=path, access=access, handler=handler)
