"""Methods by which the bot gets its updates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.registry import method

if TYPE_CHECKING:
    from tests.telegram.fake.call import Call
    from tests.telegram.fake.world import World

LONGEST_POLL = 50
"""Seconds."""
ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
KINDS = {
    "message", "edited_message", "channel_post", "edited_channel_post", "business_connection", "business_message", "edited_business_message",
    "deleted_business_messages", "message_reaction", "message_reaction_count", "inline_query", "chosen_inline_result", "callback_query", "shipping_query",
    "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "my_chat_member", "chat_member", "chat_join_request", "chat_boost",
    "removed_chat_boost",
}  # fmt: skip


@method("offset limit timeout allowed_updates")
async def get_updates(world: World, call: Call) -> Any:
    if world.webhook.url:
        raise RefusedError(ACTIVE, 409)
    _allow(world, call)
    return await world.updates.poll(call.whole("offset"), call.whole("limit", 100), min(max(call.whole("timeout"), 0), LONGEST_POLL))


@method("url certificate ip_address max_connections allowed_updates drop_pending_updates secret_token")
async def set_webhook(world: World, call: Call) -> bool:
    url = call.text("url").strip()
    secret = call.text("secret_token")
    if url:
        _check(url, secret)
        world.updates.end_poll("terminated by setWebhook request")
    _allow(world, call)
    await world.webhook.stop()
    if call.flag("drop_pending_updates"):
        world.updates.drop()
    if url:
        connections = call.whole("max_connections", 40)
        world.webhook.start(url, secret, connections if 0 < connections <= 100 else 40)
    return True


@method("drop_pending_updates")
async def delete_webhook(world: World, call: Call) -> bool:
    await world.webhook.stop()
    if call.flag("drop_pending_updates"):
        world.updates.drop()
    return True


@method("")
def get_webhook_info(world: World, call: Call) -> Any:
    del call
    return world.webhook.info()


def _allow(world: World, call: Call) -> None:
    """What is left out stays as it was."""
    allowed = call.json("allowed_updates")
    if isinstance(allowed, list):
        for kind in set(map(str, allowed)) - KINDS:
            world.fail("unknown kind of update", kind=kind, method=call.method)
        world.updates.allowed = [kind for kind in map(str, allowed) if kind in KINDS]


def _check(url: str, secret: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}):
        raise RefusedError("bad webhook: An HTTPS URL must be provided for webhook")
    if secret and not SECRET.fullmatch(secret):
        raise RefusedError("secret token contains unallowed characters" if len(secret) <= 256 else "secret token is too long")
