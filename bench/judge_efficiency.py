"""Canary requests until rollback, without scrapes: the plain test of error rates against the Wald/KL bound.

    python -m bench.judge_efficiency [--runs N] [--only TEXT] [--write FILE]

Margin 0, alpha 0.01, independent requests, everything staked at the start, no tempering, no pods: one block per canary
request and its r production requests. Bound: log(1/alpha) over the least divergence, per canary request, of both true
laws from a common one. Blocks without failures change nothing at margin 0 and are jumped over, which is exact.
"""

import math
import random
from functools import cache

from bench.judge_report import FIRST_SEED, arguments, half_width, mean_cell, publish, table, told
from bench.traffic_model import binomial
from serinus.judge.errors import RATIOS, log_evidence_of_errors
from serinus.judge.policy import Margin

ALPHA = 0.01
CASES = [
    (split, stable, canary)
    for split in (19, 9, 1)
    for stable, rates in ((0.001, (0.005, 0.02, 0.05, 0.2, 1.0)), (0.01, (0.02, 0.05, 0.2, 1.0)))
    for canary in rates
]


def bound(canary: float, stable: float, split: int) -> float:
    """Canary requests that no test needs fewer of on average, at this alpha."""
    common = (canary + split * stable) / (1 + split)
    return math.log(1 / ALPHA) / (_divergence(canary, common) + split * _divergence(stable, common))


def _divergence(p: float, q: float) -> float:
    parts = [(p, q), (1 - p, 1 - q)]
    return math.fsum(mine * math.log(mine / other) for mine, other in parts if mine > 0)


@cache
def evidence(canary_failed: int, stable_failed: int, split: int) -> tuple[float, ...]:
    """log e of one canary request and its production requests."""
    return tuple(log_evidence_of_errors(1.0, 0.0, canary_failed, split, stable_failed, Margin()))


def requests_until_rollback(dice: random.Random, canary: float, stable: float, split: int) -> int:
    """One run: no time limit, since harm is always found."""
    wealth = [0.0] * len(RATIOS)
    silent = (1 - canary) * (1 - stable) ** split
    requests, limit = 0, math.log(len(RATIOS) / ALPHA)
    while True:
        jumped = int(math.log(1 - dice.random()) / math.log(silent)) if silent > 0 else 0
        requests += jumped + 1
        canary_failed, stable_failed = _block_with_a_failure(dice, canary, stable, split)
        wealth = [
            held + log_e for held, log_e in zip(wealth, evidence(canary_failed, stable_failed, split), strict=True)
        ]
        highest = max(wealth)
        if highest + math.log(math.fsum(math.exp(held - highest) for held in wealth)) >= limit:
            return requests


def _block_with_a_failure(dice: random.Random, canary: float, stable: float, split: int) -> tuple[int, int]:
    while True:
        drawn = int(dice.random() < canary), binomial(dice, split, stable)
        if any(drawn):
            return drawn


def main() -> int:
    """Print the table. Exit code 1: a ratio up to 20 % errors is above 1.5 by more than chance explains."""
    given = arguments(1000, __doc__)
    rows, worst = [], 0.0
    for split, stable, canary in CASES:
        name = f"1:{split} {stable:.1%} → {canary:.1%}"
        if given.only not in name:
            continue
        dice = random.Random(FIRST_SEED)
        found = [requests_until_rollback(dice, canary, stable, split) for _ in range(given.runs)]
        least = bound(canary, stable, split)
        ratio = math.fsum(found) / given.runs / least
        surely = ratio - half_width(found) / least
        worst = max(worst, surely if canary <= 0.2 else 0.0)
        rows.append(
            told([f"1:{split}", f"{stable:.1%} → {canary:.1%}", f"{least:.1f}", mean_cell(found, 1), f"{ratio:.2f}"])
        )
    text = table(["split", "stable → canary", "bound", "requests, mean (p90)", "ratio"], rows)
    publish(given, "judge_efficiency", "Error rates: canary requests until rollback against the bound", text)
    return 0 if worst <= 1.5 else 1


if __name__ == "__main__":
    raise SystemExit(main())
