"""How much money: ¥1,234.50, 88块8, 一千二, 三百块零五, 两万五, 5w, 1.2万, 1w2, 壹仟贰佰. Never 2笔, 三次, 6折, 305房, years, telephones.

Candidates are graded by what marks them as money (a currency word, a verb of paying, nothing), and the best grade wins. What was charged comes before what
it differs by (少到30块，一共3000 is about 3000) and before what it should cost (原价599，刷了499 is about 499); alone, these are the amount.
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
    "笔|次|张|平|天|个|台|号(?!码)|点|月|日(?!期)|年|遍|回|下|折|楼|层|房|室|桌|栋|幢|单元|位|人|家|店|分钟|小时|秒|周|岁|斤|公斤|瓶|箱|件|份|杯|盒|袋|条|只|双|套|本|米|升|度|倍|种|块板|"
    "寸|厂|型|款|车|排|路|街|弄|元店|%|％|‰|兆|流量|[gm]b?(?![a-z])|：|/|-|\\*|°|级|期|格|线|代|版|步|行|班|成|颗|码|档|栏|幅|亩|间|开头|结尾"
)
_IN_CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")
_MULTIPLE = {"万": 10_000, "w": 10_000, "千": 1000, "k": 1000, "百": 100}
_NUMBER = r"(?!0\d)(?>\d{1,3}(?:,\d{3})+(?!\d)|\d{1,8})(?>\.\d{1,2})?"
"""All of a number or nothing: half of 1,280.00 must not pass where the whole does not. 001 is no number."""
_CN = rf"(?<!{QUANTITY}|[几数]){QUANTITY}{{1,14}}"
_ONE = r"[\d一二三四五六七八九]"
_MONEY = r"(?:块钱|块|元整?|圆整?|蚊|大洋|rmb|人民币|刀)"
_LEFT = r"(?<![\d.A-Za-z:/*第\-])"
_PAYING = (
    r"(?:刷|消费|付|收|扣|退|转|支付|收款|扣款|退款|退货|金额|总共|一共|合计|共|应收|实收|扫|结账|买单|进账|"
    r"打款|少|差|多|输成|输|按成|打成|到账|价|是|货款|营业额|卖)"
)
_NO_COUNTER = rf"(?!\d|[.:]\d|[A-Za-z:]| ?(?:{_COUNTERS}))"
"""On the same line: a slip's next line may begin with 日期."""


