"""Logs hold what happened and nothing that must not be kept."""

from __future__ import annotations

import io
import json
import logging
import warnings
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import pytest

from bot.ops import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

CARD = "6222021234567890123"
TOKEN = "123456789:AAFabcdefghijklmnopqrstuvwxyz12345"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("bot")
    before = (root.handlers[:], root.level, ours.level)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (CARD, "***"),
        ("卡号6222 0212 3456 7890已扣", "卡号***已扣"),
        ("6222-0212-3456-7890,6222021234567891", "***,***"),
        ("６２２２０２１２３４５６７８９０", "***"),
        (f"{CARD}0000", "***"),
        ("11010119900307427X", "***X"),
        ("13800138000", "***"),
        ("138-0013-8000 / 138 0013 8000", "*** / ***"),
        ("+8613800138000", "+***"),
        ("postgresql://posbot:geheim@db:5432/posbot", "postgresql://***@db:5432/posbot"),
        ("postgresql://posbot:p@ss/w:rd@db/posbot", "postgresql://***@db/posbot"),
        ("redis://:geheim@cache", "redis://***@cache"),
        ("postgresql://db/posbot?user=a&password=geheim&x=1", "postgresql://db/posbot?user=a&password=***&x=1"),
        (f"https://api.telegram.org/bot{TOKEN}/getMe", "https://api.telegram.org/bot***/getMe"),
        (f"token {TOKEN}", "token ***"),
        ("Authorization: Bearer abcdefgh.ijk-l_m", "Authorization: Bearer ***"),
        ("authorization: basic cG9zYm90OmdlaGVpbQ==", "authorization: basic ***"),
        ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD/A==", "***"),
        ("?token=abc-def&a=1", "?token=***&a=1"),
        ("http://127.0.0.1:8080/a?b=1", "http://127.0.0.1:8080/a?b=1"),
        ("2026-11-25 08:38:07,380 took 12.345 s, terminal 10023345", "2026-11-25 08:38:07,380 took 12.345 s, terminal 10023345"),
    ],
)
def test_scrub(text: str, left: str) -> None:
    assert logs.scrub(text) == left


@pytest.mark.parametrize("text", ["1" * 100_000, "1 " * 50_000, "://" + "a" * 100_000, "://a:" * 20_000, "password=" * 20_000, "1" * 12 + ":" + "a" * 100_000])
def test_scrub_is_quick_on_hostile_text(text: str) -> None:
    began = perf_counter()
    logs.scrub(text)
    assert perf_counter() - began < 2


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_log_holds_no_secret_wherever_it_stands(style: Literal["text", "json"]) -> None:
    out = io.StringIO()
    logs.begin(style, "INFO", out)
    logger = logging.getLogger("bot.somewhere")
    logger.info("paid with %s", CARD, extra={"event": "paid", "card": int(CARD), "chat": "13800138000"})
    try:
        int(f"no card: {CARD}")
    except ValueError:
        logger.exception("failed", extra={"event": "failed"})
    warnings.warn(f"odd card {CARD}", stacklevel=1)
    told = out.getvalue()
    assert CARD not in told
    assert "13800138000" not in told
    assert "with base 10: 'no card: ***'" in told


def test_a_line_for_machines_is_one_json_object_with_a_stable_key() -> None:
    out = io.StringIO()
    logs.begin("json", "INFO", out)
    logging.getLogger("bot.somewhere").info("done\nhere", extra={"event": "done", "seconds": 0.30000000000000004, "rows": 5, "at": 1_760_000_000_000_000})
    (line,) = out.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["event"], told["seconds"], told["rows"]) == ("INFO", "done", 0.30000000000000004, 5)


def test_libraries_are_heard_from_warnings_up() -> None:
    out = io.StringIO()
    logs.begin("text", "DEBUG", out)
    logging.getLogger("asyncio").info("quiet")
    logging.getLogger("asyncio").warning("loud")
    logging.getLogger("bot").debug("ours")
    assert [word in out.getvalue() for word in ("quiet", "loud", "ours")] == [False, True, True]
