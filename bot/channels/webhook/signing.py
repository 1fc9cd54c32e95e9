"""Signatures of the Standard Webhooks scheme (https://www.standardwebhooks.com): HMAC-SHA256 over `<id>.<timestamp>.<content>`.

The content is the body as it was sent. A request without a body has its target as content, the path with the query as it was sent: so what is asked for is
signed too, and no signature fits another question. A body begins with `{` and a target with `/`, so neither can be taken for the other.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from standardwebhooks import Webhook

from bot.channels.http import Refused, problem
from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = 300
"""Seconds that a timestamp may be off."""
MOST_SIGNATURES = 8
ID_PATTERN = r"[A-Za-z0-9_:~-]{1,100}"
"""No full stop, which parts what is signed."""
_ID = re.compile(ID_PATTERN)
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,10}")
_V1 = re.compile(r"v1,[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The three headers of a signed message, well formed and of the right time; whether the signatures are good is not known yet."""

    id: str
    at: datetime
    signatures: tuple[str, ...]


def stamp(headers: Mapping[str, str], now: int) -> Stamp:
    """The headers of a request; `now` in microseconds. Raises Refused (401)."""
    id, at = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    signatures = tuple(filter(_V1.fullmatch, headers.get(SIGNATURE, "").split(" ", MOST_SIGNATURES)))
    if not (signatures and _ID.fullmatch(id) and _TIMESTAMP.fullmatch(at)):
        raise Refused(problem(401, "unsigned"))
    if abs(int(at) - now / SECOND) > TOLERANCE:
        raise Refused(problem(401, "wrong-time", seconds=TOLERANCE))
    return Stamp(id=id, at=datetime.fromtimestamp(int(at), UTC), signatures=signatures)


class Signer:
    """Signs and checks with the secrets of one source."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._webhooks = tuple(map(Webhook, secrets))

    def check(self, stamp: Stamp, content: str) -> None:
        """Whether one of the signatures is one of ours, in constant time. Raises Refused (401)."""
        good = False
        for webhook in self._webhooks:
            expected = webhook.sign(stamp.id, stamp.at, content)
            for signature in stamp.signatures:
                good |= hmac.compare_digest(expected, signature)
        if not good:
            raise Refused(problem(401, "bad-signature"))

    def headers(self, id: str, now: int, content: str) -> dict[str, str]:
        """The headers for something that we send; `now` in microseconds. It is signed with every secret, so the other side may exchange them at any time."""
        at = datetime.fromtimestamp(now // SECOND, UTC)
        signatures = " ".join(webhook.sign(id, at, content) for webhook in self._webhooks)
        return {ID: id, TIMESTAMP: str(now // SECOND), SIGNATURE: signatures}
