"""What is told in General: troubles of many, for the leads to decide about, and the figures of the day before. Each is posted once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.channels.telegram.api import Wait
from bot.channels.telegram.keyboards import Button
from bot.domain.clock import SECOND
from bot.service.reports import By, Period, bounds
from bot.wording import say

from .card import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.channels.telegram.api import Rows
    from bot.service.desk import Incident
    from bot.service.ports import Store
    from bot.service.reports import Rating, Speed

    from .api import GroupApi
    from .card import Draw, Drawing
    from .pace import Paces


LOOK = 3.0
"""Seconds between two looks."""
ANNOUNCE, DISMISS = "ia", "id"
"""What stands in the callback data of buttons about a trouble of many."""
LASTS = timedelta(hours=2)
"""For so long a notice stands that is announced by a button; another time is chosen at the console."""


class Bulletin:
    """`hour` is the one at which the figures of the day before are told, None for never. `elapsed` gives seconds by a clock that nobody sets."""

    def __init__(  # noqa: PLR0913  (dependencies, by name)
        self,
        *,
        store: Store,
        draw: Draw,
        paces: Paces,
        chat: Callable[[], int],
        hour: int | None,
        clock: Callable[[], int],
        elapsed: Callable[[], float],
    ) -> None:
        self._store, self._draw, self._paces, self._chat, self._hour, self._clock, self._elapsed = store, draw, paces, chat, hour, clock, elapsed
        self._looked = float("-inf")

    async def look(self, api: GroupApi) -> None:
        """Post what is new. Raises ApiError, StoreUnavailable; then nothing is kept as posted."""
        if self._elapsed() - self._looked < LOOK:
            return
        self._looked = self._elapsed()
        for incident in await self._store.desk.incidents(current=True):
            name = f"incident:{incident.id}"
            if incident.status == "proposed" and await self._store.forum.fact(name) is None:
                await self._propose(api, incident)
                await self._store.forum.keep_fact(name, "", self._clock())
        await self._report(api)

    async def _propose(self, api: GroupApi, incident: Incident) -> None:
        """Many tickets of one kind: whether merchants are told at once is the leads' to say."""
        draw = await self._draw()
        clusters = await self._store.desk.clusters(incident.proposed - 3600 * SECOND, 1)
        alike = (
            cluster.tickets for cluster in clusters if (cluster.topic, cluster.code, cluster.acquirer) == (incident.topic, incident.code, incident.acquirer)
        )
        about = " · ".join(filter(None, (topic_of(draw, incident), incident.code, incident.acquirer)))
        text = say("forum.incident", about=about, tickets=next(alike, incident.tickets) or say("forum.several"))
        place = f"\n{draw.url}/console/incidents" if draw.url else ""
        rows = [[Button(label=say(f"forum.button-{action}"), data=draw.buttons.data(action, incident.id)) for action in (ANNOUNCE, DISMISS)]]
        await self._post(api, text + place, rows)

    async def _post(self, api: GroupApi, text: str, rows: Rows = ()) -> None:
        pace = self._paces.of(self._chat())
        await pace.turn()
        try:
            await api.post(self._chat(), None, whole(text), rows=rows)
        except Wait as error:
            pace.refused(error.seconds)
            raise

    async def _report(self, api: GroupApi) -> None:
        if self._hour is None:
            return
        draw = await self._draw()
        now = datetime.fromtimestamp(self._clock() / SECOND, UTC).astimezone(draw.zone)
        name = f"report:{now.date().isoformat()}"
        if now.hour < self._hour or await self._store.forum.fact(name) is not None:
            return
        since, until = bounds(now.date() - timedelta(days=1), now.date() - timedelta(days=1), draw.zone)
        period = Period(since=since, until=until, now=self._clock())
        (day,) = await self._store.reports.days((since, until), self._clock())
        speeds = await self._store.reports.speed(period, By.ALL)
        lines = [
            say("forum.report", date=f"{now.date() - timedelta(days=1):%m-%d}"),
            say("forum.report-day", troubles=day.troubles, by_bot=day.by_bot, handed=day.handed, given_up=day.given_up),
            say("forum.report-tickets", tickets=day.tickets, by_staff=day.by_staff, waiting=sum((await self._store.desk.queue_state()).values())),
            *_speed(speeds),
            *_ratings(await self._store.reports.ratings(period)),
        ]
        await self._post(api, "\n".join(lines))
        await self._store.forum.keep_fact(name, "", self._clock())


def topic_of(draw: Drawing, incident: Incident) -> str:
    """What a trouble of many is about."""
    return draw.kb.topics[incident.topic].title if incident.topic in draw.kb.topics else incident.topic


def _speed(speeds: Sequence[Speed]) -> list[str]:
    """How long merchants waited, and how often the targets were kept."""
    if not speeds or speeds[0].answer_median is None:
        return []
    speed = speeds[0]
    kept = round(100 * (1 - speed.answered_late / speed.tickets)) if speed.tickets else 100
    return [say("forum.report-speed", minutes=round((speed.answer_median or 0) / SECOND / 60), kept=kept)]


def _ratings(ratings: Sequence[Rating]) -> list[str]:
    """What merchants gave."""
    count, stars = sum(rating.ratings for rating in ratings), sum(rating.stars for rating in ratings)
    return [say("forum.report-ratings", count=count, stars=round(stars / count, 1))] if count else []
