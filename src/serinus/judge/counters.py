"""Cumulative counters, as scraped, become increments per pod.

A counter that falls has restarted from zero: all it shows now is new. None, NaN, an infinity and a negative number are
unknown, which is not zero: the next good value bridges the gap. The first value of a canary pod counts from zero, for
it began with this rollout; that of a production pod only sets the mark, unless the pod began after the last reading. No
test and no threshold stands here.
"""

from collections.abc import Sequence
from math import inf

import msgspec

from serinus.judge.readings import Histogram, PodReading, Track

RESTARTS_MAX = 2
"""Of one pod in one scrape: a scrape that was long away must not make a crash loop of one pod."""
NOTHING = (0.0, 0.0)


class PodState(msgspec.Struct, omit_defaults=True):
    """What is remembered of one pod: its last counters, and what it served while it was watched.

    Times are in seconds on the rollout's clock. `edges` are those of the last histogram; `buckets` its counts,
    cumulative over the edges, and all observations at the end.
    """

    track: Track
    first_seen: float
    seen: float
    started: float | None = None
    is_new: bool = True
    requests: float | None = None
    errors: float | None = None
    counted_at: float | None = None
    restarts: int | None = None
    edges: list[float] = []
    buckets: list[float] = []
    total_requests: float = 0.0
    total_errors: float = 0.0
    total_restarts: int = 0
    total_seconds: float = 0.0


def pod_first_seen(reading: PodReading, now: float, last: float | None) -> PodState:
    """A pod that was not known. `last`: when the last reading was; None: there was none."""
    began_with_us = reading.started is None or reading.started >= 0.0
    began_since = reading.started is not None and last is not None and reading.started >= last
    is_new = began_with_us if reading.track is not Track.STABLE else began_since
    return PodState(reading.track, now, now, reading.started, is_new)


def is_known(value: float | None) -> bool:
    """Whether this is a count: finite and not negative."""
    return value is not None and 0.0 <= value < inf


def served_since(pod: PodState, reading: PodReading, now: float) -> tuple[float, float]:
    """Requests and failed requests since the last good scrape of this pod; never more failed than requests."""
    requests, errors = reading.requests, reading.errors
    if requests is None or errors is None or not (0.0 <= requests < inf and 0.0 <= errors < inf):
        return NOTHING
    before, failed_before = pod.requests, pod.errors
    pod.requests, pod.errors, pod.counted_at = requests, errors, now
    if before is None or failed_before is None:
        if not pod.is_new:
            return NOTHING
    elif requests >= before and errors >= failed_before:
        requests, errors = requests - before, errors - failed_before
    errors = min(errors, requests)
    pod.total_requests += requests
    pod.total_errors += errors
    return requests, errors


def restarts_since(pod: PodState, reading: PodReading) -> int | None:
    """Restarts since the last scrape, at most RESTARTS_MAX; None: not known in this scrape."""
    restarts = reading.restarts
    if restarts is None or restarts < 0:
        return None
    before = pod.restarts
    pod.restarts = restarts
    if before is None:
        before = 0 if pod.is_new else restarts
    new = min(restarts - before if restarts >= before else restarts, RESTARTS_MAX)
    pod.total_restarts += new
    return new


def observed_since(pod: PodState, histogram: Histogram) -> list[float] | None:
    """New observations in each bucket (not cumulative), the last one beyond all edges. None: nothing is known.

    A histogram whose edges have changed is a new one, and only sets the mark.
    """
    found = [*histogram.counts, histogram.count]
    if not _is_histogram(histogram, found):
        return None
    edges = list(histogram.le)
    before, known_edges = pod.buckets, pod.edges
    pod.buckets, pod.edges = found, edges
    if not before:
        if not pod.is_new:
            return None
        return _per_bucket(found)
    if known_edges != edges:
        return None
    grown = [now - then for now, then in zip(found, before, strict=True)]
    if min(grown) < 0.0:
        return _per_bucket(found)
    return _per_bucket(grown)


def _is_histogram(histogram: Histogram, found: Sequence[float]) -> bool:
    if len(histogram.le) != len(histogram.counts) or not histogram.le:
        return False
    least = 0.0
    for value in found:
        if not least <= value < inf:
            return False
        least = value
    return True


def _per_bucket(cumulative: list[float]) -> list[float]:
    least = 0.0
    counts = []
    for value in cumulative:
        counts.append(value - least if value > least else 0.0)
        least = value
    return counts
