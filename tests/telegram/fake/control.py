"""What tests ask the server itself: settings, faults, raw updates, and what it has seen."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from tests.telegram.fake.acts import ACTS, act
from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.faults import Fault
from tests.telegram.fake.views import chat_view

if TYPE_CHECKING:
    from tests.telegram.fake.chats import Json
    from tests.telegram.fake.world import World

GATHERED = 0.01
"""Seconds in which changes are gathered before somebody looks again."""
WORLD: web.AppKey[World] = web.AppKey("world")


@act
def settings(world: World, given: Json) -> Json:
    """Change `limits` (on or off), `scale`, `query_seconds`, `stray`, `disorder`, `burst`, `per_group`, `overall`; what is not given stays.
    `seed` is for chance."""
    limits = world.limits
    limits.on = bool(given.get("limits", limits.on))
    limits.scale = world.scale = float(given.get("scale", world.scale))
    world.stray = bool(given.get("stray", world.stray))
    world.query_seconds = float(given.get("query_seconds", world.query_seconds))
    world.webhook.disorder = float(given.get("disorder", world.webhook.disorder))
    limits.burst, limits.per_group = int(given.get("burst", limits.burst)), int(given.get("per_group", limits.per_group))
    limits.overall = int(given.get("overall", limits.overall))
    if "seed" in given:
        world.faults.chance.seed(given["seed"])
        world.webhook.chance.seed(given["seed"])
    return {"limits": limits.on, "scale": world.scale, "query_seconds": world.query_seconds, "disorder": world.webhook.disorder}


@act
def fault(world: World, given: Json) -> bool:
    """Add a fault (see `faults.Fault`)."""
    world.faults.add(Fault(**{**given, "methods": tuple(given.get("methods", ()))}))
    return True


@act
def heal(world: World, given: Json) -> bool:
    """Take all faults away, and what has been told about waiting."""
    del given
    world.faults.waiting.clear()
    world.limits.forget()
    world.updates.duplicates = 0
    return True


@act
def duplicates(world: World, given: Json) -> bool:
    """So many (`times`) of the next confirmed updates come once more."""
    world.updates.duplicates = int(given["times"])
    return True


@act
def raw(world: World, given: Json) -> list[int]:
    """Push `updates` as they are. One without an update_id is given the next; `lane` makes them wait for each other."""
    lane = given.get("lane")
    if not all(isinstance(update, dict) for update in given["updates"]):
        raise ValueError("an update is an object")
    return [world.updates.push_raw(update, lane or _lane(update)) for update in given["updates"]]


@act
def restart_ids(world: World, given: Json) -> bool:
    """The next update has the id `next`: after a quiet week the real server begins anew."""
    world.updates.restart(int(given["next"]))
    return True


@act
def calls(world: World, given: Json) -> list[Json]:
    """The log: number, method, parameters, names of files, time, outcome ("ok", the error, "dropped"), code, result. From `since`, of one `method`."""
    wanted = str(given.get("method", "")).lower()
    return [call for call in world.calls[int(given.get("since", 0)) :] if not wanted or call["method"].lower() == wanted]


@act
def deliveries(world: World, given: Json) -> list[Json]:
    """Every try to bring an update to the webhook, from `since`."""
    return world.deliveries[int(given.get("since", 0)) :]


@act
def failures(world: World, given: Json) -> list[Json]:
    """What the product did that the fake does not know; `forget` empties the list."""
    found = list(world.failures)
    if given.get("forget"):
        world.failures.clear()
    return found


@act
def chat(world: World, given: Json) -> Json:
    """A chat as people see it."""
    return chat_view(world, world.chat(given["chat"]))


@act
def query(world: World, given: Json) -> Json | None:
    """The answer to a pressed button: `text` and `alert`; None as long as there is none."""
    return world.queries[given["query"]].answer


@act
def pending(world: World, given: Json) -> Json:
    """How many updates wait, how many were confirmed."""
    del given
    return {"pending": len(world.updates.pending), "confirmed": world.updates.confirmed, "next_id": world.updates.next_id}


@act
def profile(world: World, given: Json) -> Json:
    """Commands, descriptions and the name that were set."""
    del given
    return world.profile


async def reset(request: web.Request) -> web.Response:
    """A new world in the place of the old one: `scale`, `limits`."""
    given = json.loads(await request.read() or b"{}")
    world = request.app[WORLD]
    await world.renew(scale=float(given.get("scale", 1.0)), limits=bool(given.get("limits", True)))
    return web.json_response(True)


async def wait(request: web.Request) -> web.Response:
    """The version of what can be seen, once it is newer than `after`, or `timeout` seconds later."""
    world = request.app[WORLD]
    changed = world.changed
    if world.version <= int(request.query.get("after", "-1")):
        try:
            async with asyncio.timeout(float(request.query.get("timeout", "1"))):
                await changed.wait()
        except TimeoutError:
            pass
    await asyncio.sleep(GATHERED)
    return web.json_response({"version": world.version})


async def control(request: web.Request) -> web.Response:
    """Do what a verb says. 404 for an unknown one, 422 with the reason if it cannot be done."""
    verb = ACTS.get(request.match_info["verb"])
    if verb is None:
        return web.json_response({"error": "no such verb"}, status=404)
    body = await request.read()
    try:
        return web.json_response(verb(request.app[WORLD], json.loads(body or b"{}")))
    except (RefusedError, KeyError, TypeError, ValueError) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=422)


def _lane(update: Json) -> str:
    for content in update.values():
        if isinstance(content, dict) and isinstance(content.get("chat"), dict):
            return f"chat {content['chat'].get('id')}"
    return "raw"
