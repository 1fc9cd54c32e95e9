"""How a ticket looks in the group: the title of its topic, the pinned card with the hand-over packet, and the buttons under it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.channels.console import shown
from bot.channels.telegram.bubbles import pieces, units
from bot.channels.telegram.keyboards import Button
from bot.domain.clock import SECOND
from bot.domain.staff import Permission, may
from bot.domain.tickets import TRANSITIONS, Act, Status
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from typing import TypeAlias
    from zoneinfo import ZoneInfo

    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.staff import Member
    from bot.service.desk import File

    from .buttons import Buttons

    Draw: TypeAlias = "Callable[[], Awaitable[Drawing]]"

TITLE, MERCHANT, LABEL = 128, 60, 40
"""Characters of a topic's name (Bot API, createForumTopic), of a merchant's name in it, and of a button's label."""
NAME = "contact_name"
"""The detail by which somebody is known of whom nothing else is."""
LONGEST = 3900
"""UTF-16 units of a card; the server's limit is 4,096."""
MOST_CAUSES, MOST_PEOPLE = 12, 20
HAND, SOLVE, MISROUTE = "hand", "solve", "misroute"
"""Menus: whom a ticket is given to, what the cause was, what the right topic is."""
ACTIONS = {"t": Act.TAKE, "wm": Act.WAIT_MERCHANT, "wa": Act.WAIT_ACQUIRER, "re": Act.RESUME, "ro": Act.REOPEN, "rl": Act.RELEASE}
"""Buttons that do something at once, by what stands in their callback data."""
MENUS = {"h": HAND, "s": SOLVE, "m": MISROUTE}
"""Buttons that show others."""
BACK, PERSON, GROUP, CAUSE, TOPIC = "b", "p", "g", "c", "mt"
"""What stands in the callback data of a menu's buttons."""
OTHER, UNKNOWN = "other", ""
"""Causes that no topic has: another one, and none that anybody knows."""
_OPENS = {HAND: Act.MOVE, SOLVE: Act.SOLVE, MISROUTE: Act.MISROUTE}
"""What must be possible for a menu to be offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card as it is sent. `fingerprint` is another one when anything of it is."""

    text: str
    rows: Sequence[Sequence[Button]]

    @property
    def fingerprint(self) -> str:
        """The same for the same card."""
        return hashlib.sha256(repr((self.text, self.rows)).encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What cards are drawn with: words, colleagues, where the merchants' clock stands, our own address (empty: none), and what signs buttons."""

    kb: KnowledgeBase
    members: Sequence[Member]
    zone: ZoneInfo
    url: str
    buttons: Buttons

    def name(self, login: str | None) -> str:
        """What a colleague is called."""
        return next((member.name for member in self.members if member.login == login), login or "")

    def moment(self, at: int) -> str:
        """Microseconds UTC as a local date and time."""
        return self.wall(at).strftime("%m-%d %H:%M")

    def wall(self, at: int) -> datetime:
        """What the merchants' wall clock shows then."""
        return datetime.fromtimestamp(at / SECOND, UTC).astimezone(self.zone).replace(tzinfo=None)


def known(member: Member) -> Member:
    """A member as the group knows one: who was linked by a code has proved who it is, whatever the first password at the console."""
    return replace(member, must_change=False) if member.telegram is not None else member


def title(draw: Drawing, file: File) -> str:
    """Urgency, number, merchant and status; what is too long is cut in the merchant's name."""
    row = file.row
    known = row.merchant or shown.card(draw.kb, file.packet).values.get(NAME, "")
    merchant = " ".join(known.split())[:MERCHANT] or say("forum.no-merchant")
    return say("forum.title", urgency=row.urgency, number=row.number, merchant=merchant, status=say(f"console.status-{row.status}"))[:TITLE]


def card(draw: Drawing, file: File, menu: str) -> Card:
    """The whole card, with a menu's buttons when one is open."""
    text = next(pieces("\n".join(_lines(draw, file)), LONGEST), "")
    return Card(text=whole(text), rows=_menu(draw, file, menu) if menu else _buttons(draw, file))


def packet(draw: Drawing, file: File) -> str:
    """The card's text alone."""
    return card(draw, file, "").text


def whole(text: str) -> str:
    """A text in which every character can be sent."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")


def _lines(draw: Drawing, file: File) -> Iterator[str]:
    row, packet = file.row, shown.card(draw.kb, file.packet)
    yield say("forum.card-head", urgency=say(f"console.urgency-{row.urgency}"), number=row.number)
    flags = [say(f"console.flag-{flag}") for flag in packet.flags] + ([say("console.customer-waiting")] if packet.customer_waiting else [])
    if flags:
        yield say("forum.card-flags", flags=" · ".join(flags))
    yield from _standing(draw, file)
    yield say("forum.card-topic", topic=_topic(draw.kb, row.topic), reason=say(f"console.reason-{row.reason}"))
    if packet.summary:
        yield say("forum.card-summary", text=packet.summary)
    yield from _known(packet)
    yield from _tried(packet)
    if draw.url:
        yield f"{draw.url}/console/tickets/{row.id}"


def _standing(draw: Drawing, file: File) -> Iterator[str]:
    """Who has it, and what is due."""
    row = file.row
    owner = say("forum.card-owner", name=draw.name(row.owner)) if row.owner else say("console.nobody")
    group = draw.kb.groups[row.team].title if row.team in draw.kb.groups else row.team
    yield say("forum.card-state", status=say(f"console.status-{row.status}"), owner=owner, group=group)
    times = {"console.opened": row.opened, "console.waiting": row.waiting, "console.due": row.due if row.status not in {"solved", "closed"} else None}
    yield " · ".join(f"{say(key)} {draw.moment(at)}" for key, at in times.items() if at)
    if file.earlier:
        yield say("forum.card-earlier", numbers=" ".join(number for _, number, _ in file.earlier[:3]))


def _known(packet: shown.Card) -> Iterator[str]:
    if packet.money:
        yield f"{say('console.money')}: {say(f'console.money-{packet.money}')}"
    for name, value in packet.facts:
        yield f"{name}: {value}"
    if packet.screen:
        yield f"{say('console.screen')}: {packet.screen}"
    if packet.missing:
        yield f"{say('console.missing')}: {' · '.join(packet.missing)}"
    consent = {None: "unknown", True: "yes", False: "no"}[packet.consent]
    yield f"{say('console.consent')}: {say(f'console.consent-{consent}')}"


def _tried(packet: shown.Card) -> Iterator[str]:
    if packet.causes:
        yield f"{say('console.causes')}: {' · '.join(f'{name} {percent}%' for _, name, percent in packet.causes)}"
    for question, option in packet.findings:
        yield f"· {question} {option}"
    for step, result in packet.steps:
        yield f"· {step}: {say(f'console.result-{result}')}"
    if packet.parked:
        yield f"{say('console.parked')}: {' · '.join(packet.parked)}"


def _topic(kb: KnowledgeBase, topic: str | None) -> str:
    return kb.topics[topic].title if topic and topic in kb.topics else say("console.no-topic")


def _buttons(draw: Drawing, file: File) -> Sequence[Sequence[Button]]:
    """What can be done with a ticket as it stands now, by somebody who may."""
    status = Status(file.row.status)
    first = [_button(draw, file, action) for action, act in ACTIONS.items() if action in {"t", "re", "ro"} and status in TRANSITIONS[act]]
    menus = [_button(draw, file, action) for action, menu in MENUS.items() if status in TRANSITIONS[_OPENS[menu]]]
    waits = [
        _button(draw, file, action) for action in ("wm", "wa") if status in TRANSITIONS[ACTIONS[action]] and status is not TRANSITIONS[ACTIONS[action]][status]
    ]
    hand, solve, misroute = ([menus[place]] if menus else [] for place in range(3))
    rows = [first + hand, waits, solve + misroute]
    return [row for row in rows if row]


def _button(draw: Drawing, file: File, action: str) -> Button:
    return Button(label=say(f"forum.button-{action}"), data=draw.buttons.data(action, file.row.id))


def _menu(draw: Drawing, file: File, menu: str) -> Sequence[Sequence[Button]]:
    """Two beside each other, and the way back under them."""
    offered = [Button(label=label[:LABEL], data=draw.buttons.data(action, file.row.id, about)) for action, about, label in offers(draw, file, menu)]
    rows = [offered[place : place + 2] for place in range(0, len(offered), 2)]
    return [*rows, [_button(draw, file, BACK)]]


def offers(draw: Drawing, file: File, menu: str) -> list[tuple[str, str, str]]:
    """What a menu offers: (action, what it is about, label)."""
    return {HAND: _hands, SOLVE: _causes, MISROUTE: _topics}[menu](draw, file) if menu in _OPENS else []


def _hands(draw: Drawing, file: File) -> list[tuple[str, str, str]]:
    """Groups, then colleagues who are there."""
    groups = [(GROUP, group.id, group.title) for group in draw.kb.groups.values() if group.id != file.row.team]
    there = [member for member in draw.members if member.on_duty and may(member, Permission.WORK_TICKETS) and member.login != file.row.owner]
    return groups + [(PERSON, member.login, member.name) for member in there[:MOST_PEOPLE]]


def _causes(draw: Drawing, file: File) -> list[tuple[str, str, str]]:
    """The true cause: the likeliest first, then the topic's others."""
    likely = [(CAUSE, id, f"{name} {percent}%") for id, name, percent in shown.card(draw.kb, file.packet).causes]
    topic = draw.kb.topics.get(file.row.topic or "")
    known = {id for _, id, _ in likely}
    others = [(CAUSE, cause.id, cause.title) for cause in topic.causes.values() if cause.id not in known] if topic else []
    return [*(likely + others)[:MOST_CAUSES], (CAUSE, OTHER, say("console.other-cause")), (CAUSE, UNKNOWN, say("console.not-known"))]


def _topics(draw: Drawing, file: File) -> list[tuple[str, str, str]]:
    return [(TOPIC, topic.id, topic.title) for topic in draw.kb.topics.values() if topic.is_business and topic.id != file.row.topic]


def fits(text: str) -> bool:
    """Whether a text is one message."""
    return units(text) <= LONGEST
