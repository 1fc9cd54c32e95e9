"""What is written for the machines that run the service agrees with the program, and with itself."""

from __future__ import annotations

import re
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import server, telegram
from bot.channels.telegram.hook import PATH
from bot.ops.meter import Meter
from bot.settings import Settings, read

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE = {name: yaml.safe_load((DEPLOY / name).read_text("utf-8")) for name in ("compose.yaml", "compose.small.yaml")}
SERVICES = [pytest.param(name, service, id=f"{name}:{service}") for name, file in COMPOSE.items() for service in file["services"]]
VARIABLES = {f"POSBOT_{name.upper()}" for name in Settings.model_fields}
LONGEST_END = telegram.GRACE + 2 * server.GRACE + 1
"""Seconds for updates, requests, deliveries, and the rest."""


def service(name: str, service: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE[name]["services"][service]
    return found


def ours() -> list[dict[str, Any]]:
    return [each for file in COMPOSE.values() for each in file["services"].values() if each["image"].startswith("posbot:")]


def example() -> dict[str, str]:
    return dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (DEPLOY / ".env.example").read_text("utf-8"), re.M))


def test_the_example_lists_exactly_the_settings_with_their_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    listed = example()
    assert set(listed) - {"SITE"} == VARIABLES
    defaults = read().model_dump()
    fixed = (
        "host",
        "port",
        "ops_host",
        "ops_port",
        "proxies",
        "zone",
        "hours",
        "holidays",
        "keep_messages",
        "keep_photos",
        "keep_conversations",
        "keep_audit",
        "reopen_days",
        "release_minutes",
        "assign",
        "pace_minutes",
        "log_format",
        "log_level",
        "embed",
    )
    assert {name: listed[f"POSBOT_{name.upper()}"] for name in fixed} == {name: str(defaults[name]) for name in fixed}


def test_the_example_can_be_used_as_it_is_and_with_every_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    text = (DEPLOY / ".env.example").read_text("utf-8")
    (tmp_path / ".env").write_text(text, "utf-8")
    before = read()
    (tmp_path / ".env").write_text(re.sub(r"^# (POSBOT_(?!SECRETS))", r"\1", text, flags=re.M), "utf-8")
    assert read().database_file == Path("/var/lib/posbot/posbot.db")
    assert before.database_file != Path("/var/lib/posbot/posbot.db")


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml", "compose.small.yaml", "posbot.service", "posbot-backup.service", "README.md"])
def test_only_settings_that_there_are_are_set(file: str) -> None:
    assert set(re.findall(r"\bPOSBOT_[A-Z_]+\b", (DEPLOY / file).read_text("utf-8"))) <= VARIABLES


def test_what_the_image_is_made_of_is_there_and_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sources = [word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M) for word in line.split()]
    assert sources
    assert all((ROOT / source).exists() and f"!{source}" in ignore for source in sources)
    assert "*" in ignore


def test_every_locked_package_has_a_hash_and_what_only_builds_is_taken_away() -> None:
    locked = re.findall(r"^(\S+)==\S+(.*)$", (ROOT / "requirements.txt").read_text("utf-8"), re.M)
    assert locked
    assert all(rest.endswith("\\") for _, rest in locked)
    gone = re.search(r"uninstall --yes --quiet (editables .*) \\", DOCKERFILE)
    assert gone
    assert {"hatchling", "editables", "pathspec", "pluggy", "trove-classifiers"} <= set(gone[1].split())


