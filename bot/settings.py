"""Settings from the environment, `.env` and files with secrets, read once. Each field is read from `POSBOT_<NAME>`."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableError

from bot.domain.errors import SettingsError
from bot.hours import Holidays, week
from bot.wording import say

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_PACKAGE = Path(__file__).parent
DAY = timedelta(days=1)
POSTGRES = ("postgresql://", "postgres://")
"""How the address begins of a database that is a server, not a file."""


def _knowledge() -> Path:
    """`knowledge/` where the program is started, else the one that came with the program."""
    here = Path("knowledge")
    if (here / "topics").is_dir():
        return here
    beside = _PACKAGE.parent / "knowledge"
    return beside if beside.is_dir() else _PACKAGE / "knowledge"


def _home(variable: str, otherwise: str) -> Path:
    """A folder of the user by the XDG Base Directory Specification."""
    return Path(os.environ.get(variable) or Path(os.environ.get("HOME") or ".") / otherwise) / "posbot"


class _Place(BaseSettings):
    """Where the secrets are, which must be known before they are read."""

    model_config = SettingsConfigDict(env_prefix="POSBOT_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    secrets: Path | None = None
    """Folder with one file per secret setting, named like the variable (`POSBOT_DATABASE`), as Docker and systemd put them."""


class Settings(_Place):
    """What an operator may set."""

    knowledge: Path = Field(default_factory=_knowledge)
    """Folder of the knowledge base."""
    cache: Path = Field(default_factory=lambda: _home("XDG_CACHE_HOME", ".cache"))
    """Folder for what can be made again: the matcher that was learnt from a knowledge base."""
    database: SecretStr = Field(default_factory=lambda: SecretStr(str(_home("XDG_DATA_HOME", ".local/share") / "posbot.db")))
    """A file, or `postgresql://…`; secret, because an address may hold a password."""
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    """Where merchants and other apps come in; port 0 takes a free one."""
    ops_host: str = "127.0.0.1"
    ops_port: int = Field(9090, ge=0, le=65535)
    """Health and metrics, for the machine itself only."""
    public_url: str = ""
    """The address that merchants see, such as `https://pos.example.com`."""
    proxies: int = Field(0, ge=0, le=5)
    """Trusted proxies in front: the caller's address is taken from `X-Forwarded-For`, that many from its end."""
    sources: Path | None = None
    """File with the apps that may use the webhook."""
    embed: str = ""
    """Sites that may show the chat in a frame, separated by blanks."""
    merchant_secret: SecretStr | None = None
    """Signs the identity of merchants that an embedding site vouches for; at least 32 characters."""
    telegram_token: SecretStr | None = None
    """The bot's token, as BotFather gives it; without one there is no Telegram."""
    telegram_mode: Literal["polling", "webhook"] = "polling"
    """Whether updates are fetched, or sent to us."""
    telegram_secret: SecretStr | None = None
    """What Telegram's server says to be let in, where it sends updates: 32 to 256 letters, digits, `_`, `-`."""
    telegram_port: int = Field(8082, ge=0, le=65535)
    """Where they come in then; the proxy in front sends `/telegram/updates` there."""
    telegram_desk: int | None = None
    """Chat id of the staff's group; without one staff work at the console only."""
    telegram_overflow: int | None = None
    """Chat id of a second group of the staff's, for topics that the first has no room for just now."""
    telegram_report: int | None = Field(None, ge=0, le=23)
    """Hour at which the staff's group is told the figures of the day before."""
    telegram_api: str = ""
    """Base address of an own Bot API server."""
    console: Literal["on", "off"] = "on"
    """Whether staff work at `/console`."""
    zone: str = "Asia/Shanghai"
    """Where the merchants are: what 昨天下午 means."""
    hours: str = "mon-fri 09:00-18:00; sat 10:00-16:00"
    """When staff work, as `hours.week` reads it."""
    holidays: Holidays = "cn"
    """Whose public holidays and make-up workdays they have."""
    reopen_days: int = Field(7, ge=1, le=365)
    """Days within which a new message opens a solved ticket again."""
    release_minutes: int = Field(30, ge=1, le=10_080)
    """Minutes of working time after which a ticket is taken from an owner who lets the merchant wait."""
    assign: Literal["on", "off"] = "off"
    """Whether a new ticket is given at once to whoever is on duty and has the fewest."""
    pace_minutes: int = Field(10, ge=1, le=1_440)
    """Minutes that a merchant waits for each ticket before his, as he is told."""
    keep_messages: int = Field(180, ge=1)
    keep_photos: int = Field(90, ge=1)
    keep_conversations: int = Field(365, ge=1)
    """Days after which things are deleted."""
    keep_audit: int = Field(1095, ge=1)
    """Days after which it is forgotten who did what."""
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def telegram_desks(self) -> tuple[int, ...]:
        """The staff's groups; a second one only beside a first."""
        return tuple(chat for chat in (self.telegram_desk, self.telegram_overflow) if chat is not None) if self.telegram_desk is not None else ()

    @property
    def is_postgres(self) -> bool:
        """Whether the database is a server, not a file."""
        return self.database.get_secret_value().startswith(POSTGRES)

    @property
    def database_file(self) -> Path:
        """The file of an embedded database."""
        return Path(self.database.get_secret_value()).expanduser()

    @model_validator(mode="before")
    @classmethod
    def _empty_is_not_set(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Also for a file with a secret that is there but holds nothing."""
        return {name: value for name, value in values.items() if value != ""}

    @field_validator("database")
    @classmethod
    def _is_known(cls, database: SecretStr) -> SecretStr:
        address = database.get_secret_value()
        if "://" in address and not address.startswith(POSTGRES):  # a file of that name would be made, with the password in it
            raise ValueError(say("settings.database"))
        return database

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(say("settings.zone")) from None
        return zone

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, hours: str) -> str:
        week(hours)
        return hours

    @field_validator("merchant_secret")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < 32:
            raise ValueError(say("settings.short-secret"))
        return secret

    @field_validator("telegram_token")
    @classmethod
    def _is_a_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _TELEGRAM_TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError(say("settings.telegram-token"))
        return token

    @field_validator("telegram_secret")
    @classmethod
    def _can_be_sent(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _TELEGRAM_SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError(say("settings.telegram-secret"))
        return secret

    @field_validator("telegram_api")
    @classmethod
    def _is_an_address(cls, base: str) -> str:
        if base and not base.startswith(("http://", "https://")):
            raise ValueError(say("settings.telegram-api"))
        return base

    @model_validator(mode="after")
    def _webhook_has_a_secret(self) -> Self:
        if self.telegram_token is not None and self.telegram_mode == "webhook" and self.telegram_secret is None:
            raise ValueError(say("settings.telegram-no-secret"))
        return self


_TELEGRAM_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_TELEGRAM_SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")


def read() -> Settings:
    """The settings of this process. Raises SettingsError that names every wrong one, without its value."""
    try:
        folder = _Place().secrets
        if folder is not None and not folder.is_dir():
            raise SettingsError(say("settings.no-folder", folder=folder))
        return Settings(_secrets_dir=folder)
    except ValidationError as error:
        raise SettingsError("\n".join(map(_told, error.errors()))) from None
    except (UnreadableError, UnicodeError, OSError) as error:  # no text, no right to read it, endless
        raise SettingsError(say("settings.unreadable", reason=error)) from None


def _told(problem: ErrorDetails) -> str:
    """Which setting is wrong, and why; what it was set to may be a secret."""
    name = str(problem["loc"][0]) if problem["loc"] else "telegram_secret"  # the only one that is looked at beside others
    return say("settings.wrong", name=f"POSBOT_{name.upper()}", reason=_reason(problem))


def _reason(problem: ErrorDetails) -> str:
    """Why, in words: ours bring their own sentence, of pydantic's kinds those that numbers and choices can have are told in Chinese."""
    limits = {name: str(limit).replace(" or ", " / ") for name, limit in problem.get("ctx", {}).items()}
    match problem["type"]:
        case "int_parsing":
            return say("settings.no-number")
        case "greater_than_equal":
            return say("settings.too-small", **limits)
        case "less_than_equal":
            return say("settings.too-big", **limits)
        case "literal_error":
            return say("settings.none-of-these", **limits)
        case _:
            return problem["msg"].removeprefix("Value error, ")
