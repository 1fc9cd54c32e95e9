"""Accounts, sessions and the audit in the embedded database."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from bot.domain.audit import Entry
from bot.domain.errors import AccountError
from bot.service.staff import Session
from bot.wording import say

from .rows import member, storable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.domain.staff import Member
    from bot.service.staff import Change

    from .writer import Writer

MEMBER = "login, name, role, groups, on_duty, disabled, must_change, staff.created"


class SQLiteStaff:
    """Works with the writer of the store, and with what reads for it."""

    def __init__(self, writer: Writer, read: Callable[[str, Sequence[Any]], Awaitable[list[Any]]]) -> None:
        self._writer, self._read = writer, read

    async def add(self, member: Member, password: str, entry: Entry) -> bool:
        """Keep a new member."""
        return await self._add(_ADD, member, password, entry)

    async def add_first(self, member: Member, password: str, entry: Entry) -> bool:
        """Keep a new member when there is none."""
        return await self._add(_ADD_FIRST, member, password, entry)

    async def _add(self, statement: str, member: Member, password: str, entry: Entry) -> bool:
        def unit(connection: sqlite3.Connection) -> bool:
            row = (
                member.login, storable(member.name), member.role, json.dumps(member.groups), member.on_duty, member.disabled, member.must_change, password,
                member.created,
            )  # fmt: skip
            try:
                added = connection.execute(statement, row)
            except sqlite3.IntegrityError:
                return False
            return _recorded(connection, added, entry)

        return await self._writer.run(unit)

    async def members(self) -> list[Member]:
        """Everybody, by login."""
        return [member(row) for row in await self._read(f"SELECT {MEMBER} FROM staff ORDER BY lower(login)", ())]

    async def member(self, login: str) -> tuple[Member, str] | None:
        """A member and the hash of the password."""
        rows = await self._read(f"SELECT {MEMBER}, password FROM staff WHERE lower(login) = lower(?)", (storable(login),))
        return (member(rows[0][:-1]), rows[0][-1]) if rows else None

    async def change(self, login: str, change: Change, entry: Entry) -> Member | None:
        """The member as it is now."""

        def unit(connection: sqlite3.Connection) -> Member | None:
            name = None if change.name is None else storable(change.name)
            groups = None if change.groups is None else json.dumps(change.groups)
            row = (name, change.role, groups, change.on_duty, change.disabled, storable(login))
            ((before,),) = connection.execute(_HAS_ADMIN).fetchall()
            rows = connection.execute(_CHANGE, row).fetchall()
            if not rows:
                return None
            ((after,),) = connection.execute(_HAS_ADMIN).fetchall()
            if before and not after:
                raise AccountError(say("staff.last-admin"))
            if change.disabled:
                connection.execute(_END_ALL, (storable(login),))
            connection.execute(_RECORD, _row(entry))
            return member(rows[0])

        return await self._writer.run(unit)

    async def set_password(self, login: str, password: str, entry: Entry, *, must_change: bool) -> bool:
        """Keep another hash; all sessions end."""

        def unit(connection: sqlite3.Connection) -> bool:
            connection.execute(_END_ALL, (storable(login),))
            changed = connection.execute(_SET_PASSWORD, (password, must_change, storable(login)))
            return _recorded(connection, changed, entry)

        return await self._writer.run(unit)

    async def rehash(self, login: str, old: str, new: str) -> None:
        """The same password, hashed with other parameters."""
        await self._writer.run(lambda connection: connection.execute(_REHASH, (new, storable(login), old)))

    async def open_session(self, session: Session, password: str, over: tuple[int, int], entry: Entry) -> bool:
        """Keep a session, and forget those that are over."""

        def unit(connection: sqlite3.Connection) -> bool:
            connection.execute("DELETE FROM session WHERE created < ? OR seen < ?", over)
            opened = connection.execute(_OPEN_SESSION, (session.hash, session.created, session.seen, session.login, password))
            return _recorded(connection, opened, entry)

        return await self._writer.run(unit)

    async def session(self, hash: str) -> tuple[Session, Member] | None:
        """A session and whose it is."""
        rows = await self._read(_SESSION, (hash,))
        if not rows:
            return None
        created, seen, *columns = rows[0]
        whose = member(columns)
        return Session(hash=hash, login=whose.login, created=created, seen=seen), whose

    async def touch(self, hash: str, at: int) -> None:
        """Somebody was there."""
        await self._writer.run(lambda connection: connection.execute("UPDATE session SET seen = max(seen, ?) WHERE hash = ?", (at, hash)))

    async def end_session(self, hash: str, entry: Entry) -> bool:
        """Whether there was such a session."""

        def unit(connection: sqlite3.Connection) -> bool:
            return _recorded(connection, connection.execute("DELETE FROM session WHERE hash = ?", (hash,)), entry)

        return await self._writer.run(unit)

    async def record(self, entry: Entry) -> None:
        """Add to the audit."""
        await self._writer.run(lambda connection: connection.execute(_RECORD, _row(entry)))

    async def audit(self, before: int | None, limit: int) -> list[Entry]:
        """Entries before the entry with this id, newest first."""
        rows = await self._read(_AUDIT, (before, before, limit))
        return [Entry(id=id, at=at, actor=actor, what=what, subject=subject, detail=detail) for id, at, actor, what, subject, detail in rows]


def _recorded(connection: sqlite3.Connection, done: sqlite3.Cursor, entry: Entry) -> bool:
    """Whether something was done, which is then in the audit too."""
    if done.rowcount != 1:
        return False
    connection.execute(_RECORD, _row(entry))
    return True


def _row(entry: Entry) -> tuple[Any, ...]:
    return (entry.at, storable(entry.actor), storable(entry.what), storable(entry.subject), storable(entry.detail))


_COLUMNS = "login, name, role, groups, on_duty, disabled, must_change, password, created"
_ADD = f"INSERT INTO staff ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_FIRST = f"INSERT INTO staff ({_COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM staff)"
_CHANGE = f"""
UPDATE staff SET name = coalesce(?, name), role = coalesce(?, role), groups = coalesce(?, groups), on_duty = coalesce(?, on_duty),
    disabled = coalesce(?, disabled)
WHERE lower(login) = lower(?) RETURNING {MEMBER.replace("staff.", "")}
"""
_HAS_ADMIN = "SELECT EXISTS (SELECT 1 FROM staff WHERE role = 'admin' AND NOT disabled)"
_SET_PASSWORD = "UPDATE staff SET password = ?, must_change = ? WHERE lower(login) = lower(?)"
_REHASH = "UPDATE staff SET password = ? WHERE lower(login) = lower(?) AND password = ?"
_END_ALL = "DELETE FROM session WHERE staff = (SELECT id FROM staff WHERE lower(login) = lower(?))"
_OPEN_SESSION = """
INSERT INTO session (hash, staff, created, seen) SELECT ?, id, ?, ? FROM staff WHERE lower(login) = lower(?) AND NOT disabled AND password = ?
"""
_SESSION = f"SELECT session.created, seen, {MEMBER} FROM session JOIN staff ON staff.id = session.staff WHERE hash = ?"
_RECORD = "INSERT INTO audit (at, actor, what, subject, detail) VALUES (?, ?, ?, ?, ?)"
_AUDIT = "SELECT id, at, actor, what, subject, detail FROM audit WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?"
