"""One form for everything that looks the same, and no character that can hurt."""

from __future__ import annotations

from importlib.resources import files

import pytest

from bot.understanding.clean import MAX_MATCH, MAX_TEXT, clean, fold, simplify
from bot.understanding.tables import simplified_by_traditional
from bot.understanding.tables.build import build


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  刷卡   失败  ", "刷卡 失败"),
        ("ＰＯＳ机　５１", "POS机 51"),
        ("签\x00到\u200b失\ufeff败", "签到失败"),
        ("一\r\n\r\n\n二", "一\n二"),
        ("\u202e反过来", "反过来"),
        ("①②", "12"),
        ("٦६6", "666"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_lone_surrogates_are_dropped() -> None:
    assert clean("坏\ud800了") == "坏了"


def test_a_megabyte_is_cut() -> None:
    assert len(clean("字" * 1_000_000)) == MAX_TEXT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("刷卡機簽到失敗", "刷卡机签到失败"),
        ("對帳", "对账"),
        ("網路連不上", "网络连不上"),
        ("簡訊", "短信"),
        ("印表機", "打印机"),
        ("通訊失敗", "通讯失败"),
        ("螢幕", "屏幕"),
    ],
)
def test_simplify(text: str, expected: str) -> None:
    assert simplify(text) == expected


def test_simplifying_keeps_positions() -> None:
    assert all(len(new) == 1 for new in simplified_by_traditional().values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("POS机, 坏了！！", "pos机 坏了"), ("啊啊啊啊啊啊急", "啊啊啊急"), ("…。？", ""), ("刷_卡", "刷 卡"), ("😡😡坏了", "坏了")],
)
def test_fold(text: str, expected: str) -> None:
    assert fold(text) == expected


def test_matching_is_capped() -> None:
    assert len(fold("字的" * 4000)) == MAX_MATCH


def test_shipped_tables_are_what_their_generator_makes() -> None:
    for name, made in build().items():
        assert files("bot.understanding.tables").joinpath(name).read_text("utf-8") == made, f"run python -m bot.understanding.tables.build ({name})"
