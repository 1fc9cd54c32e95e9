"""Updates of the staff's group that were damaged in every way: none of them is an error of ours, and what is kept can be read."""

from __future__ import annotations

import copy
from random import Random
from typing import TYPE_CHECKING, Any

from bot.channels.telegram.api import ApiError
from bot.channels.telegram.forum import came
from bot.channels.telegram.forum.entrance import Entrance
from bot.channels.telegram.forum.groups import Groups
from bot.channels.telegram.forum.pace import Paces
from bot.server import clock, new_id
from bot.service.bell import Bell
from bot.service.passwords import Passwords
from bot.service.staff import Accounts
from bot.storage.sqlite import SQLiteStore
from tests.faults.world import LONG

from .test_fuzz import FILE, SIZES, VALUES, WHO, places

if TYPE_CHECKING:
    from pathlib import Path

    from bot import app
    from bot.channels.telegram.forum.api import GroupApi

UPDATES = 20_000 if LONG else 1000
GROUP = {"id": -1_002_000_000_001, "type": "supergroup", "title": "客服", "is_forum": True}


def _message(**more: Any) -> dict[str, Any]:
    return {"message_id": 7, "date": 1_795_000_000, "chat": GROUP, "from": WHO, "message_thread_id": 3, "is_topic_message": True, **more}


SEEDS: tuple[dict[str, Any], ...] = (
    {"message": _message(text="卡号6222021234567890128", reply_to_message=_message(text="x"))},
    {"message": _message(photo=SIZES, caption="照这样", media_group_id="13500000000000000")},
    {"message": _message(document=FILE)},
    {"message": _message(voice={**FILE, "duration": 3})},
    {"message": _message(forum_topic_closed={})},
    {"message": _message(migrate_to_chat_id=-1_002_000_000_009)},
    {"message": _message(text="x", sender_chat=GROUP)},
    {"edited_message": _message(text="改了", edit_date=1_795_000_001)},
    {"callback_query": {"id": "4382000000000000002", "from": WHO, "data": "t:abc::def", "message": _message(text="?")}},
    {"my_chat_member": {"chat": {**GROUP, "id": -77}, "from": WHO, "old_chat_member": {"status": "left"}, "new_chat_member": {"status": "member"}}},
    {"message": {"message_id": 7, "date": 1, "chat": {"id": 5, "type": "private"}, "from": WHO, "text": "/link AAAAA-AAAAA"}},
)  # fmt: skip


def damaged(chance: Random) -> dict[str, Any]:
    """An update with up to three values taken away, or put in place of others."""
    update = copy.deepcopy(chance.choice(SEEDS))
    for _ in range(chance.randint(0, 3)):
        if found := places(update):
            container, key = chance.choice(found)
            if chance.random() < 0.3:
                del container[key]
            else:
                container[key] = copy.deepcopy(chance.choice(VALUES))
    return update


async def _nobody() -> GroupApi:
    raise ApiError("nobody is called here")


async def test_damaged_updates_of_the_group(tmp_path: Path, mind: app.Mind) -> None:
    chance, store = Random(7), await SQLiteStore.open(tmp_path / "posbot.db", new_id)
    groups = Groups(chosen=(-1_002_000_000_001,), forum=store.forum, paces=Paces(lambda: 0.0), clock=clock)
    accounts = Accounts(store=store.staff, passwords=Passwords(), clock=clock)
    entrance = Entrance(groups=groups, forum=store.forum, accounts=accounts, mind=lambda: mind, api=_nobody, bell=Bell(), clock=clock)
    try:
        for number in range(UPDATES):
            await entrance.takes({"update_id": number, **damaged(chance)})
            await entrance.takes(chance.choice(VALUES))
        waiting = await store.forum.waiting(UPDATES)
        assert len(waiting) > UPDATES // 4
        for kept in waiting:
            found = came.read(kept.body)
            if isinstance(found, came.Wrote):
                assert "6222021234567890128" not in f"{found.text} {found.person.name} {found.sheet.name if found.sheet else ''}"
    finally:
        await entrance.close()
        await store.close()
