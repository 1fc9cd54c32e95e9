"""From a file's tree to its schema model, or to every problem in Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from rapidfuzz import fuzz, process

from bot.wording import say

from .document import FULL_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from bot.domain.errors import Problem

    from .document import Document, Path

Model = TypeVar("Model", bound=BaseModel)
NEAR = 60
"""Least `fuzz.ratio` for "did you mean": below it the suggestion is noise."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """`；你是不是想写“…”？` for the nearest known word, or nothing."""
    near = process.extractOne(word, list(known), scorer=fuzz.ratio, processor=None, score_cutoff=NEAR)
    return say("schema.suggestion", word=near[0]) if near else ""


def validate(model: type[Model], document: Document) -> tuple[Model | None, list[Problem]]:
    """The model of the file, or None and its problems, at most one per place."""
    try:
        return model.model_validate(document.tree), []
    except ValidationError as invalid:
        problems: dict[Path, Problem] = {}
        for error in invalid.errors(include_url=False):
            path = _written(document, error["loc"])
            problems.setdefault(path, document.problem(path, _sentence(error, model)))
        return None, list(problems.values())


def _written(document: Document, location: tuple[int | str, ...]) -> Path:
    """The part of a pydantic location that exists in the file (it also names union members and keys)."""
    path: Path = ()
    for part in location:
        if (*path, part) in document.lines:
            path = (*path, part)
    return path if path else location[:1]


def _sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """One pydantic error as an editor can read it."""
    value, field = error["input"], str(error["loc"][-1]) if error["loc"] else ""
    match error["type"]:
        case "missing":
            return say("schema.missing", field=field)
        case "extra_forbidden":
            return say("schema.unknown-field", field=field, suggestion=suggestion(field, _field_names(model)))
        case "string_pattern_mismatch":
            return say("schema.bad-id", value=value) + _punctuation(value)
        case kind:
            return _limit(kind, value, error.get("ctx", {})) or _wrong_shape(kind, value)


def _limit(kind: str, value: Any, context: dict[str, Any]) -> str | None:
    """The sentence for a value that is not in a list of words, too long, or too many."""
    match kind:
        case "one_of":
            return say("schema.one-of", value=value, words=" ".join(context["words"]), suggestion=suggestion(value, context["words"]))
        case "literal_error":
            return say("schema.one-of", value=value, words=context["expected"].replace("'", ""), suggestion="")
        case "duration":
            return say("schema.duration", value=value)
        case "string_too_long":
            return say("schema.too-long", most=context["max_length"], now=len(value))
        case "too_short" | "too_long":
            return say("schema.count", least=context.get("min_length", 0), most=context.get("max_length", ""), now=context["actual_length"])
        case _:
            return None


def _wrong_shape(kind: str, value: Any) -> str:
    """The sentence for text, list or mapping in place of one another."""
    if value is None or value == "":
        return say("schema.empty")
    wanted = {"string_type": "text", "list_type": "list"}.get(kind, "mapping")
    return say(f"schema.want-{wanted}") + _punctuation(value)


def _punctuation(value: object) -> str:
    """The hint about full-width marks, when the text holds one."""
    found = FULL_WIDTH.search(value) if isinstance(value, str) else None
    return say("yaml.full-width-hint", mark=found.group()) if found else ""


def _field_names(model: type[BaseModel]) -> set[str]:
    """Every field name that may stand anywhere in this file."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}
