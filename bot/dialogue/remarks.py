"""What is said before anything else: warnings, what to do at once, a plain word to whoever wants to charge again, answers in passing, kindness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.knowledge import Retry
from bot.domain.understanding import Secret

from . import money, render

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation
    from bot.domain.understanding import Understanding

    from .listen import Heard
    from .turn import Turn


def warnings(turn: Turn, heard: Understanding) -> list[str]:
    """A word about card data, one about secrets, one about an identity card, each once a message."""
    ids = {Secret.PAN: "card-data-warning", Secret.EXPIRY: "card-data-warning", Secret.ID: "id-warning"}
    return list(dict.fromkeys(turn.words(ids.get(secret, "secret-warning")) for secret in heard.secrets))


def aid(before: Conversation, turn: Turn, heard: Understanding) -> list[str]:
    """What to do at once about answers that were not known before, such as a code that was given to a stranger."""
    new = [finding.answer for finding in heard.findings if (finding.answer.question, finding.answer.option) not in before.findings]
    return [text for answer in new if (text := turn.kb.questions[answer.question].aid.get(answer.option))]


def about_charging(state: Conversation, turn: Turn, shown: Heard) -> list[str]:
    """The answer to whoever wants to charge again, to undo or settle, to hand the goods over, or to pay the customer back himself."""
    is_open = money.is_open(turn.kb, state)
    if shown.signals("wants-recharge") or (is_open and shown.signals("try-again")):
        return [turn.words(_charging_word(state, turn))]
    if is_open and shown.signals("wants-undo"):
        return [turn.words("no-undo-yet")]
    if is_open and shown.signals("wants-release"):
        return [turn.words("no-release-yet")]
    return [turn.words("no-own-refund")] if shown.signals("own-refund") else []


def _charging_word(state: Conversation, turn: Turn) -> str:
    """Not before the money is known; and not with the same card where the code says that it is of no use."""
    if not money.may_charge(turn.kb, state):
        return "recharge-not-yet"
    code = turn.kb.code(dict(state.slots).get("resp_code", ""))
    return "recharge-other-way" if code and code.retry in {Retry.NO, Retry.OTHER_CARD, Retry.OTHER_WAY} else "recharge-allowed"


def asides(turn: Turn, heard: Understanding) -> list[str]:
    """Answers to what is asked in passing: every cue that has a reply of its own name, such as `ask-how-long`."""
    return [turn.words(signal) for signal in heard.signals if signal in turn.kb.cues and signal in turn.kb.replies][:1]


def code(turn: Turn) -> list[str]:
    """What the response code in the message means; nothing where there is none."""
    return [render.explained(turn.kb, turn.code)] if turn.code else []


def kindness(before: Conversation, turn: Turn, shown: Heard) -> list[str]:
    """A kind word to somebody who is angry, or whose customer waits, once."""
    if shown.signals("angry") and not before.angry:
        return [turn.words("angry")]
    return [turn.words("customer-waiting")] if shown.signals("customer-waiting") and not before.waiting else []
