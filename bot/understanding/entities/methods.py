"""How the customer paid and what kind of transaction it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scan import Scan

_TYPES = (
    ("预授权完成", re.compile(r"预授权完成|授权完成")),
    ("预授权撤销", re.compile(r"预授权撤销|撤销预授权|取消预授权|撤预授权")),
    ("预授权", re.compile(r"预授权|预授")),
    ("退货", re.compile(r"退货|退款")),
    ("撤销", re.compile(r"撤销|消费撤销|撤单")),
    ("余额查询", re.compile(r"余额查询|查余额")),
    ("扫码", re.compile(r"扫码|扫的码|被扫|主扫")),
    ("消费", re.compile(r"消费(?!者)")),
)
_CHANNELS = (
    ("云闪付", re.compile(r"云闪付|银联(?:二维码|扫码)|闪付(?=碰|扫)")),
    ("微信", re.compile(r"微信|(?<![a-z])(?:wx|vx|wechat)(?![a-z])|威信", re.I)),
    ("支付宝", re.compile(r"支付宝|zfb|alipay|花呗|之付宝|支付报", re.I)),
    ("数字人民币", re.compile(r"数字人民币|数币|e-?cny", re.I)),
    (
        "银行卡",
        re.compile(r"信用卡|储蓄卡|借记卡|银行卡|贷记卡|插卡|刷卡(?!机)|刷的卡|挥卡|插的|刷的是卡|[工农中建交招民浦邮]行的?卡|拍卡|磁条|芯片卡|外卡|银联卡"),
    ),
)


def read(scan: Scan) -> None:
    """The transaction type and the channel that the text names first in order of precision; words are not consumed, others read them too."""
    for slot, table in (("txn_type", _TYPES), ("channel", _CHANNELS)):
        for value, pattern in table:
            found = pattern.search(scan.text)
            if found:
                scan.mention(slot, value, found.span())
