"""The bot on a machine whose clock is set: it is wrong by as many seconds as stand in a file. Run as `python -m tests.faults.warped FILE serve`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bot import cli, server


def warp(file: Path) -> None:
    """Let the service see the wrong time."""

    def time_ns() -> int:
        return time.time_ns() + int(file.read_text() or 0) * 1_000_000_000

    server.time_ns = time_ns  # type: ignore[attr-defined]


if __name__ == "__main__":
    warp(Path(sys.argv[1]))
    sys.exit(cli.main(sys.argv[2:]))
