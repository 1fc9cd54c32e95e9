"""The apps that may send messages, as an operator lists them.

A list in YAML or JSON, one entry per app: `name`, `secrets` (one, or two while they are exchanged), and optionally `callback`, `public_name`, `per_second`,
`per_minute`. Callbacks go to these addresses only, never to one from a message.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.domain.errors import SettingsError
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a signing key (Standard Webhooks)."""
FEWEST_BYTES = 10
"""Different bytes in a key: random ones have more, `AAAA…` and other placeholders have less."""
LARGEST_FILE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An app. It signs with one of `secrets`; `callback` is where its answers are pushed, None when it fetches them. `per_second` messages are taken of the app
    as a whole, `per_minute` of each merchant."""

    name: str
    secrets: tuple[str, ...] = field(repr=False)
    callback: str | None = field(default=None, repr=False)
    public_name: str = ""
    per_second: int = 200
    per_minute: int = 20

    @property
    def channel(self) -> str:
        """The channel of its conversations; the chat there is the app's own id of the merchant."""
        return f"hook:{self.name}"


def pushing(sources: Iterable[Source]) -> frozenset[str]:
    """The channels whose lines are carried to a callback."""
    return frozenset(source.channel for source in sources if source.callback)


def read(path: Path, *, allow_http: bool = False) -> dict[str, Source]:
    """The sources of a file, by name. Raises SettingsError."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise SettingsError(say("sources.unreadable", file=path, reason=getattr(error, "strerror", None) or type(error).__name__)) from None
    try:
        return parse(_entries(text), allow_http=allow_http)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def parse(entries: object, *, allow_http: bool = False) -> dict[str, Source]:
    """The sources of a list of entries, by name; an empty list gives none. Raises SettingsError with everything that is wrong, and no secret in it."""
    try:
        listed = _LIST.validate_python(entries)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise SettingsError("\n".join(say("sources.field", place=_place(each["loc"]), reason=each["msg"]) for each in found)) from None
    if problems := list(_problems(listed, allow_http=allow_http)):
        raise SettingsError("\n".join(problems))
    return {entry.name: _source(entry) for entry in listed}


class _Entry(BaseModel):
    """One app as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    secrets: Annotated[list[str], Field(min_length=1, max_length=2)]
    callback: Annotated[str, Field(max_length=2000)] | None = None
    public_name: Annotated[str, Field(max_length=40)] = ""
    per_second: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 20


_LIST = TypeAdapter(list[_Entry])


def _source(entry: _Entry) -> Source:
    return Source(
        name=entry.name, secrets=tuple(entry.secrets), callback=entry.callback, public_name=entry.public_name or entry.name,
        per_second=entry.per_second, per_minute=entry.per_minute,
    )  # fmt: skip


def _entries(text: str) -> Any:
    """What stands in a file. Aliases are refused: the file could be small and what it means endless."""
    if len(text) > LARGEST_FILE:
        raise SettingsError(say("sources.too-big", most=LARGEST_FILE))
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.CSafeLoader)):
            raise SettingsError(say("sources.alias"))
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise SettingsError(say("sources.syntax", line=mark.line + 1 if mark else "?")) from None


def _place(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in place) or "-"


def _problems(listed: list[_Entry], *, allow_http: bool) -> Iterator[str]:
    """What a schema cannot say. No secret and no address is repeated: both may be private."""
    owners: dict[bytes, str] = {}
    names: set[str] = set()
    for entry in listed:
        if entry.name in names:
            yield say("sources.repeated", name=entry.name)
        names.add(entry.name)
        yield from _secrets(entry, owners)
        if entry.callback is not None and not _is_allowed(entry.callback, allow_http=allow_http):
            yield say("sources.callback", name=entry.name)


def _secrets(entry: _Entry, owners: dict[bytes, str]) -> Iterator[str]:
    """A secret that two apps know would let one write in the other's name."""
    for secret in entry.secrets:
        key = _key(secret)
        if key is None:
            yield say("sources.secret", name=entry.name, least=SHORTEST_KEY, most=LONGEST_KEY)
        elif key in owners:
            yield say("sources.shared-secret", one=owners[key], other=entry.name)
        else:
            owners[key] = entry.name


def _key(secret: str) -> bytes | None:
    """The bytes of a secret, None for one that is no secret."""
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    good = secret.startswith(PREFIX) and SHORTEST_KEY <= len(key) <= LONGEST_KEY and len(set(key)) >= FEWEST_BYTES
    return key if good else None


_HOST = re.compile(r"[A-Za-z0-9._:-]+")


def _is_allowed(url: str, *, allow_http: bool) -> bool:
    """An address that lines may be pushed to: https, or http to this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not url.isascii() or not url.isprintable() or " " in url or not _HOST.fullmatch(host) or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (allow_http or _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
