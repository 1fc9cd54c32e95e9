"""Pushes what the bot and staff say to the app's own server, signed as the app signs what it sends.

`webhook-id` stays the same over all tries, so an app that has seen it may drop what comes again: after a timeout nobody knows whether it was taken.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import aiohttp

from bot.domain.clock import SECOND
from bot.service.delivery import SIDE_BY_SIDE, pause
from bot.service.ports import Later, Sent, Undeliverable

from . import wire
from .signing import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from bot.service.ports import Delivery, Outgoing

    from .sources import Source

TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)
MOST_READ = 1 << 16
"""Bytes of an answer that are read, to use the connection again; what it says is in its status."""
LONGEST_WAIT = 3600
"""Seconds that an app may ask us to wait."""
MOST_FLYING = SIDE_BY_SIDE // 2
"""Lines that are on their way to one app: one that hangs must not hold up the others."""
_SECONDS = re.compile(r"[0-9]{1,9}")


class Callbacks:
    """The channel of all sources that have a callback. `clock` gives the microseconds UTC by which lines wait, `wall` those that stand beside a signature,
    which the app compares with its own; the same when it is not given. An async context manager: connections are closed at the end."""

    def __init__(
        self, *, sources: Iterable[Source], clock: Callable[[], int], wall: Callable[[], int] | None = None, timeout: aiohttp.ClientTimeout = TIMEOUT
    ) -> None:
        self._targets = {source.channel: (source.callback, Signer(source.secrets)) for source in sources if source.callback}
        self._clock, self._wall, self._timeout = clock, wall or clock, timeout
        self._flying: Counter[str] = Counter()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, line: Outgoing) -> Delivery:
        """Try once."""
        target, signer = self._targets.get(line.address.channel, (None, None))
        if target is None or signer is None:
            return Undeliverable(error=f"no callback for {line.address.channel}")
        if self._flying[line.address.channel] >= MOST_FLYING:
            return self._later(line, "many are on their way", counts=False, wait=1)
        content = _content(line)
        headers = signer.headers(webhook_id(line), self._wall(), content) | {"Content-Type": "application/json"}
        self._flying[line.address.channel] += 1
        try:
            return await self._post(line, target, content.encode(), headers)
        finally:
            self._flying[line.address.channel] -= 1

    async def _post(self, line: Outgoing, target: str, body: bytes, headers: dict[str, str]) -> Delivery:
        try:
            async with self._connections().post(target, data=body, headers=headers, allow_redirects=False) as response:
                delivery = self._judge(line, response)
                await _drain(response)
                return delivery
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:  # nothing was sent
            return self._later(line, type(error).__name__)
        except (aiohttp.ClientError, TimeoutError) as error:
            return self._later(line, type(error).__name__, maybe_arrived=True)

    def _judge(self, line: Outgoing, response: aiohttp.ClientResponse) -> Delivery:
        """What the status says. Redirects are not followed: an app's address is what the operator wrote."""
        status = response.status
        if 200 <= status < 300:
            return Sent()
        if status == 410:
            return Undeliverable(error="410")
        if status in {429, 503} and (wait := self._asked(response.headers.get("Retry-After", ""))):
            return self._later(line, str(status), counts=False, wait=wait)
        return self._later(line, str(status), maybe_arrived=status >= 500)

    def _later(self, line: Outgoing, error: str, *, counts: bool = True, wait: float | None = None, maybe_arrived: bool = False) -> Later:
        after = pause(line.tries) if wait is None else int(wait * SECOND)
        return Later(not_before=self._clock() + after, error=error, counts=counts, maybe_arrived=maybe_arrived)

    def _asked(self, text: str) -> float | None:
        """Seconds of a `Retry-After`, a number or a date; None for neither."""
        if _SECONDS.fullmatch(text):
            return min(max(1, int(text)), LONGEST_WAIT)
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(1.0, until.replace(tzinfo=until.tzinfo or UTC).timestamp() - self._wall() / SECOND), LONGEST_WAIT)

    def _connections(self) -> aiohttp.ClientSession:
        """One for all; made here because it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), timeout=self._timeout, auto_decompress=False,
                headers={"User-Agent": "posbot"},
            )  # fmt: skip
        return self._session


def webhook_id(line: Outgoing) -> str:
    """The same over all tries of a line, and of no other line: a new database counts from 1 again, the conversation's random id tells them apart."""
    return f"{line.conversation}:{line.dedupe}"


def _content(line: Outgoing) -> str:
    said = json.loads(line.body)
    pushed = wire.Pushed(
        conversation=line.conversation, merchant=line.address.chat, line=line.message, bubbles=said.get("bubbles", ()), choices=said.get("choices", ()),
        photo=said.get("file"), at=wire.moment(line.created),
    )  # fmt: skip
    return pushed.model_dump_json(exclude_none=True)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read the rest of an answer, so that the connection can be used again; one that is long or broken is closed."""
    left = MOST_READ
    with suppress(aiohttp.ClientError, TimeoutError):
        async for part in response.content.iter_chunked(MOST_READ):
            left -= len(part)
            if left <= 0:
                response.close()
                return