class _Grade(IntEnum):
    """What marks a number as money."""

    LISTED = 0
    DIFFERENCE = 1
    BARE = 2
    PAID = 3
    CURRENCY = 4


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A number that may be the amount."""

    value: Decimal
    span: tuple[int, int]
    grade: _Grade
    approximate: bool = False


_PATTERNS: tuple[tuple[_Grade, re.Pattern[str]], ...] = (
    # 250块5, 4280块5, 七百二十六块五, 三百块零五, 12元5角, 三十六块五毛八
    (
        _Grade.CURRENCY,
        re.compile(
            rf"(?:{_LEFT}(?P<a>{_NUMBER})|(?P<c>{_CN}))\s?(?:块|元|圆)(?P<jiao>{_ONE}|零{_ONE})(?![\d.年月日号点个笔折百千万十])"
            rf"(?:[毛角](?P<fen>{_ONE})(?![\d十百千万个笔号点年月日折]|分钟)分?|[毛角]|(?P<cent>{_ONE})分(?!钟))?",
            re.I,
        ),
    ),
    # ¥1,234.50
    (_Grade.CURRENCY, re.compile(rf"(?:[¥￥$]|rmb|cny|人民币)[\s:]{{0,2}}(?P<a>{_NUMBER})\s?(?P<m>万|千|w|k)?(?!\d)", re.I)),
    # 1万2千, 3千5百块
    (_Grade.CURRENCY, re.compile(rf"{_LEFT}(?P<a>\d{{1,3}})(?P<m>万|千)(?P<rest>\d[千百](?:\d[百十]?)?)(?![\d.点号日月年万千百笔次]){_MONEY}?", re.I)),
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
    # 八毛, 5角, 五毛八; but 一毛不剩
    (_Grade.CURRENCY, re.compile(rf"(?!一毛(?:钱|线)?[都也没未不])(?P<mao>[两]|{_ONE})[毛角](?!病|巾|衣)(?:(?P<fen>{_ONE})分?|钱)?")),
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
    # 刷了五十一
    (
        _Grade.PAID,
        re.compile(rf"{_PAYING}(?:了|的|:|为|掉|\s){{0,3}}(?P<c>(?=[^十]{{0,2}}十){QUANTITY}{{2,3}})(?!{QUANTITY}|多|来|几)(?!\s?(?:{_COUNTERS}))", re.I),
    ),
    # a number alone: 3200
    (
        _Grade.BARE,
        re.compile(
            r"(?<![\dA-Za-z.:/*\-_#第前后位头尾号])(?!0\d)(?P<a>(?>\d{1,3}(?:,\d{3})+(?!\d)|\d{3,7})(?>\.\d{1,2})?|(?>\d{1,2}\.\d{1,2}))(?!\.)" + _NO_COUNTER,
            re.I,
        ),
    ),
)
_DIGIT = re.compile(r"\d")
_SPOKEN = tuple((grade, pattern) for grade, pattern in _PATTERNS if not pattern.groupindex.keys().isdisjoint({"c", "mao"}))
"""The patterns for amounts in words: the others look for digits in vain where there are none."""
_CHOSEN = re.compile(r"(?:元|块|钱)?(?:那|这|的那|的这)(?:一)?[笔单]")
_DENIED = re.compile(r"(?:不是|没有|非|别是)\s?$")
_LISTED = re.compile(r"(?:原价|标价|定价|市价|进价|单价|吊牌价?|挂牌价?|标的?)(?:是|为|的|:|\s){0,2}[¥￥$]?\Z")
_DIFFERENCE = re.compile(r"(?:[少多差短缺](?:到账?|收|扣|刷|付|给|转|打|结|退|算|了|我|他|她|人家|客人|[\s:]){0,4}|差额|相差)(?:是|为|:|\s){0,2}[¥￥$]?\Z")
_RATE = re.compile(r"(?:费率|扣率|利率|点数)(?:是|为|的|:|\s){0,3}\Z")
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
    for grade, pattern in _PATTERNS if _DIGIT.search(scan.text) else _SPOKEN:
        for found in scan.free(pattern):
            value = _value(found)
            before = _before(scan.text, found)
            if value is None or not 0 < value <= _MOST or _DENIED.search(before) or _RATE.search(before):
                continue
            start = found.start() + (len(found[0]) - len(found[0].lstrip("¥￥$ ")) if grade is _Grade.CURRENCY else 0)
            scan.take(*found.span())
            yield _Candidate(value, (start, found.end()), _regraded(before, grade), bool(found.groupdict().get("about")))


def _before(text: str, found: re.Match[str]) -> str:
    """The words before the number itself, verbs of paying included."""
    start = found.start(next(name for name in ("a", "c", "mao") if found.groupdict().get(name)))
    return text[max(0, start - 12) : start]


def _regraded(before: str, grade: _Grade) -> _Grade:
    """A price and a difference are weaker than what was charged."""
    if _LISTED.search(before):
        return _Grade.LISTED
    return _Grade.DIFFERENCE if _DIFFERENCE.search(before) else grade


def _value(found: re.Match[str]) -> Decimal | None:
    """Yuan."""
    part = found.groupdict()
    if part.get("mao"):
        return Decimal(_digit(part["mao"])) / 10 + Decimal(_digit(part.get("fen"))) / 100
    whole = Decimal(part["a"].replace(",", "")) if part.get("a") else quantity(part["c"])
    if whole is None:
        return None
    multiple = _MULTIPLE.get((part.get("m") or "").lower(), 1)
    value = whole * multiple
    if part.get("next"):
        value += Decimal(part["next"]) * multiple / 10
    if part.get("rest"):
        value += quantity(part["rest"].translate(_IN_CHINESE)) or 0
    return value + _small_change(part.get("jiao"), part.get("fen") or part.get("cent"))


def _small_change(jiao: str | None, fen: str | None) -> Decimal:
    """块8 is eight tenths, 块零五 five hundredths."""
    if not jiao:
        return Decimal(0)
    tenths = Decimal(_digit(jiao[-1])) / (100 if jiao.startswith("零") else 10)
    return tenths + Decimal(_digit(fen)) / 100


def _digit(said: str | None) -> int:
    return int(quantity(said) or 0) if said and not said.isdigit() else int(said or 0)
