"""What one process does is heard in another that has the same database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.domain.audit import Entry
from bot.domain.messages import Address
from bot.service.bell import Bell, Bells
from bot.service.echoes import Echoes
from bot.service.ports import FORGOTTEN, Arrival, Outcome

from .desk_rows import NOW, Rows
from .places import opened

if TYPE_CHECKING:
    from bot.service.ports import Store, Work

    from .places import Server

SHOP, OTHER = Address(channel="web", chat="shop"), Address(channel="web", chat="other")


def done(work: Work) -> Outcome:
    return Outcome(state="{}", knowledge="k", done=tuple(event.id for event in work.events))


async def happens(store: Store, address: Address, id: str) -> str:
    conversation = await store.accept(Arrival(address=address, ext_id=id, kind="said", body="{}", received=NOW, profile="{}"))
    while await store.step(done, NOW):
        pass
    return conversation


async def test_a_change_by_another_process_rings_here_once(server: Server) -> None:
    async with opened(server) as here, opened(server) as there:
        shop, other = await happens(there, SHOP, "1"), await happens(there, OTHER, "1")
        bells = Bells()
        echoes = Echoes(store=here, bells=bells)
        with bells.listening(shop), bells.listening(other):
            await echoes.look()  # what came before somebody listened may not have been seen
            assert (bells.rings(shop), bells.rings(other)) == (1, 1)
            await echoes.look()
            await happens(there, SHOP, "2")
            await echoes.look()
            await echoes.look()
            assert (bells.rings(shop), bells.rings(other)) == (2, 1)
            await there.forget(OTHER, Entry(at=NOW, actor="posbot", what=FORGOTTEN, detail="web"))
            await echoes.look()
            assert bells.rings(other) == 2


async def test_a_deed_of_another_process_moves_the_desk(server: Server) -> None:
    async with opened(server) as here:
        bells, bell = Bells(), Bell()
        echoes = Echoes(store=here, bells=bells)
        await echoes.look()
        with bells.desk.listening(bell):
            rows = Rows(server)
            await rows.conversation(901)
            await rows.ticket(901)
            await rows.deed(901, "open")
            await echoes.look()
            await asyncio.wait_for(bell.wait(60), 5)
            await echoes.look()
            assert bells.desk.beats == 1
