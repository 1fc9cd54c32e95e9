"""Who is logged in at the console, and for how long."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import secrets
from dataclasses import dataclass
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
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often somebody may try to log in.

    `network`: an office comes from one address in the morning. `login`: for one account from one network; who types wrong waits half a minute, and who tries
    a colleague's login does not shut the colleague out. `account`: for one account from everywhere; 29,000 guesses a day get nobody through a password of ten
    characters. `altogether`: hashing never takes the machine, wherever guesses come from; five a second take a fifth of a core.
    """

    network: Limit
    login: Limit
    account: Limit
    altogether: Limit


LIMITS = Limits(
    network=Limit(per_minute=10, burst=30),
    login=Limit(per_minute=2, burst=8),
    account=Limit(per_minute=20, burst=40),
    altogether=Limit(per_minute=300, burst=60),
)


class TooMany(Exception):
    """Somebody tries too often; `wait` are whole seconds until once more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.wait = max(1, math.ceil(seconds))


def fresh() -> str:
    """An id that nobody can guess, 256 bits, as it stands in a cookie."""
    return secrets.token_urlsafe(32)


class Sessions:
    """Lets members in and out. `clock` gives microseconds UTC. Counts of tries are this process's own: with several, each lets as many through."""

    def __init__(self, *, store: StaffStore, passwords: Passwords, clock: Callable[[], int], limits: Limits = LIMITS) -> None:
        self._store, self._passwords, self._clock = store, passwords, clock
        self._buckets = tuple(limit.buckets(clock) for limit in (limits.network, limits.login, limits.account, limits.altogether))
        self._notes: set[asyncio.Task[None]] = set()

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
            self._note(Entry(at=self._clock(), actor=found[0].login, what="login-refused", subject=found[0].login, detail=network))
        return None

    def _note(self, entry: Entry) -> None:
        """Add to the audit while the answer goes out already: how long it takes would tell which logins there are."""
        task = asyncio.create_task(self._store.record(entry))
        self._notes.add(task)
        task.add_done_callback(self._noted)

    def _noted(self, task: asyncio.Task[None]) -> None:
        self._notes.discard(task)
        if not task.cancelled() and task.exception():
            logger.warning("a refused login is not in the audit", exc_info=task.exception(), extra={"event": "not_audited"})

    def _take(self, network: str, typed: str) -> None:
        """One more try. Raises TooMany."""
        login = login_of(typed) or ""
        for bucket, key in zip(self._buckets, (network, f"{login} {network}", login, ""), strict=True):
            if seconds := bucket.take(key):
                raise TooMany(seconds)


def _hash(id: str) -> str:
    """What is kept of a session's id: who reads the database gets nowhere with it."""
    return hashlib.sha256(id.encode("utf-8", "backslashreplace")).hexdigest()
