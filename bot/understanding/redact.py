"""Removes card data before anything else may see it.

PCI DSS 3.3/3.4: CVV, PIN and one-time codes are never kept, of a card number at most the first six and last four digits. Works on `clean` text;
later reading uses the redacted text only. Every pattern is bounded and starts at a digit or a label, so hostile input costs linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.understanding import Secret

from .clean import simplify
from .numerals import SPOKEN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

BLANK = "***"
_GAP = r"[ \-\u2010-\u2015\u2212·_\n]"
_RUN = re.compile(rf"(?<![\dA-Za-z*])\d(?:{_GAP}{{0,3}}\d){{12,}}(?![A-Za-z*])")
_GROUP = re.compile(r"\d+")
_TRACK = re.compile(r"[=D]\d{7,}\??")
_NETWORK = re.compile(r"62|4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3(?:0|[4-8])|6(?:0|4|5|8|9)|9(?:0|4|5[58])")
"""Leading digits of card networks and of Chinese banks' older cards (9558, 95599, 6013, 690755)."""
_STRONG = re.compile(r"62|4|5[1-5]")
_IDENTIFIER_LABEL = re.compile(
    r"(?:商户|商家|店|终端|机身|设备|序列|订单|流水|单|参考|检索|凭证|批次|交易|受理|机|sn|mid|tid|rrn|iccid|no\.?)(?:编?号|号码|代码|id|码)?\s*[是为:=#]?\s*$",
    re.I,
)
_CARD_LABEL = re.compile(r"(?:卡号?|账号|card)(?:码|是|为|[:=\s])*$", re.I)
_SECRET_DIGITS = rf"(?>\d(?:{_GAP}?\d){{%s}})"
_AFTER = r"(?![\d年月日点元块圆万千百笔号折]|\.\d|:\d)"
_FILLER = r"[\s:=,'\"“”()（）是为就的了叫用改成设个位那这数字填输入我他她码]{0,10}"
_LABELS = (
    (Secret.CVV, r"cvv2?|cvc2?|cvn2?|安全码|背面(?:那|的|后|末)?[三3]位?|背后[三3]位|后面[三3]位数", "2,3"),
    (Secret.OTP, r"验证码|短信码|动态码|动态口令|动态密码|校验码|otp|付款码", "3,23"),
    (Secret.PIN, r"密码|口令|pin码?(?!pad)", "3,7"),
)
_ANY_LABEL = re.compile("|".join(label for _, label, _ in _LABELS), re.I)
_COUNTED = r"[46]个\d\s*"
"""六个九, as it reads after `SPOKEN_DIGITS`: a PIN in words, often repeated in digits."""
_BEFORE = tuple(
    (kind, re.compile(rf"((?:{label}){_FILLER})((?:{_COUNTED})?{_SECRET_DIGITS % size}{_AFTER}|{_COUNTED}(?!\d))", re.I)) for kind, label, size in _LABELS
)
_BEHIND = tuple(
    (
        kind,
        re.compile(
            rf"(?<![\d.*])({_SECRET_DIGITS % size})(?=[\s,]?(?:就|这个|那个|才|也)?(?:是|为)?"
            rf"(?:我|他|她|客人|顾客)?的?(?:卡|支付|取款|交易|短信|登录)?的?(?:{label}))",
            re.I,
        ),
    )
    for kind, label, size in _LABELS
)
_DOUBLED = str.maketrans("0123456789", "0246813579")
"""Twice the digit, digits of the product added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """Text without card data, and the kinds of secrets that stood in it, in order of appearance by kind."""

    text: str
    secrets: tuple[Secret, ...]


def redact(text: str) -> Redacted:
    """Mask card numbers as 622200*********2337 and blank CVV, PIN and one-time codes; merchant, order and terminal numbers survive."""
    found: list[Secret] = []
    text = _without(text, list(_cards(_plain(text))), found)
    text = _without(text, list(_labelled(_plain(text))), found)
    return Redacted(text=text, secrets=tuple(dict.fromkeys(found)))


def _plain(text: str) -> str:
    """The text as the patterns read it, position by position: simplified characters, ASCII digits."""
    return simplify(text).translate(SPOKEN_DIGITS)


def _without(text: str, hits: list[tuple[int, int, str, Secret]], found: list[Secret]) -> str:
    """Replace the spans, from the last to the first; overlapping ones once."""
    found.extend(kind for *_, kind in sorted(hits))
    end = len(text) + 1
    for start, stop, mask, _ in sorted(hits, reverse=True):
        if stop <= end:
            text, end = text[:start] + mask + text[stop:], start
    return text


def _cards(plain: str) -> Iterator[tuple[int, int, str, Secret]]:
    for run in _RUN.finditer(plain):
        before = plain[max(0, run.start() - 12) : run.start()]
        labelled = bool(_CARD_LABEL.search(before))
        exempt = not labelled and bool(_IDENTIFIER_LABEL.search(before))
        for start, stop in _windows(plain, run, labelled=labelled, exempt=exempt):
            digits = "".join(_GROUP.findall(plain[start:stop]))
            track = _TRACK.match(plain, stop)
            yield start, track.end() if track else stop, digits[:6] + "*" * (len(digits) - 10) + digits[-4:], Secret.PAN


def _windows(plain: str, run: re.Match[str], *, labelled: bool, exempt: bool) -> Iterator[tuple[int, int]]:
    """Spans of whole digit groups that read as card numbers."""
    groups = [(found.start(), found.end()) for found in _GROUP.finditer(plain, run.start(), run.end())]
    first = 0
    while first < len(groups):
        last = _last_group(plain, groups[first : first + 19], labelled=labelled and first == 0, exempt=exempt)
        if last is None:
            first += 1
        else:
            yield groups[first][0], groups[first + last][1]
            first += last + 1


def _last_group(plain: str, groups: list[tuple[int, int]], *, labelled: bool, exempt: bool) -> int | None:
    """Which group ends the card number that begins with the first: the longest with a right check digit, else the longest that could be one."""
    if not (labelled or _NETWORK.match(plain, groups[0][0])):
        return None
    best: tuple[bool, int] | None = None
    digits = ""
    for last, (start, stop) in enumerate(groups):
        digits += plain[start:stop]
        if len(digits) > (30 if labelled else 19):
            break
        verdict = _is_card(digits, labelled=labelled, exempt=exempt)
        if verdict is not None and (best is None or (verdict, last) > best):
            best = (verdict, last)
    return best[1] if best else None


def _is_card(digits: str, *, labelled: bool, exempt: bool) -> bool | None:
    """True for a right check digit, False for a card number by its look alone, None for no card number."""
    size = len(digits)
    if size < 13 or (size > 19 and not labelled):
        return None
    checked = size <= 19 and luhn(digits)
    if exempt:
        return True if checked and size >= 16 and _STRONG.match(digits) else None
    if checked and _NETWORK.match(digits):
        return True
    return False if labelled or (size >= 16 and digits.startswith("62")) else None


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: the check digit of a card number."""
    return sum(map(int, digits[-1::-2] + digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def _labelled(plain: str) -> Iterator[tuple[int, int, str, Secret]]:
    if not _ANY_LABEL.search(plain):
        return
    for kind, pattern in _BEFORE:
        yield from ((found.start(2), found.end(2), BLANK, kind) for found in pattern.finditer(plain))
    for kind, pattern in _BEHIND:
        yield from ((found.start(1), found.end(1), BLANK, kind) for found in pattern.finditer(plain))
