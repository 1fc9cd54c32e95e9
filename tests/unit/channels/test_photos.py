"""Pictures are looked at before they are opened, and what is kept shows the same without what the camera wrote into it."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from bot.channels import photos
from bot.channels.http import UPLOAD_LIMIT

RED, BLUE, WHITE = (200, 10, 10), (10, 10, 200), (255, 255, 255)
ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def two_halves(mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right: 64 × 32."""
    picture = Image.new("RGB", (64, 32), RED)
    picture.paste(BLUE, (32, 0, 64, 32))
    return picture.convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    notes = Image.Exif()
    notes[ORIENTATION], notes[MAKE] = orientation, "Fotofabrik"
    notes.get_ifd(GPS)[2] = (39.0, 54.0, 26.0)
    return notes


def png(width: int, height: int) -> bytes:
    """Claims a size; holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


async def kept(data: bytes) -> tuple[Image.Image, bytes]:
    """The picture as it is kept, and its bytes."""
    photo = await photos.read(data, "id")
    shown = Image.open(io.BytesIO(photo.data))
    shown.load()
    assert (photo.id, photo.mime, shown.format, shown.mode, shown.size) == ("id", "image/jpeg", "JPEG", "RGB", (photo.width, photo.height))
    return shown, photo.data


async def refused(data: bytes) -> str:
    with pytest.raises(photos.PhotoError) as raised:
        await photos.read(data, "id")
    return raised.value.code


def near(one: Any, other: tuple[int, int, int]) -> bool:
    """The same colour, but for what JPEG does to it."""
    return all(abs(a - b) <= 12 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_picture_stands_upright_without_place_and_camera(kind: str, orientation: int) -> None:
    shown, data = await kept(encoded(two_halves(), kind, exif=exif(orientation), quality=95))
    assert shown.size == ((32, 64) if orientation >= 5 else (64, 32))
    left_or_top = {1: RED, 2: BLUE, 3: BLUE, 4: RED, 5: RED, 6: RED, 7: BLUE, 8: BLUE}[orientation]
    assert near(shown.getpixel((4, 4)), left_or_top)
    assert not shown.getexif()
    assert b"Exif" not in data
    assert b"Fotofabrik" not in data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(two_halves(), "JPEG", comment=b"geheim"), id="comment"),
        pytest.param(encoded(two_halves(), "JPEG", xmp=b"<x>geheim</x>"), id="xmp"),
        pytest.param(encoded(two_halves(), "JPEG", icc_profile=b"geheim" * 30), id="profile"),
        pytest.param(encoded(two_halves(), "JPEG") + b"geheim", id="behind the end"),
        pytest.param(encoded(two_halves(), "WEBP", xmp=b"<x>geheim</x>"), id="webp"),
    ],
)
async def test_no_other_note_is_kept(data: bytes) -> None:
    assert b"geheim" in data
    assert b"geheim" not in (await kept(data))[1]


async def test_no_text_of_a_png_is_kept() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("comment", "geheim")
    assert b"geheim" not in (await kept(encoded(two_halves(), pnginfo=notes)))[1]


@pytest.mark.filterwarnings("ignore:.*EXIF.*")
@pytest.mark.parametrize("notes", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12", b"Exif\0\0" + bytes(40)], ids=["nonsense", "cut", "zeros"])
async def test_damaged_notes_do_not_spoil_the_picture(notes: bytes) -> None:
    shown, _ = await kept(encoded(two_halves(), "JPEG", exif=notes))
    assert near(shown.getpixel((4, 4)), RED)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
async def test_what_is_transparent_is_white_paper(mode: str) -> None:
    """Black writing on nothing would be black on black."""
    options: dict[str, Any] = {"transparency": 0} if mode == "P" else {}
    shown, _ = await kept(encoded(Image.new(mode, (16, 16), 0), **options))
    assert near(shown.getpixel((8, 8)), WHITE)


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        pytest.param(encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG"), WHITE, id="cmyk"),
        pytest.param(encoded(Image.new("L", (16, 16), 128), "JPEG"), (128, 128, 128), id="grey"),
        pytest.param(encoded(Image.new("1", (16, 16), 1)), WHITE, id="one bit"),
        pytest.param(encoded(Image.new("I;16", (16, 16), 128 * 256)), (128, 128, 128), id="sixteen bits"),
        pytest.param(encoded(two_halves("P")), RED, id="palette"),
        pytest.param(encoded(Image.new("RGB", (1, 1), RED), "WEBP", lossless=True), RED, id="one pixel"),
        pytest.param(encoded(two_halves(), "WEBP", lossless=True, save_all=True, append_images=[Image.new("RGB", (64, 32))]), RED, id="animated"),
        pytest.param(encoded(two_halves(), save_all=True, append_images=[Image.new("RGB", (64, 32))]), RED, id="animated PNG"),
    ],
)
async def test_every_kind_looks_as_it_did(data: bytes, colour: tuple[int, int, int]) -> None:
    shown, _ = await kept(data)
    assert near(shown.getpixel((0, 0)), colour)


@pytest.mark.parametrize(("size", "small"), [((5000, 2500), (2048, 1024)), ((60_000, 1), (2048, 1)), ((2048, 2048), (2048, 2048))])
async def test_a_large_picture_is_made_small(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert (await kept(encoded(Image.new("L", size))))[0].size == small


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (6325, 6325), (2**31 - 1, 1), (1, 2**31 - 1)])
async def test_a_huge_claim_is_refused_before_it_is_opened(width: int, height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("opened"))
    assert await refused(png(width, height)) == "too-many-pixels"


def _broken() -> list[bytes]:
    chance = random.Random(1)
    whole = encoded(Image.effect_noise((200, 200), 50), "JPEG")
    cut = [encoded(Image.effect_noise((200, 200), 50), kind)[:length] for kind in ("JPEG", "PNG", "WEBP") for length in (0, 1, 8, 30, 200, 2000)]
    noise = [chance.randbytes(length) for length in (1, 10, 1000)] + [magic + chance.randbytes(500) for magic in (whole[:20], b"\x89PNG\r\n\x1a\n", b"RIFF")]
    other = [encoded(two_halves(), kind) for kind in ("GIF", "BMP", "TIFF")] + [b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
    return cut + noise + other + [png(0, 0), png(100, 100)]


@pytest.mark.parametrize("data", _broken(), ids=lambda data: f"{data[:6]!r} {len(data)}")
async def test_what_is_no_whole_picture_is_refused(data: bytes) -> None:
    assert await refused(data) == "no-picture"


async def test_the_largest_upload_is_kept() -> None:
    picture = Image.effect_noise((3600, 2500), 200).convert("RGB")
    data = encoded(picture, "JPEG", quality=90)
    data += bytes(UPLOAD_LIMIT - len(data))
    shown, small = await kept(data)
    assert len(data) == UPLOAD_LIMIT
    assert max(shown.size) == photos.LONGEST_SIDE
    assert len(small) < UPLOAD_LIMIT // 2
