"""Whether staff can work in their group, and what is to be done until they can."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.channels.telegram.api import Forbidden, Impossible, Migrated
from bot.wording import say

from .api import CAN_DELETE, CAN_PIN, CAN_TOPICS
from .entrance import SEEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.staff import Member
    from bot.service.ports import Store

    from .api import Group, GroupApi

RIGHTS = (CAN_TOPICS, CAN_PIN, CAN_DELETE)
COMMANDS = ("kb", "case", "hand", "note", "remind", "del", "duty", "help")
"""What the group's menu offers."""


async def looked_at(api: GroupApi, username: str, store: Store, chat: int | None) -> tuple[bool, Sequence[str]]:
    """(whether the group can be used, what is told). Raises ApiError, StoreUnavailable."""
    if chat is None:
        return False, [say("desk.not-set", username=username), *await _seen(store)]
    try:
        group = await api.group(chat)
    except Migrated as error:
        return False, [say("desk.moved", chat=error.chat)]
    except (Forbidden, Impossible) as error:
        return False, [say("desk.unreadable", chat=chat, reason=error)]
    told = [say("desk.group", title=group.title, chat=group.id), *_judged(group), _linked(await store.staff.members())]
    good = group.is_forum and group.can is not None and set(RIGHTS) <= group.can
    if not good:
        return False, told
    await api.offer(chat, {name: say(f"desk.command-{name}") for name in COMMANDS})
    return True, [*told, say("desk.ready")]


async def _seen(store: Store) -> list[str]:
    """Groups that the bot was put into while the service ran."""
    facts = await store.forum.facts(SEEN)
    told = [say("desk.seen", title=json.loads(value).get("title", ""), chat=name.removeprefix(SEEN)) for name, value in facts]
    return told or [say("desk.seen-none")]


def _judged(group: Group) -> Iterator[str]:
    yield say("desk.good-forum" if group.is_forum else "desk.no-forum")
    if group.can is None:
        yield say("desk.no-admin")
        return
    for right in RIGHTS:
        yield say(f"desk.{'good' if right in group.can else 'no'}-{right}")


def _linked(members: Sequence[Member]) -> str:
    names = [member.name for member in members if member.telegram is not None and not member.disabled]
    return say("desk.linked", names=", ".join(names)) if names else say("desk.linked-none")
