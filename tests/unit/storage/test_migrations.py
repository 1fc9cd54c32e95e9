from __future__ import annotations

import pytest

from bot.storage import migrations


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_changes_are_numbered_without_gaps_and_the_same_in_both_dialects(dialect: str) -> None:
    assert [number for number, _ in migrations.after(dialect, 0)] == list(range(1, migrations.newest("sqlite") + 1))
