"""What the events of one conversation come to, as rows: the dialogue decides, this words it for the store."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, assert_never

from bot.dialogue import deadlines, prompt, silence
from bot.dialogue.render import kb_say
from bot.dialogue.step import step
from bot.domain.audit import Entry
from bot.domain.clock import SECOND
from bot.domain.conversation import Conversation, put
from bot.domain.desk import Desk
from bot.domain.effects import Advise, Answer, Forget, Log, Note, OpenTicket, Rate, Say, TellStaff
from bot.domain.events import Began, Chose, Edited, Said, Sent
from bot.domain.tickets import Act, Actor

from . import bodies
from .filing import Filing
from .ports import FORGOTTEN, Forgotten, Kept, Logged, Outcome, Rated, Spoken, Trial, Trouble
from .staff import PROGRAM
from .troubles import Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

    from bot.domain.effects import Effect
    from bot.domain.knowledge import KnowledgeBase

    from .bodies import Told
    from .ports import Mind, Pending, Work

OF_MERCHANTS = (Said, Edited, Chose, Sent, Began)
LEAST_SLEEP = timedelta(minutes=1)
"""The clock does not look at a conversation sooner again, whatever its timers say: an event of time that cannot be handled must not fill the inbox."""
logger = logging.getLogger(__name__)


def whole(_: str, line: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """A line as one message."""
    return (line,)


class Decider:
    """Decides about conversations. `desk` gives how things stand with the staff, `zone` is where the merchants are; `pushing` tells the channels to which lines
    are carried from those that fetch them. `read` understands the bodies of the inbox by kind, `in_parts` gives the messages in which a channel carries a
    line: each of them is a line of its own, so that one that has arrived is never sent again because of another."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        *,
        mind: Callable[[], Mind],
        clock: Callable[[], int],
        new_id: Callable[[], str],
        zone: ZoneInfo,
        pushing: Callable[[str], bool],
        desk: Callable[[], Desk] = Desk,
        read: Callable[[str, str], Told] = bodies.read,
        in_parts: Callable[[str, dict[str, Any]], Sequence[dict[str, Any]]] = whole,
    ) -> None:
        self._mind, self._desk, self._clock, self._new_id, self._zone, self._pushing = mind, desk, clock, new_id, zone, pushing
        self._read, self._in_parts = read, in_parts

    def decide(self, work: Work) -> Outcome:
        """What the events of one conversation come to. Pure but for the log and the ids of tickets. An event that cannot be handled is put aside with its
        reason, and the merchant is told; those behind it are handled."""
        mind, desk = self._mind(), self._desk()
        state, rows = _state(work), _Rows()
        for event in work.events:
            try:
                state = self._handle(mind, desk, work, state, event, rows)
            except Exception as error:  # one message must never stop the others
                logger.exception("event put aside", extra={"event": "event_dead", "kind": event.kind, "id": event.id})
                rows.dead.append((event.id, f"{type(error).__name__}: {error}"[:500]))
                if event.kind not in bodies.NOT_OF_MERCHANTS:
                    rows.spoken.append(self._line(work, event, {"bubbles": [kb_say(mind.kb, "broken")], "choices": []}))
        return Outcome(
            state=json.dumps(state.to_json(), ensure_ascii=False), knowledge=mind.kb.version, wake=self._wake(mind, desk, work, state),
            done=tuple(rows.done), dead=tuple(rows.dead), spoken=tuple(rows.spoken), tickets=tuple(rows.tickets.values()), logged=tuple(rows.logged),
            rated=tuple(rows.rated), troubles=tuple(rows.troubles), trials=tuple(rows.trials.values()), forgotten=rows.forgotten,
        )  # fmt: skip

    def _wake(self, mind: Mind, desk: Desk, work: Work, state: Conversation) -> int | None:
        """When time itself is the next event: silence that lasts, or a clock of the ticket."""
        if not work.events:
            return None
        last = self._local(work.events[-1].received)
        patience = silence.patience(state)
        moments = [last + patience] if patience else []
        if state.ticket and (moment := deadlines.next_moment(state.ticket, mind.kb, desk, last)):
            moments.append(max(moment, last + LEAST_SLEEP))
        return self._micros(min(moments)) if moments else None

    def _handle(self, mind: Mind, desk: Desk, work: Work, state: Conversation, event: Pending, rows: _Rows) -> Conversation:
        """One event: the next state; its rows are added."""
        told = self._read(event.kind, event.body)
        now, heard = self._local(event.received), None
        if told.text is not None:
            heard = replace(mind.understand(told.text, now, prompt.expected(mind.kb, state, told.event)), secrets=told.secrets)
        decision = step(state, told.event, heard, mind.kb, now, at_desk=desk)
        after, new = decision.conversation, _Rows()
        if line := _merchants_line(mind.kb, state, told, decision.effects):
            push = f"{event.id}:file" if told.fetch and self._pushing(work.address.channel) else None
            new.spoken.append(Spoken(event=event.id, side="merchant", body=line, at=event.received, push=push))
        for effect in decision.effects:
            self._perform(work, event, effect, new)
        if told.secrets and told.message:
            new.spoken = _unsafe(new.spoken, told.message)
        filing = Filing(kb=mind.kb, desk=desk, now=now, micros=self._micros)
        for ticket in filing.kept(state, after, decision.effects, event.id, self._new_id):
            new.tickets[ticket.number] = ticket
        new.done.append(event.id)
        if new.forgotten:
            new.spoken = [line for line in new.spoken if line.side == "bot"]
            rows.add(new)
            return replace(after, id=new.forgotten.public_id)
        passage = Passage(kb=mind.kb, before=state, after=after, event=told.event, effects=decision.effects, now=now)
        troubles, trials = passage.rows(event.id, event.received)
        rows.add(new)
        rows.count(troubles, trials)
        return after

    def _local(self, micros: int) -> datetime:
        """The merchants' wall clock."""
        return datetime.fromtimestamp(micros / SECOND, UTC).astimezone(self._zone).replace(tzinfo=None)

    def _micros(self, local: datetime) -> int:
        return round(local.replace(tzinfo=self._zone).timestamp() * SECOND)

    def _perform(self, work: Work, event: Pending, effect: Effect, rows: _Rows) -> None:
        match effect:
            case Say() | Answer() | Note():
                self._speak(work, event, effect, rows)
            case Log():
                rows.logged.append(_logged(event, effect))
            case TellStaff(number=number, text=text, attachment=attachment):
                told = (("text", text), ("attachment", attachment))
                rows.logged.append(_logged(event, Log(actor=Actor(), act=Act.SAID, number=number, detail=tuple(pair for pair in told if pair[1]))))
            case Rate(topic=topic, stars=stars, number=number):
                rows.rated.append(Rated(event=event.id, topic=topic, stars=stars, number=number, at=event.received))
            case Forget():
                rows.forgotten = self._forgotten(event, effect)
            case OpenTicket() | Advise():
                pass  # the packet goes into the ticket's row, and `troubles` looks whether advice was given
            case _:
                assert_never(effect)

    def _speak(self, work: Work, event: Pending, effect: Say | Answer | Note, rows: _Rows) -> None:
        match effect:
            case Say(reply=reply):
                body, side = asdict(reply), "bot"
            case Answer():
                body, side = _answered(effect), "staff"
            case Note(actor=actor, text=text):
                note = json.dumps({"bubbles": [text], "author": actor.name, "login": actor.login}, ensure_ascii=False)
                rows.spoken.append(Spoken(event=event.id, side="note", body=note, at=event.received))
                return
            case _:
                assert_never(effect)
        for part in self._in_parts(work.address.channel, body):
            rows.spoken.append(self._line(work, event, part, len(rows.spoken), side))

    def _forgotten(self, event: Pending, effect: Forget) -> Forgotten:
        entry = Entry(at=event.received, actor=effect.actor.login or PROGRAM, what=FORGOTTEN, detail=effect.reason)
        return Forgotten(public_id=self._new_id(), entry=entry)

    def _line(self, work: Work, event: Pending, body: dict[str, Any], part: int = 0, side: str = "bot") -> Spoken:
        push = f"{event.id}:{part}" if self._pushing(work.address.channel) else None
        return Spoken(event=event.id, side=side, body=json.dumps(body, ensure_ascii=False), at=max(self._clock(), event.received), push=push)


