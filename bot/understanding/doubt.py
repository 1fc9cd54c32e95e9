"""Which answers a merchant states, and which are only named: 扣没扣, 没扣吧 and 冲正了吗 say nothing of the money.

An answer that settles the money may permit to charge again, so it counts only in a plain statement: a clause that holds nothing but who says it, what was
looked at and the answer itself (客人看过账单 没扣款). Whatever else stands there, a condition, a guess, a wish, another object, makes it no answer: language
has more ways of doubting than a list can hold, and a question more is cheap. Other answers count unless they are denied, those about money unless doubted.
"""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"[^,\u3001\u3002.!;\n?]+\??")
"""A clause with its question mark. Blanks do not end one: in 不知道 没扣 还是 扣了 they join what belongs together."""
_DOUBTFUL = re.compile(
    r"([\u4e00-\u9fff])了?[没不冇唔]\1"  # 扣没扣
    r"|\?|吗|吧|[^什怎这那]么$|[没不](?:有)?$|呢$|是否|是不是|有没有|会不会|有无"
    r"|不知|不晓得|晓不得|唔知|弗晓得|不清楚|不确定|不敢|不太?懂|没把握|拿不准|说不[清好准]|看不[出懂清]|[搞弄闹]不[清懂明]|不明白|没看清|没问|哪[晓知]"
    r"|怀疑|可能|大概|好像|应该|估计|也许|似乎|貌似|感觉|以为|[怕恐]|担心|万一|如果|要是|假如|就算|那就是"
    r"|[扣成退收到正功败].{0,3}还是.{0,3}[没扣成退收到失未]"
    r"|到底|究竟|什么时候|啥时候|几时|何时|多久|多长时间|多会儿|几天|[怎咋]么?(?:知道|晓得|确认|判断|看|查)|自动"
)
_DENIED = re.compile(r"(?:没有?|不是|不算|未|并非|无|冇|唔系?|别|不(?!对)|等|没[看收]到|没见)\s*.{0,2}$")
"""What stands before a phrase that is denied, or waited for: 没有显示成功, 等冲正成功."""
_DENIED_AT_ONCE = re.compile(r"(?:没有?|不是|并非|冇|唔系?|不算|别|不要|不能|不可以|不|未|[不没]敢)$")

_WHO = r"(?:顾客|客人|客户|持卡人|人家|个客|佢|[他她](?:们|家)?|对方|老板|这位|那位)(?:自己)?(?:那边|那头|那里|那儿|这边)?的?"
_WHERE = r"(?:银行卡?|卡里|卡上|卡|手机|app|账单|明细|余额|账户)(?:里|上|那边)?的?"
_SAYS = r"(?:也|都)?(?:看过|查过|告诉我|给我看|说|讲|话|看|查|翻|确认)(?:一下|了|过|是)?"
_SALE = r"(?:这笔|那笔|这单|那单|钱|款)"
_SURE = r"(?:确实|真的?|肯定|明确|一分钱?|一毛钱?|现在|刚才|刚刚|但是?|可是?|不过|已经|都|也|是|并|倒|还|就|我|了)"
_MACHINE = r"(?:收款机|刷卡机|机器|机子|pos机?|商户|后台|流水|小票|单子|记录|查询|补打|重打|显示|出来|我这边?|这边|状态|交易|结果|查|打|写|上|里|面|的|着)"
_AGENT = r"(?:收单机构?|支付公司|客服|机构|电话|打了?|问了?|说|讲|下来|那边|回复|告诉我)"
_MOVING = re.compile("[扣退冲收]|成功")
_CUSTOMER_SIDE = re.compile(rf"(?:{_WHO}|{_WHERE}|{_SAYS}|{_SALE}|{_SURE})*+")
_OWN_SIDE = re.compile(rf"(?:{_MACHINE}|{_AGENT}|{_SALE}|{_SURE})*+")
_END = re.compile(r"[的了啊呀哦咧哈噢嘞钱款咯喽滴到]*")
_CONNECTED = re.compile(r"(?:失败|被拒|超时|拒绝|报错|报[0-9a-z]{2}|不成功)(?:了|的)?[, ]{0,2}(?:但是?|可是?|不过)")
_STORY = re.compile(r"^.*(?:失败|被拒|超时|拒绝|报错|报[0-9a-z]{2}|不成功)(?:了|的)?(?:但是?|可是?|不过)?")
"""What may come before in the same clause: 刷卡失败 钱没扣."""
_WHAT_NOW = re.compile(r"(?:怎么办|咋办|咋整|咋个办|怎么弄|咋弄|点算|怎么处理|(?:能不能|可不可以|能|可以)换.*)$")
"""What may come after it: it asks for the next step, not whether that is so."""


