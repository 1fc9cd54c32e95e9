"""Logs: one line per event, for people or for machines, and nothing in them that must not be kept.

Merchants' words are never logged; what still slips in from errors of others (a card number, a phone, a token in an address) is removed here.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Literal

from pythonjsonlogger.json import JsonFormatter

if TYPE_CHECKING:
    from typing import TextIO

_HIDDEN = "***"
_SECRETS = re.compile(
    r"(?<=://)[^\s/:@]{0,64}:[^\s\"']{0,256}(?=@)"  # user:password in an address; in a password anything may stand
    r"|(?<!\d)\d{6,12}:[\w-]{30,}"  # a Telegram token
    r"|whsec_[\w+/=-]+"
    r"|(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{8,}"
    r"|(?i:(?<=password=)|(?<=secret=)|(?<=token=)|(?<=signature=))[^\s&\"',;]+"  # in a query
    r"|(?<!\d)(?:\d[ -]?){12,}\d"  # card numbers, identity numbers
    r"|(?<!\d)1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)"  # mobile phones
)
_EXTRA = "event"
_NAMES = {"asctime": "at", "levelname": "level", "name": "logger"}


def scrub(text: str) -> str:
    """The text without passwords, tokens, card numbers and phones. Microseconds since 1970 look like a card number and go too; so does what is longer."""
    return _SECRETS.sub(_HIDDEN, text)


class _Json(JsonFormatter):
    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The fields of one JSON object."""
        return {name: _scrubbed(value) for name, value in log_data.items()}


def _scrubbed(value: object) -> object:
    """The same for what stands in a field: seconds, small numbers and truths as they are, the rest as text."""
    if value is None or isinstance(value, float):
        return value
    clean = scrub(str(value))
    return value if isinstance(value, int) and clean == str(value) else clean


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Time, level, sentence, and the stable key of what happened."""
        line = super().format(record)
        event = getattr(record, _EXTRA, "")
        return scrub(f"{line} [{event}]" if event and "\n" not in line else line)


def begin(style: Literal["text", "json"], level: str, out: TextIO | None = None) -> None:
    """Log to standard error from now on; libraries only from warnings up."""
    handler = logging.StreamHandler(out or sys.stderr)
    handler.setFormatter(
        _Json("{asctime}{levelname}{name}{message}", style="{", rename_fields=_NAMES, json_ensure_ascii=False)
        if style == "json"
        else _Text("{asctime} {levelname:7} {message}", style="{")
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("bot").setLevel(level)
