"""Troubles as rows for the reports: when one begins, what it is about, which steps are tried, how it ends.

A trouble is at hand while the bot finds out what it is about, diagnoses it, guides, or collects details for staff. It begins with an event of the merchant,
and ends in one of three ways:

- `bot`: the merchant says that it is solved, the money is known to have arrived, or what was being clarified turned out to be advice, which was given;
- `handed`: staff have it. What staff do then, and what they let the bot guide through, is the ticket's matter: it begins no other trouble;
- `left`: the merchant began again, or with something else, graver troubles that the bot itself puts first included. Another topic to which an answer leads,
  or that an edited message names, is the same trouble seen better; and what comes up while details are collected goes to staff together with it.

Silence ends nothing, for the merchant may come back: the reports call a trouble given up after `reports.QUIET`, as long as it has no other end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.dialogue.step import GONE
from bot.domain.conversation import Phase
from bot.domain.effects import Advise, OpenTicket
from bot.domain.events import Acted, Edited, Left, Lost, Returned, Silent
from bot.domain.tickets import Result

from .ports import Trial, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.domain.conversation import Conversation
    from bot.domain.effects import Effect
    from bot.domain.events import Event
    from bot.domain.knowledge import KnowledgeBase

AT_HAND = frozenset({Phase.CHOOSING, Phase.DIAGNOSING, Phase.GUIDING, Phase.COLLECTING})
BOT, HANDED, LEFT = "bot", "handed", "left"
_STEP = "step:"
NOBODYS = Silent | Acted | Left | Returned | Lost
"""Events with which no merchant begins anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A conversation before and after an event. `now` is the merchants' wall clock."""

    kb: KnowledgeBase
    before: Conversation
    after: Conversation
    event: Event
    effects: tuple[Effect, ...]
    now: datetime

    def rows(self, id: int, at: int) -> tuple[list[Trouble], list[Trial]]:
        """What the event `id`, received at `at`, does to the trouble at hand; both empty for most events."""
        begins = self._begins()
        return [*self._troubles(id, at, begins=begins)], [*self._trials(id, begins=begins)]

    def _troubles(self, id: int, at: int, *, begins: bool) -> Iterator[Trouble]:
        before, after = self.before, self.after
        if _is_at_hand(before) and begins:
            yield Trouble(event=None, ended=at, how=LEFT)
        elif _is_at_hand(before) and not _is_at_hand(after):
            topic, how = self._end()
            yield Trouble(event=None, topic=topic, ended=at, how=how)
        elif _is_at_hand(before) and after.topic and after.topic != before.topic:
            yield Trouble(event=None, topic=after.topic)
        if begins and _is_at_hand(after):
            yield Trouble(event=id, topic=after.topic or "", began=at)
        elif begins:
            topic, how = self._end()
            yield Trouble(event=id, topic=topic, began=at, ended=at, how=how)

    def _end(self) -> tuple[str, str]:
        """(topic, how) of a trouble that is not at hand any more."""
        advised = next((effect.topic for effect in self.effects if isinstance(effect, Advise)), None)
        if self.after.phase is Phase.IDLE:
            return (advised, BOT) if advised else ("", LEFT)
        return self.after.topic or "", BOT if self.after.phase is Phase.RATING else HANDED

    def _begins(self) -> bool:
        """Whether a trouble begins, be it that it ends at once."""
        before, after = self.before, self.after
        if isinstance(self.event, NOBODYS) or after.phase is Phase.IDLE or before.phase is Phase.WITH_STAFF or _is_handed_back(before):
            return False
        if _is_at_hand(before):
            return self._is_another()
        opened = any(isinstance(effect, OpenTicket) for effect in self.effects)  # without one, a ticket that was called solved is worked on again
        return _is_at_hand(after) or opened or (after.phase is Phase.RATING and after.topic != before.topic)

    def _is_another(self) -> bool:
        """Whether what is at hand now is another trouble than before."""
        before, after = self.before, self.after
        if isinstance(self.event, Edited) or before.phase is Phase.COLLECTING:
            return False
        if before.last_at and self.now - self.now.fromisoformat(before.last_at) >= GONE:
            return True
        if before.topic is None or before.topic not in self.kb.topics:  # it was not known, or editors took it away
            return False
        if _is_at_hand(after) and (after.topic is None or after.turns == 0):  # turns go on as long as it is the same
            return True
        return after.topic != before.topic and (before.topic in after.parked or not _leads(self.kb, after, before.topic))

    def _trials(self, id: int, *, begins: bool) -> Iterator[Trial]:
        """Steps that came to something, and the step that is shown."""
        before, after = self.before, self.after
        if not begins:
            yield from self._results(id)
        shown = _open_step(after)
        if shown and (begins or shown != _open_step(before) or after.topic != before.topic):
            yield Trial(event=id, topic=after.topic or "", step=shown)

    def _results(self, id: int) -> Iterator[Trial]:
        before, after = self.before, self.after
        if after.steps != before.steps:
            for step, result in after.steps:
                if (step, result) not in before.steps:
                    yield Trial(event=id, topic=after.topic or "", step=step, result=result)
        doing = self.kb.steps.get(_open_step(before))
        if doing and doing.id not in dict(after.steps) and doing.then in dict(after.findings) and doing.then not in dict(before.findings):
            yield Trial(event=id, topic=before.topic or "", step=doing.id, result=Result.ANSWERED)  # what it showed was told in passing, or leads elsewhere


def _is_at_hand(state: Conversation) -> bool:
    return state.phase in AT_HAND and not _is_handed_back(state)


def _is_handed_back(state: Conversation) -> bool:
    """Whether the bot guides for staff, who keep the ticket."""
    return state.ticket is not None and state.ticket.with_bot and state.ticket.is_active


def _open_step(state: Conversation) -> str:
    """The step that the merchant is doing; empty when it is none."""
    return state.expecting.removeprefix(_STEP) if state.expecting and state.expecting.startswith(_STEP) else ""


def _leads(kb: KnowledgeBase, after: Conversation, start: str) -> bool:
    """Whether answers lead from one topic to the one at hand, perhaps over others."""
    reached = [start]
    for id in reached:
        elsewhere = kb.topics[id].elsewhere if id in kb.topics else {}
        led = (other for other, answers in elsewhere.items() if any((answer.question, answer.option) in after.findings for answer in answers))
        reached += [other for other in led if other not in reached]
    return after.topic in reached
