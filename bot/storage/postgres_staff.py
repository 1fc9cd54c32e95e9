"""Accounts, sessions and the audit in PostgreSQL, for any number of processes side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bot.domain.audit import Entry
from bot.domain.errors import AccountError
from bot.service.staff import Session
from bot.wording import say

from .rows import member, storable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from bot.domain.staff import Member
    from bot.service.staff import Change

MEMBER = "login, name, role, groups, on_duty, disabled, must_change, staff.created"


class PostgresStaff:
    """Works with the store's transactions, and with what reads for it."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[Any]], fetch: Callable[..., Awaitable[Sequence[Any]]]) -> None:
        self._transaction, self._fetch = transaction, fetch

    async def add(self, member: Member, password: str, entry: Entry) -> bool:
        """Keep a new member."""
        return bool(await self._fetch(_ADD, *_columns(member, password), *_row(entry)))

    async def add_first(self, member: Member, password: str, entry: Entry) -> bool:
        """Keep a new member when there is none; the lock lets one process after the other look."""
        async with self._transaction() as connection:
            await connection.execute(_ALONE)
            if await connection.fetchval("SELECT EXISTS (SELECT FROM staff)"):
                return False
            return bool(await connection.fetch(_ADD, *_columns(member, password), *_row(entry)))

    async def members(self) -> list[Member]:
        """Everybody, by login."""
        return [member(row) for row in await self._fetch(f'SELECT {MEMBER} FROM staff ORDER BY lower(login) COLLATE "C"')]

    async def member(self, login: str) -> tuple[Member, str] | None:
        """A member and the hash of the password."""
        rows = await self._fetch(f"SELECT {MEMBER}, password FROM staff WHERE lower(login) = lower($1)", storable(login))
        if not rows:
            return None
        *columns, password = rows[0]
        return member(columns), password

    async def change(self, login: str, change: Change, entry: Entry) -> Member | None:
        """The member as it is now. Changes wait for one another: two administrators who disable each other at once would leave none."""
        name = None if change.name is None else storable(change.name)
        groups = None if change.groups is None else json.dumps(change.groups)
        async with self._transaction() as connection:
            await connection.execute(_ALONE)
            before = await connection.fetchval(_HAS_ADMIN)
            row = await connection.fetchrow(_CHANGE, storable(login), name, change.role, groups, change.on_duty, change.disabled)
            if row is None:
                return None
            if before and not await connection.fetchval(_HAS_ADMIN):
                raise AccountError(say("staff.last-admin"))
            if change.disabled:
                await connection.execute(_END_ALL, storable(login))
            await connection.execute(_RECORD, *_row(entry))
            return member(row)

    async def set_password(self, login: str, password: str, entry: Entry, *, must_change: bool) -> bool:
        """Keep another hash; all sessions end. The member's row is locked first, so that no session is opened meanwhile."""
        async with self._transaction() as connection:
            if not await connection.fetch(_SET_PASSWORD, storable(login), password, must_change):
                return False
            await connection.execute(_END_ALL, storable(login))
            await connection.execute(_RECORD, *_row(entry))
            return True

    async def rehash(self, login: str, old: str, new: str) -> None:
        """The same password, hashed with other parameters."""
        await self._fetch("UPDATE staff SET password = $3 WHERE lower(login) = lower($1) AND password = $2", storable(login), old, new)

    async def open_session(self, session: Session, password: str, over: tuple[int, int], entry: Entry) -> bool:
        """Keep a session, and forget those that are over."""
        async with self._transaction() as connection:
            await connection.execute(_SWEEP, *over)
            if not await connection.fetch(_OPEN_SESSION, storable(session.login), password, session.hash, session.created, session.seen):
                return False
            await connection.execute(_RECORD, *_row(entry))
            return True

    async def session(self, hash: str) -> tuple[Session, Member] | None:
        """A session and whose it is."""
        rows = await self._fetch(_SESSION, hash)
        if not rows:
            return None
        created, seen, *columns = rows[0]
        whose = member(columns)
        return Session(hash=hash, login=whose.login, created=created, seen=seen), whose

    async def touch(self, hash: str, at: int) -> None:
        """Somebody was there."""
        await self._fetch("UPDATE session SET seen = greatest(seen, $2) WHERE hash = $1", hash, at)

    async def end_session(self, hash: str, entry: Entry) -> bool:
        """Whether there was such a session."""
        return bool(await self._fetch(_END, hash, *_row(entry)))

    async def record(self, entry: Entry) -> None:
        """Add to the audit."""
        await self._fetch(_RECORD, *_row(entry))

    async def audit(self, before: int | None, limit: int) -> list[Entry]:
        """Entries before the entry with this id, newest first."""
        return [Entry(**row) for row in await self._fetch(_AUDIT, before, limit)]


def _columns(member: Member, password: str) -> tuple[Any, ...]:
    return (
        member.login, storable(member.name), member.role, json.dumps(member.groups), member.on_duty, member.disabled, member.must_change, password,
        member.created,
    )  # fmt: skip


def _row(entry: Entry) -> tuple[Any, ...]:
    return (entry.at, storable(entry.actor), storable(entry.what), storable(entry.subject), storable(entry.detail))


_ALONE = "LOCK TABLE staff IN SHARE ROW EXCLUSIVE MODE"
_ADD = """
WITH added AS (
    INSERT INTO staff (login, name, role, groups, on_duty, disabled, must_change, password, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (lower(login)) DO NOTHING RETURNING id
)
INSERT INTO audit (at, actor, what, subject, detail) SELECT $10, $11, $12, $13, $14 FROM added RETURNING id
"""
_CHANGE = f"""
UPDATE staff SET name = coalesce($2, name), role = coalesce($3, role), groups = coalesce($4, groups), on_duty = coalesce($5, on_duty),
    disabled = coalesce($6, disabled)
WHERE lower(login) = lower($1) RETURNING {MEMBER}
"""
_HAS_ADMIN = "SELECT EXISTS (SELECT FROM staff WHERE role = 'admin' AND NOT disabled)"
_SET_PASSWORD = "UPDATE staff SET password = $2, must_change = $3 WHERE lower(login) = lower($1) RETURNING id"
_END_ALL = "DELETE FROM session WHERE staff = (SELECT id FROM staff WHERE lower(login) = lower($1))"
# The lock of the row waits for who is just disabling the member or changing the password, and then the conditions are looked at once more.
_OPEN_SESSION = """
INSERT INTO session (hash, staff, created, seen)
SELECT $3, id, $4, $5 FROM (SELECT id FROM staff WHERE lower(login) = lower($1) AND NOT disabled AND password = $2 FOR SHARE) AS whose RETURNING hash
"""
_SWEEP = "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE created < $1 OR seen < $2 FOR UPDATE SKIP LOCKED)"
_SESSION = f"SELECT session.created, seen, {MEMBER} FROM session JOIN staff ON staff.id = session.staff WHERE hash = $1"
_END = """
WITH ended AS (DELETE FROM session WHERE hash = $1 RETURNING hash)
INSERT INTO audit (at, actor, what, subject, detail) SELECT $2, $3, $4, $5, $6 FROM ended RETURNING id
"""
_RECORD = "INSERT INTO audit (at, actor, what, subject, detail) VALUES ($1, $2, $3, $4, $5)"
_AUDIT = "SELECT id, at, actor, what, subject, detail FROM audit WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"
