"""Is the canary slower than production by more than the margin? E-values for latency histograms (statistics.md 2.3).

Null, required separately in every block, while both laws may move in time: at every bucket edge,

    share of the canary's requests above it <= (1 + delta) * share of production's + epsilon.

For scores a_0 <= ... <= a_J that were fixed before the block, n = n_c + n_s and
b_j = (n - n_c [(1 + delta) a_j - delta a_0]) / n_s > 0,

    log e = sum_j x_cj log a_j + sum_j x_sj log b_j - n log(1 + (n_c / n) epsilon (a_J - a_0)).

Guarantee: E[e] <= 1 under the null for independent requests, whatever the scores. Increasing scores give
E_c[a] <= (1 + delta) E_s[a] - delta a_0 + epsilon (a_J - a_0), hence n_c E_c[a] + n_s E_s[b] is at most
n + n_c epsilon (a_J - a_0); the geometric mean of the n factors is at most their arithmetic mean, so requests that
differ from one another are covered. The construction is the block e-value of Turner, Ly and Gruenwald (2024) for
stochastic order; likelihood-ratio scores are its growth-optimal choice.

Cold pods have a limit of their own: production's histogram shifted by some buckets. They enter the same block as a
second group with its own scores, and the proof adds up over the groups.

Not its job: counters, tempering, evidence over time, thresholds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log, log1p

import msgspec

from serinus.judge.buckets import Counts, shifted
from serinus.judge.isotonic import increasing
from serinus.judge.slower import HYPOTHESES, Law, law_of, slower_laws, within_margin

COLD_SHIFT_BUCKETS = 2
NO_EVIDENCE = (0.0,) * HYPOTHESES

_FLOOR = 0.02
"""No single request of production takes more than this factor away."""
_SHARE_STEP = 1.3
"""Scores are made for shares of the canary on a grid: odds grow by this factor from one to the next."""
_LEAST_GROWTH = 1e-9
"""A hypothesis inside the margin stakes nothing; rounding is no growth."""
_SAME = 1e-9
_BETS = (1.0, 0.7, 0.45, 0.25)
"""How much of the likelihood-ratio scores is staked: the one with the most expected growth is taken."""


class Basis(msgspec.Struct, frozen=True):
    """From what the scores are made: histograms of requests *before* the block. Plain numbers, kept in the state.

    `edges`: seconds, growing, finite. `stable`, `canary`: counts per bucket, J + 1 entries.
    """

    edges: tuple[float, ...]
    stable: Counts
    canary: Counts


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one hypothesis. `values`: a_0 <= ... <= a_J. `logs`: their logarithms.

    `burden`: (1 + delta) a_j - delta a_0 for each bucket j of *production*, the shift of cold pods already applied.
    """

    values: tuple[float, ...]
    logs: tuple[float, ...]
    burden: tuple[float, ...]


def log_e(
    basis: Basis,
    canary: Sequence[float],
    stable: Sequence[float],
    delta: float,
    epsilon: float,
    cold_canary: Sequence[float] | None = None,
    cold_shift: int = COLD_SHIFT_BUCKETS,
) -> tuple[float, ...]:
    """Log e-values of one block, one per hypothesis: eight, in the order of `slower_laws`.

    `canary`, `stable`: increments per bucket at the edges of `basis`; `cold_canary`: those of pods that are still
    cold, which are then not in `canary`. All zero when either side has no requests, or nothing to compare at.
    """
    groups = [(canary, 0), (cold_canary, cold_shift)] if cold_canary else [(canary, 0)]
    sizes = [math.fsum(counts) for counts, _ in groups]
    canary_requests, stable_requests = math.fsum(sizes), math.fsum(stable)
    if canary_requests <= 0 or stable_requests <= 0 or len(stable) < 2 or math.fsum(basis.stable) <= 0:
        return NO_EVIDENCE
    rung = _rung(canary_requests / stable_requests)
    if len(groups) == 1:
        return _of_one_group(scores(basis, rung, delta, epsilon, 0), canary, stable, epsilon)
    total = [0.0] * HYPOTHESES
    spent: list[list[float]] = [[0.0] * len(stable) for _ in range(HYPOTHESES)]
    tolerated = [0.0] * HYPOTHESES
    for (counts, shift), size in zip(groups, sizes, strict=True):
        if size > 0:
            table = scores(basis, rung, delta, epsilon, shift)
            _add_canary(table, _seen(counts), size * epsilon, total, tolerated)
            _add_burden(table, size / stable_requests, spent)
    return _add_stable(total, spent, tolerated, _seen(stable), canary_requests, stable_requests)


def _of_one_group(
    table: Sequence[Scores], canary: Sequence[float], stable: Sequence[float], epsilon: float
) -> tuple[float, ...]:
    """The formula where no pod is cold, which is nearly always: the same sums in one pass."""
    canary_requests, stable_requests = math.fsum(canary), math.fsum(stable)
    requests = canary_requests + stable_requests
    odds, whole = canary_requests / stable_requests, requests / stable_requests
    ours, theirs = _seen(canary), _seen(stable)
    found = []
    for score in table:
        logs, burden, values = score.logs, score.burden, score.values
        if values[0] == values[-1] == 1.0:
            found.append(0.0)
            continue
        value = -requests * log1p(canary_requests * epsilon * (values[-1] - values[0]) / requests)
        for bucket, count in ours:
            value += count * logs[bucket]
        for bucket, count in theirs:
            value += count * log(whole - odds * burden[bucket])
        found.append(value)
    return tuple(found)


