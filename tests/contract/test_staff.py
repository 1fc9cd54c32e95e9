"""What every store promises about accounts, sessions and the audit, checked on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.audit import Entry
from bot.domain.errors import AccountError
from bot.domain.staff import Member, Role
from bot.service.ports import WITHDRAWN
from bot.service.staff import WITHDRAWAL_SEEN, Change, Session

from .places import opened
from .test_store import MINUTE, NOW

if TYPE_CHECKING:
    from bot.service.ports import Store

    from .places import Place, Server

ANNA = Member(login="anna", name="安娜", role=Role.ADMIN, groups=("风险组", "华东"), must_change=True, created=NOW)
BEN = Member(login="ben", name="<b>本</b>", role=Role.STAFF, created=NOW + 1)
NEVER = (0, 0)


def entry(what: str = "done", actor: str = "anna", subject: str = "ben", detail: str = "") -> Entry:
    return Entry(at=NOW, actor=actor, what=what, subject=subject, detail=detail)


def session(login: str = "anna", hash: str = "h1", at: int = NOW) -> Session:
    return Session(hash=hash, login=login, created=at, seen=at)


@pytest.fixture
async def manned(store: Store) -> Store:
    """Two members."""
    assert await store.staff.add(ANNA, "kept-a", entry("member-added"))
    assert await store.staff.add(BEN, "kept-b", entry("member-added"))
    return store


async def whats(store: Store) -> list[str]:
    return [each.what for each in await store.staff.audit(None, 100)]


async def test_members_come_back_as_they_are(manned: Store) -> None:
    assert list(await manned.staff.members()) == [ANNA, BEN]
    assert await manned.staff.member("ben") == (BEN, "kept-b")
    assert await manned.staff.member("BEN") == (BEN, "kept-b")
    assert await manned.staff.member("be") is None
    assert await manned.staff.member("b%") is None
    assert await manned.staff.member("\x00\ud800") is None


async def test_a_login_is_there_once_whatever_its_case(manned: Store) -> None:
    assert not await manned.staff.add(replace(ANNA, login="Anna"), "kept", entry("again"))
    assert "again" not in await whats(manned)
    assert await manned.staff.member("anna") == (ANNA, "kept-a")


async def test_the_first_member_is_made_once(place: Place) -> None:
    """By several processes at once, where there may be several."""
    async with opened(place) as one:
        made = await asyncio.gather(*(one.staff.add_first(replace(ANNA, login=f"a{number}"), "kept", entry()) for number in range(8)))
        assert sorted(made) == [False] * 7 + [True]
        assert len(await one.staff.members()) == 1
        assert await whats(one) == ["done"]
        assert not await one.staff.add_first(BEN, "kept", entry())


async def test_of_several_servers_one_makes_the_first_member(server: Server) -> None:
    async with opened(server) as one, opened(server) as other:
        made = await asyncio.gather(*(each.staff.add_first(replace(ANNA, login=f"a{number}"), "k", entry()) for number, each in enumerate([one, other] * 4)))
        assert sum(made) == len(await one.staff.members()) == 1


async def test_a_change_changes_what_it_names(manned: Store) -> None:
    changed = await manned.staff.change("Ben", Change(role=Role.LEAD, groups=("一",)), entry("member-role"))
    assert changed == replace(BEN, role=Role.LEAD, groups=("一",))
    assert await manned.staff.change("ben", Change(name="小本", on_duty=True), entry()) == replace(changed, name="小本", on_duty=True)
    assert await manned.staff.change("ben", Change(groups=(), on_duty=False), entry()) == replace(changed, name="小本", groups=())
    assert await manned.staff.change("nobody", Change(name="x"), entry("nothing")) is None
    assert "nothing" not in await whats(manned)


@pytest.mark.parametrize("change", [Change(disabled=True), Change(role=Role.LEAD)])
async def test_the_last_administrator_stays(manned: Store, change: Change) -> None:
    with pytest.raises(AccountError):
        await manned.staff.change("anna", change, entry("nothing"))
    assert (await manned.staff.member("anna")) == (ANNA, "kept-a")
    assert "nothing" not in await whats(manned)
    await manned.staff.change("ben", Change(role=Role.ADMIN), entry())
    assert await manned.staff.change("anna", change, entry("now"))
    with pytest.raises(AccountError):
        await manned.staff.change("ben", change, entry())


async def test_where_there_is_no_administrator_others_can_be_changed(store: Store) -> None:
    await store.staff.add(BEN, "kept-b", entry())
    assert await store.staff.change("ben", Change(on_duty=True), entry())
    assert await store.staff.change("ben", Change(role=Role.LEAD, disabled=True), entry())


async def test_two_administrators_cannot_disable_each_other_at_once(server: Server) -> None:
    async with opened(server) as one, opened(server) as other:
        for member in (ANNA, replace(BEN, role=Role.ADMIN)):
            await one.staff.add(member, "kept", entry())
        off = Change(disabled=True)
        results = await asyncio.gather(one.staff.change("anna", off, entry()), other.staff.change("ben", off, entry()), return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["AccountError", "Member"]


async def test_a_session_belongs_to_a_member(manned: Store) -> None:
    assert await manned.staff.open_session(session(), "kept-a", NEVER, entry("logged-in"))
    assert await manned.staff.session("h1") == (session(), ANNA)
    assert await manned.staff.session("h2") is None
    assert not await manned.staff.open_session(session("nobody", "h3"), "kept-a", NEVER, entry("nothing"))
    assert not await manned.staff.open_session(session("ben", "h3"), "another", NEVER, entry("nothing"))
    await manned.staff.touch("h1", NOW + MINUTE)
    await manned.staff.touch("h1", NOW)
    found = await manned.staff.session("h1")
    assert found
    assert found[0].seen == NOW + MINUTE
    assert await manned.staff.end_session("h1", entry("logged-out"))
    assert not await manned.staff.end_session("h1", entry("nothing"))
    assert await manned.staff.session("h1") is None
    assert (await whats(manned))[:2] == ["logged-out", "logged-in"]


async def test_who_is_disabled_is_out_and_stays_out(manned: Store) -> None:
    await manned.staff.open_session(session("ben"), "kept-b", NEVER, entry())
    await manned.staff.open_session(session("anna", "h2"), "kept-a", NEVER, entry())
    await manned.staff.change("ben", Change(disabled=True), entry())
    assert await manned.staff.session("h1") is None
    assert await manned.staff.session("h2")
    assert not await manned.staff.open_session(session("ben"), "kept-b", NEVER, entry())
    await manned.staff.change("ben", Change(disabled=False), entry())
    assert await manned.staff.session("h1") is None
    assert await manned.staff.open_session(session("ben"), "kept-b", NEVER, entry())


async def test_another_password_ends_all_sessions_of_its_owner(manned: Store) -> None:
    for login, hash in (("ben", "h1"), ("ben", "h2"), ("anna", "h3")):
        await manned.staff.open_session(session(login, hash), f"kept-{login[0]}", NEVER, entry())
    assert await manned.staff.set_password("BEN", "new", entry("password-reset"), must_change=True)
    assert [await manned.staff.session(hash) is not None for hash in ("h1", "h2", "h3")] == [False, False, True]
    assert await manned.staff.member("ben") == (replace(BEN, must_change=True), "new")
    assert not await manned.staff.set_password("nobody", "new", entry("nothing"), must_change=True)
    assert (await whats(manned))[0] == "password-reset"


async def test_a_hash_is_renewed_unless_the_password_changed(manned: Store) -> None:
    await manned.staff.open_session(session(), "kept-a", NEVER, entry())
    await manned.staff.rehash("anna", "kept-a", "stronger")
    await manned.staff.rehash("anna", "kept-a", "late")
    assert await manned.staff.member("anna") == (ANNA, "stronger")
    assert await manned.staff.session("h1")


async def test_what_is_over_is_forgotten_when_somebody_comes(manned: Store) -> None:
    await manned.staff.open_session(session("ben", "old"), "kept-b", NEVER, entry())
    await manned.staff.open_session(session("ben", "idle", NOW + 2), "kept-b", NEVER, entry())
    await manned.staff.touch("old", NOW + 9)
    await manned.staff.open_session(session("anna", "new", NOW + 9), "kept-a", (NOW + 1, NOW + 5), entry())
    assert [await manned.staff.session(hash) is not None for hash in ("old", "idle", "new")] == [False, False, True]


async def test_the_audit_is_paged_and_outlives_the_member(manned: Store, place: Place) -> None:
    for number in range(5):
        await manned.staff.record(entry(f"w{number}", subject="\x00\ud800", detail="甲" * 3000))
    newest = await manned.staff.audit(None, 3)
    assert [each.what for each in newest] == ["w4", "w3", "w2"]
    assert newest[0].subject == "\\u0000\\ud800"
    assert [each.what for each in await manned.staff.audit(newest[-1].id, 100)] == ["w1", "w0", "member-added", "member-added"]
    await manned.staff.open_session(session("ben"), "kept-b", NEVER, entry("logged-in", "ben"))
    await place.execute("DELETE FROM staff WHERE login = 'ben'")
    assert await manned.staff.session("h1") is None
    assert "logged-in" in await whats(manned)


async def test_who_learns_that_a_ticket_was_withdrawn(store: Store) -> None:
    """Its owner; the leads when it was nobody's; each until it is seen."""
    for number, owner in (("1", "li"), ("2", ""), ("3", "wang"), ("4", "li")):
        await store.staff.record(Entry(at=NOW, actor="posbot", what=WITHDRAWN, subject=number, detail=owner))

    async def told(login: str, *, leads: bool) -> list[str]:
        return [entry.subject for entry in await store.staff.withdrawn(login, leads=leads)]

    assert await told("li", leads=False) == ["4", "1"]
    assert await told("zhao", leads=True) == ["2"]
    assert await told("zhao", leads=False) == []
    await store.staff.record(Entry(at=NOW, actor="zhao", what=WITHDRAWAL_SEEN, subject="1"))
    await store.staff.record(Entry(at=NOW, actor="li", what=WITHDRAWAL_SEEN, subject="1"))
    assert await told("li", leads=False) == ["4"]
    await store.staff.record(Entry(at=NOW, actor="posbot", what=WITHDRAWN, subject="1", detail="li"))
    assert await told("li", leads=False) == ["1", "4"]