def _unsafe(spoken: Iterable[Spoken], message: str) -> list[Spoken]:
    """The lines, the bot's first with the message in it that must not stay in the chat."""
    lines = list(spoken)
    first = next((place for place, line in enumerate(lines) if line.side == "bot" and line.push), None)
    if first is not None:
        body = json.loads(lines[first].body) | {"unsafe": message}
        lines[first] = replace(lines[first], body=json.dumps(body, ensure_ascii=False))
    return lines


def _answered(said: Answer) -> dict[str, Any]:
    """What a member of the staff said, as a line."""
    line: dict[str, Any] = {"bubbles": [said.text] if said.text else [], "choices": [], "author": said.actor.name}
    if said.photo:
        line["file"] = said.photo
    if said.carry:
        line |= {"kind": said.kind, "carry": said.carry}
    if said.album:
        line["album"] = said.album
    return {**line, "amends": said.amends, "plain": said.plain} if said.amends else line


def _logged(event: Pending, log: Log) -> Logged:
    detail = json.dumps(dict(log.detail), ensure_ascii=False)
    return Logged(event=event.id, number=log.number, actor=log.actor.login, act=log.act, done=log.done, detail=detail, at=event.received)


@dataclass(slots=True)
class _Rows:
    """Rows of an outcome while it is being made; of each ticket, trouble and step the last state counts."""

    done: list[int] = field(default_factory=list)
    dead: list[tuple[int, str]] = field(default_factory=list)
    spoken: list[Spoken] = field(default_factory=list)
    tickets: dict[str, Kept] = field(default_factory=dict)
    logged: list[Logged] = field(default_factory=list)
    rated: list[Rated] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    trials: dict[tuple[int | None, str, str], Trial] = field(default_factory=dict)
    forgotten: Forgotten | None = None

    def add(self, new: _Rows) -> None:
        """All of these too; when everything was deleted, nothing of before is left."""
        if new.forgotten:
            self.forgotten, self.spoken, self.tickets, self.logged, self.rated = new.forgotten, [], {}, [], []
            self.troubles, self.trials = [], {}
        self.done += new.done
        self.dead += new.dead
        self.spoken += new.spoken
        self.logged += new.logged
        self.rated += new.rated
        for number, ticket in new.tickets.items():
            first = self.tickets.get(number, ticket)
            self.tickets[number] = replace(ticket, event=first.event, public_id=first.public_id)

    def count(self, troubles: list[Trouble], trials: list[Trial]) -> None:
        """What the next event did to the trouble at hand."""
        for trouble in troubles:
            last = self.troubles[-1] if self.troubles else None
            if last is None or trouble.event is not None:
                self.troubles.append(trouble)
            elif last.how is None:
                self.troubles[-1] = replace(last, topic=trouble.topic or last.topic, ended=trouble.ended, how=trouble.how)
        of = self.troubles[-1].event if self.troubles else None
        for trial in trials:
            key = (of, trial.topic, trial.step)
            first = self.trials.setdefault(key, trial)
            self.trials[key] = replace(first, result=trial.result or first.result)


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
    """What the merchant did, for the transcript; None for what others did. Details in it stand beside it, for staff."""
    if not isinstance(told.event, OF_MERCHANTS):
        return None
    line: dict[str, Any] = {} if told.text is None else {"text": told.text}
    if isinstance(told.event, Chose):
        labels = {choice.id: choice.label for choice in prompt.choices(kb, state)}
        line |= {"choice": told.event.choice, "label": told.label or labels.get(told.event.choice, "")}
    if isinstance(told.event, Sent):
        line |= {"kind": told.event.kind, "file": told.event.name, **told.more}
    if told.fetch:
        line["fetch"] = told.fetch
    if facts := [pair for effect in effects if isinstance(effect, TellStaff) for pair in effect.facts]:
        line["facts"] = dict(facts)
    return json.dumps(line, ensure_ascii=False)
