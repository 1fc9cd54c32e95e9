"""Settings come from the environment, `.env` and secret files; README's table lists exactly what there is."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.calendar import ROUND_THE_CLOCK
from bot.domain.desk import Desk
from bot.domain.errors import SettingsError
from bot.server import rules
from bot.settings import Settings, read

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"POSBOT_{name.upper()}", raising=False)


def test_readme_lists_every_setting() -> None:
    rows = re.findall(r"^\| (`POSBOT_[^|]*) \|", README.read_text("utf-8"), re.M)
    documented = {name for row in rows for name in re.findall(r"`POSBOT_([A-Z_]+)`", row)}
    assert documented == {name.upper() for name in Settings.model_fields}


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSBOT_KNOWLEDGE", "/a")
    monkeypatch.setenv("POSBOT_PORT", "8081")
    assert (read().knowledge, read().port) == (Path("/a"), 8081)


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSBOT_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert read().cache == Path("/c/posbot")


def test_the_environment_counts_more_than_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSBOT_PORT=1000\nPOSBOT_HOST=0.0.0.0\nOTHER=1\n", "utf-8")
    monkeypatch.setenv("POSBOT_PORT", "2000")
    assert (read().port, read().host) == (2000, "0.0.0.0")


def test_secrets_come_from_files_and_are_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "POSBOT_DATABASE").write_text("postgresql://posbot:geheim@db/posbot\n", "utf-8")
    monkeypatch.setenv("POSBOT_SECRETS", str(tmp_path))
    settings = read()
    assert settings.database.get_secret_value() == "postgresql://posbot:geheim@db/posbot"
    assert "geheim" not in repr(settings)


def test_every_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSBOT_PORT", "99999")
    monkeypatch.setenv("POSBOT_ZONE", "Mars/Base")
    monkeypatch.setenv("POSBOT_MERCHANT_SECRET", "kurz-und-geheim")
    with pytest.raises(SettingsError) as raised:
        read()
    told = str(raised.value)
    assert all(name in told for name in ("POSBOT_PORT", "POSBOT_ZONE", "POSBOT_MERCHANT_SECRET"))
    assert "geheim" not in told


def test_a_value_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dict.fromkeys(
        (
            "PORT", "OPS_PORT", "PROXIES", "ZONE", "HOURS", "HOLIDAYS", "KEEP_MESSAGES", "KEEP_PHOTOS", "KEEP_CONVERSATIONS", "KEEP_AUDIT", "LOG_FORMAT",
            "LOG_LEVEL", "REOPEN_DAYS", "RELEASE_MINUTES", "ASSIGN", "PACE_MINUTES",
        ),
        "geheim",
    )  # fmt: skip
    wrong |= {"DATABASE": "mysql://geheim@db", "MERCHANT_SECRET": "geheim", "TELEGRAM_TOKEN": "geheim", "TELEGRAM_SECRET": "geheim", "TELEGRAM_API": "geheim"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"POSBOT_{name}", value)
    with pytest.raises(SettingsError) as raised:
        read()
    told = str(raised.value)
    assert {line.split()[1] for line in told.splitlines()} == {f"POSBOT_{name}" for name in wrong}
    assert "geheim" not in told


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("postgresql://posbot:geheim@db/posbot", True),
        ("postgres://db/posbot", True),
        ("data/posbot.db", True),
        ("postgresql+asyncpg://posbot:geheim@db/posbot", False),
        ("sqlite:///posbot.db", False),
        ("POSTGRESQL://db", False),
    ],
)
def test_an_unknown_kind_of_database_is_no_file(address: str, good: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSBOT_DATABASE", address)
    if good:
        assert read().is_postgres == address.startswith("postgres")
    else:
        with pytest.raises(SettingsError, match="POSBOT_DATABASE"):
            read()


def test_the_secrets_folder_may_be_named_in_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSBOT_SECRETS=secrets\n", "utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "POSBOT_MERCHANT_SECRET").write_text("m" * 32 + "\n", "utf-8")
    secret = read().merchant_secret
    assert secret is not None
    assert secret.get_secret_value() == "m" * 32


def test_an_empty_secret_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "POSBOT_MERCHANT_SECRET").write_text("\n", "utf-8")
    monkeypatch.setenv("POSBOT_SECRETS", str(tmp_path))
    assert read().merchant_secret is None


@pytest.mark.parametrize("name", [".env", "POSBOT_MERCHANT_SECRET"])
def test_a_file_that_is_no_text_is_told(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"POSBOT_PORT=\xff\xfe")
    monkeypatch.setenv("POSBOT_SECRETS", str(tmp_path))
    with pytest.raises(SettingsError, match="UTF-8"):
        read()


def test_a_folder_called_env_is_no_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert read().port == 8080


def test_a_missing_secrets_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSBOT_SECRETS", "/nowhere")
    with pytest.raises(SettingsError, match="/nowhere"):
        read()


def test_updates_are_not_let_in_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSBOT_TELEGRAM_TOKEN", "123:geheim")
    monkeypatch.setenv("POSBOT_TELEGRAM_MODE", "webhook")
    with pytest.raises(SettingsError, match="POSBOT_TELEGRAM_SECRET") as raised:
        read()
    assert "geheim" not in str(raised.value)
    monkeypatch.setenv("POSBOT_TELEGRAM_SECRET", "s" * 32)
    assert read().telegram_mode == "webhook"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("REOPEN_DAYS", "0", "太小，至少是 1"),
        ("REOPEN_DAYS", "366", "太大，最多是 365"),
        ("RELEASE_MINUTES", "1.5", "要写一个整数"),
        ("RELEASE_MINUTES", "soon", "要写一个整数"),
        ("PACE_MINUTES", "-1", "太小，至少是 1"),
        ("KEEP_AUDIT", "0", "太小，至少是 1"),
        ("ASSIGN", "yes", "只能写 'on' / 'off'"),
    ],
)
def test_why_a_setting_is_wrong_is_told_in_chinese(name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"POSBOT_{name}", value)
    with pytest.raises(SettingsError) as raised:
        read()
    assert str(raised.value).startswith(f"设置 POSBOT_{name} 不对：{told}")


def test_what_an_operator_decides_is_what_the_desk_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = rules(read())
    assert (usual.reopen, usual.release, usual.pace, usual.assigns) == (Desk().reopen, Desk().release, Desk().pace, False)
    for name, value in {"REOPEN_DAYS": "3", "RELEASE_MINUTES": "5", "PACE_MINUTES": "2", "ASSIGN": "on", "HOURS": "always"}.items():
        monkeypatch.setenv(f"POSBOT_{name}", value)
    decided = rules(read())
    assert (decided.reopen, decided.release, decided.pace) == (timedelta(days=3), timedelta(minutes=5), timedelta(minutes=2))
    assert decided.assigns
    assert decided.calendar == ROUND_THE_CLOCK
