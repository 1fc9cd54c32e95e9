"""Which passwords are good enough, and what is kept of them."""

from __future__ import annotations

import re

import pytest

from bot.domain.errors import AccountError
from bot.service import passwords
from bot.service.passwords import Passwords


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "太短"),
        ("short", "太短"),
        ("九个字的密码太短了", "太短"),
        ("x" * 201, "太长"),
        ("wangfang99", "登录名"),
        ("WangFang-wangfang", "登录名"),
        ("13812345678", "数字"),
        ("１３８１２３４５６７８", "数字"),
        ("Password123", "常见"),
        ("Ｐassword123", "常见"),
        ("aaaaaaaaaaaab", "常见"),
    ],
)
def test_what_is_too_weak_is_refused_with_the_reason(password: str, why: str) -> None:
    with pytest.raises(AccountError, match=why):
        passwords.check(password, "wangfang")


@pytest.mark.parametrize("password", ["correct horse", "我家的猫叫小橘子呀", "k7mq-x3pw-9trd", "wangfang likes tea"])
def test_what_is_long_and_own_is_taken(password: str) -> None:
    if len(password) >= passwords.SHORTEST:
        passwords.check(password, "wangfang")


def test_the_common_ones_would_pass_otherwise() -> None:
    """Else they need not be in the list."""
    for password in passwords._COMMON:
        assert len(password) >= passwords.SHORTEST
        assert password == password.casefold()


def test_first_passwords_are_good_and_not_the_same() -> None:
    made = {passwords.first() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        assert re.fullmatch(r"[2-9a-hjkmnp-z]{4}(-[2-9a-hjkmnp-z]{4}){3}", password)
        passwords.check(password, "anna")


async def test_a_hash_is_of_one_password() -> None:
    checker = Passwords()
    kept = await checker.hashed("correct horse １")
    assert kept.startswith("$argon2id$v=19$m=7168,t=5,p=1$")
    assert kept != await checker.hashed("correct horse １")
    assert await checker.matches(kept, "correct horse 1")
    assert not await checker.matches(kept, "correct horse 2")
    assert not await checker.matches("no hash at all", "correct horse 1")
    assert not await checker.matches(None, "correct horse 1")
    assert not checker.is_outdated(kept)


async def test_odd_passwords_are_wrong_and_no_errors() -> None:
    checker = Passwords()
    for password in ("", "\x00", "\ud800", "字" * 100_000):
        assert not await checker.matches(None, password)
