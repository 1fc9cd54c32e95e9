"""What operators type: start the service, check it, look after its data. Each command gives its exit code."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import sys
from contextlib import closing, suppress
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot import app, hours, server
from bot.channels.telegram import hook
from bot.domain.errors import KnowledgeError, PosbotError
from bot.ops import doctor, logs
from bot.storage import migrations, sqlite
from bot.wording import say

if TYPE_CHECKING:
    from pathlib import Path

    from bot.server import Running
    from bot.settings import Settings

DONE, FAILED, INTERRUPTED = 0, 1, 130
RELOAD_SECONDS = 120.0
"""A knowledge base of 100,000 phrasings is learnt in 12 seconds; slow machines may take longer."""
logger = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """`posbot serve`: until SIGTERM or Ctrl-C."""
    logs.begin(settings.log_format, settings.log_level)
    code = FAILED
    try:
        code = asyncio.run(_serve(settings))
    except* PosbotError as group:
        for error in _leaves(group):
            print(error, file=sys.stderr)
    except* Exception as group:  # a bug; told by the log, which hides what must not be seen
        logger.critical("ended by an error", exc_info=group, extra={"event": "crashed"})
    return code


async def _serve(settings: Settings) -> int:
    try:
        await server.serve(settings, _ready)
    except asyncio.CancelledError:  # Ctrl-C before it was ready, or twice
        return INTERRUPTED
    return DONE


def _leaves(group: BaseExceptionGroup[PosbotError]) -> list[PosbotError]:
    return [leaf for error in group.exceptions for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])]


def _ready(running: Running) -> None:
    """People read the address on standard output; so may programs, because it comes in one line."""
    print(say("serve.ready", address=running.address, ops=running.ops_address), flush=True)
    if running.hook_address:
        print(say("serve.hook", address=running.hook_address, path=hook.PATH), flush=True)
    if running.first:
        login, password = running.first
        print(say("serve.first", address=running.address, login=login, password=password), flush=True)


def check(settings: Settings) -> int:
    """`posbot doctor`: everything that must be right, each with what to do if it is not."""
    zone = ZoneInfo(settings.zone)
    findings = [_knowledge(settings), asyncio.run(_database(settings)), doctor.clock(zone)]
    if hours.calendar(settings.hours, settings.holidays).off:
        findings.append(doctor.holidays(hours.known_until(), datetime.now(zone).date()))
    if not settings.is_postgres:
        findings.append(doctor.disk(settings.database_file.parent))
    findings += [doctor.port(host, port) for host, port in _ports(settings)]
    for finding in findings:
        print(say("doctor.warning" if finding.warns else "doctor.good" if finding.good else "doctor.bad", text=finding.text))
    return DONE if all(finding.good for finding in findings) else FAILED


def _ports(settings: Settings) -> list[tuple[str, int]]:
    """Where the service would listen."""
    ports = [(settings.host, settings.port), (settings.ops_host, settings.ops_port)]
    return [*ports, (settings.host, settings.telegram_port)] if settings.telegram_token and settings.telegram_mode == "webhook" else ports


def _knowledge(settings: Settings) -> doctor.Finding:
    try:
        mind = app.wake(settings.knowledge, settings.cache)
    except KnowledgeError as error:
        return doctor.Finding(good=False, text=say("doctor.knowledge-broken", folder=settings.knowledge, count=len(error.problems), first=error.problems[0]))
    return doctor.Finding(good=True, text=say("doctor.knowledge", folder=settings.knowledge, topics=len(mind.kb.topics), version=mind.kb.version))


async def _database(settings: Settings) -> doctor.Finding:
    try:
        store = await server.open_store(settings)
        try:
            counts = await store.counts(server.clock())
        finally:
            await store.close()
    except PosbotError as error:
        return doctor.Finding(good=False, text=say("doctor.database-bad", reason=error))
    return doctor.Finding(good=True, text=say("doctor.database", inbox=counts.inbox, outbox=counts.outbox, tickets=counts.tickets))


def backup(settings: Settings, path: Path) -> int:
    """`posbot backup FILE`: a whole copy, also while the service runs."""
    if problem := _not_embedded(settings) or (say("backup.there", path=path) if path.exists() else ""):
        return _fail(problem)
    part = _part(path)
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)  # what merchants said is for nobody else on this machine
        asyncio.run(_copy(settings.database_file, part))
        os.replace(part, path)
    except OSError as error:
        return _fail(say("cli.cannot-write", path=path, reason=error.strerror))
    finally:
        _discard(part)
    print(say("backup.done", path=path, megabytes=f"{path.stat().st_size / 1e6:.1f}"))
    return DONE


def _part(path: Path) -> Path:
    """Where a file is made before it gets its name: nobody ever sees half of one."""
    return path.with_name(f"{path.name}.part")


def _discard(part: Path) -> None:
    """Remove what was not finished, whatever is in the way: the reason is told already."""
    with suppress(OSError):
        part.unlink(missing_ok=True)


async def _copy(database: Path, path: Path) -> None:
    store = await sqlite.SQLiteStore.beside(database, server.new_id)
    try:
        await store.backup(path)
    finally:
        await store.close()


def restore(settings: Settings, path: Path) -> int:
    """`posbot restore FILE`: the copy takes the place of the database, which is kept beside it. Only while the service is stopped."""
    if problem := _not_embedded(settings) or _damage(path):
        return _fail(problem)
    database = settings.database_file
    lock = sqlite.locked(database)
    part = _part(database)
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        _fetch(path, part)
        kept = _put_aside(database)
        os.replace(part, database)
    except (OSError, sqlite3.Error) as error:
        return _fail(say("restore.failed", path=path, database=database, reason=error))
    finally:
        _discard(part)
        lock.release()
    print(say("restore.done", path=path, kept=kept or "–"))
    return DONE


def _damage(path: Path) -> str:
    """What is wrong with a copy; empty when it is whole."""
    if not path.is_file():
        return say("restore.missing", path=path)
    newest = migrations.newest("sqlite")
    try:
        with closing(_readable(path)) as connection:
            (told,) = connection.execute("PRAGMA integrity_check").fetchone()
            (version,) = connection.execute("SELECT max(version) FROM schema_version").fetchone()
            connection.execute("SELECT count(*) FROM inbox").fetchone()
    except sqlite3.Error as error:
        return say("restore.damaged", path=path, reason=error)
    if told != "ok":
        return say("restore.damaged", path=path, reason=told)
    return say("store.newer", version=version, newest=newest) if (version or 0) > newest else ""


def _readable(path: Path) -> sqlite3.Connection:
    """A database that is only looked at."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _fetch(path: Path, part: Path) -> None:
    with closing(_readable(path)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)


