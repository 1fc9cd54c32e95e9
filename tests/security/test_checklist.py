"""The security checklist, row by row: `ELSEWHERE` names the tests that stand beside what they test, those that need the whole service are here. (Row 11 is
of Telegram and 14 of tickets; 13, 22 and 23 are of the console, the image and the locked packages.)"""

from __future__ import annotations

import ast
import asyncio
import hmac
import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from bot.channels.webchat import page
from bot.channels.webhook import signing
from bot.domain.errors import SettingsError
from bot.settings import Settings
from tests.hook import OLD_SECRET, SECRET, receiving

from .service import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .service import Service

ROOT = Path(__file__).parents[2]
CHANNELS, STORE = "tests/unit/channels/test_", "tests/contract/test_store.py"
WEBHOOK, WEBCHAT, SOURCES, HTTP = f"{CHANNELS}webhook.py", f"{CHANNELS}webchat.py", f"{CHANNELS}webhook_sources.py", f"{CHANNELS}http.py"
ELSEWHERE = {
    1: (
        f"{SOURCES}::test_what_is_no_secret_is_refused_and_not_repeated",
        f"{SOURCES}::test_a_secret_belongs_to_one_app",
        f"{WEBCHAT}::test_secrets_and_ids_that_can_be_guessed_are_refused",
    ),
    2: (
        f"{HTTP}::test_what_is_no_order_is_refused_with_a_reason",
        f"{HTTP}::test_nothing_that_comes_in_is_a_server_error",
        f"{WEBHOOK}::test_what_is_no_json_is_refused",
        f"{WEBHOOK}::test_broken_requests_are_no_server_errors",
        f"{WEBCHAT}::test_a_bad_body_is_refused",
        f"{CHANNELS}webhook_description.py::test_signed_message",
        f"{CHANNELS}webhook_description.py::test_signed_photo",
        "tests/unit/service/test_deciding.py::test_an_event_that_cannot_be_read_does_not_stop_the_others",
    ),
    3: (
        f"{WEBHOOK}::test_both_secrets_are_good_while_they_are_exchanged",
        f"{WEBHOOK}::test_a_signature_fits_what_was_signed_only",
        f"{WEBHOOK}::test_another_body_another_secret_another_source_are_refused",
        f"{WEBHOOK}::test_old_and_future_requests_are_refused",
        f"{WEBHOOK}::test_a_repeat_is_answered_like_the_first",
        f"{WEBHOOK}::test_sources_do_not_see_each_other",
    ),
    4: (
        f"{HTTP}::test_a_body_is_read_no_further_than_the_limit",
        f"{WEBHOOK}::test_too_much_is_refused_while_it_is_read",
        f"{WEBHOOK}::test_compressed_bodies_are_refused",
        f"{WEBCHAT}::test_what_is_too_large_is_refused_while_it_is_read",
    ),
    5: (
        f"{HTTP}::test_memory_is_bounded_by_time_and_by_number",
        f"{HTTP}::test_a_clock_that_is_set_back_makes_nobody_wait_for_it",
        f"{WEBHOOK}::test_a_merchant_who_comes_too_often_waits",
        f"{WEBHOOK}::test_a_source_that_comes_too_often_waits_and_nobody_else_can_use_it_up",
        f"{WEBCHAT}::test_who_sends_too_often_is_told_when_to_come_again",
        f"{WEBCHAT}::test_an_address_that_comes_too_often_is_told_too",
    ),
    6: (
        "tests/unit/understanding/test_redact.py::test_secret_is_removed",
        "tests/unit/understanding/test_redact.py::test_first_six_and_last_four_digits_stay",
        f"{WEBHOOK}::test_a_card_number_is_never_kept",
        "tests/faults/test_faults.py::test_killed_again_and_again_nothing_is_lost_and_nothing_doubled",
    ),
    7: (
        "tests/unit/understanding/test_redact.py::test_secret_is_removed",
        "tests/unit/service/test_deciding.py::test_secrets_taken_out_before_are_still_warned_of",
    ),
    8: (
        f"{CHANNELS}photos.py::test_a_huge_claim_is_refused_before_it_is_opened",
        f"{CHANNELS}photos.py::test_a_picture_stands_upright_without_place_and_camera",
        f"{CHANNELS}photos.py::test_no_other_note_is_kept",
        f"{WEBHOOK}::test_few_pictures_are_read_at_once",
    ),
    9: (
        f"{WEBCHAT}::test_what_is_deleted_is_gone_everywhere",
        f"{STORE}::test_forgetting_a_chat_leaves_nothing",
        f"{STORE}::test_what_was_deleted_is_in_the_audit_by_its_numbers_alone",
        f"{STORE}::test_a_step_can_delete_everything_and_begin_anew",
        "tests/unit/channels/test_tickets.py::test_a_lead_deletes_what_a_merchant_wants_deleted",
        "tests/unit/channels/test_tickets.py::test_a_merchant_withdraws_a_ticket_with_everything",
        f"{STORE}::test_purging_keeps_what_waits_and_what_staff_have_not_closed",
    ),
    10: (
        "tests/unit/ops/test_logs.py::test_scrub",
        "tests/unit/ops/test_logs.py::test_a_log_holds_no_secret_wherever_it_stands",
        "tests/e2e/test_operating.py::test_a_service_from_start_to_end",
    ),
    12: (
        f"{WEBCHAT}::test_headers_of_everything",
        f"{WEBCHAT}::test_no_inline_script_or_style_and_no_sentence_in_the_files",
        f"{WEBCHAT}::test_frames_are_for_those_who_are_named",
        f"{WEBCHAT}::test_a_photo_is_taken_once_and_seen_by_its_owner_only",
    ),
    16: (
        f"{WEBCHAT}::test_a_first_visit_gets_a_token_that_only_its_hash_remembers",
        f"{WEBCHAT}::test_a_chat_cannot_be_named",
        f"{WEBCHAT}::test_nobody_comes_with_a_token_of_another_form",
        f"{WEBCHAT}::test_a_cookie_counts_for_our_own_page_only",
    ),
    17: (f"{SOURCES}::test_bad_callbacks",),
    18: (
        "tests/unit/kb/test_problems.py::test_problem",
        f"{SOURCES}::test_what_is_no_list_is_refused",
        "tests/e2e/test_operating.py::test_knowledge_is_read_again_when_it_is_good",
    ),
    19: (
        "tests/unit/understanding/test_redact.py::test_hostile_text_is_read_in_linear_time",
        "tests/unit/ops/test_logs.py::test_scrub_is_quick_on_hostile_text",
        "tests/unit/test_cli.py::test_a_megabyte_of_text",
    ),
    20: (
        f"{STORE}::test_odd_text_is_kept_as_it_is",
        f"{STORE}::test_odd_text_means_the_same_everywhere",
        f"{STORE}::test_odd_ids_are_kept_apart",
        f"{WEBHOOK}::test_half_an_emoji_costs_no_message",
        f"{WEBCHAT}::test_odd_text_is_taken_and_answered",
    ),
    21: (
        "tests/unit/test_settings.py::test_secrets_come_from_files_and_are_not_shown",
        "tests/unit/test_settings.py::test_a_value_is_never_shown",
        f"{SOURCES}::test_no_dump_shows_a_secret",
    ),
    24: ("tests/unit/test_deploy.py::test_ports_agree",),
}
ROWS = (*range(1, 11), 12, *range(16, 22), 24)
TEXT = "小票打不出来"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(tmp_path) as made:
        yield made


