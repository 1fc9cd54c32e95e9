"""Brings one topic up to date: it is there with its card, what was not told is told, card and title are as the ticket is now."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from bot.channels.telegram.api import ApiError, Attached, Impossible, Unclear
from bot.channels.telegram.bubbles import units
from bot.domain.tickets import ACTIVE
from bot.service.forum import Post
from bot.wording import say

from . import card, lines
from .api import MessageGone, NoRights, Same, TopicClosed, TopicGone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from bot.service.forum import Behind, Topic
    from bot.service.ports import Meter, Store

    from .api import GroupApi
    from .card import Drawing
    from .pace import GroupPace

Posted: TypeAlias = tuple[int, tuple[lines.Item, ...]]
"""A message of the group by its id, and what is told in it."""
UNCAPTIONED = "video_note"
"""The kind of files that have no caption (Bot API, sendVideoNote)."""
NAME = "telegram forum"
"""What the group is called in the metrics."""
BEFORE, AT_ONCE = 4, 200
"""Events up to a ticket that its topic begins with, and lines that are read together."""
GONE = 3
"""How often a topic is made anew in one go, when somebody deletes it again and again."""
SENT, KEPT, DEAD, NOTED, RELAYED = "sent", "kept", "dead", "note", "-"
"""What staff see of a line's fate: it arrived, waits where the merchant fetches it, did not arrive; a note, and what is not theirs."""
REACTIONS = {SENT: "\N{OK HAND SIGN}", KEPT: "\N{OK HAND SIGN}", DEAD: "\N{THUMBS DOWN SIGN}", NOTED: "\N{WRITING HAND}"}
logger = logging.getLogger(__name__)


def relayed(topic: Topic, sent: Iterable[Posted]) -> list[Post]:
    """Which lines are in messages that were sent to a topic, as they were told."""
    words = ((id, line, body) for id, items in sent for item in items if not item.own for line, body in item.words)
    return [Post(chat=topic.chat, post=id, message=line, ticket=topic.ticket, mark=RELAYED, body=body) for id, line, body in words]


async def reacted(api: GroupApi, chat: int, message: int, emoji: str) -> bool:
    """Whether a reaction was put; groups may not allow it."""
    try:
        await api.react(chat, message, emoji)
    except Same:
        return True
    except (Impossible, NoRights):
        return False
    return True