def _put_aside(database: Path) -> Path | None:
    """Rename the database, with what belongs to it; nothing is ever overwritten."""
    if not database.exists():
        return None
    kept = next(place for number in range(1, 10_000) if not (place := database.with_name(f"{database.name}.{number}")).exists())
    for suffix in ("", "-wal", "-shm"):
        part = database.with_name(f"{database.name}{suffix}")
        if part.exists():
            part.rename(kept.with_name(f"{kept.name}{suffix}"))
    return kept


def purge(settings: Settings) -> int:
    """`posbot purge`: delete what is older than the settings allow, as the service does every night."""
    rows = asyncio.run(_purge(settings))
    print(say("purge.done", rows=rows))
    return DONE


async def _purge(settings: Settings) -> int:
    embedded = not settings.is_postgres
    store = await (sqlite.SQLiteStore.beside(settings.database_file, server.new_id) if embedded else server.open_store(settings))
    try:
        return await store.purge(server.kept(settings, server.clock()))
    finally:
        await store.close()


def migrate(settings: Settings) -> int:
    """`posbot migrate`: bring the schema up to date, as the service does at its start."""
    asyncio.run(_migrate(settings))
    print(say("migrate.done"))
    return DONE


async def _migrate(settings: Settings) -> None:
    await (await server.open_store(settings)).close()


def reload(settings: Settings) -> int:
    """`posbot reload`: let the running service read the knowledge again."""
    host, port = settings.ops_host, settings.ops_port
    try:
        with closing(HTTPConnection(host, port, timeout=RELOAD_SECONDS)) as connection:  # straight to this machine: no proxy of the environment
            connection.request("POST", "/reload")
            response = connection.getresponse()
            told = json.load(response)
            if response.status == 422:
                return _fail("\n".join([say("reload.broken"), *told["problems"]]))
            print(say("reload.done", version=told["version"]))
            return DONE
    except OSError as error:
        return _fail(say("reload.nobody", host=host, port=port, reason=error))
    except (HTTPException, ValueError, KeyError, TypeError) as error:  # somebody else listens there
        return _fail(say("reload.failed", host=host, port=port, reason=type(error).__name__))


def _not_embedded(settings: Settings) -> str:
    return say("backup.postgres") if settings.is_postgres else ""


def _fail(problem: str) -> int:
    print(problem, file=sys.stderr)
    return FAILED
