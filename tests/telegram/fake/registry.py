"""The methods that the fake knows, with the parameters that it knows of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.telegram.fake.call import Call
    from tests.telegram.fake.world import World

    Run = Callable[[World, Call], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method. `costs` counts against the limits: "message", "edit" or nothing."""

    name: str
    run: Run
    parameters: frozenset[str]
    costs: str = ""


METHODS: dict[str, Method] = {}
"""By name in small letters: the real server does not mind either."""


def method(parameters: str, costs: str = "") -> Callable[[Run], Run]:
    """Make a function a method of the same name, with these parameters."""

    def register(run: Run) -> Run:
        first, *rest = run.__name__.split("_")
        name = first + "".join(part.capitalize() for part in rest)
        METHODS[name.lower()] = Method(name=name, run=run, parameters=frozenset(parameters.split()), costs=costs)
        return run

    return register