class Showing:
    """One ticket is shown, in the topic that it has or in a new one in `chat`."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self, *, api: GroupApi, store: Store, pace: GroupPace, meter: Meter, clock: Callable[[], int], behind: Behind, chat: int
    ) -> None:
        self._api, self._forum, self._desk, self._pace, self._meter, self._clock = api, store.forum, store.desk, pace, meter, clock
        self._behind, self._chat = behind, chat

    async def show(self, draw: Drawing) -> bool:
        """Whether everything is shown; an edit may have to wait, or an album that is still coming in. Raises ApiError, StoreUnavailable; then it goes on
        where it was."""
        file = await self._desk.file(self._behind.ticket)
        topic = self._behind.topic or await self._forum.begin(self._behind.ticket, self._chat, BEFORE)
        if file is None or topic is None:
            return True
        self._ticket, self._draw = file, draw
        self._maybe = bool(topic.doing)
        for _ in range(GONE):
            try:
                topic = await self._stand(topic)
                topic = await self._tell(topic)
                topic, painted = await self._paint(topic)
                whole = painted and self._complete
                break
            except TopicClosed:
                await self._api.turn_topic(topic.chat, topic.thread or 0, closed=False)
                topic = await self._keep(replace(await self._forum.topic(topic.ticket) or topic, closed=False, doing=""))
            except TopicGone:
                fresh = await self._forum.topic(topic.ticket) or topic
                topic = replace(fresh, thread=None, card=None, pinned=False, title="", shown="", closed=False, doing="")
                await self._forum.save(topic)
                logger.warning("a topic was deleted; it is made anew", extra={"event": "topic_gone", "ticket": topic.ticket})
        else:
            return False
        if whole:
            await self._forum.settled(topic, self._behind.version, done=file.row.status == "closed" and topic.closed)
        return whole

    async def _keep(self, topic: Topic) -> Topic:
        await self._forum.save(topic)
        return topic

    async def _stand(self, topic: Topic) -> Topic:
        """The topic is there, and the card in it."""
        if topic.thread is None:
            await self._pace.turn()
            name = card.title(self._draw, self._ticket)
            topic = await self._keep(replace(topic, thread=await self._api.create_topic(topic.chat, name), title=name))
        if topic.card is None:
            drawn = card.card(self._draw, self._ticket, topic.menu)
            await self._pace.turn()
            sent = await self._api.post(topic.chat, topic.thread, drawn.text, rows=drawn.rows)
            topic = await self._keep(replace(topic, card=sent, shown=drawn.fingerprint, pinned=False))
        if not topic.pinned and topic.card is not None:
            await self._api.pin(topic.chat, topic.card)
            topic = await self._keep(replace(topic, pinned=True))
        return topic

    async def _tell(self, topic: Topic) -> Topic:
        """Lines and deeds that were not told yet. Where it has to wait for its turn, what has come meanwhile goes along."""
        while parts := await self._untold(topic):
            if any(part.text or part.sheets for part in parts):
                if await self._pace.turn() and not (parts := await self._untold(topic)):  # more of an album has come
                    break
                for place, part in enumerate(parts):
                    if place:
                        await self._pace.turn()
                    topic = await self._post(topic, part)
            topic = await self._told(topic, parts[-1])
        return topic

    async def _untold(self, topic: Topic) -> list[lines.Message]:
        """The next items, as one message or, if they are too long for one, several."""
        told = await self._forum.told(topic.ticket, topic.line, AT_ONCE)
        deeds = await self._desk.deeds(topic.ticket)
        lasts = self._ticket.row.status in ACTIVE
        found = lines.items(self._draw, told, deeds, lasts=lasts)
        found = [item for item in found if item.line or item.deed > topic.deed]
        complete = lines.complete(found, self._clock())
        self._complete = len(complete) == len(found)
        messages = lines.messages(complete)
        whole = next((place for place, message in enumerate(messages, 1) if message.items), 0)
        return messages[:whole]

    async def _post(self, topic: Topic, message: lines.Message) -> Topic:
        """Send one message; what it is, and as which message, is kept afterwards."""
        maybe, self._maybe = self._maybe, False
        begun = await self._keep(replace(topic, doing=_mark(message)))
        try:
            sent = await self._send(topic, message, maybe=maybe)
        except Unclear:
            raise
        except ApiError:
            await self._keep(topic)
            raise
        done = replace(_passed(begun, message), doing="")
        await self._forum.save(done, relayed(topic, sent))
        self._meter.delivered(NAME, "sent", 0.0)
        return done

    async def _send(self, topic: Topic, message: lines.Message, *, maybe: bool) -> Sequence[Posted]:
        """Messages of the group that it became, with the items in each."""
        text = f"{say('forum.maybe')}{message.text}" if maybe else message.text
        everything = (*message.begins, *message.items)
        pictured = [item for item in everything if item.sheet] if message.sheets else []
        files = [(item, file) for item in pictured if item.sheet and (file := await self._file(item.sheet))]
        if not files:
            return [(await self._say(topic, message, text or say("forum.gone-file")), everything)]
        others = tuple(item for item in everything if item not in pictured)
        (first, file), *rest = files
        if first is not pictured[0] or file.kind == UNCAPTIONED:  # what is said belongs to a picture that is forgotten, or cannot stand under it
            return [(await self._say(topic, message, text), (*others, pictured[0])), *await self._show(topic, files)]
        (id, items), *more = await self._show(topic, [(first, replace(file, caption=text)), *rest])
        return [(id, (*items, *others)), *more]

    async def _say(self, topic: Topic, message: lines.Message, text: str) -> int:
        shift = units(text) - units(message.text)
        mentions = [replace(each, offset=each.offset + shift) for each in message.mentions]
        try:
            return await self._api.post(topic.chat, topic.thread, text, mentions=mentions)
        except Impossible as error:
            return await self._unshown(topic, message.text, error)

    async def _show(self, topic: Topic, files: Sequence[tuple[lines.Item, Attached]]) -> Sequence[Posted]:
        """Files in one message or album; each for itself where they are not taken together."""
        try:
            ids = await self._api.post_files(topic.chat, topic.thread, [file for _, file in files])
        except Impossible as error:
            if len(files) > 1:
                return [posted for one in files for posted in await self._show(topic, [one])]
            ((item, file),) = files
            return [(await self._unshown(topic, file.caption, error), (item,))]
        return [(id, (item,)) for id, (item, _) in zip(ids, files, strict=True)]

    async def _unshown(self, topic: Topic, text: str, error: Impossible) -> int:
        """What cannot be shown as it is leads to the console."""
        logger.error("a line cannot be shown as it is", extra={"event": "line_unshown", "error": str(error)})
        return await self._api.post(topic.chat, topic.thread, "\n".join(filter(None, (text, say("forum.unshown")))))

    async def _file(self, sheet: lines.Sheet) -> Attached | None:
        """What hangs on a line; None when it is forgotten."""
        content: str | bytes | None = sheet.reference
        if not content:
            picture = await self._desk.picture(sheet.id, self._ticket.chat)
            content = picture.data if picture else None
        return Attached(kind=sheet.kind, content=content, name=sheet.name, caption=sheet.caption) if content else None

    async def _told(self, topic: Topic, message: lines.Message) -> Topic:
        """Keep that items were told, also those that staff wrote in the topic themselves."""
        done = _passed(topic, message)
        own = [item for item in message.items if item.own]
        posts = [Post(chat=topic.chat, post=item.own, message=item.line, ticket=topic.ticket, mark=NOTED if item.note else "") for item in own]
        if done != topic or posts:
            await self._forum.save(done, posts)
        for item in own:
            if item.note:
                await reacted(self._api, topic.chat, item.own, REACTIONS[NOTED])
        return done

    async def _paint(self, topic: Topic) -> tuple[Topic, bool]:
        """Card, title and whether it is closed, as the ticket is now; False when an edit has to wait, or the group has moved meanwhile."""
        topic = await self._menu_over(topic)
        if topic.card is None:
            return topic, False
        drawn, name, closed = card.card(self._draw, self._ticket, topic.menu), card.title(self._draw, self._ticket), self._ticket.row.status not in ACTIVE
        if topic.shown != drawn.fingerprint:
            if not self._pace.edit():
                return topic, False
            topic = await self._redraw(topic, drawn)
        if topic.title != name:
            if not self._pace.edit():
                return topic, False
            await self._unless_same(self._api.rename_topic(topic.chat, topic.thread or 0, name))
            topic = await self._keep(replace(topic, title=name))
        if topic.closed != closed:
            await self._unless_same(self._api.turn_topic(topic.chat, topic.thread or 0, closed=closed))
            topic = await self._keep(replace(topic, closed=closed))
        return topic, True

    async def _menu_over(self, topic: Topic) -> Topic:
        """A menu that nobody used, or that was used, goes."""
        fresh = await self._forum.topic(topic.ticket) or topic
        if fresh.menu and fresh.menu_until is not None and fresh.menu_until <= self._clock():
            await self._forum.open_menu(topic.ticket, "", None)
            fresh = await self._forum.topic(topic.ticket) or topic
        return fresh

    async def _redraw(self, topic: Topic, drawn: card.Card) -> Topic:
        assert topic.card is not None
        try:
            await self._unless_same(self._api.rewrite(topic.chat, topic.card, drawn.text, drawn.rows))
        except MessageGone:  # of a topic that was deleted, too
            return await self._stand(await self._keep(replace(topic, card=None, pinned=False)))
        return await self._keep(replace(topic, shown=drawn.fingerprint))

    async def _unless_same(self, call: Awaitable[None]) -> None:
        with suppress(Same):
            await call


def _mark(message: lines.Message) -> str:
    return ",".join(f"{item.line or -item.deed}" for item in message.items)[:200] or "part"


def _passed(topic: Topic, message: lines.Message) -> Topic:
    """The topic after these items."""
    line = max([topic.line, *(item.line for item in message.items)])
    return replace(topic, line=line, deed=max([topic.deed, *(item.deed for item in message.items)]))
