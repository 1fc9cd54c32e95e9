"""Finds card numbers and identity-card numbers, however they are broken up: blanks, dots, brackets, one digit at a time, 前面… 后面….

Digits that stand close together form a chain; every run of whole groups of a chain is weighed: check digit, known prefix, and whether people group a number
like that. So 1280.00 2026/11/24 20:17 is no card number although it has enough digits.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from bot.domain.understanding import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHORTEST, LONGEST, LONGEST_ACCOUNT = 13, 19, 30
"""Digits of a card number (ISO/IEC 7812-1), and of a bank account."""
USUAL = 16
"""Digits from which a number of the look of a card is one without a right check digit."""
IDENTITY = 18
SEEMING, SURE = 1, 2
"""How certain a number is: by its look, by its check digit."""
NO_JOINT, USUAL_JOINT, ODD_JOINT, SAID_JOINT = 0, 1, 2, 3
"""What may stand between the digits of one number: nothing does, blanks or dashes, other marks (6222.0212), words (后面)."""

_DIGITS = re.compile(r"\d+")
_LONGEST_GAP = 14
_USUAL_GAP = re.compile(r"[ \-\u2010-\u2015\u2212·_\n]{1,3}")
_ODD_GAP = re.compile(r"[\W_]{1,6}")
_SAID_GAP = re.compile(
    r"[\W_]{0,3}(?:然后|接着|跟着|接下来|再来|再是|再|后面|后边|后头|后半段?|下面|剩下的?|其余|最后|还有|横?杠|横线|空格|点)(?:几位|数字)?(?:的?是|为)?[\W_]{0,3}"
)
_NETWORK = re.compile(
    r"3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|4\d{12}|690755\d{9}"
    r"|(?=\d{16}\Z)(?!2[4-6](?:0[1-9]|1[0-2])[0-3])2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)\d+"
    r"|(?=\d{16,19}\Z)(?:62|4|5[1-5]|35|3[089]|6[04589]|9(?:0|4|5[58]))\d+"
)
"""Prefixes and lengths of card networks and of Chinese banks' older cards (9558, 95599, 6013, 690755); 261124… is rather a date."""
_STRONG = re.compile(r"62|4|5[1-5]|3[47]")
_REGION = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"
_IDENTITY = re.compile(rf"{_REGION}\d{{4}}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}[\dX]")
_LAST_X = re.compile(r"[ \-]?[xX](?![\dA-Za-z])")
_MAYBE = re.compile(rf"62|4|5[1-5]|3[04-9]|2[2-7]|6[04589]|9[045]|{_REGION}\d{{4}}(?:19|20)\d\d[01]\d[0-3]\d")
"""What either number may begin with: a cheap test for the many that are neither."""
_LEAST = {"3": 14, "4": 13, "6": 15}
"""Digits of the shortest card numbers by what they begin with; others have `USUAL`."""
_GLUED = re.compile(r"(?P<expiry>(?:0[1-9]|1[0-2])[/\-.]?[23]\d)?(?P<code>\d{3})?(?!\d)")
_GLUED_TO = (16, 19, 18, 17)
_DATE_OR_PHONE = re.compile(r"20[2-3]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?|1[3-9]\d{9}")
_DATE = re.compile(r"20[2-3]\d[-/.]\d\d?[-/.]\d")
_UNLIKE_FIRST = frozenset({11, 12, 15})
"""Digits of a telephone, a reference and a merchant number: what follows is another number."""
_TRACK = re.compile(r"[=D]\d{7,40}\??|\s?\^[^\^\n]{0,40}\^[\d?;=]*")
_MONEY_BEHIND = re.compile(r"\.\d|\s?(?:元|块|圆|万|千|笔|次|点|号|月|年|:\d)")

