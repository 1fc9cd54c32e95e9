"""Metrics for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from bot.domain.clock import SECOND

if TYPE_CHECKING:
    from bot.service.ports import Counts

_STEP_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
_SEND_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10)


class Meter:
    """Counts what the service does."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._arrived = self._counter("arrived", "Events taken in", "channel", "kind")
        self._arrivals: dict[tuple[str, str], Counter] = {}
        self._handled = self._counter("events", "Events handled, or put aside because they could not be", "result")
        self._steps = Histogram("posbot_step_seconds", "One conversation's events, understanding included", buckets=_STEP_SECONDS, registry=self._registry)
        self._delivered = self._counter("deliveries", "Tries to deliver a line", "channel", "result")
        self._sends = Histogram("posbot_delivery_seconds", "One try to deliver", ("channel",), buckets=_SEND_SECONDS, registry=self._registry)
        self._tickets = self._counter("tickets", "Hand-overs to staff", "reason", "urgency")
        self._ratings = self._counter("ratings", "Merchants' ratings", "stars")
        self._reloads = self._counter("knowledge_reloads", "Knowledge read again", "result")
        self._knowledge = Gauge("posbot_knowledge_info", "The knowledge in use", ("version",), registry=self._registry)
        self._waiting = Gauge("posbot_waiting", "What waits in the database", ("what",), registry=self._registry)
        self._oldest = Gauge("posbot_oldest_event_seconds", "Age of the oldest event that waits", registry=self._registry)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"posbot_{name}", about, labels, registry=self._registry)

    def arrived(self, channel: str, kind: str) -> None:
        """An event was taken in."""
        counter = self._arrivals.get((channel, kind))
        if counter is None:  # looking a counter up by its labels takes longer than counting
            counter = self._arrivals[channel, kind] = self._arrived.labels(channel, kind)
        counter.inc()

    def stepped(self, seconds: float, done: int, dead: int) -> None:
        """A conversation's events were handled."""
        self._steps.observe(seconds)
        self._handled.labels("done").inc(done)
        self._handled.labels("dead").inc(dead)

    def delivered(self, channel: str, result: str, seconds: float) -> None:
        """A line was tried: `sent`, `later` or `dead`."""
        self._delivered.labels(channel, result).inc()
        self._sends.labels(channel).observe(seconds)

    def opened(self, reason: str, urgency: str) -> None:
        """A ticket was opened."""
        self._tickets.labels(reason, urgency).inc()

    def rated(self, stars: int) -> None:
        """A merchant gave stars."""
        self._ratings.labels(str(stars)).inc()

    def learnt(self, version: str) -> None:
        """This knowledge is in use now."""
        self._knowledge.clear()
        self._knowledge.labels(version).set(1)

    def reloaded(self, *, good: bool) -> None:
        """Knowledge was read again."""
        self._reloads.labels("good" if good else "broken").inc()

    def waiting(self, counts: Counts) -> None:
        """What waits now."""
        for what in ("inbox", "outbox", "dead", "tickets"):
            self._waiting.labels(what).set(getattr(counts, what))
        self._oldest.set(counts.oldest / SECOND)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)
