"""Reads all details of one message, in an order where each match consumes its characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..numerals import QUANTITY
from . import amount, codes, expected, identifiers, methods, moment
from .scan import Scan

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.knowledge import Slot


_NUMERAL = re.compile(rf"\d|[半几幺洞拐勾]|{QUANTITY}")
"""Half of all messages hold no number at all: most readers have nothing to look for in them."""


def read(text: str, now: datetime, expecting: Slot | None = None) -> Scan:
    """The details in `text` (cleaned, redacted, simplified).

    `now` is the merchant's wall-clock time without zone. When the bot has just asked for a slot, `expecting` is tried first on a short answer: 3456 is then a
    card tail rather than an amount.
    """
    scan = Scan(text)
    if expecting is not None:
        expected.read(scan, expecting, now)
    counts = _NUMERAL.search(text) is not None
    if counts:
        identifiers.read(scan)
        codes.read(scan)
    moment.read(scan, now)
    if counts:
        identifiers.read_unlabelled(scan)
        amount.read(scan)
    methods.read(scan)
    scan.entities.sort(key=lambda entity: entity.span)
    return scan
