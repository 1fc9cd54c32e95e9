"""Who may do what, and what people type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.staff import Member, Permission, Role, groups_of, login_of, may, name_of

ALLOWED = {
    Role.STAFF: "read-tickets work-tickets",
    Role.LEAD: "read-tickets work-tickets assign incidents reports export forget",
    Role.EDITOR: "read-tickets reports mistakes",
    Role.ADMIN: "read-tickets work-tickets assign incidents reports export mistakes accounts audit forget",
}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_it_is_there_for(role: Role) -> None:
    member = Member(login="anna", name="安娜", role=role)
    assert {permission for permission in Permission if may(member, permission)} == set(ALLOWED[role].split())
    for nobody in (replace(member, disabled=True), replace(member, must_change=True)):
        assert not any(may(nobody, permission) for permission in Permission)


@pytest.mark.parametrize(
    ("typed", "login"),
    [
        ("anna", "anna"), (" Anna.B-1_x ", "anna.b-1_x"), ("a1", "a1"), ("a", None), ("", None), (".anna", None), ("anna b", None), ("安娜", None),
        ("a" * 32, "a" * 32), ("a" * 33, None), ("anna\n", "anna"), ("an\nna", None), ("ａnna", None), ("KELVIN\u212a", None), ("a/b", None), ("..", None),
    ],
)  # fmt: skip
def test_logins(typed: str, login: str | None) -> None:
    assert login_of(typed) == login


def test_names_are_one_line() -> None:
    assert name_of("  王\n芳\x00\u202e  ") == "王 芳"
    assert name_of("\n\x00") == ""
    assert len(name_of("字" * 100)) == 40


def test_groups_are_listed_once() -> None:
    assert groups_of("华东，风险组, 华东、 ,x") == ("华东", "风险组", "x")
    assert groups_of("") == ()
    assert len(groups_of(",".join(map(str, range(100))))) == 20
