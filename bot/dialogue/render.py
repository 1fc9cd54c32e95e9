"""The words: sentences and buttons, all from the knowledge base."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.knowledge import Kind, TerminalType
from bot.domain.messages import Choice, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.domain.knowledge import Case, KnowledgeBase, Question, Slot, Step, Topic

MENU_SIZE = 6
TERMINAL = "terminal-type"
"""The question that tells which variant of a step fits; the order of its options is that of `TerminalType`."""
FORGET, KEEP = "forget:yes", "forget:no"
STARS = {"5": "rate-good", "3": "rate-fair", "1": "rate-bad"}
_PLACE = re.compile(r"\{(hotline|phone):([^}]*)\}")
_PHONE = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|(?:400|800)[- ]?\d{3}[- ]?\d{4}|0\d{2,3}-?\d{7,8}|9\d{4,5})(?!\d)")
REPLIES = (
    "amended", "angry", "answer-noted", "ask-again", "back-to-staff", "begun-again", "broken", "button-call", "button-done", "button-failed", "button-forget",
    "button-how", "button-human", "button-keep", "button-no", "button-no-call", "button-right", "button-send", "button-skip", "button-unknown",
    "button-unsolved", "button-wrong", "button-yes", "card-data-warning", "case", "case-made-up", "check-before-charge", "closed-by-staff", "closed-quietly",
    "code-answer", "code-unknown", "collect-intro", "collect-later", "confirm-ask", "confirm-what", "conflict", "consent-ask", "consent-no", "consent-yes",
    "contact-refused", "customer-waiting", "desperate", "document-received", "echo", "echo-wrong", "edit-too-late", "elsewhere", "emoji-only", "empty",
    "expect", "expect-closed", "expect-soon", "fact", "foreign-language", "forget-ask", "forget-confirm", "forget-kept", "forget-open", "forgotten",
    "goodbye", "greeting", "handed-back", "handed-to-group", "handoff-said", "heard-same", "help", "hotline", "human-confirm", "id-warning", "incident",
    "incident-at-once", "incident-no-end", "incident-over", "kind-refused", "likely", "location-received", "look-for", "lost", "menu-title", "money-received",
    "money-unclear", "moved", "moved-ticket", "no-detail", "no-own-refund", "no-release-yet", "no-undo-yet", "none-of-these", "not-know", "not-understood",
    "noted", "numbers", "offer", "old-button", "other-object", "out-of-scope", "parked", "parked-for-staff", "parked-next", "photo-lost", "photo-lost-note",
    "photo-received", "prevention", "privacy", "progress", "progress-none", "progress-open", "progress-solved", "progress-taken", "progress-waiting-acquirer",
    "progress-waiting-merchant", "rate-bad", "rate-fair", "rate-good", "rating-ask", "rating-thanks", "reachable-again", "reason-why", "received",
    "received-file", "recharge-allowed", "recharge-not-yet", "recharge-other-way", "relayed", "released", "reopened", "restart-done", "restart-part",
    "restart-step", "resume-ask", "safe-payment-meanwhile", "secret-warning", "silent-handoff", "solved", "staff-solved", "step-how", "step-reminder",
    "step-unable", "still-broken", "switched", "taken", "thanks", "ticket-number", "too-large", "unreachable", "video-received", "voice-received",
    "waiting-for-you", "weekday-1", "weekday-2", "weekday-3", "weekday-4", "weekday-5", "weekday-6", "weekday-7", "what-shows", "when-after-tomorrow",
    "when-date", "when-next-week", "when-today", "when-tomorrow", "when-weekday", "where", "who-are-you",
)  # fmt: skip
"""Sentences of `replies.yaml` that must be there."""


def kinds(kb: KnowledgeBase) -> dict[str, Kind]:
    """The kind of every class that the engine may name."""
    return {**{id: topic.kind for id, topic in kb.topics.items()}, Kind.OUT_OF_SCOPE.value: Kind.OUT_OF_SCOPE}


def kb_say(kb: KnowledgeBase, id: str, **values: object) -> str:
    """A sentence of `replies.yaml`; its id when nobody has written it (`posbot kb check` reports that)."""
    text = next(iter(kb.replies.get(id, ())), id)
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def reply(kb: KnowledgeBase, bubbles: Iterable[str], choices: Iterable[Choice] = ()) -> Reply:
    """Bubbles with telephone numbers in full, and the choices under them."""
    return Reply(bubbles=tuple(_with_numbers(kb, bubble) for bubble in bubbles if bubble), choices=tuple(choices))


def _with_numbers(kb: KnowledgeBase, text: str) -> str:
    """{phone:95516} and {hotline:收单机构} in full: only numbers of the whitelist, and never one of our own making."""

    def spell(place: re.Match[str]) -> str:
        if place[1] == "hotline":
            return kb_say(kb, "hotline", who=place[2])
        return place[2] if any(contact.number == place[2] for contact in kb.contacts) else ""

    return _PLACE.sub(spell, text)


def safe(kb: KnowledgeBase, said: str) -> str:
    """A merchant's words as the bot may repeat them: telephone numbers outside the whitelist keep their last four digits."""
    known = {contact.number for contact in kb.contacts}
    return _PHONE.sub(lambda found: found[0] if found[0] in known else f"***{found[0][-4:]}", said)


