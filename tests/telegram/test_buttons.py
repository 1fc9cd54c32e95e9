"""Buttons, links and bubbles: what fits, what is ours, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram import bubbles
from bot.channels.telegram.keyboards import Keyboards, Tap
from bot.channels.telegram.links import GOOD_FOR, LinkError, Links

BUTTONS = Keyboards(b"token")
NOW = 1_760_000_000_000_000
LINKS = Links(b"secret", lambda: NOW)
CHOICES = ["human", "option:overdue=过了一个工作日以上", "topic:debited-unknown", "a" * 200, "", "a.b.c"]


@pytest.mark.parametrize("choice", CHOICES)
def test_a_button_fits_and_comes_back(choice: str) -> None:
    data = BUTTONS.data("5000000001", 10**9, choice)
    assert len(data.encode()) <= 64
    assert BUTTONS.read("5000000001", data) == Tap(line="gjdgxs", choice=choice if len(choice) < 64 else "")


@pytest.mark.parametrize(
    "data",
    ["", ".", "human", "a.b.human", "1z.AAAAAAAA.human", BUTTONS.data("2", 7, "human"), Keyboards(b"other").data("1", 7, "human"),
     BUTTONS.data("1", 7, "human").replace("human", "send"), BUTTONS.data("1", 7, "human").replace("7.", "8."), "7.密.human"],
)  # fmt: skip
def test_a_button_that_is_not_ours_or_of_another_chat_is_none(data: str) -> None:
    assert BUTTONS.read("1", data) is None


def test_half_a_character_is_no_button() -> None:
    assert BUTTONS.read("1", "\ud800.\ud800.\ud800") is None


def test_short_buttons_stand_side_by_side() -> None:
    labels = ["成功", "失败", "冲正中", "换了法人或户名了吗", "不知道", "转人工"]
    rows = BUTTONS.rows("1", 7, [{"id": f"option:{label}", "label": label} for label in labels])
    assert [[button.label for button in row] for row in rows] == [["成功", "失败"], ["冲正中"], ["换了法人或户名了吗"], ["不知道", "转人工"]]


@pytest.mark.parametrize(("terminal", "shop"), [("10023345", ""), ("10023345", "好再来便利店"), ("10023345", "一二三四五六七八九")])
def test_a_sticker_says_who_the_merchant_is(terminal: str, shop: str) -> None:
    payload = LINKS.merchant(terminal=terminal, shop=shop)
    link = LINKS.read(payload)
    assert len(payload) <= 64
    assert link is not None
    assert dict(link.known) == {"terminal_no": terminal} | ({"merchant_name": shop} if shop else {})


@pytest.mark.parametrize(("terminal", "shop"), [("", "好再来"), ("10023345", "一二三四五六七八九十"), ("1002\n3345", ""), ("10023345", "好\n来")])
def test_a_sticker_that_cannot_be_is_refused(terminal: str, shop: str) -> None:
    with pytest.raises(LinkError):
        LINKS.merchant(terminal=terminal, shop=shop)


def test_a_link_out_of_a_chat_is_good_for_an_hour() -> None:
    payload = LINKS.chat("0123456789abcdef" * 2)
    link = LINKS.read(payload)
    assert link is not None
    assert link.conversation == "0123456789abcdef" * 2
    assert Links(b"secret", lambda: NOW + GOOD_FOR * 1_000_000).read(payload) is None
    assert Links(b"other", lambda: NOW).read(payload) is None


@given(st.text(max_size=80))
def test_no_other_payload_means_anything(payload: str) -> None:
    assert LINKS.read(payload) is None


@given(st.text(max_size=300))
def test_nothing_but_blanks_is_lost_where_a_text_is_cut(text: str) -> None:
    pieces = list(bubbles.pieces(text, 40))
    assert all(0 < bubbles.units(piece) <= 40 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_text_is_cut_behind_a_sentence() -> None:
    assert list(bubbles.pieces("一二三四五六七八。九十一二三四五六七", 12)) == ["一二三四五六七八。", "九十一二三四五六七"]


def test_every_thought_is_a_message_and_choices_stand_under_the_last() -> None:
    line = {"bubbles": ["一", "", "二"], "choices": [{"id": "human", "label": "转人工"}], "author": "小王"}
    assert bubbles.in_parts(line) == [
        {"author": "小王", "bubbles": ["一"], "choices": []},
        {"author": "小王", "bubbles": ["二"], "choices": [{"id": "human", "label": "转人工"}]},
    ]


def test_a_picture_carries_a_short_text_and_stands_before_a_long_one() -> None:
    assert bubbles.in_parts({"bubbles": ["看这里"], "choices": [], "file": "p"}) == [{"bubbles": ["看这里"], "choices": [], "file": "p"}]
    assert [(part.get("file"), len(part["bubbles"])) for part in bubbles.in_parts({"bubbles": ["长" * 1000], "choices": [], "file": "p"})] == [
        ("p", 0),
        (None, 1),
    ]
