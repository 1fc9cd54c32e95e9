"""Codes that are typed once: short enough for a phone, long enough that nobody guesses one while it lasts."""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without characters that look like another: 0 and O, 1, I and L."""
LENGTH = 10
"""49 bits: with five tries a minute, a code that lasts a quarter of an hour is guessed once in 10^13."""


def new() -> str:
    """A code in two groups of characters."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{drawn[: LENGTH // 2]}-{drawn[LENGTH // 2 :]}"


def hashed(typed: str) -> str:
    """What is kept of a code; blanks, hyphens and case do not count."""
    return hashlib.sha256("".join(typed.upper().replace("-", " ").split()).encode("utf-8", "replace")).hexdigest()
