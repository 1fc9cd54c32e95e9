"""What the staff's group on Telegram asks of the store: which topics are behind their tickets, what is to be told in them, and what came from the group.

Everything that is shown is compared with the rows of the ticket, so nothing is lost by a crash, a call that was missed, or a topic that somebody deleted.
Times are integers, microseconds UTC; tickets are named by their public ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .desk import Entry

ORIGIN = "forum:"
"""How the ids of events begin that come from the group: `forum:<chat>:<message>`, and more behind it when a message is edited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """The topic of a ticket, as it was shown last. `thread` is None before it is there or when it was deleted, `card` is the pinned message, `shown` a
    fingerprint of it. `line` and `deed` are the last ones that were told. `menu` is which buttons the card has instead of its own, until `menu_until`.
    `doing` is a post that was begun, which may have arrived although nobody knows. `stamp` counts what somebody changed in the topic meanwhile."""

    ticket: str
    chat: int
    thread: int | None = None
    card: int | None = None
    pinned: bool = False
    title: str = ""
    shown: str = ""
    closed: bool = False
    line: int = 0
    deed: int = 0
    doing: str = ""
    menu: str = ""
    menu_until: int | None = None
    stamp: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A ticket whose topic is to be brought up to date: `version` is how often its conversation has changed. No topic: none was begun yet."""

    ticket: str
    version: int
    topic: Topic | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line of the transcript. `ext_id` is the id of the event that it came from, None where that one is forgotten."""

    entry: Entry
    ext_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message of the group that is a line of the transcript. `mark` is what staff see of its fate; `body` is the line as it was told: when it is not so any
    more by the time this is kept, it is to be taken out."""

    chat: int
    post: int
    message: int
    ticket: str
    mark: str
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a line that staff wrote in the group: `sent`, `dead` with an `error`, or kept where the merchant fetches it (`kept`)."""

    chat: int
    post: int
    ticket: str
    status: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Something from the group that is not handled yet; `lane` is what must stay in order."""

    id: int
    ext_id: str
    lane: str
    body: str
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Somebody, by login, wanted to be reminded of a ticket at this time."""

    id: int
    ticket: str
    login: str
    text: str
    due: int


TAKEN_OUT = "taken-out"
"""The mark of a message whose line was taken out of the transcript (`DeskStore.redact_line`)."""


class ForumStore(Protocol):
    """The group's part of the one database. Each method is one transaction; raises `StoreUnavailable` when it cannot be reached."""

    async def behind(self, now: int, limit: int) -> Sequence[Behind]:
        """Tickets whose topic does not show them as they are, the most urgent first."""

    async def begin(self, ticket: str, chat: int, before: int) -> Topic | None:
        """Keep that a ticket gets a topic, in which the transcript is told from its last `before` events on, the one that opened the ticket included. None:
        there is no such ticket."""

    async def topic(self, ticket: str) -> Topic | None:
        """The topic of a ticket."""

    async def topic_at(self, chat: int, thread: int) -> Topic | None:
        """Which topic this is."""

    async def save(self, topic: Topic, posts: Sequence[Post] = ()) -> None:
        """Keep what was shown, all but the menu, and which messages are which lines. What somebody has changed since stays as it is."""

    async def settled(self, topic: Topic, version: int, *, done: bool) -> None:
        """Everything up to this version of the conversation was shown, unless somebody has changed the topic since; `done`: nothing more will come."""

    async def open_menu(self, ticket: str, menu: str, until: int | None) -> None:
        """Show other buttons; an empty menu are the card's own."""

    async def look_again(self, ticket: str, *, closed: bool | None) -> None:
        """Somebody changed the topic itself: it is behind, and its name unknown; `closed` as it is now, None when that has not changed."""

    async def move(self, old: int, new: int) -> None:
        """The group has another id now."""

    async def orphans(self, limit: int) -> Sequence[tuple[int, int, int | None]]:
        """(id, chat, thread) of topics whose tickets are forgotten."""

    async def drop(self, id: int) -> None:
        """Such a topic is gone too."""

    async def told(self, ticket: str, after: int, limit: int) -> Sequence[Told]:
        """Lines of the ticket's conversation after a line, oldest first, notes included."""

    async def posts(self, chat: int, post: int) -> Sequence[Post]:
        """Which lines a message of the group is."""

    async def lines_from(self, channel: str, ext_id: str) -> Sequence[int]:
        """The lines of staff that an event has become."""

    async def remote_of(self, conversation: str, message: int) -> str | None:
        """What the merchant's channel calls a line that has arrived; None for one that has not, or that is more than one message."""

    async def fates(self, limit: int) -> Sequence[Fate]:
        """Lines that staff wrote in the group, whose fate is known and not shown yet."""

    async def taken_out(self, limit: int) -> Sequence[Post]:
        """Messages of the group with a line that was taken out of the transcript, and that still stand there."""

    async def replace(self, chat: int, post: int, posts: Sequence[Post]) -> None:
        """A message of the group is gone; these stand there for it."""

    async def mark(self, chat: int, post: int, mark: str) -> None:
        """Keep that it was shown."""

    async def accept(self, ext_id: str, lane: str, body: str, now: int) -> bool:
        """Keep what came from the group; False for what is there already."""

    async def waiting(self, limit: int) -> Sequence[Came]:
        """What is not handled yet, oldest first."""

    async def handled(self, id: int, now: int) -> None:
        """It is handled."""

    async def set_alarm(self, ticket: str, ext_id: str, login: str, text: str, due: int) -> None:
        """Keep a reminder; one with the same id is not kept twice."""

    async def alarms(self, now: int) -> Sequence[Alarm]:
        """Reminders that are due."""

    async def alarm_given(self, id: int, now: int) -> None:
        """Somebody was reminded."""

    async def keep_fact(self, name: str, value: str, now: int) -> bool:
        """Keep something by its name; False when there was something by this name."""

    async def fact(self, name: str) -> str | None:
        """What was kept by this name."""

    async def facts(self, beginning: str) -> Sequence[tuple[str, str]]:
        """(name, value) of what was kept by names with this beginning, the latest first."""

    async def change_fact(self, name: str, value: str, now: int) -> None:
        """Keep something else by this name."""
