"""Readings from a Prometheus-compatible API: counters per track, by queries that are filled in for each track.

A query may answer with one series for the whole track, which is a pseudo pod of the track's name, or with series that
have a label `pod`, which are the pods. Not its job: the API itself (`prometheus_api.py`), the queries (`queries.py`),
their lint (`promql_lint.py`).
"""

import asyncio
import math
from collections.abc import Mapping, Sequence

import msgspec

from serinus.judge.answers import Answer, Empty, Failed, Known, Stale, in_words
from serinus.judge.readings import Histogram, PodReading, Reading
from serinus.judge.scrapes import Scrape, ScrapedPod, ScrapedTrack
from serinus.metrics.config import PrometheusConfig, Queries
from serinus.metrics.findings import Finding
from serinus.metrics.prometheus_api import PrometheusApi, Series
from serinus.metrics.promql_lint import lint
from serinus.metrics.queries import filled, values_for

POD_LABEL = "pod"
NO_ERRORS_YET = (
    "where no error was counted yet there is no series: add `or (the query for requests) * 0`, so that it is 0"
)

_Results = dict[str, Answer[tuple[Series, ...]]]


class PrometheusSource:
    """Reads tracks by queries. `api` and `config` are of one server."""

    def __init__(self, api: PrometheusApi, config: PrometheusConfig) -> None:
        self._api = api
        self._config = config

    async def read(self, tracks: Sequence[ScrapedTrack], t: float, weight_percent: float | None) -> Scrape:
        """One round over all tracks at once, all at one moment of the server's. Never raises."""
        at = self._api.now()
        every = await asyncio.gather(*(self._ask(track, at) for track in tracks))
        readings: list[PodReading] = []
        answers: dict[str, Answer[PodReading]] = {}
        for track, results in zip(tracks, every, strict=True):
            found = read_track(track, results, self._config)
            answers |= found
            readings += [_reading(answer) or _bare(track, name) for name, answer in found.items()]
            readings += [_of_pod(pod) for pod in track.pods if pod.name not in found]
        return Scrape(Reading(t=t, pods=tuple(readings), weight_percent=weight_percent), answers)

    def lint(self, canary: ScrapedTrack, stable: ScrapedTrack) -> tuple[Finding, ...]:
        """What is wrong with the queries, without asking the server."""
        return lint(self._config.queries, self._values(canary), self._values(stable))

    async def check(self, stable: ScrapedTrack) -> tuple[Finding, ...]:
        """Ask every query once for production, which must have data: what never answers cannot be compared with."""
        results = await self._ask(stable, self._api.now())
        told = [(name, in_words(answer)) for name, answer in results.items()]
        if not any(trouble for _, trouble in told):
            told = [("requests", in_words(one)) for one in read_track(stable, results, self._config).values()]
        findings = tuple(Finding(name, f"for production, {trouble}") for name, trouble in told if trouble)
        is_healthy = isinstance(results["requests"], Known) and isinstance(results.get("errors"), Empty)
        return (*findings, Finding("errors", NO_ERRORS_YET)) if is_healthy else findings

    def _values(self, track: ScrapedTrack) -> dict[str, str]:
        return values_for(track, self._config.variables.get(track.track.value, {}))

    async def _ask(self, track: ScrapedTrack, at: float) -> _Results:
        values = self._values(track)
        names, queries = list(self._config.queries.all()), self._config.queries.all().values()
        answers = await asyncio.gather(*(self._one(query, values, at) for query in queries))
        return dict(zip(names, answers, strict=True))

    async def _one(self, query: str, values: Mapping[str, str], at: float) -> Answer[tuple[Series, ...]]:
        try:
            promql = filled(query, values)
        except KeyError as error:
            return Failed(f"variable {error.args[0]} is not known")
        return await self._api.query(promql, at)


def read_track(track: ScrapedTrack, results: _Results, config: PrometheusConfig) -> dict[str, Answer[PodReading]]:
    """The readings of a track by name: its pods', where the queries tell pods apart, else one for the whole track.

    What decides is the query for requests: without an answer to it there is no reading. Another query without one
    leaves its number out, which is None and never zero.
    """
    requests = results["requests"]
    if not isinstance(requests, Known):
        return {track.track.value: _without_value(track, requests)}
    if (age := _age(results)) is not None and age > config.stale_seconds:
        return {track.track.value: Stale(_bare(track, track.track.value), age)}
    by_name = _by_pod(track, requests.value)
    if isinstance(by_name, Failed):
        return {track.track.value: by_name}
    return {name: _one_reading(track, name, series, results, config.queries) for name, series in by_name.items()}