def test_ports_agree() -> None:
    defaults = {name: Settings.model_fields[name].default for name in ("port", "ops_port", "telegram_port")}
    caddy = (DEPLOY / "Caddyfile").read_text("utf-8")
    assert re.findall(r"EXPOSE (\d+) (\d+)", DOCKERFILE) == [(str(defaults["port"]), str(defaults["telegram_port"]))]
    assert re.findall(r"HTTPConnection\('127.0.0.1', (\d+)", DOCKERFILE) == [str(defaults["ops_port"])]
    hook, rest = caddy.split(f"handle {PATH} {{")[1].split("handle {")
    assert set(re.findall(r"posbot-\d:(\d+)", hook)) == {str(defaults["telegram_port"])}
    assert set(re.findall(r"posbot-\d:(\d+)", rest)) == {str(defaults["port"])}
    assert re.findall(r"health_port (\d+)", caddy) == [str(defaults["ops_port"])]
    assert set(re.findall(r"posbot-\d", caddy)) == {name for name in COMPOSE["compose.yaml"]["services"] if name.startswith("posbot")}
    published = [port for file in COMPOSE.values() for each in file["services"].values() for port in each.get("ports", ())]
    assert published == ["80:80", "443:443", "443:443/udp", "127.0.0.1:8080:8080"]


@pytest.mark.parametrize(("name", "each"), SERVICES)
def test_every_container_is_hardened(name: str, each: str) -> None:
    one = service(name, each)
    assert (one["read_only"], one["init"], one["cap_drop"], one["security_opt"]) == (True, True, ["ALL"], ["no-new-privileges:true"])
    assert one["mem_limit"]
    assert one["pids_limit"]
    assert one.get("cap_add", []) in ([], ["NET_BIND_SERVICE"])
    assert each == "proxy" or not one["user"].startswith(("0", "root"))
    assert not re.search(r"(?i)password\b|secret\b", " ".join(str(value) for value in one["environment"].values() if "/run/secrets" not in str(value)))


def test_secrets_that_are_mounted_are_settings_or_the_databases_own() -> None:
    secrets = COMPOSE["compose.yaml"]["secrets"]
    assert set(secrets) - VARIABLES == {"database_password"}
    assert all(secret["file"] == f"./secrets/{name}" for name, secret in secrets.items())
    assert "database_password" not in service("compose.yaml", "posbot-1")["secrets"]
    ignored = subprocess.run(["git", "check-ignore", "deploy/secrets/POSBOT_DATABASE", "deploy/.env"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == ["deploy/secrets/POSBOT_DATABASE", "deploy/.env"]


def test_one_trusted_proxy_is_in_front() -> None:
    assert {each["environment"]["POSBOT_PROXIES"] for each in ours()} == {"1", "${POSBOT_PROXIES:-0}"}
    assert "X-Forwarded" not in re.sub(r"#.*", "", (DEPLOY / "Caddyfile").read_text("utf-8"))  # Caddy's own way is right


def test_everybody_waits_for_the_end_of_what_is_in_flight() -> None:
    assert all(float(each["stop_grace_period"].removesuffix("s")) > LONGEST_END for each in ours())
    assert float(unit("posbot.service")["Service"]["TimeoutStopSec"]) > LONGEST_END


def unit(file: str) -> RawConfigParser:
    parser = RawConfigParser(strict=False, comment_prefixes=("#",), inline_comment_prefixes=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / file, "utf-8")
    return parser


def test_the_unit_gives_the_service_its_own_places_only() -> None:
    section = unit("posbot.service")["Service"]
    assert section["ExecStart"].endswith("/posbot serve")
    assert (section["User"], section["StateDirectory"], section["ProtectSystem"], section["NoNewPrivileges"]) == ("posbot", "posbot", "strict", "yes")
    assert section["LoadCredential"].partition(":")[0] in VARIABLES
    assert "POSBOT_SECRETS=%d" in section["Environment"].split()


def test_alerts_ask_for_metrics_that_there_are() -> None:
    meter = Meter()
    meter.learnt("v")
    there = set(re.findall(r"^# TYPE (\S+)", meter.text().decode(), re.M))
    (block,) = re.findall(r"```yaml\n(.*?)```", (DEPLOY / "README.md").read_text("utf-8"), re.S)
    (group,) = yaml.safe_load(block)["groups"]
    asked = {name for rule in group["rules"] for name in re.findall(r"\b(?:posbot|process)_\w+", rule["expr"])}
    assert asked
    assert {name.removesuffix("_bucket") for name in asked} <= there
