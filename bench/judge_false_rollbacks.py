"""False rollbacks in thirteen worlds in which both versions are the same software: the whole judge with its defaults.

    python -m bench.judge_false_rollbacks [--runs N] [--only TEXT] [--write FILE]

200 requests/s, 25 % for a canary of 4 pods beside 12, 0.2 % errors, half an hour, 5 s between scrapes. Once without
anything known of production when the canary begins, and once with ten minutes of history, which teach how failures
cluster.
"""

import math
import random
from collections.abc import Callable

from bench.judge_report import FIRST_SEED, arguments, publish, share_cell, table, told
from bench.judge_runs import policy_for, run_once
from bench.traffic_model import World, always
from serinus.judge.policy import Metric
from serinus.judge.wilson import wilson

SECONDS = 1800.0
HISTORY_SECONDS = 600.0
BASE_ERROR = 0.002
Rate = Callable[[float], float]


def outage(t: float) -> float:
    """Five minutes at 30 %, beginning after ten."""
    return 0.3 if 600 <= t < 900 else BASE_ERROR


def diurnal(t: float) -> float:
    """Up to five times as many errors and back, within an hour."""
    return BASE_ERROR * (1 + 4 * math.sin(math.pi * t / 3600) ** 2)


def blips(seed: int) -> Rate:
    """Twenty times as many errors for 20 s, every five minutes on average, at moments of the seed's choice."""
    dice = random.Random(-seed)
    begins = [dice.uniform(0, SECONDS) for _ in range(6)]
    return lambda t: BASE_ERROR * (20 if any(begin <= t < begin + 20 for begin in begins) else 1)


def cold(t: float) -> float:
    """5 % while the canary's pods are younger than 20 s."""
    return 0.05 if t < 20 else BASE_ERROR


def alike(rate: Rate, **fields: object) -> World:
    """A world with the same error rate on both sides."""
    return World(canary_error=rate, stable_error=rate, **fields)  # type: ignore[arg-type]


def worlds(seed: int) -> dict[str, World]:
    """All thirteen; only the blips depend on the seed."""
    calm = always(BASE_ERROR)
    return {
        "independent": alike(calm),
        "independent, young pods": alike(calm, canary_started=0.0),
        "shared outage 5 min at 30 %": alike(outage),
        "shared blips (x20, 20 s)": alike(blips(seed)),
        "diurnal x5 in one hour": alike(diurnal),
        "retry clusters (mean 5)": alike(calm, cluster_mean=5.0),
        "pod frailty CV 0.6": alike(calm, frailty=0.6),
        "one bad canary pod (5 %)": alike(calm, bad_pod_error=0.05),
        "private pod episodes (20 %, 20 s)": alike(calm, episodes_per_hour=1.0),
        "cold pods: 5 % errors in first 20 s": World(canary_error=cold, stable_error=calm, canary_started=0.0),
        "zero traffic to canary": alike(calm, weight=always(0.0)),
        "1 request/s in all": alike(calm, requests_per_second=1.0),
        "base rate 1.2 %": alike(always(0.012)),
    }


def main() -> int:
    """Print the table. Exit code 1: a row in which even the lower end of the interval is above 0.01."""
    given = arguments(40, __doc__)
    policy = policy_for(Metric.ERRORS)
    rows, broken = [], False
    for name in worlds(0):
        if given.only not in name:
            continue
        cells = []
        for history_seconds in (0.0, HISTORY_SECONDS):
            hits = sum(
                run_once(policy, worlds(seed)[name], seed, SECONDS, history_seconds=history_seconds).seconds is not None
                for seed in range(FIRST_SEED, FIRST_SEED + given.runs)
            )
            broken = broken or wilson(hits, given.runs)[0] > policy.alpha
            cells.append(share_cell(hits, given.runs))
        rows.append(told([name, *cells]))
    text = table(["world", "rolled back, no history", "ten minutes of history"], rows)
    publish(given, "judge_false_rollbacks", "False rollbacks in half an hour, default judge", text)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
