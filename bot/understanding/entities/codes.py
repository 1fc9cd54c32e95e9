"""Response codes (field 39 of a card message): two digits, or a letter and a digit, where the text says that a machine showed them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..numerals import SPOKEN_DIGITS, quantity

if TYPE_CHECKING:
    from .scan import Scan

_CODE = r"(?:\d\d|\d[A-Za-z]|[A-Za-z]\d)"
_SPOKEN = r"[零〇一二两三四五六七八九幺洞]{2}"
_NOT_A_CODE = (
    r"(?![0-9A-Za-z])(?![.,:/+]\d)(?!\s*(?:元|块|圆|蚊|毛|万|千|百|十|多|点(?!开|击)|号|日|月|年|岁|笔|次|遍|回|个|张|天|"
    r"分|秒|折|台|楼|桌|房|栋|级|度|兆|%|％|g\b|码头))"
)
_SHOWN = (
    r"(?:返回码|应答码|响应码|错误(?:代?码|号)?|代码|号码是|code|error|err|报错|报(?:了|的|个|着)?|弹(?:了|出来?)?|提示|显示|出现|跳出?(?:来)?|蹦出?(?:来)?|出来|"
    r"打出来?|印着|印的|写着|写的|屏幕上?(?:是|有)?|说是?|回的?|出)"
)
_AFTER_WORD = re.compile(rf"{_SHOWN}(?:了|个|一个|的|是|码|代码|数字|交易失败|失败|错误|错|:|,|\s|\"|“|'|「|【|\[|\(){{0,4}}({_CODE}){_NOT_A_CODE}", re.I)
_TENS = r"[二三四五六七八九]?十[一二三四五六七八九]|[二三四五六七八九]十"
_AFTER_REASON = re.compile(rf"(?:失败|不足|错误|有误|超限|无效|受限|过期|异常|拒绝|不符)[\s,:(\[]{{0,2}}({_CODE}){_NOT_A_CODE}", re.I)
"""余额不足 51: the reason that stands beside the code."""
_SPOKEN_AFTER = re.compile(
    rf"(?:报错?|返回码|应答码|错误码|代码|提示|显示|蹦出?来?|跳出?来?|弹出?来?)(?:了|个|是|:|\s){{0,2}}({_SPOKEN}|{_TENS})(?![零〇一二三四五六七八九十百千万几多来]){_NOT_A_CODE}"
)
"""报九六, 蹦五十一."""
_ASKED = re.compile(
    rf"(?<![0-9A-Za-z.:/*+])({_CODE})[\s\"”’'」』】)]{{0,2}}(?:这个|这|那个)?(?:错误|报错|代码|返回码|应答码|号?错|又?是(?:什么|啥|几个|咩|么子|什麼)|啥意思|什么意思|咩意思|什么鬼|怎么回事|咋回事|咋整|怎么办|怎么弄|怎么处理|怎么解决)",
    re.I,
)
_ALONE = re.compile(rf"^[^\w¥￥$]*({_CODE})(?:\W*$|[\s,，。?？!！]+(?![\s\d])(?=\D)(?!元|块|号|点|个|笔|台|楼))", re.I)
_DIGIT = re.compile(r"\d")
_NEVER = {
    "2G",
    "3G",
    "4G",
    "5G",
    "6G",
    "T0",
    "T1",
    "D0",
    "D1",
    "P2",
    "B2",
    "C2",
    "V1",
    "V2",
    "V3",
    "K9",
    "4S",
    "3D",
    "2D",
    "1W",
    "2W",
    "3W",
    "4W",
    "5W",
    "6W",
    "7W",
    "8W",
    "9W",
    "1K",
}
_NEVER |= {f"{digit}K" for digit in range(2, 10)} | {f"{digit}M" for digit in range(10)}


def read(scan: Scan) -> None:
    """The first response code that the text tells to be one."""
    for pattern in (_AFTER_WORD, _ASKED, _AFTER_REASON, _SPOKEN_AFTER, _ALONE) if _DIGIT.search(scan.text) else (_SPOKEN_AFTER,):
        for found in scan.free(pattern):
            code = canonical(found[1])
            if code not in _NEVER and not scan.has("resp_code"):
                scan.add("resp_code", code, found.span(1))


def canonical(said: str) -> str:
    """Upper case, ASCII digits; 五十一 is 51."""
    return f"{quantity(said):02.0f}" if "十" in said else said.translate(SPOKEN_DIGITS).upper()
