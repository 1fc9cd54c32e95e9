"""When it happened. Merchants speak of the past: whatever would lie in the future is moved back by a day, a week, a month or a year.

A moment is a date (said or implied) and a time of day (or none). `now` is local wall-clock time without zone. What is said to lie in the future (下周一, 明天)
is no moment of a payment: it is consumed without a value, unless a day to come was asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from bot.domain.understanding import Precision

from ..numerals import QUANTITY, quantity
from .clock import CLOCK, PART, SHORT, Clock, is_decimal, read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scan import Scan

_N = r"(?:\d{1,3}|[一二两三四五六七八九十廿卅]{1,3})"
_RELATIVE = {
    0: ["今天", "今日", "今儿个", "今儿", "今朝", "今早", "今晚", "今晨", "今夜", "今个", "今"],
    -1: ["昨天", "昨日", "昨儿个", "昨儿", "昨晚", "昨夜", "昨个", "昨", "琴日", "寻日", "尋日", "夜来"],
    -2: ["前天", "前日", "前儿个", "前儿", "前晚", "前个"],
    -3: ["大前天", "大前日", "大前儿", "大前晚"],
    1: ["明天", "明日", "明儿个", "明儿", "明早", "明晚", "听日"],
    2: ["后天", "后日", "后儿"],
    3: ["大后天", "大后日"],
}
_DAYS_AWAY = {word: days for days, words in _RELATIVE.items() for word in words}
_PART_IN_WORD = {"早": "早上", "晨": "早上", "晚": "晚上", "夜": "夜里", "朝": "早上"}
_WEEKDAY = {**{character: number for number, character in enumerate("一二三四五六日")}, "天": 6, "末": 5, **{str(number): number - 1 for number in range(1, 8)}}
_DAY_COUNTER = r"(?!机|码|店|楼|柜|操作|线|台|窗|桌|房|收银|员|加油|枪|库|铺|厅|位|档|门)"

_NUMERAL = r"[\d一二两三四五六七八九十廿卅]"
_FIRST = "".join(sorted({word[0] for word in _DAYS_AWAY}))
_DATE = re.compile(
    rf"""
      # what follows may begin with: most characters begin no date
      (?={_NUMERAL}{{1,4}}[-/.年月号日点来多几个半分小钟天周星礼]|20[23]\d{{5}}
      | [前去今明上下这本周星礼几来多个半分小钟天月刚才方头啱适{_FIRST}])
      (?:
      (?P<iso>20[2-3]\d)(?:[-/.]|年)(?P<im>\d{{1,2}})(?:[-/.]|月)(?P<id>\d{{1,2}})(?:日|号)?
    | (?<![\d.*A-Za-z])(?P<cy>20[2-3]\d)(?P<cm>0[1-9]|1[0-2])(?P<cd>0[1-9]|[12]\d|3[01])(?=\D|$|(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?(?!\d))
    | (?<![\d.])(?:(?P<year>[前去今明]年)的?)?(?P<mm>{_N})月(?:份的?)?(?P<md>{_N})(?:日|号)?
    | (?<![\d.¥￥$少多差刷收付扣])(?P<pm>1[0-2]|0?[1-9])\.(?P<pd>[12]\d|3[01]|0?[1-9])(?=日|号|那天|当天|[\s的]?(?:{PART}|\d{{1,2}}:[0-5]\d|{_N}[点點时]))
    | (?<![\d./-])(?P<sm>1[0-2]|0?[1-9])[/-](?P<sd>[12]\d|3[01]|0?[1-9])(?![\d/-]|\.\d)
    | (?P<month>上个?月|下个?月|这个?月|本月)的?(?P<ld>{_N})(?:日|号)
    | (?<![\d.])(?P<dd>{_N})(?:号|日){_DAY_COUNTER}
    | (?P<week>上上个?|上个?|下下个?|下个?|这个?|本)?(?:周|星期|礼拜)(?P<wd>[一二三四五六日天末1-7])(?![\d个])
    | (?P<ago>(?:(?P<an>{_N}(?:点|\.)5|{_N}|几)?(?P<ten>[来多几])?(?P<half>个?半)?
          个?(?P<more>半)?多?(?P<au>分钟|小时|钟头|钟|天|周|星期|礼拜|月)(?P<tail>半)?(?:多|左右)?(?:之前|以前|前|之先)))
    | (?P<rel>{"|".join(sorted(_DAYS_AWAY, key=len, reverse=True))})(?:(?<=[今昨])(?=[上下中]午|凌晨|傍晚|\d|刷|收)|(?<![今昨])(?<![今往以之]后天))
    | (?P<now>刚刚|刚才|才刚|方才|才将|头先|啱啱|刚刚才|适才|这会儿|刚(?=刷|交易|收|扣|用|打|扫|付|过|退|做|那笔|这笔|那一笔|才|来))
      )
    """,
    re.X,
)
_BETWEEN = re.compile(r"[\s,，的是那当大约概差不多]{0,4}")
_COMPACT_TIME = re.compile(r"[ T]?([01]\d|2[0-3])([0-5]\d)(?:[0-5]\d)?(?!\d)")
_HOURS = {"分钟": 1 / 60, "小时": 1.0, "钟头": 1.0, "钟": 1.0}
_DAYS = {"天": 1, "周": 7, "星期": 7, "礼拜": 7, "月": 30}


_YEARS = {"前年": -2, "去年": -1, "今年": 0, "明年": 1}
_MONTHS = {"上": -1, "下": 1, "这": 0, "本": 0}
_COMPOUND = re.compile(
    "(?=[刷收付扫信退转单])(?:刷卡机|刷脸机|收银[员台机]?|收[款付]码|付款码|收款机|扫码[枪盒]|收单|收不到信号|信用卡|退出|退不出|转圈|转接|转人工|转动|单位)"
)
"""Words that hold a verb of paying and say nothing of a payment."""
_PAYMENT = re.compile(rf"[刷付收扣转退扫笔单款卖块元钱插挥碰充¥￥$]|消费(?!者)|[到入进]账|结[账算]|交易|微信|支付宝|云闪付|银联|\d\.?\d|{QUANTITY}{{2}}")
_SMALL_WORDS = re.compile(r"(?:[\W_的是在吧呢啊了就]|大概|应该|好像)*+")
_YET_TO_BE = re.compile(r"[\s,]?(?:能|会(?!员)|可以|该|应该)")
"""周末能到账吗."""
_HABIT = re.compile(r"(?:每天|天天|每到|[一每]到|每个?)\Z")
SLACK = timedelta(minutes=10)
"""Clocks differ: that much later than now is not yet the future."""


class Aim(Enum):
    """What a moment is read for."""

    STORY = "when the payment of a story was: a bare 今天 is none without a word of paying"
    MOMENT = "the answer to: when was it?"
    DATE = "the answer to: which day? It may be one to come when it is called so (下周一)"
    DEADLINE = "the answer to: until when? The nearest day to come"


@dataclass(frozen=True, slots=True)
class _Day:
    """A date, and the part of the day that the word itself names (昨晚)."""

    date: date
    part: str | None = None


def read(scan: Scan, now: datetime, aim: Aim = Aim.STORY) -> None:
    """The first moment of the text becomes `txn_time`; all of them are consumed."""
    reader = _Reader(scan, now, aim)
    for found in scan.free(_DATE):
        if found["ago"]:
            reader.ago(found)
        elif found["now"]:
            scan.add("txn_time", _minute(now), found.span(), precision=Precision.MINUTE, approximate=True)
        else:
            reader.day(found)
    for found in scan.free(CLOCK):
        reader.clock(found)


@dataclass(frozen=True, slots=True)
class _Reader:
    """What the matches in one text mean, for one aim."""

    scan: Scan
    now: datetime
    aim: Aim

    def day(self, found: re.Match[str]) -> None:
        """A date, with the time of day behind it if there is one."""
        day = _day(found, self.now.date(), ahead=self.aim is Aim.DEADLINE)
        if day is None or (found["rel"] == "今天" and self.scan.text[: found.start()].endswith(("到", "至"))):
            return
        midnight = datetime.combine(day.date, time())
        clock, end = self._clock_behind(found, day, midnight)
        if clock:
            self._add((found.start(), end), midnight + clock.offset, clock.precision)
        elif day.part or not (found["rel"] or found["wd"]) or self._is_payment(found):
            self._add(found.span(), midnight, Precision.PART if day.part else Precision.DAY)
        elif day.date > self.now.date():
            self.scan.take(*found.span())

    def _clock_behind(self, found: re.Match[str], day: _Day, midnight: datetime) -> tuple[Clock | None, int]:
        """The time of day that follows a date, and where it ends."""
        end = found.end()
        if found["cy"] and (compact := _COMPACT_TIME.match(self.scan.text, end)):
            return Clock(timedelta(hours=int(compact[1]), minutes=int(compact[2])), Precision.MINUTE), compact.end()
        gap = _BETWEEN.match(self.scan.text, end)
        behind = CLOCK.match(self.scan.text, gap.end() if gap else end)
        if behind is None:
            return None, end
        return read_clock(behind, part=day.part, latest=self.now - midnight if day.date == self.now.date() else None), behind.end()

    def clock(self, found: re.Match[str]) -> None:
        """A time of day without a date: the last time that it was this o'clock."""
        if found["alone"] and (found["alone"] in SHORT or _HABIT.search(self.scan.text[: found.start()]) or not self._is_payment(found)):
            return
        if self.aim is Aim.STORY and is_decimal(found):
            return
        if clock := read_clock(found):
            self._add(found.span(), _undated(clock, self.now), clock.precision)

    def ago(self, found: re.Match[str]) -> None:
        """半小时前, 个半钟头之前, 三天前, 二十来分钟前."""
        part = found.groupdict()
        count, unit = _count(part), part["au"]
        if count is None:
            return
        if unit in _HOURS:
            approximate = bool(part["ten"]) or part["an"] == "几"
            moment = self.now - timedelta(hours=count * _HOURS[unit])
            self.scan.add("txn_time", _minute(moment), found.span(), precision=Precision.MINUTE, approximate=approximate)
        else:
            self._add(found.span(), self.now - timedelta(days=count * _DAYS[unit]), Precision.DAY)

    def _add(self, span: tuple[int, int], moment: datetime, precision: Precision) -> None:
        """Keep a moment, with the exactness of what was said; one to come is only consumed, unless a day may lie ahead."""
        timed = precision in {Precision.HOUR, Precision.MINUTE}
        if moment > self.now + SLACK and self.aim in {Aim.STORY, Aim.MOMENT}:
            self.scan.take(*span)
        else:
            self.scan.add("txn_time", _minute(moment) if timed else moment.date().isoformat(), span, precision=precision)

    def _is_payment(self, found: re.Match[str]) -> bool:
        """Whether a bare day or part of a day tells when a payment was: it was asked for, it is all that is said, or a payment is spoken of."""
        text = self.scan.text
        if _YET_TO_BE.match(text, found.end()):
            return False
        rest = _COMPOUND.sub("", text[: found.start()] + "\n" + text[found.end() :])
        return self.aim is not Aim.STORY or _PAYMENT.search(rest) is not None or _SMALL_WORDS.fullmatch(rest) is not None


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _day(found: re.Match[str], today: date, *, ahead: bool) -> _Day | None:
    """The date that was said, None when the calendar has no such day. `ahead`: of days that recur the next one, else the last one."""
    part = found.groupdict()
    try:
        if part["rel"]:
            word = part["rel"]
            return _Day(today + timedelta(days=_DAYS_AWAY[word]), _PART_IN_WORD.get(word[-1]))
        if part["wd"]:
            return _Day(_weekday(today, _WEEKDAY[part["wd"]], part["week"] or "", ahead=ahead))
        if part["iso"] or part["cy"]:
            year, month, day = (part[name] for name in (("iso", "im", "id") if part["iso"] else ("cy", "cm", "cd")))
            return _Day(date(int(year), int(month), int(day)))
        if part["ld"] or part["dd"]:
            return _Day(_day_of_month(today, _number(part["ld"] or part["dd"]), part["month"] or "", ahead=ahead))
        month, day = (_number(part["mm"] or part["sm"] or part["pm"]), _number(part["md"] or part["sd"] or part["pd"]))
        return _Day(_day_of_year(today, month, day, part["year"], ahead=ahead))
    except ValueError:
        return None


def _number(said: str) -> int:
    if said.isdigit():
        return int(said)
    return int(quantity(said) or 0)


def _weekday(today: date, weekday: int, week: str, *, ahead: bool) -> date:
    monday = today - timedelta(days=today.weekday())
    day = monday + timedelta(days=weekday + 7 * (week.count("下") - week.count("上")))
    if week:
        return day
    if ahead:
        return day if day >= today else day + timedelta(days=7)
    return day if day <= today else day - timedelta(days=7)


def _day_of_month(today: date, day: int, month: str, *, ahead: bool) -> date:
    """28号 of the month that is named, else of the last or the next month that makes it past or to come."""
    if month:
        return _month_away(today, _MONTHS[month[0]]).replace(day=day)
    if ahead:
        return _month_away(today, int(day < today.day)).replace(day=day)
    return _month_away(today, -int(day > today.day)).replace(day=day)


def _month_away(today: date, months: int) -> date:
    """The first day of a month before or after this one."""
    count = today.year * 12 + today.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _day_of_year(today: date, month: int, day: int, year: str | None, *, ahead: bool) -> date:
    if year:
        return date(today.year + _YEARS[year], month, day)
    said = date(today.year, month, day)
    if ahead:
        return said if said >= today else date(today.year + 1, month, day)
    return said if said <= today else date(today.year - 1, month, day)


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
