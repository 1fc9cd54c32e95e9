"""The bot in a hurry, so that a short test ends soon: leases end after seconds, and it waits a second for a lock, not five. Run as
`python -m tests.faults.hasty serve`."""

from __future__ import annotations

import sys

from bot import cli
from bot.domain.clock import SECOND
from bot.service import delivery
from bot.storage import postgres, sqlite

LEASE = 4 * SECOND
"""Longer than the slowest answer of the other app (`app.SLOW`)."""

if __name__ == "__main__":
    delivery.LEASE = LEASE
    postgres._SETTINGS["lock_timeout"] = "1s"
    sqlite._PRAGMAS = tuple(pragma.replace("busy_timeout = 5000", "busy_timeout = 1000") for pragma in sqlite._PRAGMAS)  # type: ignore[assignment]
    sys.exit(cli.main(sys.argv[1:]))
