"""Tickets as staff see them in lists: what both desks do alike with rows, with the mark where a page ends, and with what is searched for."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from bot.service.desk import LAST, Deed, Entry, Hit, Incident, Page, Reminder, Row, View

from .rows import key, storable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACTIVE = "t.status NOT IN ('solved', 'closed')"
"""Word for word as the indexes have it: only then they are used."""
DONE = "t.status IN ('solved', 'closed')"
COLUMNS = """
t.public_id, t.number, t.status, t.urgency, t.reason, t.topic, t.team, t.owner, c.channel, t.packet, t.opened, t.changed, t.waiting, t.due, i.public_id
"""
"""Of a ticket `t`, its conversation `c` and its incident `i`, in the order of `row`."""
WIDTH = 15
DEED = "e.id, t.public_id, t.number, e.event, e.actor, e.act, e.done, e.detail, e.at"
"""Of what was done, `e`, with a ticket `t`, in the order of `deed`."""
ENTRY = "m.id, m.side, m.body, m.at, m.knowledge, m.event"
LOOKED = 500
"""Tickets of each kind, the most urgent, among which reminders are looked for: nobody works on more."""
ESCALATED = """%"mark": "leads"%"""
ANSWERED = """%"clock": "response"%"""
"""What stands in the detail of a reminder."""
_SHOP = ("merchant_name", "terminal_no", "merchant_no")
"""Details by which staff know a merchant, the best first."""
_NUMBER = re.compile(r"(\d{4})-?(\d{5})")
_TAIL = re.compile(r"\d{4,5}")
_TERMINAL = re.compile(r"[0-9A-Z]{6,20}")


def row(columns: Sequence[Any]) -> Row:
    """A ticket in a list, from `COLUMNS`."""
    id, number, status, urgency, reason, topic, team, owner, channel, packet, opened, changed, waiting, due, incident = columns
    summary, merchant = _told(packet)
    return Row(
        id=id, number=number, status=status, urgency=urgency, reason=reason, topic=topic, team=team, owner=owner, channel=channel, summary=summary,
        merchant=merchant, opened=opened, changed=changed, waiting=waiting, due=due, incident=incident,
    )  # fmt: skip


def _told(packet: str) -> tuple[str, str]:
    """The trouble in the merchant's words, and the merchant; both may be empty, since packets of earlier versions held less."""
    fields = json.loads(packet or "{}")
    facts = dict(fields.get("facts", ()))
    return fields.get("summary", ""), next((facts[slot] for slot in _SHOP if facts.get(slot)), "")


def page(rows: Sequence[Sequence[Any]], limit: int) -> Page:
    """A page from one row more than it holds: `COLUMNS`, then the three of the mark."""
    shown = [row(columns[:WIDTH]) for columns in rows[:limit]]
    return Page(rows=shown, next=":".join(map(str, rows[limit - 1][WIDTH:])) if len(rows) > limit else "")


def mark(view: View, after: str) -> tuple[str, int, int]:
    """(urgency, moment, id) after which a page begins: where the last one ended. One that cannot be read is the beginning, as none is."""
    urgency, _, numbers = after.partition(":")
    try:
        moment, id = map(int, numbers.split(":"))
    except ValueError:
        return ("", LAST, LAST) if view is View.SOLVED else ("", -1, -1)
    return urgency, _bounded(moment), _bounded(id)


def _bounded(number: int) -> int:
    return max(-1, min(number, LAST))


def deed(columns: Sequence[Any]) -> Deed:
    """Something that was done, from `DEED`."""
    id, ticket, number, event, actor, act, done, detail, at = columns
    return Deed(id=id, ticket=ticket, number=number, event=event, actor=actor, act=act, done=bool(done), detail=detail, at=at)


def reminder(columns: Sequence[Any]) -> Reminder:
    """A reminder: its detail, its moment, then `COLUMNS`."""
    detail, at, *ticket = columns
    told = json.loads(detail)
    return Reminder(row=row(ticket), clock=told.get("clock", ""), mark=told.get("mark", ""), at=at)


def entry(columns: Sequence[Any]) -> Entry:
    """A line of the transcript, from `ENTRY`."""
    id, side, body, at, knowledge, event = columns
    return Entry(id=id, side=side, body=body, at=at, knowledge=knowledge, event=event)


def hit(columns: Sequence[Any]) -> Hit:
    """A place that was found: conversation, line, body, side, moment, then `COLUMNS`."""
    chat, line, body, side, at, *ticket = columns
    return Hit(row=row(ticket) if ticket[0] is not None else None, chat=chat, line=line, body=body, side=side, at=at)


def incident(columns: Sequence[Any]) -> Incident:
    """A trouble of many, from its columns in this order."""
    id, topic, code, acquirer, status, text, until, author, proposed, ended, tickets = columns
    return Incident(
        id=id, topic=topic, code=code, acquirer=acquirer, status=status, text=text, until=until, author=author, proposed=proposed, ended=ended, tickets=tickets
    )


def end_id(incident: str, number: str) -> str:
    """The id from outside of the event that tells a conversation the end of an incident: the same again is the same event."""
    return key(f"incident-{incident}-{number}")


def numbers(words: str) -> Mapping[str, str]:
    """What is searched for as a ticket's `number`, the `tail` of one, or a `terminal` number; empty where it cannot be one."""
    text = storable("".join(unicodedata.normalize("NFKC", words[:64]).upper().split()))
    whole = _NUMBER.fullmatch(text)
    return {
        "number": f"{whole[1]}-{whole[2]}" if whole else "",
        "tail": text if _TAIL.fullmatch(text) else "",
        "terminal": text if _TERMINAL.fullmatch(text) else "",
    }
