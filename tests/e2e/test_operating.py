"""The service as operators run it: real processes, sockets, signals and files."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from standardwebhooks import Webhook

from bot import cli
from bot.domain.messages import Address
from bot.server import new_id
from bot.service.ports import Arrival
from bot.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
POSBOT = (sys.executable, "-m", "bot")
SLOW = """
import asyncio, sys
from aiohttp import web
from bot import cli, server

begun = asyncio.Event()

async def slow(request):
    begun.set()
    print("begun", flush=True)
    await asyncio.sleep(float(request.query["seconds"]))
    return web.Response(text="finished")

def with_slow(front, **parts):
    front.add_routes([web.get("/slow", slow)])
    add_routes(front, **parts)

async def fail(*_):
    await begun.wait()
    raise RuntimeError("worker 6222021234567890")

add_routes, server.webhook.add_routes = server.webhook.add_routes, with_slow
server.GRACE = float(sys.argv[1])
if len(sys.argv) > 2:
    server.Timers.run = fail
sys.exit(cli.main(["serve"]))
"""
"""The service with a page that takes its time, and perhaps a worker that dies."""
TOPICS = {
    "printer": ["小票打不出来", "纸卡住了", "打出来是白的", "没纸了", "字太淡看不清"],
    "network": ["没信号", "连不上网", "流量卡停了", "断网了", "一直拨号"],
}
CARD = "6222021234567890"
WORDS = "打印机坏了"
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBzaG9wLCAzMiBieXRlcyE="


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One machine with its settings and files."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def database(self) -> Path:
        return self.folder / "data" / "posbot.db"

    @property
    def knowledge(self) -> Path:
        return self.folder / "knowledge"

    def process(self, *arguments: str, preexec: Callable[[], None] | None = None, **more: str) -> Done:
        """Run a command as a process of its own."""
        done = subprocess.run(
            [*POSBOT, *arguments],
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=preexec,
        )
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    def run(self, *arguments: str, **more: str) -> Done:
        """Run a command here, which is quicker and notices what is left open."""
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            patch.chdir(self.folder)
            for name, value in {**self.environment, **more}.items():
                patch.setenv(name, value)
            code = cli.main(arguments)
            gc.collect()
        return Done(code=code, out=out.getvalue(), err=err.getvalue())

    @contextmanager
    def serving(self, *command: str, **more: str) -> Iterator[Service]:
        log = self.folder / "log"
        with (
            log.open("w+", encoding="utf-8") as errors,
            subprocess.Popen(
                command or (*POSBOT, "serve"), cwd=self.folder, env={**self.environment, **more}, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                addresses = re.findall(r"http://[\w.:\[\]]+", line)
                assert len(addresses) == 2, line + log.read_text("utf-8")
                yield Service(process=process, address=addresses[0], ops=addresses[1], log=log)
            finally:
                process.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running `posbot serve`."""

    process: subprocess.Popen[str]
    address: str
    ops: str
    log: Path

    def end(self, signum: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(signum)
        return self.process.wait(20)

    def metric(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", get(f"{self.ops}/metrics")[1], re.M)
        return float(found[1]) if found else 0.0

    @property
    def place(self) -> tuple[str, int]:
        """Where merchants come in."""
        host, _, port = self.address.removeprefix("http://").rpartition(":")
        return host, int(port)

    @property
    def port(self) -> str:
        return self.ops.rpartition(":")[2]


@pytest.fixture
def shop(tmp_path: Path, cache: Path) -> Shop:
    """A shop with a small knowledge base, free ports and a database that is not there yet."""
    for topic, phrasings in TOPICS.items():
        write(tmp_path / "knowledge" / "topics" / f"{topic}.yaml", f"title: {topic}\nphrasings: [{', '.join(phrasings)}]\n")
    settings = {"DATABASE": "data/posbot.db", "KNOWLEDGE": "knowledge", "CACHE": str(cache), "PORT": "0", "OPS_PORT": "0", "CONSOLE": "off"}
    ours = {f"POSBOT_{name}": value for name, value in settings.items()}
    others = {name: value for name, value in os.environ.items() if not name.startswith("POSBOT_")}
    return Shop(folder=tmp_path, environment={**others, **ours, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "http_proxy": "http://127.0.0.1:9"})


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def get(url: str, method: str = "GET") -> tuple[int, str]:
    try:
        with urlopen(Request(url, method=method), timeout=30) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def wait_for(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


def arrive(database: Path, *bodies: str, beside: bool = True) -> None:
    """Merchants write, past every channel."""

    async def accept() -> None:
        store = await (SQLiteStore.beside if beside else SQLiteStore.open)(database, new_id)
        for number, body in enumerate(bodies):
            address = Address(channel="web", chat="anna")
            await store.accept(Arrival(address=address, ext_id=str(number), kind="said", body=body, received=time.time_ns() // 1000))
        await store.close()

    asyncio.run(accept())


def conversations(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM conversation").fetchone()[0])


def said(text: str) -> str:
    return json.dumps({"text": text, "secrets": []}, ensure_ascii=False)


def test_a_service_from_start_to_end(shop: Shop) -> None:
    """One process for many questions, because each start takes a second."""
    with shop.serving(POSBOT_LOG_LEVEL="DEBUG", POSBOT_LOG_FORMAT="json", POSBOT_CONSOLE="on") as service:
        assert [get(service.ops + path)[0] for path in ("/healthz", "/readyz", "/metrics", "/nowhere")] == [200, 200, 200, 404]
        assert service.metric('posbot_waiting{what="inbox"}') == 0

        # what comes in is handled; what cannot be is put aside; neither is seen in the log
        arrive(shop.database, said(f"{WORDS} {CARD}"), f"no JSON: {WORDS} {CARD}")
        wait_for(lambda: service.metric('posbot_events_total{result="done"}') == 1 == service.metric('posbot_events_total{result="dead"}'))

        second = shop.process("serve")
        assert (second.code, second.out) == (1, "")
        assert second.err.startswith("另一个进程正在使用数据库 data/posbot.db")

        taken = shop.process("serve", POSBOT_DATABASE="other/posbot.db", POSBOT_PORT=service.address.rpartition(":")[2])
        assert taken.code == 1
        assert taken.err.startswith("不能在 127.0.0.1:")

        backup = shop.run("backup", "copy.db")
        assert (backup.code, backup.out[:9]) == (0, "已备份到 copy")
        assert conversations(shop.folder / "copy.db") == 1
        assert (shop.folder / "copy.db").stat().st_mode & 0o077 == 0

        refused = shop.run("restore", "copy.db")
        assert (refused.code, refused.err[:4]) == (1, "另一个进")
        purge = shop.run("purge")
        assert (purge.code, purge.out.strip()) == (0, "已删除 0 行过期内容")

        assert service.end() == 0
        assert service.process.stdout is not None
        (first,) = service.process.stdout.read().splitlines()  # the first account, and no more
        (password,) = re.findall(r"admin\D+?([a-z0-9]{4}(?:-[a-z0-9]{4}){3})", first)
        assert password not in service.log.read_text("utf-8")
        told = [json.loads(line) for line in service.log.read_text("utf-8").splitlines()]
        assert {"event_dead", "ending"} <= {line.get("event") for line in told}
        assert WORDS not in service.log.read_text("utf-8")
        assert CARD not in service.log.read_text("utf-8")
    assert not [path.name for path in shop.database.parent.iterdir() if path.name not in ("posbot.db", "posbot.db.lock")]


def test_the_first_account_is_told_once(shop: Shop) -> None:
    with shop.serving(POSBOT_CONSOLE="on") as service:
        assert service.process.stdout is not None
        assert "admin" in service.process.stdout.readline()
        assert get(f"{service.address}/console/login")[0] == 200
        assert shop.run("staff", "add", "anna").code == 0  # beside the service
        assert service.end() == 0
    with shop.serving(POSBOT_CONSOLE="on") as service:
        assert service.end() == 0
        assert service.process.stdout is not None
        assert service.process.stdout.read() == ""
    with shop.serving() as service:
        assert get(f"{service.address}/console/login")[0] == 404
        assert service.end() == 0


def test_knowledge_is_read_again_when_it_is_good(shop: Shop) -> None:
    printer = shop.knowledge / "topics" / "printer.yaml"
    good = printer.read_text("utf-8")
    with shop.serving() as service:

        def version() -> str:
            found = re.search(r'posbot_knowledge_info{version="(\w+)"} 1', get(f"{service.ops}/metrics")[1])
            return found[1] if found else ""

        first = version()
        asked = shop.run("reload", POSBOT_OPS_PORT=service.port)
        assert (asked.code, asked.out.strip()) == (0, f"知识库已重新读取，版本 {first}")

        write(printer, good + "nonsense: 1\n")
        broken = shop.run("reload", POSBOT_OPS_PORT=service.port)
        assert broken.code == 1
        assert "继续用旧的" in broken.err
        assert "printer.yaml:3" in broken.err
        assert (version(), service.metric('posbot_knowledge_reloads_total{result="broken"}')) == (first, 1)

        write(printer, good.replace("没纸了", "纸用完了"))  # noticed without being told
        wait_for(lambda: version() != first)
        second = version()

        shutil.move(shop.knowledge, shop.folder / "away")
        wait_for(lambda: service.metric('posbot_knowledge_reloads_total{result="broken"}') == 2)
        assert version() == second
        write(shop.folder / "away" / "topics" / "printer.yaml", good)
        shutil.move(shop.folder / "away", shop.knowledge)
        wait_for(lambda: version() == first)
        assert service.end() == 0
        assert "the old one stays in use" in service.log.read_text("utf-8")
    gone = shop.run("reload", POSBOT_OPS_PORT=service.port)
    assert (gone.code, gone.err[:1]) == (1, "在")


def begin_slow(service: Service, seconds: float) -> socket.socket:
    """A request that is being handled."""
    connection = socket.create_connection(service.place, timeout=30)
    connection.sendall(f"GET /slow?seconds={seconds} HTTP/1.1\r\nHost: posbot\r\nConnection: close\r\n\r\n".encode())
    assert service.process.stdout is not None
    assert service.process.stdout.readline() == "begun\n"
    return connection


def accepts(service: Service) -> bool:
    try:
        socket.create_connection(service.place, timeout=30).close()
    except ConnectionError:
        return False
    return True


def answer(connection: socket.socket) -> str:
    with connection, connection.makefile("rb") as file:
        return file.read().decode()


def test_a_request_in_flight_is_answered_before_the_end(shop: Shop) -> None:
    with shop.serving(sys.executable, "-c", SLOW, "20") as service, begin_slow(service, 0.6) as connection:
        service.process.terminate()
        service.process.terminate()  # once more changes nothing
        wait_for(lambda: get(f"{service.ops}/readyz") == (503, "draining\n"))  # told while it is still at work
        assert answer(connection).endswith("finished")
        assert service.process.wait(10) == 0


def test_a_message_that_is_still_arriving_is_taken_before_the_end(shop: Shop) -> None:
    write(shop.folder / "sources.json", json.dumps([{"name": "shop", "secrets": [SECRET]}]))
    body = json.dumps({"merchant": "m-1", "text": WORDS}).encode()
    at = datetime.now(UTC)
    headers = {
        "Host": "posbot", "Content-Length": len(body), "webhook-id": "one", "webhook-timestamp": int(at.timestamp()),
        "webhook-signature": Webhook(SECRET).sign("one", at, body.decode()),
    }  # fmt: skip
    with shop.serving(POSBOT_SOURCES="sources.json") as service, socket.create_connection(service.place, timeout=30) as connection:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"POST /v1/sources/shop/messages HTTP/1.1\r\n{head}\r\n".encode() + body[:20])
        time.sleep(0.1)  # it has been read
        service.process.terminate()
        wait_for(lambda: get(f"{service.ops}/readyz") == (503, "draining\n"))
        wait_for(lambda: not accepts(service))  # nobody new
        connection.sendall(body[20:])
        assert answer(connection).startswith("HTTP/1.1 202 ")
        assert service.process.wait(20) == 0
    assert conversations(shop.database) == 1


def test_what_takes_too_long_is_not_waited_for(shop: Shop) -> None:
    with shop.serving(sys.executable, "-c", SLOW, "0.2") as service, begin_slow(service, 60) as connection:
        assert service.end() == 0
        assert "finished" not in answer(connection)


def test_a_second_interrupt_ends_at_once(shop: Shop) -> None:
    with shop.serving(sys.executable, "-c", SLOW, "60") as service, begin_slow(service, 60):
        service.process.send_signal(signal.SIGINT)
        wait_for(lambda: get(f"{service.ops}/readyz")[0] == 503)
        assert service.end(signal.SIGINT) == 130
    assert shop.run("purge").code == 0


def test_a_worker_that_dies_ends_the_service_which_is_then_started_anew(shop: Shop) -> None:
    with shop.serving(sys.executable, "-c", SLOW, "20", "fail") as service, begin_slow(service, 0.1) as connection:
        assert answer(connection).endswith("finished")
        assert service.process.wait(20) == 1
        log = service.log.read_text("utf-8")
        assert "ended by an error" in log
        assert "RuntimeError: worker ***" in log
        assert CARD not in log
    assert shop.run("doctor").code == 0  # the database was let go


def test_broken_knowledge_is_told_at_the_start(shop: Shop) -> None:
    write(shop.knowledge / "topics" / "printer.yaml", "titel: x\n")
    tried = shop.process("serve")
    assert (tried.code, tried.out) == (1, "")
    assert "topics/printer.yaml:1" in tried.err
    assert "Traceback" not in tried.err
    doctor = shop.run("doctor")
    assert doctor.code == 1
    assert "不行 知识库" in doctor.out


def test_doctor_names_what_is_wrong(shop: Shop) -> None:
    good = shop.run("doctor")
    assert (good.code, good.err) == (0, "")
    assert good.out.count("好   ") + good.out.count("提醒") == 7  # holidays are known for a while only
    write(shop.folder / "file", "")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bad = shop.run("doctor", POSBOT_DATABASE="file/posbot.db", POSBOT_OPS_PORT=str(taken.getsockname()[1]), POSBOT_HOST="nowhere.invalid")
    assert bad.code == 1
    assert [line[3:6] for line in bad.out.splitlines() if line.startswith("不行")] == ["数据库", "端口 ", "端口 "]


def test_a_backup_that_cannot_be_written_is_told_and_leaves_nothing(shop: Shop) -> None:
    arrive(shop.database, *[said("x" * 1000)] * 200, beside=False)
    write(shop.folder / "there.db", "mine")
    full = shop.process("backup", "full.db", preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
    tries = [shop.run("backup", name) for name in ("there.db", "no/folder/copy.db", "there.db/copy.db")]
    assert [tried.code for tried in (full, *tries)] == [1, 1, 1, 1]
    assert ["Traceback" in tried.err or not tried.err for tried in (full, *tries)] == [False] * 4
    assert "已经存在" in tries[0].err
    assert (shop.folder / "there.db").read_text() == "mine"
    assert sorted(path.name for path in shop.folder.iterdir() if path.is_file()) == ["there.db"]


def test_there_and_back_again(shop: Shop) -> None:
    assert shop.run("migrate").out.strip() == "数据库结构已是最新"
    assert shop.run("backup", "copy ü?#%.db").code == 0
    arrive(shop.database, said("一"))
    assert shop.run("restore", "copy ü?#%.db").code == 0
    assert (conversations(shop.database), conversations(shop.database.with_name("posbot.db.1"))) == (0, 1)
    back = shop.run("restore", "data/posbot.db.1")
    assert (back.code, back.out.strip()) == (0, "已从 data/posbot.db.1 恢复；原来的数据库留在 data/posbot.db.2")
    assert (conversations(shop.database), conversations(shop.database.with_name("posbot.db.2"))) == (1, 0)
    shutil.rmtree(shop.database.parent)
    assert shop.run("restore", "copy ü?#%.db").code == 0  # a new machine
    assert conversations(shop.database) == 0
