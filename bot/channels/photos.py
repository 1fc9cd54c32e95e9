"""Pictures from merchants: looked at before they are opened, made small, and freed of what the camera wrote into them (place, owner, time)."""

from __future__ import annotations

import asyncio
import hashlib
import io
from contextlib import suppress

from PIL import Image, ImageOps

from bot.channels.http import Refused, problem
from bot.domain.messages import Photo

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 40_000_000
"""Pixels of the best phone cameras in use; a small file may claim far more (a 20 kB PNG opened to 490 MB)."""
LONGEST_SIDE = 2048
"""Pixels in which a receipt can still be read."""
QUALITY = 82
Image.MAX_IMAGE_PIXELS = None  # Pillow would warn and raise by its own limits, which are wider than ours
_AT_ONCE = asyncio.Semaphore(2)
"""Pictures that are opened at the same time: each takes up to 320 MB."""


class PhotoError(Refused):
    """It is no picture that can be kept (422); `code` says why: `no-picture`, `too-many-pixels`."""

    def __init__(self, code: str) -> None:
        super().__init__(problem(422, code))
        self.code = code


def id_of(chat: str, sending: str) -> str:
    """The id of a picture: the same for the same sending, so that one that is sent again is kept once. No two pairs may look alike when a colon parts them."""
    return hashlib.sha256(f"photo:{chat}:{sending}".encode()).hexdigest()[:32]


async def read(data: bytes, id: str) -> Photo:
    """The picture as it is kept, under this id. Raises PhotoError."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_read, data, id)


def _read(data: bytes, id: str) -> Photo:
    try:
        page = _page(_opened(data))
    except PhotoError:
        raise
    except Exception:  # noqa: BLE001  (decoders raise whatever a broken file makes them raise)
        raise PhotoError("no-picture") from None
    kept = io.BytesIO()
    page.save(kept, "JPEG", quality=QUALITY, optimize=True)
    return Photo(id=id, mime="image/jpeg", width=page.width, height=page.height, data=kept.getvalue())


def _opened(data: bytes) -> Image.Image:
    """The picture as it was meant to be seen. Raises PhotoError for one that claims too many pixels, before it is opened."""
    picture: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    if picture.width * picture.height > MOST_PIXELS:
        raise PhotoError("too-many-pixels")
    picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    picture.load()
    with suppress(Exception):  # what the camera noted is damaged; the picture is not
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _page(picture: Image.Image) -> Image.Image:
    """The picture, small enough, on white paper: a fresh one that carries no note of any kind. What is transparent would be black on black otherwise."""
    if picture.mode.startswith("I"):  # 16 bits of grey; Pillow cuts them off instead of making them fewer
        picture = picture.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    drawn = picture if picture.mode == mode else picture.convert(mode)
    drawn.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    paper = Image.new("RGB", drawn.size, "white")
    paper.paste(drawn, mask=drawn if drawn.mode == "RGBA" else None)
    return paper
