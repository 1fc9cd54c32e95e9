"""What an operator decides about the console."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings of the console. `zone`: in which moments are shown. `proxies`: how many proxies of our own stand before us. `https`: staff come by HTTPS,
    whatever a request looks like by the time it is here."""

    zone: ZoneInfo = SHANGHAI
    proxies: int = 0
    https: bool = False
