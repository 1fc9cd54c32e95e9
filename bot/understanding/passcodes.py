"""Finds what opens an account: CVV, PIN, one-time codes and expiry dates, by the words and by the card number beside them.

A label (密码, 验证码, 后三位) may stand before or behind the digits. Digits of the usual length count as the secret unless a word between says that they are
something else (密码错误，流水000123); digits of another length only when nothing but filling words stands between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.understanding import Secret

from . import told
from .cards import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

BLANK = "***"
_DIGITS = re.compile(r"\d(?:\d\d|[个到月年\W_][\W_]{0,2}\d)")
"""The least that any secret consists of (123, 六个8, 8/29): a cheap test for the many messages without."""
_REACH = 24
"""Characters between a label and its digits, at most."""
_GAP = r"[ \-\u2010-\u2015\u2212·_\n.,、/]{1,2}"
_IN_WORDS = r"[46]个\d(?:\s*\d+)?|(?:[1-5]个\d[ ,]?){2,4}|[16]到[16]"
_NUMBER = re.compile(
    rf"(?<![\d*])(?<!\d\.)(?:{_IN_WORDS}|\d(?:{_GAP}\d){{2,7}}|\d{{3}}{_GAP}\d{{3}}|\d\d{_GAP}\d\d{_GAP}\d\d|\d{{4}}{_GAP}\d\d|\d+)"
    rf"(?!\d|{_GAP}\d(?:{_GAP}\d)+(?!\d))"
)
"""Digits together, one by one, or in parts; 6个9 is 六个九, as it reads with ASCII digits: a PIN in words, often repeated in digits; 1到6 is 123456."""
_COUNTED = re.compile(
    r"[\-/]\d\d?[\-/]|\s?(?:[年月日点元块圆万千百笔折房次]|号(?!码))|\.\d|:\d|[\s,(]{0,2}(?:这个|那个)?(?:就|才)?是?(?:流水|凭证|批次|参考|授权|终端|订单|单号)"
)
"""What follows an amount, a date, or a number that is labelled behind."""
_FILLING = re.compile(r"[\s:=,.?!'\"“”()\[\]【】是为就的了叫用改成设个位那这数字填输入我他她码试写不末上印着吗]{0,12}(?:is\s?)?")
_OTHER = re.compile(
    r"错误?\s?[\n;、/]|刷|付|收(?!到)|扣|转|退|消费|金额|到账|元|块|终端|商户|订单|单号|流水|凭证|批次|参考|授权|尾|电话|手机号(?!码?[后末])|热线|显示|提示|报(?![了的过]{1,2}\W*\Z)|返回|代码|跳|蹦|编号|(?<!手)机号|序列|sn|卡号|"
    r"时间|昨|今天|今早|今晚|前天|上午|下午|晚上|日期|客服|身份|余额|共|笔|价|[¥￥$]|验证|短信|动态",
    re.I,
)
"""Words that say of a number behind them that it is something else; 密码错误 on a line of its own is what the machine shows."""
_ENTERED = re.compile(r"[输按打敲填入](?:完|好|过|了)[的他她]?\Z")
_NAMED_BEFORE = re.compile(rf"(?:{_OTHER.pattern})[^\d]{{0,4}}\Z", re.I)
_LINK = re.compile(
    r"(?P<number>(?<![\d*.])(?:\d(?:\d{3,7}|(?: \d){3,7})|[46]个\d))"
    r"(?P<link>[ ,]?(?:就|这个|那个|才|也)?(?:是|为)?(?:我|他|她|您|客人|顾客)?(?:[本此][次笔])?的?(?:卡|支付|取款|交易|短信|登录)?的?"
    r"|\s?[(\[【]\s?[短信手机]*|\n(?:这|那|就)个?就?是)\Z"
)
_NO_LINK = re.compile(r"[ ,]?(?:卡|支付|取款|交易|登录)?")
_NOT_THIS_ONE = re.compile(r"错误?(?=\s?[\n;、/])|(?:一直|还|都|也)?(?:收不到|没收到|没来|没有来|发不|没发|不来)")
_OF_ANOTHER = re.compile(r"(?:订单|单号|终端|商户|手机|电话|参考|流水|凭证|批次|授权|序列|sn|编号|机号)[^\d]{0,4}\Z", re.I)

_MONTH, _YEAR = r"(?:0[1-9]|1[0-2])", r"(?:20)?[23]\d"
_EXPIRY = rf"{_MONTH}\s?[/\-.]?\s?{_YEAR}"
_LONE_CODE = rf"(?:[\W_]{{1,5}}(?P<code>\d{{3}})(?!\d|[.,:]\d|\s?(?:{_COUNTED.pattern})))?"
_BESIDE = re.compile(rf"(?:[\W_]{{1,5}}(?P<expiry>{_EXPIRY})(?!\d|[.:]\d|\s?[元块圆万千笔]))?{_LONE_CODE}")
_HANDED = r"(?:[我也都]{0,2}(?:报|念|读|告诉|说|发|给)给?(?:[他她]|对方|客服|店员)?了?)?"
_EXPIRY_LABEL = (
    r"(?:有效(?:期限?|日期)?|到期日?期?|失效日?期?|过期(?:日期?|时间)|月/?年|exp(?:iry|ires|iration)?(?:\s?date)?|valid(?:\s?thru)?|good\s?thru)"
    rf"{_HANDED}[\s:=,.是为到至]{{0,4}}"
)
_LABELLED_EXPIRY = re.compile(rf"{_EXPIRY_LABEL}(?P<expiry>{_EXPIRY}|[1-9]/{_YEAR}|(?:0?[1-9]|1[0-2])月\s?{_YEAR}年?)(?!\d|[\-/.]\d|[月日]){_LONE_CODE}", re.I)
_CARD_EXPIRY = re.compile(rf"{_EXPIRY_LABEL}(?P<expiry>{_YEAR}\s?[/\-.年]?\s?(?:{_MONTH}|[1-9])月?)(?!\d|[\-/.]\d|[月日]){_LONE_CODE}", re.I)
"""The year first: only a card's when a card is spoken of."""
_EXPIRY_BEHIND = re.compile(rf"(?<![\d/\-.])(?P<expiry>{_EXPIRY}|(?:20)?[23]\d年\s?(?:0?[1-9]|1[0-2])月)\s?的?(?:有效期?|[到过]期)(?P<behind>的.{{0,2}}卡)?")
_CARD_BEFORE = re.compile(r"(?<!流量)(?<!物联)(?<!会员)卡(?!机)[^\d\n]{0,8}\Z")
"""What keeps 11/22到期 from being the twenty-second of November."""
_OF_A_CARD = re.compile(r"\d{6}\*{3,9}\d{4}|卡的?有效|卡到期")
_OF_A_PAPER = re.compile(r"(?:执照|证件?|许可|合同|协议|码|券|套餐|流量卡?|活动|优惠|会员卡?|服务费?)[^\d]{0,6}\Z")


