"""A ticket as the page shows it: what is kept as JSON, read with care, with the words of the knowledge base for its ids."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.wording import say, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.knowledge import KnowledgeBase
    from bot.service.desk import Deed, Entry


REDACTED = json.dumps({"redacted": True})
"""What stands for a line that was taken out."""
PLAYERS = {"voice": "audio", "audio": "audio", "video": "video", "video_note": "video", "animation": "video", "document": ""}
"""Kinds of files that a channel keeps, and what plays them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that a channel keeps, by its reference there. `name` is what its sender calls it, `player` the element of a page that plays it, if any."""

    kind: str
    reference: str
    name: str
    mime: str

    @property
    def player(self) -> str:
        """`audio`, `video`, or empty for what is no recording."""
        return PLAYERS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line of the transcript. `photo` is a picture's id, `attachment` says what else was sent, and `kept` is what the channel keeps of it; `facts` are
    details by label, `choices` the buttons that were offered."""

    id: int
    side: str
    at: int
    author: str = ""
    texts: tuple[str, ...] = ()
    tapped: str = ""
    photo: str = ""
    attachment: str = ""
    kept: Kept | None = None
    facts: tuple[tuple[str, str], ...] = ()
    choices: tuple[str, ...] = ()
    redacted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Something that was done with a ticket; `about` is for people."""

    act: str
    actor: str
    done: bool
    at: int
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The packet in words. `causes` have their probability in percent, `wanted` are the ids of details that are `missing`."""

    summary: str
    screen: str
    facts: Sequence[tuple[str, str]]
    causes: Sequence[tuple[str, str, int]]
    findings: Sequence[tuple[str, str]]
    steps: Sequence[tuple[str, str]]
    money: str
    flags: Sequence[str]
    missing: Sequence[str]
    wanted: Sequence[str]
    parked: Sequence[str]
    customer_waiting: bool
    consent: bool | None
    values: dict[str, str]


def said(kb: KnowledgeBase, entry: Entry) -> Said:
    """A line of the transcript, whatever its side."""
    body = read(entry.body)
    if body.get("redacted"):
        return Said(id=entry.id, side=entry.side, at=entry.at, redacted=True)
    kind = _text(body, "kind") or ("photo" if body.get("file") else "")
    return Said(
        id=entry.id,
        side=entry.side,
        at=entry.at,
        author=_text(body, "author"),
        texts=texts(body),
        tapped=_text(body, "label") or _text(body, "choice"),
        photo=_text(body, "file") if kind == "photo" else "",
        attachment=_attachment(kind, body) if kind and kind != "photo" else "",
        kept=_kept(kind, body),
        facts=tuple((label(kb, slot), str(value)) for slot, value in _pairs(body.get("facts"))),
        choices=tuple(_text(choice, "label") for choice in _list(body, "choices") if isinstance(choice, dict)),
    )


def _kept(kind: str, body: dict[str, Any]) -> Kept | None:
    """A merchant's file stands in the line under one name, a colleague's under another."""
    reference = _text(body, "carry") or _text(body, "file")
    if kind not in PLAYERS or not reference:
        return None
    return Kept(kind=kind, reference=reference, name=_text(body, "title"), mime=_text(body, "mime"))


def texts(body: dict[str, Any]) -> tuple[str, ...]:
    """What was written in a line, or said in bubbles."""
    bubbles = [bubble for bubble in _list(body, "bubbles") if isinstance(bubble, str)]
    return tuple(filter(None, [_text(body, "text"), *bubbles]))


def done(kb: KnowledgeBase, deed: Deed) -> Done:
    """An entry of the log."""
    detail = read(deed.detail)
    hidden = {"photo", "attachment", "to", "name", "owner", "why", "mark"}
    told = [detail.get("name") or _titled(kb, str(detail.get("to") or ""))]
    told += [_worded(kb, name, str(value), detail) for name, value in detail.items() if name not in hidden and value]
    return Done(act=deed.act, actor=deed.actor, done=deed.done, at=deed.at, about=" · ".join(str(text) for text in told if text)[:200])


def _attachment(kind: str, body: dict[str, Any]) -> str:
    """What was sent, in words: its kind, what the file is called, how long it lasts, where it is."""
    place = _text(body, "file") if kind == "location" else ""
    seconds = say("console.attachment-seconds", seconds=_text(body, "seconds")) if _text(body, "seconds") else ""
    words = sentences().get(f"console.attachment-{kind}", say("console.attachment"))
    return " ".join(filter(None, (words, _text(body, "title"), place, seconds)))


def _worded(kb: KnowledgeBase, name: str, value: str, detail: dict[str, Any]) -> str:
    """A part of a log's entry in words; what no sentence is known for stays as it is."""
    match name:
        case "text":
            return value
        case "reason" | "urgency":
            return sentences().get(f"console.{name}-{value}", value)
        case "clock":
            return sentences().get(f"console.remind-{value}-{detail.get('mark')}", value)
        case "cause":
            return next((topic.causes[value].title for topic in kb.topics.values() if value in topic.causes), say("console.other-cause"))
        case "bot_right":
            return f"{say('console.bot-right')} {say('console.was-right' if value == 'yes' else 'console.was-wrong')}"
        case _:
            return f"{label(kb, name)} {value}".strip()


def card(kb: KnowledgeBase, packet: str) -> Card:
    """The packet; of one that cannot be read, nothing."""
    kept = read(packet)
    topic = kb.topics.get(_text(kept, "topic"))
    causes = topic.causes if topic else {}
    values = {str(slot): str(value) for slot, value in _pairs(kept.get("facts"))}
    return Card(
        summary=_text(kept, "summary"),
        screen="" if "screen_text" in values else _text(kept, "screen_text"),
        facts=[(label(kb, slot), value) for slot, value in values.items()],
        causes=[(id, causes[id].title if id in causes else id, round(100 * float(share))) for id, share in _pairs(kept.get("causes"))],
        findings=[(kb.questions[id].text if id in kb.questions else id, str(option)) for id, option in _pairs(kept.get("findings"))],
        steps=[(kb.steps[id].title if id in kb.steps else id, str(result)) for id, result in _pairs(kept.get("steps"))],
        money=_text(kept, "money"),
        flags=[str(flag) for flag in _list(kept, "flags")],
        missing=[label(kb, str(slot)) for slot in _list(kept, "missing")],
        wanted=[str(slot) for slot in _list(kept, "missing")],
        parked=[_titled(kb, str(id)) for id in _list(kept, "parked")],
        customer_waiting=bool(kept.get("customer_waiting")),
        consent=kept.get("consent") if isinstance(kept.get("consent"), bool) else None,
        values=values,
    )


def label(kb: KnowledgeBase, slot: str) -> str:
    """What a detail is called."""
    return kb.slots[slot].label if slot in kb.slots else slot


def read(text: str) -> dict[str, Any]:
    """A JSON object; an empty one for what is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _titled(kb: KnowledgeBase, id: str) -> str:
    """A topic, a group or a step in words; anything else as it is."""
    topic, _, step = id.partition("/")
    for table, name in ((kb.steps, step), (kb.topics, topic), (kb.groups, topic)):
        if name in table:
            return str(table[name].title)
    return id


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _list(fields: dict[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _pairs(value: Any) -> list[tuple[str, Any]]:
    """Pairs, kept as a list of them or as an object."""
    if isinstance(value, dict):
        return list(value.items())
    return [(pair[0], pair[1]) for pair in value if isinstance(pair, list) and len(pair) == 2] if isinstance(value, list) else []
