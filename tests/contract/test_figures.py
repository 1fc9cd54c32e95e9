"""What the reports say after real conversations, on each database: merchants and staff talk by the real road, then everything is counted by hand."""

from __future__ import annotations

import csv
import io
import sqlite3
import zipfile
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import asyncpg
import pytest

from bot.channels.console.exports import csv_pieces, workbook
from bot.channels.console.figures import Names, figures, sections
from bot.channels.console.span import Span
from bot.domain.messages import Address
from bot.domain.tickets import Act
from bot.service.ports import Outcome, Retention, Trial, Trouble
from bot.service.reports import By, Day, Period, Rating, bounds

from .talk import HOUR, MINUTE, SHANGHAI, TEN, Town
from .test_store import GONE, arrival

if TYPE_CHECKING:
    from bot import app
    from bot.service.ports import Store, Work

DAY = 24 * HOUR
TODAY = date(2025, 11, 25)
MIDNIGHT, _, THE_DAY_AFTER = bounds(TODAY, date(2025, 11, 26), SHANGHAI)
SPAN = Span(first=TODAY, last=date(2025, 11, 26), zone=SHANGHAI)


@pytest.fixture
def town(store: Store, mind: app.Mind) -> Town:
    return Town(store, mind)


async def days(town: Town) -> list[Day]:
    return [*await town.store.reports.days(SPAN.bounds(), town.now)]


async def first_day(town: Town) -> tuple[int, int, int, int]:
    """(troubles, solved by the bot, handed over, given up) of the first day."""
    day = (await days(town))[0]
    return day.troubles, day.by_bot, day.handed, day.given_up


def period(town: Town) -> Period:
    return Period(since=MIDNIGHT, until=THE_DAY_AFTER, now=town.now)


async def fates(town: Town) -> dict[str, str]:
    """By step what became of it: how often it was shown, then what is not nothing."""
    names = ("solved", "failed", "answered", "unable", "left", "handed")
    found = await town.store.reports.fates(period(town))
    return {fate.step: " ".join([str(fate.shown), *(f"{name} {n}" for name in names if (n := getattr(fate, name)))]) for fate in found}


async def topics(town: Town) -> dict[str, tuple[int, int]]:
    """By topic: troubles, and how many of them were handed over."""
    return {topic.topic: (topic.troubles, topic.handed) for topic in await town.store.reports.handovers(period(town))}


async def test_a_day_at_the_shops(town: Town) -> None:
    await town.does("anna", "打印出来是白纸", "[还是不行]", "[提示缺纸]", "好了", "[帮上忙了]")  # solved by the bot
    await town.does("ben", "打印出来是白纸", "转人工", "[直接转人工]")  # solved by staff, after 6 and 65 minutes
    await town.waits(4 / 60)
    await town.acts("ben", Act.TAKE)
    await town.acts("ben", Act.REPLY, "马上寄新的打印头")
    await town.waits(58 / 60)
    await town.acts("ben", Act.SOLVE, facts=(("cause", "broken"), ("bot_right", "yes")))
    await town.does("ben", "[没帮上]")
    await town.does("carl", "打印出来是白纸")  # leaves
    await town.does("dora", "打印出来是白纸", "客人说扣了两次钱", "转人工", "[直接转人工]")  # something graver in the middle; staff do not answer
    await town.does("emil", "机器有点问题", "[都不是]", "[都不是]")  # never understood
    await town.does("fay", "平时怎么预防缴费异常", "你好", "高铁票怎么退")  # no trouble at all
    await town.waits(23)
    await town.does("gil", "刷卡失败，报05", "扣了")  # still at it, with another topic than at first

    reports = town.store.reports
    now = MIDNIGHT + 36 * HOUR
    town.now = now + HOUR  # a day later for all but Gil
    assert await days(town) == [
        Day(start=MIDNIGHT, troubles=6, by_bot=1, handed=3, given_up=2, tickets=3, by_staff=1),
        Day(start=MIDNIGHT + DAY, troubles=1, by_bot=0, handed=0, given_up=0, tickets=0, by_staff=0),
    ]
    assert await topics(town) == {"printer": (4, 1), "double-charge": (1, 1), "": (1, 1), "debited-unknown": (1, 0)}
    assert await fates(town) == {
        "reload-paper": "4 failed 1 left 2 handed 1",
        "clean-printer": "1 solved 1",
        "compare-slips": "1 handed 1",
        "query-record": "1",
    }
    assert await reports.ratings(period(town)) == [
        Rating(topic="printer", by_staff=False, ratings=1, stars=5, good=1, fair=0, bad=0),
        Rating(topic="printer", by_staff=True, ratings=1, stars=1, good=0, fair=0, bad=1),
    ]
    (whole,) = await reports.speed(period(town), By.ALL)
    assert (whole.tickets, whole.answered, whole.answered_late, whole.solved, whole.solved_late) == (3, 1, 2, 1, 0)
    assert (whole.answer_median, whole.answer_p90) == (6 * MINUTE, 6 * MINUTE)
    assert (whole.solution_median, whole.solution_p90) == (65 * MINUTE, 65 * MINUTE)
    (guess,) = await reports.guesses(period(town))
    assert (guess.topic, guess.cause, guess.tickets) == ("printer", "broken", 1)