@cache
def names_of(file: str) -> frozenset[str]:
    """What is defined in a file, or made there by a function that makes tests."""
    body = ast.parse((ROOT / file).read_text("utf-8")).body
    made = {name.id for node in body if isinstance(node, ast.Assign) for name in ast.walk(node.targets[0]) if isinstance(name, ast.Name)}
    return frozenset(made | {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)})


@pytest.mark.parametrize(("file", "name"), [pytest.param(*test.split("::"), id=f"row{row:02}-{test}") for row, tests in ELSEWHERE.items() for test in tests])
def test_what_is_tested_elsewhere_is_tested_there(file: str, name: str) -> None:
    assert name in names_of(file)


def test_every_row_has_tests() -> None:
    rows = defaultdict(set, {row: set(tests) for row, tests in ELSEWHERE.items()})
    for name in globals():
        if found := re.match(r"test_row(\d\d)_", name):
            rows[int(found[1])].add(name)
    assert sorted(rows) == list(ROWS)


@pytest.mark.parametrize("secret", ["", "whsec_", " ", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="], ids=["none", "empty", "blank", "zeros"])
async def test_row01_a_source_without_a_real_secret_stops_the_start(tmp_path: Path, secret: str) -> None:
    (tmp_path / "empty.json").write_text(json.dumps([{"name": "shop", "secrets": [secret]}]), "utf-8")
    with pytest.raises(SettingsError, match="shop"):
        async with serving(tmp_path, sources=tmp_path / "empty.json"):
            pass


def test_row01_a_signature_takes_as_long_whichever_secret_is_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every signature is compared with every secret's, also when one was right, and each in constant time."""
    compared: list[bool] = []

    def compare(one: str, other: str) -> bool:
        compared.append(hmac.compare_digest(one, other))
        return compared[-1]

    monkeypatch.setattr(signing, "hmac", type("watched", (), {"compare_digest": staticmethod(compare)}))
    signer = signing.Signer((SECRET, OLD_SECRET))
    for secrets in ((SECRET,), (OLD_SECRET,), (SECRET, OLD_SECRET)):
        headers = signing.Signer(secrets).headers("id", 1_760_000_000_000_000, "x")
        compared.clear()
        signer.check(signing.stamp(headers, 1_760_000_000_000_000), "x")
        assert len(compared) == 2 * len(secrets)
        assert any(compared)


async def test_row05_a_stranger_waits_and_who_signs_does_not(service: Service) -> None:
    shop = service.app()
    forged = shop.signed("something else")
    answers = [await shop.post({"merchant": "m-1", "text": TEXT}, forged) for _ in range(80)]
    assert {answer.problem for answer in answers[:60]} == {(401, "bad-signature")}
    assert answers[-1].problem == (429, "too-often")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    for to in ("messages", "photos"):
        assert (await shop.post({"merchant": "m-1"}, {}, to=to)).status == 429
    assert (await shop.ask("GET", "/v1/sources/nobody/conversations/c/messages", {})).status == 429
    for number in range(5):
        assert await shop.say(f"m-{number}", TEXT)
    assert (await shop.lines("no-such-conversation")).status == 404


async def test_row05_a_stranger_who_waits_is_not_read(service: Service) -> None:
    shop = service.app()
    for _ in range(61):
        await shop.ask("POST", "/v1/sources/shop/messages", {})
    parts = urlsplit(service.running.address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"POST /v1/sources/shop/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
    assert (await asyncio.wait_for(reader.readline(), 10)).split()[1] == b"429"
    writer.close()


async def test_row05_behind_a_proxy_each_address_is_counted_for_itself(tmp_path: Path) -> None:
    async def until_refused(service: Service, address: str) -> int:
        headers = {"X-Forwarded-For": f"203.0.113.9, {address}"}
        return [(await service.app().ask("GET", "/v1/sources/shop/conversations/c/messages", headers)).status for _ in range(62)].count(401)

    async with serving(tmp_path, proxies=1) as service:
        assert [await until_refused(service, address) for address in ("198.51.100.1", "198.51.100.2")] == [60, 60]
    async with serving(tmp_path, proxies=0) as service:  # whoever comes may write what he likes
        assert [await until_refused(service, address) // 10 for address in ("198.51.100.1", "198.51.100.2")] == [6, 0]


@pytest.mark.parametrize(("text", "secret"), [("卡号6222021234567890128 刷不过", "6222021234567890128"), ("CVV是739", "739"), ("密码是739105", "739105")])
async def test_row06_row07_what_must_not_be_kept_is_nowhere(service: Service, text: str, secret: str) -> None:
    shop = service.app()
    conversation = await shop.say("m-1", text, profile={"merchant_name": text})
    told = await service.heard(shop, conversation, 2)
    assert secret not in json.dumps(told, ensure_ascii=False)
    assert told[1]["bubbles"][0].endswith("-warning")  # the sentence's name: this shop's knowledge has no words for it
    assert text.encode() not in service.kept()
    if len(secret) > 3:  # three digits are somewhere by chance
        assert secret.encode() not in service.kept()


async def test_row09_the_page_says_what_for_and_for_how_long(tmp_path: Path) -> None:
    async with serving(tmp_path, keep_messages=20, keep_photos=30, keep_conversations=40) as service:
        answered = await service.app().ask("GET", "/", {"Accept-Encoding": "identity"})
    assert "聊天内容只用来处理您的问题，40 天后自动删除" in answered.body.decode()


def test_row12_the_script_makes_no_markup_of_words() -> None:
    for name in ("page.js", "embed.js"):
        script = page._asset(name).data.decode()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", script), name


async def test_row12_what_merchants_write_comes_back_as_data(service: Service) -> None:
    shop, text = service.app(), "<script>alert(1)</script> &amp; *粗* [x](javascript:1)"
    (line, *_) = await service.heard(shop, await shop.say("m-1", text), 2)
    assert line["text"] == text
    answered = await shop.lines(await shop.say("m-1", text))
    assert answered.headers["Content-Type"].startswith("application/json")


async def test_row16_who_knows_a_conversation_does_not_have_it(service: Service) -> None:
    shop, other = service.app(), service.app("other")
    conversation = await shop.say("m-1", TEXT)
    await service.heard(shop, conversation, 2)
    assert (await other.lines(conversation)).problem == (404, "not-found") == (await other.lines("no-such-conversation")).problem
    for path in (f"/chat/messages?conversation={conversation}", f"/chat/photo/{conversation}", f"/chat/events?visitor={conversation}"):
        assert (await shop.ask("GET", path, {"Authorization": f"Bearer {conversation}"})).status == 401


async def test_row17_no_address_in_a_message_is_ever_fetched(service: Service) -> None:
    async with receiving() as (receiver, url):
        shop = service.app()
        conversation = await shop.say("m-1", f"看这个 {url} 小票打不出来", profile={"merchant_name": url})
        await shop.post({"merchant": "m-1", "choice": url})
        await shop.post({"merchant": "m-1", "text": f'<img src="{url}"> http://169.254.169.254/latest/meta-data'})
        await shop.post({"merchant": "m-1", "photo": url}, to="photos")
        await service.heard(shop, conversation, 6)
        assert receiver.came == []


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\u202e\u200b", "NaN", str(2**63), "\x1b[31m"], ids=["nul", "half", "marks", "nan", "large", "escape"])
async def test_row20_odd_text_is_answered(service: Service, odd: str) -> None:
    shop = service.app()
    conversation = await shop.say("m-1", f"{TEXT}{odd}")
    answered = await service.heard(shop, conversation, 2)
    assert answered[1]["bubbles"]
    assert not re.search("[\x00\x1b\u202e]", answered[0]["text"])


def test_row21_no_dump_of_the_settings_shows_a_secret() -> None:
    settings = Settings(database=SecretStr("postgresql://u:geheim@h/d"), merchant_secret=SecretStr("geheim" * 8))
    shown: list[Any] = [settings, settings.model_dump(), settings.model_dump_json(), vars(settings)]
    assert "geheim" not in "".join(map(str, shown))


async def test_row24_health_and_metrics_have_their_own_door_on_this_machine(service: Service) -> None:
    assert Settings.model_fields["ops_host"].default == "127.0.0.1" == urlsplit(service.running.ops_address).hostname
    shop = service.app()
    for path, status in {"/metrics": 200, "/healthz": 200, "/readyz": 200}.items():
        assert (await shop.ask("GET", path, {})).status == 404
        async with service.session.get(f"{service.running.ops_address}{path}") as response:
            assert response.status == status
    for path in ("/reload", "/-/reload"):
        assert (await shop.ask("POST", path, {})).status == 404
