"""The page and what belongs to it: files of `static/`, with the sentences of `zh.yaml` put in once at the start."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from bot.channels.assets import SOON, Asset
from bot.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECTION = "webchat."
SCRIPTED = f"{SECTION}js-"
"""Sentences that the page's script says; the others stand in the HTML."""
EMBEDDED = f"{SECTION}embed-"
_PLACE = re.compile(r"\{\{([a-z-]+)\}\}")


def assets(kept_days: int) -> Mapping[str, Asset]:
    """Everything the browser loads, by file name. `kept_days` is told to merchants."""
    found = {name: _asset(name) for name in ("page.css", "page.js", "icon.svg")}
    words = _words(SCRIPTED)
    places = {name: html.escape(text.replace("{days}", str(kept_days))) for name, text in _words(SECTION).items()}
    places |= {f"{name.rpartition('.')[2]}-version": asset.version for name, asset in found.items()}
    places["words"] = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")
    found["page.html"] = _filled("page.html", places)
    found["embed.js"] = replace(_filled("embed.js", {"words": json.dumps(_words(EMBEDDED), ensure_ascii=False)}), keep=SOON)
    return found


def _words(prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): text for key, text in sentences().items() if key.startswith(prefix)}


def _asset(name: str) -> Asset:
    return Asset(name=name, data=files(__package__).joinpath("static", name).read_bytes())


def _filled(name: str, places: Mapping[str, str]) -> Asset:
    """A file with its {{places}} filled. Raises KeyError for one that has no sentence."""
    text = _asset(name).data.decode()
    return Asset(name=name, data=_PLACE.sub(lambda place: places[place[1]], text).encode())


def policy(frame_ancestors: Iterable[str]) -> str:
    """The content security policy of the page; `frame_ancestors` are the sites that may show it in a frame. Raises ValueError for what is no source."""
    sources = " ".join(frame_ancestors) or "'none'"
    if not re.fullmatch(r"[A-Za-z0-9:/.*' \[\]_-]+", sources):
        raise ValueError(f"frame_ancestors holds what is no source: {sources!r}")
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {sources}"
    )
