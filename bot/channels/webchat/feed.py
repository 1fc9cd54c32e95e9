"""Waits for what is new in a chat: at once when somebody rings, else at the next look."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.channels.http import Refused, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.messages import Address
    from bot.service.bell import Bells
    from bot.service.ports import Line, Store

LOOK, SELDOM = 1.0, 10.0
"""Seconds between two looks: for a chat that has no conversation yet, whose first one may begin in another process; and for one of which every change rings."""
PAGE = 200
"""Lines that are fetched at once."""
PER_CHAT = 8
"""Open streams of one chat; phones leave dead ones behind, so the oldest has to go."""


@dataclass(slots=True, eq=False)
class Seat:
    """One who waits. `conversation` is the one that was seen last; `over`: wait no longer."""

    address: Address
    conversation: str | None = None
    over: bool = False

    @property
    def key(self) -> str:
        """What is rung for it. A chat has no conversation before its first message."""
        return self.conversation or self.address.chat


class Feed:
    """The lines of chats, for `most` waiting at the same time."""

    def __init__(self, *, store: Store, bells: Bells, most: int) -> None:
        self._store, self._bells, self._most = store, bells, most
        self._seats: dict[str, list[Seat]] = {}
        self._taken = 0
        self._closed = False

    @contextmanager
    def seat(self, address: Address) -> Iterator[Seat]:
        """A place to wait in. Raises Refused (503) when all are taken."""
        if self._taken >= self._most:
            raise Refused(unavailable(5))
        seat = Seat(address, over=self._closed)
        row = self._seats.setdefault(address.chat, [])
        row.append(seat)
        self._taken += 1
        for oldest in row[:-PER_CHAT]:
            self._end(oldest)
        try:
            yield seat
        finally:
            self._taken -= 1
            row.remove(seat)
            if not row:
                del self._seats[address.chat]

    async def greet(self, seat: Seat) -> None:
        """See which conversation there is."""
        seat.conversation = await self._store.conversation(seat.address)

    async def lines(self, seat: Seat, after: int, seconds: float) -> Sequence[Line]:
        """Lines after the line `after`, as soon as there are some. None of them: so long nothing came, or the seat is over or its conversation another."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while True:
            with self._bells.listening(seat.key) as bell:
                before, seat.conversation = seat.conversation, await self._store.conversation(seat.address)
                if before != seat.conversation:
                    return ()
                found = await self._store.transcript(before, after, PAGE) if before else ()
                left = deadline - clock()
                if found or seat.over or left <= 0:
                    return found
                await bell.wait(min(SELDOM if seat.conversation else LOOK, left))

    def changed(self, address: Address, conversation: str | None) -> None:
        """A conversation has begun here or was deleted."""
        for key in (address.chat, conversation):
            if key:
                self._bells.ring(key)

    def close(self) -> None:
        """Nobody waits any longer."""
        self._closed = True
        for row in self._seats.values():
            for seat in row:
                self._end(seat)

    def _end(self, seat: Seat) -> None:
        seat.over = True
        self._bells.ring(seat.key)
