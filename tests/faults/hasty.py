"""The bot with short leases: what a killed process was sending comes back after seconds, so that a short test ends soon. Run as
`python -m tests.faults.hasty serve`."""

from __future__ import annotations

import sys

from bot import cli
from bot.domain.clock import SECOND
from bot.service import delivery

LEASE = 4 * SECOND
"""Longer than the slowest answer of the other app (`app.SLOW`)."""

if __name__ == "__main__":
    delivery.LEASE = LEASE
    sys.exit(cli.main(sys.argv[1:]))
