"""One measurement in a process of its own, so that its memory is its own: `python -m tests.bench.worker NAME FOLDER MESSAGES` prints JSON."""

from __future__ import annotations

import json
import random
import resource
import sys
from pathlib import Path
from statistics import quantiles
from time import perf_counter

from bot import app
from bot.editing.evaluate import NOON
from bot.kb import loader

from . import corpus
from .rivals import RIVALS, Ranker

OURS = "posbot"
ROUNDS = 3


def main() -> None:
    """Build, warm up, rank every message `ROUNDS` times; memory is the peak of the whole process."""
    name, folder, file = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    entries = corpus.messages(file)
    pairs = [] if name == OURS else corpus.examples(loader.load(folder))
    start = perf_counter()
    rank = _ours(folder) if name == OURS else RIVALS[name](pairs)
    built = perf_counter() - start
    texts = [str(entry["text"]) for entry in entries]
    ranked = [rank(text) for text in texts]
    times = []
    for _ in range(ROUNDS):
        for text in texts:
            before = perf_counter()
            rank(text)
            times.append((perf_counter() - before) * 1000)
    cuts = quantiles(times, n=100)
    topics = [(entry, found) for entry, found in zip(entries, ranked, strict=True) if entry["label"] not in {"human", "chitchat", "out-of-scope", "unclear"}]
    accepted = [({entry["label"], *entry.get("accept", [])}, found) for entry, found in topics]  # type: ignore[misc]
    report = {
        "build_s": built,
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "top1": sum(found[0] in accept for accept, found in accepted) / len(accepted),
        "within4": sum(not accept.isdisjoint(found[:4]) for accept, found in accepted) / len(accepted),
        "hostile_ms": _hostile(rank),
    }
    print(json.dumps(report))  # noqa: T201


def _ours(folder: Path) -> Ranker:
    """The whole of understanding: redaction, details, answers and tones as well as topics, which is all that the others give."""
    mind = app.wake(folder, None)
    business = {topic.id for topic in mind.kb.topics.values() if topic.is_business}
    return lambda text: [match.topic for match in mind.engine.understand(text, NOON).topics if match.topic in business] or [""]


def _hostile(rank: Ranker) -> float:
    """The slowest hostile message, best of three."""
    slowest = 0.0
    for make in corpus.HOSTILE.values():
        text, times = make(random.Random(1)), []
        for _ in range(3):
            before = perf_counter()
            rank(text)
            times.append((perf_counter() - before) * 1000)
        slowest = max(slowest, min(times))
    return slowest


if __name__ == "__main__":
    main()