def _add_canary(
    table: Sequence[Scores],
    seen: Sequence[tuple[int, float]],
    tolerance: float,
    total: list[float],
    tolerated: list[float],
) -> None:
    """Add x_cj log a_j of one group of canary pods, and what the formula's last term takes for it."""
    for k, score in enumerate(table):
        logs = score.logs
        for bucket, count in seen:
            total[k] += count * logs[bucket]
        tolerated[k] += tolerance * (score.values[-1] - score.values[0])


def _add_burden(table: Sequence[Scores], odds: float, spent: Sequence[list[float]]) -> None:
    """Add what one group's scores take from production's factors b_j."""
    for k, score in enumerate(table):
        of_hypothesis = spent[k]
        for bucket, burden in enumerate(score.burden):
            of_hypothesis[bucket] += odds * burden


def _add_stable(
    total: Sequence[float],
    spent: Sequence[Sequence[float]],
    tolerated: Sequence[float],
    seen: Sequence[tuple[int, float]],
    canary_requests: float,
    stable_requests: float,
) -> tuple[float, ...]:
    """Add x_sj log b_j and the last term of the formula: all log e."""
    requests = canary_requests + stable_requests
    whole = requests / stable_requests
    found = []
    for gained, of_hypothesis, tolerance in zip(total, spent, tolerated, strict=True):
        value = gained
        for bucket, count in seen:
            value += count * log(whole - of_hypothesis[bucket])
        found.append(value - requests * log1p(tolerance / requests))
    return tuple(found)


def _seen(counts: Sequence[float]) -> list[tuple[int, float]]:
    return [(bucket, count) for bucket, count in enumerate(counts) if count > 0]


def _rung(odds: float) -> int:
    """The lowest place on the grid of odds that is not below the block's: production's factors then stay positive."""
    return math.ceil(log(odds) / log(_SHARE_STEP) - 1e-9)


@lru_cache(maxsize=256)
def scores(basis: Basis, rung: int, delta: float, epsilon: float, shift: int) -> tuple[Scores, ...]:
    """Scores of every hypothesis for a share of the canary on the grid, from what was seen before the block.

    A pure function; remembered because a basis serves many blocks, and every block once per canary pod left out.
    """
    odds = _SHARE_STEP**rung
    share = odds / (1 + odds)
    stable, pairs = _laws(basis, delta, epsilon, shift)
    nothing = (1.0,) * len(stable)
    found = []
    for law, near in pairs:
        values = _values(law, near, stable, share, delta, epsilon) if law is not near else nothing
        burden = [(1 + delta) * value - delta * values[0] for value in values]
        moved = (*burden[shift:], *(burden[-1:] * min(shift, len(burden))))
        found.append(Scores(values, tuple(map(log, values)), moved))
    return tuple(found)


@lru_cache(maxsize=32)
def _laws(basis: Basis, delta: float, epsilon: float, shift: int) -> tuple[Law, tuple[tuple[Law, Law], ...]]:
    """Production's law and, for each hypothesis, its law with the nearest one inside the margin (itself, if it is)."""
    stable = law_of(shifted(basis.stable, shift))
    pairs = []
    for law in slower_laws(basis.edges, stable, basis.canary):
        near = within_margin(law, stable, delta, epsilon)
        is_inside = all(abs(ours - theirs) < _SAME for ours, theirs in zip(law, near, strict=True))
        pairs.append((law, law if is_inside else near))
    return stable, tuple(pairs)


def _values(law: Law, near: Law, stable: Law, share: float, delta: float, epsilon: float) -> tuple[float, ...]:
    """Likelihood-ratio scores of a slower law against its nearest neighbour inside the margin, made increasing.

    With production's requests counted as 1 / (1 + delta) each, as in the test of error rates, a_j is
    q_j / (w q_j + (1 - w) l_j). The stake is lowered while that makes the evidence grow faster under the hypothesis.
    """
    weight = share * (1 + delta) / (1 + share * delta)
    mixed = [weight * ours + (1 - weight) * theirs for ours, theirs in zip(law, near, strict=True)]
    raw = increasing([ours / both for ours, both in zip(law, mixed, strict=True)], mixed)
    highest = ((1 - _FLOOR * (1 - share)) / share + delta * raw[0]) / (1 + delta)
    full = [min(value, highest) for value in raw]
    best, growth = (1.0,) * len(law), _LEAST_GROWTH
    for stake in _BETS:
        values = tuple([1 + stake * (value - 1) for value in full])
        grows = _growth(values, law, stable, share, delta, epsilon)
        if grows > growth:
            best, growth = values, grows
        elif growth > _LEAST_GROWTH:
            break
    return best


def _growth(values: Sequence[float], law: Law, stable: Law, share: float, delta: float, epsilon: float) -> float:
    """Expected log e per request of both versions when the canary follows `law`. Minus infinity: not a valid bet."""
    rest, lowest = 1 - share, values[0]
    ours = theirs = 0.0
    for value, canary, production in zip(values, law, stable, strict=True):
        left = (1 - share * ((1 + delta) * value - delta * lowest)) / rest
        if left < _FLOOR / 2:
            return -math.inf
        ours += canary * log(value)
        theirs += production * log(left)
    return share * ours + rest * theirs - log1p(share * epsilon * (values[-1] - lowest))
