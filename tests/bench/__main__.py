"""Prints the figures of README: `make bench`; `make bench PART=delivery` for a part, `make bench FILE=messages.jsonl` for other labelled messages."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from pathlib import Path

from . import corpus, delivery, telegram, understanding

PARTS = ("understanding", "delivery", "telegram")


def main() -> None:
    """All parts, one after the other."""
    parser = ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("part", nargs="?", choices=PARTS, help="only this one")
    parser.add_argument("--messages", type=Path, default=corpus.BLIND, help='labelled messages, one {"text", "label", "accept"} per line')
    arguments = parser.parse_args()
    if arguments.part in {None, "understanding"}:
        understanding.main(arguments.messages)
    if arguments.part in {None, "delivery"}:
        asyncio.run(delivery.main())
    if arguments.part in {None, "telegram"}:
        asyncio.run(telegram.main())


if __name__ == "__main__":
    main()
