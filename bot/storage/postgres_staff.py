"""Accounts, sessions and the audit in PostgreSQL, for any number of processes side by side."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.domain.audit import Entry
from bot.domain.errors import AccountError
from bot.service.ports import WITHDRAWN
from bot.service.staff import WITHDRAWAL_SEEN, Session
from bot.wording import say

from .rows import MOST, NEWEST, entry_values, member, storable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from bot.domain.staff import Member
    from bot.service.staff import Change

MEMBER = "login, name, role, groups, on_duty, disabled, must_change, staff.created, telegram"


class PostgresStaff:
    """Works with the store's transactions, and with what reads for it."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[Any]], fetch: Callable[..., Awaitable[Sequence[Any]]]) -> None:
        self._transaction, self._fetch = transaction, fetch

    async def add(self, member: Member, password: str, entry: Entry) -> bool:
        """Keep a new member."""
        return bool(await self._fetch(_ADD, *_columns(member, password), *entry_values(entry)))

    async def add_first(self, member: Member, password: str, entry: Entry) -> bool:
        """Keep a new member when there is none; the lock lets one process after the other look."""
        async with self._transaction() as connection:
            await connection.execute(_ALONE)
            if await connection.fetchval("SELECT EXISTS (SELECT FROM staff)"):
                return False
            return bool(await connection.fetch(_ADD, *_columns(member, password), *entry_values(entry)))

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
            await connection.execute(RECORD, *entry_values(entry))
            return member(row)

    async def set_password(self, login: str, password: str, entry: Entry, *, must_change: bool) -> bool:
        """Keep another hash; all sessions end. The member's row is locked first, so that no session is opened meanwhile."""
        async with self._transaction() as connection:
            if not await connection.fetch(_SET_PASSWORD, storable(login), password, must_change):
                return False
            await connection.execute(_END_ALL, storable(login))
            await connection.execute(RECORD, *entry_values(entry))
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
            await connection.execute(RECORD, *entry_values(entry))
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
        return bool(await self._fetch(_END, hash, *entry_values(entry)))

    async def give_code(self, login: str, hash: str, until: int, entry: Entry) -> bool:
        """Keep the hash of a code."""
        return bool(await self._fetch(_GIVE_CODE, storable(login), hash, until, *entry_values(entry)))

    async def link(self, hash: str, telegram: int, now: int, entry: Entry) -> Member | None:
        """Whoever this code was for is this person."""
        async with self._transaction() as connection:
            whose = await connection.fetchval("DELETE FROM staff_code WHERE hash = $1 AND until > $2 RETURNING staff", hash, now)
            if whose is None:
                return None
            await connection.execute("UPDATE staff SET telegram = NULL WHERE telegram = $1", telegram)
            row = await connection.fetchrow(f"UPDATE staff SET telegram = $1 WHERE id = $2 AND NOT disabled RETURNING {MEMBER}", telegram, whose)
            if row is None:
                return None
            linked = member(row)
            await connection.execute(RECORD, *entry_values(replace(entry, actor=linked.login, subject=linked.login)))
            return linked

    async def unlink(self, login: str, entry: Entry) -> bool:
        """This member is nobody on Telegram."""
        return bool(await self._fetch(_UNLINK, storable(login), *entry_values(entry)))

    async def by_telegram(self, telegram: int) -> Member | None:
        """Who this person is."""
        rows = await self._fetch(f"SELECT {MEMBER} FROM staff WHERE telegram = $1", telegram)
        return member(rows[0]) if rows else None

    async def record(self, entry: Entry) -> None:
        """Add to the audit."""
        await self._fetch(RECORD, *entry_values(entry))

    async def withdrawn(self, login: str, *, leads: bool) -> list[Entry]:
        """Tickets that merchants have withdrawn."""
        rows = await self._fetch(_WITHDRAWN, storable(login), leads)
        return [Entry(id=id, at=at, actor=actor, what=what, subject=subject, detail=detail) for id, at, actor, what, subject, detail in rows]

    async def audit(self, before: int | None, limit: int) -> list[Entry]:
        """Entries before the entry with this id, newest first."""
        return [Entry(**row) for row in await self._fetch(_AUDIT, before, limit)]


def _columns(member: Member, password: str) -> tuple[Any, ...]:
    return (
        member.login, storable(member.name), member.role, json.dumps(member.groups), member.on_duty, member.disabled, member.must_change, password,
        member.created,
    )  # fmt: skip


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
_GIVE_CODE = """
WITH given AS (
    INSERT INTO staff_code (staff, hash, until) SELECT id, $2, $3 FROM staff WHERE lower(login) = lower($1) AND NOT disabled
    ON CONFLICT (staff) DO UPDATE SET hash = excluded.hash, until = excluded.until RETURNING staff
)
INSERT INTO audit (at, actor, what, subject, detail) SELECT $4, $5, $6, $7, $8 FROM given RETURNING id
"""
_UNLINK = """
WITH unlinked AS (UPDATE staff SET telegram = NULL WHERE lower(login) = lower($1) AND telegram IS NOT NULL RETURNING id)
INSERT INTO audit (at, actor, what, subject, detail) SELECT $2, $3, $4, $5, $6 FROM unlinked RETURNING id
"""
RECORD = "INSERT INTO audit (at, actor, what, subject, detail) VALUES ($1, $2, $3, $4, $5)"
# Of the newest entries only, because there is no index of what was done: thousands are days.
_WITHDRAWN = f"""
SELECT a.id, a.at, a.actor, a.what, a.subject, a.detail FROM audit AS a
WHERE a.id > (SELECT coalesce(max(id), 0) - {NEWEST} FROM audit) AND a.what = '{WITHDRAWN}' AND (a.detail = $1 OR (a.detail = '' AND $2))
AND NOT EXISTS (SELECT 1 FROM audit AS s WHERE s.subject = a.subject AND s.id > a.id AND s.what = '{WITHDRAWAL_SEEN}' AND s.actor = $1)
ORDER BY a.id DESC LIMIT {MOST}
"""
_AUDIT = "SELECT id, at, actor, what, subject, detail FROM audit WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"