@dataclass(frozen=True, slots=True)
class _Code:
    """One kind of secret digits: its labels, the lengths that it may have, the usual one (0: filling words only, whatever the length)."""

    kind: Secret
    label: re.Pattern[str]
    sizes: frozenset[int]
    usual: int = 0


def _code(kind: Secret, label: str, sizes: range | set[int], usual: int = 0) -> _Code:
    return _Code(kind, re.compile(label, re.I), frozenset(sizes), usual)


_CODES = (
    _code(
        Secret.CVV,
        r"cv[vcn](?:2(?!\d))?|安全(?:代?码|数字?)|security\s?code|校验[值数]|3位(?:安全|校验)码"
        r"|(?:背面|背后|反面|[后背](?:面|头|边)|签名[栏条处区])[^\d。!?\n]{0,6}3(?:位|码|个)(?:数字?|码)?|(?:最后|[末后尾])的?3[位码](?:数字?|码)?"
        r"|卡片?的?(?:背面|背后|反面)的?(?:上|印|写)?的?(?:数字?|号码|码)|签名[栏条处区]的?(?:数字?|号码)",
        {3, 4},
        3,
    ),
    _code(Secret.OTP, r"付款码", range(4, 25)),
    _code(
        Secret.OTP,
        r"[验厌燕][证正真][码吗马玛嘛么]|短信验证|验证(?=[\s:是为])|短信码|动态(?:码|口令|密码|数字?)|校验码|认证码|确认码|登录码|随机码|1次性密?码|otp|yzm|verif\w{0,8}(?:\s?code)?|sms\s?code"
        r"|(?:短信|银行|手机|微信|[发寄]我|发来)[^\d\n。]{0,8}6位(?:数字?|码)"
        r"|(?:发|收到)(?:过?来|给我|我)?[了的]?(?:1?[个串条]|那[个串条])?(?:6位)?(?:数字?|码)",
        range(4, 9),
        6,
    ),
    _code(
        Secret.OTP,
        r"(?<![a-z])code|短信(?:内容|里|上|发的?|来)?|信息[里上]|(?:银行|系统)发[来的]|手机[上里]?(?:收到|来了?(?:1[个串条])?)|(?<![^\s,.那这个])码是|(?:刚来|[那这]个)的?6位|6位码",
        {6},
    ),
    _code(
        Secret.PIN,
        r"密\s?码(?:键盘上?(?=[按输敲打]))?(?!键盘|小键|[器锁])|密[马吗玛嘛]|[蜜秘泌]码|mi\s?ma|口令|取款码|支付码|pass(?:word|code|wd)|pwd|(?<![a-z])pin码?(?!pad)",
        range(4, 9),
        6,
    ),
)


