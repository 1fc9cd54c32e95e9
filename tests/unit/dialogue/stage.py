"""A stage for dialogues: events one after the other as a channel brings them, the state stored and read back between any two of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.dialogue import prompt
from bot.dialogue.step import step
from bot.domain.conversation import Conversation
from bot.domain.effects import OpenTicket, Say
from bot.domain.events import Chose, Edited, Said, Sent

if TYPE_CHECKING:
    from bot.app import Mind
    from bot.domain.effects import Effect
    from bot.domain.events import Event
    from bot.domain.messages import Choice
    from bot.domain.tickets import Packet

TEN = datetime(2026, 11, 24, 10)  # noqa: DTZ001  (the merchant's wall clock)


class Stage:
    """Plays one dialogue. `effects` are those of the last event, `packet` is what staff got last; `kb` may be exchanged on the way."""

    def __init__(self, mind: Mind) -> None:
        self.engine, self.kb = mind.engine, mind.kb
        self.state, self.now = Conversation(), TEN
        self.packet: Packet | None = None
        self.effects: tuple[Effect, ...] = ()
        self._seen: dict[str, str] = {}

    def says(self, text: str) -> str:
        """The bot's answer to a text: bubbles and buttons, as all answers here."""
        return self._step(Said(), text)

    def edits(self, text: str) -> str:
        """The last message is changed to this text."""
        return self._step(Edited(), text)

    def taps(self, label: str) -> str:
        """A button of the last answer."""
        labels = {choice.label: choice.id for choice in self.choices}
        assert label in labels, (label, list(labels))
        return self._step(Chose(choice=labels[label]))

    def taps_old(self, label: str) -> str:
        """A button of any earlier answer."""
        assert label in self._seen, (label, list(self._seen))
        return self._step(Chose(choice=self._seen[label]))

    def sends(self, name: str, caption: str | None = None, kind: str = "photo") -> str:
        """A photo or another attachment, with or without a caption."""
        return self._step(Sent(kind=kind, name=name), caption)

    def waits(self, hours: float) -> None:
        """Nothing is heard for so long."""
        self.now += timedelta(hours=hours)

    @property
    def choices(self) -> list[Choice]:
        """The buttons of the last answer."""
        return [choice for effect in self.effects if isinstance(effect, Say) for choice in effect.reply.choices]

    @property
    def answer(self) -> str:
        """What the merchant sees of the last effects."""
        bubbles = [bubble for effect in self.effects if isinstance(effect, Say) for bubble in effect.reply.bubbles]
        return "\n".join([*bubbles, *(choice.label for choice in self.choices)])

    @property
    def opened(self) -> list[Packet]:
        """The tickets that the last event opened."""
        return [effect.packet for effect in self.effects if isinstance(effect, OpenTicket)]

    def _step(self, event: Event, text: str | None = None) -> str:
        self.now += timedelta(minutes=1)
        stored = Conversation.from_json(json.loads(json.dumps(self.state.to_json())))
        heard = None if text is None else self.engine.understand(text, self.now, prompt.expected(self.kb, stored, event))
        decision = step(stored, event, heard, self.kb, self.now)
        self.state, self.effects = decision.conversation, decision.effects
        self.packet = self.opened[-1] if self.opened else self.packet
        self._seen |= {choice.label: choice.id for choice in self.choices}
        return self.answer
