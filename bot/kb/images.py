"""Pictures that go with canned replies: few, small, and such that every chat shows them."""

from __future__ import annotations

import io
from pathlib import PurePosixPath

from bot.wording import say

FOLDER = "images/"
MOST_BYTES = 300_000
"""They are sent to telephones, and stay in memory as long as the knowledge base is in use."""
FORMATS = {".png": "PNG", ".jpg": "JPEG"}


def is_image(name: str) -> bool:
    """Whether a file is called like a picture."""
    return PurePosixPath(name).suffix in FORMATS


def wrong(name: str, content: bytes) -> str | None:
    """Why a picture cannot be used, in Chinese; None when it can. By its name it is a PNG or a JPEG."""
    from PIL import Image  # noqa: PLC0415  (half of a short command's start, and only needed where there are pictures)

    if len(content) > MOST_BYTES:
        return say("image.too-big", most=MOST_BYTES // 1000, now=len(content) // 1000)
    try:
        with Image.open(io.BytesIO(content), formats=[FORMATS[PurePosixPath(name).suffix]]) as picture:
            picture.verify()
    except Exception:  # noqa: BLE001  (decoders raise whatever a broken file makes them raise)
        return say("image.unreadable")
    return None