async def test_files_hold_what_the_page_shows(town: Town) -> None:
    await town.does("anna", "打印出来是白纸", "好了", "[帮上忙了]")
    await town.does("ben", "打印出来是白纸", "转人工", "[直接转人工]")
    tables = {section.key: section for section in sections(await figures(town.store.reports, SPAN, town.now), Names(town.mind.kb), SPAN)}
    assert tables["handovers"].texts() == [["打印机", "2", "1", "50%"]]
    assert tables["steps"].texts() == [["打印机", "重新装纸", "2", "1", "0", "0", "0", "0", "1", "50%"]]
    rows = list(csv.reader(io.StringIO(b"".join([piece async for piece in csv_pieces(tables["days"].table())]).decode("utf-8-sig"))))
    assert rows[1][:5] == ["2025-11-25", "2", "1", "1", "0"]
    async with workbook(section.table() for section in tables.values()) as path:
        book = zipfile.ZipFile(path)
        sheets = "".join(book.read(name).decode() for name in book.namelist())
        assert "重新装纸" in sheets


@pytest.mark.parametrize(
    ("said", "told", "about"),
    [
        (["打印出来是白纸"], (1, 0, 0, 0), {"printer": (1, 0)}),
        (["打印出来是白纸", "重新开始"], (1, 0, 0, 1), {"printer": (1, 0)}),
        (["打印出来是白纸", "好了", "打印出来是白纸", "好了"], (2, 2, 0, 0), {"printer": (2, 0)}),
        (["打印出来是白纸", "edit: 退款怎么退"], (1, 0, 0, 0), {"refund-void": (1, 0)}),
        (["打印出来是白纸", "还有 退款怎么退", "好了", "[帮上忙了]"], (2, 1, 0, 0), {"printer": (1, 0), "refund-void": (1, 0)}),
        (["刷卡失败，报05", "扣了"], (1, 0, 0, 0), {"debited-unknown": (1, 0)}),
        (["机器有点问题"], (1, 0, 0, 0), {"": (1, 0)}),
        (["机器有点问题", "打印机卡纸了", "好了"], (1, 1, 0, 0), {"printer": (1, 0)}),
        (["机器有点问题", "平时怎么预防缴费异常"], (1, 1, 0, 0), {"prevention": (1, 0)}),
        (["机器有点问题", "怎么帮我套现"], (1, 0, 0, 1), {"": (1, 0)}),
        (["转人工", "打印机坏了"], (1, 0, 0, 0), {"printer": (1, 0)}),
        (["机器冒烟了"], (1, 0, 1, 0), {"device": (1, 1)}),
        (["打印出来是白纸", "好了", "机器冒烟了"], (2, 1, 1, 0), {"printer": (1, 0), "device": (1, 1)}),
        (["打印出来是白纸", "转人工", "客人说扣了两次钱", "[直接转人工]"], (1, 0, 1, 0), {"double-charge": (1, 1)}),
        (["机器冒烟了", "还在冒烟", "好了没"], (1, 0, 1, 0), {"device": (1, 1)}),
        (["你好", "平时怎么预防缴费异常"], (0, 0, 0, 0), {}),
    ],
)  # fmt: skip
async def test_what_one_merchant_counts_for(town: Town, said: list[str], told: tuple[int, ...], about: dict[str, tuple[int, int]]) -> None:
    await town.does("anna", *said)
    assert await first_day(town) == told
    assert await topics(town) == about


async def test_silence_gives_up_until_the_merchant_is_back(town: Town) -> None:
    await town.does("anna", "打印出来是白纸")
    await town.waits(24)
    assert await first_day(town) == (1, 0, 0, 0)
    await town.waits(0.1)
    assert await first_day(town) == (1, 0, 0, 1)
    assert await fates(town) == {"reload-paper": "1 left 1"}
    await town.does("anna", "[好了]")
    assert await first_day(town) == (1, 1, 0, 0)
    assert await fates(town) == {"reload-paper": "1 solved 1"}


