"""Databases of every earlier schema: brought up to date with what is in them, and used. `rows/<version>.sql` is what
such a database holds besides what the earlier ones did."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bot.domain.messages import Address
from bot.service import bodies
from bot.service.deciding import Decider
from bot.service.ports import Arrival, Sent
from bot.storage import migrations

from .places import File, opened
from .test_store import MINUTE

if TYPE_CHECKING:
    from bot import app
    from bot.service.ports import Store

    from .places import Place

ROWS = Path(__file__).parent / "rows"
NEWEST = migrations.newest("sqlite")
NOW = 1_760_000_020_000_000
GUIDED = Address(channel="hook:shop", chat="m-1")
YES, NO = {"sqlite": "1", "postgres": "true"}, {"sqlite": "0", "postgres": "false"}
PHOTO = {"sqlite": "X'ffd8ff'", "postgres": r"'\xffd8ff'"}


def test_both_databases_have_the_same_schemas_and_each_has_its_rows() -> None:
    numbers = [number for number, _ in migrations.after("sqlite", 0)]
    assert numbers == [number for number, _ in migrations.after("postgres", 0)] == list(range(1, NEWEST + 1))
    assert sorted(path.name for path in ROWS.iterdir()) == [f"{number:04}.sql" for number in numbers], "an earlier schema has no rows to be tested with"


async def made(place: Place, version: int) -> None:
    """A database as a program of then left it. Version 0: nothing is there."""
    dialect = "sqlite" if isinstance(place, File) else "postgres"
    scripts = ["CREATE TABLE schema_version (version INTEGER PRIMARY KEY)"] if version else []
    for number, script in migrations.after(dialect, 0)[:version]:
        scripts += [script, f"INSERT INTO schema_version VALUES ({number})"]
    if version:
        kept = [(ROWS / f"{number:04}.sql").read_text("utf-8") for number in range(1, version + 1)]
        scripts += [rows.replace("{photo}", PHOTO[dialect]).replace("{yes}", YES[dialect]).replace("{no}", NO[dialect]) for rows in kept]
    if isinstance(place, File):
        with closing(sqlite3.connect(place.path)) as connection:
            connection.executescript(";\n".join(scripts))
    else:
        for script in ("DROP SCHEMA public CASCADE; CREATE SCHEMA public", *scripts):
            await place.execute(script)


def arrival(ext_id: str, text: str) -> Arrival:
    return Arrival(address=GUIDED, ext_id=ext_id, kind="said", body=bodies.written(text, ()), received=NOW)


async def sent_lines(store: Store, now: int) -> list[tuple[str, str]]:
    """What goes out, by chat, in order."""
    sent = []
    while claimed := await store.claim(now, now + MINUTE, 10):
        for line in claimed:
            sent.append((line.address.chat, line.body))
            await store.settle(line.id, Sent())
    return sent


@pytest.mark.parametrize("version", range(NEWEST + 1))
async def test_a_conversation_goes_on(place: Place, mind: app.Mind, version: int, caplog: pytest.LogCaptureFixture) -> None:
    await made(place, version)
    decider = Decider(
        mind=lambda: mind, clock=lambda: NOW, new_id=lambda: secrets.token_hex(16), zone=ZoneInfo("Asia/Shanghai"), pushing=lambda channel: channel != "web"
    )
    async with opened(place) as store:
        conversation = await store.accept(arrival("m-1/4", "还是不行"))
        assert await store.wake(NOW + 10 * MINUTE) == (version > 0)
        while await store.step(decider.decide, NOW + 10 * MINUTE):
            pass
        lines = await store.transcript(conversation, 0, 100)
        sent = await sent_lines(store, NOW + 20 * MINUTE)
        counts = await store.counts(NOW)
        photo = await store.photo("p-1", Address(channel="web", chat="5f0c"))
    assert counts.inbox == 0 == counts.outbox
    assert [line.side for line in lines[-2:]] == ["merchant", "bot"]
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
    if version:  # what was there is still there, and was understood
        assert conversation == "c-guided"
        assert [line.side for line in lines] == ["merchant", "bot"] * 3
        assert json.loads(lines[2].body) == {"choice": "step:reload-paper=failed", "label": "还是不行"}
        assert sent[0] == ("m-1", lines[1].body)  # was on its way when the program of then ended
        assert {chat for chat, _ in sent} == {"m-1", "m-2"}
        assert photo is not None
        assert photo.data == b"\xff\xd8\xff"
        assert counts.tickets >= 2  # the one that was open, and the one of the merchant who fell silent
    async with opened(place) as store:  # and once more, with nothing to do
        assert (await store.counts(NOW)).inbox == 0
