"""The picture of the desk: what an operator has decided stays in it, what changes is looked at anew."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot import hours, server
from bot.domain.desk import Desk
from bot.domain.staff import Role
from bot.service.board import Board
from bot.settings import Settings
from tests.console import NOW, staged
from tests.contract.desk_rows import Rows
from tests.contract.places import File

if TYPE_CHECKING:
    from pathlib import Path

    from bot import app

YEAR = 365 * 24 * 3600 * 1_000_000


async def test_what_an_operator_decides_stays_in_the_picture(tmp_path: Path, mind: app.Mind) -> None:
    async with staged(tmp_path, mind=mind) as stage:
        rows = Rows(File(path=tmp_path / "posbot.db"))
        await rows.conversation(1)
        await rows.ticket(1, team="tech")
        await stage.member("anna", Role.STAFF)
        await stage.accounts.set_duty("anna", on_duty=True)
        await stage.member("ben", Role.STAFF)
        await stage.accounts.set_duty("ben", on_duty=True)
        await rows.conversation(2)
        await rows.ticket(2, owner="anna", status="taken")
        decided = Desk(pace=timedelta(minutes=3), assigns=True, release=timedelta(minutes=4), reopen=timedelta(days=5))
        board = Board(desk=stage.store.desk, staff=stage.store.staff, mind=lambda: mind, rules=decided, clock=stage.clock, new_id=lambda: "i1")
        await board.look()
        seen = board.now()
        assert (seen.pace, seen.assigns, seen.release, seen.reopen) == (decided.pace, True, decided.release, decided.reopen)
        assert seen.waiting == {"tech": 1}
        assert [actor.login for actor in seen.on_duty["tech"]] == ["ben", "anna"]
        assert seen.alike["tech"] == 1


@pytest.mark.parametrize(("later", "set_to", "warns"), [(0, "cn", False), (20, "cn", True), (20, "none", False)])
async def test_holidays_that_nobody_has_announced_are_told_in_the_log(
    later: int, set_to: hours.Holidays, warns: bool, tmp_path: Path, mind: app.Mind, caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(tmp_path, mind=mind) as stage:
        with caplog.at_level(logging.WARNING):
            server._board(Settings(holidays=set_to), stage.store, lambda: mind, lambda: NOW + later * YEAR)
        assert [record.event for record in caplog.records if hasattr(record, "event")] == ["holidays_unknown"] * warns
