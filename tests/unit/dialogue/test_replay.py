"""Yesterday's conversations again, in another process: byte for byte the same effects, whatever order Python gives its sets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot import app

from .stage import Stage
from .test_dialogues import dialogues, play

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.app import Mind

ROOT = Path(__file__).parents[3]
LONG = 4
"""Lines from which a dialogue is worth replaying."""


def transcript(mind: Mind) -> Iterator[str]:
    """Effects and state after each line of the long dialogues."""
    for file, dialogue in dialogues():
        stage = Stage(mind)
        for line in dialogue["对话"] if len(dialogue["对话"]) >= LONG else ():
            play(stage, line)
            yield f"{file}: {dialogue['名字']}: {stage.effects!r} {stage.state!r}\n"


def test_replay(mind: Mind) -> None:
    """What is learnt, understood and decided does not depend on the seed of hashes."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.unit.dialogue.test_replay"]
    settings = ({"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"} for seed in ("0", "1", "random"))
    processes = [subprocess.Popen(command, cwd=ROOT, env=os.environ | setting, stdout=subprocess.PIPE, text=True, encoding="utf-8") for setting in settings]
    replayed = [process.communicate()[0].splitlines(keepends=True) for process in processes]
    here = list(transcript(mind))
    assert len(here) > 50
    for lines in replayed:
        assert [(one, other) for one, other in zip(here, lines, strict=True) if one != other] == []


if __name__ == "__main__":
    sys.stdout.writelines(transcript(app.wake(ROOT / "knowledge", None)))
