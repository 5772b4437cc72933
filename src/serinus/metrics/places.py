"""Where pods of one kind show their metrics: searched for once, kept, and searched anew when nobody answers there."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from serinus.core.endpoints import Offer
from serinus.judge.answers import Answer, Failed
from serinus.judge.readings import Track
from serinus.judge.scrapes import ScrapedPod
from serinus.metrics.exposition import Page
from serinus.metrics.search import Found, PodPages, nowhere, search

SEARCH_AGAIN_SECONDS = 15.0
SILENT_ROUNDS_MAX = 3

Kind: TypeAlias = tuple[Track, Offer]
"""Pods of one track that say the same of their metrics."""


@dataclass(slots=True)
class _Place:
    found: Found
    searched_at: float
    searches: int = 0
    silent_rounds: int = 0


class Places:
    """The memory. `t` is any clock that goes forward in seconds."""

    def __init__(self, pages: PodPages) -> None:
        self._pages = pages
        self._places: dict[Kind, _Place] = {}

    def of(self, track: Track, offer: Offer) -> Found | None:
        """What the last search found, or tried; None: there was none."""
        place = self._places.get((track, offer))
        return place.found if place is not None else None

    async def search_where_needed(
        self, pods: Sequence[ScrapedPod], offers: Mapping[str, Offer | None], t: float, timeout_seconds: float
    ) -> bool:
        """Search on one pod of each kind without a place, the next time on another one; whether any was searched."""
        wanted: dict[Kind, list[str]] = {}
        for pod in pods:
            offer = offers[pod.name]
            if offer is None or nowhere(offer) is not None:
                continue
            self._begin_where_production_is((pod.track, offer), t)
            if self._is_due((pod.track, offer), t):
                wanted.setdefault((pod.track, offer), []).append(pod.name)
        await asyncio.gather(*(self._search(kind, names, t, timeout_seconds) for kind, names in wanted.items()))
        return bool(wanted)

    def _begin_where_production_is(self, kind: Kind, t: float) -> None:
        """A new version that says the same as production most likely shows its metrics in the same place: no search."""
        production = self._places.get((Track.STABLE, kind[1]))
        if kind not in self._places and production is not None and production.found.candidate is not None:
            self._places[kind] = _Place(production.found, t)

    def _is_due(self, kind: Kind, t: float) -> bool:
        """Where nobody has answered at all the pods may only be starting: that is tried again at once."""
        place = self._places.get(kind)
        if place is None or place.found.candidate is not None:
            return place is None
        return not place.found.reached or abs(t - place.searched_at) >= SEARCH_AGAIN_SECONDS

    async def _search(self, kind: Kind, names: Sequence[str], t: float, timeout_seconds: float) -> None:
        before = self._places.get(kind)
        searches = before.searches + 1 if before is not None else 0
        found = await search(self._pages, names[searches % len(names)], kind[1], timeout_seconds)
        self._places[kind] = _Place(found, t, searches)

    def note(
        self, pods: Sequence[ScrapedPod], offers: Mapping[str, Offer | None], answers: Mapping[str, Answer[Page]]
    ) -> None:
        """Learn from a round: a place where no pod answered several times in a row is forgotten."""
        answered: dict[Kind, bool] = {}
        for pod in pods:
            offer = offers[pod.name]
            if offer is not None:
                has = not isinstance(answers[pod.name], Failed)
                answered[pod.track, offer] = answered.get((pod.track, offer), False) or has
        for kind, any_answered in answered.items():
            place = self._places.get(kind)
            if place is None or place.found.candidate is None:
                continue
            place.silent_rounds = 0 if any_answered else place.silent_rounds + 1
            if place.silent_rounds >= SILENT_ROUNDS_MAX:
                del self._places[kind]
