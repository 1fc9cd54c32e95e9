"""What is told in a topic: lines of the transcript and what was done, in the order in which it happened, several in one message where they wait. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bot.channels.console import shown
from bot.channels.telegram.api import COMPLETE, MOST_IN_ALBUM, go_together
from bot.channels.telegram.bubbles import pieces, units
from bot.channels.telegram.updates import FILES
from bot.domain.tickets import Act
from bot.service.forum import ORIGIN
from bot.wording import say

from .card import LONGEST, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.service.desk import Deed
    from bot.service.forum import Told

    from .card import Drawing

BOT_LENGTH = 120
"""Characters of a line of the bot: staff know what it says, and the console has it in full."""
LONGEST_CAPTION = 1024
CAPTION = 900
"""UTF-16 units under a picture (the first is the server's limit); with who said it, and that it may come twice."""
DEEDS = frozenset({
    Act.TAKE, Act.RELEASE, Act.ASSIGN, Act.MOVE, Act.MISROUTE, Act.WAIT_MERCHANT, Act.WAIT_ACQUIRER, Act.RESUME, Act.URGENCY, Act.HAND_BACK, Act.SOLVE,
    Act.REOPEN, Act.CLOSE, Act.REMIND,
})  # fmt: skip
"""What is told in the topic; the rest is a line of the transcript, or stands in the card."""
ENDS = frozenset({Act.SOLVE, Act.CLOSE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Somebody is called: a name in the text, from this place on (UTF-16 units), and the person's id."""

    offset: int
    length: int
    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file of a line, and the words that came with it. `reference` is Telegram's; a picture of another channel has none, and is loaded by its id."""

    kind: str
    reference: str
    id: str
    name: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that is told: a line (`line`) or a deed (`deed`) by its id. `own`: staff wrote it in the topic, so that it is there already, as this
    message. `at` is when it was said, `bot` whether the bot did. `words` are the lines in it, by id, as they stand in the transcript: more than one where
    the bot said several things at once."""

    event: int
    at: int = 0
    bot: bool = False
    line: int = 0
    words: tuple[tuple[int, str], ...] = ()
    deed: int = 0
    text: str = ""
    mentions: tuple[int, ...] = ()
    sheet: Sheet | None = None
    album: str = ""
    own: int = 0
    note: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of the bot, or an album, and the items that are told with it; without text and sheets it is nothing to be sent. `begins` is an item of which
    this is a part, and which is told with a later one only."""

    items: tuple[Item, ...]
    begins: tuple[Item, ...] = ()
    text: str = ""
    mentions: tuple[Mention, ...] = ()
    sheets: tuple[Sheet, ...] = ()


def items(draw: Drawing, told: Iterable[Told], deeds: Sequence[Deed], *, lasts: bool) -> list[Item]:
    """What is to be told. `lasts`: somebody has still something to do with the ticket; otherwise what the merchant and the bot said after its end is another
    trouble's."""
    end = max((deed.event for deed in deeds if deed.done and deed.act in ENDS), default=0)
    wanted = (each for each in told if lasts or each.entry.side in {"staff", "note"} or (each.entry.event or 0) <= end)
    found = [replace(_line(draw, each), words=words) for each, words in _gathered(wanted)]
    found += [item for deed in deeds if (item := _deed(draw, deed))]
    return sorted(found, key=lambda item: (item.event, item.line > 0, item.line, item.deed))


def _gathered(told: Iterable[Told]) -> Iterable[tuple[Told, tuple[tuple[int, str], ...]]]:
    """The same, but what the bot said at once is one line, as the last of them; with all of them by id, as they are."""
    made: list[tuple[Told, tuple[tuple[int, str], ...]]] = []
    for each in told:
        last, words = made[-1] if made else (None, ())
        own = (each.entry.id, each.entry.body)
        if last and each.entry.side == last.entry.side == "bot" and each.entry.event == last.entry.event:
            bubbles = [*shown.texts(shown.read(last.entry.body)), *shown.texts(shown.read(each.entry.body))]
            joined = replace(each, entry=replace(each.entry, body=json.dumps({"bubbles": bubbles}, ensure_ascii=False)))
            made[-1] = joined, (*words, own)
        else:
            made.append((each, (own,)))
    return made


def complete(items: Sequence[Item], now: int) -> Sequence[Item]:
    """The same up to an album of which more may be on its way. Moments are microseconds UTC."""
    last = next((item for item in reversed(items) if item.album), None)
    if last is None or not 0 <= now - last.at < COMPLETE:
        return items
    return items[: next(place for place, item in enumerate(items) if item.album == last.album)]


def messages(items: Sequence[Item]) -> list[Message]:
    """The same in as few messages as hold it, in order: texts together, pictures of an album together, and under them what the bot said of them."""
    made: list[Message] = []
    for item in items:
        if made and (joined := _joined(made[-1], item)):
            made[-1] = joined
        else:
            made += _alone(item)
    return made


def _joined(before: Message, item: Item) -> Message | None:
    """Both in one, if they can be."""
    if not item.text and item.sheet is None:  # nothing to be sent: it goes along
        return replace(before, items=(*before.items, item))
    if not before.text and not before.sheets:  # nothing was to be sent before it
        first, *more = _alone(item)
        return None if more else replace(first, items=(*before.items, item))
    if item.sheet is not None:
        return _in_album(before, item)
    if not before.text or (before.sheets and not item.bot) or units(before.text) + units(item.text) + 1 > (CAPTION if before.sheets else LONGEST):
        return None
    return _appended(before, item)


def _appended(before: Message, item: Item) -> Message:
    start = units(before.text) + 1
    return replace(before, items=(*before.items, item), text=f"{before.text}\n{item.text}", mentions=(*before.mentions, *_mentions(item, start)))


def _in_album(before: Message, item: Item) -> Message | None:
    """A further picture of an album."""
    last = next((other for other in reversed(before.items) if other.sheet), None)
    if not before.sheets or last is None or item.sheet is None or not item.album or item.album != last.album or len(before.sheets) >= MOST_IN_ALBUM:
        return None
    if not go_together(sheet.kind for sheet in (*before.sheets, item.sheet)):
        return None
    return replace(before, items=(*before.items, item), sheets=(*before.sheets, item.sheet))


def _alone(item: Item) -> list[Message]:
    """An item as messages of its own: more than one if its text is too long."""
    longest = CAPTION if item.sheet else LONGEST
    first, *rest = list(pieces(item.text, longest)) or [""]
    sheets = (item.sheet,) if item.sheet else ()
    more = [Message(items=(), begins=(item,), text=text) for text in rest]
    made = [Message(items=(), begins=(item,), text=first, mentions=tuple(_mentions(item, 0)), sheets=sheets), *more]
    return [*made[:-1], replace(made[-1], items=(item,), begins=())]


def _mentions(item: Item, start: int) -> Iterable[Mention]:
    """The names at the end of an item's text, each with an `@` before it."""
    words = item.text.split(" ")
    names = words[len(words) - len(item.mentions) :] if item.mentions else []
    for place, (name, person) in enumerate(zip(names, item.mentions, strict=True)):
        before = " ".join(words[: len(words) - len(names) + place])
        yield Mention(offset=start + units(before) + (1 if before else 0), length=units(name), person=person)


def _line(draw: Drawing, told: Told) -> Item:
    entry, body = told.entry, shown.read(told.entry.body)
    said = shown.said(draw.kb, entry)
    item = Item(event=entry.event or 0, line=entry.id, note=entry.side == "note", at=entry.at, bot=entry.side == "bot")
    if entry.side in {"staff", "note"} and (own := own_post(told.ext_id)):
        return replace(item, own=own)
    if said.redacted:
        return replace(item, text=_spoken(draw, said, say("console.redacted")))
    sheet = _sheet(body)
    text = _said(said, sheet)
    spoken = whole(_spoken(draw, said, text)) if text or sheet else ""
    if sheet:
        sheet = replace(sheet, caption=next(pieces(text, LONGEST_CAPTION), ""))
    return replace(item, text=spoken, sheet=sheet, album=str(body.get("album") or ""))


def own_post(ext_id: str | None) -> int:
    """The message of the topic that an event came from, 0 when it came from elsewhere."""
    if not ext_id or not ext_id.startswith(ORIGIN):
        return 0
    parts = ext_id.removeprefix(ORIGIN).split(":")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 0


def _said(said: shown.Said, sheet: Sheet | None) -> str:
    """The words of a line; what was tapped, and what cannot be shown, is named."""
    text = "\n".join(said.texts)
    if said.side == "bot":
        text = " ".join(text.split())
        return text if len(text) <= BOT_LENGTH else f"{text[: BOT_LENGTH - 1]}\N{HORIZONTAL ELLIPSIS}"
    if said.tapped:
        text = "\n".join(filter(None, (text, say("console.tapped", what=said.tapped))))
    return text if sheet else "\n".join(filter(None, (text, said.attachment)))


def _spoken(draw: Drawing, said: shown.Said, text: str) -> str:
    """Who said it, and what."""
    name = said.author or say(f"console.side-{said.side}")
    return say(f"forum.line-{said.side}", name=name, text=text).rstrip()


def _sheet(body: dict[str, Any]) -> Sheet | None:
    """What hangs on a line, if it can be shown."""
    id, kind = str(body.get("file") or ""), str(body.get("kind") or "photo")
    if not id or kind not in {"photo", *FILES}:
        return None
    reference, form = (str(body.get("fetch") or ""), str(body.get("form") or kind)) if kind == "photo" else (id, kind)
    return Sheet(kind=form if reference else kind, reference=reference, id=id, name=str(body.get("title") or ""))


def _deed(draw: Drawing, deed: Deed) -> Item | None:
    if not deed.done or deed.act not in DEEDS or (deed.act == Act.CLOSE and not deed.actor):  # the clock closes what was solved long ago: nobody waits for it
        return None
    detail = json.loads(deed.detail)
    if deed.act == Act.REMIND:
        return _reminder(draw, deed, detail)
    about = shown.done(draw.kb, deed).about
    who = draw.name(deed.actor) if deed.actor else say("console.itself")
    text = say("forum.deed", name=who, what=say(f"console.act-{deed.act}"), about=about).strip()
    return Item(event=deed.event, deed=deed.id, text=whole(text.replace("\n", " ")))


def _reminder(draw: Drawing, deed: Deed, detail: dict[str, Any]) -> Item:
    """A deadline, and the people whom it concerns: the owner, else those of the group who are there; in the end the leads."""
    called = _called(draw, str(detail.get("owner") or ""), leads=detail.get("mark") == "leads")
    text = say(f"forum.remind-{detail.get('clock')}-{detail.get('mark')}")
    names = [f"@{''.join(name.split())}" for name, _ in called]
    return Item(event=deed.event, deed=deed.id, text=" ".join([text, *names]), mentions=tuple(person for _, person in called))


def _called(draw: Drawing, owner: str, *, leads: bool) -> list[tuple[str, int]]:
    """(name, id on Telegram) of those who are to be called."""
    wanted = [member for member in draw.members if not member.disabled and member.telegram is not None and (
        member.login == owner or (leads and member.role == "lead") or (not owner and not leads and member.on_duty)
    )]  # fmt: skip
    return [(member.name, member.telegram) for member in wanted if member.telegram is not None][:5]
