"""Evidence over time: a mixture over suppositions and over the moment at which harm begins.

    E_t = cash_t + (1/K) sum_k S_k,    S_k <- (S_k + v_t) e_k,    cash <- cash - v_t

Half is staked at the start. Later, before each block, v_t = cash x max(dt / 30 min, 1/3 if the traffic weight has just
changed): harm that begins late finds fresh money, and harm tends to begin where the weight grows. Source: Shekhar and
Ramdas' e-detectors turned into a mixture over start times. Guarantee: each e has expectation at most 1 given the past
and v_t is known before the block, so E is a supermartingale that began at 1: P(ever E >= 1/alpha) <= alpha (Ville).

Everything is kept in log space but the cash, which only shrinks, and not below CASH_MIN / 2.
"""

from collections.abc import Mapping, Sequence
from math import exp, log, log1p

import msgspec

FIRST_STAKE = 0.5
HAZARD_SECONDS = 1800.0
STAKE_AT_NEW_WEIGHT = 1.0 / 3.0
STAKE_MAX = 0.5
CASH_MIN = 1e-12
NEGLIGIBLE = 37.0
"""In the logarithm: less than a float can tell."""
NO_STAKE = -1e300
"""The logarithm of nothing, near enough: JSON knows no infinity."""


class Mixture(msgspec.Struct, omit_defaults=True):
    """The evidence of one metric; `without[pod]` is the same with that canary pod left out.

    `wealth`: log S_k, one for each supposition. `staked_at`, `staked_weight`: time in seconds and traffic weight of the
    last block.
    """

    cash: float
    wealth: list[float]
    without: dict[str, list[float]] = {}
    staked_at: float | None = None
    staked_weight: float | None = None


def open_mixture(suppositions: int) -> Mixture:
    """Evidence of 1: nothing seen yet."""
    return Mixture(1.0 - FIRST_STAKE, [log(FIRST_STAKE)] * suppositions)


def scale(mixture: Mixture, share: float) -> None:
    """Begin with less than 1: nothing was seen yet, and this much of the evidence is there (0 < share <= 1)."""
    share = max(share, CASH_MIN)
    mixture.cash *= share
    mixture.wealth = [held + log(share) for held in mixture.wealth]


def log_stake(mixture: Mixture, now: float, weight_percent: float | None) -> float:
    """Take this block's stake from the cash; its logarithm. To be called once, before the block is looked at."""
    first = mixture.staked_at is None
    part = 0.0 if mixture.staked_at is None else max(0.0, now - mixture.staked_at) / HAZARD_SECONDS
    if not first and weight_percent != mixture.staked_weight:
        part = max(part, STAKE_AT_NEW_WEIGHT)
    mixture.staked_at, mixture.staked_weight = now, weight_percent
    if part <= 0.0 or mixture.cash < CASH_MIN:
        return NO_STAKE
    stake = mixture.cash * min(part, STAKE_MAX)
    mixture.cash -= stake
    return log(stake)


def fold(wealth: list[float], stake: float, log_evidence: Sequence[float]) -> None:
    """S_k <- (S_k + v) e_k, in place. `stake` is log v."""
    for index, evidence in enumerate(log_evidence):
        held = wealth[index]
        if held - stake > NEGLIGIBLE:
            wealth[index] = held + evidence
        elif held >= stake:
            wealth[index] = held + log1p(exp(stake - held)) + evidence
        else:
            wealth[index] = stake + log1p(exp(held - stake)) + evidence


def fold_block(
    mixture: Mixture,
    now: float,
    weight_percent: float | None,
    whole: Sequence[float],
    without: Mapping[str, Sequence[float]],
) -> None:
    """Take in one block: log e of all of it, and log e of it without each canary pod that served in it."""
    wealths = mixture.without
    for pod in without:
        if pod not in wealths:
            wealths[pod] = mixture.wealth.copy()
    stake = log_stake(mixture, now, weight_percent)
    fold(mixture.wealth, stake, whole)
    for pod, wealth in wealths.items():
        fold(wealth, stake, without.get(pod, whole))


def log_value(cash: float, wealth: Sequence[float]) -> float:
    """log E of this cash and these log S_k."""
    greatest = max(wealth)
    total = 0.0
    for held in wealth:
        total += exp(held - greatest)
    invested = greatest + log(total / len(wealth))
    kept = log(cash)
    if invested >= kept:
        return invested + log1p(exp(kept - invested))
    return kept + log1p(exp(invested - kept))


def staked_part(log_first: Sequence[float], log_second: Sequence[float], part: float) -> list[float]:
    """log((1 - part) e_first + part e_second) for each supposition: two bets on one block, shared beforehand."""
    first_part, second_part = log1p(-part), log(part)
    found = []
    for first, second in zip(log_first, log_second, strict=True):
        a, b = first + first_part, second + second_part
        found.append(a + log1p(exp(b - a)) if a >= b else b + log1p(exp(a - b)))
    return found


def leave_out(mixture: Mixture, pod: str) -> None:
    """Forget this canary pod: the evidence becomes what it is without it, and the other pods' begin anew at 1."""
    kept = mixture.without.pop(pod, None)
    if kept is None:
        return
    mixture.wealth = kept
    fresh = log(1.0 - mixture.cash)
    mixture.without = {name: [fresh] * len(kept) for name in mixture.without}
