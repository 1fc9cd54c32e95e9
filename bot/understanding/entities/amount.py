"""How much money: ¥1,234.50, 88块8, 一千二, 三百块零五, 两万五, 5w, 1.2万, 1w2, 壹仟贰佰. Never 2笔, 三次, 6折, 305房, years, telephones.

Candidates are graded by what marks them as money (a currency word, a verb of paying, nothing), and the best grade wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import TYPE_CHECKING

from ..numerals import QUANTITY, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scan import Scan

_COUNTERS = (
    "笔|次|张|平|天|个|台|号|点|月|日|年|遍|回|下|折|楼|层|房|室|桌|栋|幢|单元|位|人|家|店|分钟|小时|秒|周|岁|斤|公斤|瓶|箱|件|份|杯|盒|袋|条|只|双|套|本|米|升|度|倍|种|块板|"
    "寸|厂|型|款|车|排|路|街|弄|元店|%|％|‰|兆|流量|gb?|mb?|[a-z]|:|：|/|-|\\*|°|级|期|格|线|代|版|步|行|班|成|条|颗|码|楼|档|栏|幅|亩|间|开头|结尾"
)
_MULTIPLE = {"万": 10_000, "w": 10_000, "千": 1000, "k": 1000, "百": 100}
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,8})(?:\.\d{1,2})?"
_CN = rf"(?<!{QUANTITY}){QUANTITY}{{1,14}}"
_MONEY = r"(?:块钱|块|元整?|圆整?|蚊|大洋|rmb|人民币|刀)"
_LEFT = r"(?<![\d.A-Za-z:/*第\-])"
_PAYING = (
    r"(?:刷|消费|付|收|扣|退|转|支付|收款|扣款|退款|退货|金额|总共|一共|合计|共|应收|实收|扫|结账|买单|进账|"
    r"打款|少|差|多|输成|输|按成|按|打成|到账|价|是|货款|营业额|卖)"
)
_NO_COUNTER = rf"(?!\d|\.\d|\s?(?:{_COUNTERS}))"


class _Grade(IntEnum):
    """What marks a number as money."""

    BARE = 1
    PAID = 2
    CURRENCY = 3


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A number that may be the amount."""

    value: Decimal
    span: tuple[int, int]
    grade: _Grade
    approximate: bool = False


_PATTERNS: tuple[tuple[_Grade, re.Pattern[str]], ...] = (
    # 250块5, 4280块5, 七百二十六块五, 三百块零五, 12元5角
    (
        _Grade.CURRENCY,
        re.compile(
            rf"(?:{_LEFT}(?P<a>{_NUMBER})|(?P<c>{_CN}))\s?(?:块|元|圆)(?P<jiao>[\d一二三四五六七八九]|零[\d一二三四五六七八九])(?![\d.年月日号点个笔折百千万十])(?:毛|角)?(?P<fen>[\d一二三四五六七八九](?=分(?!钟)))?分?",
            re.I,
        ),
    ),
    # ¥1,234.50
    (_Grade.CURRENCY, re.compile(rf"(?:[¥￥$]|rmb|cny|人民币)\s?(?P<a>{_NUMBER})\s?(?P<m>万|千|w|k)?(?!\d)", re.I)),
    # 1万2, 1w2, 2k5, 3百5
    (_Grade.CURRENCY, re.compile(rf"{_LEFT}(?P<a>\d{{1,3}})(?P<m>万|w|千|k|百)(?P<next>\d)(?![\d.点号日月年万千百wk])(?P<u>\s?{_MONEY})?", re.I)),
    # 1280元, 1.2万, 3百块, 300多块
    (
        _Grade.CURRENCY,
        re.compile(rf"{_LEFT}(?P<a>{_NUMBER})\s?(?P<m>万|千|百|w|k)?(?P<about>多|几|来|出头)?\s?{_MONEY}(?![一二三四五六七八九\d]?(?:板|屏|零件))", re.I),
    ),
    (_Grade.CURRENCY, re.compile(rf"{_LEFT}(?P<a>\d{{1,4}}(?:\.\d{{1,2}})?)\s?(?P<m>w|k|万|千)(?P<about>多|来)?(?![A-Za-z\d兆笔次张台个步点])", re.I)),
    # 三十五块, 八百多块钱
    (_Grade.CURRENCY, re.compile(rf"(?P<c>{_CN})(?P<about>多|来)?\s?{_MONEY}", re.I)),
    # 八毛, 5角
    (_Grade.CURRENCY, re.compile(r"(?P<mao>[\d一二两三四五六七八九])(?:毛|角)钱?")),
    # 一千二, 两万五, 三百整: a unit inside, no counter behind
    (
        _Grade.PAID,
        re.compile(
            rf"(?<!第)(?<!{QUANTITY})(?P<c>(?=[^百千万佰仟]{{0,6}}[百千万佰仟]){QUANTITY}{{2,14}})(?P<about>多|来|出头)?(?:整)?(?!{QUANTITY}|多|来|\s?(?:{_COUNTERS}))",
            re.I,
        ),
    ),
    # 刷了1280, 退货99.9
    (_Grade.PAID, re.compile(rf"{_PAYING}(?:了|的|一笔|个|:|：|为|掉|走|款|成功|\s){{0,3}}(?P<a>{_NUMBER}){_NO_COUNTER}", re.I)),
    # a number alone: 3200
    (
        _Grade.BARE,
        re.compile(
            rf"(?<![\dA-Za-z.:/*\-_#第前后位头尾号])(?P<a>(?:\d{{1,3}}(?:,\d{{3}})+|\d{{3,7}})(?:\.\d{{1,2}})?|\d{{1,2}}\.\d{{1,2}})(?!\.){_NO_COUNTER}", re.I
        ),
    ),
)
_CHOSEN = re.compile(r"(?:元|块|钱)?(?:那|这|的那|的这)(?:一)?[笔单]")
_DENIED = re.compile(r"(?:不是|没有|非|别是)\s?$")
_MOST = Decimal(5_000_000)


