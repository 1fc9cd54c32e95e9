"""Quality, speed and memory of understanding, beside the alternatives; outcomes, start-up, whole dialogues."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median_low
from time import perf_counter
from typing import Any

from bot.kb import loader

from . import corpus
from .output import run, show
from .rivals import RIVALS
from .worker import OURS

KNOWLEDGE = corpus.ROOT / "knowledge"
SIZES = (1_000, 10_000, 100_000)
NAMES = (OURS, *RIVALS)
QUESTION = "客人短信来了我这啥纸都没吐"


def main(file: Path) -> None:
    """All tables, one after the other, for the labelled messages of a file."""
    show(f"quality and speed, shipped knowledge base, {file.name}")
    table({name: measure(name, KNOWLEDGE, file) for name in NAMES})
    show("outcomes (posbot eval)")
    outcomes = json.loads(run("-m", "bot", "eval", str(file), "--json"))
    show("  ".join(f"{name} {value}" for name, value in outcomes.items() if name != "results"))
    show("whole process, posbot ask")
    start_up()
    show("whole dialogues (posbot kb simulate)")
    dialogues()
    pairs = corpus.examples(loader.load(KNOWLEDGE))
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            corpus.write_folder(corpus.multiplied(pairs, size), Path(folder))
            show(f"{size:,} phrasings (topics alone, multiplied)")
            table({name: measure(name, Path(folder), file) for name in NAMES})


def dialogues() -> None:
    """The product's way of asking beside four others, under the same seed."""
    for name, figures in json.loads(run("-m", "bot", "kb", "simulate", "--json"))["strategies"].items():
        shown = ("success", "turns", "questions", "needless_of_hand_overs", "gave_up", "step_ms_p50", "step_ms_p99")
        show(f"{name:14}" + "  ".join(f"{figure} {figures[figure]}" for figure in shown))


def measure(name: str, folder: Path, file: Path) -> dict[str, Any]:
    """One worker's report."""
    measured: dict[str, Any] = json.loads(run("-W", "ignore", "-m", "tests.bench.worker", name, str(folder), str(file)))
    return measured


def table(reports: dict[str, dict[str, Any]]) -> None:
    """Figures, and ratios to ours where time or memory is meant."""
    ours = reports[OURS]
    show(f"  {'':28}{'top1':>7}{'in 4':>7}{'p50 ms':>16}{'p99 ms':>16}{'build s':>16}{'peak MB':>16}{'hostile ms':>16}")
    for name, report in reports.items():
        cells = [f"{report[key]:.3f} ({report[key] / ours[key]:.1f}x)" for key in ("p50_ms", "p99_ms", "build_s", "peak_mb", "hostile_ms")]
        show(f"  {name:28}{report['top1']:>7.3f}{report['within4']:>7.3f}" + "".join(f"{cell:>16}" for cell in cells))


def start_up() -> None:
    """Seconds from typing to answer and peak memory: the very first time, which learns, later ones, and what importing stock jieba alone costs."""
    with tempfile.TemporaryDirectory() as cache:
        first = spent("-m", "bot", "ask", QUESTION, POSBOT_CACHE=cache)
        later = median_low([spent("-m", "bot", "ask", QUESTION, POSBOT_CACHE=cache) for _ in range(5)])
    stock = median_low([spent("-W", "ignore", "-c", "import jieba; jieba.initialize()") for _ in range(3)])
    told = (
        f"{name} {seconds:.2f} s, {megabytes:.0f} MB" for name, (seconds, megabytes) in {"first": first, "later": later, "stock jieba alone": stock}.items()
    )
    show("  " + "   ".join(told))


def spent(*arguments: str, **environment: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a process."""
    start = perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=corpus.ROOT, env={**os.environ, **environment}
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    return perf_counter() - start, usage.ru_maxrss / 1024
