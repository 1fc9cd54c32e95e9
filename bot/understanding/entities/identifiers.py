"""Numbers that name something: terminal, merchant, reference, order, card tail, telephone.

Lengths are those of Chinese slips (domain brief C1): merchant 15, terminal 8, reference 12, trace and batch 6, authorisation 6 letters or digits, WeChat and
Alipay orders 28. A label stands before or after; digits may be spoken (幺零零二) and may be grouped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..numerals import DIGITS, SPOKEN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .scan import Scan

_DIGIT = rf"[\d{''.join(DIGITS)}]"
_JOIN = r"[ \-]{0,2}"
_ENGLISH = r"(?: ?\([^()\n]{1,24}\))?"
"""商户编号(MERCHANT NO.): slips print labels in two languages."""
_LINK = rf"(?:编?号|号码|代码|id|no\.?)?{_ENGLISH}[\s:=#，,]{{0,3}}(?:就?是|为|写的|打的|上面)?[\s:=#]{{0,3}}"
_BACK = r"[ ,，(（]{0,3}(?:这个|这|那|就|它)?(?:应该)?是?(?:我们?的?|小票上的?|上面的?)?"


def _digits(least: int, most: int) -> str:
    return rf"(?<![\dA-Za-z]){_DIGIT}(?:{_JOIN}{_DIGIT}){{{least - 1},{most - 1}}}(?![\dA-Za-z])"


def _letters(least: int, most: int) -> str:
    return rf"(?<![\dA-Za-z])(?=[A-Za-z]{{0,8}}\d)[\dA-Za-z]{{{least},{most}}}(?![\dA-Za-z])"


_GROUPED = r"(?<![\dA-Za-z])\d{4}(?:[ \-]\d{4}){2,6}(?![\dA-Za-z])"
_LABELLED: tuple[tuple[str, str, str], ...] = (
    ("iccid", r"iccid|流量卡(?:卡?号)|物联卡号", _letters(19, 20)),
    ("merchant_no", r"商户编?号|商户代码|商户id|商户|商编|商家号|mid|店铺编?号|merchant (?:no|id)\.?", rf"{_digits(15, 15)}|{_letters(15, 15)}"),
    ("sn", r"s/?n码?|机身码?|机身号|序列号|机器码|设备号|设备编号", _letters(8, 24)),
    ("terminal_no", r"终端机?(?:编号|号|id)?|机器?编?号|机号|tid|terminal (?:no|id)\.?", rf"{_digits(8, 8)}|{_letters(8, 8)}"),
    ("ref_no", r"(?:系统|检索)?参考(?:编?号)?|检索号|参照号|rrn|原参考号|refer(?:ence)? no\.?|ref\.? ?no\.?", rf"{_digits(12, 12)}|{_letters(12, 12)}"),
    ("trace_no", r"凭证(?:编?号)?|流水(?:编?号)?|票据号|小票号|小票编号|跟踪号|(?:trace|voucher)(?: no\.?)?", _digits(6, 6)),
    ("batch_no", r"批次(?:编?号)?|batch(?: no\.?)?", _digits(6, 6)),
    ("auth_code", r"预?授权(?:码|号)|授权|auth(?: (?:no|code)\.?)?", _letters(6, 6)),
    ("order_no", r"(?:商户|交易|支付|微信|支付宝)?(?:订单|单)(?:编?号|号)", rf"{_letters(10, 32)}|{_GROUPED}"),
)
_LABELS = tuple((slot, re.compile(label, re.I)) for slot, label, _ in _LABELLED)
_ANY_LABEL = re.compile("|".join(label for _, label, _ in _LABELLED), re.I)
_BEFORE = {slot: re.compile(rf"(?:{label}){_LINK}({value})", re.I) for slot, label, value in _LABELLED}
_AFTER = {slot: re.compile(rf"({value}){_BACK}(?:{label})(?!\s*[:：(]|\s*\d)", re.I) for slot, label, value in _LABELLED}
_THREE_DIGITS = re.compile(r"\d{3}")
"""The least that a number without a label consists of: a cheap test for the many messages without."""
_MASKED = re.compile(r"(?<!\d)\d{4,6}[\s\-]?[*xX●•]{2,12}[\s\-]?(\d{4})(?!\d)")
_TAIL = re.compile(
    rf"(?:尾号|尾数|卡尾号?|末四位|末4位|(?:最?后|后面|末尾)(?:四|4)(?:位|个|位数)(?:数字?)?|卡号?(?:最后|后面|末尾))"
    rf"[\s:=]?(?:就?是|为|的是)?[\s:=]?({_DIGIT}(?: ?{_DIGIT}){{3}})(?![\dA-Za-z])"
)
_TAIL_BACK = re.compile(r"(?<!\d)(\d{4})(?:结尾|收尾|尾号|做尾|那张卡|的那?张?卡)")
_MOBILE = re.compile(r"(?<!\d)(?:\+?86[\s-]?)?1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?!\d)")
_CURRENCY = r"\s?(?:元|块|圆|蚊|万|千|大洋|rmb|人民币)"
_OFFICE = re.compile(
    r"(?<![\d.,¥￥$])(?:400[\s-]?\d{3}[\s-]?\d{4}|400[\s-]?\d{4}[\s-]?\d{3}|400\d[\s-]\d{3}[\s-]\d{3}|0\d{2,3}-\d{7,8}"
    rf"|95\d{{3}}|96110|12315|12363|10086|10010|(?<=[打拨找报])1\d\d(?:\d\d)?)(?![\d%]|[.,]\d|{_CURRENCY})",
    re.I,
)
"""Offices and hotlines; 12315元 is an amount after all."""
_NAMED = re.compile(
    rf"(?:(?:操作员|柜员|收银员|工号|型号|版本)号?|(?:订单|单|流水|凭证|参考|批次|授权|终端|商户|机器?|设备|序列|机身|案件|调单|工单|通知|投诉)(?:编?号码?|编码)|编号)"
    rf"{_LINK}(?P<named>[A-Za-z]{{0,4}}\d{{2,5}}(?:[ \-]\d{{3,4}}(?![\d.,]|{_CURRENCY}))+|[A-Za-z]{{0,6}}\d[\dA-Za-z]*)(?!\d|\.\d|{_CURRENCY})"
    rf"|(?:(?:凭证|参考|批次|授权|终端|商户)[\s:]{{0,2}}\d{{1,20}}|(?:订单|流水)[\s:]{{0,2}}\d{{6,20}})(?!\d|\.\d|{_CURRENCY})",
    re.I,
)
"""Numbers that are named as something, whatever they look like: no amounts."""
_CASE = re.compile(r"(?<![A-Za-z\d])(?!rmb|cny)[A-Za-z]{1,6}\d{5,30}[\dA-Za-z]*", re.I)
"""DC20251120009: letters and digits in one word name something, and hold no date."""
_MASKED_ID = re.compile(r"(?<!\d)(?!62)(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])(?:[0-3]\d|90)\d\d\*{8}\d{3}[\dX]")
"""An identity number as `redact` leaves it (GB/T 2260 regions): its last four digits are no card tail."""
_WECHAT = re.compile(r"(?<![\dA-Za-z])4200\d{24}(?![\dA-Za-z])")
_ALIPAY = re.compile(r"(?<![\dA-Za-z])20[2-3]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{20}(?![\dA-Za-z])")
_RUN = re.compile(r"(?<![\dA-Za-z*.:/])\d{6,20}(?![\dA-Za-z*]|\.\d|[:/]\d|\s?(?:元|块|圆|万|蚊))")
_DATE = re.compile(r"20[2-3]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_BY_LENGTH = {6: ("trace_no", "batch_no", "auth_code"), 8: ("terminal_no",), 12: ("ref_no",), 15: ("merchant_no",)}


def read(scan: Scan) -> None:
    """Labelled numbers, card tails and telephone numbers; what else is named or is a hotline is only consumed."""
    bare = _THREE_DIGITS.search(scan.text) is not None
    if bare:
        _take_each(scan, _MASKED_ID)
        _read_each(scan, (("card_tail4", _MASKED),))
    if _ANY_LABEL.search(scan.text):
        slots = [slot for slot, label in _LABELS if label.search(scan.text)]
        _read_each(scan, [(slot, patterns[slot]) for patterns in (_BEFORE, _AFTER) for slot in slots])
    _read_each(scan, (("card_tail4", _TAIL),))
    if bare:
        _read_bare(scan)
    _take_each(scan, _NAMED)
    if bare:
        _take_each(scan, _CASE)


def _read_bare(scan: Scan) -> None:
    """Numbers that are known by their look: tails behind which 结尾 stands, orders, telephones; hotlines are only consumed."""
    _read_each(scan, (("card_tail4", _TAIL_BACK),))
    for found in (*scan.free(_WECHAT), *scan.free(_ALIPAY)):
        scan.add("order_no", found[0], found.span())
    for found in scan.free(_MOBILE):
        scan.add("phone_tail4", found[0][-4:], found.span())
    _take_each(scan, _OFFICE)


def _take_each(scan: Scan, pattern: re.Pattern[str]) -> None:
    for found in scan.free(pattern):
        scan.take(*found.span())


def _read_each(scan: Scan, patterns: Iterable[tuple[str, re.Pattern[str]]]) -> None:
    """The first group of each match is a value; the label around it is spoken for as well."""
    for slot, pattern in patterns:
        for found in scan.free(pattern):
            scan.add(slot, canonical(found[1]), found.span(1))
            scan.take(*found.span())


def read_unlabelled(scan: Scan) -> None:
    """Runs of digits whose length tells what they are; the others are kept as ambiguous, to be asked."""
    for found in scan.free(_RUN):
        digits = found[0]
        if len(digits) in {8, 14} and _DATE.match(digits):
            continue
        slots = _BY_LENGTH.get(len(digits), ())
        if len(slots) == 1:
            scan.add(slots[0], digits, found.span())
        elif slots:
            scan.ambiguous.append((digits, slots))
            scan.take(*found.span())
        elif len(digits) > 8:
            scan.take(*found.span())


def canonical(said: str) -> str:
    """Upper case, ASCII digits, no separators."""
    return re.sub(r"[\s\-]", "", said.translate(SPOKEN_DIGITS)).upper()
