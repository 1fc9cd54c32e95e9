"""The HTTP server: from a request to a method and back."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.telegram.fake import control, editing, feed, forum, profile, sending
from tests.telegram.fake.call import read_request
from tests.telegram.fake.errors import RefusedError, too_many
from tests.telegram.fake.limits import EVERYBODY
from tests.telegram.fake.registry import METHODS, Method
from tests.telegram.fake.webhook import Webhook

if TYPE_CHECKING:
    from tests.telegram.fake.call import Call
    from tests.telegram.fake.chats import Json
    from tests.telegram.fake.faults import Fault
    from tests.telegram.fake.world import World

logger = logging.getLogger(__name__)
TOKEN = "7000000001:AAFakeFakeFakeFakeFakeFakeFakeFakeFak"
"""In the shape of a real one, so that log scrubbers see it."""
MODULES = (sending, editing, forum, profile, feed)
"""Importing them registers their methods."""
PAGE = "<html>\r\n<head><title>{code} {reason}</title></head>\r\n<body>\r\n<center><h1>{code} {reason}</h1></center>\r\n</body>\r\n</html>\r\n"
REASONS = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Time-out"}


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a call comes to: a JSON body or a page, or a connection that ends."""

    code: int
    body: Json
    page: str = ""
    dropped: bool = False
    early: bool = False

    @property
    def word(self) -> str:
        if self.dropped:
            return "dropped"
        return "page" if self.page else "ok" if self.body.get("ok") else str(self.body.get("description"))


class Server:
    """The methods on a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.webhook = Webhook(world, self.execute)

    async def execute(self, call: Call) -> Outcome:
        """Carry a call out, with whatever fault waits for it, and write it down."""
        note: Json = {"number": len(self.world.calls), "at": time.time(), "method": call.method, "outcome": None}
        note |= {"parameters": dict(call.values), "files": sorted(call.files)}
        self.world.calls.append(note)
        outcome = await self._meet(call)
        result = outcome.body.get("result") if not call.method.lower().startswith("get") else None
        note |= {"outcome": outcome.word, "code": outcome.code, "result": result, "done": time.time(), "early": outcome.early}
        if outcome.body.get("parameters"):
            note["told"] = outcome.body["parameters"]
        return outcome

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """`/bot<token>/<method>`."""
        if request.match_info["token"] != self.world.token:
            return _json(RefusedError("", 401))
        try:
            call = await read_request(request, request.match_info["method"])
        except RefusedError as error:
            return _json(error)
        outcome = await self.execute(call)
        if outcome.dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if outcome.page:
            return web.Response(status=outcome.code, text=outcome.page, content_type="text/html")
        return web.json_response(outcome.body, status=outcome.code)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """`/file/bot<token>/<path>`."""
        if request.match_info["token"] != self.world.token:
            return _json(RefusedError("", 401))
        file = self.world.files.at(request.match_info["path"])
        return web.Response(body=file.content, content_type="application/octet-stream") if file is not None else _json(RefusedError("", 404))

    async def _meet(self, call: Call) -> Outcome:
        fault = self.world.faults.meet(call)
        lane = _lane(call)
        early = self.world.limits.is_early(lane)
        if fault is not None and (outcome := await self._go_wrong(fault, lane)) is not None:
            outcome.early = early and outcome.code == 429
            return outcome
        outcome = await self._run(call)
        outcome.early = early and outcome.code == 429
        outcome.dropped = fault is not None and fault.kind == "drop_after"
        return outcome

    async def _go_wrong(self, fault: Fault, lane: int) -> Outcome | None:
        match fault.kind:
            case "refuse":
                return Outcome(code=fault.code, body={"ok": False, "error_code": fault.code, "description": fault.description, **_parameters(fault)})
            case "page":
                return Outcome(code=fault.code, body={}, page=PAGE.format(code=fault.code, reason=REASONS.get(fault.code, "Error")))
            case "flood":
                if lane != EVERYBODY:
                    self.world.limits.tell(lane, fault.retry_after)
                return Outcome(code=429, body=too_many(fault.retry_after).body())
            case "drop_before":
                return Outcome(code=0, body={}, dropped=True)
            case "slow":
                await asyncio.sleep(fault.seconds)
                return None
            case "drop_after":
                return None

    async def _run(self, call: Call) -> Outcome:
        try:
            method = self._find(call)
            self._count(method, call)
            result = method.run(self.world, call)
            if inspect.isawaitable(result):
                result = await result
        except RefusedError as error:
            return Outcome(code=error.code, body=error.body())
        except Exception as error:
            logger.exception("fake method failed")
            self.world.fail("fake broke", method=call.method, parameters=call.values, error=f"{type(error).__name__}: {error}")
            return Outcome(code=500, body=RefusedError("Internal Server Error", 500).body())
        return Outcome(code=200, body={"ok": True, "result": result})

    def _find(self, call: Call) -> Method:
        method = METHODS.get(call.method.lower())
        if method is None:
            self.world.fail("unknown method", method=call.method, parameters=call.values)
            raise RefusedError("", 404)
        attached = str(call.values)
        unknown = sorted(
            (set(call.values) - method.parameters) | {name for name in call.files if name not in method.parameters and f"attach://{name}" not in attached}
        )
        if unknown:
            self.world.fail("unknown parameters", method=method.name, parameters=unknown)
        return method

    def _count(self, method: Method, call: Call) -> None:
        """Messages count for the chat, the group and in all; edits only in all."""
        if not method.costs:
            return
        chat = self.world.chats.get(_lane(call))
        media = call.json("media")
        count = len(media) if isinstance(media, list) else 1
        lane = chat.id if chat is not None and method.costs == "message" else EVERYBODY
        wait = self.world.limits.take(lane, count, group=chat is not None and lane == chat.id and chat.type != "private")
        if wait:
            raise too_many(wait)


def application(world: World) -> web.Application:
    """The server as an application."""
    server = Server(world)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app[control.WORLD] = world
    app.router.add_route("*", "/bot{token}/{method}", server.answer)
    app.router.add_get("/file/bot{token}/{path:.+}", server.download)
    app.router.add_get("/control/wait", control.wait)
    app.router.add_post("/control/reset", control.reset)
    app.router.add_post("/control/{verb}", control.control)

    async def stop(_: web.Application) -> None:
        await world.webhook.stop()

    app.on_shutdown.append(stop)
    return app


def _json(error: RefusedError) -> web.Response:
    return web.json_response(error.body(), status=error.code)


def _parameters(fault: Fault) -> dict[str, Any]:
    return {"parameters": fault.parameters} if fault.parameters else {}


def _lane(call: Call) -> int:
    try:
        return int(str(call.values.get("chat_id", EVERYBODY)))
    except ValueError:
        return EVERYBODY
