"""Composition root: builds the parts from settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.channels import terminal
from bot.dialogue import handoff, prompt, render
from bot.dialogue.clarify import decide
from bot.dialogue.render import kinds
from bot.dialogue.step import step
from bot.domain.conversation import Conversation
from bot.domain.effects import Say
from bot.domain.events import Chose, Said, Sent
from bot.editing import check
from bot.editing.ask import Answered
from bot.kb import json_schema, loader
from bot.understanding import cache
from bot.understanding.clean import clean
from bot.understanding.engine import Engine
from bot.understanding.learn import learn
from bot.understanding.reader import Reader
from bot.understanding.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TextIO

    from bot.domain.effects import Effect
    from bot.domain.errors import Problem
    from bot.domain.events import Event
    from bot.domain.knowledge import KnowledgeBase, Question, Slot
    from bot.domain.messages import Reply
    from bot.domain.understanding import Secret, Understanding


@dataclass(frozen=True, slots=True, kw_only=True)
class Mind:
    """A knowledge base and the engine that understands with it."""

    kb: KnowledgeBase
    engine: Engine

    def answer(self, text: str, now: datetime) -> Answered:
        """What one message means and what the bot says first. `now` is the merchant's wall-clock time."""
        heard = self.engine.understand(text, now, explain=True)
        replies = [effect.reply for effect in step(Conversation(), Said(), heard, self.kb, now).effects if isinstance(effect, Say)]
        return Answered(kb=self.kb, heard=heard, decision=decide(heard.topics, heard.signals, kinds(self.kb)), reply=replies[0])

    def welcome(self) -> Reply:
        """What stands on a page before anything was said: a greeting and the commonest troubles."""
        return render.reply(self.kb, [render.kb_say(self.kb, "greeting")], render.welcome_choices(self.kb))

    def redact(self, text: str) -> tuple[str, tuple[Secret, ...]]:
        """The text as it may be kept, and the kinds of secrets that were in it."""
        redacted = redact(clean(text))
        return redacted.text, redacted.secrets

    def understand(self, text: str, now: datetime, expecting: Slot | Question | None) -> Understanding:
        """What a message says; `now` is the merchant's wall clock."""
        return self.engine.understand(text, now, expecting)


def wake(knowledge: Path, cache_folder: Path | None) -> Mind:
    """Load the knowledge and learn from it, or remember what was learnt from the same files before. Raises KnowledgeError."""
    kb = loader.load(knowledge)
    reader = Reader(kb)
    path = cache_folder / f"{kb.version}.npz" if cache_folder else None
    model = cache.load(path) if path else None
    if model is None:
        model = learn(kb, reader).model
        if path:
            cache.save(model, path)
    return Mind(kb=kb, engine=Engine(kb, reader, model))


class Talk:
    """One conversation in memory."""

    def __init__(self, mind: Mind) -> None:
        self._mind, self._conversation = mind, Conversation()

    def said(self, text: str, now: datetime) -> tuple[Effect, ...]:
        """The merchant wrote something: what must happen."""
        expecting = prompt.expected(self._mind.kb, self._conversation)
        return self._step(Said(), self._mind.engine.understand(text, now, expecting), now)

    def chose(self, choice: str, now: datetime) -> tuple[Effect, ...]:
        """The merchant tapped a button: what must happen."""
        return self._step(Chose(choice=choice), None, now)

    def sent(self, photo: str, now: datetime) -> tuple[Effect, ...]:
        """The merchant sent a photo: what must happen."""
        return self._step(Sent(kind="photo", name=redact(clean(photo)).text), None, now)

    def state(self) -> dict[str, Any]:
        """Where the conversation stands."""
        state = self._conversation
        return {
            "phase": state.phase,
            "topic": state.topic,
            "causes": [list(pair) for pair in handoff.likeliest(self._mind.kb, state)],
            "findings": dict(state.findings),
            "slots": dict(state.slots),
            "asked": len(state.asked),
            "steps": len(state.steps),
        }

    def _step(self, event: Event, heard: Understanding | None, now: datetime) -> tuple[Effect, ...]:
        decision = step(self._conversation, event, heard, self._mind.kb, now)
        self._conversation = decision.conversation
        return decision.effects


def chat(mind: Mind, lines: TextIO, out: TextIO, *, programs: bool) -> None:
    """Talk in the terminal until the input ends: with people, or with programs in JSON lines."""
    if programs:
        terminal.talk_json(lines, out, Talk(mind), datetime.now())  # noqa: DTZ005  (the merchant's wall clock)
    else:
        terminal.talk(lines, out, Talk(mind), datetime.now)


def inspect(knowledge: Path, cases: Path | None) -> list[Problem]:
    """Every problem of a knowledge folder; what needs the engine is only looked for when nothing is broken."""
    kb, problems = loader.inspect(knowledge)
    if kb is None:
        return problems
    return sorted([*problems, *check.problems(kb, learn(kb, Reader(kb)), knowledge, cases)])


def json_schemas() -> Mapping[str, dict[str, Any]]:
    """Pattern of knowledge files → JSON Schema."""
    return json_schema.schemas()
