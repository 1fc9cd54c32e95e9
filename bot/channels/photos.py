"""Pictures from merchants: looked at before they are opened, made small, and freed of what the camera wrote into them (place, owner, time)."""

from __future__ import annotations

import asyncio
import io
import warnings
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from bot.domain.errors import PosbotError
from bot.service.ports import Photo

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 40_000_000
"""Pixels of the best phone cameras in use; a small file may claim far more (a 20 kB PNG opened to 490 MB)."""
LONGEST_SIDE = 2048
"""Pixels in which a receipt can still be read."""
QUALITY = 82
_AT_ONCE = asyncio.Semaphore(2)
"""Pictures that are opened at the same time: each takes up to 160 MB."""


class PhotoError(PosbotError):
    """It is no picture that can be kept; `code` says why: `no-picture`, `too-many-pixels`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def read(data: bytes, new_id: Callable[[], str]) -> Photo:
    """The picture as it is kept. Raises PhotoError."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_read, data, new_id())


def _read(data: bytes, id: str) -> Photo:
    try:
        upright = _upright(data)
    except PhotoError:
        raise
    except Exception:  # noqa: BLE001  (decoders raise whatever a broken file makes them raise)
        raise PhotoError("no-picture") from None
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    kept = io.BytesIO()
    upright.save(kept, "JPEG", quality=QUALITY, optimize=True)
    return Photo(id=id, mime="image/jpeg", width=upright.width, height=upright.height, data=kept.getvalue())


def _upright(data: bytes) -> Image.Image:
    """The picture as it was meant to be seen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    if picture.width * picture.height > MOST_PIXELS:
        raise PhotoError("too-many-pixels")
    picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    return ImageOps.exif_transpose(picture).convert("RGB")
