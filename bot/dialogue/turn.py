"""One turn: what every decision may look at besides the conversation, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.domain.desk import Desk
from bot.domain.effects import Say

from . import render
from .diagnose import EXPECTED_COST, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bot.domain.conversation import Conversation, Pairs
    from bot.domain.effects import Effect
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.messages import Choice
    from bot.domain.understanding import Understanding


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What stands still while one event is handled. `now` is the merchant's wall clock; `heard` is there when the merchant wrote something, `sent` when
    an attachment came; `desk` is how things stand with the staff.
    """

    kb: KnowledgeBase
    now: datetime
    heard: Understanding | None = None
    sent: Pairs = ()
    strategy: Strategy = EXPECTED_COST
    desk: Desk = field(default_factory=Desk)

    @property
    def code(self) -> str | None:
        """The response code in the message."""
        entities = self.heard.entities if self.heard else ()
        return next((entity.value for entity in entities if entity.slot == "resp_code"), None)

    def words(self, id: str, **values: object) -> str:
        """A sentence of the knowledge base."""
        return render.kb_say(self.kb, id, **values)

    def say(self, bubbles: Iterable[str], choices: Iterable[Choice] = ()) -> Say:
        """The effect of telling the merchant."""
        return Say(reply=render.reply(self.kb, bubbles, choices))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a step comes to: the next state, and what must happen."""

    conversation: Conversation
    effects: tuple[Effect, ...] = ()
