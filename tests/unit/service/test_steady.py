"""A clock for what waits: it never goes back, and never stands still."""

from __future__ import annotations

import pytest

from bot.domain.clock import SECOND
from bot.service.steady import Steady

HOUR = 3600 * SECOND
NOON = 1_760_000_000 * SECOND


class Machine:
    """Its wall clock can be set; the other one cannot."""

    def __init__(self) -> None:
        self.wall, self.elapsed = NOON, 7 * SECOND

    def run(self, time: int) -> None:
        self.wall += time
        self.elapsed += time

    def steady(self, latest: int = 0) -> Steady:
        return Steady(wall=lambda: self.wall, elapsed=lambda: self.elapsed, latest=latest)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_it_shows_what_the_wall_clock_shows_and_jumps_ahead_with_it(machine: Machine) -> None:
    steady = machine.steady()
    for jump in (0, SECOND, HOUR, 1):
        machine.run(SECOND)
        machine.wall += jump
        assert steady() == machine.wall


def test_when_the_wall_clock_jumps_back_time_goes_on_slowly_until_they_agree(machine: Machine) -> None:
    steady = machine.steady()
    machine.wall -= HOUR
    for minutes in range(1, 120):
        machine.run(60 * SECOND)
        assert steady() == NOON + minutes * 30 * SECOND
    machine.run(60 * SECOND)
    assert steady() == machine.wall == NOON + HOUR
    machine.run(SECOND)
    assert steady() == machine.wall


def test_who_looks_often_does_not_stop_it(machine: Machine) -> None:
    steady = machine.steady()
    machine.wall -= HOUR
    for _ in range(1000):
        machine.run(1)
        steady()
    assert steady() == NOON + 500


@pytest.mark.parametrize(("ahead", "told"), [(-HOUR, 0), (HOUR, HOUR), (400 * 24 * HOUR, 0)], ids=["behind", "ahead", "absurd"])
def test_it_begins_where_time_ended_before(machine: Machine, ahead: int, told: int) -> None:
    assert machine.steady(NOON + ahead)() == NOON + told
