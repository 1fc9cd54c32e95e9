"""Settings from the environment, `.env` and files with secrets, read once. Each field is read from `POSBOT_<NAME>`."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
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
    console: Literal["on", "off"] = "on"
    """Whether staff work at `/console`."""
    zone: str = "Asia/Shanghai"
    """Where the merchants are: what 昨天下午 means."""
    hours: str = "mon-fri 09:00-18:00; sat 10:00-16:00"
    """When staff work, as `hours.week` reads it."""
    holidays: Holidays = "cn"
    """Whose public holidays and make-up workdays they have."""
    keep_messages: int = Field(180, ge=1)
    keep_photos: int = Field(90, ge=1)
    keep_conversations: int = Field(365, ge=1)
    """Days after which things are deleted."""
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

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
    return say("settings.wrong", name=f"POSBOT_{str(problem['loc'][0]).upper()}", reason=problem["msg"].removeprefix("Value error, "))
