"""Other objects (手机屏幕, 空调, 快递): what sounds like our business and is not. The most confident mistakes of any matcher are about these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clean import fold
from .gazetteer import Gazetteer

if TYPE_CHECKING:
    from collections.abc import Iterable


class OtherObjects:
    """Finds the objects of the guard list."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = Gazetteer((fold(name).replace(" ", ""), name) for name in names)

    def first(self, folded: str) -> str | None:
        """The first object that the text names, as the editors wrote it."""
        return next((name for _, _, name in self._names.find(folded.replace(" ", ""))), None)
