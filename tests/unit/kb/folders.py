"""A small knowledge folder in which nothing is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TOPIC = """\
title: 打印机
summary: 打不出小票
questions: [paper]
causes:
  no-paper:
    title: 没纸了
    why: 纸用完了
    answers: {paper: {没纸: 总是}}
    fixes: {reload: 经常}
phrasings:
  - 小票打不出来
"""
GOOD = {
    "topics/printer.yaml": TOPIC,
    "questions.yaml": "paper:\n  text: 还有纸吗？\n  options:\n    有纸: [有纸]\n    没纸: [纸没了]\n",
    "steps.yaml": "reload:\n  title: 换纸\n  text: 打开仓盖换一卷新纸。\n",
    "slots.yaml": "story: {label: 经过, prompt: 说说经过？, kind: text}\n",
    "signals.yaml": "signals:\n  not-know:\n    title: 不知道\n    words: [不清楚]\n",
    "contacts.yaml": "- number: '95516'\n  name: 银联\n  for: 投诉\n",
}


def written(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root
