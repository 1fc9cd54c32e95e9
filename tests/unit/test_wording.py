"""Every sentence of the program exists and is used; no Chinese sentence hides in the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from bot.wording import say, sentences

BOT = Path(__file__).parents[2] / "bot"
MODULES = sorted(BOT.rglob("*.py"))
RECOGNISES = ("understanding", "kb/scales.py", "kb/schema.py", "kb/document.py", "kb/checks.py", "kb/desk.py", "storage/words.py")
"""Where Chinese stands in the code: patterns that read words, and the vocabulary of the knowledge files."""
HAN = re.compile("[\u4e00-\u9fff]")
BUILT = (
    "cli.",
    "ask.",
    "field.",
    "check.unknown-",
    "http.",
    "schema.want-",
    "simulate.",
    "webchat.",
    "console.",
    "audit.",
    "export.",
    "telegram.command-",
    "telegram.link-",
    "forum.button-",
    "forum.fate-",
    "forum.line-",
    "forum.menu-",
    "forum.remind-",
    "forum.unit-",
    "desk.command-",
    "desk.good-",
    "desk.no-",
)
"""Keys that are put together at run time."""


def _keys() -> set[str]:
    found = set()
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in {"say", "refuse"}:
                found |= {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value}
    return found


def _said_by_templates() -> tuple[set[str], set[str]]:
    """Keys of `console.*` that templates say, and beginnings of those that they put together."""
    calls = [call for template in BOT.rglob("templates/*") for call in re.findall(r"\bt\(([^()]*)", template.read_text("utf-8"))]
    keys = [found for call in calls for found in re.findall(r"""["']([a-z0-9-]+)["']( ~)?""", call)]
    return {f"console.{key}" for key, more in keys if not more and not key.startswith("-")}, {f"console.{key}" for key, more in keys if more}


def test_what_templates_say_is_there_and_all_of_it_is_said() -> None:
    whole, begun = _said_by_templates()
    there = {key for key in sentences() if key.startswith("console.")}
    assert whole <= there
    assert [beginning for beginning in begun if not any(key.startswith(beginning) for key in there)] == []
    assert [key for key in there - whole - _keys() if not key.startswith((*begun, "console.done-", "console.attachment-"))] == []


def test_every_key_has_a_sentence() -> None:
    assert {key for key in _keys() if re.fullmatch(r"[a-z]+\.[a-z0-9-]*[a-z0-9]", key)} <= set(sentences())


def test_every_sentence_is_used() -> None:
    used = _keys()
    assert [key for key in sentences() if key not in used and not key.startswith(BUILT)] == []


@pytest.mark.parametrize("key", sorted(sentences()))
def test_sentence_can_be_filled(key: str) -> None:
    names = {name for _, name, spec, _ in Formatter().parse(sentences()[key]) if name and not spec}
    numbers = {name for _, name, spec, _ in Formatter().parse(sentences()[key]) if name and spec and spec.endswith("f")}
    texts = {name for _, name, spec, _ in Formatter().parse(sentences()[key]) if name and spec and not spec.endswith("f")}
    assert HAN.search(say(key, **dict.fromkeys(names | texts, "x"), **dict.fromkeys(numbers, 0.5)) + "中" * (key in SYMBOLS))


SYMBOLS = {
    "console.groups-between",
    "console.report-helped",
    "console.report-part",
    "console.report-step-of",
    "simulate.row",
    "ask.comma",
    "ask.topic",
    "terminal.farewells",
    "yaml.syntax",
    "forum.title",
    "forum.card-head",
    "forum.card-flags",
    "forum.deed",
    "forum.line-merchant",
    "forum.line-bot",
    "forum.line-note",
    "forum.refused",
}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(BOT).as_posix())
def test_sentences_live_in_yaml(module: Path) -> None:
    if module.relative_to(BOT).as_posix().startswith(RECOGNISES):
        return
    tree = ast.parse(module.read_text("utf-8"))
    docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))}
    attribute_docs = {node.value.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert [text for text in texts - docstrings - attribute_docs if HAN.search(text)] == []
