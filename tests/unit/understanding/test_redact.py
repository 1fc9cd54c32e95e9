"""No card number, CVV, PIN or one-time code gets past `redact`; numbers that staff need do."""

from __future__ import annotations

from functools import partial
from timeit import timeit

import pytest

from bot.domain.understanding import Secret
from bot.understanding.clean import clean
from bot.understanding.redact import redact

CARD = "6222021234567894"
REMOVED: list[tuple[str, str, Secret]] = [
    ("卡号6222021234567894", "1234567", Secret.PAN),
    ("6222 0212 3456 7894 刷不了", "0212 3456", Secret.PAN),
    ("6222-0212-3456-7894", "0212-3456", Secret.PAN),
    ("6222\n0212\n3456\n7894", "0212", Secret.PAN),
    ("６２２２０２１２３４５６７８９４", "123456789", Secret.PAN),
    ("六二二二零二一二三四五六七八九四", "一二三四五六七八九", Secret.PAN),
    ("六二二二 0212 三四五六 7894", "0212 三四五六", Secret.PAN),
    ("6222·0212·3456·7894", "0212", Secret.PAN),
    ("4111111111111111被拒", "11111111111", Secret.PAN),
    ("5500 0000 0000 0004", "0000 0000", Secret.PAN),
    ("卡号是6217001234567890123", "12345678901", Secret.PAN),
    ("6222021234567894 1280元", "12345678", Secret.PAN),
    ("我的卡6222021234567894和6217000010001234566都不行", "1000123", Secret.PAN),
    ("磁道6222021234567894=25121010000012300000", "2512101", Secret.PAN),
    ("安全码 123", "123", Secret.CVV),
    ("CVV2是456", "456", Secret.CVV),
    ("背面三位 789", "789", Secret.CVV),
    ("后面三位数是321", "321", Secret.CVV),
    ("密码284615", "284615", Secret.PIN),
    ("密碼是284615", "284615", Secret.PIN),
    ("密码：2 8 4 6 1 5", "2 8 4 6 1 5", Secret.PIN),
    ("密码二八四六一五", "二八四六一五", Secret.PIN),
    ("284615是我的密码", "284615", Secret.PIN),
    ("取款密码就是六个八888888", "888888", Secret.PIN),
    ("支付密码 123456 输了三遍", "123456", Secret.PIN),
    ("验证码 889900", "889900", Secret.OTP),
    ("驗證碼889900", "889900", Secret.OTP),
    ("短信码是4821", "4821", Secret.OTP),
    ("889900这个验证码对不对", "889900", Secret.OTP),
    ("动态码：556677", "556677", Secret.OTP),
    ("付款码 134512345678901234", "134512345678901234", Secret.OTP),
    # however the digits are broken up
    ("6 2 2 2 0 2 1 2 3 4 5 6 7 8 9 4", "3 4 5 6 7", Secret.PAN),
    ("六 二 二 二 零 二 一 二 三 四 五 六 七 八 九 四", "三 四 五 六 七", Secret.PAN),
    *(
        (separator.join(("6222", "0212", "3456", "7894")), "3456", Secret.PAN)
        for separator in (".", "，", "、", "/", "~", "+", "|", "*", "**", ":", "……", ")(", " . ")
    ),
    ("卡号6222，0212，3456，7894", "3456", Secret.PAN),
    ("卡号：6222.0212.3456.7890 报51", "3456", Secret.PAN),
    ("前面6222021234 后面567890128", "567890128", Secret.PAN),
    ("62220212然后34567890128", "34567890128", Secret.PAN),
    ("٦٢٢٢٠٢١٢٣٤٥٦٧٨٩٤", "٢٣٤٥٦٧", Secret.PAN),
    ("6️⃣2️⃣2️⃣2️⃣0️⃣2️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣9️⃣4️⃣", "3️⃣4️⃣5️⃣6️⃣", Secret.PAN),
    ("card6222021234567894", "123456", Secret.PAN),
    ("Visa4392123456789017", "123456", Secret.PAN),
    ("ICBC6222021234567894", "123456", Secret.PAN),
    ("NO6222021234567894", "123456", Secret.PAN),
    ("X6222021234567894", "123456", Secret.PAN),
    ("终端371449635398431", "9635", Secret.PAN),
    ("终端 62001122 卡 6222021234567894", "123456", Secret.PAN),
    ("订单号 6222021234567890128", "123456", Secret.PAN),
    # with what else is on the card
    ("62220212345678940928", "0928", Secret.EXPIRY),
    ("622202123456789409/28", "09/28", Secret.EXPIRY),
    ("6222021234567894 0928", "0928", Secret.EXPIRY),
    ("6222021234567894，09/28，123", "123", Secret.CVV),
    ("6222021234567894 123", " 123", Secret.CVV),
    ("6222021234567894123", "4123", Secret.CVV),
    ("6222021234567894有效期0928", "0928", Secret.EXPIRY),
    ("有效期0928", "0928", Secret.EXPIRY),
    ("有效期 12/28", "12/28", Secret.EXPIRY),
    ("卡的有效期是28年9月", "28年9月", Secret.EXPIRY),
    ("B6222021234567894^ZHANG/SAN^25121010000012300000", "2512101", Secret.PAN),
    ("后三位123", "123", Secret.CVV),
    ("后三码 123", "123", Secret.CVV),
    ("末三码456", "456", Secret.CVV),
    ("背面签名栏末三位 456", "456", Secret.CVV),
    ("卡背面数字 123", "123", Secret.CVV),
    ("安全代码 123", "123", Secret.CVV),
    ("校验值 123", "123", Secret.CVV),
    # however the code is spoken of
    ("密码我试了123456不对", "123456", Secret.PIN),
    ("密码就是他生日 890601", "890601", Secret.PIN),
    ("密 码 123456", "123456", Secret.PIN),
    ("密码不是123456", "123456", Secret.PIN),
    ("密码123456不行 又试了654321", "654321", Secret.PIN),
    ("密码 12 34 56", "12 34 56", Secret.PIN),
    ("密马123456", "123456", Secret.PIN),
    ("蜜码 123456", "123456", Secret.PIN),
    ("mima 123456", "123456", Secret.PIN),
    ("取款码123456", "123456", Secret.PIN),
    ("密码键盘上按123456没反应", "123456", Secret.PIN),
    ("482913（验证码）", "482913", Secret.OTP),
    ("短信验证：482913", "482913", Secret.OTP),
    ("短信里的六位数是482913", "482913", Secret.OTP),
    ("银行发我的六位数是482913", "482913", Secret.OTP),
    ("验证吗 482913", "482913", Secret.OTP),
    ("yzm 482913", "482913", Secret.OTP),
    ("code 482913", "482913", Secret.OTP),
    ("verification code: 482913", "482913", Secret.OTP),
    # told to somebody, by its name or without
    ("验证码我也报给他了 829113", "829113", Secret.OTP),
    ("密码报给店员了 135790", "135790", Secret.PIN),
    ("密码报给对方 135790 了", "135790", Secret.PIN),
    ("密码告诉收银员了 135790", "135790", Secret.PIN),
    ("密码客人自己报的 135790", "135790", Secret.PIN),
    ("验证码跟客服说了 829113", "829113", Secret.OTP),
    ("验证码报了 829113", "829113", Secret.OTP),
    ("验证码 他收到后让我付款 我报了 829113", "829113", Secret.OTP),
    ("cvv我也报给他了 123", "123", Secret.CVV),
    ("有效期也报给他了 08/29", "08/29", Secret.EXPIRY),
    ("付款码念给客人 134512345678901234", "134512345678901234", Secret.OTP),
    ("他让我念 829113", "829113", Secret.OTP),
    ("他让我念 829100", "829100", Secret.OTP),
    ("他让我念\n829113", "829113", Secret.OTP),
    ("他让我念八二九 一一三", "八二九 一一三", Secret.OTP),
    ("对方叫我报 8 2 9 1 1 3", "8 2 9 1 1 3", Secret.OTP),
    ("佢叫我讲畀佢听 829113", "829113", Secret.OTP),
    ("俺给他念了 829113", "829113", Secret.OTP),
    ("对方让我按 829113 井号", "829113", Secret.OTP),
    ("人家要我报 829113 我就报了", "829113", Secret.OTP),
    ("他电话里问 我就念了 829113", "829113", Secret.OTP),
    ("报过去了 829113", "829113", Secret.OTP),
    ("告诉对方829113", "829113", Secret.OTP),
    ("报给那个自称银行的人 829113", "829113", Secret.OTP),
    ("给了他 829113", "829113", Secret.OTP),
    ("我把829113告诉他了", "829113", Secret.OTP),
    ("发了829113给客服", "829113", Secret.OTP),
    ("829113我报给他了", "829113", Secret.OTP),
    ("829113 他让我报的", "829113", Secret.OTP),
    ("829113是他发来的", "829113", Secret.OTP),
    ("流水000123 他让我念 829113", "829113", Secret.OTP),
    # called a code in other words
    ("他发来的码是834521", "834521", Secret.OTP),
    ("收到的数字是 834521", "834521", Secret.OTP),
    ("短信上那个六位数我给他了 392817", "392817", Secret.OTP),
    ("短信来了个829113", "829113", Secret.OTP),
    ("银行发的 829113", "829113", Secret.OTP),
    ("信息里的数字 829113", "829113", Secret.OTP),
    ("那个码是829113", "829113", Secret.OTP),
    ("那个六位的829113", "829113", Secret.OTP),
    ("验真码829113", "829113", Secret.OTP),
    ("厌证码 829113", "829113", Secret.OTP),
    ("一次性密码 829113", "829113", Secret.OTP),
    ("动态数字 829113", "829113", Secret.OTP),
    ("登录码829113", "829113", Secret.OTP),
    ("829113为您本次交易的验证码", "829113", Secret.OTP),
    ("829113\n这是验证码", "829113", Secret.OTP),
    ("验证码“829113”", "829113", Secret.OTP),
    ("the code is 829113", "829113", Secret.OTP),
    ("My PIN is 1357", "1357", Secret.PIN),
    ("密码六个八", "六个八", Secret.PIN),
    ("六个八是密码", "六个八", Secret.PIN),
    ("密码三个一三个二", "三个一三个二", Secret.PIN),
    ("密码一到六", "一到六", Secret.PIN),
    ("密码 8291 13", "13", Secret.PIN),
    ("密码就是手机号后六位 135790", "135790", Secret.PIN),
    ("泌码 135790", "135790", Secret.PIN),
    ("后面三位是 123", "123", Secret.CVV),
    ("卡后头三位 123", "123", Secret.CVV),
    ("有效期 08/29", "08/29", Secret.EXPIRY),
    ("有效期是 8/29", "8/29", Secret.EXPIRY),
    ("卡过期日 0829", "0829", Secret.EXPIRY),
    ("0829到期的卡", "0829", Secret.EXPIRY),
    ("卡29年8月到期", "29年8月", Secret.EXPIRY),
    ("卡上写着 08/29 有效期", "08/29", Secret.EXPIRY),
    # identity numbers, with a wrong check digit as well
    ("身份证110101199003071234", "199003", Secret.ID),
    ("11010119900307123X", "199003", Secret.ID),
    ("110101 19900307 1234", "19900307", Secret.ID),
    ("一一零一零一一九九零零三零七一二三四", "一九九零", Secret.ID),
    ("身份证号：620102199003071234", "199003", Secret.ID),
]
KEPT = [
    "商户号898440353110001",
    "商户编号 102290058120011 被停了",
    "订单号4200001234202611201234567890",
    "单号 20261120220014123456789012",
    "终端号10023456",
    "参考号112015300456",
    "流水000123 批次000045",
    "SN: N3000012345678901",
    "ICCID 89860012345678901234",
    "金额1280.00 时间20261121 143055",
    "尾号8812",
    "电话13800138000",
    "密码键盘没反应",
    "密码错误55",
    "操作员01登录不了",
    "昨天3点20收了1280",
    "验证码收不到",
    "输密码的时候跳出来96",
    "输入密码后显示51",
    "终端12345678，密码键盘没反应",
    "刷了5000密码对的",
    "输完密码 2300 刷走了",
    "订单号 6217001234567890123",
    "6217001234567890123是订单号",
    "流水号4392123456789016",
    "SN: N6222021234567894",
    "流量卡卡号 89860062001234567890",
    "终端62001122，62001123",
    "终端 62001122 20261124 150000",
    "商户号301310058120022",
    "流水512345、512346、512347",
    "刷4,200.00 2026/11/22 20:17:05",
    "尾号5333 879202772723",
    "6237\n869682\n722472",
    "刷卡1280 2026 1124 1530",
    "622700******8812 128",
    "执照有效期到2026年3月5日",
    "证件有效期2026-03-05",
    "二维码有效期12/28",
    "密码错误\n173316",
    "流水000123密码错误",
    "密码错了，刷了500000",
    "密码输了3次锁了24小时",
    "验证码收不到 13800138000",
    "143055 验证码收不到",
    "订单号后三位123",
    # told as well, but no code
    "流水号我报给客服了 000123",
    "批次号告诉他了 000045",
    "客服让我报流水 000123",
    "客服让我报终端号 10023456",
    "流水 000123 报给客服了",
    "000123是流水号 我报给他了",
    "告诉客服 000123 这个流水",
    "参考号念给他了 112015300456",
    "商户号报给客服了 898440353110001",
    "授权码我报给他了 829113",
    "订单号发给客人了 4200001234202611201234567890",
    "工单号他发来 829113",
    "电话我给他了 13800138000",
    "尾号告诉他了 8812",
    "你们让我报的 000123",
    "报给你 000123",
    "金额我跟他说了 128880",
    "转给他 128880",
    "给了他 128000",
    "给他刷了 128880",
    "打给他 829113元",
    "让我退 829113",
    "说给他退 128880",
    "现金返给他 128880",
    "他说 128000",
    "给客服打电话 10010",
    "密码输了报超时 143055",
    "输密码后报 143055",
    "报05 密码错误",
    "昨天 143055 刷的",
    "收到 829113 元",
    "发来的截图 20261124 143055",
    "11/22到期",
    "11/22 到账",
    "执照0829到期",
    "流量卡有效期 08/29",
    "密码错了三次",
    "密码输错6次",
    "刷了三个1000",
]