def _without_value(track: ScrapedTrack, answer: Answer[tuple[Series, ...]]) -> Answer[PodReading]:
    match answer:
        case Stale(_, age_seconds):
            return Stale(_bare(track, track.track.value), age_seconds)
        case Known():
            return Empty("the query has no result")
        case Empty() | Failed():
            return answer


def _age(results: _Results) -> float | None:
    answer = results.get("age")
    return answer.value[0].value if isinstance(answer, Known) else None


def _by_pod(track: ScrapedTrack, series: Sequence[Series]) -> dict[str, list[Series]] | Failed:
    """Series by the name of their reading. Several without a pod are nobody's."""
    if len(series) == 1 and not series[0].labels.get(POD_LABEL):
        return {track.track.value: list(series)}
    if any(not one.labels.get(POD_LABEL) for one in series):
        return Failed(f"{len(series)} series where one is wanted: wrap the query in sum(...) or sum by (pod) (...)")
    found: dict[str, list[Series]] = {}
    for one in series:
        found.setdefault(one.labels[POD_LABEL], []).append(one)
    twice = next((name for name, several in found.items() if len(several) > 1), None)
    if twice is not None:
        return Failed(f"{len(found[twice])} series of pod {twice} where one is wanted: use sum by (pod) (...)")
    return found


def _one_reading(
    track: ScrapedTrack, name: str, series: list[Series], results: _Results, queries: Queries
) -> Answer[PodReading]:
    notes: list[str] = []
    requests = _count(series[0].value)
    if requests is None:
        return Empty(f"the query for requests gives {series[0].value}, which no counter can be")
    errors = _number(track, name, "errors", results, notes)
    latency = _histogram(track, name, results, queries.latency_unit_seconds, notes)
    gauges = {key: _number(track, name, key, results, notes) for key in queries.gauges}
    known = {key: value for key, value in gauges.items() if value is not None}
    reading = msgspec.structs.replace(
        _bare(track, name), requests=requests, errors=errors, latency=latency, gauges=known
    )
    told = results["requests"]
    return Known(reading, (*(told.notes if isinstance(told, Known) else ()), *notes))


def _own(track: ScrapedTrack, name: str, key: str, results: _Results, notes: list[str]) -> list[Series]:
    """The series of another query that belong to a reading."""
    answer = results.get(key)
    if answer is None:
        return []
    if not isinstance(answer, Known):
        notes.append(f"{key}: {in_words(answer)}")
        return []
    wanted = "" if name == track.track.value else name
    return [one for one in answer.value if one.labels.get(POD_LABEL, "") == wanted]


def _number(track: ScrapedTrack, name: str, key: str, results: _Results, notes: list[str]) -> float | None:
    series = _own(track, name, key, results, notes)
    if len(series) > 1:
        notes.append(f"{key}: {len(series)} series where one is wanted")
        return None
    number = _count(series[0].value) if series else None
    if series and number is None:
        notes.append(f"{key}: {series[0].value} is no number to compare")
    return number


def _histogram(
    track: ScrapedTrack, name: str, results: _Results, unit_seconds: float, notes: list[str]
) -> Histogram | None:
    series = _own(track, name, "latency", results, notes)
    if not series:
        return None
    try:
        counts = {float(one.labels["le"]): one.value for one in series}
    except (KeyError, ValueError):
        notes.append("latency: a series has no label le with a number; keep it: sum by (le) (...)")
        return None
    edges = sorted(counts)
    values = [counts[edge] for edge in edges]
    is_whole = edges[-1] == math.inf and len(counts) == len(series) and all(_count(one) is not None for one in values)
    if not is_whole or values != sorted(values):
        notes.append("latency: the buckets are no histogram (+Inf is missing, or counts fall towards larger edges)")
        return None
    le = tuple(edge * unit_seconds for edge in edges[:-1])
    return Histogram(le=le, counts=tuple(values[:-1]), count=values[-1])


def _count(value: float) -> float | None:
    return value if math.isfinite(value) and value >= 0 else None


def _bare(track: ScrapedTrack, name: str) -> PodReading:
    pod = next((pod for pod in track.pods if pod.name == name), None)
    return _of_pod(pod) if pod is not None else PodReading(name, track.track)


def _of_pod(pod: ScrapedPod) -> PodReading:
    return PodReading(pod.name, pod.track, started=pod.started, restarts=pod.restarts)


def _reading(answer: Answer[PodReading]) -> PodReading | None:
    return answer.value if isinstance(answer, Known) else None
