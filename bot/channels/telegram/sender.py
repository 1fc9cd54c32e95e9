"""Carries lines to Telegram: one call for each, so that what has arrived is never sent again because of something else.

What the merchant sent passes here too, in its place among the lines: a picture is fetched before anybody says that it is there.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from bot.domain.clock import SECOND
from bot.domain.errors import StoreUnavailable
from bot.service.delivery import SIDE_BY_SIDE, pause
from bot.service.ports import Later, Sent, Undeliverable
from bot.wording import say

from .api import COMPLETE, MOST_IN_ALBUM, ApiError, Attached, Forbidden, Impossible, Migrated, Unclear, Unknown, Wait, go_together

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.service.intake import Intake
    from bot.service.ports import Delivery, Outgoing, Store

    from .api import Api, GetApi
    from .errands import Errands
    from .files import Files
    from .keyboards import Keyboards
    from .pace import Pace

LONGEST_TRY = 28.0
"""Seconds, within the lease of a line."""
MOST_FLYING = SIDE_BY_SIDE // 2
"""Lines that are on their way to Telegram: when it hangs, it must not hold up other channels."""
MOST_FETCHES = 3
"""Tries to fetch a picture; behind it the merchant waits for an answer."""
MENDED = 60
"""Seconds between two tries while the token is not known: somebody has to set another one."""
MOST_OPEN = 10_000
"""Chats of which the last keyboard is remembered."""
_LAYOUT = ("BUTTON", "reply markup", "inline keyboard")
"""What errors about buttons have in them: the text is worth more than its buttons."""
logger = logging.getLogger(__name__)


class Sender:
    """The channel of all private chats. `clock` gives the microseconds by which lines wait."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        *,
        api: GetApi,
        keyboards: Keyboards,
        files: Files,
        store: Store,
        intake: Intake,
        pace: Pace,
        errands: Errands,
        clock: Callable[[], int],
    ) -> None:
        self._api, self._keyboards, self._files, self._store, self._intake = api, keyboards, files, store, intake
        self._pace, self._errands, self._clock = pace, errands, clock
        self._moved: dict[str, str] = {}
        self._open: dict[str, int] = {}
        self._flying = 0

    async def send(self, line: Outgoing) -> Delivery:
        """Try once."""
        if until := self._pace.until(line.address.chat):
            return Later(not_before=until, error="asked to wait", counts=False)
        if self._flying >= MOST_FLYING:
            return Later(not_before=self._clock() + SECOND, error="many are on their way", counts=False)
        self._flying += 1
        try:
            return await self._try(line)
        finally:
            self._flying -= 1

    async def _try(self, line: Outgoing) -> Delivery:
        try:
            body = json.loads(line.body)
            async with asyncio.timeout(LONGEST_TRY):
                return await self._carry(await self._api(), line, body)
        except TimeoutError:
            return self._later(line, "no answer", maybe_arrived=True)
        except StoreUnavailable as error:
            return self._later(line, str(error))
        except ApiError as error:
            return await self._judge(line, error)

    async def _carry(self, api: Api, line: Outgoing, body: dict[str, Any]) -> Delivery:
        if reference := body.get("fetch"):
            return await self._fetch(api, line, reference, body["file"])
        if body.get("amends") and (sent := await self._amended(api, line, body)):
            return Sent(remote_id=sent)
        before = await self._cleared(api, line, body)
        await self._pace.turn()
        chat = self._chat(line)
        text = _speakable(body, before)
        if (file := await self._attached(line, body, text)) is not None and body.get("album"):
            return await self._together(api, chat, line, body["album"], file)
        if file is None and not text:  # a picture that is not there any more
            return Sent()
        rows = self._keyboards.rows(line.address.chat, line.message, body.get("choices", ()))
        try:
            sent = (await api.send_files(chat, [file], rows))[0] if file else await api.send_text(chat, text, rows)
        except Impossible as error:
            if not rows or not any(word in str(error) for word in _LAYOUT):
                raise
            logger.error("buttons refused", extra={"event": "buttons_refused", "error": str(error)})  # noqa: TRY400  (the text is worth more)
            sent = await api.send_text(chat, text)
        self._offered(line.address.chat, int(sent), buttons=bool(rows))
        return Sent(remote_id=sent)

    async def _attached(self, line: Outgoing, body: dict[str, Any], text: str) -> Attached | None:
        """What hangs on a line, if anything, and is still there."""
        if body.get("carry"):
            return Attached(kind=str(body.get("kind")), content=str(body["carry"]), caption=text)
        photo = await self._store.photo(body["file"], line.address) if body.get("file") else None
        return Attached(kind="photo", content=photo.data, caption=text) if photo else None

    async def _together(self, api: Api, chat: str, line: Outgoing, album: str, file: Attached) -> Delivery:
        """A line with those that follow it in its album, once they have come; alone when the server does not take them so."""
        lines, files = [line], [file]
        behind = await self._store.queued(line.id, MOST_IN_ALBUM - 1)
        for other in behind:
            body = json.loads(other.body)
            part = await self._attached(other, body, "\n".join(body.get("bubbles", ()))) if body.get("album") == album else None
            if part is None or not go_together(each.kind for each in (*files, part)):
                break
            lines, files = [*lines, other], [*files, part]
        complete = lines[-1].created + COMPLETE
        if len(lines) == len(behind) + 1 < MOST_IN_ALBUM and complete > self._clock():
            return Later(not_before=complete, error="an album that is still coming in", counts=False)
        for _ in files[1:]:
            await self._pace.turn()
        try:
            sent = await api.send_files(chat, files)
        except Impossible:
            if len(files) == 1:
                raise
            sent = await api.send_files(chat, [file])
        ids = {each.id: remote for each, remote in zip(lines, sent, strict=False)}
        return Sent(remote_id=ids.pop(line.id), along=tuple(ids.items()))

    async def _amended(self, api: Api, line: Outgoing, body: dict[str, Any]) -> str:
        """Change the words of a message that has arrived; empty when that cannot be done, and the correction is said."""
        sent = await self._store.forum.remote_of(line.conversation, int(body["amends"]))
        if not sent or not sent.isdecimal():
            return ""
        try:
            await api.rewrite(self._chat(line), sent, _speakable({**body, "bubbles": [body.get("plain", "")]}, ""))
        except Impossible as error:
            return sent if "not modified" in str(error) else ""
        return sent

    async def _cleared(self, api: Api, line: Outgoing, body: dict[str, Any]) -> str:
        """Take a message with secrets out of the chat, where that is allowed; what is said of it."""
        if not body.get("unsafe"):
            return ""
        try:
            await api.delete(self._chat(line), body["unsafe"])
        except Impossible:  # too old, or the merchant was faster
            return ""
        return say("telegram.deleted")

    async def _fetch(self, api: Api, line: Outgoing, reference: str, id: str) -> Delivery:
        try:
            if await self._files.keep(api, line, reference, id):
                return Sent()
        except (Unclear, Unknown) as error:
            if line.tries < MOST_FETCHES:
                return self._later(line, str(error))
        await self._intake.lost(line.address, f"lost:{line.conversation}:{line.dedupe}", id)
        return Sent(remote_id="lost")

    async def _judge(self, line: Outgoing, error: ApiError) -> Delivery:
        """What becomes of a line that was not taken."""
        match error:
            case Wait(seconds=seconds):
                return Later(not_before=self._pace.refused(line.address.chat, seconds), error="429", counts=False)
            case Migrated(chat=chat):
                self._moved[line.address.chat] = str(chat)
                return Later(not_before=self._clock(), error=str(error), counts=False)
            case Forbidden():
                return await self._left(line, str(error))
            case Impossible():
                logger.error("a line was refused", extra={"event": "line_refused", "error": str(error), "id": line.id})
                return Undeliverable(error=str(error))
            case Unknown():
                return Later(not_before=self._clock() + MENDED * SECOND, error=str(error))
            case _:
                return self._later(line, str(error), maybe_arrived=isinstance(error, Unclear))

    async def _left(self, line: Outgoing, error: str) -> Delivery:
        """Staff are told before the line is given up: nobody else will notice."""
        try:
            await self._intake.left(line.address, f"left:{line.conversation}:{line.dedupe}")
        except StoreUnavailable:
            return self._later(line, error)
        return Undeliverable(error=error)

    def _later(self, line: Outgoing, error: str, *, maybe_arrived: bool = False) -> Later:
        return Later(not_before=self._clock() + pause(line.tries), error=error, maybe_arrived=maybe_arrived)

    def _chat(self, line: Outgoing) -> str:
        return self._moved.get(line.address.chat, line.address.chat)

    def _offered(self, chat: str, message: int, *, buttons: bool) -> None:
        """Buttons stand under the last question only."""
        if not buttons:
            return
        if before := self._open.pop(chat, 0):
            self._errands.mark(chat, before)
        self._open[chat] = message
        if len(self._open) > MOST_OPEN:
            del self._open[next(iter(self._open))]

    def answered(self, chat: str, message: int) -> None:
        """A button under this message was tapped, and its keyboard has been seen to."""
        if self._open.get(chat) == message:
            del self._open[chat]


def _speakable(body: dict[str, Any], before: str) -> str:
    """The text of a message: a colleague's name before it, and whole characters only."""
    said = "\n".join(body.get("bubbles", ()))
    if author := body.get("author"):
        said = say("telegram.staff", name=author, text=said).strip()
    return "\n".join(filter(None, (before, said))).encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")
