"""Finds codes that nobody calls a code: 他让我念 829113, 829113 我报给对方了. Who reads six digits out to somebody, or is made to, gives away a one-time code.

A number that is called something else is none (流水号我报给客服了 000123), nor is a round one behind an everyday verb (给了他 128000).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEFORE, _BEHIND = 28, 20
"""Characters before and behind the digits that are looked at."""
_SIX = re.compile(
    r"(?<![\d*A-Za-z])(?<!\d[.\-/:])(?:\d{6}|\d{3}[ \-,、]\d{3}|\d\d[ \-,、]\d\d[ \-,、]\d\d|\d(?:[ \-,、]\d){5})(?![\dA-Za-z*]|[.\-/:]\d|[ \-,、]\d)"
)
_VERB = re.compile(r"[念报按读诉讲说话背发传回给畀俾透泄]")
"""One of these is in every telling: a cheap test for the many messages without."""

_I = r"(?:我|俺|咱|阿拉)(?:们|家)?"
_WHOM = (
    r"(?:(?:1个|[那这]个?|假|自称[^\d\n,。]{1,6}的|电话里的?|银行的?|你们)?"
    r"(?:[他她它佢渠伊]|对[方面]|骗子|人家|别人|那[边头]|客服|[客顾][户人客]|经理|专员|店员|收银员?|员工|伙计|老[板公婆]|师傅|业务员?|银行|警[察官]|公安|民警|平台|机构"
    r"|售后|技术员?|推销的|中介|朋友|同事|儿子|女儿)(?:们|家|哋)?(?:那[边头])?(?:的人)?|(?:(?:[那这]个?)?(?:自称[^\d\n,。]{1,6}的)?|电话里的?|银行的?)(?<=[那这个的行里])人)"
)
_BACK = r"(?<![退打寄送还])回复?"
_TELL = rf"(?:念|读|背|报(?![错警修价])|讲|说|话|发(?![货票])|传|转发|转告|告诉|告知|透露|泄露|提供|{_BACK})"
_TELL_TO = rf"(?:{_TELL}[了过]?[给畀俾知]|告诉|告知|转告|[念读报发]|{_BACK})[了过]?{_WHOM}"
_GIVE_TO = rf"(?<![转打付退还汇借存补赔送刷交分返账货器])[给畀俾]了?{_WHOM}"
_MADE = rf"(?:让|叫|喊|要|催|逼|教|骗)(?:{_I}|[客顾][户人客]|店员|老[板公婆]|员工)"
_OUT = r"(?:出去|出来|过去|上去)"
_DONE = rf"(?:[给畀俾知了过咗完]|{_OUT}|1[遍下]){{0,3}}"
_SOFT = r"[^\d\n,。!?;]"

_SAID = re.compile(
    rf"""
      (?: (?<![你您])(?<!你们){_MADE}{_SOFT}{{0,6}}(?:{_TELL}|按){_DONE}{_WHOM}?            # 他让我念, 叫我发给他
        | {_TELL_TO} | {_GIVE_TO}                                                           # 报给店员, 告诉他, 给了他
        | [给跟向和同对畀]{_WHOM}{_SOFT}{{0,3}}{_TELL}{_DONE}                               # 跟他说了
        | (?<![让叫喊要]){_I}(?:[就也都还真刚全才已]|已经|刚才|自己){{0,3}}[念读背报讲](?![卡机取])  # 我就报了
        | (?<![不没别])[念背]{_DONE} | [念读背报讲说传]{_OUT} | [发透泄]露?(?:出去|过去)    # 念了, 报过去了
      )
      (?:[了过咗啦啊哦听知看的是去也]|[那这][个串]|数字?|码|6[位个]数?){{0,5}}[\s:,。“"'(]{{0,3}}\Z
    """,
    re.X,
)
_SAID_BEHIND = re.compile(
    rf"""
      [\s,。”"')]{{0,3}}(?:[是也都就全已才给把]|[那这][个串]|已经|刚才|数字|码|不小心|{_I}){{0,5}}
      (?: {_TELL_TO} | {_GIVE_TO}(?=[了过咗啦看听\s,。!?]|\Z)                              # 829113 告诉他了, 给了骗子
        | [念读背](?:[过完咗给]|了(?!个)) | 报(?:给|了(?!个))                                # 829113 我念了
        | [念读背报讲说传]{_OUT} | [发透泄]露?(?:出去|过去)
        | {_WHOM}{_SOFT}{{0,4}}{_MADE}{_SOFT}{{0,3}}(?:[念读报讲发给]|告诉|提供) | {_WHOM}发(?:过?来|给我)(?=[的\s,。!?]|\Z)  # 829113 是他让我报的
      )
    """,
    re.X,
)
_SURELY = re.compile(rf"[念读背报]|{_MADE}")
"""Such words are not said of money: there even a round number is a code."""
_NAMED = r"(?:流水|凭证|批次|参考|检索|授权|单号|[订工]单|编[号码]|终端[机编]{0,2}号|商户编?号|机号|序列|sn|金额|尾号|电话(?!里|来)|手机号|时间|日期)"
_NAMED_BEFORE = re.compile(rf"(?:{_NAMED}{_SOFT}{{0,7}}|[款钱价][我也都就已经]{{0,3}}|(?:现金|[钱款]退?)[打转]?)\Z", re.I)
"""What was told, before the words of telling: 流水号我报给客服了."""
_NAMED_AT_ONCE = re.compile(rf"(?:{_NAMED}|[刷付收扣转退打汇元款钱¥￥$])[^\d]{{0,4}}\Z", re.I)


def find(plain: str) -> Iterator[re.Match[str]]:
    """Six digits that were told to somebody, in simplified text with ASCII digits."""
    if _VERB.search(plain):
        yield from (six for six in _SIX.finditer(plain) if _is_told(plain, six))


def ends_in_telling(between: str) -> bool:
    """Whether what stands between a label and its digits ends in words of telling: (验证码)我也报给他了."""
    return _VERB.search(between) is not None and _SAID.search(between) is not None


def _is_told(plain: str, six: re.Match[str]) -> bool:
    before = plain[max(0, six.start() - _BEFORE) : six.start()]
    said = _SAID.search(before)
    if said and not _NAMED_BEFORE.search(before, 0, said.start()):
        return _is_code(six, said)
    behind = _SAID_BEHIND.match(plain, six.end(), six.end() + _BEHIND)
    return behind is not None and not _NAMED_AT_ONCE.search(before) and _is_code(six, behind)


def _is_code(six: re.Match[str], words: re.Match[str]) -> bool:
    """Whether the digits look like a code beside these words: round numbers are rather amounts."""
    return not six[0].endswith("00") or _SURELY.search(words[0]) is not None
