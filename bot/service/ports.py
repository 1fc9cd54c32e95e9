"""What the use cases need of the world: a store that loses nothing, channels that deliver, somebody who understands.

All times are integers, microseconds UTC; bodies are JSON texts, already redacted. Each method of a store is one transaction, and a caller that is cancelled
never leaves half of one behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from bot.domain.audit import Entry
    from bot.domain.knowledge import KnowledgeBase, Question, Slot
    from bot.domain.messages import Address, Photo
    from bot.domain.understanding import Secret, Understanding

    from .desk import DeskStore
    from .forum import ForumStore
    from .reports import ReportStore
    from .staff import StaffStore

MOST_EVENTS = 50
"""Events of one conversation that are taken at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Something that came from outside, as it is kept. `ext_id` is the channel's own id: the same one again is the same event. `profile` is what the
    channel knows of the merchant by slot, such as `terminal_no`, as JSON."""

    address: Address
    ext_id: str
    kind: str
    body: str
    received: int
    profile: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An event that waits in the inbox."""

    id: int
    kind: str
    body: str
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A conversation with its events in order. `state` is None before the first step."""

    id: int
    public_id: str
    address: Address
    profile: str
    state: str | None
    version: int
    events: tuple[Pending, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One line of the transcript; `side` is `merchant`, `bot`, `staff`, or `note` for what merchants never get. `push` asks for delivery under this key,
    which stays the same over all tries."""

    event: int
    side: str
    body: str
    at: int
    push: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A ticket as it is after an event, new or changed: there is one for each conversation and number. `event` and `public_id` count when it is new.

    `state` is the JSON of the whole ticket, the rest is what lists and reports need of it; `packet` is empty when it has not changed. `due` is the next
    deadline, None when nothing is due; `late` and `overran` tell whether the first answer and the solution took longer than they should.
    `bot_topic` and `bot_cause` are what the bot took it for when it was opened.
    """

    event: int
    public_id: str
    number: str
    status: str
    urgency: str
    reason: str
    topic: str | None
    team: str
    owner: str | None
    code: str
    acquirer: str
    packet: str
    state: str
    opened: int
    changed: int
    waiting: int | None
    due: int | None
    answered: int | None
    solved: int | None
    respond_by: int | None
    late: bool
    overran: bool
    cause: str
    bot_right: str
    terminal: str
    bot_topic: str
    bot_cause: str
    previous: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """Something that was done with a ticket of the conversation, or refused. `actor` is a login, empty for merchant, bot and clock; `detail` a JSON object."""

    event: int
    number: str
    actor: str
    act: str
    done: bool
    detail: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """How a merchant rated the help with a topic; `number` is the ticket when it was staff who helped."""

    event: int
    topic: str
    stars: int
    at: int
    number: str | None = None


FORGOTTEN, WITHDRAWN = "data-deleted", "ticket-withdrawn"
"""What the audit calls it: everything of a merchant was deleted, named by its tickets' numbers; one of these that was still open, with its owner's login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Everything of a chat is deleted, and a conversation under this public id begins in its place. `entry` goes into the audit as `Store.forget` says."""

    public_id: str
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What there is of a chat: lines, pictures, tickets, and the numbers of those that are not solved."""

    lines: int
    photos: int
    tickets: int
    open: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A trouble of a conversation, as `troubles` tells them apart. `event` is the one that it began with, None: the one that lasts already, if any; of that,
    `began` does not count, and an empty topic leaves it as it was. `how` it ended is `bot`, `handed` or `left`, None while it lasts, like `ended`."""

    event: int | None
    topic: str = ""
    began: int = 0
    ended: int | None = None
    how: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A step that was shown in a trouble: the latest one of the conversation that began no later than with `event`. `result` is a `tickets.Result`, empty
    when it is not known: then one that is known already stays."""

    event: int
    topic: str
    step: str
    result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the events of one conversation came to. `dead` are (event, reason); `wake` is when the passing of time is an event, None for never. Of `troubles`
    at most the first has no event of its own; `trials` are one for each trouble, topic and step. With `forgotten` all the rest belongs to the conversation
    that begins."""

    state: str
    knowledge: str
    done: tuple[int, ...] = ()
    dead: tuple[tuple[int, str], ...] = ()
    spoken: tuple[Spoken, ...] = ()
    tickets: tuple[Kept, ...] = ()
    logged: tuple[Logged, ...] = ()
    rated: tuple[Rated, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    trials: tuple[Trial, ...] = ()
    wake: int | None = None
    forgotten: Forgotten | None = None


Decide: TypeAlias = "Callable[[Work], Outcome]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A line that must reach its chat. `maybe_duplicate`: an earlier try may have arrived. `message` is the id in the transcript, `dedupe` stays the same
    over all tries."""

    id: int
    address: Address
    conversation: str
    message: int
    body: str
    dedupe: str
    tries: int
    created: int
    maybe_duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """It arrived; the other side calls it `remote_id`. `along` are (id, remote id) of lines behind it that went with it, of which nothing else is known."""

    remote_id: str = ""
    along: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Once more, not before this moment. `counts`: it was a failure, not a request to wait. `maybe_arrived`: nobody knows whether it was taken."""

    not_before: int
    error: str
    counts: bool = True
    maybe_arrived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable:
    """It will never arrive."""

    error: str


Delivery: TypeAlias = Sent | Later | Undeliverable
Fetch: TypeAlias = "Callable[[Address, str], Awaitable[bytes]]"
"""Gives a file that somebody sent in a chat, by the reference that its channel has for it. Raises FileGone, ChannelUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a transcript, as it is read. `event` is the channel's own id of what the merchant sent, to find it again."""

    id: int
    side: str
    body: str
    at: int
    ext_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much waits: events, lines to be sent, open tickets; and the age of the oldest event in microseconds."""

    inbox: int
    outbox: int
    dead: int
    tickets: int
    oldest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Before which moment things are forgotten: transcripts with their events, photos, conversations in which nothing happens with what was done in them
    otherwise, and the audit."""

    messages: int
    photos: int
    conversations: int
    audit: int = 0


