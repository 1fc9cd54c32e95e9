"""What all parts of the benchmark do alike: print, and run this Python."""

from __future__ import annotations

import os
import subprocess
import sys

from . import corpus


def show(line: str) -> None:
    """Print at once: some figures take a minute."""
    print(line, flush=True)  # noqa: T201


def run(*arguments: str, **environment: str) -> str:
    """What this Python prints, run with these arguments. Raises CalledProcessError."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True, cwd=corpus.ROOT, env={**os.environ, **environment}).stdout
