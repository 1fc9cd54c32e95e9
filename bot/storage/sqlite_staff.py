"""Accounts, sessions and the audit in the embedded database."""

from __future__ import annotations

import json
import sqlite3
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

    from bot.domain.staff import Member
    from bot.service.staff import Change

    from .writer import Writer

MEMBER = "login, name, role, groups, on_duty, disabled, must_change, staff.created, telegram"


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
            connection.execute(RECORD, entry_values(entry))
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

    async def give_code(self, login: str, hash: str, until: int, entry: Entry) -> bool:
        """Keep the hash of a code."""

        def unit(connection: sqlite3.Connection) -> bool:
            return _recorded(connection, connection.execute(_GIVE_CODE, (hash, until, storable(login))), entry)

        return await self._writer.run(unit)

    async def link(self, hash: str, telegram: int, now: int, entry: Entry) -> Member | None:
        """Whoever this code was for is this person."""

        def unit(connection: sqlite3.Connection) -> Member | None:
            rows = connection.execute(_USE_CODE, (hash, now)).fetchall()
            if not rows:
                return None
            connection.execute("UPDATE staff SET telegram = NULL WHERE telegram = ?", (telegram,))
            linked = [member(row) for row in connection.execute(_LINK, (telegram, *rows[0]))]
            for whose in linked:
                connection.execute(RECORD, entry_values(replace(entry, actor=whose.login, subject=whose.login)))
            return linked[0] if linked else None

        return await self._writer.run(unit)

    async def unlink(self, login: str, entry: Entry) -> bool:
        """This member is nobody on Telegram."""

        def unit(connection: sqlite3.Connection) -> bool:
            return _recorded(connection, connection.execute(_UNLINK, (storable(login),)), entry)

        return await self._writer.run(unit)

    async def by_telegram(self, telegram: int) -> Member | None:
        """Who this person is."""
        rows = await self._read(f"SELECT {MEMBER} FROM staff WHERE telegram = ?", (telegram,))
        return member(rows[0]) if rows else None

    async def record(self, entry: Entry) -> None:
        """Add to the audit."""
        await self._writer.run(lambda connection: connection.execute(RECORD, entry_values(entry)))

    async def withdrawn(self, login: str, *, leads: bool) -> list[Entry]:
        """Tickets that merchants have withdrawn."""
        rows = await self._read(_WITHDRAWN, (storable(login), leads))
        return [Entry(id=id, at=at, actor=actor, what=what, subject=subject, detail=detail) for id, at, actor, what, subject, detail in rows]

    async def audit(self, before: int | None, limit: int) -> list[Entry]:
        """Entries before the entry with this id, newest first."""
        rows = await self._read(_AUDIT, (before, before, limit))
        return [Entry(id=id, at=at, actor=actor, what=what, subject=subject, detail=detail) for id, at, actor, what, subject, detail in rows]


def _recorded(connection: sqlite3.Connection, done: sqlite3.Cursor, entry: Entry) -> bool:
    """Whether something was done, which is then in the audit too."""
    if done.rowcount != 1:
        return False
    connection.execute(RECORD, entry_values(entry))
    return True


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
_GIVE_CODE = """
INSERT INTO staff_code (staff, hash, until) SELECT id, ?, ? FROM staff WHERE lower(login) = lower(?) AND NOT disabled
ON CONFLICT (staff) DO UPDATE SET hash = excluded.hash, until = excluded.until
"""
_USE_CODE = "DELETE FROM staff_code WHERE hash = ? AND until > ? RETURNING staff"
_LINK = f"UPDATE staff SET telegram = ? WHERE id = ? AND NOT disabled RETURNING {MEMBER.replace('staff.', '')}"
_UNLINK = "UPDATE staff SET telegram = NULL WHERE lower(login) = lower(?) AND telegram IS NOT NULL"
RECORD = "INSERT INTO audit (at, actor, what, subject, detail) VALUES (?, ?, ?, ?, ?)"
# Of the newest entries only, because there is no index of what was done: thousands are days.
_WITHDRAWN = f"""
SELECT a.id, a.at, a.actor, a.what, a.subject, a.detail FROM audit AS a
WHERE a.id > (SELECT coalesce(max(id), 0) - {NEWEST} FROM audit) AND a.what = '{WITHDRAWN}' AND (a.detail = ?1 OR (a.detail = '' AND ?2))
AND NOT EXISTS (SELECT 1 FROM audit AS s WHERE s.subject = a.subject AND s.id > a.id AND s.what = '{WITHDRAWAL_SEEN}' AND s.actor = ?1)
ORDER BY a.id DESC LIMIT {MOST}
"""
_AUDIT = "SELECT id, at, actor, what, subject, detail FROM audit WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?"
