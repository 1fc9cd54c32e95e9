"""Buttons: what a keyboard may contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.telegram.fake.errors import RefusedError

if TYPE_CHECKING:
    from tests.telegram.fake.call import Call

DATA = 64
"""Bytes of callback data."""
BUTTONS = 100
"""Buttons of one inline keyboard that the server still takes."""
OTHERS = ("keyboard", "remove_keyboard", "force_reply")


def read(call: Call) -> dict[str, Any] | None:
    """The keyboard of a call, checked.

    Raises:
        RefusedError: it is not one, or a button is not allowed.
    """
    given = call.object("reply_markup")
    if given is None:
        return None
    if "inline_keyboard" not in given:
        if not any(name in given for name in OTHERS):
            raise RefusedError("can't parse reply keyboard markup JSON object")
        return given
    rows = [[_button(button) for button in _list(row)] for row in _list(given["inline_keyboard"])]
    if sum(map(len, rows)) > BUTTONS:
        raise RefusedError("reply markup is too long")
    rows = [row for row in rows if row]
    return {"inline_keyboard": rows} if rows else None


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise RefusedError("can't parse inline keyboard: array of arrays of buttons expected")
    return value


def _button(button: Any) -> dict[str, Any]:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise RefusedError("can't parse inline keyboard button: Can't find field \"text\"")
    if not button["text"].strip():
        raise RefusedError("BUTTON_TEXT_EMPTY")
    if "callback_data" in button:
        if not 1 <= len(str(button["callback_data"]).encode()) <= DATA:
            raise RefusedError("BUTTON_DATA_INVALID")
    elif "url" in button:
        if not str(button["url"]).startswith(("http://", "https://", "tg://")):
            raise RefusedError(f"inline keyboard button URL '{button['url']}' is invalid: wrong HTTP URL")
    elif not {"copy_text", "switch_inline_query", "web_app", "login_url"} & set(button):
        raise RefusedError("can't parse inline keyboard button: text buttons are unallowed in the inline keyboard")
    return button
