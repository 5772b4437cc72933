"""False rollbacks of the plain test under continuous watching: nothing wrong, margin 0, 720 looks in one hour.

    python -m bench.judge_type_one [--runs N] [--only TEXT] [--write FILE]

Error rates (2.1) with the mixture over start times, whole tracks without tempering or pods: the exact guarantee itself.
Shares 5, 10, 25, 50 %, 15 minutes each; 5 s between looks; independent requests.
"""

import math
import random

from bench.judge_report import FIRST_SEED, arguments, publish, share_cell, table, told
from bench.traffic_model import binomial, poisson
from serinus.judge.errors import RATIOS, log_evidence_of_errors
from serinus.judge.mixture import fold_block, log_value, open_mixture
from serinus.judge.policy import Margin
from serinus.judge.wilson import wilson

ALPHA = 0.01
LOOKS = 720
SECONDS = 5.0
SHARES = (5.0, 10.0, 25.0, 50.0)
CASES = [(rate, error) for rate in (1, 100, 2000) for error in (0.0001, 0.01, 0.2)] + [(100, 0.001)]


def highest_evidence(dice: random.Random, requests_per_second: float, error: float) -> float:
    """The greatest log E of one hour in which both versions are alike. A block waits until both have had requests."""
    mixture = open_mixture(len(RATIOS))
    canary = canary_failed = stable = stable_failed = 0
    highest = 0.0
    for look in range(LOOKS):
        share = SHARES[look * len(SHARES) // LOOKS]
        requests = poisson(dice, requests_per_second * SECONDS)
        ours = binomial(dice, requests, share / 100)
        canary, stable = canary + ours, stable + requests - ours
        canary_failed += binomial(dice, ours, error)
        stable_failed += binomial(dice, requests - ours, error)
        if not canary or not stable:
            continue
        log_e = log_evidence_of_errors(canary, 0.0, canary_failed, stable, stable_failed, Margin())
        fold_block(mixture, look * SECONDS, share, log_e, {})
        highest = max(highest, log_value(mixture.cash, mixture.wealth))
        canary = canary_failed = stable = stable_failed = 0
    return highest


def main() -> int:
    """Print the table. Exit code 1: in some row even the lower end of the interval is above alpha."""
    given = arguments(500, __doc__)
    rows, broken = [], False
    for requests_per_second, error in CASES:
        name = f"{requests_per_second} req/s, {error:.2%}"
        if given.only not in name:
            continue
        dice = random.Random(FIRST_SEED)
        found = [highest_evidence(dice, requests_per_second, error) for _ in range(given.runs)]
        crossed = [sum(value >= -math.log(alpha) for value in found) for alpha in (ALPHA, 0.05)]
        broken = broken or wilson(crossed[0], given.runs)[0] > ALPHA
        rows.append(
            told([str(requests_per_second), f"{error:.2%}", *(share_cell(hits, given.runs) for hits in crossed)])
        )
    text = table(["req/s", "error rate", "rolled back at alpha 0.01", "at 0.05"], rows)
    publish(given, "judge_type_one", "False rollbacks of the plain test, one hour, 720 looks", text)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
