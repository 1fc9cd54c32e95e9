"""Pictures that go with canned replies: few, small, and of the two kinds that every chat shows."""

from __future__ import annotations

from pathlib import PurePosixPath
from zlib import crc32

from bot.wording import say

FOLDER = "images/"
MOST_BYTES = 300_000
"""They are sent to telephones, and stay in memory as long as the knowledge base is in use."""
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


def is_image(name: str) -> bool:
    """Whether a file is called like a picture."""
    return PurePosixPath(name).suffix in _WHOLE


def wrong(name: str, content: bytes) -> str | None:
    """Why a picture cannot be used, in Chinese; None when it can. By its name it is a PNG or a JPEG.

    Without a library for pictures: a bot that is asked one question would wait for it.
    """
    if len(content) > MOST_BYTES:
        return say("image.too-big", most=MOST_BYTES // 1000, now=len(content) // 1000)
    return None if _WHOLE[PurePosixPath(name).suffix](content) else say("image.unreadable")


def _is_png(content: bytes) -> bool:
    """Whether it is a PNG whose parts are all there, as their checksums say."""
    at = len(_PNG)
    while content.startswith(_PNG) and at + 12 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        if crc32(content[at + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            return False
        if content[at + 4 : at + 8] == b"IEND":
            return True
        at = end + 4
    return False


def _is_jpeg(content: bytes) -> bool:
    """Whether it begins and ends like a JPEG."""
    return content.startswith(_JPEG) and content.rstrip(b"\0").endswith(_JPEG_END)


_WHOLE = {".png": _is_png, ".jpg": _is_jpeg}
"""Ending of a name → whether the content is a whole picture of that kind."""
