"""Fetches the pictures that merchants send, and keeps them like those of other channels: made small, freed of what the camera wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.channels import photos

from .api import Impossible
from .updates import MOST_FETCHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.service.ports import Outgoing, Store

    from .api import Api


class Files:
    """`clock` gives microseconds UTC."""

    def __init__(self, *, store: Store, clock: Callable[[], int]) -> None:
        self._store, self._clock = store, clock

    async def keep(self, api: Api, line: Outgoing, reference: str, id: str) -> bool:
        """Fetch a picture and keep it under this id, once; False when that can never be done. Raises ApiError, StoreUnavailable."""
        if await self._store.photo(id, line.address) is not None:
            return True
        try:
            photo = await photos.read(await api.fetch(reference, MOST_FETCHED), id)
        except (Impossible, photos.PhotoError):
            return False
        await self._store.keep(photo, line.address, self._clock())
        return True