def read(scan: Scan) -> None:
    """The amount that the text is about."""
    candidates = sorted(_candidates(scan), key=lambda candidate: (-candidate.grade, candidate.span))
    if not candidates:
        return
    best = next((one for one in candidates if _CHOSEN.match(scan.text, one.span[1])), candidates[0]) if len(candidates) > 1 else candidates[0]
    scan.add("amount", f"{best.value:.2f}", best.span, approximate=best.approximate)


def _candidates(scan: Scan) -> Iterator[_Candidate]:
    """Every number that may be money, each character used once, strongest patterns first."""
    for grade, pattern in _PATTERNS:
        for found in scan.free(pattern):
            value = _value(found)
            if value is None or not 0 < value <= _MOST or _denied(scan.text, found):
                continue
            start = found.start() + (len(found[0]) - len(found[0].lstrip("¥￥$ ")) if grade is _Grade.CURRENCY else 0)
            scan.take(*found.span())
            yield _Candidate(value, (start, found.end()), grade, bool(found.groupdict().get("about")))


def _denied(text: str, found: re.Match[str]) -> bool:
    """不是580: the number that it was not."""
    number = next(name for name in ("a", "c", "mao") if found.groupdict().get(name))
    return bool(_DENIED.search(text, 0, found.start(number)))


def _value(found: re.Match[str]) -> Decimal | None:
    """Yuan."""
    part = found.groupdict()
    if part.get("mao"):
        tenths = _digit(part["mao"])
        return Decimal(tenths) / 10
    whole = Decimal(part["a"].replace(",", "")) if part.get("a") else quantity(part["c"])
    if whole is None:
        return None
    multiple = _MULTIPLE.get((part.get("m") or "").lower(), 1)
    value = whole * multiple
    if part.get("next"):
        value += Decimal(part["next"]) * multiple / 10
    return value + _small_change(part.get("jiao"), part.get("fen"))


def _small_change(jiao: str | None, fen: str | None) -> Decimal:
    """块8 is eight tenths, 块零五 five hundredths."""
    if not jiao:
        return Decimal(0)
    tenths = Decimal(_digit(jiao[-1])) / (100 if jiao.startswith("零") else 10)
    return tenths + (Decimal(_digit(fen)) / 100 if fen else 0)


def _digit(said: str) -> int:
    return int(said) if said.isdigit() else int(quantity(said) or 0)
