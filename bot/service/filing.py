"""A ticket as a row: what lists, deadlines and reports need of it, taken out of the state of the dialogue."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.dialogue import deadlines, handoff
from bot.dialogue.ticketing import ACQUIRER, CODE
from bot.domain.conversation import Phase
from bot.domain.effects import OpenTicket
from bot.domain.tickets import Reason, Status

from .ports import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bot.domain.conversation import Conversation
    from bot.domain.desk import Desk
    from bot.domain.effects import Effect
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.tickets import Packet, Ticket

TERMINAL = "terminal_no"
"""The slot by which staff look for a ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """Makes rows at one moment. `now` is the merchants' wall clock, `micros` turns such a moment into microseconds UTC."""

    kb: KnowledgeBase
    desk: Desk
    now: datetime
    micros: Callable[[datetime], int]

    def kept(self, before: Conversation, after: Conversation, effects: Iterable[Effect], event: int, new_id: Callable[[], str]) -> Iterator[Kept]:
        """Rows of the tickets that an event has opened or changed. An earlier one that a new one takes the place of is closed."""
        last, ticket = before.ticket, after.ticket
        if last is not None and ticket is not None and last.number != ticket.number and last.status is not Status.CLOSED:
            yield self._row(replace(last, status=Status.CLOSED), before, None, event, new_id())
        if ticket is not None and (ticket != last or _told(before, after)):
            packet = next((effect.packet for effect in effects if isinstance(effect, OpenTicket)), None)
            yield self._row(ticket, after, packet, event, new_id())

    def _row(self, ticket: Ticket, state: Conversation, packet: Packet | None, event: int, public_id: str) -> Kept:
        facts = dict(state.slots)
        answer_by = deadlines.answer_by(ticket, self.kb, self.desk)
        answered = self._moment(ticket.answered)
        likely = next((cause for cause, _ in (packet.causes if packet else ())), "")
        return Kept(
            event=event, public_id=public_id, number=ticket.number, status=ticket.status, urgency=ticket.urgency, reason=ticket.reason, topic=ticket.topic,
            team=ticket.group, owner=ticket.owner, code=facts.get(CODE, ""), acquirer=facts.get(ACQUIRER, ""), packet=self._packet(ticket, state, packet),
            state=json.dumps(ticket.to_json(), ensure_ascii=False), opened=self._micros_of(ticket.opened), changed=self.micros(self.now),
            waiting=self._moment(ticket.waiting), due=self._at(deadlines.due(ticket, self.kb, self.desk)), answered=answered,
            solved=self._moment(ticket.solved), respond_by=self.micros(answer_by), late=answered is not None and answered > self.micros(answer_by),
            overran=timedelta(seconds=ticket.used) > self.kb.targets[ticket.urgency].solve, cause=ticket.cause, bot_right=ticket.bot_right,
            terminal=facts.get(TERMINAL, ""), bot_topic=ticket.topic or "", bot_cause=likely, previous=ticket.previous,
        )  # fmt: skip

    def _packet(self, ticket: Ticket, state: Conversation, packet: Packet | None) -> str:
        """What staff get, as it is now; empty while the conversation is about something else, or the bot guides: then what is kept stays."""
        if packet is None and state.phase is not Phase.WITH_STAFF:
            return ""
        known = packet or handoff.packet(self.kb, state, Reason(ticket.reason), self.now)
        known = replace(known, number=ticket.number, urgency=ticket.urgency)
        return json.dumps(asdict(known), ensure_ascii=False)

    def _at(self, moment: datetime | None) -> int | None:
        return None if moment is None else self.micros(moment)

    def _moment(self, moment: str | None) -> int | None:
        return None if moment is None else self._micros_of(moment)

    def _micros_of(self, moment: str) -> int:
        return self.micros(datetime.fromisoformat(moment))


def _told(before: Conversation, after: Conversation) -> bool:
    """Whether something came to be known that the packet holds."""
    fields = ("slots", "findings", "attachments", "parked", "consent")
    return after.phase is Phase.WITH_STAFF and any(getattr(before, field) != getattr(after, field) for field in fields)
