"""The data of the benchmark: labelled messages, and phrasings in any number."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.knowledge import KnowledgeBase

ROOT = Path(__file__).parents[2]
BLIND = Path(__file__).parent / "messages.jsonl"
"""Messages written from the list of topics alone, by somebody who had not seen the knowledge base; they teach nothing."""
HOSTILE: dict[str, Callable[[random.Random], str]] = {
    "random Han": lambda chance: "".join(chr(chance.randint(0x4E00, 0x9FA5)) for _ in range(4096)),
    "的 × 4096": lambda _: "的" * 4096,
    "digits": lambda chance: "".join(chance.choice("0123456789") for _ in range(4096)),
    "card-like digits": lambda _: "6222 0212 " * 410,
    "URLs": lambda _: "http://a.cn/?q=%E5%88%B7&x=1 " * 146,
    "密码 1": lambda _: "密码 1" * 1024,
    "一千二百": lambda _: "一千二百" * 1024,
    "昨天3点": lambda _: "昨天3点" * 1024,
}


def messages(path: Path) -> list[dict[str, object]]:
    """Labelled messages of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def examples(kb: KnowledgeBase) -> list[tuple[str, str]]:
    """(phrasing, topic) of the topics that are about the terminal: what every alternative learns from."""
    return [(phrasing, topic.id) for topic in kb.topics.values() if topic.is_business for phrasing in topic.phrasings]


def multiplied(pairs: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """`count` different phrasings: the given ones, then halves of two of one topic put together (for speed and memory, not for quality)."""
    chance = random.Random(7)
    by_topic: dict[str, list[str]] = {}
    for phrasing, topic in pairs:
        by_topic.setdefault(topic, []).append(phrasing)
    chosen = dict(chance.sample(pairs, min(count, len(pairs))))
    topics = sorted(by_topic)
    while len(chosen) < count:
        topic = chance.choice(topics)
        first, second = chance.choice(by_topic[topic]), chance.choice(by_topic[topic])
        chosen[first[: chance.randint(1, len(first))] + second[chance.randint(0, len(second)) :] + chance.choice(["", "啊", "呢", "急", "帮看下"])] = topic
    return list(chosen.items())


def write_folder(pairs: list[tuple[str, str]], folder: Path) -> None:
    """A knowledge folder of topics with nothing but title and phrasings."""
    by_topic: dict[str, list[str]] = {}
    for phrasing, topic in pairs:
        by_topic.setdefault(topic, []).append(phrasing)
    (folder / "topics").mkdir(parents=True, exist_ok=True)
    for topic, phrasings in by_topic.items():
        text = yaml.dump({"title": topic, "phrasings": phrasings}, allow_unicode=True, default_style='"', Dumper=yaml.CSafeDumper)
        (folder / "topics" / f"{topic}.yaml").write_text(text, "utf-8")
