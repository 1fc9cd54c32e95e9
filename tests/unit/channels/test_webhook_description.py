"""The interface does what its description says: routes, examples, and whatever a fuzzer makes of the schema; README's examples run as they stand."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import requests
import schemathesis
import yaml
from aiohttp import web
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from standardwebhooks import Webhook

from bot.channels.webhook import openapi, wire
from bot.channels.webhook.routes import add_routes
from bot.channels.webhook.sources import parse
from bot.wording import sentences
from tests.hook import SECRET, SHOP, staged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case
    from schemathesis.schemas import BaseSchema

    from bot import app
    from tests.hook import Stage

README = Path(__file__).parents[3] / "README.md"
DOCUMENT = openapi.document()
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
ids = count(1)


def test_every_route_is_described_and_every_description_has_its_route() -> None:
    application = web.Application()
    add_routes(application, sources={}, intake=None, store=None, clock=int)  # type: ignore[arg-type]
    routes = {(route.method, route.resource.canonical) for route in application.router.routes() if route.resource}
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routes == described


EXAMPLES = [(name, example) for name, examples in wire.examples().items() for example in examples]


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples_are_valid(name: str, example: dict[str, Any]) -> None:
    getattr(wire, name).model_validate(example)
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(schema).validate(example)
    assert not jsonschema_rs.validator_for(schema).is_valid({})


def test_the_description_is_good_openapi() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    operations = {operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()}
    assert operations == {operation.id for operation in openapi.OPERATIONS}
    assert set(re.findall(r'problem\(\d+, "([a-z-]+)"', _code())) <= {key.removeprefix("http.") for key in sentences()}


def _code() -> str:
    return "".join(path.read_text("utf-8") for path in sorted(Path(openapi.__file__).parent.glob("*.py")))


# fuzzing


@contextmanager
def serving(folder: Path, mind: app.Mind) -> Iterator[str]:
    """A server in a thread of its own, for clients that are not asynchronous; merchants are answered meanwhile."""
    loop, ending, made = asyncio.new_event_loop(), AsyncExitStack(), []

    async def begin() -> Stage:
        stage = await ending.enter_async_context(staged(folder, mind, SHOP))
        made.append(loop.create_task(stage.conversations.run(stage.bell)))
        return stage

    async def end() -> None:
        made[0].cancel()
        await asyncio.gather(*made, return_exceptions=True)
        await ending.aclose()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(begin(), loop).result(20).url
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def address(mind: app.Mind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("hook"), mind) as url:
        yield url


class Signed(requests.auth.AuthBase):
    """Signs a request as it goes out."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body.decode("utf-8", "replace") if isinstance(request.body, bytes) else str(request.body or "")
        content = body or request.path_url
        id, at = f"f{next(ids)}", int(time.time())
        signature = Webhook(SECRET).sign(id, datetime.fromtimestamp(at, UTC), content)
        request.headers.update({"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature})
        return request


BOUNDED = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def known(address: str) -> str:
    """A conversation that is there."""
    answer = requests.post(f"{address}/v1/sources/shop/messages", json={"merchant": "known", "text": "打印机不出纸"}, auth=Signed(), timeout=5)
    conversation: str = answer.json()["conversation"]
    return conversation


def described(operation: str) -> BaseSchema:
    """One thing that can be asked. All of them in one test would be tests of one name, of which whoever shares tests out by name runs only one."""
    return schemathesis.openapi.from_dict(DOCUMENT).include(operation_id=operation)


def signed(operation: str) -> Any:
    """Whatever is sent signed is answered as described."""

    @described(operation).parametrize()
    @BOUNDED
    def sent(case: Case[Any], address: str, known: str) -> None:
        for name, value in {"source": "shop", "conversation": known}.items():
            if name in case.path_parameters:
                case.path_parameters[name] = value
        pictures = case.operation.path.endswith("/photos")  # a schema cannot say what a picture is
        case.call_and_validate(base_url=address, auth=Signed(), checks=CHECKS if pictures else [*CHECKS, positive_data_acceptance])

    return sent


def unsigned(operation: str) -> Any:
    """Whatever is sent unsigned is answered as described, and refused."""

    @described(operation).parametrize()
    @BOUNDED
    def sent(case: Case[Any], address: str) -> None:
        response = case.call_and_validate(base_url=address, checks=CHECKS)
        assert response.status_code in {400, 401, 404, 405, 413, 415} or case.operation.path == "/v1/openapi.json"

    return sent


IDS = [operation.id for operation in openapi.OPERATIONS]
test_signed_message, test_signed_photo, test_signed_lines, test_signed_picture, test_signed_description = map(signed, IDS)
test_unsigned_message, test_unsigned_photo, test_unsigned_lines, test_unsigned_picture, test_unsigned_description = map(unsigned, IDS)


# README


def block(language: str) -> str:
    section = README.read_text("utf-8").split("## Connect another app\n")[1].split("\n## ")[0]
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", section, re.M | re.S)
    return str(text)


def run(address: str, *command: str) -> str:
    environment = {**os.environ, "URL": address, "SOURCE": "shop", "SECRET": SECRET, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, encoding="utf-8", timeout=20).stdout


def test_the_python_example_of_the_readme_runs(address: str) -> None:
    said = run(address, sys.executable, "-c", block("python").replace("m-1001", "python")).splitlines()
    assert said[0].startswith("merchant 打印机不出纸")
    assert said[1].startswith("bot ")
    assert "转人工" in said[1]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl or openssl is not there")
def test_the_shell_example_of_the_readme_runs(address: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", json.loads(run(address, "sh", "-euc", block("sh")))["conversation"])


def test_the_list_of_apps_in_the_readme_is_one() -> None:
    assert parse(yaml.safe_load(block("yaml").replace("whsec_…", SECRET)))["shop"].callback == "https://shop.example/posbot"
