"""Does what staff write in the group: words and files for the merchant, notes, commands."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.channels import photos
from bot.channels.acts import assigns, objection
from bot.channels.telegram.api import ApiError, Impossible, Unclear, Unreachable, Wait
from bot.channels.telegram.updates import CHANNEL, MOST_FETCHED
from bot.domain.audit import Entry
from bot.domain.clock import SECOND
from bot.domain.staff import Permission, may
from bot.domain.tickets import Act
from bot.service.forum import ORIGIN
from bot.service.staff import Change
from bot.wording import say

from . import card, orders, suggest
from .api import MessageGone
from .colleagues import acted_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.channels.acts import Acts
    from bot.channels.telegram.api import Rows
    from bot.domain.events import Acted
    from bot.domain.staff import Member
    from bot.service.bell import Bell
    from bot.service.desk import File
    from bot.service.ports import Mind, Store

    from . import came
    from .api import GroupApi
    from .buttons import Buttons
    from .card import Draw
    from .colleagues import Colleagues
    from .pace import Paces

TRIES, AGAIN = 5, 1.0
"""Tries to fetch a picture of a colleague, and seconds between them."""
SCREENED = "screened:"
"""Stands before the id of what somebody wrote with secrets in it: the message is deleted, so the line is told in the topic anew."""


class Unsettled(Exception):
    """What somebody wrote is kept but not decided about yet: whether it was done is looked at once more."""


class Writings:
    """What is written, done once whatever is killed in between."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        *,
        store: Store,
        acts: Acts,
        colleagues: Colleagues,
        mind: Callable[[], Mind],
        buttons: Buttons,
        paces: Paces,
        draw: Draw,
        changed: Bell,
        clock: Callable[[], int],
    ) -> None:
        self._store, self._acts, self._colleagues, self._mind, self._buttons = store, acts, colleagues, mind, buttons
        self._paces, self._draw, self._changed, self._clock = paces, draw, changed, clock

    async def do(self, api: GroupApi, wrote: came.Wrote) -> None:
        """Do it, or say why not. Raises Unsettled, what the Bot API raises when it may help to try again, and StoreUnavailable."""
        if wrote.person.hidden:
            await self._answer(api, wrote, say("forum.hint-anonymous"))
        elif wrote.thread is None:
            await self._in_general(api, wrote)
        else:
            await self._in_topic(api, wrote, wrote.thread)

    async def _in_topic(self, api: GroupApi, wrote: came.Wrote, thread: int) -> None:
        topic = await self._store.forum.topic_at(wrote.chat, thread)
        member = await self._colleagues.member(wrote.person)
        file = await self._store.desk.file(topic.ticket) if topic else None
        if file is None:
            await self._hint(api, wrote, f"elsewhere:{wrote.chat}:{thread}", say("forum.hint-elsewhere"))
        elif member is None:
            await self._hint(api, wrote, f"stranger:{wrote.person.id}", say("forum.hint-stranger", name=wrote.person.name))
        elif problem := self._colleagues.may_not(member, file):
            await self._answer(api, wrote, problem)
        else:
            await self._order(api, wrote, member, file)
            self._changed.ring()

    async def _in_general(self, api: GroupApi, wrote: came.Wrote) -> None:
        """General is for talking; help is given there, and work begun or ended."""
        order, member = orders.read(wrote.text), await self._colleagues.member(wrote.person)
        if not isinstance(order, orders.Command) or member is None:
            return
        if order.name == "help":
            await self._answer(api, wrote, say("forum.help"))
        elif order.name == "duty":
            await self._duty(api, wrote, member)

    async def _duty(self, api: GroupApi, wrote: came.Wrote, member: Member) -> None:
        """Somebody begins work, or ends it."""
        entry = Entry(at=self._clock(), actor=member.login, what="duty-off" if member.on_duty else "duty-on", subject=member.login)
        after = await self._store.staff.change(member.login, Change(on_duty=not member.on_duty), entry)
        await self._answer(api, wrote, say("forum.duty-on" if after and after.on_duty else "forum.duty-off", name=member.name))

    async def _order(self, api: GroupApi, wrote: came.Wrote, member: Member, file: File) -> None:
        match orders.read(wrote.text):
            case orders.Note(text=text) if wrote.sheet is None:
                await self._act(api, wrote, file, acted_by(member, file, Act.NOTE, text=text))
            case orders.Command() as command if wrote.sheet is None and not wrote.edited:
                await self._command(api, wrote, member, file, command)
            case orders.Say(text=text):
                await self._reply(api, wrote, file, acted_by(member, file, Act.REPLY, text=text))
            case orders.Note(text=text) | orders.Command(rest=text):  # a picture for colleagues: it is in the topic, and its words are a note
                if text and not wrote.edited:
                    await self._act(api, wrote, file, acted_by(member, file, Act.NOTE, text=text))

    async def _reply(self, api: GroupApi, wrote: came.Wrote, file: File, acted: Acted) -> None:
        """Words or a file for the merchant. A message that was changed changes what the merchant has."""
        if wrote.edited:
            lines = await self._store.forum.lines_from(file.address.channel, _origin(wrote))
            if acted.text and lines:
                await self._act(api, wrote, file, replace(acted, amends=lines[-1] if wrote.sheet else lines[0]))  # long words stand behind their picture
            return
        filled, problem = await self._filled(api, wrote, file, acted) if wrote.sheet else (acted, "")
        if filled is None:
            await self._answer(api, wrote, problem)
        else:
            await self._act(api, wrote, file, filled)

    async def _filled(self, api: GroupApi, wrote: came.Wrote, file: File, acted: Acted) -> tuple[Acted | None, str]:
        """The act with its file; None and why when the merchant cannot have it."""
        sheet, acted = wrote.sheet, replace(acted, album=wrote.album)
        assert sheet is not None
        if sheet.kind == "other":
            return None, say("forum.wrong-kind")
        if sheet.kind != "photo":
            on_telegram = file.address.channel == CHANNEL
            return (replace(acted, kind=sheet.kind, carry=sheet.reference), "") if on_telegram else (None, say("forum.wrong-channel"))
        id = photos.id_of(f"{ORIGIN}{wrote.chat}", f"{wrote.message}")
        if await self._store.photo(id, file.address) is None:
            try:
                photo = await photos.read(await self._fetched(api, sheet.reference), id)
            except photos.PhotoError:
                return None, say("forum.photo-bad")
            except Impossible:
                return None, say("forum.photo-late")
            await self._store.keep(photo, file.address, self._clock())
        return replace(acted, photo=id), ""

    async def _fetched(self, api: GroupApi, reference: str) -> bytes:
        for left in reversed(range(TRIES)):
            try:
                return await api.fetch(reference, MOST_FETCHED)
            except (Unclear, Unreachable):
                if not left:
                    raise Impossible("not fetched") from None
                await asyncio.sleep(AGAIN)
        raise AssertionError

    async def _act(self, api: GroupApi, wrote: came.Wrote, file: File, acted: Acted) -> None:
        """Do what somebody wrote; say so if it was not done. What had secrets in it is taken out of the group."""
        if problem := objection(self._mind().kb, acted):
            return await self._answer(api, wrote, say("forum.refused", reason=problem))
        id = _origin(wrote) + (f":{wrote.edited}" if wrote.edited else "")
        outcome = await self._acts.do(file, f"{SCREENED if wrote.secrets else ''}{id}", acted)
        if not outcome.done and not outcome.problem:
            raise Unsettled
        if outcome.problem:
            return await self._answer(api, wrote, say("forum.refused", reason=outcome.problem))
        if wrote.secrets:
            await self._clean(api, wrote)
        return None

    async def _clean(self, api: GroupApi, wrote: came.Wrote) -> None:
        try:
            await api.remove(wrote.chat, wrote.message)
        except (Wait, Unclear, Unreachable):
            raise
        except ApiError:
            await self._answer(api, wrote, say("forum.secret-kept"))
        else:
            await self._say(api, wrote.chat, wrote.thread, say("forum.secret"))

    async def _command(self, api: GroupApi, wrote: came.Wrote, member: Member, file: File, command: orders.Command) -> None:
        draw = await self._draw()
        match command.name:
            case "case":
                await self._answer(api, wrote, card.packet(draw, file))
            case "kb":
                found = suggest.found(draw.kb, command.rest, file.row.topic)
                text = say("forum.kb-head") if found else say("forum.kb-none" if command.rest else "forum.kb-empty")
                await self._answer(api, wrote, suggest.told(text, found), suggest.rows(self._buttons, file, found))
            case "hand":
                await self._hand(api, wrote, member, file, command.rest)
            case "del":
                await self._withdraw(api, wrote, member, file)
            case "duty":
                await self._duty(api, wrote, member)
            case "remind":
                await self._remind(api, wrote, member, file, command.rest)
            case "help":
                await self._answer(api, wrote, say("forum.help"))
            case _:
                await self._answer(api, wrote, say("forum.unknown-command"))

    async def _hand(self, api: GroupApi, wrote: came.Wrote, member: Member, file: File, rest: str) -> None:
        """To a group or a colleague, by name."""
        draw = await self._draw()
        group = next((group for group in draw.kb.groups.values() if rest in {group.id, group.title, say("forum.group", group=group.title)}), None)
        if group is not None:
            return await self._act(api, wrote, file, acted_by(member, file, Act.MOVE, to=group.id))
        other = next((other for other in draw.members if rest in {other.login, other.name} and may(other, Permission.WORK_TICKETS)), None)
        if other is None:
            groups = ", ".join(group.title for group in draw.kb.groups.values())
            return await self._answer(api, wrote, say("forum.hand-none", groups=groups))
        if not assigns(member, file.row):
            return await self._answer(api, wrote, say("forum.refused", reason=say("console.refused-owner", name=draw.name(file.row.owner))))
        return await self._act(api, wrote, file, acted_by(member, file, Act.ASSIGN, to=other.login, to_name=other.name))

    async def _withdraw(self, api: GroupApi, wrote: came.Wrote, member: Member, file: File) -> None:
        """Take back what was said to the merchant in the message that is answered, where the merchant's channel can; it stays in the transcript."""
        said = _origin(replace(wrote, message=wrote.answers or 0))
        lines = await self._store.forum.lines_from(file.address.channel, said) if wrote.answers else ()
        if not lines:
            return await self._answer(api, wrote, say("forum.delete-what"))
        remote = [await self._store.forum.remote_of(file.chat, line) for line in lines] if file.address.channel == CHANNEL else []
        try:
            for id in filter(None, remote):
                await api.remove(int(file.address.chat), int(id))
        except (Impossible, MessageGone):
            remote = []
        if not any(remote):
            return await self._answer(api, wrote, say("forum.deleted-not"))
        await self._act(api, wrote, file, acted_by(member, file, Act.NOTE, text=say("forum.withdrew", number=lines[0])))
        return await self._answer(api, wrote, say("forum.deleted"))

    async def _remind(self, api: GroupApi, wrote: came.Wrote, member: Member, file: File, rest: str) -> None:
        wanted = orders.alarm(rest)
        if wanted is None:
            return await self._answer(api, wrote, say("forum.alarm-wrong"))
        due = self._clock() + int(wanted[0].total_seconds()) * SECOND
        await self._store.forum.set_alarm(file.row.id, f"{wrote.chat}:{wrote.message}", member.login, wanted[1], due)
        return await self._answer(api, wrote, say("forum.alarm-set", at=(await self._draw()).moment(due)))

    async def _hint(self, api: GroupApi, wrote: came.Wrote, name: str, text: str) -> None:
        """Say something once."""
        if await self._store.forum.keep_fact(f"hint:{name}", "", self._clock()):
            await self._answer(api, wrote, text)

    async def _answer(self, api: GroupApi, wrote: came.Wrote, text: str, rows: Rows = ()) -> None:
        await self._say(api, wrote.chat, wrote.thread, text, answers=wrote.message, rows=rows)

    async def _say(self, api: GroupApi, chat: int, thread: int | None, text: str, *, answers: int | None = None, rows: Rows = ()) -> None:
        await self._paces.of(chat).turn()
        await api.post(chat, thread, card.whole(text), answers=answers, rows=rows)


def _origin(wrote: came.Wrote) -> str:
    """The id of the event that a message of the group becomes."""
    return f"{ORIGIN}{wrote.chat}:{wrote.message}"
