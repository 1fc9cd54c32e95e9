"""The answer to a question for one slot: the whole short text is the value, label or not."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from ..numerals import quantity
from . import codes, identifiers, moment
from .moment import Aim
from .scan import Scan

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.knowledge import Slot

LONGEST = 40
"""Longer texts are stories: there the ordinary readers find the value, if it is there."""

_EDGE = r"[\s\W_]*(?:(?:是|就是|好像是?|应该是?|大概|为|写的是?|那个|嗯|哦|号码?是?|上面写的?是?)[\s:,，]*)*"
_TAIL = r"[\s\W_]*(?:吧|呢|啊|呀|的|了|来着|好像|左右|元整?|块钱?|圆)*[\s\W_]*$"
_CN = r"[零〇一二两三四五六七八九幺洞]"
_FIXED = {
    "merchant_no": (15, 15),
    "terminal_no": (8, 8),
    "batch_no": (1, 6),
    "trace_no": (1, 6),
    "ref_no": (12, 12),
    "card_tail4": (4, 4),
    "phone_tail4": (4, 4),
    "iccid": (19, 20),
}
"""Kinds of digits only, with the least and the greatest length."""
_AHEAD = frozenset({"deadline", "license_expiry"})
"""Slots for days that lie ahead: 28号 is the next one there, not the last one."""
_PADDED = {"batch_no": 6, "trace_no": 6}
_MIXED = {"sn": (6, 24), "auth_code": (6, 6), "order_no": (8, 32), "merchant_no": (15, 15), "terminal_no": (8, 8)}
_AMOUNT = re.compile(
    rf"^{_EDGE}[¥￥$]?\s*(?:(\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?|\d{{1,8}}(?:\.\d{{1,2}})?)|([零〇一二两三四五六七八九十百千万壹贰叁肆伍陆柒捌玖拾佰仟]+)){_TAIL}"
)
_CODE = re.compile(rf"^{_EDGE}(\d\d|\d[A-Za-z]|[A-Za-z]\d|{_CN}{{2}}|[二三四五六七八九]?十[一二三四五六七八九]?){_TAIL}")


def read(scan: Scan, slot: Slot, now: datetime) -> None:
    """Adds the value of `slot` when the text is one."""
    if len(scan.text) > LONGEST:
        return
    match slot.kind:
        case "amount":
            _read_amount(scan, slot.id)
        case "resp_code":
            if found := _CODE.match(scan.text):
                scan.add(slot.id, codes.canonical(found[1]), found.span(1))
        case "moment" | "date":
            _read_moment(scan, slot, now)
        case _:
            _read_digits(scan, slot)


def _read_amount(scan: Scan, slot: str) -> None:
    found = _AMOUNT.match(scan.text)
    value = (Decimal(found[1].replace(",", "")) if found[1] else quantity(found[2])) if found else None
    if found and value:
        scan.add(slot, f"{value:.2f}", found.span(1 if found[1] else 2))


def _read_moment(scan: Scan, slot: Slot, now: datetime) -> None:
    """Any moment in the answer, under the name of the slot that was asked for."""
    answer = Scan(scan.text)
    aim = Aim.MOMENT if slot.kind == "moment" else Aim.DEADLINE if slot.id in _AHEAD else Aim.DATE
    moment.read(answer, now, aim)
    for entity in answer.entities:
        value = entity.value if slot.kind == "moment" else entity.value[:10]
        scan.add(slot.id, value, entity.span, precision=entity.precision, approximate=entity.approximate)


def _read_digits(scan: Scan, slot: Slot) -> None:
    """A number of the right length, however it is grouped or spoken; letters where the kind has them."""
    patterns = []
    if sizes := _FIXED.get(slot.kind):
        patterns.append(rf"[\d{_CN[1:-1]}](?:[ \-]{{0,2}}[\d{_CN[1:-1]}]){{{sizes[0] - 1},{sizes[1] - 1}}}")
    if sizes := _MIXED.get(slot.kind):
        patterns.append(rf"[0-9A-Za-z]{{{sizes[0]},{sizes[1]}}}")
    for pattern in patterns:
        found = re.match(rf"^{_EDGE}({pattern}){_TAIL}", scan.text)
        if found:
            scan.add(slot.id, identifiers.canonical(found[1]).zfill(_PADDED.get(slot.kind, 0)), found.span(1))
            return
