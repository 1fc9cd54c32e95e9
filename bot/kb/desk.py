"""What the files for staff say wrongly: groups and targets (`desk.yaml`), and replies that people send under their own names (`canned.yaml`)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.domain.errors import Problem
from bot.domain.knowledge import PLACES, Urgency
from bot.wording import say

from . import images
from .build import target
from .references import References
from .validation import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .document import Path
    from .folder import Folder

DESK, CANNED = "desk.yaml", "canned.yaml"
ROUTED = frozenset({"trouble", "advice"})
"""Kinds of topics that a ticket may be about."""
PLACE = re.compile(r"\{([^}:]*)\}")
SENTENCE = re.compile("[^。！？；\n]+")
CLAUSE = re.compile("[^。！？；，：\n]+")
SECRET = re.compile("完整卡号|卡号全|全部卡号|有效期|CVV|CVN|安全码|三位数|三位码|密码|验证码|付款码|身份证", re.IGNORECASE)
"""What nobody may ask a merchant for (domain brief, B0.3)."""
ASKS = re.compile("发|告诉|报|给|说|拍|念|提供|多少|什么|啥")
"""Without one of these words a sentence asks for nothing."""
FORBIDS = re.compile("别|不要|不用|不需要|不必|不能|不可|不会|勿|盖住|遮住|打码")
"""Words by which a sentence warns of something instead."""
CHARGES_AGAIN = re.compile("(?:再|重新?)(?:刷|收|扫)(?!到)")
SETTLED = re.compile("没扣|没收到|已冲正|没成功|是失败")
"""What must be known before a customer is charged again (B0.1)."""
PROMISE = re.compile("保证|包您|肯定能?到|一定能?到|(?:今天|明天|后天|[0-9一二三四五六七八九十]+号)[^，。；]{0,6}(?:到账|到您|退回|退到)")
PERIOD = re.compile("[0-9一二两三四五六七八九十]+ ?(?:到|至|-|~) ?[0-9一二两三四五六七八九十]+ ?个?(?:工作日|天|小时)")
RESERVE = "为准"
"""Periods are told with whose word counts (B0.5)."""


def groups(folder: Folder) -> Iterator[Problem]:
    """Every topic that a ticket may be about belongs to exactly one group."""
    if folder.desk is None:
        return
    document, owner = folder.documents[DESK], dict[str, str]()
    refer = References(folder, document)
    yield from refer.to("group", folder.desk.default, ("default",))
    for id, group in folder.desk.groups.items():
        yield from refer.to_all("topic", group.topics, ("groups", id, "topics"))
        for number, topic in enumerate(group.topics):
            if topic in owner:
                yield document.problem(("groups", id, "topics", number), say("check.topic-in-two-groups", topic=topic, other=owner[topic]))
            owner[topic] = group.title
    for topic, entry in folder.topics.items():
        if entry.kind in ROUTED and topic not in owner:
            yield document.problem(("groups",), say("check.topic-in-no-group", topic=topic))


def targets(folder: Folder) -> Iterator[Problem]:
    """Reminders of targets that look like a slip of the pen. What is more urgent may well take longer to solve, but is answered no later."""
    if folder.desk is None:
        return
    document = folder.documents[DESK]
    known = {urgency: target(getattr(folder.desk.targets, urgency)) for urgency in Urgency}
    for urgency, own in known.items():
        if own.solve < own.respond:
            yield document.problem(("targets", urgency, "solve"), say("check.solved-before-answered"), fatal=False)
    for (urgency, own), (other, less) in pairwise(known.items()):
        if own.respond > less.respond or (less.round_the_clock and not own.round_the_clock):
            yield document.problem(("targets", urgency), say("check.slower-than-less-urgent", urgency=urgency, other=other), fatal=False)


def canned(folder: Folder) -> Iterator[Problem]:
    """References of canned replies, and the golden rules as far as a machine can see them."""
    for id, entry in folder.canned.items():
        document = folder.documents[CANNED]
        yield from References(folder, document).to_all("topic", entry.topics, (id, "topics"))
        path: Path = (id, "text")
        yield from (document.problem(path, text) for text in _breaches(entry.text))
        if entry.image is not None and entry.image not in folder.images and images.FOLDER + entry.image not in folder.broken:
            text = say("check.image-missing", name=entry.image, suggestion=suggestion(entry.image, folder.images))
            yield document.problem((id, "image"), text)


def _breaches(text: str) -> Iterator[str]:
    """What is wrong with the words of one reply."""
    for place in PLACE.findall(text):
        if place not in PLACES:
            yield say("check.unknown-place", place=place, places=" ".join(PLACES), suggestion=suggestion(place, PLACES))
    for sentence in SENTENCE.findall(text):
        if (secret := SECRET.search(sentence)) and ASKS.search(sentence) and not FORBIDS.search(sentence):
            yield say("check.asks-secret", word=secret[0])
    if not SETTLED.search(text) and any(CHARGES_AGAIN.search(clause) and not FORBIDS.search(clause) for clause in CLAUSE.findall(text)):
        yield say("check.canned-recharge")
    if promise := PROMISE.search(text):
        yield say("check.promise", words=promise[0])
    if (period := PERIOD.search(text)) and RESERVE not in text:
        yield say("check.promise", words=period[0])


def pictures(folder: Folder) -> Iterator[Problem]:
    """Pictures that cannot be used, or that nothing uses."""
    used = {entry.image for entry in folder.canned.values()}
    for name, content in folder.images.items():
        file = images.FOLDER + name
        if wrong := images.wrong(name, content):
            yield Problem(file=file, line=1, text=wrong)
        elif name not in used and CANNED not in folder.broken:
            yield Problem(file=file, line=1, text=say("check.image-unused"), fatal=False)


CHECKS = (groups, targets, canned, pictures)