_LINK = r"(?:编?号码?|码|代码|id|no\.?|是|为|就是|我发你|发你|如下|[\s:=#,])*\Z"
_LOOK_BACK = 24
_CARD_LABEL = re.compile(rf"(?:卡片?号码?|账号|card\s?(?:no|number|num)?\.?|visa|master(?:card)?|unionpay){_LINK}", re.I)
_CARD_WORD = re.compile(rf"(?<!流量|物联|电话|手机|上网|会员)(?<!刷)卡{_LINK}", re.I)
_IDENTITY_LABEL = re.compile(rf"(?:身份证|证件){_LINK}")
_SIZED_LABELS = tuple(
    (size, re.compile(rf"(?:{words}){_LINK}", re.I))
    for size, words in ((8, "终端机?|机器?|tid"), (15, "商户|商家|商编|店铺?|mid"), (12, "参考|检索|rrn"), (6, "凭证|批次|流水|授权"), (4, "尾号|后4位|末4位"))
)
"""Labels of numbers with a fixed length: only a number of that length is one."""
_FREE_LABEL = re.compile(rf"(?:机身|设备|序列|订单|单号|流水|交易编?号|受理|s/?n|iccid|(?:流量|物联网?|sim)卡(?:卡号)?){_LINK}", re.I)
_FREE_LABEL_BEHIND = re.compile(r"[\s,(]{0,2}(?:这个|这|就)?(?:是|为)(?:我的?|微信的?|支付宝的?)?(?:订单|流水|单|设备|机身|序列)(?:编?号|码)")
_WORD_BEFORE = re.compile(r"[A-Za-z]{1,12}[.:]?\Z")
_WORD_BEHIND = re.compile(r"[A-Za-z]")
_CARD_WORDS = re.compile(
    r"(?:card|visa|master|mastercard|unionpay|amex|jcb|icbc|abc|ccb|boc|bcm|cmb|cmbc|psbc|citic|ceb|cib|spdb|hxb|gdb|no|num|number|pan)[.:]?", re.I
)
_CODE_BEHIND = re.compile(r"cv|exp|pin|visa|card", re.I)
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
"""Twice the digit, digits of the product added."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Characters to be replaced, by what, and the secrets that they hold."""

    start: int
    end: int
    mask: str
    secrets: tuple[Secret, ...]


class _Group(NamedTuple):
    """Digits without a gap; `gap` stands between them and the group before in the same chain, and `joint` is what kind of gap that is."""

    start: int
    end: int
    digits: str
    size: int
    gap: str
    joint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What is said before a chain: that a card number follows, an identity number, some number that need not be hidden."""

    card: bool = False
    identity: bool = False
    exempt: bool = False
    skipped: int = 0
    """Digits of the labelled number that comes first."""


_ELSEWHERE = _Place()
"""Of a number in the middle of a chain nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guess:
    """A run of groups that is a number to be hidden: `last` is the index of its last group."""

    certainty: int
    kind: Secret
    digits: str
    last: int
    end: int
    more: tuple[Secret, ...] = ()


