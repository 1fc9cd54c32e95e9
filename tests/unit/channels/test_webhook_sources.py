"""The list of apps: what is taken, what is refused, and that nothing secret is repeated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.channels.webhook.sources import Source, parse, pushing, read
from bot.domain.errors import SettingsError
from tests.hook import OLD_SECRET, OTHER_SECRET, SECRET

if TYPE_CHECKING:
    from pathlib import Path


def entry(**changes: Any) -> dict[str, Any]:
    return {"name": "shop", "secrets": [SECRET], **changes}


def test_a_file_in_yaml_or_json(tmp_path: Path) -> None:
    text = f"""
- name: shop
  secrets: [{SECRET}, {OLD_SECRET}]
  callback: https://shop.example/in
  public_name: 收银
- {{name: b, secrets: [{OTHER_SECRET}]}}
"""
    (tmp_path / "a.yaml").write_text(text)
    sources = read(tmp_path / "a.yaml")
    assert sources["shop"] == Source(name="shop", secrets=(SECRET, OLD_SECRET), callback="https://shop.example/in", public_name="收银")
    assert sources["shop"].channel == "hook:shop"
    assert sources["b"] == Source(name="b", secrets=(OTHER_SECRET,), public_name="b")
    assert pushing(sources.values()) == {"hook:shop"}
    (tmp_path / "a.json").write_text(json.dumps([entry()]))
    assert list(read(tmp_path / "a.json")) == ["shop"]


@pytest.mark.parametrize(
    "callback", ["https://a.example", "https://a.example:8443/x?y=z", "https://10.0.0.1/x", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:80/x"]
)
def test_good_callbacks(callback: str) -> None:
    assert parse([entry(callback=callback)])["shop"].callback == callback


@pytest.mark.parametrize(
    "callback",
    [
        "",
        "a.example",
        "//a.example/x",
        "http://a.example/x",
        "http://10.0.0.1/x",
        "http://127.0.0.1.evil.example/x",
        "http://localhost@evil.example/x",
        "https://user:pw@a.example/",
        "https://a.example/#x",
        "https://a b/",
        "https://a.example/\n",
        "https://é.example/",
        "https://:80/",
        "https://a:x/",
        "https://a:99999/",
        "https://[::1/",
        "ftp://a.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_bad_callbacks(callback: str) -> None:
    with pytest.raises(SettingsError, match="回调地址"):
        parse([entry(callback=callback)])


def test_http_is_allowed_by_a_setting_only() -> None:
    assert parse([entry(callback="http://a.example/x")], allow_http=True)
    with pytest.raises(SettingsError):
        parse([entry(callback="ftp://a.example/x")], allow_http=True)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        SECRET.removeprefix("whsec_"),
        "password-password-password-password",
        "whsec_" + "A" * 44,
        "whsec_????",
        SECRET + " ",
        SECRET[:-2] + "é=",
        "whsec_" + "abcdefghijklmnop" * 8,
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(SettingsError, match="来源“shop”的密钥不能用") as caught:
        parse([entry(secrets=[secret])])
    assert len(secret) < 8 or secret not in str(caught.value)


def test_a_secret_belongs_to_one_app() -> None:
    for listed in ([entry(), entry(name="b")], [entry(secrets=[SECRET, SECRET])]):
        with pytest.raises(SettingsError, match="同一个密钥") as caught:
            parse(listed)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "entries",
    [
        None,
        {},
        "x",
        [None],
        [{}],
        [entry(name="")],
        [entry(name="Shop")],
        [entry(name="a:b")],
        [entry(name="a/b")],
        [entry(name="x" * 33)],
        [entry(name=1)],
        [entry(secrets=[])],
        [entry(secrets=SECRET)],
        [entry(secrets=[SECRET, OLD_SECRET, OTHER_SECRET])],
        [entry(secrets=[1])],
        [entry(per_second=0)],
        [entry(per_minute="20")],
        [entry(more=1)],
        [entry(), entry(secrets=[OTHER_SECRET])],
    ],
    ids=repr,
)
def test_wrong_entries_are_refused(entries: object) -> None:
    with pytest.raises(SettingsError, match="来源") as caught:
        parse(entries)
    assert SECRET not in str(caught.value)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse([entry(secrets=["whsec_"], callback="x"), entry(secrets=[SECRET])])
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("text", ["- [", "a: b: c", "- &a x\n- *a", "- !!python/object:os.system x", "\ufffe", "[" * 10_000, "x" * 70_000, "- name: a\n\tb: c"])
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(SettingsError, match=r"s\.yaml"):
        read(tmp_path / "s.yaml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "s.yaml", tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SettingsError, match="读不了来源文件"):
            read(path)


def test_no_dump_shows_a_secret() -> None:
    source = parse([entry(callback="https://a.example/?token=t0ken")])["shop"]
    assert SECRET not in repr(source)
    assert "t0ken" not in repr(source)
