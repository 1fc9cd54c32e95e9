"""The bot in a terminal: one line in, one reply out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from bot.domain.messages import Reply


def talk(lines: Iterable[str], out: TextIO, answer: Callable[[str], Reply]) -> None:
    """Answer every line until the input ends or somebody says that it is enough."""
    print(say("terminal.welcome"), file=out)
    farewells = say("terminal.farewells").split()
    for line in lines:
        text = line.strip()
        if text in farewells:
            break
        if text:
            print(worded(answer(text)), file=out, flush=True)
    print(say("terminal.bye"), file=out)


def worded(reply: Reply) -> str:
    """A reply as plain text, its choices numbered."""
    choices = [f"  {number}. {choice.label}" for number, choice in enumerate(reply.choices, 1)]
    return "\n".join([*(f"🤖 {bubble}" for bubble in reply.bubbles), *choices])
