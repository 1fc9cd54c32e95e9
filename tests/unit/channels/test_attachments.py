"""How staff see in the console what a merchant sent besides pictures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.channels.console import shown
from bot.service.desk import Entry

if TYPE_CHECKING:
    from bot.app import Mind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "document", "file": "BQAC", "title": "对账单.pdf"}, "发来了文件 对账单.pdf"),
        ({"kind": "voice", "file": "AwAC", "seconds": "12"}, "发来了语音 （12 秒）"),
        ({"kind": "location", "file": "31.23041,121.47370"}, "发来了位置 31.23041,121.47370"),
        ({"kind": "too-large", "file": ""}, "发来的文件超过 20 MB，没有收下"),
        ({"kind": "poll", "file": ""}, "发来了一个附件"),
        ({"kind": "photo", "file": "0" * 32}, ""),
        ({"text": "打印机不出纸"}, ""),
    ],
)
def test_attachments_in_words(mind: Mind, body: dict[str, str], words: str) -> None:
    entry = Entry(id=1, side="merchant", body=json.dumps(body), at=0, knowledge="k", event=1)
    assert shown.said(mind.kb, entry).attachment == words
