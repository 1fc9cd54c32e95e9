"""What goes over the wire, in both directions: the one description from which requests are checked and the interface is documented."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.domain.clock import SECOND
from bot.wording import say

PHOTO_BODY_LIMIT = 14_000_000
"""Bytes of a body with a picture of 10 MB, a third longer in base64."""
MERCHANT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}$"
Merchant = Annotated[str, Field(pattern=MERCHANT_PATTERN, description="The app's own id of the merchant; each merchant has one conversation.")]
Short = Annotated[str, Field(min_length=1, max_length=64)]
Written = Annotated[str, Field(min_length=1, max_length=4096)]


def _without_defaults(schema: dict[str, Any]) -> None:
    """An empty text stands for one that was not sent; a caller leaves it out."""
    for fields in schema["properties"].values():
        fields.pop("default", None)


def _one_of(schema: dict[str, Any]) -> None:
    _without_defaults(schema)
    schema["oneOf"] = [{"required": ["text"]}, {"required": ["choice"]}]


class Profile(BaseModel):
    """What the app knows of the merchant already, so that nobody has to ask. The latest profile counts; what the merchant says counts more."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra=_without_defaults)

    merchant_no: Annotated[Short, Field(description="15 digits")] = ""
    merchant_name: Short = ""
    terminal_no: Annotated[Short, Field(description="8 digits or letters")] = ""
    sn: Annotated[Short, Field(description="serial number of the machine")] = ""
    pos_model: Short = ""
    app_version: Short = ""
    phone_tail4: Annotated[str, Field(pattern="^[0-9]{4}$", description="last digits of the registered telephone")] = ""


class _Incoming(BaseModel):
    """What every message carries."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    merchant: Merchant
    profile: Profile | None = None

    def known(self) -> dict[str, str] | None:
        """The profile by slot."""
        return self.profile.model_dump(exclude_unset=True) if self.profile else None


class Message(_Incoming):
    """A text that the merchant wrote, or the id of a choice that the merchant tapped: exactly one of them."""

    model_config = ConfigDict(json_schema_extra=_one_of)

    text: Written = ""
    choice: Annotated[str, Field(min_length=1, max_length=200, description="`id` of one of the choices of the last line")] = ""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if bool(self.text) == bool(self.choice):
            raise PydanticCustomError("one_of", "exactly one of text and choice")
        return self


class PhotoMessage(_Incoming):
    """A picture that the merchant sent, JPEG, PNG or WebP."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    photo: Annotated[str, Field(min_length=4, max_length=13_333_336, json_schema_extra={"contentEncoding": "base64"}, description="at most 10,000,000 bytes")]
    caption: Written = ""

    def data(self) -> bytes:
        """The bytes of the picture. Raises ValueError."""
        return base64.b64decode(self.photo, validate=True)


class Accepted(BaseModel):
    """The message is safe: it survives a power cut, and will be answered."""

    conversation: Annotated[str, Field(description="names the conversation when its lines are fetched; the same for all messages of a merchant")]


class Option(BaseModel):
    """A button under a line: show `label`, send `id` as `choice` when it is tapped."""

    id: str
    label: str


class Line(BaseModel):
    """One line of a conversation. The bot and staff speak in `bubbles`; a merchant's line has what was sent, with card numbers and secrets taken out."""

    id: Annotated[int, Field(ge=1, description="grows within a conversation")]
    side: Literal["merchant", "bot", "staff"]
    at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    bubbles: list[str] = []
    choices: list[Option] = []
    text: str | None = None
    choice: str | None = None
    label: Annotated[str | None, Field(description="what stood on the button")] = None
    photo: Annotated[str | None, Field(description="there was a picture; this is its id")] = None
    webhook_id: Annotated[str | None, Field(description="`webhook-id` of the request that brought it")] = None


class Lines(BaseModel):
    """Lines of a conversation, oldest first."""

    conversation: str
    lines: list[Line]
    after: Annotated[int, Field(ge=0, description="pass it as `after` to get what follows")]


class Picture(BaseModel):
    """A picture of a conversation, the merchant's or one that staff sent."""

    id: str
    mime: Literal["image/jpeg"]
    photo: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]


class Pushed(BaseModel):
    """What is posted to the callback of a source: one line of the bot or of staff, in order within a merchant; `webhook-id` stays the same over retries."""

    conversation: str
    merchant: str
    line: Annotated[int, Field(ge=1)]
    bubbles: list[str]
    choices: list[Option]
    photo: Annotated[str | None, Field(description="staff sent a picture with it; this is its id")] = None
    at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Problem(BaseModel):
    """What was wrong: a stable code for programs, a Chinese sentence for people."""

    error: str
    message: str


def moment(at: int) -> str:
    """Microseconds as RFC 3339."""
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def examples() -> dict[str, list[dict[str, Any]]]:
    """Examples by name of the model."""
    shop, text = say("http.example-shop"), say("http.example-text")
    at, choices = "2026-11-24T07:20:00.000Z", [{"id": "option:paper-feed=none", "label": say("http.example-choice")}]
    line = {"id": 2, "side": "bot", "at": at, "bubbles": [say("http.example-reply")], "choices": choices}
    merchants = {"id": 1, "side": "merchant", "at": at, "bubbles": [], "choices": [], "text": text, "webhook_id": "msg_1"}
    return {
        "Message": [
            {"merchant": "m-1001", "text": text, "profile": {"terminal_no": "10023345", "merchant_name": shop}},
            {"merchant": "m-1001", "choice": "option:paper-feed=none"},
        ],
        "PhotoMessage": [{"merchant": "m-1001", "photo": "/9j/4AAQSkZJRg=="}],
        "Accepted": [{"conversation": "Zk3bq0x1c7Q"}],
        "Lines": [{"conversation": "Zk3bq0x1c7Q", "lines": [merchants, line], "after": 2}],
        "Picture": [{"id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "mime": "image/jpeg", "photo": "/9j/4AAQSkZJRg=="}],
        "Pushed": [{"conversation": "Zk3bq0x1c7Q", "merchant": "m-1001", "line": 2, "bubbles": line["bubbles"], "choices": choices, "at": at}],
        "Problem": [{"error": "bad-json", "message": say("http.bad-json")}],
    }
