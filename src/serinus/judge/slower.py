"""Eight ways in which a canary may be slower than production: laws over the buckets, made from histograms.

None of them has to be true: a wrong law costs power, never validity (see `latency.py`).
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

from serinus.judge.buckets import Counts

Law = tuple[float, ...]
"""Probability of each of the J + 1 buckets."""

FACTORS = (1.2, 1.6, 3.0)
"""Every request takes so many times as long."""

TAILS = ((0.10, 3.0), (0.03, 2.0), (0.01, 3.0), (0.001, 10.0))
"""The slowest share of requests, and how many times as frequent it becomes."""

HYPOTHESES = len(FACTORS) + len(TAILS) + 1
PRIOR_REQUESTS = 50.0
"""How many requests of production the learned law starts with."""

_NORMAL = NormalDist()
_TINY = 1e-12


def law_of(counts: Counts) -> Law:
    """The histogram as probabilities, none of them zero: one further observation is spread evenly over the buckets."""
    total = math.fsum(counts) + 1.0
    each = 1.0 / len(counts)
    return tuple((observed + each) / total for observed in counts)


def slower_laws(edges: Sequence[float], stable: Law, canary: Counts) -> tuple[Law, ...]:
    """The eight laws, in fixed order: whole distribution slower, tail more frequent, learned from the canary's past."""
    stretches = tuple(stretched(edges, stable, factor) for factor in FACTORS)
    tails = tuple(fattened(stable, share, times) for share, times in TAILS)
    return (*stretches, *tails, learned(stable, canary))


def stretched(edges: Sequence[float], law: Law, factor: float) -> Law:
    """Every latency multiplied by `factor`: the law's distribution function read at edge / factor.

    Between edges the probit of the distribution function is taken as linear in the logarithm of the latency (exact for
    a log-normal law); outside them the first and last line are prolonged.
    """
    places = [index for index, edge in enumerate(edges) if edge > 0]
    below = _distribution(law)
    if not places:
        return law
    logs = [math.log(edges[index]) for index in places]
    probits = [_NORMAL.inv_cdf(min(1 - _TINY, max(_TINY, below[index]))) for index in places]
    moved = list(below)
    for index, log_edge in zip(places, logs, strict=True):
        moved[index] = min(below[index], _NORMAL.cdf(_line(logs, probits, log_edge - math.log(factor))))
    return _law(moved)


def fattened(law: Law, share: float, times: float) -> Law:
    """The slowest `share` of requests becomes `times` as frequent; the order within both parts stays as it is."""
    grown = share * times
    moved = []
    for below in _distribution(law):
        above = 1 - below
        inside = above <= share
        moved.append(1 - (above * times if inside else grown + (above - share) * (1 - grown) / (1 - share)))
    return _law(moved)


def learned(stable: Law, canary: Counts) -> Law:
    """What the canary did so far, beginning at production's law."""
    total = math.fsum(canary) + PRIOR_REQUESTS
    return tuple((observed + PRIOR_REQUESTS * share) / total for observed, share in zip(canary, stable, strict=True))


def within_margin(law: Law, stable: Law, delta: float, epsilon: float) -> Law:
    """The nearest law inside the margin: above each edge at most (1 + delta) times production, plus epsilon."""
    limit = [1 - min(1.0, (1 + delta) * (1 - below) + epsilon) for below in _distribution(stable)]
    return _law([max(here, least) for here, least in zip(_distribution(law), limit, strict=True)])


def _distribution(law: Law) -> tuple[float, ...]:
    """Probability at or below each of the J edges."""
    sums, total = [], 0.0
    for share in law[:-1]:
        total += share
        sums.append(min(1.0, total))
    return tuple(sums)


def _law(below: Sequence[float]) -> Law:
    """From probabilities at or below each edge to probabilities of the buckets, none of them zero."""
    shares, reached = [], 0.0
    for value in (*below, 1.0):
        shares.append(max(_TINY, value - reached))
        reached = max(reached, value)
    return tuple(shares)


def _line(logs: Sequence[float], probits: Sequence[float], place: float) -> float:
    """Linear interpolation, prolonged at both ends; one point alone: a log-normal law with sigma 1."""
    if len(logs) == 1:
        return probits[0] + place - logs[0]
    right = 1
    while right < len(logs) - 1 and logs[right] < place:
        right += 1
    slope = (probits[right] - probits[right - 1]) / (logs[right] - logs[right - 1])
    return probits[right] + slope * (place - logs[right])
