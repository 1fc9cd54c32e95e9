"""Accounts of staff: who may come to the console, made and changed by administrators. Everything is audited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.domain.audit import Entry
from bot.domain.clock import SECOND
from bot.domain.errors import AccountError
from bot.domain.staff import Member, Role, login_of, name_of
from bot.wording import say

from . import codes, passwords

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .passwords import Passwords

PROGRAM = "posbot"
"""Who does what an operator tells the program on the machine itself; nobody's login, because accounts of that name are refused."""
CODE_LASTS = 15 * 60 * SECOND
"""For so long a code can be sent to the bot: it is read from one screen and typed on another."""
WITHDRAWAL_SEEN = "withdrawal-seen"
"""What the audit calls it that somebody has seen that a ticket was withdrawn, its number being the subject."""
FIRST = "admin"
"""The login of the account that a new installation begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes different of a member; None stays as it is."""

    name: str | None = None
    role: Role | None = None
    groups: tuple[str, ...] | None = None
    on_duty: bool | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is logged in: of the id in the cookie only its hash is kept. `seen` is when somebody was there last, to the minute. Microseconds UTC."""

    hash: str
    login: str
    created: int
    seen: int


class StaffStore(Protocol):
    """Where accounts, sessions and the audit are kept. Each method is one transaction, its entry in the audit included; raises StoreUnavailable, and then
    nothing was done. Logins are found whatever their case."""

    async def add(self, member: Member, password: str, entry: Entry) -> bool:
        """Keep a new member with the hash of a password; False when the login is taken."""

    async def add_first(self, member: Member, password: str, entry: Entry) -> bool:
        """The same, when there is no member at all; False when there is one. Of several that try at once one succeeds."""

    async def members(self) -> Sequence[Member]:
        """Everybody, by login."""

    async def member(self, login: str) -> tuple[Member, str] | None:
        """A member and the hash of the password."""

    async def change(self, login: str, change: Change, entry: Entry) -> Member | None:
        """The member as it is now, None when there is none. The sessions of one who is disabled end. Raises AccountError when the last one goes who may look
        after accounts; then nothing was done."""

    async def set_password(self, login: str, password: str, entry: Entry, *, must_change: bool) -> bool:
        """Keep the hash of another password; all sessions end. Whether there is such a member."""

    async def rehash(self, login: str, old: str, new: str) -> None:
        """The same password, hashed with other parameters; nothing happens when it was changed meanwhile."""

    async def open_session(self, session: Session, password: str, over: tuple[int, int], entry: Entry) -> bool:
        """Keep a session, and forget those that were begun or last seen before the moments `over`; False unless there is such a member, not disabled, whose
        password has still this hash."""

    async def session(self, hash: str) -> tuple[Session, Member] | None:
        """A session and whose it is, however old."""

    async def touch(self, hash: str, at: int) -> None:
        """Somebody was there."""

    async def end_session(self, hash: str, entry: Entry) -> bool:
        """Whether there was such a session."""

    async def give_code(self, login: str, hash: str, until: int, entry: Entry) -> bool:
        """Keep the hash of a code by which this member's account on Telegram is told, instead of an earlier one; False unless there is such a member, not
        disabled."""

    async def link(self, hash: str, telegram: int, now: int, entry: Entry) -> Member | None:
        """Whoever this code was for is this person on Telegram, and nobody else is any more; the code is used up. The entry's actor and subject are put in.
        None for a code that is not there, is over, or whose member is disabled."""

    async def unlink(self, login: str, entry: Entry) -> bool:
        """This member is nobody on Telegram any more; whether there was somebody."""

    async def by_telegram(self, telegram: int) -> Member | None:
        """Who this person on Telegram is."""

    async def record(self, entry: Entry) -> None:
        """Add to the audit."""

    async def withdrawn(self, login: str, *, leads: bool) -> Sequence[Entry]:
        """Tickets that merchants have withdrawn lately with everything else, the newest first, until `login` has seen it (an entry `WITHDRAWAL_SEEN`): own
        ones, and for one who leads also those that nobody had."""

    async def audit(self, before: int | None, limit: int) -> Sequence[Entry]:
        """Entries before the entry with this id, newest first; None for the newest."""


class Accounts:
    """The use cases of administrators, and of members for themselves. `clock` gives microseconds UTC; `actor` is the login of who does it, or `PROGRAM`."""

    def __init__(self, *, store: StaffStore, passwords: Passwords, clock: Callable[[], int]) -> None:
        self._store, self._passwords, self._clock = store, passwords, clock

    async def first(self) -> tuple[str, str] | None:
        """Login and password of the account that a new installation begins with, when it was made just now. The password is nowhere else."""
        if await self._store.members():
            return None
        password = passwords.first()
        member = Member(login=FIRST, name=say("staff.first-name"), role=Role.ADMIN, must_change=True, created=self._clock())
        made = await self._store.add_first(member, await self._passwords.hashed(password), self._entry(PROGRAM, "member-added", FIRST, Role.ADMIN))
        return (FIRST, password) if made else None

    async def add(
        self, actor: str, typed: str, *, name: str = "", role: Role = Role.STAFF, groups: tuple[str, ...] = (), password: str = ""
    ) -> tuple[Member, str]:
        """A new member and a first password, made here unless one is given, which must be changed at the first login. Raises AccountError."""
        login = login_of(typed)
        if login is None or login == PROGRAM:
            raise AccountError(say("staff.bad-login"))
        if password:
            passwords.check(password, login)
        password = password or passwords.first()
        member = Member(login=login, name=name_of(name) or login, role=role, groups=groups, must_change=True, created=self._clock())
        if not await self._store.add(member, await self._passwords.hashed(password), self._entry(actor, "member-added", login, role)):
            raise AccountError(say("staff.taken", login=login))
        return member, password

    async def members(self) -> Sequence[Member]:
        """Everybody, by login."""
        return await self._store.members()

    async def member(self, login: str) -> Member | None:
        """Somebody by login."""
        found = await self._store.member(login)
        return found[0] if found else None

    async def rename(self, actor: str, login: str, name: str) -> Member:
        """Another name. Raises AccountError."""
        if not name_of(name):
            raise AccountError(say("staff.no-name"))
        return await self._change(login, Change(name=name_of(name)), self._entry(actor, "member-renamed", login, name_of(name)))

    async def give_role(self, actor: str, login: str, role: Role) -> Member:
        """Another role. Raises AccountError."""
        return await self._change(login, Change(role=role), self._entry(actor, "member-role", login, role))

    async def give_groups(self, actor: str, login: str, groups: tuple[str, ...]) -> Member:
        """Other groups. Raises AccountError."""
        return await self._change(login, Change(groups=groups), self._entry(actor, "member-groups", login, ", ".join(groups)))

    async def disable(self, actor: str, login: str) -> Member:
        """Nobody gets in with this account any more, and who is in is out. Raises AccountError."""
        return await self._change(login, Change(disabled=True, on_duty=False), self._entry(actor, "member-disabled", login))

    async def enable(self, actor: str, login: str) -> Member:
        """Once more. Raises AccountError."""
        return await self._change(login, Change(disabled=False), self._entry(actor, "member-enabled", login))

    async def set_duty(self, login: str, *, on_duty: bool) -> Member:
        """Somebody begins or ends work. Raises AccountError."""
        return await self._change(login, Change(on_duty=on_duty), self._entry(login, "duty-on" if on_duty else "duty-off", login))

    async def reset(self, actor: str, login: str, password: str = "") -> str:
        """A first password once more, made here unless one is given; all sessions end. Raises AccountError."""
        if password:
            passwords.check(password, login.lower())
        password = password or passwords.first()
        entry = self._entry(actor, "password-reset", login)
        if not await self._store.set_password(login, await self._passwords.hashed(password), entry, must_change=True):
            raise AccountError(say("staff.unknown", login=login))
        return password

    async def choose(self, login: str, password: str) -> None:
        """A member's own new password; all sessions end. Raises AccountError, also for the password that it was."""
        passwords.check(password, login)
        found = await self._store.member(login)
        if found is None:
            raise AccountError(say("staff.unknown", login=login))
        if await self._passwords.matches(found[1], password):
            raise AccountError(say("staff.password-same"))
        await self._store.set_password(login, await self._passwords.hashed(password), self._entry(login, "password-changed", login), must_change=False)

    async def give_code(self, actor: str, login: str) -> str:
        """A code that this member sends to the bot on Telegram, once and within `CODE_LASTS`. Raises AccountError."""
        code = codes.new()
        entry = self._entry(actor, "telegram-code", login)
        if not await self._store.give_code(login, codes.hashed(code), self._clock() + CODE_LASTS, entry):
            raise AccountError(say("staff.unknown", login=login))
        return code

    async def link(self, typed: str, telegram: int) -> Member | None:
        """Whoever has this code is this person on Telegram. None for a wrong one, or one that is over."""
        return await self._store.link(codes.hashed(typed), telegram, self._clock(), self._entry("", "telegram-linked", ""))

    async def by_telegram(self, telegram: int) -> Member | None:
        """Who this person on Telegram is."""
        return await self._store.by_telegram(telegram)

    async def unlink(self, actor: str, login: str) -> bool:
        """This member is nobody on Telegram any more; whether there was somebody."""
        return await self._store.unlink(login, self._entry(actor, "telegram-unlinked", login))

    async def audit(self, before: int | None, limit: int) -> Sequence[Entry]:
        """Entries before the entry with this id, newest first; None for the newest."""
        return await self._store.audit(before, limit)

    async def _change(self, login: str, change: Change, entry: Entry) -> Member:
        member = await self._store.change(login, change, entry)
        if member is None:
            raise AccountError(say("staff.unknown", login=login))
        return member

    def _entry(self, actor: str, what: str, subject: str, detail: str = "") -> Entry:
        return Entry(at=self._clock(), actor=actor, what=what, subject=subject.lower(), detail=detail)
