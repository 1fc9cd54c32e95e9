"""Times of day: 下午三点二十, 23:05, 晚上十点三刻, 晌午."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.understanding import Precision

from ..numerals import quantity

_PARTS = {
    "dawn": "凌晨 清晨 大清早 天亮",
    "morning": "早上 早晨 一早 上午 今早 早起 前晌 朝早 早",
    "noon": "中午 正午 晌午 晏昼 头晌",
    "afternoon": "下午 午后 后晌 傍晚 下昼 晚夕",
    "evening": "晚上 晚间 今晚 昨晚 晚黑 夜晚 晚头 夜晡 晚",
    "night": "夜里 半夜 深夜 后半夜 三更半夜 大半夜",
}
_PART_OF = {word: part for part, words in _PARTS.items() for word in words.split()}
PART = "|".join(sorted(_PART_OF, key=len, reverse=True))
_FIRST = "".join(sorted({word[0] for word in _PART_OF}))
_N = r"(?:\d{1,2}|[零一二两三四五六七八九十廿]{1,3})"
_DECIMAL = r"\s?(?:\d|[一二三四五六七八九])\s?(?:折|倍|成|万|亿|元|块|%|个点|个百分)"
"""三点五折, 八点五个点: no hour."""
SHORT = ("早", "晚")
"""Parts of the day only behind a day (昨天晚) or before an hour: alone they are other words (早就, 太晚, 晚到)."""
CLOCK = re.compile(
    rf"""
      (?=[\s的\d零一二两三四五六七八九十廿{_FIRST}])(?:  # most characters begin no time of day
      (?P<part>{PART})?[\s的]{{0,2}}(?<![\d.:])
      (?: (?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?::[0-5]\d)?(?![\d:])
        | (?P<h2>{_N})[点點时](?!击|开|赞|餐|单|名|儿|意见|建议|要求|问题|原因|[一两]?下|{_DECIMAL})(?:整|钟)?(?:过)?
          (?: (?P<half>半) | (?P<quarter>[一三13])刻 | (?P<m2>零?{_N})(?:分(?!钟|之)|(?![\d点块元个笔万千百分]))  )?
          (?:多|左右|来钟|钟|过|不到)?
      )
    | (?P<alone>{PART})(?!点|班|饭|餐|安|市|好|起来)
      )
    """,
    re.X,
)
"""A time of day, or a part of the day alone."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time since midnight. `ambiguous` when nobody said which half of the day; `other_half` is the same time twelve hours away."""

    offset: timedelta
    precision: Precision
    ambiguous: bool = False

    @property
    def other_half(self) -> timedelta:
        """Twelve hours later, or earlier in the afternoon."""
        half = timedelta(hours=12)
        return self.offset + half if self.offset < half else self.offset - half


def read_clock(found: re.Match[str], part: str | None = None, latest: timedelta | None = None) -> Clock | None:
    """What a match of `CLOCK` says, None when no clock shows that.

    `part` is the part of the day that stood before (昨晚 + 八点); `latest` is the time of day now when the day is today.
    """
    said = _PART_OF.get(found["part"] or found["alone"] or part or "")
    if found["alone"]:
        return Clock(timedelta(), Precision.PART)
    hour = _number(found["h"] or found["h2"])
    minute, exact = _minute(found)
    if hour > 24 or minute > 59 or (found["h2"] and len(found["h2"]) > 2 and found["h2"].isdigit()):
        return None
    precision = Precision.MINUTE if exact else Precision.HOUR
    if said:
        return Clock(timedelta(hours=_hour_in(said, hour), minutes=minute), precision)
    zero_padded = bool(found["h"]) and found["h"].startswith("0")
    if found["h"] and (hour > 12 or zero_padded or len(found["h"]) == 2):
        return Clock(timedelta(hours=hour, minutes=minute), precision)
    return _by_trade(timedelta(hours=hour, minutes=minute), precision, latest)


def is_decimal(found: re.Match[str]) -> bool:
    """费率三点八: a single digit that nobody calls minutes is rather a decimal."""
    return bool(found["m2"]) and len(found["m2"]) == 1 and not found["part"] and "分" not in found[0]


def _by_trade(offset: timedelta, precision: Precision, latest: timedelta | None) -> Clock:
    """Shops trade by day: one to six o'clock without more is the afternoon, as long as that is past."""
    half = timedelta(hours=12)
    if timedelta(hours=1) <= offset < timedelta(hours=7):
        afternoon = offset + half
        return Clock(offset if latest is not None and afternoon > latest else afternoon, precision)
    if offset < half and latest is not None and offset + half <= latest:
        return Clock(offset + half, precision)
    return Clock(offset, precision, ambiguous=timedelta(hours=7) <= offset < half)


def _minute(found: re.Match[str]) -> tuple[int, bool]:
    """Minutes, and whether they were said."""
    if found["m"]:
        return int(found["m"]), True
    if found["half"]:
        return 30, True
    if found["quarter"]:
        return 15 * _number(found["quarter"]), True
    if found["m2"]:
        return _number(found["m2"]), True
    return 0, False


def _hour_in(part: str, hour: int) -> int:
    """The hour of 24 (or beyond, for the night after) that is meant by `hour` in this part of the day."""
    if part in {"evening", "night"}:
        if hour == 12:
            return 24
        early = hour < 5
        return hour + 24 * early * (part == "evening") if early else hour + 12 * (hour < 12)
    if part == "noon":
        return hour + 12 * (hour <= 3)
    if part == "afternoon":
        return hour + 12 * (hour < 12)
    return 0 if part == "dawn" and hour == 12 else hour


def _number(said: str) -> int:
    return int(said) if said.isdigit() else int(quantity(said) or 0)