class Hold(Protocol):
    """A right that no other process has."""

    async def lasts(self) -> bool:
        """Whether it is still ours."""

    async def release(self) -> None:
        """Let others have it."""


class Store(Protocol):
    """The one database. Raises `StoreBusy` when too much waits and `StoreUnavailable` when it cannot be reached; then nothing was done."""

    @property
    def desk(self) -> DeskStore:
        """The staff's side of it."""

    @property
    def reports(self) -> ReportStore:
        """Figures about a period."""

    @property
    def forum(self) -> ForumStore:
        """The staff's group on Telegram."""

    @property
    def staff(self) -> StaffStore:
        """Accounts, sessions and the audit."""

    async def accept(self, arrival: Arrival) -> str:
        """Keep an arrival; the public id of its conversation, when it would survive a power cut. One that is already there is not kept twice."""

    async def accept_all(self, arrivals: Sequence[Arrival]) -> Sequence[str]:
        """The same for what came together, at most some hundreds, each chat's in order. When it raises, some may have been kept."""

    async def step(self, decide: Decide, now: int) -> int:
        """Let `decide` handle conversations that have something waiting, each in one transaction; how many there were."""

    async def wake(self, now: int) -> int:
        """Turn silence that has lasted long enough into events; how many."""

    async def claim(self, now: int, lease: int, limit: int) -> Sequence[Outgoing]:
        """The first waiting line of each of at most `limit` chats, reserved until `lease`."""

    async def queued(self, id: int, limit: int) -> Sequence[Outgoing]:
        """The lines that wait behind this one for the same chat, in order."""

    async def settle(self, id: int, delivery: Delivery) -> None:
        """What became of a claimed line, and of those that went along with it."""

    async def transcript(self, conversation: str, after: int, limit: int) -> Sequence[Line]:
        """Lines of a conversation after the line `after`, oldest first, as the merchant may see them."""

    async def versions(self, conversations: Sequence[str]) -> Mapping[str, int]:
        """How often each of these conversations has changed, by public id; those that are not there are left out."""

    async def earlier(self, conversation: str, before: int, limit: int) -> Sequence[Line]:
        """The last lines of a conversation before the line `before`, oldest first, as the merchant may see them."""

    async def conversation(self, address: Address) -> str | None:
        """The public id of the conversation with this chat, None when there is none."""

    async def address(self, conversation: str) -> Address | None:
        """Where a conversation takes place, by its public id."""

    async def state(self, conversation: str) -> str | None:
        """What a conversation has come to, by its public id: the JSON of `domain.conversation.Conversation`. None for one that is not there, or only begun."""

    async def seize(self, name: str) -> Hold | None:
        """The right to do what one process alone may do, such as fetching; None while another process has it."""

    async def keep(self, photo: Photo, address: Address, now: int) -> None:
        """Keep a picture that belongs to a chat; one whose id is there already is not kept twice."""

    async def photo(self, id: str, address: Address) -> Photo | None:
        """A picture of this chat; None for one that is not there or another's."""

    async def forget(self, address: Address, entry: Entry) -> bool:
        """Delete everything of a chat, its transcript and its pictures included; whether there was anything. Then the audit gets the entry, with the numbers of
        its tickets as its subject, and one for each of these that was open (`WITHDRAWN`), with its owner as the detail."""

    async def held(self, address: Address) -> Held:
        """What there is of a chat."""

    async def purge(self, retention: Retention) -> int:
        """Delete what is older; how many rows."""

    async def latest(self) -> int:
        """The last moment at which something came or was done, 0 when nothing ever did: no clock may be behind it."""

    async def counts(self, now: int) -> Counts:
        """How much waits."""

    async def close(self) -> None:
        """Let go of everything."""


class Channel(Protocol):
    """Delivers to one kind of chat. Never raises for what the other side does: that is a `Delivery`."""

    async def send(self, line: Outgoing) -> Delivery:
        """Try once."""


class Meter(Protocol):
    """Counts what is done; times in seconds."""

    def arrived(self, channel: str, kind: str) -> None:
        """An event was taken in."""

    def stepped(self, seconds: float, done: int, dead: int) -> None:
        """A conversation's events were handled; `dead` were put aside."""

    def delivered(self, channel: str, result: str, seconds: float) -> None:
        """A line was tried: `sent`, `later` or `dead`."""

    def opened(self, reason: str, urgency: str) -> None:
        """A ticket was opened."""

    def rated(self, stars: int) -> None:
        """A merchant gave stars."""


class Mind(Protocol):
    """What knows and understands; it may be exchanged between two events."""

    @property
    def kb(self) -> KnowledgeBase:
        """The knowledge base."""

    def redact(self, text: str) -> tuple[str, tuple[Secret, ...]]:
        """The text as it may be kept, and the kinds of secrets that were in it."""

    def understand(self, text: str, now: datetime, expecting: Slot | Question | None) -> Understanding:
        """What a message says; `now` is the merchant's wall clock."""
