"""Sparse rows: a text's features, weighted by kind and rarity, at unit length; and the nearest of many such rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scipy.sparse import csr_array

    from .arrays import Floats, Integers

KIND_WEIGHT: Mapping[str, float] = {"w": 1.0, "c": 0.6, "d": 1.0, "q": 0.4, "p": 0.7, "L": 1.6, "F": 1.6, "S": 1.2, "K": 2.0}
"""Weight of a feature by the letter of its kind (see `features`), found by leave-one-out on the shipped knowledge; flat around these values."""
TELLING = 40
COMMON = 200_000
"""A query reads the postings of this many features at most, rarest first, and this many postings: keeps it in milliseconds over 100,000 rows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text: feature numbers, their values (unit length together), where each stands in the list of features, and how much of the text is known."""

    ids: Integers
    values: Floats
    places: Integers
    coverage: float


class Vocabulary:
    """Feature → number, and how much each says (inverse document frequency, smoothed, times the weight of its kind)."""

    def __init__(self, names: Sequence[str], weights: Floats, unknown: float) -> None:
        self.names, self.weights, self.unknown = names, weights, unknown
        self._ids = {name: number for number, name in enumerate(names)}

    def __len__(self) -> int:
        return len(self.names)

    def row(self, features: Sequence[str]) -> Row:
        """The known ones of `features`, each once; `coverage` is the share of weight that is known, in [0, 1]."""
        ids = self._ids
        first: dict[str, int] = {}
        for place, name in enumerate(features):
            first.setdefault(name, place)
        known = [name for name in first if name in ids]
        if not known:
            empty = np.zeros(0, np.int32)
            return Row(empty, np.zeros(0, np.float32), empty, 0.0)
        numbers, places = (np.array([found[name] for name in known], np.int32) for found in (ids, first))
        values = self.weights[numbers]
        mass = float(values @ values)
        missing = sum(KIND_WEIGHT[name[0]] ** 2 for name in first if name not in ids) * self.unknown**2
        return Row(numbers, values / np.float32(mass**0.5), places, (mass / (mass + missing)) ** 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Many texts as rows of one matrix (unit length), how many texts have each feature, and how much of each text the other texts know."""

    vocabulary: Vocabulary
    matrix: csr_array
    counts: Integers
    coverage: Floats

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], least: int) -> Examples:
        """Rows over the features that occur in at least `least` of the texts. Reads `texts` once, so they may be made one by one."""
        numbers: dict[str, int] = {}
        rows = [np.fromiter({numbers.setdefault(name, len(numbers)) for name in features}, np.int32) for features in texts]
        flat, sizes = np.concatenate(rows), [len(row) for row in rows]
        counts: Integers = np.bincount(flat, minlength=len(numbers)).astype(np.int32)
        kinds = np.array([KIND_WEIGHT[name[0]] for name in numbers], np.float32)
        weights = (np.log((1 + len(rows)) / (1 + counts)) + 1).astype(np.float32) * kinds
        unknown = float(np.log(1.0 + len(rows)) + 1)
        coverage = _coverage(sizes, np.where(counts > 1, weights, 0)[flat], np.where(counts > 1, 0, kinds * unknown)[flat])
        kept = counts >= least
        names = [name for name, keep in zip(numbers, kept.tolist(), strict=True) if keep]
        matrix = _matrix(sizes, flat, np.where(kept, np.cumsum(kept, dtype=np.int32) - 1, -1), weights[kept])
        return cls(vocabulary=Vocabulary(names, weights[kept], unknown), matrix=matrix, counts=counts[kept], coverage=coverage)

    def without(self, number: int) -> tuple[Row, float]:
        """A row as a message would have it: features that no other text has are unknown. Also the length that is left of the row."""
        start, end = self.matrix.indptr[number : number + 2]
        ids, values = self.matrix.indices[start:end], self.matrix.data[start:end]
        shared = self.counts[ids] > 1
        left = float(np.sqrt(values[shared] @ values[shared])) or 1.0
        return Row(ids[shared], values[shared] / np.float32(left), ids[shared], float(self.coverage[number])), left


def _coverage(sizes: list[int], known: Floats, missing: Floats) -> Floats:
    """For each row the share of weight that other rows know, in [0, 1], from the weights of its features one after the other."""
    owners = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    mass, lost = (np.bincount(owners, part * part, len(sizes)) for part in (known, missing))
    return np.asarray(np.sqrt(mass / np.maximum(mass + lost, 1e-9)), np.float32)


def _matrix(sizes: list[int], flat: Integers, renumbered: Integers, weights: Floats) -> csr_array:
    """Weighted rows of unit length; features renumbered as −1 are left out."""
    from scipy.sparse import csr_array  # noqa: PLC0415  (23 MB that only learning needs, not who remembers what was learnt)

    ids = renumbered[flat]
    kept = ids >= 0
    owners = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[kept]
    ids = ids[kept]
    values = weights[ids]
    lengths = np.sqrt(np.bincount(owners, values * values, len(sizes))).astype(np.float32)
    ends = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(sizes)))]).astype(np.int32)
    return csr_array((values / lengths[owners], ids, ends), shape=(len(sizes), len(weights)))


class Postings:
    """For each feature the rows that have it: finds the rows nearest to a query by cosine."""

    def __init__(self, starts: Integers, rows: Integers, values: Floats, count: int) -> None:
        self.starts, self.rows, self.values, self.count = starts, rows, values, count

    @classmethod
    def of(cls, matrix: csr_array) -> Postings:
        """The postings of a matrix of rows."""
        columns = matrix.tocsc()
        return cls(columns.indptr.astype(np.int32), columns.indices.astype(np.int32), columns.data, matrix.shape[0])

    def nearest(self, query: Row, most: int) -> tuple[Integers, Floats]:
        """Numbers and cosines of the `most` nearest rows, nearest first (equal ones in row order)."""
        starts = self.starts[query.ids]
        sizes = self.starts[query.ids + 1] - starts
        order = np.argsort(sizes, kind="stable")
        chosen = order[: min(TELLING, max(1, int(np.searchsorted(np.cumsum(sizes[order]), COMMON))))]
        if not len(chosen):
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        sizes = sizes[chosen]
        ends = np.cumsum(sizes)
        read = np.repeat(starts[chosen] - ends + sizes, sizes) + np.arange(ends[-1])
        values = self.values[read] * np.repeat(query.values[chosen], sizes)
        cosines = np.bincount(self.rows[read], values, self.count).astype(np.float32)
        touched = np.flatnonzero(cosines != 0)
        best = touched[np.argpartition(-cosines[touched], most)[:most]] if most < len(touched) else touched
        best = best[np.lexsort((best, -cosines[best]))]
        return best.astype(np.int32), cosines[best]
