"""A PostgreSQL server of our own, to be killed: a folder, a port that was free, no rights over anything else."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.world import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DOWN = 1.0
"""Seconds that a server stays away after it was killed."""
STARTS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server that runs. `folder` is all that it writes."""

    folder: Path
    programs: Path
    port: int

    @property
    def dsn(self) -> str:
        return f"postgresql://posbot@127.0.0.1:{self.port}/postgres"

    def crash(self) -> None:
        """Kill the server where it stands, as a failing machine does; after a while it is started again, and repairs itself from its log."""
        os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        time.sleep(DOWN)
        self.start()

    def start(self) -> None:
        """Start it; children of the one that was killed may need a moment to notice, and nothing starts before they are gone."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        end = time.monotonic() + STARTS
        while self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start").returncode:
            assert time.monotonic() < end, (self.folder / "log").read_text("utf-8", "replace")
            time.sleep(0.2)

    def create(self) -> None:
        """Make an empty database of it. Raises CalledProcessError."""
        self._run("initdb", "-U", "posbot", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").check_returncode()

    def stop(self) -> None:
        """Stop it for good."""
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """PostgreSQL refuses to run as root."""
        lowly: dict[str, Any] = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        return subprocess.run(command, check=False, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, **lowly)


def programs() -> Path | None:
    """The folder with the server's programs, the newest; None where there is none."""
    found = shutil.which("pg_ctl")
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(found).resolve().parent] if found else [])]
    whole = [folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
    return max(whole, key=lambda folder: int(folder.parent.name) if folder.parent.name.isdecimal() else 0, default=None)


@contextmanager
def cluster(programs: Path) -> Iterator[Cluster]:
    """A server until the block is left. Its folder is not in pytest's, which nobody but their owner may enter."""
    with tempfile.TemporaryDirectory(prefix="posbot-postgres-") as name:
        made = Cluster(folder=Path(name), programs=programs, port=free_port())
        if os.geteuid() == 0:
            os.chown(name, pwd.getpwnam("nobody").pw_uid, -1)
        made.create()
        made.start()
        try:
            yield made
        finally:
            made.stop()
