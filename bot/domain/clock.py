"""Moments as they are kept, and clock times as text, as programs send them."""

from __future__ import annotations

from datetime import datetime

SECOND = 1_000_000
"""Moments are integers, microseconds UTC."""
YEARS = range(2000, 2100)
"""Of clocks that are believed: beyond, 昨天 or 半小时前 could leave the calendar."""


def wall_clock(text: str) -> datetime:
    """What a wall clock shows, from ISO 8601; a zone is dropped. Raises ValueError for what is no time, or none that a merchant lives in."""
    moment = datetime.fromisoformat(text).replace(tzinfo=None)
    if moment.year not in YEARS:
        raise ValueError(f"year {moment.year}")
    return moment
