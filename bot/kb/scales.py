"""Editors' words and the numbers that engineers put behind them. All numbers are judgements until real tickets calibrate them."""

from __future__ import annotations

import re
from datetime import timedelta
from types import MappingProxyType

from bot.domain.knowledge import WORKING_DAY, Mask, Money, Retry, TerminalType

FREQUENCY = MappingProxyType({"总是": 0.95, "经常": 0.75, "有时": 0.4, "偶尔": 0.2, "很少": 0.07, "从不": 0.02})
"""P(answer | cause) and P(step solves | cause)."""

BASE_RATE = MappingProxyType({"很常见": 8.0, "常见": 4.0, "一般": 2.0, "少见": 1.0, "罕见": 0.4})
"""Relative weight of a topic among topics, of a cause among its topic's causes."""

EFFORT = MappingProxyType({"看一眼": 0.5, "简单": 1.0, "要操作": 2.0, "麻烦": 4.0, "要等": 6.0})
"""Cost of a question or a step for the merchant, in minutes."""

RETRY = MappingProxyType(
    {
        "不要": Retry.NO,
        "不用": Retry.UNNEEDED,
        "先查": Retry.CHECK_FIRST,
        "一次": Retry.ONCE,
        "稍后": Retry.LATER,
        "换卡": Retry.OTHER_CARD,
        "换方式": Retry.OTHER_WAY,
        "改金额": Retry.OTHER_AMOUNT,
        "签到后": Retry.AFTER_SIGN_IN,
    }
)

TERMINAL_TYPE = MappingProxyType({"传统": TerminalType.TRADITIONAL, "电签": TerminalType.POCKET, "智能": TerminalType.SMART})

MONEY = MappingProxyType({"收到": Money.RECEIVED, "没扣": Money.NOT_TAKEN, "扣了": Money.CHARGED, "不明": Money.UNCLEAR})

MASK = MappingProxyType({"无": Mask.NONE, "后四位": Mask.TAIL, "隐藏": Mask.HIDDEN})

ORIGIN = MappingProxyType({"指南": True, "示例": False})
"""Whether the guide tells a case, or it is made up."""

NEGATIONS = ("没", "无", "否", "还没", "都没")
"""How an answer that means no begins."""

YES = MappingProxyType({"是": True, "否": False})

_DURATION = re.compile(r"([1-9][0-9]{0,2}) ?(分钟|小时|天)", re.ASCII)


def duration(words: str, *, round_the_clock: bool) -> timedelta:
    """`30 分钟`, `4 小时`, `3 天`. A day is a whole one on the clock, and eight hours of working time. Raises ValueError for anything else."""
    found = _DURATION.fullmatch(words)
    if found is None:
        raise ValueError(words)
    units = {"分钟": timedelta(minutes=1), "小时": timedelta(hours=1), "天": timedelta(days=1) if round_the_clock else WORKING_DAY}
    return int(found[1]) * units[found[2]]
