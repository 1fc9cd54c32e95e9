"""When it happened. Merchants speak of the past: whatever would lie in the future is moved back by a day, a week, a month or a year.

A moment is a date (said or implied) and a time of day (or none). `now` is local wall-clock time without zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from bot.domain.understanding import Precision

from ..numerals import quantity
from .clock import CLOCK, read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock
    from .scan import Scan

_N = r"(?:\d{1,3}|[一二两三四五六七八九十廿卅]{1,3})"
_RELATIVE = {
    0: ["今天", "今日", "今儿个", "今儿", "今朝", "今早", "今晚", "今晨", "今夜", "当天", "今个", "今"],
    -1: ["昨天", "昨日", "昨儿个", "昨儿", "昨晚", "昨夜", "昨个", "昨", "琴日", "寻日", "尋日", "夜来"],
    -2: ["前天", "前日", "前儿个", "前儿", "前晚", "前个"],
    -3: ["大前天", "大前日", "大前儿", "大前晚"],
}
_DAYS_BACK = {word: days for days, words in _RELATIVE.items() for word in words}
_PART_IN_WORD = {"早": "早上", "晨": "早上", "晚": "晚上", "夜": "夜里", "朝": "早上"}
_WEEKDAY = {**{character: number for number, character in enumerate("一二三四五六日")}, "天": 6, "末": 5, **{str(number): number - 1 for number in range(1, 8)}}
_DAY_COUNTER = r"(?!机|码|店|楼|柜|操作|线|台|窗|桌|房|收银|员|加油|枪|库|铺|厅|位|档|门)"

_DATE = re.compile(
    rf"""
      (?P<iso>20[2-3]\d)(?:[-/.]|年)(?P<im>\d{{1,2}})(?:[-/.]|月)(?P<id>\d{{1,2}})(?:日|号)?
    | (?<![\d.*])(?P<cy>20[2-3]\d)(?P<cm>0[1-9]|1[0-2])(?P<cd>0[1-9]|[12]\d|3[01])(?!\d{{7}})
    | (?<![\d.])(?P<mm>{_N})月(?P<md>{_N})(?:日|号)?
    | (?<![\d./-])(?P<sm>1[0-2]|0?[1-9])[/-](?P<sd>[12]\d|3[01]|0?[1-9])(?![\d/-]|\.\d)
    | (?P<last>上个?月)(?P<ld>{_N})(?:日|号)
    | (?<![\d.])(?:(?:这个|本)月)?(?P<dd>{_N})(?:号|日){_DAY_COUNTER}
    | (?P<week>上上个?|上个?|这个?|本)?(?:周|星期|礼拜)(?P<wd>[一二三四五六日天末1-7])(?![\d个])
    | (?P<ago>(?:(?P<an>{_N}(?:点|\.)5|{_N}|几)?(?P<ten>[来多几])?(?P<half>个?半)?
          个?(?P<more>半)?多?(?P<au>分钟|小时|钟头|钟|天|周|星期|礼拜|月)(?P<tail>半)?(?:多|左右)?(?:之前|以前|前|之先)))
    | (?P<rel>{"|".join(sorted(_DAYS_BACK, key=len, reverse=True))})
    | (?P<now>刚刚|刚才|才刚|方才|才将|头先|啱啱|刚刚才|适才|这会儿|刚(?=刷|交易|收|扣|用|打|扫|付|过|退|做|那笔|这笔|那一笔|才|来))
    """,
    re.X,
)
_BETWEEN = re.compile(r"[\s,，的是那当大约概差不多]{0,4}")
_COMPACT_TIME = re.compile(r"[ T]?([01]\d|2[0-3])([0-5]\d)(?:[0-5]\d)?(?!\d)")
_HOURS = {"分钟": 1 / 60, "小时": 1.0, "钟头": 1.0, "钟": 1.0}
_DAYS = {"天": 1, "周": 7, "星期": 7, "礼拜": 7, "月": 30}


@dataclass(frozen=True, slots=True)
class _Day:
    """A date, whether the merchant said it, and the part of the day that the word itself names (昨晚)."""

    date: date
    part: str | None = None


def read(scan: Scan, now: datetime) -> None:
    """The first moment of the text becomes `txn_time`; all of them are consumed."""
    for found in scan.free(_DATE):
        if not found.group("ago") and found.group("now") is None:
            _add_day(scan, found, now)
        elif found.group("now"):
            scan.add("txn_time", _minute(now), found.span(), precision=Precision.MINUTE, approximate=True)
        else:
            _add_ago(scan, found, now)
    for found in scan.free(CLOCK):
        if clock := read_clock(found):
            _add(scan, found.span(), _undated(clock, now), clock.precision)


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _add(scan: Scan, span: tuple[int, int], moment: datetime, precision: Precision) -> None:
    timed = precision in {Precision.HOUR, Precision.MINUTE}
    scan.add("txn_time", _minute(moment) if timed else moment.date().isoformat(), span, precision=precision)


def _add_day(scan: Scan, found: re.Match[str], now: datetime) -> None:
    """A date, with the time of day behind it if there is one."""
    day = _day(found, now)
    if day is None:
        return
    start, end = found.span()
    midnight = datetime.combine(day.date, time())
    if compact := (_COMPACT_TIME.match(scan.text, end) if found.group("cy") else None):
        _add(scan, (start, compact.end()), midnight.replace(hour=int(compact[1]), minute=int(compact[2])), Precision.MINUTE)
        return
    gap = _BETWEEN.match(scan.text, end)
    behind = CLOCK.match(scan.text, gap.end() if gap else end)
    clock = read_clock(behind, part=day.part, latest=now - midnight if day.date == now.date() else None) if behind else None
    if clock and behind:
        _add(scan, (start, behind.end()), midnight + clock.offset, clock.precision)
    else:
        _add(scan, (start, end), midnight, Precision.PART if day.part else Precision.DAY)


def _day(found: re.Match[str], now: datetime) -> _Day | None:
    """The date that was said, None when the calendar has no such day."""
    today, part = now.date(), found.groupdict()
    try:
        if part["rel"]:
            word = part["rel"]
            return _Day(today + timedelta(days=_DAYS_BACK[word]), _PART_IN_WORD.get(word[-1]))
        if part["wd"]:
            return _Day(_weekday(today, _WEEKDAY[part["wd"]], part["week"] or ""))
        if part["iso"] or part["cy"]:
            year, month, day = (part[name] for name in (("iso", "im", "id") if part["iso"] else ("cy", "cm", "cd")))
            return _Day(date(int(year), int(month), int(day)))
        if part["mm"] or part["sm"]:
            month, day = _number(part["mm"] or part["sm"]), _number(part["md"] or part["sd"])
            said = date(today.year, month, day)
            return _Day(said if said <= today else date(today.year - 1, month, day))
        return _Day(_day_of_month(today, _number(part["ld"] or part["dd"]), last_month=bool(part["last"])))
    except ValueError:
        return None


def _number(said: str) -> int:
    if said.isdigit():
        return int(said)
    return int(quantity(said) or 0)


def _weekday(today: date, weekday: int, week: str) -> date:
    monday = today - timedelta(days=today.weekday())
    day = monday + timedelta(days=weekday - 7 * week.count("上"))
    return day if day <= today else day - timedelta(days=7)


def _day_of_month(today: date, day: int, *, last_month: bool) -> date:
    if not last_month and day <= today.day:
        return today.replace(day=day)
    return (today.replace(day=1) - timedelta(days=1)).replace(day=day)


def _add_ago(scan: Scan, found: re.Match[str], now: datetime) -> None:
    """半小时前, 个半钟头之前, 三天前, 二十来分钟前."""
    part = found.groupdict()
    count, unit = _count(part), part["au"]
    if count is None:
        return
    if unit in _HOURS:
        approximate = bool(part["ten"]) or part["an"] == "几"
        scan.add("txn_time", _minute(now - timedelta(hours=count * _HOURS[unit])), found.span(), precision=Precision.MINUTE, approximate=approximate)
    else:
        _add(scan, found.span(), now - timedelta(days=count * _DAYS[unit]), Precision.DAY)


def _count(part: dict[str, str | None]) -> float | None:
    """How many units ago; None when nothing says so (钟前, 天前 alone are no moments)."""
    halves = sum(0.5 for name in ("half", "more", "tail") if part[name])
    said = part["an"]
    if said is None:
        if not halves:
            return None
        return 1.5 if part["half"] and part["half"].startswith("个") else halves
    if said == "几":
        return 3.0
    if said[-1] == "5" and ("点" in said or "." in said):
        return _number(said.replace(".", "点").split("点")[0]) + 0.5
    return _number(said) + halves


def _undated(clock: Clock, now: datetime) -> datetime:
    """A time of day without a date: the last time that it was this o'clock."""
    midnight = datetime.combine(now.date(), time())
    candidates: list[timedelta] = [clock.offset]
    if clock.ambiguous:
        candidates.append(clock.other_half)
    latest: Callable[[timedelta], datetime] = lambda offset: midnight + offset if midnight + offset <= now else midnight + offset - timedelta(days=1)  # noqa: E731
    return max(map(latest, candidates))
