"""Is a gauge (CPU, memory, a queue) higher on the canary by more than the margin? A sequential t test (2.5).

At each scrape the canary's pods are compared with production's of the same scrape, which removes what moves both:
d_t = log(canary / production) - log(1 + margin), of averages over pods. Neighbouring values resemble each other, so
they are prewhitened with the coefficient r of a first-order autoregression: z_t = (d_t - r d_(t-1)) / (1 - r). For n
values with running mean m and sum of squares about it q, and a normal prior of variance g = 1 on mean / deviation of
which only the positive half counts,

    log E_n = -log(1 + n g) / 2 + (n / 2) log[(q + n m^2) / (q + n m^2 / (1 + n g))] + log(2 P(T_n > -loc / scale))

with loc = n g m / (1 + n g), scale^2 = g (q + n m^2 / (1 + n g)) / (n (1 + n g)).

Source: Wang and Ramdas (2025), anytime-valid t tests; Lai (1976). Guarantee: exact for Gaussian AR(1) with r known:
E_n is a likelihood ratio of the statistics that do not depend on the unknown deviation (a martingale in what they
tell, from n = 1 on), and lowering all values lowers E_n, so means below 0 are covered. With r estimated it is
asymptotic: hence the upward correction of `autocorrelation`, and the small weight of gauges. Differences between pods
do not average out with time: the margin must exceed them.

What a block contributes is E_n / E_(n-1), so a mixture over start times may multiply it like any other log e.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from serinus.judge.student import log_survival

PRIOR_VARIANCE = 1.0
HISTORY_MIN = 30
STANDARD_ERRORS = 1.5
CORRELATION_MAX = 0.98
UNKNOWN_CORRELATION = 0.9
BATCH_SCRAPES = math.ceil(2 * (1 + UNKNOWN_CORRELATION) / (1 - UNKNOWN_CORRELATION))
"""Without history, means of so many scrapes are taken as independent: right for an autocorrelation of up to 0.9."""


class GaugeEvidence(msgspec.Struct, omit_defaults=True):
    """What is remembered of one gauge. `log_e`: log E_n so far.

    `correlation`: r; None: not known, values are then means of BATCH_SCRAPES scrapes.
    `previous`: d of the last scrape, None after a gap. `batch_sum`, `batch_size`: the open batch.
    """

    correlation: float | None = None
    values: int = 0
    mean: float = 0.0
    squares: float = 0.0
    log_e: float = 0.0
    previous: float | None = None
    batch_sum: float = 0.0
    batch_size: int = 0


def log_ratio(canary: Sequence[float], stable: Sequence[float], relative_margin: float) -> float | None:
    """d of one scrape: log of the ratio of both averages over pods, less the margin's. None: nothing to compare.

    Values that are not finite are left out. An average that is not positive has no logarithm: None.
    """
    ours = [value for value in canary if math.isfinite(value)]
    theirs = [value for value in stable if math.isfinite(value)]
    if not ours or not theirs:
        return None
    top, bottom = math.fsum(ours) / len(ours), math.fsum(theirs) / len(theirs)
    if top <= 0 or bottom <= 0:
        return None
    return math.log(top / bottom) - math.log1p(relative_margin)


def autocorrelation(history: Sequence[float | None]) -> float | None:
    """r from production's own past: one value a scrape, None where there was none; None if too little is known.

    The values should be the logarithm of a ratio of two halves of production's pods, as noisy as d itself; in a plain
    series trends count as correlation, which only makes the test slower. The least-squares estimate is corrected for
    its bias, (1 + 3 r) / n (Kendall 1954), and raised by 1.5 standard errors, because an r that is too small breaks
    the guarantee and one that is too large costs power.
    """
    known = [value for value in history if value is not None]
    if len(known) < HISTORY_MIN:
        return None
    mean = math.fsum(known) / len(known)
    pairs = [
        (first - mean, second - mean) for first, second in pairwise(history) if first is not None and second is not None
    ]
    spread = math.fsum(first * first for first, _ in pairs)
    if len(pairs) < HISTORY_MIN - 1 or spread <= 0:
        return None
    raw = math.fsum(first * second for first, second in pairs) / spread
    size = len(pairs)
    corrected = min(1.0, max(0.0, raw + (1 + 3 * raw) / size))
    raised = corrected + STANDARD_ERRORS * math.sqrt(max(1 - corrected * corrected, 1 / size) / size)
    return min(CORRELATION_MAX, raised)


def take_in(evidence: GaugeEvidence, difference: float | None) -> float:
    """Take in d of one scrape, in place; the logarithm of the factor by which the evidence grew (0 for none).

    None stands for a scrape in which the gauge was not to be had: the next value has no predecessor.
    """
    value = _independent(evidence, difference)
    if value is None:
        return 0.0
    evidence.values += 1
    away = value - evidence.mean
    evidence.mean += away / evidence.values
    evidence.squares += away * (value - evidence.mean)
    before = evidence.log_e
    evidence.log_e = log_e(evidence.values, evidence.mean, evidence.squares)
    return evidence.log_e - before


def log_e(values: int, mean: float, squares: float) -> float:
    """log E_n of n independent values with this mean and this sum of squares about it."""
    n, growth = float(values), 1 + values * PRIOR_VARIANCE
    under_null = squares + n * mean * mean
    if under_null <= 0:
        return 0.0
    under_prior = squares + n * mean * mean / growth
    place = n * PRIOR_VARIANCE * mean / growth
    scale = math.sqrt(PRIOR_VARIANCE * under_prior / (n * growth))
    one_sided = math.log(2) + log_survival(-place / scale, n)
    return -math.log(growth) / 2 + n / 2 * math.log(under_null / under_prior) + one_sided


def _independent(evidence: GaugeEvidence, difference: float | None) -> float | None:
    """The next value that may be taken as independent of those before it, if this scrape completes one."""
    previous, evidence.previous = evidence.previous, difference
    if difference is None:
        return None
    r = evidence.correlation
    if r is not None:
        return None if previous is None else (difference - r * previous) / (1 - r)
    evidence.batch_sum += difference
    evidence.batch_size += 1
    if evidence.batch_size < BATCH_SCRAPES:
        return None
    mean = evidence.batch_sum / evidence.batch_size
    evidence.batch_sum, evidence.batch_size = 0.0, 0
    return mean
