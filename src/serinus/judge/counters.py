"""Cumulative counters, as scraped, become increments per pod.

A counter that falls has restarted from zero: all it shows now is new. None, NaN, an infinity and a negative number are
unknown, which is not zero: the next good value bridges the gap. The first value of a canary pod counts from zero, for
it began with this rollout; that of a production pod only sets the mark, unless the pod began after the last reading (or
after the rollout did, in the first one). No test and no threshold stands here.
"""

from math import inf
from operator import sub

import msgspec

from serinus.judge.readings import Histogram, PodReading, Track

RESTARTS_MAX = 2
"""Of one pod in one scrape: a scrape that was long away must not make a crash loop of one pod."""
NOTHING = (0.0, 0.0)


class PodState(msgspec.Struct, omit_defaults=True):
    """What is remembered of one pod: its last counters, and what it served while it was watched.

    Times are in seconds on the rollout's clock. `edges` are those of the last histogram; `buckets` its counts,
    cumulative over the edges, and all observations at the end. `counted_at`, `observed_at`, `restarts_at`: when its
    requests, its histogram and its restarts were last to be had.
    """

    track: Track
    first_seen: float
    seen: float
    started: float | None = None
    is_new: bool = True
    requests: float | None = None
    errors: float | None = None
    counted_at: float | None = None
    observed_at: float | None = None
    restarts_at: float | None = None
    restarts: int | None = None
    edges: tuple[float, ...] = ()
    buckets: list[float] = []
    total_requests: float = 0.0
    total_errors: float = 0.0
    total_restarts: int = 0
    total_hours: float = 0.0


def pod_first_seen(reading: PodReading, now: float, last: float | None) -> PodState:
    """A pod that was not known. `last`: when the last reading was; None: there was none."""
    began_with_us = reading.started is None or reading.started >= 0.0
    began_since = reading.started is not None and reading.started >= (0.0 if last is None else last)
    is_new = began_with_us if reading.track is not Track.STABLE else began_since
    return PodState(reading.track, now, now, reading.started, is_new)


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


def observed_since(pod: PodState, histogram: Histogram, now: float) -> list[float] | None:
    """New observations in each bucket (not cumulative), the last one beyond all edges. None: nothing is known.

    A histogram whose edges have changed is a new one, and only sets the mark.
    """
    edges = histogram.le
    found = [*histogram.counts, histogram.count]
    if len(found) != len(edges) + 1 or len(found) < 2 or not (min(found) >= 0.0 and max(found) < inf):
        return None
    before, known_edges = pod.buckets, pod.edges
    pod.buckets, pod.edges, pod.observed_at = found, edges, now
    if not before:
        return _per_bucket(found) if pod.is_new else None
    if known_edges != edges:
        return None
    grown = list(map(sub, found, before))
    return _per_bucket(found if min(grown) < 0.0 else grown)


def _per_bucket(cumulative: list[float]) -> list[float]:
    """Counts of each bucket. Cumulative ones may contradict each other by a few: a scrape is no snapshot."""
    counts = [cumulative[0], *map(sub, cumulative[1:], cumulative)]
    if min(counts) >= 0.0:
        return counts
    reached, counts = 0.0, []
    for value in cumulative:
        counts.append(max(value - reached, 0.0))
        reached = max(reached, value)
    return counts
