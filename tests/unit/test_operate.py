"""What operators type, with files and neighbours that are not what they should be."""

from __future__ import annotations

import io
import json
import re
import resource
import signal
import socket
import sqlite3
from contextlib import closing, contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from bot import cli
from bot.settings import Settings
from bot.storage import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.places import Server


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder with the settings of one machine."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"POSBOT_{name.upper()}", raising=False)
    monkeypatch.setenv("POSBOT_DATABASE", "posbot.db")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and what a person is told."""
    code = cli.main(arguments)
    told = capsys.readouterr()
    return code, told.err + told.out


def damaged(path: Path, kind: str) -> None:
    """A file that is no backup of ours."""
    if kind in ("cut", "scratched", "newer"):
        assert cli.main(["backup", str(path)]) == 0
    match kind:
        case "empty":
            path.touch()
        case "text":
            path.write_text("no database", "utf-8")
        case "folder":
            path.mkdir()
        case "cut":
            path.write_bytes(path.read_bytes()[:20_000])
        case "scratched":
            data = bytearray(path.read_bytes())
            data[4096:8192] = bytes(4096)
            path.write_bytes(data)
        case "newer" | "foreign":
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER)")
                connection.execute("INSERT INTO schema_version VALUES (?)", (migrations.newest("sqlite") + 1,))
        case _:
            assert kind == "missing"


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "folder", "cut", "scratched", "newer", "foreign"])
def test_only_a_whole_backup_of_ours_is_restored(kind: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "migrate")[0] == 0
    damaged(folder / "copy", kind)
    before = (folder / "posbot.db").read_bytes()
    capsys.readouterr()
    code, told = run(capsys, "restore", "copy")
    assert code == 1
    assert told.count("\n") == 1
    assert (folder / "posbot.db").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir() if path.name != "copy") == ["posbot.db", "posbot.db.lock"]


def test_nothing_is_restored_while_the_service_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "migrate")[0] == 0
    assert run(capsys, "backup", "copy")[0] == 0
    with FileLock(folder / "posbot.db.lock"):
        code, told = run(capsys, "restore", "copy")
    assert (code, told[:4]) == (1, "另一个进")
    assert not (folder / "posbot.db.1").exists()


def test_a_full_disk_keeps_the_old_database(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(capsys, "migrate")[0] == 0
    assert run(capsys, "backup", "copy")[0] == 0
    before = (folder / "posbot.db").read_bytes()
    with small_files(8192):
        code, told = run(capsys, "restore", "copy")
    assert (code, told[:5]) == (1, "没有恢复 ")
    assert (folder / "posbot.db").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["copy", "posbot.db", "posbot.db.lock"]


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file can grow beyond this size, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_backup_is_one_file_that_can_be_read_where_nothing_can_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "migrate")[0] == 0
    assert run(capsys, "backup", "copy")[0] == 0
    with closing(sqlite3.connect(f"file:{folder}/copy?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_server_keeps_its_own_backups(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSBOT_DATABASE", "postgresql://posbot:geheim@db/posbot")
    code, told = run(capsys, command, "copy")
    assert (code, "pg_dump" in told, "geheim" in told) == (1, True, False)


@pytest.mark.parametrize("command", [["migrate"], ["purge"], ["backup", "copy"]])
@pytest.mark.parametrize("kind", ["text", "folder", "foreign", "empty", "missing"])
def test_what_is_no_database_of_ours_is_told(command: list[str], kind: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged(folder / "posbot.db", kind)
    code, told = run(capsys, *command)
    assert "Traceback" not in told
    if (command[0], kind) not in (("migrate", "empty"), ("migrate", "missing"), ("backup", "empty"), ("backup", "foreign")):
        assert code == 1
        assert told.count("\n") == 1


@contextmanager
def neighbour(answer: bytes) -> Iterator[int]:
    """Somebody else who listens on the port; says this to the first who comes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nNone",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\xff",
    ],
    ids=["nothing", "ssh", "html", "list", "object", "cut"],
)
def test_a_stranger_on_the_port_is_told(answer: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with neighbour(answer) as port:
        monkeypatch.setenv("POSBOT_OPS_PORT", str(port))
        code, told = run(capsys, "reload")
    assert code == 1
    assert told.count("\n") == 1


def test_a_setting_that_is_wrong_stops_every_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSBOT_OPS_PORT", "geheim")
    for command in ("serve", "doctor", "migrate", "purge", "reload"):
        code, told = run(capsys, command)
        assert (code, told.startswith("设置 POSBOT_OPS_PORT 不对"), "geheim" in told) == (1, True, False)


def test_accounts_from_the_command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(capsys, "staff", "list")[1].startswith("还没有账号")
    code, told = run(capsys, "staff", "add", "Anna", "--name", "安娜", "--role", "admin", "--groups", "华东,风险")
    assert code == 0
    assert re.search(r"anna（管理员）[^-]+[a-z0-9]{4}(-[a-z0-9]{4}){3} ", told)
    assert run(capsys, "staff", "add", "anna") == (1, "登录名“anna”已经有人用了\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("a long one of mine\nrest\n"))
    assert run(capsys, "staff", "add", "ben", "--password-stdin") == (0, "已添加 ben（客服）\n")
    for given, why in (("", "没有密码"), ("short\n", "太短"), ("ben1234ben\n", "登录名")):
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code, told = run(capsys, "staff", "passwd", "BEN", "--password-stdin")
        assert code == 1
        assert why in told
    assert run(capsys, "staff", "role", "ben", "lead") == (0, "ben 现在是组长\n")
    assert run(capsys, "staff", "role", "ben", "king")[0] == 2
    assert run(capsys, "staff", "disable", "ben")[0] == 0
    assert run(capsys, "staff", "disable", "anna")[0] == 1
    assert run(capsys, "staff", "enable", "nobody")[0] == 1
    listed = json.loads(run(capsys, "staff", "list", "--json")[1])
    assert [(each["login"], each["role"], each["groups"], each["disabled"], each["must_change"]) for each in listed] == [
        ("anna", "admin", ["华东", "风险"], False, True),
        ("ben", "lead", [], True, True),
    ]
    assert [line.split()[:2] for line in run(capsys, "staff", "list")[1].splitlines()] == [["anna", "管理员"], ["ben", "组长"]]


def test_accounts_beside_a_running_service(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    run(capsys, "migrate")
    with FileLock(folder / "posbot.db.lock"):
        assert run(capsys, "staff", "add", "anna")[0] == 0
        assert "anna" in run(capsys, "staff", "list")[1]
        assert run(capsys, "staff", "passwd", "anna")[0] == 0


def test_accounts_on_a_server(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setenv("POSBOT_DATABASE", server.dsn)
    assert run(capsys, "staff", "add", "anna", "--role", "lead")[0] == 0
    assert run(capsys, "staff", "add", "ANNA")[0] == 1
    assert run(capsys, "staff", "list")[1].split()[:2] == ["anna", "组长"]
