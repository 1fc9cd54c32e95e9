"""Files: what people and the bot have sent, by file id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError

from tests.telegram.fake.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

DOWNLOAD = 20 * 1024 * 1024
"""Bytes of the largest file that a bot can download (Bot API, getFile)."""
FOLDERS = {
    "photo": "photos", "voice": "voice", "video": "videos", "animation": "animations", "video_note": "video_notes", "audio": "music", "sticker": "stickers",
}  # fmt: skip
CAPTIONED = ("photo", "animation", "document", "voice", "video", "audio")
"""Kinds of files that may have a caption. An animation is called a document beside it (Bot API, Message), so it is looked for first."""
THUMB = 320
"""Pixels of the longer side of a photo's small version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file; `size` may be larger than the content, for files that nobody makes for a test."""

    file_id: str
    unique_id: str
    path: str
    content: bytes
    size: int


@dataclass
class Files:
    """All files."""

    by_id: dict[str, File] = field(default_factory=dict)
    contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What a message with the file contains, by file id: so it can be sent again."""

    def add(self, kind: str, content: bytes, name: str = "", size: int | None = None) -> File:
        """Keep a file of a kind (photo, document …)."""
        number = len(self.by_id) + 1
        suffix = name.rpartition(".")[2] if "." in name else {"photo": "jpg", "voice": "oga"}.get(kind, "bin")
        file = File(
            file_id=f"AgACAgUAAxkBAAI{kind}{number:06d}",
            unique_id="AQAD" + hashlib.sha256(f"{number}".encode() + content).hexdigest()[:12],
            path=f"{FOLDERS.get(kind, 'documents')}/file_{number}.{suffix}",
            content=content,
            size=len(content) if size is None else size,
        )
        self.by_id[file.file_id] = file
        return file

    def find(self, file_id: str) -> File:
        """The file with an id.

        Raises:
            RefusedError: there is none.
        """
        if file_id not in self.by_id:
            raise RefusedError("wrong file identifier/HTTP URL specified" if "/" in file_id else "invalid file_id")
        return self.by_id[file_id]

    def downloadable(self, file_id: str) -> dict[str, Any]:
        """A File object of the Bot API."""
        file = self.find(file_id)
        if file.size > DOWNLOAD:
            raise RefusedError("file is too big")
        return {"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": file.size, "file_path": file.path}

    def at(self, path: str) -> File | None:
        """The file at a path of getFile."""
        return next((file for file in self.by_id.values() if file.path == path), None)

    def photo(self, content: bytes, size: int | None = None) -> list[dict[str, Any]]:
        """A photo in two sizes.

        Raises:
            RefusedError: the content is no picture.
        """
        try:
            with Image.open(BytesIO(content)) as picture:
                width, height = picture.size
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError):
            raise RefusedError("IMAGE_PROCESS_FAILED") from None
        if width + height > 10_000 or max(width, height) > 20 * min(width, height):
            raise RefusedError("PHOTO_INVALID_DIMENSIONS")
        return list(self._sizes(content, size, width, height))

    def _sizes(self, content: bytes, size: int | None, width: int, height: int) -> Iterator[dict[str, Any]]:
        factor = min(1.0, THUMB / max(width, height))
        for part in (factor, 1.0):
            file = self.add("photo", content, size=size)
            shape = {"width": max(1, round(width * part)), "height": max(1, round(height * part))}
            yield {"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": file.size, **shape}
