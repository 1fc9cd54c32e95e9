"""Incidents at the console over a real socket: announced, dismissed, ended, and who hears of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiosqlite
import pytest

from bot.domain.staff import Role
from bot.service.desk import Cluster
from tests.console import MINUTE, NOW, staged
from tests.contract.desk_rows import Rows
from tests.contract.places import File

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.console import Browser, Stage

PAGE, LATER = "/console/incidents", "2025-10-09T18:30"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Three tickets of a kind in two conversations, and a proposal."""
    async with staged(tmp_path) as running:
        rows = Rows(File(path=tmp_path / "posbot.db"))
        await rows.conversations([{"id": id} for id in (1, 2)])
        await rows.tickets([
            {"id": 1, "status": "closed"},
            {"id": 2, "opened": NOW - MINUTE},
            {"id": 3, "conversation": 1},
        ])  # fmt: skip
        await running.store.desk.propose(Cluster(topic="printer", code="", acquirer="", tickets=3), "i1", NOW)
        yield running


@pytest.fixture
async def lead(stage: Stage) -> Browser:
    return await stage.inside(await stage.member("lead", Role.LEAD))


async def told(tmp_path: Path) -> list[str]:
    async with aiosqlite.connect(tmp_path / "posbot.db") as connection:
        return [body async for (body,) in await connection.execute("SELECT body FROM inbox WHERE kind = 'acted' ORDER BY conversation")]


async def test_announced_and_ended(stage: Stage, lead: Browser, tmp_path: Path) -> None:
    assert "打印机不出纸" in await lead.page(PAGE)
    response = await lead.post(f"{PAGE}/i1/announce", text=" 线路\n故障 ", until=LATER)
    assert (response.status, response.headers["Location"]) == (303, f"{PAGE}?done=announced")
    (incident,) = await stage.store.desk.incidents(current=True)
    assert (incident.text, incident.until, incident.author, incident.tickets) == ("线路 故障", "2025-10-09T18:30:00", "lead", 2)
    assert "线路 故障" in await lead.page(PAGE)
    response = await lead.post(f"{PAGE}/i1/end", text="已经恢复")
    assert response.headers["Location"] == f"{PAGE}?done=over"
    bodies = await told(tmp_path)
    assert ["1009-00003" in bodies[0], "1009-00002" in bodies[1]] == [True, True]
    assert all("broadcast" in body and "已经恢复" in body for body in bodies)
    assert [entry[1] for entry in await stage.audited()][:2] == ["incident-over", "incident-announced"]
    assert (await lead.post(f"{PAGE}/i1/end", text="已经恢复")).status == 409
    assert len(await told(tmp_path)) == 2


@pytest.mark.parametrize(
    ("text", "until", "problem"),
    [
        ("", LATER, "最多 200"),
        ("长" * 201, LATER, "最多 200"),
        ("故障", "", "预计恢复时间要填"),
        ("故障", "soon", "预计恢复时间要填"),
        ("故障", "2025-10-09T16:00", "预计恢复时间要填"),
    ],
)
async def test_what_cannot_be_announced(stage: Stage, lead: Browser, text: str, until: str, problem: str) -> None:
    response = await lead.post(f"{PAGE}/i1/announce", text=text, until=until)
    assert response.status == 422
    page = await response.text()
    assert problem in page
    assert text in page
    assert (await stage.store.desk.incidents(current=True))[0].status == "proposed"


async def test_dismissed(stage: Stage, lead: Browser, tmp_path: Path) -> None:
    assert (await lead.post(f"{PAGE}/i1/end", text="恢复")).status == 409
    assert (await lead.post(f"{PAGE}/i1/dismiss")).headers["Location"] == f"{PAGE}?done=dismissed"
    assert await stage.store.desk.incidents(current=True) == []
    assert await told(tmp_path) == []
    assert (await lead.post(f"{PAGE}/i1/announce", text="故障", until=LATER)).status == 409
    assert "不是事件" in await lead.page(PAGE)


async def test_two_leads_end_it_once(stage: Stage, lead: Browser, tmp_path: Path) -> None:
    await lead.post(f"{PAGE}/i1/announce", text="故障", until=LATER)
    assert (await lead.post(f"{PAGE}/i1/dismiss")).status == 409
    ended = await asyncio.gather(*(lead.post(f"{PAGE}/i1/end", text="恢复") for _ in range(4)))
    assert sorted(response.status for response in ended) == [303, 409, 409, 409]
    assert len(await told(tmp_path)) == 2


async def test_who_may(stage: Stage, lead: Browser) -> None:
    assert (await lead.post(f"{PAGE}/i9/announce", text="故障", until=LATER)).status == 404
    for role in (Role.STAFF, Role.EDITOR):
        browser = await stage.inside(await stage.member(role.value, role))
        assert (await browser.get(PAGE)).status == 403
        for act in ("announce", "dismiss", "end"):
            assert (await browser.post(f"{PAGE}/i1/{act}", text="故障", until=LATER)).status == 403
