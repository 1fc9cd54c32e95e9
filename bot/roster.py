"""`posbot staff …`: accounts of staff from the machine itself, beside a running service or without one. Each command gives its exit code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from bot import server
from bot.domain.clock import SECOND
from bot.domain.errors import AccountError
from bot.domain.staff import groups_of
from bot.service.passwords import Passwords
from bot.service.staff import CODE_LASTS, PROGRAM, Accounts
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TextIO

    from bot.domain.staff import Member, Role
    from bot.settings import Settings

DONE = 0
T = TypeVar("T")


def add(  # noqa: PLR0913  (options, by name)
    settings: Settings, login: str, *, name: str, role: Role, groups: str, given: TextIO | None, telegram: bool = False
) -> int:
    """A new account. The first password is made and told, unless one is given: its first line. With `telegram` also a code for the group there. Raises
    AccountError."""
    password = _read(given)
    member, first = _do(settings, lambda accounts: accounts.add(PROGRAM, login, name=name, role=role, groups=groups_of(groups), password=password))
    print(say("roster.added", login=member.login, role=say(f"console.role-{member.role}")))
    _tell(password, first)
    return code(settings, member.login) if telegram else DONE


def show(settings: Settings, *, as_json: bool) -> int:
    """Everybody."""
    members = _do(settings, lambda accounts: accounts.members())
    if as_json:
        print(json.dumps([_json(member) for member in members], ensure_ascii=False, indent=2))
        return DONE
    for member in members:
        groups = f" [{', '.join(member.groups)}]" if member.groups else ""
        print(f"{member.login:20} {say(f'console.role-{member.role}')} {member.name}{groups} {_state(member)}".rstrip())
    if not members:
        print(say("roster.nobody"))
    return DONE


def disable(settings: Settings, login: str) -> int:
    """Nobody gets in with an account any more. Raises AccountError."""
    member = _do(settings, lambda accounts: accounts.disable(PROGRAM, login))
    print(say("roster.disabled", login=member.login))
    return DONE


def enable(settings: Settings, login: str) -> int:
    """Once more. Raises AccountError."""
    member = _do(settings, lambda accounts: accounts.enable(PROGRAM, login))
    print(say("roster.enabled", login=member.login))
    return DONE


def passwd(settings: Settings, login: str, *, given: TextIO | None) -> int:
    """A first password once more. Raises AccountError."""
    password = _read(given)
    first = _do(settings, lambda accounts: accounts.reset(PROGRAM, login, password))
    print(say("roster.reset", login=login))
    return _tell(password, first)


def give_role(settings: Settings, login: str, role: Role) -> int:
    """Another role. Raises AccountError."""
    member = _do(settings, lambda accounts: accounts.give_role(PROGRAM, login, role))
    print(say("roster.role", login=member.login, role=say(f"console.role-{role}")))
    return DONE


def code(settings: Settings, login: str) -> int:
    """A code that a member sends to the bot on Telegram, to be known in the staff's group. It is told this once. Raises AccountError."""
    made = _do(settings, lambda accounts: accounts.give_code(PROGRAM, login))
    print(say("roster.code", login=login, code=made, minutes=CODE_LASTS // SECOND // 60))
    return DONE


def unlink(settings: Settings, login: str) -> int:
    """A member is nobody on Telegram any more. Raises AccountError."""
    done = _do(settings, lambda accounts: accounts.unlink(PROGRAM, login))
    print(say("roster.unlinked" if done else "roster.not-linked", login=login))
    return DONE


def _do(settings: Settings, do: Callable[[Accounts], Awaitable[T]]) -> T:
    """One use case on the database of the settings."""

    async def run() -> T:
        store = await server.open_beside(settings)
        try:
            return await do(Accounts(store=store.staff, passwords=Passwords(), clock=server.clock))
        finally:
            await store.close()

    return asyncio.run(run())


def _read(given: TextIO | None) -> str:
    """The password that is piped in. Raises AccountError for none."""
    password = given.readline().rstrip("\r\n") if given else ""
    if given and not password:
        raise AccountError(say("roster.no-password"))
    return password


def _tell(given: str, first: str) -> int:
    """A password that was made is told this once; one that was given is known."""
    if not given:
        print(say("roster.password", password=first))
    return DONE


def _state(member: Member) -> str:
    states = ((member.disabled, "console.is-disabled"), (member.must_change, "console.is-new"), (member.on_duty, "console.duty-on"))
    return next((say(key) for true, key in states if true), "")


def _json(member: Member) -> dict[str, object]:
    created = datetime.fromtimestamp(member.created // SECOND, UTC)
    return {**asdict(member), "created": created.isoformat()}