def find(plain: str) -> Iterator[Hit]:
    """Secrets by their labels, in simplified text with ASCII digits."""
    if not _DIGITS.search(plain):
        return
    for code in _CODES:
        labels = list(code.label.finditer(plain))
        ends = [*(following.start() for following in labels[1:]), len(plain)]
        for label, end in zip(labels, ends, strict=False):
            if code.kind is not Secret.CVV or not _OF_ANOTHER.search(plain, max(0, label.start() - 8), label.start()):
                yield from _behind_label(plain, code, label, end)
                yield from _before_label(plain, code, label)
    yield from _expiries(plain)
    yield from (_hit(number, 0, Secret.OTP) for number in told.find(plain) if not _COUNTED.match(plain, number.end()))


def beside(plain: str, end: int) -> Iterator[Hit]:
    """Expiry date and CVV right behind a card number that ends at `end`."""
    if found := _BESIDE.match(plain, end):
        yield from _parts(found)


def _behind_label(plain: str, code: _Code, label: re.Match[str], end: int) -> Iterator[Hit]:
    """密码是我的生日 890601, or several after one another: 密码不是123456是654321. 输完密码 2300 is an amount: only the usual length counts there.

    At `end` the next label of the same kind begins: what stands behind it is its own.
    """
    position = label.end()
    done = _ENTERED.search(plain, max(0, label.start() - 4), label.start()) is not None
    for number in _NUMBER.finditer(plain, position, position + 2 * _REACH):
        between = plain[position : number.start()]
        if number.start() >= end or len(between) > _REACH:
            return
        if _OTHER.search(between) and not told.ends_in_telling(between):
            return
        size = sum(map(str.isdigit, number[0]))
        fits = not {"个", "到"}.isdisjoint(number[0]) or size in code.sizes
        at_once = size == code.usual or (not done and _FILLING.fullmatch(between)) or told.ends_in_telling(between)
        if fits and at_once and not _COUNTED.match(plain, number.end()):
            yield _hit(number, 0, code.kind)
            position, done = number.end(), True


def _before_label(plain: str, code: _Code, label: re.Match[str]) -> Iterator[Hit]:
    """284615是我的密码, 482913（验证码）; without such a link only digits of the usual length that are nothing else: not 刷了5000密码对的."""
    found = _LINK.search(plain, max(0, label.start() - _REACH), label.start())
    if not found or _NOT_THIS_ONE.match(plain, label.end()):
        return
    size = 6 if "个" in found["number"] else sum(map(str.isdigit, found["number"]))
    named = _NAMED_BEFORE.search(plain, max(0, found.start() - 8), found.start())
    if size in code.sizes and (not _NO_LINK.fullmatch(found["link"]) or (size == code.usual and not named)):
        yield _hit(found, "number", code.kind)


def _expiries(plain: str) -> Iterator[Hit]:
    patterns = (_LABELLED_EXPIRY, _CARD_EXPIRY) if _OF_A_CARD.search(plain) else (_LABELLED_EXPIRY,)
    for pattern in patterns:
        for found in pattern.finditer(plain):
            if not _OF_A_PAPER.search(plain, max(0, found.start() - 10), found.start()):
                yield from _parts(found)
    for found in _EXPIRY_BEHIND.finditer(plain):
        if found["behind"] or _CARD_BEFORE.search(plain, max(0, found.start() - 10), found.start()):
            yield _hit(found, "expiry", Secret.EXPIRY)


def _parts(found: re.Match[str]) -> Iterator[Hit]:
    for name, kind in (("expiry", Secret.EXPIRY), ("code", Secret.CVV)):
        if found[name]:
            yield _hit(found, name, kind)


def _hit(found: re.Match[str], group: str | int, kind: Secret) -> Hit:
    return Hit(start=found.start(group), end=found.end(group), mask=BLANK, secrets=(kind,))
