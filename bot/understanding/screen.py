"""What a merchant says is on the screen: words in quotation marks, or after 显示 and its like."""

from __future__ import annotations

import re

_SHOWN = re.compile(r"[“\"「]([^”\"」]{2,40})[”\"」]|(?:显示|写着|提示|弹出|蹦出)[:：]?\s*([^,，。\s]{2,24})")


def quoted(text: str) -> str:
    """The quoted words, empty when there are none."""
    found = _SHOWN.search(text)
    return (found[1] or found[2]) if found else ""
