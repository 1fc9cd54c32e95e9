"""JSON Schema of the knowledge files, with Chinese hints, for completion and checks in an editor such as VS Code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.wording import sentences

from .schema import FILES, TopicEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

TOPIC_FILES = "topics/*.yaml"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> Mapping[str, dict[str, Any]]:
    """Pattern of file names → JSON Schema."""
    models: dict[str, type[BaseModel]] = {TOPIC_FILES: TopicEntry, **FILES}
    return {pattern: {"$schema": DIALECT, **_described(model.model_json_schema())} for pattern, model in models.items()}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a Chinese description at every field, and without pydantic's English titles and docstrings."""
    hints = sentences()
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("description", None)
        part.pop("title", None)
        for name, field in part.get("properties", {}).items():
            field.pop("title", None)
            if hint := hints.get(f"field.{name}"):
                field["description"] = hint
    return schema
