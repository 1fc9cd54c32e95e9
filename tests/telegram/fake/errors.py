"""How the Bot API refuses."""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """An answer with `ok: false`; `message` is without its prefix, as in the real server's source."""

    def __init__(self, message: str, code: int = 400, **parameters: Any) -> None:
        prefix = PREFIXES.get(code, "")
        self.code = code
        self.description = f"{prefix}: {message}" if prefix and message else prefix or message
        self.parameters = parameters
        super().__init__(self.description)

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        extra = {"parameters": self.parameters} if self.parameters else {}
        return {"ok": False, "error_code": self.code, "description": self.description, **extra}


PREFIXES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 429: "Too Many Requests"}


def too_many(seconds: int) -> RefusedError:
    """429 with the seconds to wait."""
    return RefusedError(f"retry after {seconds}", 429, retry_after=seconds)
