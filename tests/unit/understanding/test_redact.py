"""No card number, CVV, PIN or one-time code gets past `redact`; numbers that staff need do."""

from __future__ import annotations

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


@pytest.mark.parametrize("text", ["1" * 4096, "62" * 2048, "6 2-" * 1024, "密码" * 2048, "密码1" * 1365, "9" * 18 + "x" + "6222021234567894" * 200])
def test_hostile_text_is_read(text: str) -> None:
    assert len(redact(clean(text)).text) <= 2 * 4096
