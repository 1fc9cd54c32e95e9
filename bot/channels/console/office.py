"""What stands behind the pages about merchants: where tickets are, the road to merchants, what the bot knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.knowledge import KnowledgeBase
    from bot.service.intake import Intake
    from bot.service.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """`kb` gives the knowledge of the moment, `clock` microseconds UTC."""

    store: Store
    intake: Intake
    kb: Callable[[], KnowledgeBase]
    clock: Callable[[], int]
