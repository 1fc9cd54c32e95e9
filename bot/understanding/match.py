"""Which topics a message is about, with probabilities and the words that decided.

Three witnesses look at each class: a linear scorer over all features (`ridge`), the nearest phrasings by cosine, and rapidfuzz's similarity to
those; `calibrate` weighs them. Classes that are no topics (out of scope, unclear, …) have a constant each, and hear how much of the message is known at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rapidfuzz import fuzz, process

from bot.domain.knowledge import Kind
from bot.domain.understanding import TopicMatch

from .calibrate import probabilities
from .evidence import Evidence

if TYPE_CHECKING:
    from .arrays import Floats, Integers
    from .features import Reading
    from .index import Postings, Row, Vocabulary

NEIGHBOURS = 48
"""Phrasings that rapidfuzz compares with the message, the nearest by cosine."""
VOTERS = 12
"""Neighbours that vote."""
SHARED = ("linear", "lead", "fuzz", "cosine", "vote")
PSEUDO = (Kind.OUT_OF_SCOPE, Kind.UNCLEAR, Kind.HUMAN, Kind.CHITCHAT)
OWN = ("constant", "unknown", "far", "object")
COLUMNS = len(SHARED) + len(PSEUDO) * len(OWN)
"""Columns of a class's score vector: the shared witnesses, then for each kind of pseudo-class its own."""
EXPLAINED = 4
WORTH_EXPLAINING = 0.05
"""The deciding words are worked out for at most this many classes, and only for those that have a chance."""
WORTH_NAMING = 0.0005
"""Classes that are less probable are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """The things a message may be about, in knowledge-base order, and the kind of each."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]

    def own_columns(self) -> list[tuple[int, int]]:
        """(class, first own column) of each pseudo-class."""
        return [(number, len(SHARED) + PSEUDO.index(kind) * len(OWN)) for number, kind in enumerate(self.kinds) if kind in PSEUDO]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasings:
    """The examples: folded text and class of each."""

    texts: tuple[str, ...]
    owners: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """All that a matcher needs, as plain arrays: what `learn` makes and `cache` keeps. `linear` is features × classes, `logit` the calibrator's weights."""

    classes: Classes
    phrasings: Phrasings
    vocabulary: Vocabulary
    linear: Floats
    postings: Postings
    logit: Floats


class Matcher:
    """Ranks the classes of a model for a text."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def match(self, folded: str, reading: Reading, *, about_other: bool = False, explain: bool = False) -> list[TopicMatch]:
        """The classes that have a chance with their probabilities, likeliest first; with `explain`, evidence for the first few.

        `about_other` says that the text names an object that is not ours.
        """
        model = self._model
        row = model.vocabulary.row(reading.features())
        linear = row.values @ model.linear[row.ids]
        shares = probabilities(scores(model, folded, row, linear, about_other=about_other), model.logit)
        order = np.argsort(-shares, kind="stable")
        ranked = list(zip(order.tolist(), shares[order].tolist(), strict=True))
        explained = [number for number, share in ranked[:EXPLAINED] if share >= WORTH_EXPLAINING] if explain else []
        words = self._decisive_words(reading, row, explained)
        return [TopicMatch(topic=model.classes.names[n], probability=share, evidence=words.get(n, ())) for n, share in ranked if share >= WORTH_NAMING]

    def _decisive_words(self, reading: Reading, row: Row, classes: list[int]) -> dict[int, tuple[str, ...]]:
        """For each of the classes the words that speak for it rather than for the average class."""
        if not classes or not len(row.ids):
            return {}
        evidence, part = Evidence(reading, row.places), self._model.linear[row.ids]
        average = part.mean(axis=1)
        return {number: evidence.decisive_words(row.values * (part[:, number] - average)) for number in classes}


def scores(model: Model, text: str, row: Row, linear: Floats, *, about_other: bool, without: int = -1) -> Floats:
    """Classes × `COLUMNS` for one text; `without` leaves one phrasing out, so that a phrasing can be judged by the others."""
    table = np.zeros((len(model.classes.names), COLUMNS), np.float32)
    table[:, 0] = linear
    table[:, 1] = linear - _best_other(linear)
    nearest, cosines = model.postings.nearest(row, NEIGHBOURS + 1)
    if without >= 0:
        others = nearest != without
        nearest, cosines = nearest[others], cosines[others]
    if len(nearest):
        _ask_neighbours(model, text, table, nearest[:NEIGHBOURS], cosines[:NEIGHBOURS])
    own = (1.0, 1 - row.coverage, 1 - float(table[:, 3].max()), float(about_other))
    for number, column in model.classes.own_columns():
        table[number, column : column + len(OWN)] = own
    return table


def _ask_neighbours(model: Model, text: str, table: Floats, nearest: Integers, cosines: Floats) -> None:
    """Fill the columns that the nearest phrasings speak for."""
    texts, owners = model.phrasings.texts, model.phrasings.owners[nearest]
    similar = process.cdist([text], [texts[number] for number in nearest.tolist()], scorer=fuzz.ratio, dtype=np.float32)[0] / 100
    np.maximum.at(table[:, 2], owners, similar)
    np.maximum.at(table[:, 3], owners, cosines)
    votes = np.bincount(owners[:VOTERS], cosines[:VOTERS], len(table))
    table[:, 4] = votes / votes.sum()


def _best_other(linear: Floats) -> Floats:
    """For each class the best score among the other ones."""
    if len(linear) < 2:
        return np.zeros_like(linear)
    second, first = np.partition(linear, -2)[-2:]
    return np.asarray(np.where(linear == first, second, first), np.float32)
