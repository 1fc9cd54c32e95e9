"""Accounts: what administrators ask, and how it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.errors import AccountError
from bot.domain.staff import Role
from bot.service.passwords import Passwords
from bot.service.sessions import Sessions
from bot.service.staff import Accounts
from bot.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = 1_760_000_000_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    opened = await SQLiteStore.open(tmp_path / "posbot.db", lambda: "id")
    yield opened
    await opened.close()


@pytest.fixture
def accounts(store: SQLiteStore) -> Accounts:
    return Accounts(store=store.staff, passwords=Passwords(), clock=lambda: NOW)


async def test_the_first_account_is_made_when_there_is_none(accounts: Accounts) -> None:
    made = await accounts.first()
    assert made
    member = await accounts.member("admin")
    assert member
    assert (made[0], member.role, member.must_change, member.created) == ("admin", Role.ADMIN, True, NOW)
    assert await accounts.first() is None


async def test_what_cannot_be_is_refused_with_the_reason(accounts: Accounts) -> None:
    await accounts.add("posbot", "anna", role=Role.ADMIN)
    for asked, why in (
        (accounts.add("anna", "ANNA"), "已经有人用了"),
        (accounts.add("anna", "a b"), "登录名要用"),
        (accounts.add("anna", "posbot"), "登录名要用"),
        (accounts.add("anna", "ben", password="short"), "太短"),
        (accounts.rename("anna", "anna", " \n"), "不能是空的"),
        (accounts.rename("anna", "nobody", "x"), "没有登录名"),
        (accounts.reset("anna", "nobody"), "没有登录名"),
        (accounts.choose("nobody", "a good long one"), "没有登录名"),
        (accounts.disable("anna", "anna"), "没有能用的管理员"),
        (accounts.give_role("anna", "anna", Role.STAFF), "没有能用的管理员"),
    ):
        with pytest.raises(AccountError, match=why):
            await asked
    assert [entry.what for entry in await accounts.audit(None, 100)] == ["member-added"]


async def test_a_password_that_is_changed_while_it_is_checked_lets_nobody_in(accounts: Accounts, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    sessions = Sessions(store=store.staff, passwords=passwords, clock=lambda: NOW)
    _, password = await accounts.add("posbot", "anna")
    matches = passwords.matches

    async def slowly(kept: str | None, typed: str) -> bool:
        right = await matches(kept, typed)
        await accounts.reset("posbot", "anna")
        return right

    monkeypatch.setattr(passwords, "matches", slowly)
    assert await sessions.log_in("anna", password, "test") is None


async def test_everything_is_audited(accounts: Accounts) -> None:
    await accounts.add("posbot", "anna", role=Role.ADMIN)
    await accounts.add("anna", "Ben", password="a good long one")
    await accounts.rename("anna", "ben", "本")
    await accounts.give_role("anna", "ben", Role.LEAD)
    await accounts.give_groups("anna", "ben", ("华东", "风险"))
    await accounts.set_duty("ben", on_duty=True)
    gone = await accounts.disable("anna", "BEN")
    assert not gone.on_duty
    await accounts.enable("anna", "ben")
    await accounts.reset("anna", "ben")
    await accounts.choose("ben", "my own long one")
    assert [(entry.actor, entry.what, entry.subject, entry.detail) for entry in await accounts.audit(None, 100)] == [
        ("ben", "password-changed", "ben", ""),
        ("anna", "password-reset", "ben", ""),
        ("anna", "member-enabled", "ben", ""),
        ("anna", "member-disabled", "ben", ""),
        ("ben", "duty-on", "ben", ""),
        ("anna", "member-groups", "ben", "华东, 风险"),
        ("anna", "member-role", "ben", "lead"),
        ("anna", "member-renamed", "ben", "本"),
        ("anna", "member-added", "ben", "staff"),
        ("posbot", "member-added", "anna", "admin"),
    ]