async def test_something_else_after_hours_is_another_trouble(town: Town) -> None:
    await town.does("anna", "打印出来是白纸")
    await town.waits(5)
    await town.does("anna", "在吗", "[不是，换一件]", "签到失败")
    assert await first_day(town) == (2, 0, 0, 1)
    assert (await topics(town))["printer"] == (1, 0)


async def test_after_a_week_the_same_is_another_trouble(town: Town) -> None:
    await town.does("anna", "打印出来是白纸")
    await town.waits(8 * 24)
    await town.does("anna", "打印出来是白纸")
    assert await first_day(town) == (1, 0, 0, 1)


async def test_silence_while_details_are_collected_hands_over(town: Town) -> None:
    await town.does("anna", "转人工")
    await town.waits(0.5)
    assert await first_day(town) == (1, 0, 1, 0)


async def test_what_staff_do_begins_no_trouble(town: Town) -> None:
    """Handed back to the bot, opened again, solved: it stays one trouble that was handed over, and the steps of then are its steps."""
    await town.does("anna", "打印出来是白纸", "[还是不行]", "转人工", "[直接转人工]")
    await town.acts("anna", Act.TAKE)
    await town.acts("anna", Act.HAND_BACK, to="printer/clean-printer")
    assert await fates(town) == {"reload-paper": "1 failed 1", "clean-printer": "1 handed 1"}
    await town.does("anna", "好了", "[没解决]")
    await town.acts("anna", Act.SOLVE)
    await town.waits(24 * 8)
    assert await first_day(town) == (1, 0, 1, 0)
    assert await fates(town) == {"reload-paper": "1 failed 1", "clean-printer": "1 solved 1"}


async def test_a_backlog_counts_like_one_by_one(town: Town) -> None:
    """Many events of some conversations in one step: troubles that begin and end within it, too."""
    said = ("打印出来是白纸", "还是不行", "提示缺纸", "好了", "刷卡失败，报05", "没扣", "好了", "打印出来是白纸", "还是不行", "重新开始", "机器有点问题")
    for merchant in ("anna", "ben"):
        await town.does(merchant, *said, settle=False)
    await town.settles()
    await town.does("carl", *said)
    assert await first_day(town) == (12, 6, 0, 3)
    assert await topics(town) == {"": (3, 0), "declined": (3, 0), "printer": (6, 0)}
    assert await fates(town) == {"reload-paper": "6 failed 6", "clean-printer": "3 solved 3", "offer-scan": "3 solved 3"}


async def test_what_is_forgotten_is_not_counted(town: Town) -> None:
    await town.does("anna", "打印出来是白纸", "好了")
    await town.does("ben", "打印出来是白纸", "好了")
    await town.store.forget(Address(channel="web", chat="anna"), GONE)
    assert await first_day(town) == (1, 1, 0, 0)
    later = town.now + DAY
    await town.store.purge(Retention(messages=later, photos=later, conversations=later))
    assert await first_day(town) == (0, 0, 0, 0)
    assert await fates(town) == {}


def begins(work: Work) -> Outcome:
    """A step that begins a trouble with each event and leaves it open, which the dialogue never does."""
    ids = [event.id for event in work.events]
    troubles = tuple(Trouble(event=id, topic=f"t{id - ids[0]}", began=TEN) for id in ids)
    trials = tuple(Trial(event=id, topic="printer", step="reload-paper", result=result) for id, result in zip(ids, ("failed", ""), strict=False))
    return Outcome(state="{}", knowledge="k", done=tuple(ids), troubles=troubles, trials=trials)


async def test_there_is_one_open_trouble_whatever_comes(store: Store, town: Town) -> None:
    """A state that could not be read begins anew, and its trouble is still open: that is no reason for a merchant to get no answer."""
    for number in range(2):
        await store.accept(arrival(ext_id=str(number)))
    await store.step(begins, TEN)
    assert await topics(town) == {"t0": (1, 0)}
    assert await fates(town) == {"reload-paper": "1 failed 1"}


async def test_a_step_that_fails_counts_nothing_and_its_repetition_once(store: Store, town: Town) -> None:
    await store.accept(arrival())

    def breaks(work: Work) -> Outcome:
        return replace(begins(work), trials=(Trial(event=work.events[0].id, topic="printer", step="reload-paper", result="unheard of"),))

    with pytest.raises((sqlite3.IntegrityError, asyncpg.CheckViolationError)):
        await store.step(breaks, TEN)
    assert await topics(town) == {}
    await store.step(begins, TEN)
    assert await topics(town) == {"t0": (1, 0)}
