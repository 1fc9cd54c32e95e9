"""Several of the staff want the same ticket at the same moment."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain.events import Acted
from bot.domain.messages import Address
from bot.domain.tickets import Act, Actor
from bot.service import bodies
from bot.service.deciding import Decider
from bot.service.desk import View, Wanted
from bot.service.ports import Arrival
from tests.faults.invariants import owned

from .places import opened
from .test_store import NOW

if TYPE_CHECKING:
    from bot import app
    from bot.service.ports import Store

    from .places import Place

TICKETS, RACERS = 500, 4


def chat(number: int) -> Address:
    return Address(channel="web", chat=f"m-{number}")


async def worked(store: Store, decider: Decider) -> None:
    while await store.step(decider.decide, NOW):
        pass


async def test_each_ticket_gets_one_owner_and_the_others_learn_who(place: Place, mind: app.Mind) -> None:
    decider = Decider(mind=lambda: mind, clock=lambda: NOW, new_id=lambda: secrets.token_hex(16), zone=ZoneInfo("Asia/Shanghai"), pushing=lambda _: False)
    async with opened(place) as store:

        async def comes(number: int, ext_id: str, kind: str, body: str) -> None:
            await store.accept(Arrival(address=chat(number), ext_id=ext_id, kind=kind, body=body, received=NOW))

        async def takes(number: int, ticket: str, racer: int) -> None:
            act = Acted(actor=Actor(login=f"s{racer}", name=f"S{racer}"), act=Act.TAKE, number=ticket)
            await comes(number, f"take-{number}-{racer}", bodies.ACTED, bodies.acted(act))

        for number in range(TICKETS):
            await comes(number, f"a-{number}", "chose", json.dumps({"choice": "human"}))
            await comes(number, f"b-{number}", "chose", json.dumps({"choice": "send"}))
        await worked(store, decider)
        page = await store.desk.queue(Wanted(view=View.ALL, login="", now=NOW), limit=TICKETS + 1)
        assert len(page.rows) == TICKETS
        files = [await store.desk.file(row.id) for row in page.rows]
        wanted = [(int(file.address.chat[2:]), file.row.number) for file in files if file]
        await asyncio.gather(*(takes(number, ticket, racer) for racer in range(RACERS) for number, ticket in wanted))
        await worked(store, decider)
        for row in page.rows:
            file, deeds = await store.desk.file(row.id), await store.desk.deeds(row.id)
            assert file is not None
            tries = [deed for deed in deeds if deed.act == Act.TAKE]
            assert Counter(deed.done for deed in tries) == {True: 1, False: RACERS - 1}
            assert {file.row.owner} == {deed.actor for deed in tries if deed.done}
            assert {json.loads(deed.detail)["owner"] for deed in tries if not deed.done} == {file.row.owner}
        assert list(owned(place.query)) == []
