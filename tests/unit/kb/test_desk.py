"""Files for staff: groups, targets and canned replies, with every mistake that can be seen in them."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from bot.domain.knowledge import EVERYBODY, PLACES, TARGETS, Canned, KnowledgeBase, Urgency
from bot.kb import images, loader

from .folders import GOOD, written

KNOWLEDGE = Path(__file__).parents[3] / "knowledge"
DESK = """\
groups:
  tech:
    title: 技术
    purpose: 修机器
    topics: [printer]
  service:
    title: 客服
    purpose: 别的
default: service
targets:
  U0: {respond: 2 分钟, solve: 15 分钟, round_the_clock: 是}
  U1: {respond: 30 分钟, solve: 3 天, round_the_clock: 是}
  U2: {respond: 1 小时, solve: 4 小时}
  U3: {respond: 4 小时, solve: 3 天, round_the_clock: 否}
  U4: {respond: 1天, solve: 3 天}
"""
CANNED = "hello:\n  title: 问候\n  text: 您好，我是{name}，单号 {number}。\n  topics: [printer]\n  image: slip.png\n"


def picture(format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.effect_noise((300, 300), 50).save(file, format)
    return file.getvalue()


PNG = picture()
FILES: dict[str, str | bytes] = {**GOOD, "desk.yaml": DESK, "canned.yaml": CANNED, "images/slip.png": PNG}


def says(text: str) -> str:
    return CANNED.replace("您好，我是{name}，单号 {number}。", text)


BROKEN: list[tuple[str, str, str | bytes, int, str]] = [
    ("misspelt topic of a group", "desk.yaml", DESK.replace("[printer]", "[printer, prnter]"), 5, "“printer”"),
    ("topic twice in a group", "desk.yaml", DESK.replace("[printer]", "[printer, printer]"), 5, "已经分给“技术”"),
    ("topic in two groups", "desk.yaml", DESK.replace("别的\n", "别的\n    topics: [printer]\n"), 9, "已经分给“技术”"),
    ("topic in no group", "desk.yaml", DESK.replace("[printer]", "[]"), 1, "“printer”还没有分给"),
    ("misspelt default group", "desk.yaml", DESK.replace("default: service", "default: servise"), 9, "“service”"),
    ("no groups", "desk.yaml", "groups: {}\n" + DESK[DESK.index("default") :], 1, "条数"),
    ("group without purpose", "desk.yaml", DESK.replace("    purpose: 别的\n", ""), 6, "purpose"),
    ("an urgency without target", "desk.yaml", DESK[: DESK.index("  U4")], 10, "缺少“U4”"),
    ("no duration", "desk.yaml", DESK.replace("2 分钟", "两分钟"), 11, "不是时长"),
    ("no whole duration", "desk.yaml", DESK.replace("1 小时", "1.5 小时"), 13, "不是时长"),
    ("no time at all", "desk.yaml", DESK.replace("1 小时", "0 小时"), 13, "不是时长"),
    ("neither yes nor no", "desk.yaml", DESK.replace("round_the_clock: 否", "round_the_clock: no"), 14, "是 否"),
    ("misspelt topic of a reply", "canned.yaml", CANNED.replace("[printer]", "[pinter]"), 4, "“printer”"),
    ("reply that is too long", "canned.yaml", says("长" * 201), 3, "最多 200 个字"),
    ("reply without text", "canned.yaml", says(""), 3, "空的"),
    ("two replies of one id", "canned.yaml", CANNED + CANNED, 6, "重复"),
    ("misspelt place", "canned.yaml", says("我是{nmae}。"), 3, "“name”"),
    ("place that nobody fills", "canned.yaml", says("卡是{card_no}。"), 3, "只能写"),
    ("unknown telephone", "canned.yaml", says("打 400-123-4567 问问。"), 3, "白名单"),
    ("unknown contact place", "canned.yaml", says("打 {phone:95588} 问问。"), 3, "contacts.yaml"),
    ("picture that is not there", "canned.yaml", CANNED.replace("slip.png", "slipp.png"), 5, "“slip.png”"),
    ("picture that is too big", "images/slip.png", PNG + b"\0" * 300_000, 1, "300 KB"),
    ("picture that is none", "images/slip.png", "没有图", 1, "不是能打开的图片"),
    ("picture that is damaged", "images/slip.png", PNG[:2000] + b"?" + PNG[2001:], 1, "不是能打开的图片"),
    ("picture that is cut off", "images/slip.png", PNG[:-12], 1, "不是能打开的图片"),
    ("picture of another kind", "images/slip.png", picture("JPEG"), 1, "扩展名"),
]  # fmt: skip
FORBIDDEN = [
    ("card number", "请把完整卡号发给我。", "“完整卡号”"),
    ("code", "短信里的验证码告诉我一下。", "“验证码”"),
    ("password", "操作员密码是多少？", "“密码”"),
    ("CVV", "卡背面的cvv也报给我。", "“cvv”"),
    ("a warning in another sentence", "身份证拍给我。别的不要发。", "“身份证”"),
    ("charging again", "您再刷一次试试。", "再收一次"),
    ("charging again if", "要是不行就重新收一次。", "再收一次"),
    ("charging again after another warning", "别着急，请顾客再扫一次。", "再收一次"),
    ("a date", "明天一定到账。", "打包票"),
    ("a day of the month", "15号退回卡上，以发卡行为准。", "打包票"),
    ("a guarantee", "我保证退给您。", "打包票"),
    ("a period without reserve", "一般 1 到 3 个工作日到账。", "打包票"),
]
ALLOWED = [
    ("a warning", "密码、验证码谁要都别给。"),
    ("four digits", "卡号后四位发我，别的盖住。"),
    ("no need to charge", "这笔成功了，不用再收。"),
    ("not yet", "没查清之前先别再刷，也不要重新扫。"),
    ("known to be not charged", "查到了，没扣顾客的钱，可以重新收一次。"),
    ("a period with reserve", "一般 1 到 3 个工作日，以发卡行为准。"),
    ("what happens to a password", "操作员密码由主管在菜单里重置。"),
    ("places and telephones", "{name} {number} {amount} {phone:95516} {hotline:收单机构}"),
]


def test_a_good_folder_has_no_problems(tmp_path: Path) -> None:
    kb, problems = loader.inspect(written(tmp_path, FILES))
    assert problems == []
    assert kb is not None
    assert (kb.groups["tech"].title, kb.groups["tech"].topics, kb.default_group) == ("技术", ("printer",), "service")
    assert [kb.group_of(topic) for topic in ("printer", "unknown", None)] == ["tech", "service", "service"]
    assert (kb.targets[Urgency.U1].solve, kb.targets[Urgency.U3].solve) == (timedelta(days=3), timedelta(hours=24))  # 3 days, 3 working days
    assert kb.targets == TARGETS
    assert kb.canned == (Canned(id="hello", title="问候", text="您好，我是{name}，单号 {number}。", topics=("printer",), image="slip.png"),)
    assert kb.images == {"slip.png": PNG}


@pytest.mark.parametrize(("name", "file", "content", "line", "expected"), BROKEN, ids=[row[0] for row in BROKEN])
def test_problem(tmp_path: Path, name: str, file: str, content: str | bytes, line: int, expected: str) -> None:
    kb, problems = loader.inspect(written(tmp_path, {**FILES, file: content}))
    assert kb is None, name
    assert [(problem.file, problem.line) for problem in problems if expected in problem.text] == [(file, line)], [str(problem) for problem in problems]


@pytest.mark.parametrize(("name", "text", "expected"), FORBIDDEN, ids=[row[0] for row in FORBIDDEN])
def test_what_staff_must_not_say(tmp_path: Path, name: str, text: str, expected: str) -> None:
    kb, problems = loader.inspect(written(tmp_path, {**FILES, "canned.yaml": says(text)}))
    assert kb is None, name
    assert [(problem.file, problem.line) for problem in problems if expected in problem.text] == [("canned.yaml", 3)], [str(problem) for problem in problems]


@pytest.mark.parametrize(("name", "text"), ALLOWED, ids=[row[0] for row in ALLOWED])
def test_what_staff_may_say(tmp_path: Path, name: str, text: str) -> None:
    assert loader.inspect(written(tmp_path, {**FILES, "canned.yaml": says(f"'{text}'")}))[1] == [], name


DAY_ONLY = DESK.replace("solve: 3 天, round_the_clock: 是", "solve: 3 天")
REMINDERS: list[tuple[str, str, list[int]]] = [
    ("slower than less urgent", DESK.replace("1 小时, solve: 4 小时", "5 小时, solve: 6 小时"), [13]),
    ("only danger at night", DAY_ONLY, []),
    ("who is more urgent waits for the morning", DAY_ONLY.replace("solve: 4 小时", "solve: 4 小时, round_the_clock: 是"), [12]),
    ("solved before answered", DESK.replace("solve: 15 分钟", "solve: 1 分钟"), [11]),
]


@pytest.mark.parametrize(("name", "desk", "lines"), REMINDERS, ids=[row[0] for row in REMINDERS])
def test_a_slip_of_the_pen_in_the_targets_is_a_reminder(tmp_path: Path, name: str, desk: str, lines: list[int]) -> None:
    kb, problems = loader.inspect(written(tmp_path, {**FILES, "desk.yaml": desk}))
    assert kb is not None, name
    assert [(problem.file, problem.line, problem.fatal) for problem in problems] == [("desk.yaml", line, False) for line in lines]


def test_pictures_that_nobody_sends_and_other_files_are_reminders(tmp_path: Path) -> None:
    kb, problems = loader.inspect(written(tmp_path, {**FILES, "images/other.jpg": picture("JPEG"), "images/old.gif": b"GIF89a"}))
    assert kb is not None
    assert list(kb.images) == ["slip.png"]
    assert [(problem.file, problem.fatal) for problem in problems] == [("images/old.gif", False), ("images/other.jpg", False)]


def test_a_folder_in_place_of_a_picture_is_one_problem(tmp_path: Path) -> None:
    root = written(tmp_path, {name: content for name, content in FILES.items() if name != "images/slip.png"})
    (root / "images" / "slip.png").mkdir(parents=True)
    _, problems = loader.inspect(root)
    assert [(problem.file, problem.fatal) for problem in problems] == [("images/slip.png", True)]


@pytest.mark.parametrize("file", ["desk.yaml", "canned.yaml"])
def test_a_broken_file_is_one_problem(tmp_path: Path, file: str) -> None:
    _, problems = loader.inspect(written(tmp_path, {**FILES, file: "a：b\n"}))
    assert [problem.file for problem in problems] == [file]


def test_what_refers_to_a_broken_topic_is_not_reported_as_well(tmp_path: Path) -> None:
    _, problems = loader.inspect(written(tmp_path, {**FILES, "topics/printer.yaml": "title：打印机\n", "topics/types.yaml": "title: 甲\nphrasings: [一]\n"}))
    assert {problem.file for problem in problems} == {"topics/printer.yaml", "desk.yaml"}
    assert all("types" in problem.text for problem in problems if problem.file == "desk.yaml")


def test_small_talk_needs_no_group(tmp_path: Path) -> None:
    assert loader.inspect(written(tmp_path, {**FILES, "topics/hello.yaml": "title: 寒暄\nkind: chitchat\nphrasings: [你好]\n"}))[1] == []


def test_a_folder_without_staff_has_one_group_and_the_usual_targets(tmp_path: Path) -> None:
    for kb in (loader.load(written(tmp_path, dict(GOOD))), KnowledgeBase(version="", topics={})):
        assert dict(kb.groups) == {EVERYBODY.id: EVERYBODY}
        assert kb.group_of("printer") == kb.group_of(None) == kb.default_group == EVERYBODY.id
        assert (kb.targets, kb.canned, dict(kb.images)) == (TARGETS, (), {})


def test_the_version_tells_pictures_apart(tmp_path: Path) -> None:
    one = loader.load(written(tmp_path, FILES)).version
    assert one != loader.load(written(tmp_path, {**FILES, "images/slip.png": picture()})).version


def test_a_reply_is_filled_with_what_is_known() -> None:
    canned = Canned(id="a", title="a", text="我是{name}，{amount} 元，{phone:110}，{name}")
    assert canned.filled({"name": "小{amount}王", "amount": "", "number": "1"}) == "我是小{amount}王，{amount} 元，{phone:110}，小{amount}王"


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
@pytest.mark.parametrize("cut", [0, 1, 8, 20, 500])
def test_half_a_picture_is_none(format: str, cut: int) -> None:
    name, whole = f"a.{format.lower().replace('jpeg', 'jpg')}", picture(format)
    assert images.wrong(name, whole) is None
    assert images.wrong(name, whole[:cut])
    assert images.wrong(name, whole[: len(whole) - 1 - cut])


# The knowledge base that comes with the program


@pytest.fixture(scope="module")
def shipped() -> KnowledgeBase:
    return loader.load(KNOWLEDGE)


def test_there_are_the_four_groups(shipped: KnowledgeBase) -> None:
    assert {id: group.title for id, group in shipped.groups.items()} == {"tech": "技术", "settlement": "结算", "risk": "风控", "service": "客服"}
    assert shipped.default_group == "service"
    assert shipped.targets == TARGETS


@pytest.mark.parametrize(
    ("topic", "group"),
    [
        ("sign-in", "tech"),
        ("tamper-lock", "tech"),
        ("debited-unknown", "settlement"),
        ("not-settled", "settlement"),
        ("fraud-victim", "risk"),
        ("merchant-status", "risk"),
        ("fees", "service"),
        ("human", "service"),
        (None, "service"),
    ],
)
def test_what_belongs_to_whom(shipped: KnowledgeBase, topic: str | None, group: str) -> None:
    assert shipped.group_of(topic) == group


def test_there_is_a_reply_for_every_topic(shipped: KnowledgeBase) -> None:
    suggested = {topic for canned in shipped.canned for topic in canned.topics}
    assert {id for id, topic in shipped.topics.items() if topic.is_business} - suggested == set()
    assert len({canned.title for canned in shipped.canned}) == len({canned.text for canned in shipped.canned}) == len(shipped.canned)


def test_places_are_slots_or_known_of_every_ticket(shipped: KnowledgeBase) -> None:
    assert set(PLACES) - {"name", "number", "topic"} <= shipped.slots.keys()
