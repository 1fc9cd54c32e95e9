"""The description of the interface (OpenAPI 3.1): made from the models of the wire and one table of operations, from which the routes are made too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from . import signing, wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

VERSION = "1.0.0"
DEFAULT_LIMIT, MOST_LINES = 50, 200
LARGEST_LINE_ID = (1 << 63) - 1
INTRODUCTION = """Every request but this one is signed by the Standard Webhooks scheme (https://www.standardwebhooks.com): `webhook-signature` is `v1,` and the
base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<content>`, with the bytes behind `whsec_` in the secret as key. The content is the body as it is
sent; of a GET it is the path with the query as it is sent. `webhook-timestamp` is in seconds and may be 300 seconds off. `webhook-id` is the message's own:
who hears no answer, or 408, 429 or 503, sends the same message with the same id again, and it counts once per merchant."""
_PROBLEMS = {
    400: "The body is no JSON in UTF-8, or the request is malformed.",
    401: "Not signed, not by a secret of this source, or at another time.",
    404: "No such conversation, or another source's.",
    405: "Another method is wanted.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "Compressed bodies are not taken.",
    422: "A field is missing, unknown or wrong.",
    429: "Too often; once more after `Retry-After` seconds.",
    503: "The database is not available, nothing was kept; once more after `Retry-After` seconds.",
}
_WAITS = {"Retry-After": {"description": "seconds", "required": True, "schema": {"type": "integer", "minimum": 1}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked. `id` names its handler, `problems` are the statuses that it may answer besides `status`."""

    id: str
    method: str
    path: str
    summary: str
    status: int
    answer: type[BaseModel] | None
    takes: type[BaseModel] | None = None
    parameters: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[int, ...] = ()
    signed: bool = True


def _parameter(place: str, name: str, description: str, **schema: object) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "description": description, "schema": schema}


_SOURCE = _parameter("path", "source", "name of the app, as the operator listed it", type="string", pattern="^[a-z0-9][a-z0-9-]{0,31}$")
_CONVERSATION = _parameter("path", "conversation", "as it was answered to a message", type="string", pattern="^[A-Za-z0-9_-]{1,64}$")
_PHOTO = _parameter("path", "photo", "`photo` of a line", type="string", pattern="^[0-9a-f]{32}$")
_AFTER = _parameter("query", "after", "lines after this one", type="integer", minimum=0, maximum=LARGEST_LINE_ID, default=0)
_LIMIT = _parameter("query", "limit", "this many lines at most", type="integer", minimum=1, maximum=MOST_LINES, default=DEFAULT_LIMIT)
_SENT = (400, 401, 408, 413, 415, 422, 429, 503)
OPERATIONS = (
    Operation(
        id="message", method="POST", path="/v1/sources/{source}/messages", summary="A merchant wrote a text or tapped a choice", status=202,
        takes=wire.Message, answer=wire.Accepted, parameters=(_SOURCE,), problems=_SENT,
    ),
    Operation(
        id="photo", method="POST", path="/v1/sources/{source}/photos", summary="A merchant sent a picture", status=202,
        takes=wire.PhotoMessage, answer=wire.Accepted, parameters=(_SOURCE,), problems=_SENT,
    ),
    Operation(
        id="lines", method="GET", path="/v1/sources/{source}/conversations/{conversation}/messages", summary="Lines of a conversation", status=200,
        answer=wire.Lines, parameters=(_SOURCE, _CONVERSATION, _AFTER, _LIMIT), problems=(400, 401, 404, 422, 429, 503),
    ),
    Operation(
        id="picture", method="GET", path="/v1/sources/{source}/conversations/{conversation}/photos/{photo}", summary="A picture of a conversation", status=200,
        answer=wire.Picture, parameters=(_SOURCE, _CONVERSATION, _PHOTO), problems=(400, 401, 404, 422, 429, 503),
    ),
    Operation(id="description", method="GET", path="/v1/openapi.json", summary="This description", status=200, answer=None, signed=False),
)  # fmt: skip


def document() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "posbot: connect another app", "version": VERSION, "description": INTRODUCTION},
        "paths": paths,
        "webhooks": {"line": {"post": _callback()}},
        "components": {"schemas": _schemas(), "securitySchemes": {_scheme(name): _header(name) for name in _HEADERS}},
    }


_HEADERS = {
    signing.ID: "the message's own id, made by the sender: letters, digits and _ - : ~, at most 100",
    signing.TIMESTAMP: "seconds since 1970",
    signing.SIGNATURE: "`v1,` and base64; several with blanks between them",
}
_SIGNED: list[dict[str, list[str]]] = [{name.replace("webhook-", "signature-"): [] for name in _HEADERS}]


def _scheme(header: str) -> str:
    return header.replace("webhook-", "signature-")


def _header(name: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": name, "description": _HEADERS[name]}


def _schemas() -> dict[str, Any]:
    models = (wire.Message, wire.PhotoMessage, wire.Accepted, wire.Lines, wire.Picture, wire.Pushed, wire.Problem)
    _, definitions = models_json_schema([(model, "validation") for model in models], ref_template="#/components/schemas/{model}")
    schemas: dict[str, Any] = definitions["$defs"]
    for name, examples in wire.examples().items():
        schemas[name]["examples"] = examples
    return schemas


def _json(model: type[BaseModel] | None) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"} if model else {"type": "object"}
    return {"application/json": {"schema": schema}}


def _operation(operation: Operation) -> dict[str, Any]:
    answers: dict[str, Any] = {str(operation.status): {"description": operation.summary, "content": _json(operation.answer)}}
    for status in operation.problems:
        waits = {"headers": _WAITS} if status in {429, 503} else {}
        answers[str(status)] = {"description": _PROBLEMS[status], "content": _json(wire.Problem), **waits}
    described = {"operationId": operation.id, "summary": operation.summary, "parameters": list(operation.parameters), "responses": answers}
    described["security"] = _SIGNED if operation.signed else []
    if operation.takes:
        described["requestBody"] = {"required": True, "content": _json(operation.takes)}
    return described


def _callback() -> dict[str, Any]:
    """What a source's own server is sent."""
    answers = {
        "2XX": "Taken. The next line of this merchant follows.",
        "410": "Never again: this line is dropped.",
        "429": "Later: after `Retry-After` seconds. 503 with `Retry-After` too.",
        "default": "Once more, later and later, for a day.",
    }
    return {
        "operationId": "pushed", "summary": "A line of the bot or of staff for a merchant", "security": _SIGNED,
        "requestBody": {"required": True, "content": _json(wire.Pushed)},
        "responses": {status: {"description": text} for status, text in answers.items()},
    }  # fmt: skip