def find(plain: str) -> Iterator[Hit]:
    """Card and identity numbers in simplified text with ASCII digits. Masks keep the first six and last four characters."""
    for chain in _chains(plain):
        if sum(group.size for group in chain) >= SHORTEST:
            yield from _Chain(plain, chain).hits()


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: the check digit of a card number."""
    codes = digits.encode()
    return (sum(codes[-1::-2]) + sum(codes[-2::-2].translate(_DOUBLED)) - len(codes) * ord("0")) % 10 == 0


def _is_card(number: str) -> bool:
    """A known prefix, a length that goes with it, and a right check digit."""
    return _NETWORK.fullmatch(number) is not None and luhn(number)


def identity_checked(number: str) -> bool:
    """GB 11643: the last character of an identity number, X for ten."""
    return "10X98765432"[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False)) % 11] == number[-1]


def _chains(plain: str) -> Iterator[list[_Group]]:
    """Groups of digits that belong together by what stands between them."""
    chain: list[_Group] = []
    for found in _DIGITS.finditer(plain):
        start, end = found.span()
        gap = plain[chain[-1].end : start] if chain else ""
        joint = _joint(gap) if chain else NO_JOINT
        if chain and not joint:
            yield chain
            chain, gap = [], ""
        chain.append(_Group(start, end, found[0], end - start, gap, joint))
    if chain:
        yield chain


def _joint(gap: str) -> int:
    """How one number may go on behind the gap, if it may; *** rather stands for digits that were left out."""
    if _USUAL_GAP.fullmatch(gap):
        return USUAL_JOINT
    if len(gap) > _LONGEST_GAP or "***" in gap:
        return NO_JOINT
    if _ODD_GAP.fullmatch(gap):
        return ODD_JOINT
    return SAID_JOINT if _SAID_GAP.fullmatch(gap) else NO_JOINT


class _Chain:
    """Looks through one chain, from the left, for runs of groups that are numbers to be hidden."""

    def __init__(self, plain: str, groups: Sequence[_Group]) -> None:
        self._plain, self._groups = plain, groups
        _, _, digits, self._sizes, self._gaps, self._joints = zip(*groups, strict=True)
        self._digits = "".join(digits)
        self._offsets = list(accumulate(self._sizes, initial=0))
        self._place = _place(plain, groups)

    def hits(self) -> Iterator[Hit]:
        """The numbers, none overlapping another."""
        skipped = self._place.skipped
        first = self._offsets.index(skipped) if skipped in self._offsets else 0
        while first < len(self._groups):
            guess = self._best(first)
            if guess is None:
                first += 1
                continue
            track = _TRACK.match(self._plain, guess.end)
            yield Hit(
                start=self._groups[first].start,
                end=track.end() if track else guess.end,
                mask=_mask(guess.digits),
                secrets=(guess.kind, *guess.more),
            )
            first = guess.last + 1

    def _best(self, first: int) -> _Guess | None:
        """The surest number that begins with a group; it grows as long as the groups go on in the same way."""
        place = self._place if first == 0 else _ELSEWHERE
        if not (place.card or place.identity or _MAYBE.match(self._digits, self._offsets[first])):
            return None
        if self._sizes[first] > USUAL and (glued := self._glued(first, place)):
            return glued
        best = None
        for last in self._lasts(first, place):
            guess = self._guess(first, last, place)
            if guess and (best is None or guess.certainty > best.certainty or (guess.certainty == best.certainty and self._goes_on(first, best.last, last))):
                best = guess
        return best

    def _lasts(self, first: int, place: _Place) -> range:
        """The groups with which a number that begins with `first` may end."""
        offset = self._offsets[first]
        shortest = SHORTEST if place.card or place.identity else _LEAST.get(self._digits[offset], USUAL)
        least = bisect_left(self._offsets, offset + shortest, first + 1) - 1
        most = bisect_left(self._offsets, offset + (LONGEST_ACCOUNT if place.card else LONGEST) + 1, first + 1) - 1
        return range(least, min(most, first + LONGEST))

    def _glued(self, first: int, place: _Place) -> _Guess | None:
        """A card number with expiry or CVV right behind it, without a gap: 62220212345678940928123."""
        group = self._groups[first]
        if place.exempt or group.size > LONGEST + 7 or (group.size <= LONGEST and luhn(group.digits)):
            return None
        for size in _GLUED_TO:
            rest = _GLUED.match(self._plain, group.start + size)
            if rest and rest.end() >= group.end and (rest["expiry"] or size == USUAL) and _is_card(group.digits[:size]):
                more = ((Secret.EXPIRY,) if rest["expiry"] else ()) + ((Secret.CVV,) if rest["code"] else ())
                last = max(number for number, other in enumerate(self._groups[: first + 3]) if other.start < rest.end())
                return _Guess(certainty=SURE, kind=Secret.PAN, digits=group.digits[:size], last=last, end=rest.end(), more=more)
        return None

    def _guess(self, first: int, last: int, place: _Place) -> _Guess | None:
        """What the groups from first to last are together, None when they are nothing to be hidden."""
        end = self._groups[last].end
        number = self._digits[self._offsets[first] : self._offsets[last + 1]]
        if len(number) == IDENTITY - 1 and (x := _LAST_X.match(self._plain, end)):
            number, end = number + "X", x.end()
        weighed = _weigh(number, place)
        if weighed is None:
            return None
        certainty, kind = weighed
        if not self._is_enough(certainty, first, last, place, end):
            return None
        if not place.exempt and _FREE_LABEL_BEHIND.match(self._plain, end):
            return self._guess(first, last, replace(place, exempt=True))
        return _Guess(certainty=certainty, kind=kind, digits=number, last=last, end=end)

    def _is_enough(self, certainty: int, first: int, last: int, place: _Place, end: int) -> bool:
        """Whether the digits alone are certain enough, given how they are grouped; the number ends at `end`."""
        if place.card or place.identity:
            return True
        size, equal = self._sizes[first], self._in_equal_parts(first, last)
        joint = max(self._joints[first + 1 : last + 1], default=NO_JOINT)
        whole, said, usual = first == last or equal, joint == SAID_JOINT, joint == USUAL_JOINT
        if certainty < SURE and not (whole or said or (usual and size >= 6)):
            return False
        if _touches_letters(self._plain, self._groups[first].start, end):
            return certainty == SURE and not place.exempt and (equal or size >= USUAL)
        if whole or said:
            return whole or last - first < 3
        if size in _UNLIKE_FIRST or self._holds_another(first, last):
            return False
        same = len(set(self._gaps[first + 1 : last + 1])) == 1 and (last - first > 1 or size >= 6)
        return usual or (same and not _MONEY_BEHIND.match(self._plain, self._groups[last].end))

    def _in_equal_parts(self, first: int, last: int) -> bool:
        """In equal parts, as embossed on the card. 6222**7894 1280 has lost its middle."""
        sizes, gaps = self._sizes[first:last], set(self._gaps[first + 1 : last + 1])
        if len(sizes) < 3 or self._sizes[last] > sizes[0] or sizes.count(sizes[0]) < len(sizes):
            return False
        return len(gaps) == 1 or not any("**" in gap for gap in gaps)

    def _holds_another(self, first: int, last: int) -> bool:
        """Whether one of the groups is a date or a telephone number, or some together are a date."""
        long = max(self._sizes[first : last + 1]) >= 8
        if long and any(_DATE_OR_PHONE.fullmatch(group.digits) for group in self._groups[first : last + 1]):
            return True
        return _DATE.search(self._plain, self._groups[first].start, self._groups[last].end) is not None

    def _goes_on(self, first: int, before: int, last: int) -> bool:
        """Whether the last group continues the ones before it: no wider, the same gap, not an amount."""
        previous, group = self._groups[last - 1], self._groups[last]
        same = last - 1 > first and group.gap == previous.gap and group.size <= previous.size
        return before == last - 1 and same and not _MONEY_BEHIND.match(self._plain, group.end)


def _place(plain: str, groups: Sequence[_Group]) -> _Place:
    """What the words before a chain say that it is."""
    start = groups[0].start
    before = plain[max(0, start - _LOOK_BACK) : start]
    unlettered = _WORD_BEFORE.sub("", before)
    sizes = set(accumulate(group.size for group in groups[:LONGEST]))
    skipped = next((size for size, label in _SIZED_LABELS if size in sizes and label.search(before)), 0)
    exempt = bool(_FREE_LABEL.search(before) or _FREE_LABEL.search(unlettered))
    card = not exempt and not skipped and bool(_CARD_LABEL.search(before) or (groups[0].size >= USUAL and _CARD_WORD.search(before)))
    return _Place(card=card, identity=bool(_IDENTITY_LABEL.search(before)), exempt=exempt, skipped=skipped)


def _touches_letters(plain: str, start: int, end: int) -> bool:
    """Whether letters are glued on that make it another kind of number: N62…, but not VISA62… or …CVV."""
    word = _WORD_BEFORE.search(plain, max(0, start - 13), start) if plain[start - 1 : start].strip(" -") else None
    odd_before = word is not None and not _CARD_WORDS.fullmatch(word[0])
    odd_behind = _WORD_BEHIND.match(plain, end) is not None and not _CODE_BEHIND.match(plain, end)
    return (odd_before or odd_behind) and not _TRACK.match(plain, end)


def _weigh(number: str, place: _Place) -> tuple[int, Secret] | None:
    """How certain it is by the digits that a number must be hidden, and what it is."""
    size = len(number)
    sure_card = _is_card(number)
    if size == IDENTITY and _IDENTITY.fullmatch(number):
        checked = identity_checked(number)
        if checked or not (place.exempt or sure_card):
            return SURE if checked else SEEMING, Secret.ID
    if number[-1] == "X":
        return None
    if place.identity and 15 <= size <= IDENTITY:
        return SEEMING, Secret.ID
    if sure_card and (not place.exempt or (size >= USUAL and _STRONG.match(number))):
        return SURE, Secret.PAN
    seeming = place.card or (USUAL <= size <= LONGEST and number.startswith("62"))
    return (SEEMING, Secret.PAN) if seeming and not place.exempt else None


def _mask(number: str) -> str:
    """The first six and the last four characters."""
    return number[:6] + "*" * (len(number) - 10) + number[-4:]
