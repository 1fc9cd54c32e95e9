"""What goes wrong on purpose: answers that are errors, pages of a proxy, connections that end before or after a call was carried out, slowness, floods."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.telegram.fake.call import Call

Kind = Literal["refuse", "page", "drop_before", "drop_after", "slow", "flood"]
QUIET = {"getupdates", "setwebhook", "deletewebhook", "getwebhookinfo", "getme"}
"""Methods that a fault without names of methods leaves alone."""


@dataclass(kw_only=True)
class Fault:
    """refuse: `code`, `description`, `parameters` · page: HTML with status `code` · drop_before and drop_after: no answer · slow: `seconds` later ·
    flood: 429 with `retry_after` for `seconds`. For `times` calls (None: without end) of `methods`, in `chat` if it is given, at `share` of them."""

    kind: Kind
    methods: tuple[str, ...] = ()
    chat: int | None = None
    times: int | None = 1
    share: float = 1.0
    code: int = 500
    description: str = "Internal Server Error"
    parameters: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    retry_after: int = 1
    until: float = float("inf")


@dataclass
class Faults:
    """The faults that wait for their call."""

    clock: Callable[[], float]
    waiting: list[Fault] = field(default_factory=list)
    chance: Random = field(default_factory=lambda: Random(1))

    def add(self, fault: Fault) -> None:
        """A fault; the time of a flood begins now."""
        if fault.kind == "flood":
            fault.times = None
            fault.until = self.clock() + fault.seconds
        self.waiting.append(fault)

    def meet(self, call: Call) -> Fault | None:
        """The fault that this call meets, used up by one."""
        self.waiting = [fault for fault in self.waiting if fault.until > self.clock() and fault.times != 0]
        for fault in self.waiting:
            if _concerns(fault, call) and self.chance.random() < fault.share:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


def _concerns(fault: Fault, call: Call) -> bool:
    name = call.method.lower()
    if fault.chat is not None and str(fault.chat) != str(call.values.get("chat_id", "")):
        return False
    return name in {known.lower() for known in fault.methods} if fault.methods else name not in QUIET
