"""What the staff's side asks of the store: queues, a ticket with everything about it, search, who looks at it, incidents, figures. All of it only reads, but
for presence and incidents: what is done with a ticket is an event on the one road.

Times are integers, microseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from bot.domain.messages import Address, Photo

EARLIER = 2 * 3600 * SECOND
"""How long before a trouble of many is proposed tickets of the same kind belong to it."""
LAST = 2**63 - 1
"""After every moment and every id."""


class View(StrEnum):
    """The lists of the queue page. WAITING are tickets that wait for the merchant or the acquirer, OVERDUE those whose next deadline is over."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    ALL = "all"
    WAITING = "waiting"
    OVERDUE = "overdue"
    SOLVED = "solved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tickets a list shows: a view for this login, and what it is narrowed to (empty: any)."""

    view: View
    login: str
    now: int
    team: str = ""
    topic: str = ""
    urgency: str = ""
    owner: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A ticket in a list. `waiting` is since when the merchant waits for an answer, `due` the next deadline; `merchant` is the shop's name or terminal number
    as the packet has it, `summary` the trouble in the merchant's words. `id` is the public one."""

    id: str
    number: str
    status: str
    urgency: str
    reason: str
    topic: str | None
    team: str
    owner: str | None
    channel: str
    summary: str
    merchant: str
    opened: int
    changed: int
    waiting: int | None
    due: int | None
    incident: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list; `next` continues after it, empty at the end."""

    rows: Sequence[Row]
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A ticket with everything about it. `state` is the JSON of `domain.tickets.Ticket`, `packet` that of `Packet`, `conversation` the state of the dialogue;
    `address` is the merchant's chat, `chat` the conversation's public id. `earlier` are (public id, number, status) of the merchant's other tickets."""

    row: Row
    state: str
    packet: str
    conversation: str
    chat: str
    address: Address
    cause: str
    bot_right: str
    earlier: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the transcript as staff see it, notes included. `event` is the inbox row that it came from."""

    id: int
    side: str
    body: str
    at: int
    knowledge: str
    event: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that was done with a ticket, or refused: `ticket` and `number` name it, `actor` is a login, empty for merchant, bot and clock. `detail` is a
    JSON object."""

    id: int
    ticket: str
    number: str
    event: int
    actor: str
    act: str
    done: bool
    detail: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Somebody has to look at a ticket: its `clock` (`response`, `solution`) is at this `mark` (`half`, `due`, `leads`)."""

    row: Row
    clock: str
    mark: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """Whose reminders: those of the tickets of `login`, of those that nobody has of these teams (none: of all), and when it is one who `leads`, of those that
    were put before the leads."""

    login: str
    teams: Sequence[str]
    leads: bool
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A place where searched words stand: the ticket (None where the conversation never had one) and the line."""

    row: Row | None
    chat: str
    line: int
    body: str
    side: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A member of the staff who has a ticket open."""

    login: str
    typing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Tickets with the same topic, code and acquirer that were opened within minutes."""

    topic: str
    code: str
    acquirer: str
    tickets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A trouble of many. `until` is an ISO text of the merchants' wall clock, `tickets` how many are linked."""

    id: str
    topic: str
    code: str
    acquirer: str
    status: str
    text: str
    until: str
    author: str
    proposed: int
    ended: int | None
    tickets: int


class DeskStore(Protocol):
    """The staff's part of the one database. Raises `StoreUnavailable` when it cannot be reached."""

    async def queue(self, wanted: Wanted, after: str = "", limit: int = 50) -> Page:
        """Tickets of a view: the most urgent first, then the nearest deadline; solved ones the latest first."""

    async def sizes(self, login: str, teams: Sequence[str], now: int) -> Mapping[View, int]:
        """How many tickets each view has; `unassigned` counts those of `teams` only, of all when there are none."""

    async def file(self, ticket: str) -> File | None:
        """A ticket by its public id, None when there is none."""

    async def entries(self, chat: str, after: int = 0, limit: int = 500) -> Sequence[Entry]:
        """Lines of a conversation after a line, oldest first, notes included."""

    async def latest(self, chat: str, limit: int, before: int = LAST) -> Sequence[Entry]:
        """The last lines of a conversation before a line, oldest first, notes included."""

    async def alike(self, chat: str, body: str, limit: int) -> Sequence[int]:
        """The last lines of a conversation with exactly this body, such as what stands for a redacted one, newest first."""

    async def deeds(self, ticket: str) -> Sequence[Deed]:
        """Everything that was done with a ticket, oldest first."""

    async def deeds_after(self, id: int, limit: int) -> Sequence[Deed]:
        """What was done with any ticket since this one, oldest first: what a live page shows."""

    async def last_deed(self) -> int:
        """The id of the latest one, 0 when there is none."""

    async def outcome(self, channel: str, ext_id: str) -> Sequence[Deed] | None:
        """What came of an act of staff, by the id under which it was accepted; None as long as it waits."""

    async def reminders(self, reminded: Reminded, limit: int) -> Sequence[Reminder]:
        """The latest reminder of each ticket after which this member has done nothing with it, the newest first; only of a clock that still runs."""

    async def notice(self, ticket: str, login: str, now: int) -> None:
        """Keep that somebody has seen the reminders of a ticket."""

    async def search(self, words: str, limit: int = 50) -> Sequence[Hit]:
        """Where these words stand in what merchants and staff wrote, or a ticket with this number, the latest first. Chinese needs no spaces."""

    async def picture(self, id: str, chat: str) -> Photo | None:
        """A picture of this conversation."""

    async def redact_line(self, chat: str, line: int, body: str) -> bool:
        """Replace a line's body for good: in the transcript, in what waits to be sent, in the search, in the event that it came from. Whether it was there."""

    async def redact_picture(self, chat: str, id: str) -> bool:
        """Delete a picture of this conversation; whether it was there."""

    async def see(self, ticket: str, login: str, until: int, *, typing: bool) -> None:
        """Somebody looks at a ticket until then."""

    async def seen(self, ticket: str, now: int) -> Sequence[Seen]:
        """Who looks at a ticket now."""

    async def queue_state(self) -> Mapping[str, int]:
        """Tickets that nobody has taken, by team."""

    async def loads(self) -> Mapping[str, int]:
        """Active tickets by owner."""

    async def clusters(self, since: int, least: int) -> Sequence[Cluster]:
        """Groups of at least so many active tickets since then that share topic, code and acquirer and have no current incident."""

    async def propose(self, cluster: Cluster, public_id: str, now: int) -> bool:
        """Keep a proposal for the leads; False when there is one for the same already."""

    async def incidents(self, *, current: bool) -> Sequence[Incident]:
        """Those proposed or announced, or all of them, the latest first."""

    async def announce(self, incident: str, *, text: str, until: str, author: str, since: int) -> bool:
        """Publish the notice and link the active tickets of its kind that were opened since then; False when it is not a proposal any more."""

    async def end_incident(self, incident: str, now: int, told: Callable[[str], str] | None) -> Sequence[str] | None:
        """It is over, or with nothing to be told (None) was none. In the same transaction each conversation with linked tickets gets an act of staff as its
        next event, whose body `told` gives for the number of the latest such ticket: so it is told once, whatever dies. The numbers; None when it had ended
        already."""

    def export(self, since: int, until: int) -> AsyncIterator[Row]:
        """All tickets opened within this time, oldest first, without a limit."""
