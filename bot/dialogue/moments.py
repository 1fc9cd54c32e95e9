"""Moments as people name them: today by the clock, then tomorrow, the day after, a weekday, and a date only when it is far."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from . import render

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.knowledge import KnowledgeBase

WEEK = 7
"""Days after which the name of a weekday could be this one or the next."""
NAMES = {0: "when-today", 1: "when-tomorrow", 2: "when-after-tomorrow"}


def named(kb: KnowledgeBase, at: datetime, now: datetime) -> str:
    """A moment as somebody says it at `now`; both are what the merchants' wall clock shows. What is over is named by its date."""
    days = (at.date() - now.date()).days
    return render.kb_say(kb, _which(at, now, days), time=f"{at:%H:%M}", weekday=render.kb_say(kb, f"weekday-{at.isoweekday()}"), month=at.month, day=at.day)


def _which(at: datetime, now: datetime, days: int) -> str:
    if days in NAMES:
        return NAMES[days]
    if not 0 < days < WEEK:
        return "when-date"
    monday = now.date() - timedelta(days=now.weekday())
    return "when-weekday" if (at.date() - monday).days < WEEK else "when-next-week"
