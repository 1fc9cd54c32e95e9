"""The bot in a terminal: for people, one line in and one reply out; for programs, JSON lines."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from bot.domain.clock import wall_clock
from bot.domain.effects import Advise, Answer, Forget, Log, Note, OpenTicket, Rate, Say, TellStaff
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from typing import TextIO

    from bot.domain.effects import Effect
    from bot.domain.messages import Reply

FIELDS = {"text", "choice", "photo", "at"}


class Talk(Protocol):
    """A conversation that can be held."""

    def said(self, text: str, now: datetime) -> tuple[Effect, ...]:
        """The merchant wrote something."""

    def chose(self, choice: str, now: datetime) -> tuple[Effect, ...]:
        """The merchant tapped a button."""

    def sent(self, photo: str, now: datetime) -> tuple[Effect, ...]:
        """The merchant sent a photo."""

    def state(self) -> dict[str, Any]:
        """Where the conversation stands, as JSON values."""


def talk(lines: Iterable[str], out: TextIO, conversation: Talk, clock: Callable[[], datetime]) -> None:
    """Answer every line until the input ends or somebody says that it is enough."""
    print(say("terminal.welcome"), file=out)
    farewells = say("terminal.farewells").split()
    for line in lines:
        text = line.strip()
        if text in farewells:
            break
        if text:
            for effect in conversation.said(text, clock()):
                if shown := worded(effect):
                    print(shown, file=out, flush=True)
    print(say("terminal.bye"), file=out)


def worded(effect: Effect) -> str:
    """An effect as people in a terminal see it; empty for what they do not."""
    match effect:
        case Say(reply=reply):
            return _reply(reply)
        case OpenTicket(packet=packet):
            return say("terminal.ticket", number=packet.number, urgency=packet.urgency)
        case _:
            return ""


def _reply(reply: Reply) -> str:
    """Bubbles, and the choices numbered."""
    choices = [f"  {number}. {choice.label}" for number, choice in enumerate(reply.choices, 1)]
    return "\n".join([*(f"🤖 {bubble}" for bubble in reply.bubbles), *choices])


def talk_json(lines: Iterable[str], out: TextIO, conversation: Talk, start: datetime) -> None:
    """One JSON object per line in; for each: what is said, tickets, the state, and an end mark. Time moves only when a line says so."""
    now = start
    for line in lines:
        if not line.strip():
            continue
        try:
            entry = _entry(line)
            now = wall_clock(entry["at"]) if "at" in entry else now
            found = [*_shown(_event(conversation, entry, now)), {"state": conversation.state()}]
        except ValueError as error:
            found = [{"error": str(error)}]
        for item in (*found, {"end": True}):
            print(json.dumps(item, ensure_ascii=False), file=out, flush=True)


def _entry(line: str) -> dict[str, str]:
    """The object of a line. Raises ValueError with a sentence when it is not one that is understood."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError(say("terminal.not-json")) from None
    events = FIELDS - {"at"}
    if (
        not isinstance(entry, dict)
        or not entry.keys() <= FIELDS
        or len(entry.keys() & events) != 1
        or not all(isinstance(value, str) for value in entry.values())
    ):
        raise ValueError(say("terminal.not-an-event"))
    if "at" in entry:
        try:
            wall_clock(entry["at"])
        except ValueError:
            raise ValueError(say("terminal.not-a-time", value=entry["at"])) from None
    return entry


def _event(conversation: Talk, entry: dict[str, str], now: datetime) -> tuple[Effect, ...]:
    if "text" in entry:
        return conversation.said(entry["text"], now)
    if "choice" in entry:
        return conversation.chose(entry["choice"], now)
    return conversation.sent(entry["photo"], now)


def _shown(effects: Iterable[Effect]) -> Iterator[dict[str, Any]]:
    """Effects as JSON: one object per bubble, the choices with the last one."""
    for effect in effects:
        match effect:
            case Say(reply=reply):
                for number, bubble in enumerate(reply.bubbles, 1):
                    choices = [asdict(choice) for choice in reply.choices] if number == len(reply.bubbles) else []
                    yield {"say": bubble, "choices": choices}
            case OpenTicket(packet=packet):
                yield {"ticket": {**asdict(packet), "facts": dict(packet.facts), "findings": dict(packet.findings), "steps": dict(packet.steps)}}
            case TellStaff():
                yield {"staff": {**asdict(effect), "facts": dict(effect.facts)}}
            case Rate():
                yield {"rating": asdict(effect)}
            case Answer() | Note() | Log() | Advise() | Forget():
                pass  # nobody works at a desk here, and nothing is counted or kept
