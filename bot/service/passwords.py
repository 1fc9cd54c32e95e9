"""Passwords of staff: which are good enough, how they are kept, how they are checked."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from bot.domain.errors import AccountError
from bot.wording import say

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 10, 200
"""Characters of a password."""
MEMORY_KIB, TURNS, LANES = 7168, 5, 1
"""argon2id with one of the five settings that the OWASP Password Storage Cheat Sheet calls equally strong, the one with the least memory: 7 MiB, five turns,
one lane; some 30 ms. Who changes these need do nothing else: a password is hashed anew when its owner comes next."""
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Of first passwords: nothing that looks like something else when it is read out or copied by hand. 16 of 31 letters are 79 bits."""
DIFFERENT = 4
"""Letters at least that are not the same."""
BESIDES = 6
"""Characters at least that are not the login name."""
_TRIED = """
1234567890 0123456789 12345678910 1234567890a a1234567890 a123456789 aa123456789 abc1234567 abc123456789 abcd123456 abcd1234567 abcdefghij abcdefg123
qwertyuiop qwerty1234 qwerty12345 qwerty123456 1qaz2wsx3edc 1q2w3e4r5t 1q2w3e4r5t6y qazwsxedcrfv asdfghjkl1 asdfghjkl123 zxcvbnm123 zxcvbnm1234
password12 password123 password1234 passw0rd123 p@ssw0rd123 p@ssword123 password01 password2024 password2025 password2026 admin12345 admin123456
admin@1234 admin@12345 admin@123456 administrator adminadmin root123456 welcome123 welcome1234 changeme123 letmein123 iloveyou123 woaini1314
woaini1314520 woaini520520 woaini5201314 woaini12345 woaini123456 qq123456789 wang123456 zhang123456 li123456789 china123456 huawei123456 unionpay123
unionpay1234 unionpay2024 unionpay2025 unionpay2026 yinlian123 yinlian123456 posbot1234 posbot12345 posbot123456 kefu123456 kefu123456789 merchant123
"""
_COMMON = frozenset(_TRIED.split())
"""Those that everybody tries, and that are long enough to pass otherwise."""


def normal(password: str) -> str:
    """A password as it is kept, NFKC: a full-width digit of an input method is the same digit."""
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode())


def check(password: str, login: str) -> None:
    """Raises AccountError, which says what is wrong with a new password."""
    text = normal(password).casefold()
    if len(text) < SHORTEST:
        raise AccountError(say("staff.password-short", least=SHORTEST))
    if len(text) > LONGEST:
        raise AccountError(say("staff.password-long", most=LONGEST))
    if len(text.replace(login, "")) < BESIDES:
        raise AccountError(say("staff.password-login"))
    if text.isdecimal():
        raise AccountError(say("staff.password-digits"))
    if text in _COMMON or len(set(text)) < DIFFERENT:
        raise AccountError(say("staff.password-common"))


def first() -> str:
    """A password for the first time, such as `k7mq-x3pw-9trd-h2vn`."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


class Passwords:
    """Hashes and checks passwords, one after the other in a thread of its own: nobody else waits for it, and what it needs of memory it needs once."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "passwords")

    async def hashed(self, password: str) -> str:
        """What is kept of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _hash, normal(password))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is the password of which this is kept. None, for somebody who does not exist, takes as long as a wrong one."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _matches, kept, normal(password[: 4 * LONGEST]))

    def is_outdated(self, kept: str) -> bool:
        """Whether a password was hashed with other parameters than today's."""
        return _hasher().check_needs_rehash(kept)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415  (loaded only where somebody logs in)

    return PasswordHasher(time_cost=TURNS, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _nobody() -> str:
    """The hash of a password that nobody knows, with today's parameters."""
    return _hash(secrets.token_urlsafe())


def _hash(password: str) -> str:
    return _hasher().hash(password)


def _matches(kept: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    nobody = _nobody()  # made with the first try, whoever's it is
    try:
        return _hasher().verify(kept or nobody, password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False
