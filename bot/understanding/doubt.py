"""Which answers a merchant states, and which are only named: 扣没扣, 没扣吧 and 冲正了吗 say nothing of the money.

An answer about money may permit to charge again, so it counts only where it is stated. In doubt it is not: a question more is cheap.
"""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"[^,\u3001\u3002.!;\n?]+\??")
"""A clause with its question mark. Blanks do not end one: in 不知道 没扣 还是 扣了 they join what belongs together."""
_DOUBTFUL = re.compile(
    r"([\u4e00-\u9fff])了?[没不冇唔]\1"  # 扣没扣
    r"|\?|吗|吧|[^什怎这那]么$|[没不](?:有)?$|呢$|是否|是不是|有没有|会不会|有无"
    r"|不知|不晓得|晓不得|唔知|弗晓得|不清楚|不确定|不敢|不太?懂|没把握|拿不准|说不[清好准]|看不[出懂清]|[搞弄闹]不[清懂明]|不明白|没看清|没问|哪[晓知]"
    r"|怀疑|可能|大概|好像|应该|估计|也许|似乎|貌似|感觉|以为|[怕恐]|担心|万一|如果|要是|假如|就算"
    r"|[扣成退收到正功败].{0,3}还是.{0,3}[没扣成退收到失未]"
    r"|到底|究竟|什么时候|啥时候|几时|何时|多久|多长时间|多会儿|几天|[怎咋]么?(?:知道|晓得|确认|判断|看|查)|自动"
)
_DENIED = re.compile(r"(?:没有?|不是|不算|未|并非|无|冇|唔系?|别|不|等|没[看收]到|没见)\s*.{0,2}$")
"""What stands before a phrase that is denied, or waited for: 没有显示成功, 等冲正成功."""
_MESSAGE = re.compile(r"(?:短信|提醒|通知|信息|消息)")
"""After 没扣款 or 没扣钱: it is the message that is missing."""


def is_stated(text: str, said: str) -> bool:
    """Whether the phrase `said` (without blanks) is stated somewhere in `text` (simplified, lower case), rather than asked, guessed or denied."""
    clauses = [clause for clause in map(_dense, _CLAUSE.findall(text)) if said in clause] or [_dense(text)]
    return any(_states(clause, said) for clause in clauses)


def _dense(clause: str) -> str:
    return "".join(clause.split())


def _states(clause: str, said: str) -> bool:
    before, _, after = clause.partition(said)
    if said.endswith(("扣款", "扣钱")) and _MESSAGE.match(after):
        return False
    return not _DOUBTFUL.search(clause) and not _DENIED.search(before)