_RESERVED = re.compile(r"但|可是|不过|就是|还(?!好|行|可以)|又|没(?!问题|事)|不(?!错|用|客气)|失败|超时|错|断|白|扣|空的|自己关|别问|叫人")
_OPEN = re.compile(r"扣[没不]扣?|([成收付到])[没不]\1|(?:不知道?|不晓得|晓不得|不清楚|没弄清楚?|不确定|唔知)(?:.{0,4})(?:扣|成|收到|付)[没了不成]?")
_TURNED = re.compile(r"但|可是|不过|却|别人|上一笔|前一笔|上一单|前面那|另一笔|是上午|是昨天|我不信|骗")
"""What turns a plain statement round elsewhere in the message: 流水是成功 可是时间是上午的."""


def is_plain(text: str, said: str, *, of_customer: bool) -> bool:
    """Whether the phrase `said` (without blanks) is plainly stated in `text` (simplified, lower case).

    `of_customer`: it is about what the customer sees; otherwise about the merchant's machine, back office or acquirer, of which a customer knows nothing.
    """
    side = _CUSTOMER_SIDE if of_customer else _OWN_SIDE
    return not _TURNED.search(_CONNECTED.sub("", text)) and any(
        _is_shaped(part, said, side) for clause in _CLAUSE.findall(text) if said in _dense(clause) for part in _parts(clause)
    )


def _parts(clause: str) -> list[str]:
    """The clause, and its parts between blanks when only one of them is about the money; without the question what to do now; nothing when it doubts."""
    said = _WHAT_NOW.sub("", clause.strip())
    if _DOUBTFUL.search(_dense(said)):
        return []
    parts = said.split()
    moving = [part for part in parts if _MOVING.search(part)]
    return [_dense(said), *(parts if len(moving) == 1 else [])]


def _is_shaped(part: str, said: str, side: re.Pattern[str]) -> bool:
    """Whether the part is the phrase with nothing around it that could change what it says."""
    before, found, after = part.partition(said)
    return bool(found) and bool(side.fullmatch(_STORY.sub("", before))) and bool(_END.fullmatch(after))


def is_stated(text: str, said: str) -> bool:
    """Whether the phrase is stated somewhere in `text`, rather than asked, guessed or denied."""
    return any(not _DOUBTFUL.search(_told(clause, said)) and not _DENIED.search(clause.partition(said)[0]) for clause in _clauses(text, said))


def is_denied(text: str, said: str) -> bool:
    """Whether each mention of the phrase stands right behind a negation: 不是消费."""
    return all(_DENIED_AT_ONCE.search(clause.partition(said)[0]) for clause in _clauses(text, said))


def is_reserved(text: str) -> bool:
    """Whether good news is taken back in the same breath: 好了 但刷不了, 打出来了 还是白的."""
    return bool(_RESERVED.search(_dense(text)))


def leaves_money_open(text: str) -> bool:
    """Whether it says that nobody knows whether a sale went through: 扣没扣, 不知道成没成."""
    return bool(_OPEN.search(_dense(text)))


def asks(text: str) -> bool:
    """Whether `text` (simplified, lower case) asks, guesses or doubts anywhere."""
    return any(_DOUBTFUL.search(_dense(clause)) for clause in _CLAUSE.findall(text))


def _clauses(text: str, said: str) -> list[str]:
    """The clauses that hold the phrase; the whole text when it spans several."""
    return [clause for clause in map(_dense, _CLAUSE.findall(text)) if said in clause] or [_dense(text)]


def _told(clause: str, said: str) -> str:
    """The clause as doubt is looked for in it: a phrase that ends in 没有 itself (后台没有) makes no question of it."""
    return f"{clause}." if clause.endswith(said) and said.endswith(("没", "没有")) else clause


def _dense(clause: str) -> str:
    return "".join(clause.split())
