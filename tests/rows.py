"""Rows for tests that need some."""

from __future__ import annotations

import secrets

from bot.service.ports import Kept

NOW = 1_760_000_000_000_000
MINUTE = 60_000_000


def ticket(event: int) -> Kept:
    """One that this event opened."""
    return Kept(
        event=event, public_id=secrets.token_hex(16), number=f"1124-{event:05}", status="open", urgency="U1", reason="wish", topic=None, team="service",
        owner=None, code="", acquirer="", packet="{}", state="{}", opened=NOW, changed=NOW, waiting=NOW, due=NOW + MINUTE, answered=None, solved=None,
        respond_by=NOW + MINUTE, late=False, overran=False, cause="", bot_right="", terminal="", bot_topic="", bot_cause="", previous=None,
    )  # fmt: skip
