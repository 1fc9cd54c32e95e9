"""Chinese numerals: digit by digit (幺零二), and as quantities (一千二, 两万五, 三百零五)."""

from __future__ import annotations

from decimal import Decimal

DIGITS = {
    **{character: value for value, character in enumerate("零一二三四五六七八九")},
    **{character: value for value, character in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    **{"两": 2, "俩": 2, "幺": 1, "洞": 0, "拐": 7, "勾": 9},
}
UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000, "亿": 100_000_000}
QUANTITY = "[零〇一二两俩三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟廿卅]"
"""A character class for regular expressions: what a quantity in Chinese numerals is made of."""

SPOKEN_DIGITS = str.maketrans({character: str(value) for character, value in DIGITS.items()})
"""Translates Chinese digits to ASCII digits, character by character, so positions stay."""


def quantity(numerals: str) -> Decimal | None:
    """The number that Chinese numerals say, None when they say none.

    一千二 = 1200 (the unit after the last one is implied), 一千零二 = 1002, 两万五 = 25000, 廿三 = 23, 二零二六 = 2026 (digit by digit).
    """
    text = numerals.replace("廿", "二十").replace("卅", "三十")
    if text and all(character in DIGITS for character in text):
        return Decimal("".join(str(DIGITS[character]) for character in text))
    total = section = 0
    pending: int | None = None
    last_unit, zero = 0, False
    for character in text:
        if character in DIGITS:
            pending = DIGITS[character]
            zero = zero or pending == 0
        elif character in UNITS:
            unit = UNITS[character]
            if unit >= 10_000:
                total = (total + section + (pending or 0) or 1) * unit
                section = 0
            else:
                section += (1 if pending is None else pending) * unit
            pending, last_unit, zero = None, unit, False
        else:
            return None
    if pending:
        section += pending * (last_unit // 10 if last_unit >= 100 and not zero else 1)
    return Decimal(total + section) if text else None
