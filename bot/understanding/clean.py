"""From what a phone sends to text that can be read: one form for everything that looks the same.

`clean` keeps the merchant's words (it is what staff read); `simplify` and `fold` go further, for reading and matching only.
"""

from __future__ import annotations

import re
import unicodedata

from .tables import simplified_by_traditional

MAX_TEXT = 4096
"""Longest message that is read, in characters (Telegram's limit); the channel keeps the rest for staff."""
MAX_MATCH = 500
"""Characters of a message that topics are matched on; more adds time, not meaning."""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e0fff]"
)
_CLEAN = re.compile(rf"[0-9A-Za-z\u4e00-\u9fff]{{0,{MAX_TEXT}}}")
"""What is clean already, as many messages are."""
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
"""Digits of other scripts, which NFKC leaves: ٦, ६."""
_NOT_WORD = re.compile(r"[\W_]+")
_REPEATED = re.compile(r"(.)\1{3,}")

REGIONAL = {
    "帐": "账",
    "网路": "网络",
    "萤幕": "屏幕",
    "荧幕": "屏幕",
    "印表机": "打印机",
    "简讯": "短信",
    "讯息": "消息",
    "晶片": "芯片",
    "行动支付": "手机支付",
}
"""Words of Taiwan and Hong Kong, and a common misspelling, as character conversion leaves them. OpenCC's `tw2sp` would do this but also rewrites 通讯失败."""
_REGIONAL = re.compile("|".join(REGIONAL))


def clean(text: str) -> str:
    """NFKC, digits of all scripts as ASCII, no controls, lone surrogates or invisible marks, single blanks; at most `MAX_TEXT` characters."""
    if _CLEAN.fullmatch(text):
        return text
    shown = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[: 2 * MAX_TEXT].replace("\r", "\n")))
    shown = _FOREIGN_DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), shown)
    return _LINES.sub("\n", _BLANKS.sub(" ", shown)).strip()[:MAX_TEXT]


def simplify(text: str) -> str:
    """Traditional characters and regional words in simplified form. Takes the result of `clean`."""
    simplified = text.translate(simplified_by_traditional())
    return _REGIONAL.sub(lambda found: REGIONAL[found.group()], simplified)


def fold(text: str) -> str:
    """The form that is matched: lower case, punctuation as single blanks, 啊啊啊啊啊 shortened to three, at most `MAX_MATCH` characters."""
    words = _NOT_WORD.sub(" ", simplify(text[: 2 * MAX_MATCH]).lower())
    return _REPEATED.sub(r"\1\1\1", words).strip()[:MAX_MATCH]