def button(kb: KnowledgeBase, id: str, label: str) -> Choice:
    """A button with a worded label of `replies.yaml`."""
    return Choice(id=id, label=kb_say(kb, label))


def human(kb: KnowledgeBase) -> Choice:
    """The way to a human, under every prompt."""
    return button(kb, "human", "button-human")


def topic_choices(kb: KnowledgeBase, topics: Iterable[str]) -> tuple[Choice, ...]:
    """The offered topics, 都不是, and the way to a human."""
    offered = (Choice(id=f"topic:{id}", label=kb.topics[id].title) for id in topics if id in kb.topics)
    return (*offered, button(kb, "none", "none-of-these"), human(kb))


def welcome_choices(kb: KnowledgeBase) -> tuple[Choice, ...]:
    """The commonest troubles and the way to a human, under a greeting: nothing was asked, so there is no `none`."""
    return tuple(choice for choice in topic_choices(kb, menu(kb)) if choice.id != "none")


def menu(kb: KnowledgeBase) -> tuple[str, ...]:
    """The commonest troubles."""
    troubles = [topic for topic in kb.topics.values() if topic.kind is Kind.TROUBLE]
    return tuple(topic.id for topic in sorted(troubles, key=lambda topic: -topic.weight)[:MENU_SIZE])


def menu_of_others(kb: KnowledgeBase, shown: Iterable[str], odds: Mapping[str, float]) -> tuple[str, ...]:
    """Troubles that were not shown yet: what the messages hint at first, then the commonest."""
    others = [topic for topic in kb.topics.values() if topic.kind is Kind.TROUBLE and topic.id not in shown]
    return tuple(topic.id for topic in sorted(others, key=lambda topic: (-odds.get(topic.id, 0.0), -topic.weight))[: MENU_SIZE + 2])


def question_text(question: Question) -> str:
    """The question, and where to look for the answer."""
    return f"{question.text}\n{question.look}" if question.look else question.text


def question_choices(kb: KnowledgeBase, question: Question) -> tuple[Choice, ...]:
    """One button for each answer, 不知道, and the way to a human."""
    options = (Choice(id=f"option:{question.id}={option}", label=option) for option in question.options)
    return (*options, button(kb, f"unknown:{question.id}", "button-unknown"), human(kb))


def terminal_type(kb: KnowledgeBase, option: str | None) -> TerminalType | None:
    """The terminal type that an answer to the question `TERMINAL` stands for."""
    options = list(kb.questions[TERMINAL].options) if TERMINAL in kb.questions else []
    return dict(zip(options, TerminalType, strict=False)).get(option or "")