@pytest.mark.parametrize(("text", "secret", "kind"), REMOVED)
def test_secret_is_removed(text: str, secret: str, kind: Secret) -> None:
    redacted = redact(clean(text))
    assert secret not in redacted.text
    assert kind in redacted.secrets


@pytest.mark.parametrize("text", KEPT)
def test_what_staff_need_survives(text: str) -> None:
    redacted = redact(clean(text))
    assert redacted.text == clean(text)
    assert redacted.secrets == ()


def test_first_six_and_last_four_digits_stay() -> None:
    assert redact(f"卡号{CARD}").text == "卡号622202******7894"
    assert redact("身份证11010119900307123X").text == "身份证110101********123X"


def test_the_numbers_beside_a_card_survive() -> None:
    assert redact(clean("卡号 6222 0212 3456 7890 1280元 11/22 20:17 终端10023456")).text == "卡号 622202******7890 1280元 11/22 20:17 终端10023456"


def test_redacting_twice_changes_nothing() -> None:
    for text, _, _ in REMOVED:
        once = redact(clean(text)).text
        assert redact(once).text == once


@pytest.mark.parametrize(
    "unit", ["1", "62", "6 2-", "6 2 ", "6222 ", "密码", "密码1", "密码123456", "有效期", "短信", "^", f"{CARD}^", "11010119900307", "1 1 0 1 0 1 1 9 9 0 "]
)
def test_hostile_text_is_read_in_linear_time(unit: str) -> None:
    """Four times the text may take at most about four times as long; a quadratic pattern would take sixteen times."""
    small, large = (min(timeit(partial(redact, unit * (size // len(unit))), number=1) for _ in range(3)) for size in (5_000, 20_000))
    assert large < 0.02 + 10 * small
    assert len(redact(clean(unit * (100_000 // len(unit)))).text) <= 2 * 4096
