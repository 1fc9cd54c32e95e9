"""What the bot makes of one message, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.wording import say

if TYPE_CHECKING:
    from bot.dialogue.clarify import Interpretation
    from bot.domain.knowledge import KnowledgeBase
    from bot.domain.messages import Reply
    from bot.domain.understanding import Understanding

SHOWN = 5
"""Ranked topics that are shown to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A message, what was understood, what was decided and what is said."""

    kb: KnowledgeBase
    heard: Understanding
    decision: Interpretation
    reply: Reply


def as_json(answered: Answered) -> dict[str, Any]:
    """Everything, with ids."""
    heard = answered.heard
    return {
        "text": heard.text,
        "outcome": answered.decision.outcome.value,
        "topics": [{"topic": match.topic, "probability": round(match.probability, 4), "evidence": list(match.evidence)} for match in heard.topics],
        "findings": {finding.answer.question: {"option": finding.answer.option, "said": finding.said} for finding in heard.findings},
        "details": [
            {"slot": entity.slot, "value": entity.value, "said": entity.said, "precision": entity.precision, "approximate": entity.approximate}
            for entity in heard.entities
        ],
        "ambiguous": [{"digits": digits, "slots": list(slots)} for digits, slots in heard.ambiguous],
        "signals": list(heard.signals),
        "secrets": [secret.value for secret in heard.secrets],
        "reply": {"bubbles": list(answered.reply.bubbles), "choices": [{"id": choice.id, "label": choice.label} for choice in answered.reply.choices]},
    }


def as_text(answered: Answered) -> str:
    """The same in Chinese, for editors."""
    kb, heard = answered.kb, answered.heard
    lines = [say("ask.message", text=heard.text), say("ask.outcome", outcome=say(f"ask.{answered.decision.outcome}"))]
    for match in heard.topics[:SHOWN]:
        title = kb.topics[match.topic].title if match.topic in kb.topics else say("ask.out-of-scope")
        because = say("ask.because", words=say("ask.comma").join(match.evidence)) if match.evidence else ""
        lines.append(say("ask.topic", share=f"{match.probability:.0%}", title=title, id=match.topic, because=because))
    for finding in heard.findings:
        question = kb.questions[finding.answer.question].text
        lines.append(say("ask.finding", question=question, option=finding.answer.option, said=finding.said))
    for entity in heard.entities:
        label = kb.slots[entity.slot].label if entity.slot in kb.slots else entity.slot
        lines.append(say("ask.detail", label=label, value=entity.value, said=entity.said))
    lines += [say("ask.ambiguous", digits=digits) for digits, _ in heard.ambiguous]
    if heard.signals:
        lines.append(say("ask.signals", signals=say("ask.comma").join(heard.signals)))
    if heard.secrets:
        lines.append(say("ask.secrets"))
    lines.append(say("ask.reply"))
    lines += [f"  {bubble}" for bubble in answered.reply.bubbles]
    lines += [f"  [{choice.label}]" for choice in answered.reply.choices]
    return "\n".join(lines)