def step_text(kb: KnowledgeBase, step: Step, terminal: TerminalType | None, *, detailed: bool) -> str:
    """What to do on this type of terminal, and what is seen when it worked; `detailed` when the merchant does not know how."""
    lines = [step.variants.get(terminal, step.text) if terminal else step.text]
    if detailed and step.detail:
        lines.append(step.detail)
    if step.look:
        lines.append(kb_say(kb, "look-for", look=step.look))
    return "\n".join(lines)


def step_choices(kb: KnowledgeBase, step: Step, *, shows: bool, ends: bool) -> tuple[Choice, ...]:
    """好了, 还是不行, 不会弄, 转人工; when the step shows something (`shows`), the answers of its question instead of 还是不行.

    Without `ends` there is no 好了: who looks after the money must say what is seen.
    """
    done = button(kb, f"step:{step.id}=solved", "button-done")
    how = button(kb, f"step:{step.id}=how", "button-how")
    if shows and (question := kb.questions.get(step.then or "")):
        answers = (Choice(id=f"option:{question.id}={option}", label=option) for option in question.options)
        return (*answers, *((done,) if ends else ()), how, human(kb))
    return (done, button(kb, f"step:{step.id}=failed", "button-failed"), how, human(kb))


def slot_text(slot: Slot) -> str:
    """How to ask for a detail, and where it is found."""
    return f"{slot.prompt}（{slot.where}）" if slot.where else slot.prompt


def slot_choices(kb: KnowledgeBase, slot: Slot) -> tuple[Choice, ...]:
    """The options of a detail if it has some, 跳过, and 直接转人工."""
    options = (Choice(id=f"slot:{slot.id}={option}", label=option) for option in slot.options)
    return (*options, button(kb, f"skip:{slot.id}", "button-skip"), button(kb, "send", "button-send"))


def forget_choices(kb: KnowledgeBase) -> tuple[Choice, ...]:
    """Delete everything, or rather not."""
    return button(kb, FORGET, "button-forget"), button(kb, KEEP, "button-keep")


def rating_choices(kb: KnowledgeBase) -> tuple[Choice, ...]:
    """One button for each rating, and the way to a human."""
    return (*(button(kb, f"rate:{stars}", label) for stars, label in STARS.items()), human(kb))


def resume_choices(kb: KnowledgeBase) -> tuple[Choice, ...]:
    """Still the same, something else, a human."""
    return (button(kb, "resume:yes", "button-yes"), button(kb, "resume:no", "button-no"), human(kb))


def confirm_choices(kb: KnowledgeBase) -> tuple[Choice, ...]:
    """What was noted is right, or something in it is not."""
    return (button(kb, "send", "button-right"), button(kb, "confirm:no", "button-wrong"))


def about(kb: KnowledgeBase, topic: Topic, code: str | None) -> list[str]:
    """What it is and what to do at once; a response code in the message (`code`) is explained first, and says enough where it belongs to the topic."""
    if topic.kind is Kind.ADVICE:
        return list(topic.answer)
    likely = kb_say(kb, "likely", topic=topic.title)
    if code is None:
        return [likely, topic.first_aid]
    meaning = kb.code(code)
    return [explained(kb, code), *([] if meaning and meaning.topic == topic.id else [likely]), topic.first_aid]


def explained(kb: KnowledgeBase, code: str) -> str:
    """What a response code means, or that nobody has written it down."""
    meaning = kb.code(code)
    return kb_say(kb, "code-answer", code=meaning.code, means=meaning.means, say=meaning.say) if meaning else kb_say(kb, "code-unknown", code=code)


def case(kb: KnowledgeBase, told: Case) -> str:
    """A story to learn from; one that is made up says so."""
    return kb_say(kb, "case" if told.from_guide else "case-made-up", title=told.title, story=told.story, lesson=told.lesson)
