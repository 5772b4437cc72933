"""Readings from services that count events in windows of time: what all of them have in common.

A counter is the count over the whole time since a fixed moment, asked for anew each round: so it only grows, nothing
need be remembered, and what the service learns late is not lost. Which service it is, a `Backend` knows.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from serinus.judge.answers import Answer, Empty, Failed, Known, Stale
from serinus.judge.scrapes import Scrape, ScrapedTrack
from serinus.metrics.config import Windows
from serinus.metrics.findings import Finding
from serinus.metrics.http import Reply
from serinus.metrics.queries import filled, values_for
from serinus.metrics.tracks import Numbers, counted, missing_for_production, scrape_of
from serinus.ports import Clock

EMPTY_WINDOW = "there is no point in the window"


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series; `at`: when its part of the window began, seconds since 1970; None: the whole window."""

    at: float | None
    value: float


class Backend(Protocol):
    """One service."""

    async def points(self, query: str, since: float, until: float) -> Answer[tuple[Point, ...]]:
        """The values in a window (seconds since 1970), the oldest first; Empty when there is none. Never raises."""


class WindowSource:
    """Reads tracks. `since`: from when on counters count; the rollout's history begins then."""

    def __init__(self, backend: Backend, windows: Windows, clock: Clock, since: datetime) -> None:
        self._backend = backend
        self._windows = windows
        self._clock = clock
        self._since = since.timestamp()

    async def read(self, tracks: Sequence[ScrapedTrack], t: float, weight_percent: float | None) -> Scrape:
        """One round. Never raises."""
        until = self._clock.now().timestamp()
        numbers = await asyncio.gather(*(self._numbers(track, until) for track in tracks))
        return scrape_of(tracks, numbers, t, weight_percent)

    async def check(self, stable: ScrapedTrack) -> tuple[Finding, ...]:
        """Ask every query once for production, which must have data."""
        return missing_for_production(await self._numbers(stable, self._clock.now().timestamp()))

    async def _numbers(self, track: ScrapedTrack, until: float) -> Numbers:
        windows = self._windows
        values = values_for(track, windows.variables.get(track.track.value, {}))
        queries = windows.all()
        every = await asyncio.gather(*(self._points(query, values, until) for query in queries.values()))
        answers = dict(zip(queries, every, strict=True))
        numbers: dict[str, Answer[float]] = {}
        for name, answer in answers.items():
            is_count = name in ("requests", "errors")
            numbers[name] = self._count(answer, until, name) if is_count else self._latest(answer, until, name)
        if isinstance(answers.get("errors"), Empty) and isinstance(numbers["requests"], Known):
            numbers["errors"] = Known(0.0, ("errors: none in the window, where there are requests",))
        return numbers

    async def _points(self, query: str, values: dict[str, str], until: float) -> Answer[tuple[Point, ...]]:
        try:
            text = filled(query, values)
        except KeyError as error:
            return Failed(f"variable {error.args[0]} is not known")
        return await self._backend.points(text, self._since, until)

    def _count(self, answer: Answer[tuple[Point, ...]], until: float, name: str) -> Answer[float]:
        """Errors may be rare: only the requests' last point tells whether the service still hears of the track."""
        if not isinstance(answer, Known):
            return _without_number(answer)
        total = counted(sum(point.value for point in answer.value), name)
        is_fresh_enough = name == "errors" or self._age(answer.value, until) <= self._windows.stale_seconds
        if not isinstance(total, Known) or is_fresh_enough:
            return Known(total.value, answer.notes) if isinstance(total, Known) else total
        return Stale(total.value, self._age(answer.value, until))

    def _latest(self, answer: Answer[tuple[Point, ...]], until: float, name: str) -> Answer[float]:
        if not isinstance(answer, Known):
            return _without_number(answer)
        age = self._age(answer.value, until)
        value = answer.value[-1].value
        return counted(value, name) if age <= self._windows.stale_seconds else Stale(value, age)

    def _age(self, points: tuple[Point, ...], until: float) -> float:
        at = points[-1].at
        return 0.0 if at is None else until - at


def _without_number(answer: Answer[tuple[Point, ...]]) -> Answer[float]:
    match answer:
        case Empty() | Failed():
            return answer
        case Known() | Stale():
            return Failed("the service's points are of the past")


def refusal(reply: Reply, service: str) -> Failed:
    """In words, for an answer that is no success."""
    if reply.status in (401, 403):
        return Failed(
            f"{service} refuses ({reply.status}): check the keys and what they may read; it says: {reply.excerpt()}"
        )
    if reply.status == 429:
        return Failed(f"{service} asks for fewer requests (429): use a longer interval; it says: {reply.excerpt()}")
    return Failed(f"{service} answers {reply.status}: {reply.excerpt()}")
