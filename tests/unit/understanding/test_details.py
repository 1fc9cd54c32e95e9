"""Every line of `tests/cases/details.yaml` is a test."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import yaml

from bot.domain.knowledge import Mask, Slot
from bot.understanding.clean import clean, simplify
from bot.understanding.entities.read import read
from bot.understanding.redact import redact

TABLE = Path(__file__).parents[2] / "cases" / "details.yaml"
MONDAY = "2026-11-23T10:00"
NOTHING = "没有"
KIND_SLOT = {"moment": "txn_time"}
SLOT_KIND = {"txn_time": "moment", "deadline": "date", "settle_date": "date"}
SLIPS = {
    "plain": """商户名称:老王面馆
商户编号:898440353110001
终端编号:10023456
批次号:000127
凭证号:001002
参考号:112015300456
金额:1,280.00
日期时间:2026/11/22 15:20:31
交易类型:消费""",
    "full-width": """商户名称：老王面馆
商户编号：８９８４４０３５３１１０００１
终端编号：１００２３４５６
操作员号：００１
交易类型：消费
有效期：１２／２８
批次号：０００１２７
凭证号：００１００２
参考号：１１２０１５３００４５６
日期／时间：２０２６－１１－２２　１５：２０：３１
金额：ＲＭＢ　１，２８０．００""",
    "two languages": """商户名称(MERCHANT NAME)：老王面馆
商户编号(MERCHANT NO.)：898440353110001
终端编号(TERMINAL NO.)：10023456
操作员号(OPERATOR NO.)：01
交易类型(TXN TYPE)：消费(SALE)
批次号(BATCH NO.)：000127
凭证号(VOUCHER NO.)：001002
参考号(REFER NO.)：112015300456
日期/时间(DATE/TIME)：2026/11/22 15:20:31
金额(AMOUNT)：RMB 1280.00""",
    "one line": "商户编号 898440353110001 终端编号 10023456 批次号 000127 凭证号 001002 参考号 112015300456 "
    "金额 1,280.00 日期时间 2026-11-22 15:20:31 交易类型 消费",
}
ON_THE_SLIP = {
    "merchant_no": "898440353110001",
    "terminal_no": "10023456",
    "batch_no": "000127",
    "trace_no": "001002",
    "ref_no": "112015300456",
    "amount": "1280.00",
    "txn_time": "2026-11-22T15:20",
    "txn_type": "消费",
}


def _lines() -> list[tuple[str, str, str]]:
    sections: dict[str, dict[str, str]] = yaml.load(TABLE.read_text("utf-8"), yaml.BaseLoader)
    return [(section, text, value) for section, lines in sections.items() for text, value in lines.items()]


def test_the_table_is_large_enough() -> None:
    assert len(_lines()) >= 300


@pytest.mark.parametrize(("section", "text", "expected"), _lines())
def test_detail(section: str, text: str, expected: str) -> None:
    kind, _, clock = section.partition(" at ")
    asked = kind.removeprefix("answer to ")
    slot = KIND_SLOT.get(asked, asked)
    expecting = None
    if asked != kind:
        expecting = Slot(id=slot, label="", prompt="", kind=SLOT_KIND.get(slot, slot), where="", mask=Mask.NONE, options=())
    scan = read(simplify(redact(clean(text)).text), datetime.fromisoformat(clock or MONDAY), expecting)
    found = {entity.slot: entity.value for entity in scan.entities}
    assert found.get(slot, NOTHING) == expected


@pytest.mark.parametrize("slip", SLIPS)
def test_a_pasted_slip_gives_all_that_is_on_it_and_nothing_else(slip: str) -> None:
    scan = read(simplify(redact(clean(SLIPS[slip])).text), datetime.fromisoformat("2026-11-24T15:00"))
    assert {entity.slot: entity.value for entity in scan.entities} == ON_THE_SLIP
    assert scan.ambiguous == []
