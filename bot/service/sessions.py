"""Who is logged in at the console, and for how long."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from bot.domain.audit import Entry
from bot.domain.clock import SECOND
from bot.domain.staff import login_of

from .buckets import Limit
from .staff import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.staff import Member

    from .passwords import Passwords
    from .staff import StaffStore

IDLE, LONGEST = 30 * 60 * SECOND, 12 * 3600 * SECOND
"""How long a session lives when nobody comes, and at most (security: console sessions)."""
NOTICED = 60 * SECOND
"""Between two notes that somebody is there: not every request writes."""
PER_LOGIN = Limit(per_minute=2, burst=8)
"""Guesses for one account: 2,900 a day, which gets nobody through a password of ten characters; its owner waits half a minute at most."""
PER_NETWORK = Limit(per_minute=10, burst=30)
"""An office comes from one address in the morning."""
ALTOGETHER = Limit(per_minute=300, burst=60)
"""So that hashing never takes the machine, wherever guesses come from: five a second take a fifth of a core."""


class TooMany(Exception):
    """Somebody tries too often; `seconds` until once more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def fresh() -> str:
    """An id that nobody can guess, 256 bits, as it stands in a cookie."""
    return secrets.token_urlsafe(32)


class Sessions:
    """Lets members in and out. `clock` gives microseconds UTC. Counts of tries are this process's own: with several, each lets as many through."""

    def __init__(
        self,
        *,
        store: StaffStore,
        passwords: Passwords,
        clock: Callable[[], int],
        per_login: Limit = PER_LOGIN,
        per_network: Limit = PER_NETWORK,
        altogether: Limit = ALTOGETHER,
    ) -> None:
        self._store, self._passwords, self._clock = store, passwords, clock
        self._buckets = (per_network.buckets(clock), per_login.buckets(clock), altogether.buckets(clock))

    async def log_in(self, typed: str, password: str, network: str) -> tuple[str, Member] | None:
        """The id of a new session and whose it is; None for a wrong login or password, or one that is disabled, which nobody can tell apart: each takes the
        same work. Raises TooMany."""
        self._take(network, typed)
        found = await self._checked(typed, password, network)
        if found is None:
            return None
        member, kept = found
        if self._passwords.is_outdated(kept):
            old, kept = kept, await self._passwords.hashed(password)
            await self._store.rehash(member.login, old, kept)
        id = await self._open(member, kept, network)
        return (id, member) if id else None

    async def is_right(self, member: Member, password: str, network: str) -> bool:
        """Whether it is the member's password: asked once more before it is changed. Raises TooMany."""
        self._take(network, member.login)
        return await self._checked(member.login, password, network) is not None

    async def open(self, member: Member, network: str) -> str | None:
        """The id of a new session, for one who has just chosen another password; None when the member was disabled meanwhile."""
        found = await self._store.member(member.login)
        return await self._open(member, found[1], network) if found else None

    async def _open(self, member: Member, kept: str, network: str) -> str | None:
        """Nothing, when the password was changed while it was checked."""
        now, id = self._clock(), fresh()
        session = Session(hash=_hash(id), login=member.login, created=now, seen=now)
        entry = Entry(at=now, actor=member.login, what="logged-in", subject=member.login, detail=network)
        return id if await self._store.open_session(session, kept, (now - LONGEST, now - IDLE), entry) else None

    async def member(self, id: str, *, background: bool = False) -> Member | None:
        """Whose session this is; None when it is over, or none. A request that a page makes by itself, in the background, does not keep it alive."""
        found = await self._store.session(_hash(id)) if id else None
        if found is None:
            return None
        session, member = found
        now = self._clock()
        if member.disabled or now - session.created >= LONGEST or now - session.seen >= IDLE:
            return None
        if not background and now - session.seen >= NOTICED:
            await self._store.touch(session.hash, now)
        return member

    async def log_out(self, id: str, member: Member) -> None:
        """End a session."""
        await self._store.end_session(_hash(id), Entry(at=self._clock(), actor=member.login, what="logged-out", subject=member.login))

    async def _checked(self, typed: str, password: str, network: str) -> tuple[Member, str] | None:
        """The member with the hash of the password, when it is right. That an account was tried in vain is audited, as often as the limits let it."""
        login = login_of(typed)
        found = await self._store.member(login) if login else None
        right = await self._passwords.matches(found[1] if found else None, password)
        if found and right and not found[0].disabled:
            return found
        if found:
            await self._store.record(Entry(at=self._clock(), actor=found[0].login, what="login-refused", subject=found[0].login, detail=network))
        return None

    def _take(self, network: str, typed: str) -> None:
        """One more try. Raises TooMany."""
        for bucket, key in zip(self._buckets, (network, login_of(typed) or "", ""), strict=True):
            if seconds := bucket.take(key):
                raise TooMany(seconds)


def _hash(id: str) -> str:
    """What is kept of a session's id: who reads the database gets nowhere with it."""
    return hashlib.sha256(id.encode()).hexdigest()
