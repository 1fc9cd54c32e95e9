"""The running service: composition root of `posbot serve`."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aiohttp import web

from bot import hours
from bot.channels import console, webchat
from bot.channels.http import JSON_LIMIT, InFlight, guarded, listening, origin
from bot.channels.webhook import routes as webhook
from bot.channels.webhook import sources as webhook_sources
from bot.channels.webhook.callbacks import Callbacks
from bot.domain.clock import SECOND
from bot.domain.desk import Desk
from bot.domain.errors import AlreadyRunning
from bot.minds import Minds
from bot.ops.meter import Meter
from bot.ops.site import Site
from bot.service.bell import Bell, Bells
from bot.service.board import Board
from bot.service.conversations import Conversations
from bot.service.deciding import Decider
from bot.service.delivery import Deliveries
from bot.service.echoes import Echoes
from bot.service.intake import Intake
from bot.service.passwords import Passwords
from bot.service.sessions import Sessions
from bot.service.staff import Accounts
from bot.service.steady import Steady
from bot.service.timers import Timers, retention
from bot.settings import DAY
from bot.storage.sqlite import SQLiteStore
from bot.telegram import in_parts, opened, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from bot.channels.webhook.sources import Source
    from bot.domain.messages import Reply
    from bot.service.ports import Channel, Fetch, Mind, Retention, Store
    from bot.settings import Settings
    from bot.telegram import NoTelegram, Telegram

GRACE = 10.0
"""Seconds that requests in flight get at the end, and after them deliveries; systemd and Docker wait for both."""
SWITCH = 0.0005
"""Seconds after which a thread that decides lets another one go on. The thread that commits asks for its turn at every statement, and would wait Python's 5 ms
each time: with them a fifth fewer messages are taken in when many come at once."""
logger = logging.getLogger(__name__)


def clock() -> int:
    """Microseconds UTC, as other machines count them: for what is agreed with others. What waits here is timed by `Steady`."""
    return time_ns() // 1000


def elapsed() -> int:
    """Microseconds by a clock that nobody sets."""
    return monotonic_ns() // 1000


def new_id() -> str:
    """128 random bits that nobody can guess, as 32 characters."""
    return secrets.token_hex(16)


async def open_store(settings: Settings) -> Store:
    """The database that the settings name. Raises StoreUnavailable, AlreadyRunning."""
    if settings.is_postgres:
        from bot.storage.postgres import PostgresStore  # noqa: PLC0415  (its driver is loaded only where it is used)

        return await PostgresStore.open(settings.database.get_secret_value(), new_id)
    return await SQLiteStore.open(settings.database_file, new_id)


async def open_beside(settings: Settings) -> Store:
    """The same, also while a service works with it. Raises StoreUnavailable."""
    try:
        return await open_store(settings)
    except AlreadyRunning:
        return await SQLiteStore.beside(settings.database_file, new_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A service that takes messages in: where it listens, and the signal to end. `hook_address` is for Telegram's server, empty where updates are fetched.
    `first` are login and password of the account that was made because there was none; the password is nowhere else."""

    address: str
    ops_address: str
    hook_address: str
    stop: asyncio.Event
    first: tuple[str, str] | None = None


