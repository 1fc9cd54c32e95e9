"""Keeps a learnt `Model` on disk: arrays and JSON, nothing that can run code. A missing, foreign or damaged file means learning again, never an error."""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.knowledge import Kind

from .index import Postings, Vocabulary
from .match import Classes, Model, Phrasings

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 8
"""Raise it with every change to features, scores or learning: an older file is then not read."""
KEPT = 3
"""Models that stay in the folder."""
_OURS = re.compile(r"[0-9a-f]{12}\.npz")
_UNUSABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile)
"""What numpy, zipfile and json raise for files that are empty, foreign or damaged."""
_ARRAYS = ("owners", "weights", "linear", "starts", "rows", "values", "logit")

logger = logging.getLogger(__name__)


def load(path: Path) -> Model | None:
    """The model in the file, None when there is no usable one."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            text = json.loads(bytes(stored["text"]))
            part = {name: stored[name] for name in _ARRAYS}
        model = _model(text, part) if text["version"] == VERSION else None
    except _UNUSABLE:
        return None
    return model if model and _fits(model) else None


def _model(text: Mapping[str, Any], part: Mapping[str, Any]) -> Model:
    return Model(
        classes=Classes(names=tuple(text["classes"]), kinds=tuple(map(Kind, text["kinds"]))),
        phrasings=Phrasings(texts=tuple(text["texts"]), owners=part["owners"]),
        vocabulary=Vocabulary(text["features"], part["weights"], text["unknown"]),
        linear=part["linear"],
        postings=Postings(part["starts"], part["rows"], part["values"], len(text["texts"])),
        logit=part["logit"],
    )


def _fits(model: Model) -> bool:
    """Whether the parts belong together."""
    features, classes, texts = len(model.vocabulary), len(model.classes.names), len(model.phrasings.texts)
    return (
        len(model.classes.kinds) == classes
        and model.phrasings.owners.shape == (texts,)
        and model.vocabulary.weights.shape == (features,)
        and model.linear.shape == (features, classes)
        and model.postings.starts.shape == (features + 1,)
        and model.postings.rows.shape == model.postings.values.shape
    )


def save(model: Model, path: Path) -> None:
    """Write the model, whole or not at all; a folder that cannot be written is logged and otherwise ignored."""
    text = {
        "version": VERSION,
        "classes": model.classes.names,
        "kinds": model.classes.kinds,
        "texts": model.phrasings.texts,
        "features": model.vocabulary.names,
        "unknown": model.vocabulary.unknown,
    }
    arrays: dict[str, Any] = {
        "owners": model.phrasings.owners,
        "weights": model.vocabulary.weights,
        "linear": model.linear,
        "starts": model.postings.starts,
        "rows": model.postings.rows,
        "values": model.postings.values,
        "logit": model.logit,
        "text": np.frombuffer(json.dumps(text, ensure_ascii=False).encode(), np.uint8),
    }
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(arrays, path)
        _forget_older(path)
    except OSError as error:
        logger.info("matcher not cached: %s", error.strerror, extra={"event": "cache_not_written"})


def _write(arrays: Mapping[str, Any], path: Path) -> None:
    """Beside the file first, so that nobody ever reads half of it; whatever happens, nothing stays beside it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
        try:
            np.savez(file, **arrays)
            file.flush()
            os.replace(file.name, path)
        finally:
            Path(file.name).unlink(missing_ok=True)


def _forget_older(path: Path) -> None:
    """Remove models of other knowledge versions, but the newest few: people go back and forth between branches."""
    versions = [file for file in path.parent.iterdir() if _OURS.fullmatch(file.name)]
    for file in sorted(versions, key=lambda file: file.stat().st_mtime, reverse=True)[KEPT:]:
        file.unlink(missing_ok=True)
