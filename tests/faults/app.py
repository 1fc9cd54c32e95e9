"""The other app, in a process of its own: takes the bot's lines at its callback, writes each down before it answers, and behaves badly at times.

Run as `python -m tests.faults.app PORT LOG FAULTS SEED`. `FAULTS` is the share of lines that meet one: asked to come later, an error after the line was
written down or before, a connection closed without an answer, an answer that takes its time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from random import Random
from time import time

from aiohttp import web

FAULTS = ("later", "error", "written, then error", "closed", "slow")
SLOW = 1.0
"""Seconds that a slow answer takes."""


def main() -> None:
    port, log, faults, seed = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    chance = Random(seed)
    with log.open("a", buffering=1, encoding="utf-8") as out:

        async def take(request: web.Request) -> web.StreamResponse:
            line = json.loads(await request.read())
            fault = chance.choice(FAULTS) if chance.random() < faults else ""
            if fault == "later":
                return web.Response(status=429, headers={"Retry-After": "1"})
            if fault == "error":
                return web.Response(status=500)
            unclear = fault if fault != "slow" else ""
            out.write(json.dumps({"id": request.headers["webhook-id"], "came": time(), "fault": unclear, **line}, ensure_ascii=False) + "\n")
            if fault == "written, then error":
                return web.Response(status=502)
            if fault == "closed" and request.transport is not None:
                request.transport.abort()
            if fault == "slow":
                await asyncio.sleep(SLOW)
            return web.Response()

        app = web.Application()
        app.router.add_post("/", take)
        os.write(1, b"ready\n")
        web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None, handle_signals=True)


if __name__ == "__main__":
    main()
