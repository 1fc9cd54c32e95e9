"""Everything that an editor can do wrong has a sentence in Chinese, with file and line, and all of them are shown at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bot.domain.errors import KnowledgeError
from bot.kb import loader

from .folders import GOOD, TOPIC, written

if TYPE_CHECKING:
    from pathlib import Path

CODE = "{means: 钱, whose: 卡, retry: 换卡, say: 换, topic: printer}"

BROKEN: list[tuple[str, str, str | bytes, int, str]] = [
    ("full-width colon", "topics/printer.yaml", "title：打印机\nphrasings: [没纸]\n", 1, "全角标点“：”"),
    ("full-width colon later", "steps.yaml", "reload:\n  title：换纸\n  text: 换纸\n", 2, "全角"),
    ("full-width comma in list", "topics/printer.yaml", "title: 打印机\nquestions: [paper，paper]\nphrasings: [没纸]\n", 2, "全角标点“，”"),
    ("full-width quote", "steps.yaml", "reload:\n  title: “换纸\n  text: [换纸\n", 2, "全角"),
    ("tab", "steps.yaml", "reload:\n\ttitle: 换纸\n", 2, "Tab"),
    ("dash without blank", "contacts.yaml", "-number: '95516'\n", 1, "-"),
    ("unclosed quote", "steps.yaml", 'reload:\n  title: "换纸\n  text: 换\n', 2, "没有配对"),
    ("bad indent", "steps.yaml", "reload:\n  title: 换纸\n text: 换\n", 3, "写法不对"),
    ("duplicate key", "steps.yaml", "reload:\n  title: 换纸\n  text: 换\nreload:\n  title: 换\n", 4, "重复"),
    ("look without then", "steps.yaml", "reload:\n  title: 换纸\n  text: 换纸\n  only_look: 是\n", 4, "没有 then"),
    ("alias", "steps.yaml", "reload: &a\n  title: 换纸\nagain: *a\n", 1, "引用"),
    ("billion laughs", "steps.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1, "引用"),
    ("tag", "steps.yaml", "reload: !!python/object/apply:os.system ['true']\n", 1, "标记"),
    ("too deep", "steps.yaml", "a: " + "[" * 60 + "]" * 60 + "\n", 1, "嵌套"),
    ("not utf-8", "steps.yaml", "reload:\n  title: 换纸\n".encode("gbk"), 2, "UTF-8"),
    ("control character", "steps.yaml", "reload:\n  title: 换\x00纸\n", 2, "控制字符"),
    ("too big", "steps.yaml", "#" * (9 * 1024 * 1024), 1, "MB"),
    ("second document", "steps.yaml", "reload:\n  title: 换纸\n  text: 换\n---\nother:\n  title: 别的\n  text: 别的\n", 4, "第二份文档"),
    ("empty documents", "steps.yaml", "---\n---\n", 2, "第二份文档"),
    ("empty value", "steps.yaml", "reload:\n  title:\n  text: 换\n", 2, "空的"),
    ("empty file", "steps.yaml", "", 1, "空的"),
    ("missing field", "steps.yaml", "reload:\n  title: 换纸\n", 1, "缺少“text”"),
    ("misspelt field", "steps.yaml", "reload:\n  title: 换纸\n  txet: 换\n", 3, "“text”"),
    ("unknown word", "steps.yaml", "reload:\n  title: 换纸\n  text: 换\n  effort: 很简单\n", 4, "“简单”"),
    ("list for text", "steps.yaml", "reload:\n  title: [换纸]\n  text: 换\n", 2, "一句话"),
    ("text for list", "topics/printer.yaml", "title: 打印机\nphrasings: 没纸\n", 2, "列表"),
    ("text for mapping", "steps.yaml", "reload: 换纸\n", 1, "名字"),
    ("bad id", "steps.yaml", "Reload!:\n  title: 换纸\n  text: 换\n", 1, "编号"),
    ("too long", "topics/printer.yaml", "title: 打印机\nsummary: " + "长" * 200 + "\nphrasings: [没纸]\n", 2, "最多 160 个字"),
    ("no phrasings", "topics/printer.yaml", "title: 打印机\nphrasings: []\n", 2, "条数"),
    ("one option", "questions.yaml", "paper:\n  text: 有纸吗\n  options: {没纸: [纸没了]}\n", 3, "条数"),
    ("bad kind", "topics/printer.yaml", "title: 打印机\nkind: truble\nphrasings: [没纸]\n", 2, "trouble"),
    ("misspelt step", "topics/printer.yaml", TOPIC.replace("reload:", "relaod:"), 9, "“reload”"),
    ("misspelt question", "topics/printer.yaml", TOPIC.replace("[paper]", "[papper]"), 3, "“paper”"),
    ("misspelt option", "topics/printer.yaml", TOPIC.replace("{没纸: 总是}", "{没纸了: 总是}"), 8, "“没纸”"),
    ("unknown slot", "topics/printer.yaml", TOPIC + "collect: {must: [amount]}\n", 12, "资料项“amount”不存在"),
    ("fragment of two options", "questions.yaml", "paper:\n  text: 有纸吗\n  options:\n    有纸: [纸]\n    没纸: [纸]\n", 5, "两个答案"),
    ("fragment of any message", "questions.yaml", "paper:\n  text: 有纸吗\n  options:\n    有纸: [有纸]\n    没纸: [不清楚]\n", 5, "随便哪句话"),
    ("charging again unasked", "steps.yaml", "reload:\n  title: 换纸\n  text: 换好纸再刷一次卡。\n", 1, "requires"),
    ("unknown telephone", "steps.yaml", "reload:\n  title: 换纸\n  text: 打 400-123-4567 问问。\n", 3, "白名单"),
    ("unknown contact place", "steps.yaml", "reload:\n  title: 换纸\n  text: '打 {phone:95588} 问问。'\n", 3, "contacts.yaml"),
    ("advice without answer", "topics/types.yaml", "title: 类型\nkind: advice\nphrasings: [POS有几种]\n", 1, "answer"),
    ("two concepts of one word", "lexicon.yaml", "小票: [单子]\n发票: [单子]\n", 2, "“单子”"),
    ("code of unknown source", "codes.yaml", "sources: {a: 甲}\ncodes: {b: {'51': " + CODE + "}}\n", 2, "sources"),
    ("code of unknown topic", "codes.yaml", "sources: {a: 甲}\ncodes: {a: {'51': " + CODE.replace("printer", "pinter") + "}}\n", 2, "“printer”"),
    ("bad code", "codes.yaml", "sources: {a: 甲}\ncodes: {a: {'5': " + CODE + "}}\n", 2, "代码"),
    ("screen of unknown topic", "screens.yaml", "- {text: 打印机缺纸, topic: prnter}\n", 1, "“printer”"),
    ("home of guide point", "guide.yaml", "step.1:\n  text: 换纸\n  homes: ['step:relod']\n", 3, "step:reload"),
    ("choice without options", "slots.yaml", "kind:\n  label: 类型\n  prompt: 哪种\n  kind: choice\n", 1, "options"),
]  # fmt: skip


def test_a_good_folder_has_no_problems(tmp_path: Path) -> None:
    kb, problems = loader.inspect(written(tmp_path, dict(GOOD)))
    assert problems == []
    assert kb is not None
    assert kb.topics["printer"].causes["no-paper"].fixes["reload"] == pytest.approx(0.75)


@pytest.mark.parametrize(("name", "file", "content", "line", "expected"), BROKEN, ids=[row[0] for row in BROKEN])
def test_problem(tmp_path: Path, name: str, file: str, content: str | bytes, line: int, expected: str) -> None:
    kb, problems = loader.inspect(written(tmp_path, {**GOOD, file: content}))
    assert kb is None, name
    there = [problem for problem in problems if problem.file == file and problem.line == line]
    assert any(expected in problem.text for problem in there), [str(problem) for problem in problems]


def test_all_problems_at_once(tmp_path: Path) -> None:
    _, problems = loader.inspect(written(tmp_path, {**GOOD, "steps.yaml": "reload:\n  titel: 换纸\n  effort: 难\n", "questions.yaml": "paper：\n"}))
    assert {problem.file for problem in problems} == {"steps.yaml", "questions.yaml"}
    assert len(problems) >= 4


def test_what_refers_to_a_broken_file_is_not_reported_as_well(tmp_path: Path) -> None:
    _, problems = loader.inspect(written(tmp_path, {**GOOD, "steps.yaml": "reload："}))
    assert {problem.file for problem in problems} == {"steps.yaml"}


@pytest.mark.parametrize("missing", ["questions.yaml", "steps.yaml", "slots.yaml"])
def test_a_missing_file_is_one_problem(tmp_path: Path, missing: str) -> None:
    topic = TOPIC + "collect: {must: [story]}\n"
    files = {**GOOD, "topics/printer.yaml": topic, "guide.yaml": "step.1:\n  text: 换纸\n  homes: ['step:reload', 'question:paper', 'slot:story']\n"}
    kb, problems = loader.inspect(written(tmp_path, {name: content for name, content in files.items() if name != missing}))
    assert kb is None
    assert [(problem.file, problem.line) for problem in problems] == [(missing, 1)]
    assert "没有这个文件" in problems[0].text


def test_two_missing_files_are_two_problems(tmp_path: Path) -> None:
    _, problems = loader.inspect(written(tmp_path, {name: content for name, content in GOOD.items() if name not in {"questions.yaml", "steps.yaml"}}))
    assert [problem.file for problem in problems] == ["questions.yaml", "steps.yaml"]


@pytest.mark.parametrize("name", ["lexicon.yaml", "steps.yaml", "topics/foo.yaml"])
def test_a_folder_in_place_of_a_file_is_reported(tmp_path: Path, name: str) -> None:
    root = written(tmp_path, {file: content for file, content in GOOD.items() if file != name})
    (root / name).mkdir()
    kb, problems = loader.inspect(root)
    assert kb is None
    assert [(problem.file, problem.fatal) for problem in problems] == [(name, True)]
    with pytest.raises(KnowledgeError, match="不是文件"):
        loader.load(root)


def test_a_link_to_nowhere_and_a_pipe_are_reported(tmp_path: Path) -> None:
    root = written(tmp_path, dict(GOOD))
    (root / "topics" / "bar.yaml").symlink_to("nowhere.yaml")
    os.mkfifo(root / "codes.yaml")
    _, problems = loader.inspect(root)
    assert [problem.file for problem in problems] == ["codes.yaml", "topics/bar.yaml"]


def test_same_phrasing_in_two_topics_is_a_warning(tmp_path: Path) -> None:
    kb, problems = loader.inspect(written(tmp_path, {**GOOD, "topics/other.yaml": "title: 别的\nphrasings: ['小票打不出来。']\n"}))
    assert kb is not None
    assert ["topics/printer.yaml" in problem.text or "topics/other.yaml" in problem.text for problem in problems] == [True]


def test_words_that_yaml_would_turn_into_something_else_stay_words(tmp_path: Path) -> None:
    kb, _ = loader.inspect(written(tmp_path, {"topics/t.yaml": "title: 51\nphrasings: [no, 51, 1.0, 2026-01-01, yes]\n"}))
    assert kb is not None
    assert kb.topics["t"].phrasings == ("no", "51", "1.0", "2026-01-01", "yes")


def test_unknown_file_is_a_warning_with_suggestion(tmp_path: Path) -> None:
    kb, problems = loader.inspect(written(tmp_path, {**GOOD, "step.yaml": "a: b\n"}))
    assert kb is not None
    assert "steps.yaml" in problems[0].text


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_no_knowledge(tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    if folder == "empty":
        root.mkdir()
    with pytest.raises(KnowledgeError) as error:
        loader.load(root)
    assert "folder" not in str(error.value)
    assert error.value.problems[0].fatal


def test_topics_alone_are_enough(tmp_path: Path) -> None:
    kb = loader.load(written(tmp_path, {"topics/a.yaml": "title: 甲\nphrasings: [一, 二]\n", "topics/b_1.yaml": "title: 乙\nphrasings: [三]\n"}))
    assert list(kb.topics) == ["a", "b_1"]
