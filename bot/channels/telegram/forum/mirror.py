"""Keeps topics true: what a topic showed last is compared with its ticket, and what is missing is shown. Nothing depends on being told of a change: a bell only
makes it sooner. Each call is kept as done right after it; one of which nobody knows whether it arrived is made again, and says so."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.channels.telegram.api import ApiError, Forbidden, Impossible, Migrated, Unclear, Unknown, Unreachable, Wait
from bot.channels.telegram.bubbles import units
from bot.domain.errors import StoreUnavailable
from bot.wording import say

from . import lines
from .api import MessageGone, NoRights, TopicGone
from .showing import AT_ONCE, DEAD, NAME, REACTIONS, RELAYED, Showing, reacted, relayed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.service.bell import Bell
    from bot.service.desk import DeskStore
    from bot.service.forum import Alarm, Behind, Fate, ForumStore, Post, Topic
    from bot.service.ports import Meter, Store

    from .api import GetGroupApi, GroupApi
    from .card import Draw
    from .pace import Paces
    from .showing import Posted


POLL, AGAIN, LOOK = 0.25, 1.0, 1.0
"""Seconds between two looks when no bell rings, after a failure, and between two looks at what is rare."""
SIDE_BY_SIDE = 8
"""Topics that are worked on together."""
MENDED = 30.0
"""Seconds between two tries while the bot may not do what it must: somebody has to give it rights."""
LONGEST_PAUSE = 60.0
BLOCKED = ("blocked", "deactivated", "kicked", "initiate")
"""What errors say of merchants who cannot be reached any more."""
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Rest:
    """A ticket whose topic could not be shown: how often, and until when it is left alone."""

    times: int
    until: float


class Mirror:
    """Works until cancelled. `roomy` gives the group in which a new topic is made, `draw` what cards are drawn with, `clock` microseconds UTC, `elapsed`
    seconds by a clock that nobody sets. `moved` hears that the group is another chat, `besides` tells what is not about one ticket."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        *,
        api: GetGroupApi,
        store: Store,
        paces: Paces,
        roomy: Callable[[], int],
        moved: Callable[[int, int], Awaitable[None]],
        draw: Draw,
        besides: Callable[[GroupApi], Awaitable[None]],
        meter: Meter,
        clock: Callable[[], int],
        elapsed: Callable[[], float],
    ) -> None:
        self._get_api, self._store, self._paces, self._roomy, self._moved = api, store, paces, roomy, moved
        self._draw, self._besides, self._meter, self._clock, self._elapsed = draw, besides, meter, clock, elapsed
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._rests: dict[str, _Rest] = {}
        self._seen_to = self._keeps_until = float("-inf")

    @property
    def _forum(self) -> ForumStore:
        return self._store.forum

    @property
    def _desk(self) -> DeskStore:
        return self._store.desk

    async def run(self, bell: Bell) -> None:
        """Look again and again until cancelled; `bell` makes it sooner."""
        api = await self._get_api()
        try:
            while True:
                try:
                    begun = await self._round(api)
                except StoreUnavailable:
                    logger.warning("no look at the topics: the database is away", extra={"event": "forum_waits"})
                    begun = 0
                await (asyncio.sleep(0) if begun else bell.wait(POLL))
        finally:
            await self._land()

    async def _round(self, api: GroupApi) -> int:
        """One look; how many topics were begun with."""
        begun = await self._look(api)
        await self._tell_fates(api)
        if self._elapsed() - self._seen_to >= LOOK:
            self._seen_to = self._elapsed()
            await self._ring_alarms(api)
            await self._take_out(api)
            await self._forget(api)
            await self._tell_besides(api)
        return begun

    async def _land(self) -> None:
        for task in self._flying.values():
            task.cancel()
        await asyncio.gather(*self._flying.values(), return_exceptions=True)

    async def _look(self, api: GroupApi) -> int:
        """Begin with topics that are behind; how many."""
        free = SIDE_BY_SIDE - len(self._flying)
        if free <= 0:
            return 0
        now = self._elapsed()
        found = await self._forum.behind(self._clock(), SIDE_BY_SIDE + len(self._rests) + free)
        wanted = [each for each in found if each.ticket not in self._flying and self._may(each, now)][:free]
        for behind in wanted:
            self._flying[behind.ticket] = asyncio.create_task(self._work(api, behind))
        return len(wanted)

    def _may(self, behind: Behind, now: float) -> bool:
        """Whether it may be tried now. Nothing is asked of a server that has asked to wait."""
        if behind.ticket in self._rests and self._rests[behind.ticket].until > now:
            return False
        return behind.topic is None or not self._paces.of(behind.topic.chat).paused

    async def _work(self, api: GroupApi, behind: Behind) -> None:
        """Show one ticket; a failure is somebody's to mend, or passes."""
        chat = behind.topic.chat if behind.topic else self._roomy()
        try:
            whole = await self._showing(api, behind, chat).show(await self._draw())
            self._rests.pop(behind.ticket, None)
            if not whole:
                self._rest(behind.ticket, 0.5)
        except Wait as error:
            self._paces.of(chat).refused(error.seconds)
            self._rest(behind.ticket, AGAIN)
            self._meter.delivered(NAME, "later", 0.0)
        except Migrated as error:
            await self._moved(chat, error.chat)
        except (Forbidden, NoRights, Unknown) as error:
            logger.error("the bot may not work in the staff's group; `posbot telegram desk` says why", extra={"event": "forum_refused", "error": str(error)})  # noqa: TRY400
            self._meter.delivered(NAME, "dead", 0.0)
            self._rest(behind.ticket, MENDED)
        except (ApiError, StoreUnavailable) as error:
            logger.warning("a topic is not shown yet", extra={"event": "topic_waits", "error": f"{type(error).__name__}: {error}"})
            self._meter.delivered(NAME, "later", 0.0)
            self._rest(behind.ticket, AGAIN)
        except Exception:  # one ticket must never stop the others
            logger.exception("a topic cannot be shown", extra={"event": "topic_failed", "ticket": behind.ticket})
            self._rest(behind.ticket, MENDED)
        finally:
            del self._flying[behind.ticket]

    def _showing(self, api: GroupApi, behind: Behind, chat: int) -> Showing:
        return Showing(api=api, store=self._store, pace=self._paces.of(chat), meter=self._meter, clock=self._clock, behind=behind, chat=chat)

    def _rest(self, ticket: str, seconds: float) -> None:
        """Leave a ticket alone for so long, and longer each time if it is a failure."""
        times = self._rests[ticket].times + 1 if ticket in self._rests and seconds >= AGAIN else 0
        self._rests[ticket] = _Rest(times, self._elapsed() + min(LONGEST_PAUSE, seconds * 2 ** min(times, 6)))

    async def _tell_fates(self, api: GroupApi) -> None:
        """Show under lines of staff what became of them."""
        for fate in await self._forum.fates(AT_ONCE):
            if self._paces.of(fate.chat).paused:
                continue
            try:
                await self._tell_fate(api, fate)
            except Wait as error:
                self._paces.of(fate.chat).refused(error.seconds)
                continue
            except (Unclear, Migrated) as error:
                logger.warning("a fate is not shown yet", extra={"event": "fate_waits", "error": str(error)})
                return
            except ApiError as error:  # the message or the topic is gone: nobody misses it
                logger.info("a fate cannot be shown", extra={"event": "fate_lost", "error": str(error)})
            await self._forum.mark(fate.chat, fate.post, fate.status)

    async def _tell_fate(self, api: GroupApi, fate: Fate) -> None:
        marked = await reacted(api, fate.chat, fate.post, REACTIONS[fate.status])
        if fate.status != DEAD and marked:
            return
        topic = await self._forum.topic(fate.ticket)
        if topic is None or topic.thread is None:
            return
        await self._paces.of(fate.chat).turn()
        key = "forum.fate-blocked" if any(word in fate.error for word in BLOCKED) else f"forum.fate-{fate.status}"
        await api.post(fate.chat, topic.thread, say(key), answers=fate.post)

    async def _take_out(self, api: GroupApi) -> None:
        """Messages with lines that were taken out of the transcript go; words that stood beside them in one message are said again."""
        if self._elapsed() < self._keeps_until:
            return
        for post in await self._forum.taken_out(AT_ONCE):
            try:
                with suppress(MessageGone, TopicGone):
                    await api.remove(post.chat, post.post)
                await self._forum.replace(post.chat, post.post, await self._say_again(api, post))
            except Impossible as error:  # too old, above all: that is said in the log
                logger.error("a message cannot be taken out", extra={"event": "post_kept", "error": str(error)})  # noqa: TRY400
                await self._forum.mark(post.chat, post.post, RELAYED)
            except ApiError as error:
                if isinstance(error, Wait):
                    self._paces.of(post.chat).refused(error.seconds)
                passes = isinstance(error, (Wait, Unclear, Unreachable))
                self._keeps_until = self._elapsed() + (AGAIN if passes else MENDED)
                logger.warning("a message is not taken out yet", extra={"event": "post_stays", "error": f"{type(error).__name__}: {error}"})
                return

    async def _say_again(self, api: GroupApi, post: Post) -> list[Post]:
        """Say in place of a message that is removed that it is, and what the other lines in it are; which messages that became. Pictures, and what was done
        with the ticket, are at the console."""
        topic = await self._forum.topic(post.ticket)
        if topic is None or topic.thread is None:
            return []
        ids = {each.message for each in await self._forum.posts(post.chat, post.post)}
        told = [each for each in await self._forum.told(post.ticket, min(ids) - 1, AT_ONCE) if each.entry.id in ids] if len(ids) > 1 else []
        found = [item for item in lines.items(await self._draw(), told, (), lasts=True) if item.text and not (item.sheet and not item.sheet.caption)]
        sent: list[Posted] = []
        for message in lines.messages([lines.Item(event=0, text=say("forum.removed")), *(replace(item, sheet=None) for item in found)]):
            await self._paces.of(topic.chat).turn()
            sent.append((await api.post(topic.chat, topic.thread, message.text), (*message.begins, *message.items)))
        return relayed(topic, sent)

    async def _forget(self, api: GroupApi) -> None:
        """What is forgotten here is forgotten there too."""
        for id, chat, thread in await self._forum.orphans(AT_ONCE):
            try:
                if thread is not None:
                    await api.drop_topic(chat, thread)
            except (TopicGone, MessageGone):
                pass
            except ApiError as error:
                logger.error("the topic of a merchant who is forgotten cannot be deleted", extra={"event": "topic_stays", "error": str(error)})  # noqa: TRY400
                if isinstance(error, Wait):
                    self._paces.of(chat).refused(error.seconds)
                return
            await self._forum.drop(id)

    async def _tell_besides(self, api: GroupApi) -> None:
        try:
            await self._besides(api)
        except ApiError as error:
            logger.warning("General was not told", extra={"event": "bulletin_waits", "error": str(error)})

    async def _ring_alarms(self, api: GroupApi) -> None:
        """Reminders that somebody asked for."""
        for alarm in await self._forum.alarms(self._clock()):
            topic = await self._forum.topic(alarm.ticket)
            if topic is not None and topic.thread is not None:
                try:
                    await self._paces.of(topic.chat).turn()
                    await self._ring(api, topic, alarm)
                except Wait as error:
                    self._paces.of(topic.chat).refused(error.seconds)
                    continue
                except ApiError as error:
                    logger.warning("a reminder was not given", extra={"event": "alarm_lost", "error": str(error)})
            await self._forum.alarm_given(alarm.id, self._clock())

    async def _ring(self, api: GroupApi, topic: Topic, alarm: Alarm) -> None:
        draw = await self._draw()
        person = next((member.telegram for member in draw.members if member.login == alarm.login), None)
        name = draw.name(alarm.login)
        text = say("forum.alarm", name=name, text=alarm.text or say("forum.alarm-none"))
        mentions = [lines.Mention(offset=0, length=units(name), person=person)] if person else []
        assert topic.thread is not None
        await api.post(topic.chat, topic.thread, text, mentions=mentions)
