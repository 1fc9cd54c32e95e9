"""The cache never stands in the way: whatever lies in its folder, the model is learnt again, and the folder stays small."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bot.kb import loader
from bot.understanding import cache
from bot.understanding.learn import learn
from bot.understanding.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from bot.understanding.match import Model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    root = tmp_path_factory.mktemp("knowledge")
    (root / "topics").mkdir()
    (root / "topics" / "printer.yaml").write_text("title: 打印\nphrasings: [小票打不出来, 纸卡住了, 没纸了]\n", "utf-8")
    (root / "topics" / "network.yaml").write_text("title: 网络\nphrasings: [没信号, 连不上网, 断网了]\n", "utf-8")
    kb = loader.load(root)
    return learn(kb, Reader(kb)).model


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def text(value: object) -> Any:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def test_what_is_saved_is_loaded(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "deep" / "0123456789ab.npz"
    cache.save(model, path)
    loaded = cache.load(path)
    assert loaded is not None
    assert loaded.classes == model.classes
    assert loaded.phrasings.texts == model.phrasings.texts
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


FOREIGN = {
    "empty": b"",
    "json": b"[]",
    "half a zip": b"PK",
    "one array": npy(),
    "no arrays": npz(),
    "a list": npz(text=text([])),
    "no version": npz(text=text({})),
    "version only": npz(text=text({"version": cache.VERSION})),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_foreign_content_means_learning_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "0123456789ab.npz"
    path.write_bytes(content)
    assert cache.load(path) is None


@pytest.mark.parametrize("value", [[], {}, 5, None, {"version": cache.VERSION}, {"version": 0}])
def test_foreign_text_among_right_arrays_means_learning_again(tmp_path: Path, model: Model, value: object) -> None:
    path = tmp_path / "0123456789ab.npz"
    cache.save(model, path)
    with np.load(path) as stored:
        arrays = dict(stored)
    path.write_bytes(npz(**{**arrays, "text": text(value)}))
    assert cache.load(path) is None


def test_arrays_of_another_model_mean_learning_again(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "0123456789ab.npz"
    cache.save(model, path)
    with np.load(path) as stored:
        arrays = dict(stored)
    path.write_bytes(npz(**{**arrays, "linear": arrays["linear"][:-1]}))
    assert cache.load(path) is None


def test_the_newest_three_stay(tmp_path: Path, model: Model) -> None:
    for number in range(5):
        old = tmp_path / f"{number:012x}.npz"
        old.write_bytes(b"")
        os.utime(old, (1000 + number, 1000 + number))
    (tmp_path / "mine.npz").write_bytes(b"")
    cache.save(model, tmp_path / "0123456789ab.npz")
    assert {entry.name for entry in tmp_path.iterdir()} == {"0123456789ab.npz", f"{4:012x}.npz", f"{3:012x}.npz", "mine.npz"}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache.save(model, tmp_path / "file" / "0123456789ab.npz")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    cache.save(model, tmp_path / "0123456789ab.npz")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
