"""What the store on a server promises beyond the others: several processes at once, connections that are cut, a server that is started again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from bot.domain.errors import StoreUnavailable
from bot.domain.messages import Address
from bot.service.ports import Sent
from bot.storage import migrations
from bot.storage.postgres import PostgresStore

from .places import new_id, opened
from .test_store import ANNA, BEN, MINUTE, NOW, arrival, echo, says, texts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.service.ports import Outcome, Store, Work

    from .places import Server


@asynccontextmanager
async def replicas(server: Server, number: int) -> AsyncIterator[list[Store]]:
    """So many stores on one database, opened at the same moment, each with its own connections, as processes have them."""
    async with AsyncExitStack() as closing:
        stores = await asyncio.gather(*(server.open() for _ in range(number)))
        for store in stores:
            closing.push_async_callback(store.close)
        yield list(stores)


async def test_several_may_start_at_once(server: Server) -> None:
    await server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    async with replicas(server, 5) as stores:
        assert len({await store.accept(arrival()) for store in stores}) == 1
        async with server.connected() as connection:
            assert await connection.fetch("SELECT version FROM schema_version ORDER BY version") == [(number,) for number, _ in migrations.after("postgres", 0)]


async def test_replicas_keep_the_order_and_handle_each_event_once(server: Server) -> None:
    """Callers change the replica with every message; all replicas step."""
    seen: list[str] = []
    calling = True

    def decide(work: Work) -> Outcome:
        outcome = echo(work)
        seen.extend(line.body for line in outcome.spoken)
        return outcome

    async with replicas(server, 3) as stores:

        async def call(caller: int) -> str:
            address = Address(channel="web", chat=str(caller % 8))
            for number in range(6):
                store = stores[(caller + number) % 3]
                await store.accept(arrival(address, f"{caller}:{number}", text=f"{caller}:{number}"))
            return await stores[0].accept(arrival(address, f"{caller}:0"))

        async def work(store: Store) -> None:
            while calling or (await store.counts(NOW)).inbox:
                await store.step(decide, NOW)

        workers = [asyncio.create_task(work(store)) for store in stores]
        conversations = await asyncio.gather(*map(call, range(40)))
        calling = False
        await asyncio.gather(*workers)
        transcripts = {conversation: [line.body for line in await stores[0].transcript(conversation, 0, 1000)] for conversation in conversations}
    assert len(seen) == len(set(seen)) == 40 * 6
    for caller, conversation in enumerate(conversations):
        own = [line for line in transcripts[conversation] if line.startswith(f"{caller}:")]
        assert own == [f"{caller}:{number}" for number in range(6)]


async def test_groups_of_arrivals_never_wait_in_a_circle(server: Server) -> None:
    """The same chats in opposite order, and, as nobody means well, the same ids in different chats."""
    async with replicas(server, 3) as stores:
        for turn in range(15):
            pairs = [(store, number if at % 2 else 40 - number, at) for at, store in enumerate(stores) for number in range(40)]
            await asyncio.gather(
                *(store.accept(arrival(Address(channel="web", chat=str((number + at * 7) % 40)), f"{turn}:{number}")) for store, number, at in pairs)
            )
        assert (await stores[0].counts(NOW)).inbox == 15 * 41


async def test_senders_in_several_processes_keep_the_order(server: Server) -> None:
    lines = [str(number) for number in range(8)]
    flying: set[str] = set()
    sent: dict[str, list[str]] = {str(chat): [] for chat in range(6)}

    async def serve(store: Store) -> None:
        while (await store.counts(NOW)).outbox:
            claimed = await store.claim(NOW, NOW + MINUTE, 2)
            chats = {line.address.chat for line in claimed}
            assert len(chats) == len(claimed)
            assert not chats & flying
            flying.update(chats)
            await asyncio.sleep(0.001)
            for line in claimed:
                flying.remove(line.address.chat)
                sent[line.address.chat].append(line.body)
                await store.settle(line.id, Sent())

    async with replicas(server, 4) as stores:
        for chat in sent:
            await stores[0].accept(arrival(Address(channel="web", chat=chat), chat))
        while await stores[0].step(says(*lines, push=True), NOW):
            pass
        await asyncio.gather(*map(serve, stores))
    assert sent == dict.fromkeys(sent, lines)


async def test_one_that_starts_leaves_alone_what_others_are_sending(server: Server) -> None:
    async with opened(server) as store:
        await store.accept(arrival())
        await store.step(says("好", push=True), NOW)
        (line,) = await store.claim(NOW, NOW + MINUTE, 10)
        async with opened(server) as other:
            assert await other.claim(NOW, NOW + MINUTE, 10) == []
        await store.settle(line.id, Sent())
        assert (await store.counts(NOW)).outbox == 0


async def test_a_conversation_in_other_hands_is_passed_over(server: Server) -> None:
    async with opened(server) as store, server.connected() as other:
        await store.accept(arrival(ANNA, at=NOW - 1))
        ben = await store.accept(arrival(BEN))
        async with other.transaction():
            await other.execute("SELECT FROM conversation WHERE chat = 'anna' FOR UPDATE")
            assert await store.step(says("好"), NOW) == 1
        assert await texts(store, ben) == ["好"]
        assert await store.step(says("好"), NOW) == 1


async def test_a_connection_that_dies_in_a_step_loses_nothing(server: Server) -> None:
    async with opened(server) as store:
        conversation = await store.accept(arrival())

        def dies(work: Work) -> Outcome:
            with ThreadPoolExecutor() as thread:  # a decision is no coroutine
                thread.submit(asyncio.run, server.cut()).result()
            return says("没写成")(work)

        with pytest.raises(StoreUnavailable):
            await store.step(dies, NOW)
        assert await store.step(says("好"), NOW) == 1
        assert await texts(store, conversation) == ["好"]
        assert await store.step(says("好"), NOW) == 0


async def accept_at_last(store: Store, text: str, chat: str) -> None:
    """As a channel does that is refused: once more, until it is taken."""
    while True:
        try:
            await store.accept(arrival(Address(channel="web", chat=chat), text, text=text))
        except StoreUnavailable:
            await asyncio.sleep(0.01)
        else:
            return


async def step_until(store: Store, over: asyncio.Event) -> None:
    """As the worker does: whatever happens, until it is over and nothing waits."""
    waiting = 1
    while waiting or not over.is_set():
        waiting = 1
        with suppress(StoreUnavailable):
            await store.step(echo, NOW)
            waiting = (await store.counts(NOW)).inbox
        await asyncio.sleep(0)


async def test_a_server_that_is_started_again_is_found_again(server: Server) -> None:
    """Under load: what was confirmed is answered once, what was refused may be sent again, and nothing has to be done for it to go on."""
    over = asyncio.Event()

    async with opened(server) as store:

        async def call(caller: int) -> None:
            for number in range(20):
                await accept_at_last(store, f"{caller}:{number}", str(caller))

        worker = asyncio.create_task(step_until(store, over))
        calls = [asyncio.create_task(call(caller)) for caller in range(20)]
        for _ in range(5):
            await asyncio.sleep(0.05)
            await server.cut()
        await asyncio.gather(*calls)
        over.set()
        await worker
    async with server.connected() as connection:
        answers = [row["body"] for row in await connection.fetch("SELECT body FROM message ORDER BY id")]
    assert len(answers) == 400
    for caller in range(20):
        assert [answer for answer in answers if answer.startswith(f"{caller}:")] == [f"{caller}:{number}" for number in range(20)]


async def test_after_a_cut_at_rest_the_next_call_works(server: Server) -> None:
    async with opened(server) as store:
        await asyncio.gather(*(store.counts(NOW) for _ in range(8)))
        await server.cut()
        await asyncio.sleep(0.05)
        for _ in range(10):
            await store.accept(arrival())


async def test_nobody_holds_anything_for_ever(server: Server) -> None:
    async with opened(server) as store:
        assert isinstance(store, PostgresStore)
        async with store._connection() as connection:
            settings = {
                name: await connection.fetchval("SELECT current_setting($1)", name)
                for name in ("application_name", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "default_transaction_isolation")
            }
    assert settings == {
        "application_name": "posbot", "statement_timeout": "8s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "15s",
        "default_transaction_isolation": "read committed",
    }  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    ["postgresql://127.0.0.1:1/x", "postgresql://no-such-host.invalid/x", "{dsn}_gone", "postgresql://127.0.0.1:port/x", "nonsense"],
    ids=["refused", "no host", "no database", "no port", "no address"],
)
async def test_what_cannot_be_reached_is_said(server: Server, broken: str) -> None:
    with pytest.raises(StoreUnavailable):
        await PostgresStore.open(broken.format(dsn=server.dsn), new_id)
