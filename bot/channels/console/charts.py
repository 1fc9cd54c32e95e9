"""Where the shapes of a chart are. Templates draw them; what they mean is told by classes, titles and the table beside."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 360, 180
"""Of a chart with columns, in its own units: small, so that its letters can be read on a phone."""
LEFT, TOP, BOTTOM = 30, 10, 156
"""Where columns stand."""
MOST = 31
"""Columns of a chart; more days are drawn together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a column, `number` of its kind from below."""

    number: int
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Some days that are drawn together; `first` and `last` name them, `values` are their sums."""

    first: str
    last: str
    x: float
    width: float
    parts: Sequence[Part]
    values: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Columns, and lines at heights: (y, value)."""

    columns: Sequence[Column]
    lines: Sequence[tuple[float, int]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in it."""
        return not any(column.parts for column in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A lying bar: what it is about, how long it is of 100, and what it says."""

    label: str
    length: float
    text: str


def chart(days: Sequence[tuple[str, Sequence[int]]]) -> Chart:
    """Stacked columns of (day, values)."""
    groups = _together(days)
    top = _round(max((sum(values) for _, _, values in groups), default=0))
    step = (WIDTH - LEFT) / max(1, len(groups))
    columns = [
        Column(first=first, last=last, x=round(LEFT + number * step + step * 0.12, 1), width=round(step * 0.76, 1), parts=_stack(values, top), values=values)
        for number, (first, last, values) in enumerate(groups)
    ]
    return Chart(columns=columns, lines=[(_y(value, top), value) for value in sorted({0, top // 2, top})])


def bars(rows: Sequence[tuple[str, float, str]], most: float = 0) -> list[Bar]:
    """Lying bars of (label, value, text); the longest one, or `most`, is as long as can be."""
    longest = most or max((value for _, value, _ in rows), default=0) or 1
    return [Bar(label=label, length=round(100 * value / longest, 1), text=text) for label, value, text in rows]


def _together(days: Sequence[tuple[str, Sequence[int]]]) -> list[tuple[str, str, list[int]]]:
    """Neighbours in groups of the same size, as many as can be told apart."""
    size = ceil(len(days) / MOST) or 1
    groups = [days[start : start + size] for start in range(0, len(days), size)]
    return [(group[0][0], group[-1][0], [sum(values) for values in zip(*(values for _, values in group), strict=True)]) for group in groups]


def _stack(values: Sequence[int], top: int) -> list[Part]:
    parts, below = [], 0
    for number, value in enumerate(values):
        if value > 0:
            upper = _y(below + value, top)
            parts.append(Part(number=number, y=upper, height=round(_y(below, top) - upper, 1)))
            below += value
    return parts


def _y(value: int, top: int) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * value / top, 1)


def _round(most: int) -> int:
    """An even round number that is no less."""
    size = 1
    while size * 10 < most:
        size *= 10
    return next(size * times for times in (2, 4, 6, 8, 10) if size * times >= most)
