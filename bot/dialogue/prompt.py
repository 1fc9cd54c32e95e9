"""The open prompt: which buttons belong to what the bot waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.events import Edited
from bot.domain.tickets import Status

from . import edit, money, render

if TYPE_CHECKING:
    from bot.domain.conversation import Conversation
    from bot.domain.events import Event
    from bot.domain.knowledge import KnowledgeBase, Question, Slot, Step
    from bot.domain.messages import Choice

TOPIC, STORY, RESUME, RATING, CONFIRM = "topic", "story", "resume", "rating", "confirm"


def question(kb: KnowledgeBase, conversation: Conversation) -> Question | None:
    """The question that waits for an answer: one that was asked, or what the open step shows."""
    kind, _, id = (conversation.expecting or "").partition(":")
    if kind == "question":
        return kb.questions.get(id)
    if kind == "step" and id in kb.steps and (then := kb.steps[id].then) and shows(kb, conversation, kb.steps[id]):
        return kb.questions.get(then)
    return None


def step(kb: KnowledgeBase, conversation: Conversation) -> Step | None:
    """The step that the merchant is doing."""
    kind, _, id = (conversation.expecting or "").partition(":")
    return kb.steps.get(id) if kind == "step" else None


def slot(kb: KnowledgeBase, conversation: Conversation) -> Slot | None:
    """The detail that was asked for."""
    kind, _, id = (conversation.expecting or "").partition(":")
    return kb.slots.get(id) if kind == "slot" else None


def expected(kb: KnowledgeBase, conversation: Conversation, event: Event | None = None) -> Slot | Question | None:
    """What an answer will be about: the detail or the question that is open; for a message that is changed, that which was open when it was sent."""
    if isinstance(event, Edited):
        conversation = edit.unsaid(conversation)
    return slot(kb, conversation) or question(kb, conversation)


def shows(kb: KnowledgeBase, conversation: Conversation, step: Step) -> bool:
    """Whether what the step shows is not known yet."""
    return step.then in kb.questions and step.then not in dict(conversation.findings)


def reminder(kb: KnowledgeBase, conversation: Conversation) -> str:
    """What the bot waits for, in a few words; empty when it waits for nothing."""
    if asked := question(kb, conversation):
        return asked.text
    if doing := step(kb, conversation):
        return render.kb_say(kb, "step-reminder", step=doing.title)
    if wanted := slot(kb, conversation):
        return wanted.prompt
    fixed = {CONFIRM: "confirm-ask", RATING: "rating-ask"}
    return render.kb_say(kb, fixed[conversation.expecting]) if conversation.expecting in fixed else ""


def _looks_for_money(kb: KnowledgeBase, conversation: Conversation, step: Step) -> bool:
    """Whether the step is to show what became of the money, in a trouble that is about it."""
    topic, shown = kb.topics.get(conversation.topic or ""), kb.questions.get(step.then or "")
    return bool(topic and shown and shown.money) and topic is not None and money.comes_first(kb, topic)


def _may_be_unsolved(conversation: Conversation) -> bool:
    """Whether it was staff who called it solved: the merchant can say otherwise."""
    return conversation.ticket is not None and conversation.ticket.status is Status.SOLVED


def is_lost(kb: KnowledgeBase, conversation: Conversation) -> bool:
    """Whether the open prompt is about something that the knowledge base does not have any more."""
    kind, _, id = (conversation.expecting or "").partition(":")
    tables = {"question": kb.questions, "step": kb.steps, "slot": kb.slots}
    return kind in tables and id not in tables[kind]


def choices(kb: KnowledgeBase, conversation: Conversation) -> tuple[Choice, ...]:
    """The buttons of the open prompt; without one, the way to a human alone."""
    if conversation.forgetting:
        return render.forget_choices(kb)
    if doing := step(kb, conversation):
        return render.step_choices(kb, doing, shows=shows(kb, conversation, doing), ends=not _looks_for_money(kb, conversation, doing))
    if asked := question(kb, conversation):
        return render.question_choices(kb, asked)
    if wanted := slot(kb, conversation):
        return render.slot_choices(kb, wanted)
    fixed = {
        TOPIC: render.topic_choices(kb, conversation.offered),
        STORY: (render.button(kb, "send", "button-send"),),
        RESUME: render.resume_choices(kb),
        RATING: (*render.rating_choices(kb), *((render.button(kb, "unsolved", "button-unsolved"),) if _may_be_unsolved(conversation) else ())),
        CONFIRM: render.confirm_choices(kb),
    }
    return fixed.get(conversation.expecting or "", (render.human(kb),))
