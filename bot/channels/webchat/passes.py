"""Who a visitor is: tokens that the server made, and merchants for whom another site vouches.

A visitor's token is 256 random bits; its SHA-256 is the chat, and only that is kept. A site that knows its merchants may sign who it is, with a secret that
it shares with us; its server makes this text for each page that it shows, and gives it as `data-merchant` of the script line or as `#merchant=` of the page:

    payload = base64url(JSON: {"merchant": "M-1001", "expires": 1760000600, "profile": {"terminal_no": "10023345", "merchant_name": "…"}})
    identity = payload + "." + hex(HMAC-SHA256(secret, payload))

In Python: `signed({"merchant": …, "expires": …}, secret)`. In a shell: `printf %s "$payload" | openssl dgst -sha256 -hmac "$secret"`. `expires` is in seconds
UTC and at most an hour ahead; base64url is without `=`; `profile` is optional, its keys are ids of `knowledge/slots.yaml`. The chat then follows from
`merchant`: the same one on every device. For such an identity the visitor gets a token of ours, signed too, which is good for twelve hours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.channels.http import Refused, parsed, problem
from bot.domain.clock import SECOND
from bot.domain.messages import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHANNEL = "web"
AHEAD = 3600 + 300
"""Seconds that an identity may be good for: an hour, and clocks that differ."""
SESSION = 12 * 3600
"""Seconds for which a merchant need not be vouched for again."""
LONGEST = 3000
"""Characters of a token: it must fit into a cookie (4,096 bytes with its name)."""
SHORTEST_SECRET = 16
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43,128}")
_OURS = "session."
"""Stands before what we sign ourselves: a site's signature can never pass for one of ours (its payload holds no dot)."""


class _Claims(BaseModel):
    """What is signed."""

    model_config = ConfigDict(extra="forbid", strict=True)
    merchant: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    expires: Annotated[int, Field(ge=0, le=1 << 53)]
    profile: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")], Annotated[str, StringConstraints(max_length=200)]], Field(max_length=20)
    ] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is there. `profile` is what is known of the merchant, by slot."""

    address: Address
    profile: Mapping[str, str]
    identified: bool = False

    @property
    def mark(self) -> str:
        """Tells visitors apart without telling who they are."""
        return hashlib.sha256(f"mark:{self.address.chat}".encode()).hexdigest()[:16]


def signed(claims: Mapping[str, Any], secret: bytes, purpose: str = "") -> str:
    """Claims as a signed token; see the head of this module."""
    payload = base64.urlsafe_b64encode(json.dumps(claims, ensure_ascii=False).encode()).decode().rstrip("=")
    return f"{payload}.{_signature(payload, secret, purpose)}"


def _signature(payload: str, secret: bytes, purpose: str) -> str:
    return hmac.new(secret, f"{purpose}{payload}".encode(), hashlib.sha256).hexdigest()


class Passes:
    """Makes tokens and reads them. Of `secrets` the first signs, all are believed: so one can be exchanged. Without any, nobody is vouched for. Raises
    ValueError for secrets and tokens that could be guessed."""

    def __init__(self, *, secrets: tuple[bytes, ...], clock: Callable[[], int], new_id: Callable[[], str]) -> None:
        if any(len(secret) < SHORTEST_SECRET for secret in secrets):
            raise ValueError(f"a secret of the web chat has less than {SHORTEST_SECRET} bytes")
        self._secrets, self._clock, self._new_id = secrets, clock, new_id
        if not _RANDOM.fullmatch(self.fresh()):
            raise ValueError("new_id must give at least 128 random bits as URL-safe text, such as secrets.token_hex(16)")

    def fresh(self) -> str:
        """A token for somebody new: two ids of 128 bits."""
        return f"{self._new_id()}{self._new_id()}"

    def vouched(self, identity: str) -> str:
        """A token for a merchant for whom a site vouches. Raises Refused (401)."""
        claims = self._claims(identity, "")
        if claims is None or claims.expires > self._now() + AHEAD:
            raise Refused(problem(401, "identity-wrong"))
        if claims.expires <= self._now():
            raise Refused(problem(401, "identity-expired"))
        token = signed({**claims.model_dump(), "expires": self._now() + SESSION}, self._secrets[0], _OURS)
        if len(token) > LONGEST:
            raise Refused(problem(401, "identity-wrong"))
        return token

    def read(self, token: str) -> Visitor | None:
        """Whose token it is; None for one that is not ours or not good any more."""
        if _RANDOM.fullmatch(token):
            return Visitor(address=_address(token), profile={})
        claims = self._claims(token, _OURS)
        if claims is None or claims.expires <= self._now():
            return None
        return Visitor(address=_address(f"merchant:{claims.merchant}"), profile=claims.profile, identified=True)

    def _claims(self, token: str, purpose: str) -> _Claims | None:
        """What a token says, if somebody with a secret of ours said it. The signature is compared before anything is read, in constant time."""
        payload, _, signature = token.partition(".")
        if len(token) > LONGEST or not token.isascii():
            return None
        if not any(hmac.compare_digest(_signature(payload, secret, purpose), signature.lower()) for secret in self._secrets):
            return None
        try:
            return parsed(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), _Claims)
        except (ValueError, Refused):
            return None

    def _now(self) -> int:
        return self._clock() // SECOND


def _address(who: str) -> Address:
    """The chat of a token; a colon is in none of them, so that no token can be a merchant."""
    return Address(channel=CHANNEL, chat=hashlib.sha256(who.encode()).hexdigest())
