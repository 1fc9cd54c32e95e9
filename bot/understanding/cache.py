"""Keeps a learnt `Model` on disk: arrays and JSON, nothing that can run code. A missing, foreign or damaged file means learning again, never an error."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.knowledge import Kind

from .index import Postings, Vocabulary
from .match import Classes, Model, Phrasings

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 8
"""Raise it with every change to features, scores or learning: an older file is then not read."""
_ARRAYS = ("owners", "weights", "linear", "starts", "rows", "values", "logit")

logger = logging.getLogger(__name__)


def load(path: Path) -> Model | None:
    """The model in the file, None when there is no usable one."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            text = json.loads(bytes(stored["text"]))
            part = {name: stored[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    if text["version"] != VERSION:
        return None
    return Model(
        classes=Classes(names=tuple(text["classes"]), kinds=tuple(map(Kind, text["kinds"]))),
        phrasings=Phrasings(texts=tuple(text["texts"]), owners=part["owners"]),
        vocabulary=Vocabulary(text["features"], part["weights"], text["unknown"]),
        linear=part["linear"],
        postings=Postings(part["starts"], part["rows"], part["values"], len(text["texts"])),
        logit=part["logit"],
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
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            np.savez(file, **arrays)
        os.replace(file.name, path)
    except OSError as error:
        logger.info("matcher not cached: %s", error.strerror, extra={"event": "cache_not_written"})
