"""What the events of one conversation come to, as rows: the dialogue decides, this words it for the store."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, assert_never

from bot.dialogue import prompt, silence
from bot.dialogue.render import kb_say
from bot.dialogue.step import step
from bot.domain.clock import SECOND
from bot.domain.conversation import Conversation, put
from bot.domain.effects import OpenTicket, Rate, Say, TellStaff
from bot.domain.events import Chose, Sent, Silent

from . import bodies
from .ports import Opened, Outcome, Rated, Spoken

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from bot.domain.effects import Effect
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.tickets import Packet

    from .bodies import Told
    from .ports import Mind, Pending, Work

logger = logging.getLogger(__name__)


class Decider:
    """Decides about conversations. `zone` is where the merchants are; `pushing` tells the channels to which lines are carried from those that fetch them."""

    def __init__(
        self, *, mind: Callable[[], Mind], clock: Callable[[], int], new_id: Callable[[], str], zone: ZoneInfo, pushing: Callable[[str], bool]
    ) -> None:
        self._mind, self._clock, self._new_id, self._zone, self._pushing = mind, clock, new_id, zone, pushing

    def decide(self, work: Work) -> Outcome:
        """What the events of one conversation come to. Pure but for the log and the ids of tickets. An event that cannot be handled is put aside with its
        reason, and the merchant is told; those behind it are handled."""
        mind = self._mind()
        state, rows = _state(work), _Rows()
        for event in work.events:
            try:
                state = self._handle(mind, work, state, event, rows)
            except Exception as error:  # one message must never stop the others
                logger.exception("event put aside", extra={"event": "event_dead", "kind": event.kind, "id": event.id})
                rows.dead.append((event.id, f"{type(error).__name__}: {error}"[:500]))
                rows.spoken.append(self._line(work, event, {"bubbles": [kb_say(mind.kb, "broken")], "choices": []}))
        patience = silence.patience(state)
        wake = work.events[-1].received + patience // timedelta(microseconds=1) if patience and work.events else None
        return Outcome(
            state=json.dumps(state.to_json(), ensure_ascii=False), knowledge=mind.kb.version, wake=wake, done=tuple(rows.done), dead=tuple(rows.dead),
            spoken=tuple(rows.spoken), opened=tuple(rows.opened), rated=tuple(rows.rated),
        )  # fmt: skip

    def _handle(self, mind: Mind, work: Work, state: Conversation, event: Pending, rows: _Rows) -> Conversation:
        """One event: the next state; its rows are added."""
        told = bodies.read(event.kind, event.body)
        now = datetime.fromtimestamp(event.received / SECOND, UTC).astimezone(self._zone).replace(tzinfo=None)
        heard = None
        if told.text is not None:
            heard = replace(mind.understand(told.text, now, prompt.expected(mind.kb, state, told.event)), secrets=told.secrets)
        decision = step(state, told.event, heard, mind.kb, now)
        new = _Rows()
        if line := _merchants_line(mind.kb, state, told, decision.effects):
            new.spoken.append(Spoken(event=event.id, side="merchant", body=line, at=event.received))
        for effect in decision.effects:
            self._perform(work, event, effect, new)
        new.done.append(event.id)
        rows.add(new)
        return decision.conversation

    def _perform(self, work: Work, event: Pending, effect: Effect, rows: _Rows) -> None:
        match effect:
            case Say(reply=reply):
                rows.spoken.append(self._line(work, event, asdict(reply), len(rows.spoken)))
            case OpenTicket(packet=packet):
                rows.opened.append(self._ticket(event, packet))
            case Rate(topic=topic, stars=stars):
                rows.rated.append(Rated(event=event.id, topic=topic, stars=stars, at=event.received))
            case TellStaff():
                pass  # it stands in the transcript, which staff read
            case _:
                assert_never(effect)

    def _line(self, work: Work, event: Pending, body: dict[str, Any], part: int = 0) -> Spoken:
        push = f"{event.id}:{part}" if self._pushing(work.address.channel) else None
        return Spoken(event=event.id, side="bot", body=json.dumps(body, ensure_ascii=False), at=max(self._clock(), event.received), push=push)

    def _ticket(self, event: Pending, packet: Packet) -> Opened:
        return Opened(
            event=event.id, public_id=self._new_id(), number=packet.number, urgency=packet.urgency, reason=packet.reason, topic=packet.topic,
            packet=json.dumps(asdict(packet), ensure_ascii=False), at=event.received,
        )  # fmt: skip


@dataclass(slots=True)
class _Rows:
    """Rows of an outcome while it is being made."""

    done: list[int] = field(default_factory=list)
    dead: list[tuple[int, str]] = field(default_factory=list)
    spoken: list[Spoken] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    rated: list[Rated] = field(default_factory=list)

    def add(self, new: _Rows) -> None:
        """All of these too."""
        self.done += new.done
        self.dead += new.dead
        self.spoken += new.spoken
        self.opened += new.opened
        self.rated += new.rated


def _state(work: Work) -> Conversation:
    """The state as it was left, with what the channel knows of the merchant; what the merchant said counts more."""
    state = _remembered(work)
    known = dict(state.slots)
    for slot, value in json.loads(work.profile).items():
        if slot not in known:
            state = replace(state, slots=put(state.slots, slot, value))
    return state


def _remembered(work: Work) -> Conversation:
    """The state as it was left; a new one when it cannot be read, which is better than a merchant who never gets an answer again."""
    try:
        return Conversation.from_json(json.loads(work.state)) if work.state else Conversation(id=work.public_id)
    except (ValueError, TypeError, AttributeError):
        logger.exception("state not readable, begun anew", extra={"event": "state_damaged", "id": work.id})
        return Conversation(id=work.public_id)


def _merchants_line(kb: KnowledgeBase, state: Conversation, told: Told, effects: tuple[Effect, ...]) -> str | None:
    """What the merchant did, for the transcript; None for silence. Details in it stand beside it, for staff."""
    if isinstance(told.event, Silent):
        return None
    line: dict[str, Any] = {} if told.text is None else {"text": told.text}
    if isinstance(told.event, Chose):
        labels = {choice.id: choice.label for choice in prompt.choices(kb, state)}
        line |= {"choice": told.event.choice, "label": labels.get(told.event.choice, "")}
    if isinstance(told.event, Sent):
        line |= {"kind": told.event.kind, "file": told.event.name}
    if facts := [pair for effect in effects if isinstance(effect, TellStaff) for pair in effect.facts]:
        line["facts"] = dict(facts)
    return json.dumps(line, ensure_ascii=False)