async def serve(settings: Settings, ready: Callable[[Running], None]) -> None:
    """Run until SIGTERM, SIGINT or `stop`; `ready` is called when merchants can come. Raises PosbotError when it cannot start,
    CancelledError after a second SIGINT.

    At the end nobody new is let in, requests in flight are finished, then deliveries in flight, then the database is closed; what waits is handled after the
    next start. Health and metrics are told as long as anything is at work.
    """
    meter, stop = Meter(), asyncio.Event()
    async with AsyncExitStack() as ending:
        store = await open_store(settings)
        ending.push_async_callback(store.close)
        minds = Minds(settings.knowledge, settings.cache, meter)
        inbox, outbox, said = Bell(), Bell(), Bells()
        steady = Steady(wall=clock, elapsed=elapsed, latest=await store.latest())
        sources = webhook_sources.read(settings.sources) if settings.sources else {}
        callbacks = await ending.enter_async_context(Callbacks(sources=sources.values(), clock=steady, wall=clock))
        intake = Intake(store=store, mind=minds.now, clock=steady, bell=inbox, meter=meter)
        telegram = await ending.enter_async_context(opened(settings, intake=intake, store=store, mind=minds.now, said=said, meter=meter, clock=steady))
        channels: dict[str, Channel] = {**dict.fromkeys(webhook_sources.pushing(sources.values()), callbacks), **telegram.channels}
        board = _board(settings, store, minds.now, steady)
        decider = _decider(settings, minds.now, board.now, steady, channels)
        conversations = Conversations(store=store, decide=decider.decide, clock=steady, said=said, outbox=outbox, meter=meter)
        deliveries = Deliveries(store=store, channels=channels, clock=steady, meter=meter)
        timers = Timers(store=store, clock=steady, kept=partial(kept, settings))
        site = Site(store=store, meter=meter, clock=steady, reload=minds.reload)
        ops_address = await _listen(ending, site.app(), settings.ops_host, settings.ops_port, grace=1.0)
        ending.push_async_callback(deliveries.finish, GRACE)
        own = (conversations.run(inbox), deliveries.run(outbox), timers.run(inbox), board.run(), minds.watch(), telegram.run())
        await ending.enter_async_context(_working(*own, *_echoes(settings, store, said)))
        front = _front(settings, sources, intake, store, said, lambda: minds.now().welcome(), telegram=telegram)
        accounts = _staff(settings, store, front, intake, said, minds.now, fetch=telegram.fetch) if settings.console == "on" else None
        ways_in = {
            "address": await _listen(ending, front, settings.host, settings.port, grace=GRACE),
            "hook_address": await ending.enter_async_context(telegram.let_in()),
        }
        # The last that can go wrong, because its password is told once.
        _begin(Running(**ways_in, ops_address=ops_address, stop=stop, first=await accounts.first() if accounts else None), ready)
        await stop.wait()
        site.draining = True
        logger.info("ending", extra={"event": "ending"})


def _decider(settings: Settings, mind: Callable[[], Mind], desk: Callable[[], Desk], clock: Callable[[], int], channels: Mapping[str, Channel]) -> Decider:
    """What decides about conversations, for every channel."""
    return Decider(
        mind=mind, desk=desk, clock=clock, new_id=new_id, zone=ZoneInfo(settings.zone), pushing=channels.__contains__, read=read, in_parts=in_parts
    )  # fmt: skip


def _echoes(settings: Settings, store: Store, said: Bells) -> tuple[Coroutine[None, None, None], ...]:
    """Listens to other processes; an embedded database has none."""
    return (Echoes(store=store, bells=said).run(),) if settings.is_postgres else ()


def _begin(running: Running, ready: Callable[[Running], None]) -> None:
    """From here on merchants can come."""
    _stop_on_signals(running.stop)
    settle()
    ready(running)


def settle() -> None:
    """Everything is loaded: what is there now stays, so that collections look at the rest only; and threads take turns as `SWITCH` says."""
    gc.freeze()
    sys.setswitchinterval(SWITCH)


def _front(  # noqa: PLR0913  (dependencies, in their order)
    settings: Settings,
    sources: Mapping[str, Source],
    intake: Intake,
    store: Store,
    said: Bells,
    welcome: Callable[[], Reply],
    *,
    telegram: Telegram | NoTelegram,
) -> web.Application:
    """What merchants and other apps reach."""
    front = web.Application(middlewares=[guarded], client_max_size=JSON_LIMIT)
    webhook.add_routes(front, sources=sources, intake=intake, store=store, clock=clock, proxies=settings.proxies)
    webchat.add_routes(
        front, intake=intake, store=store, bells=said, clock=clock, new_id=new_id, welcome=welcome, options=_chat(settings), continued=telegram.continued
    )
    return front


