"""Run the fake as a process: prints one JSON line with its address and token when it is ready, and ends with SIGTERM, or with its input if it is told so."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from aiohttp import web

from tests.telegram.fake.server import TOKEN, application
from tests.telegram.fake.world import World


async def run(options: argparse.Namespace) -> None:
    """Serve until somebody says stop."""
    world = World(token=options.token, scale=options.scale)
    world.limits.on, world.limits.scale = not options.no_limits, options.scale
    runner = web.AppRunner(application(world), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", options.port)
    await site.start()
    host, port = runner.addresses[0][:2]
    sys.stdout.write(json.dumps({"url": f"http://{host}:{port}", "token": options.token}) + "\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if options.until_eof:
        asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.telegram.fake", description="A fake Bot API server on the loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--scale", type=float, default=1.0, help="real length of a second of the limits and the webhook's pauses")
    parser.add_argument("--no-limits", action="store_true", help="never 429 by itself")
    parser.add_argument("--until-eof", action="store_true", help="end when the input is closed: so it outlives nobody who was killed")
    asyncio.run(run(parser.parse_args()))
