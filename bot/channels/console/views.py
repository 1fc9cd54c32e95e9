"""Makes pages of templates."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.channels.assets import Asset
from bot.domain.staff import Permission, may
from bot.wording import say, sentences

from . import visit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jinja2 import Environment

    from bot.domain.audit import Entry
    from bot.domain.staff import Member

    from .options import Options

FILES = ("console.css", "console.js", "htmx.min.js", "idiomorph.min.js", "icon.svg", "icon-alert.svg", "licences.txt")
NAVIGATION = {
    "queue": Permission.READ_TICKETS,
    "search": Permission.READ_TICKETS,
    "reports": Permission.REPORTS,
    "incidents": Permission.INCIDENTS,
    "accounts": Permission.ACCOUNTS,
    "audit": Permission.AUDIT,
}
"""Entries of the header, each at `/console/<entry>`, with what it takes to see them; one that has no page yet is not shown."""
SEEN, MARK = "X-Seen", "X-Mark"
"""Headers: the mark of what a page shows, and that of what it gets."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Views:
    """Templates, and what they have in common. `paths` are those of pages that there are."""

    def __init__(self, options: Options, paths: Collection[str]) -> None:
        self._options, self._paths = options, paths
        self.assets: Mapping[str, Asset] = {name: _asset(name) for name in FILES}

    def page(self, request: web.Request, member: Member | None, template: str, values: Mapping[str, Any]) -> str:
        """A template with its values, and with what `base.html` needs."""
        who = visit.of(request)
        common = {
            "member": member,
            "csrf": who.token if who.id else "",
            "navigation": self.navigation(member),
            "path": request.path,
            "target": request.path_qs if request.method == "GET" else "",
        }
        return self._environment.get_template(template).render({**common, "done": _done(request), **values})

    def navigation(self, member: Member | None) -> list[tuple[str, str]]:
        """(entry, address) of what a member may see, in order."""
        return [(entry, _address(entry)) for entry in NAVIGATION if _address(entry) in self._paths and member and may(member, NAVIGATION[entry])]

    def moment(self, at: int) -> str:
        """Microseconds UTC as a local date and time."""
        return (_EPOCH + timedelta(microseconds=at)).astimezone(self._options.zone).strftime("%Y-%m-%d %H:%M")

    def asset(self, name: str) -> str:
        """The address of a file, which changes with its content."""
        return f"/console/static/{name}?v={self.assets[name].version}"

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  (loaded with the first page)

        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            cache_size=-1,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(t=_console, say=say, asset=self.asset, may=_may)
        environment.filters.update(moment=self.moment, deed=_deed, detail=_detail)
        return environment


VIEWS = web.AppKey("console_views", Views)


def render(request: web.Request, member: Member | None, template: str, /, *, status: int = 200, retry: int = 0, **values: Any) -> web.Response:
    """A page for a member, or a part of one for htmx; `retry` are seconds until it may be tried again.

    In templates there are, besides `values`: `member`, `path`, `t("key")` for `console.key` of the wording, `say("section.key")`, `may(member, "permission")`,
    `asset("file")`, and the filters `moment` (microseconds as a local time) and `deed` (what an audit's entry says was done).
    """
    headers = {"Retry-After": str(retry)} if retry else {}
    return web.Response(text=request.app[VIEWS].page(request, member, template, values), status=status, content_type="text/html", headers=headers)


def drawn(request: web.Request, member: Member | None, template: str, /, **values: Any) -> str:
    """A template as text, to be a part of something larger."""
    return request.app[VIEWS].page(request, member, template, values)


def mark(text: str) -> str:
    """Tells what a part of a page looks like."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def part(request: web.Request, text: str, marked: str = "") -> web.Response:
    """A part of a page that a page asks for again and again; nothing (204) when it shows that already. `marked` is its mark when not all of it counts."""
    marked = marked or mark(text)
    if request.headers.get(SEEN) == marked:
        return web.Response(status=204)
    return web.Response(text=text, content_type="text/html", headers={MARK: marked})


def redirect(path: str, done: str = "") -> web.Response:
    """Look at another page of ours; `done` says there what was done: `console.done-<done>` of the wording."""
    place = f"{path}{'&' if '?' in path else '?'}done={done}" if done else path
    return web.Response(status=303, headers={"Location": place})


def home(request: web.Request, member: Member) -> str:
    """Where a member begins."""
    navigation = request.app[VIEWS].navigation(member)
    return navigation[0][1] if navigation else "/console/account"


def _asset(name: str) -> Asset:
    return Asset(name=name, data=files(__package__).joinpath("static", name).read_bytes())


def _address(entry: str) -> str:
    return f"/console/{entry}"


def _done(request: web.Request) -> str:
    """What was done, of what can be done: nobody puts words into our page."""
    return sentences().get(f"console.done-{request.query.get('done', '')}", "")


def _console(key: str, /, **values: object) -> str:
    return say(f"console.{key}", **values)


def _may(member: Member | None, permission: str) -> bool:
    return member is not None and may(member, Permission(permission))


def _deed(what: str) -> str:
    """What was done, for people; what no sentence is known for stays as it is."""
    return sentences().get(f"audit.{what}", what)


def _detail(entry: Entry) -> str:
    """What an audit's entry says beside, for people."""
    return _console(f"role-{entry.detail}") if entry.what in {"member-added", "member-role"} else entry.detail or "–"
