"""Looks at everything that must be right before the start, and says what is not and what to do."""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.clock import YEARS
from bot.wording import say

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path
    from zoneinfo import ZoneInfo

LEAST_FREE = 200_000_000
"""Bytes on the disk below which a database should not be started: a busy day of transcripts and pictures."""
NOTICE = timedelta(days=30)
"""Before the end of what is known of holidays: those of the next year are announced by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `warns`: good today, but something should be done about it."""

    good: bool
    text: str
    warns: bool = False


def disk(folder: Path) -> Finding:
    """Whether there is room, in the nearest folder that exists."""
    place = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    good = free >= LEAST_FREE
    return Finding(
        good=good, text=say("doctor.disk" if good else "doctor.disk-full", folder=folder, megabytes=free // 1_000_000, least=LEAST_FREE // 1_000_000)
    )


def clock(zone: ZoneInfo) -> Finding:
    """Whether the machine knows what day it is."""
    now = datetime.now(zone)
    good = now.year in YEARS and now.year >= 2025
    return Finding(good=good, text=say("doctor.clock" if good else "doctor.clock-wrong", now=f"{now:%Y-%m-%d %H:%M}", zone=zone.key))


def holidays(known_until: date, today: date) -> Finding:
    """Whether it is known when staff are free."""
    ends = today > known_until - NOTICE
    return Finding(good=True, warns=ends, text=say("doctor.holidays-end" if ends else "doctor.holidays", year=known_until.year))


def port(host: str, number: int) -> Finding:
    """Whether it can be listened on."""
    try:
        with socket.create_server((host, number), family=socket.AF_INET6 if ":" in host else socket.AF_INET, reuse_port=False):
            return Finding(good=True, text=say("doctor.port", host=host, port=number))
    except OSError as error:
        return Finding(good=False, text=say("doctor.port-taken", host=host, port=number, reason=error.strerror))