def _board(settings: Settings, store: Store, mind: Callable[[], Mind], clock: Callable[[], int]) -> Board:
    """How things stand with the staff."""
    decided = rules(settings)
    if decided.calendar.off and datetime.fromtimestamp(clock() / SECOND, ZoneInfo(settings.zone)).date() > (until := hours.known_until()):
        logger.warning("holidays are known until %s only: weekdays count as they are", until, extra={"event": "holidays_unknown"})
    return Board(desk=store.desk, staff=store.staff, mind=mind, rules=decided, clock=clock, new_id=new_id)


def rules(settings: Settings) -> Desk:
    """What an operator decides about the work of staff."""
    return Desk(
        calendar=hours.calendar(settings.hours, settings.holidays),
        pace=timedelta(minutes=settings.pace_minutes),
        assigns=settings.assign == "on",
        release=timedelta(minutes=settings.release_minutes),
        reopen=settings.reopen_days * DAY,
    )


def _staff(  # noqa: PLR0913  (dependencies, in their order)
    settings: Settings, store: Store, front: web.Application, intake: Intake, said: Bells, mind: Callable[[], Mind], *, fetch: Fetch
) -> Accounts:
    """What staff reach, and their accounts."""
    passwords = Passwords()
    accounts = Accounts(store=store.staff, passwords=passwords, clock=clock)
    sessions = Sessions(store=store.staff, passwords=passwords, clock=clock)
    options = console.Options(zone=ZoneInfo(settings.zone), proxies=settings.proxies, https=settings.public_url.startswith("https://"))
    work = console.Work(
        desk=store.desk, reports=store.reports, staff=store.staff, intake=intake, said=said, keep=store.keep, mind=mind, clock=clock, new_id=new_id,
        held=store.held, fetch=fetch,
    )  # fmt: skip
    console.add_routes(front, accounts=accounts, sessions=sessions, options=options, work=work)
    return accounts


def _chat(settings: Settings) -> webchat.Options:
    """What an operator decides about the web chat. The page promises the longest time for which anything is kept."""
    secret = settings.merchant_secret
    return webchat.Options(
        kept=max(settings.keep_messages, settings.keep_photos, settings.keep_conversations) * DAY,
        merchant_secrets=(secret.get_secret_value().encode(),) if secret else (),
        frame_ancestors=("'self'", *settings.embed.split()),
        proxies=settings.proxies,
        https=settings.public_url.startswith("https://"),
    )


def kept(settings: Settings, now: int) -> Retention:
    """The moments before which things are forgotten."""
    return retention(
        now, messages=settings.keep_messages * DAY, photos=settings.keep_photos * DAY, conversations=settings.keep_conversations * DAY,
        audit=settings.keep_audit * DAY,
    )  # fmt: skip


@asynccontextmanager
async def _working(*loops: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Tasks that work side by side without end; when one fails, all end, and the service with them: it is better started anew than half there."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _listen(ending: AsyncExitStack, app: web.Application, host: str, port: int, *, grace: float) -> str:
    """Let requests in until the end, when those in flight get so many seconds; the address. Raises SettingsError when the port is taken."""
    flying = InFlight()
    app.middlewares.insert(0, flying.counted)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace / 10, handle_signals=False)  # it waits twice: before it cancels them, and after
    await runner.setup()
    ending.push_async_callback(_close, runner, flying, grace * 8 / 10)
    with listening(host, port):
        await web.TCPSite(runner, host, port, backlog=1024).start()
    return origin(host, runner.addresses[0][1])


async def _close(runner: web.AppRunner, flying: InFlight, grace: float) -> None:
    """Let nobody new in, finish what is in flight, close. aiohttp by itself would take nothing more of a body that is still arriving."""
    try:
        for site in list(runner.sites):
            await site.stop()
        await runner.shutdown()  # streams without end are told to end
        await flying.landed(grace)
    finally:
        await runner.cleanup()


def _stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and Ctrl-C end in good order; with each further Ctrl-C one more thing is not waited for. (KeyboardInterrupt would hit any task, also the one that
    writes to the database.)"""
    serving = asyncio.current_task()
    assert serving is not None

    def interrupted() -> None:
        if stop.is_set():
            serving.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, interrupted)
