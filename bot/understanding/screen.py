"""What a merchant says is on the screen: words in quotation marks, or what follows 显示 and its like."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"[“\"「『【]([^”\"」』】]{2,60})[”\"」』】]")
_SHOWN = re.compile(r"(?:显示|写着|写的是?|提示|弹出|蹦出|跳出来?)(?:的是|是|了)?[:\s]*([^,\u3001\u3002\n\s]{2,24})")


def quoted(text: str) -> str:
    """The words of the screen as they were said, empty when there are none. Quoted words are surer than what follows 显示."""
    found = _QUOTED.search(text) or _SHOWN.search(text)
    return found[1].strip() if found else ""
