"""Does what staff press in the group: buttons of cards, menus, suggestions and proposals."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.channels.acts import assigns, objection
from bot.channels.telegram.api import Impossible
from bot.dialogue.render import kb_say
from bot.domain.audit import Entry
from bot.domain.clock import SECOND
from bot.domain.staff import Permission, may
from bot.domain.tickets import Act
from bot.service.desk import EARLIER
from bot.wording import say

from . import bulletin, card, suggest
from .buttons import mark
from .colleagues import acted_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.channels.acts import Acts
    from bot.domain.events import Acted
    from bot.domain.staff import Member
    from bot.service.bell import Bell
    from bot.service.desk import File
    from bot.service.ports import Store

    from . import came
    from .api import GroupApi
    from .buttons import Buttons, Press
    from .card import Draw, Drawing
    from .colleagues import Colleagues

MENU_LASTS = 120 * SECOND
"""After so long a menu that nobody used goes back to the card's buttons."""
ANSWER = 190
"""Characters of an answer to a button (the limit is 200)."""


class Presses:
    """What is pressed, by whoever may."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self, *, store: Store, acts: Acts, colleagues: Colleagues, buttons: Buttons, draw: Draw, changed: Bell, clock: Callable[[], int]
    ) -> None:
        self._store, self._acts, self._colleagues, self._buttons = store, acts, colleagues, buttons
        self._draw, self._changed, self._clock = draw, changed, clock

    async def do(self, api: GroupApi, pressed: came.Pressed) -> None:
        """Do it, and say what came of it to whoever pressed."""
        text, alert = await self._press(pressed)
        self._changed.ring()
        with suppress(Impossible):  # the query is too old: whoever pressed has gone on
            await api.tell(pressed.query, text[:ANSWER], alert=alert)

    async def _press(self, pressed: came.Pressed) -> tuple[str, bool]:
        """What a button does; (what is said to whoever pressed it, whether it must be seen)."""
        member, press = await self._colleagues.member(pressed.person), self._buttons.read(pressed.data)
        if member is None:
            return say("forum.hint-stranger", name=pressed.person.name), True
        if press is not None and press.action in {bulletin.ANNOUNCE, bulletin.DISMISS}:
            return await self._decide(press, member)
        file = await self._store.desk.file(press.ticket) if press else None
        if press is None or file is None:
            return say("forum.pressed-old"), True
        if problem := self._colleagues.may_not(member, file):
            return problem, True
        if press.action in card.MENUS or press.action == card.BACK:
            return await self._turn_over(press)
        acted, problem = await self._wanted(press, member, file)
        if acted is None:
            return problem, True
        outcome = await self._acts.do(file, f"press:{pressed.query}", acted)
        await self._store.forum.open_menu(file.row.id, "", None)
        return outcome.problem or say("forum.pressed" if outcome.done else "forum.pressed-late"), bool(outcome.problem)

    async def _decide(self, press: Press, member: Member) -> tuple[str, bool]:
        """Whether a trouble of many is told to merchants."""
        if not may(member, Permission.INCIDENTS):
            return say("forum.incident-leads"), True
        desk, draw, now = self._store.desk, await self._draw(), self._clock()
        incident = next((each for each in await desk.incidents(current=True) if each.id == press.ticket and each.status == "proposed"), None)
        if incident is None:
            return say("forum.incident-late"), True
        about = bulletin.topic_of(draw, incident)
        if press.action == bulletin.DISMISS:
            done, what, told = await desk.end_incident(incident.id, now, None) is not None, "incident-dismissed", say("forum.incident-dismissed")
        else:
            until = draw.wall(now) + bulletin.LASTS
            text = kb_say(draw.kb, "incident-at-once", topic=about)
            done = await desk.announce(
                incident.id, text=text, until=until.isoformat(timespec="minutes"), author=member.login, since=incident.proposed - EARLIER
            )
            what, told = "incident-announced", say("forum.incident-announced", until=f"{until:%H:%M}")
        if not done:
            return say("forum.incident-late"), True
        await self._store.staff.record(Entry(at=now, actor=member.login, what=what, subject=about, detail=""))
        return told, True

    async def _turn_over(self, press: Press) -> tuple[str, bool]:
        """Other buttons on the card."""
        menu = card.MENUS.get(press.action, "")
        await self._store.forum.open_menu(press.ticket, menu, self._clock() + MENU_LASTS if menu else None)
        return say(f"forum.menu-{menu}") if menu else say("forum.pressed"), False

    async def _wanted(self, press: Press, member: Member, file: File) -> tuple[Acted | None, str]:
        """The act of a button; None and why for one whose time is over."""
        draw = await self._draw()
        if press.action in card.ACTIONS:
            return acted_by(member, file, card.ACTIONS[press.action]), ""
        if press.action == suggest.SEND:
            text = suggest.text(draw, file, member, press.mark)
            acted = acted_by(member, file, Act.REPLY, text=text)
            return (acted, "") if text and not objection(draw.kb, acted) else (None, say("forum.pressed-old"))
        offered = [offer for menu in card.MENUS.values() for offer in card.offers(draw, file, menu)]
        about = next((about for action, about, _ in offered if action == press.action and (mark(about) if about else "") == press.mark), None)
        if about is None:
            return None, say("forum.pressed-old")
        return self._chosen(draw, press.action, about, member, file)

    def _chosen(self, draw: Drawing, action: str, about: str, member: Member, file: File) -> tuple[Acted | None, str]:
        match action:
            case card.GROUP:
                return acted_by(member, file, Act.MOVE, to=about), ""
            case card.PERSON if not assigns(member, file.row):
                return None, say("console.refused-owner", name=draw.name(file.row.owner))
            case card.PERSON:
                return acted_by(member, file, Act.ASSIGN, to=about, to_name=draw.name(about)), ""
            case card.TOPIC:
                return acted_by(member, file, Act.MISROUTE, to=about), ""
            case _:
                topic = draw.kb.topics.get(file.row.topic or "")
                right = (("bot_right", "yes"),) if topic and about in topic.causes and file.bot_right != "no" else ()
                facts = ((("cause", about),) if about else ()) + right
                return replace(acted_by(member, file, Act.SOLVE), facts=facts), ""
