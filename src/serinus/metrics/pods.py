"""Readings from the pods' own pages of metrics, with nothing installed: all pods at once, through a way handed in.

What is found once is kept for the track: where the page is (`places.py`), and which family counts (`choosing.py`). A
pod that does not answer is Failed and has None in the reading, never zero. Not its job: how a pod is reached
(`kube/pod_http.py`), what a page says (`exposition.py`, `extract.py`), when to scrape.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from serinus.core.endpoints import Offer
from serinus.judge.answers import Answer, Empty, Failed, Known, Stale
from serinus.judge.readings import PodReading, Reading, Track
from serinus.judge.scrapes import Scrape, ScrapedPod
from serinus.metrics.choosing import Choices
from serinus.metrics.exposition import Page
from serinus.metrics.extract import Choice, gauges_of, numbers_of
from serinus.metrics.places import Places
from serinus.metrics.search import Found, PodPages, fetch, nowhere
from serinus.ports import Clock

SHARE_OF_INTERVAL = 0.8
TIMEOUT_SECONDS_MAX = 10.0
AT_ONCE_MAX = 32
"""Connections that a round may take of those that the client has for everything."""
STALE_SECONDS = 60.0
"""A page whose own timestamps are older than this tells of the past."""


@dataclass(frozen=True, slots=True)
class _Totals:
    """The counters whose rate is a gauge, at the last scrape."""

    t: float
    values: Mapping[str, float]


class PodScraper:
    """Scrapes pods. `interval_seconds`: how often `read` is called; each call ends well within it."""

    def __init__(self, pages: PodPages, clock: Clock, interval_seconds: float) -> None:
        self.timeout_seconds = min(TIMEOUT_SECONDS_MAX, SHARE_OF_INTERVAL * interval_seconds)
        self._pages = pages
        self._clock = clock
        self._places = Places(pages)
        self._choices = Choices()
        self._totals: dict[str, _Totals] = {}
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)

    async def read(self, pods: Sequence[ScrapedPod], t: float, weight_percent: float | None) -> Scrape:
        """One round. `t`: seconds since the rollout began. Raises for no pod; ends within `timeout_seconds`."""
        offers = {pod.name: self._pages.offer(pod.name) for pod in pods}
        half = self.timeout_seconds / 2
        searched = await self._places.search_where_needed(pods, offers, t, half)
        left = half if searched else self.timeout_seconds
        answered = await asyncio.gather(*(self._page(pod, offers[pod.name], left) for pod in pods))
        pages = dict(zip((pod.name for pod in pods), answered, strict=True))
        self._places.note(pods, offers, pages)
        for track in (Track.STABLE, Track.BASELINE, Track.CANARY):
            self._choices.look(track, [page for pod in pods if pod.track is track for page in _known(pages[pod.name])])
        answers = {pod.name: self._answer(pod, pages[pod.name], t) for pod in pods}
        self._totals = {name: totals for name, totals in self._totals.items() if name in answers}
        readings = tuple(_reading_of(pod, answers[pod.name]) for pod in pods)
        return Scrape(Reading(t=t, pods=readings, weight_percent=weight_percent), answers, self._choices.notes)

    def choice(self, track: Track) -> Choice | None:
        """The family that counts for a track; None: none was found so far."""
        return self._choices.of(track)

    def found(self, pod: ScrapedPod) -> Found | None:
        """Where pods of this kind show their metrics, or what was tried; None: it was not searched for."""
        offer = self._pages.offer(pod.name)
        return self._places.of(pod.track, offer) if offer is not None else None

    async def _page(self, pod: ScrapedPod, offer: Offer | None, timeout_seconds: float) -> Answer[Page]:
        why = nowhere(offer)
        if why is not None or offer is None:
            return why or Failed("the pod is gone")
        found = self._places.of(pod.track, offer)
        if found is None or found.candidate is None:
            return found.answer() if found is not None else Failed("its page was not searched for yet")
        try:
            async with asyncio.timeout(timeout_seconds), self._at_once:
                return await fetch(self._pages, pod.name, found.candidate.endpoint, timeout_seconds)
        except TimeoutError:
            return Failed(f"no answer within {timeout_seconds:g} s")

    def _answer(self, pod: ScrapedPod, answer: Answer[Page], t: float) -> Answer[PodReading]:
        match answer:
            case Known(page, notes):
                return self._read(pod, page, notes, t)
            case Stale(_, age_seconds):
                return Failed(f"the page is {age_seconds:.0f} s old")
            case Empty() | Failed():
                return answer

    def _read(self, pod: ScrapedPod, page: Page, notes: tuple[str, ...], t: float) -> Answer[PodReading]:
        choice = self._choices.of(pod.track)
        counted = (
            numbers_of(page, choice) if choice is not None else Empty("the page has no well-known count of requests")
        )
        gauges, totals = gauges_of(page)
        gauges |= self._rates(pod.name, totals, t)
        if isinstance(counted, Empty):
            known = msgspec.structs.replace(_bare(pod), gauges=gauges)
            return Known(known, (*notes, counted.why)) if gauges or totals else counted
        numbers = counted.value
        reading = msgspec.structs.replace(
            _bare(pod), requests=numbers.requests, errors=numbers.errors, latency=numbers.latency, gauges=gauges
        )
        if numbers.newest is not None:
            age_seconds = self._clock.now().timestamp() - numbers.newest
            if age_seconds > STALE_SECONDS:
                return Stale(reading, age_seconds)
        return Known(reading, (*notes, *counted.notes))

    def _rates(self, pod: str, totals: Mapping[str, float], t: float) -> dict[str, float]:
        """Growth per second since the last scrape; none after a restart, nor at the first scrape."""
        before = self._totals.get(pod)
        self._totals[pod] = _Totals(t, totals)
        if before is None or t <= before.t:
            return {}
        grown = {key: value - before.values[key] for key, value in totals.items() if key in before.values}
        return {key: value / (t - before.t) for key, value in grown.items() if value >= 0}


def _known(answer: Answer[Page]) -> list[Page]:
    return [answer.value] if isinstance(answer, Known) else []


def _bare(pod: ScrapedPod) -> PodReading:
    """What the cluster says of the pod, without any number of its own."""
    return PodReading(pod.name, pod.track, started=pod.started, restarts=pod.restarts)


def _reading_of(pod: ScrapedPod, answer: Answer[PodReading]) -> PodReading:
    """An old number is not handed on as today's."""
    return answer.value if isinstance(answer, Known) else _bare(pod)
