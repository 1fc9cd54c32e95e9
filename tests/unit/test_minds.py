"""The knowledge in use while the service runs, whatever happens around it. The whole road is tested with a running service in `tests/e2e`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from bot import minds
from bot.minds import Minds, stamp
from bot.ops.meter import Meter

if TYPE_CHECKING:
    from pathlib import Path

PHRASINGS = "[小票打不出来, 纸卡住了, 打出来是白的, 没纸了, 字太淡看不清]"


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    (tmp_path / "knowledge" / "topics").mkdir(parents=True)
    (tmp_path / "knowledge" / "topics" / "printer.yaml").write_text(f"title: x\nphrasings: {PHRASINGS}\n", "utf-8")
    (tmp_path / "knowledge" / "topics" / "network.yaml").write_text("title: y\nphrasings: [没信号, 连不上网, 断网了, 一直拨号]\n", "utf-8")
    return tmp_path / "knowledge"


@pytest.fixture
def never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that never ends takes the place of the one that learns; it leaves its number in a file."""
    program, number = tmp_path / "python", tmp_path / "number"
    program.write_text(f"#!/bin/sh\necho $$ > {number}\nexec sleep 600\n", "utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return number


def alive(number: Path) -> bool:
    try:
        os.kill(int(number.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(number: Path) -> None:
    deadline = time.monotonic() + 10
    while not (number.exists() and number.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_a_cache_that_cannot_be_written_is_no_hindrance(knowledge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "executable", "/bin/true")
    held = Minds(knowledge, tmp_path / "file" / "cache", Meter())
    assert await held.reload() == held.now().kb.version


async def test_learning_that_never_ends_is_ended_and_done_here(knowledge: Path, tmp_path: Path, never: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minds, "LONGEST_LEARNING", 1.0)
    held = Minds(knowledge, tmp_path / "cache", Meter())
    assert await held.reload() == held.now().kb.version
    assert not alive(never)


async def test_who_is_cancelled_leaves_no_process_behind(knowledge: Path, tmp_path: Path, never: Path) -> None:
    held = Minds(knowledge, tmp_path / "cache", Meter())
    reading = asyncio.create_task(held.reload())
    await asyncio.to_thread(wait_for, never)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not alive(never)


def test_a_stamp_tells_every_change(knowledge: Path) -> None:
    seen = [stamp(knowledge)]
    topic = knowledge / "topics" / "printer.yaml"

    def another() -> bool:
        seen.append(stamp(knowledge))
        return seen[-1] not in seen[:-1]

    topic.write_text("title: 1", "utf-8")
    assert another()
    (knowledge / "lexicon.yaml").touch()
    assert another()
    topic.rename(topic.with_name("paper.yaml"))
    assert another()
    copy = knowledge / "copy"
    copy.write_bytes((knowledge / "lexicon.yaml").read_bytes())
    copy.replace(knowledge / "lexicon.yaml")  # as editors save
    assert another()
    knowledge.rename(knowledge.with_name("away"))
    assert another()
    assert stamp(knowledge) == frozenset()
