"""False rollbacks, delays and late harm of the whole judge, row by row: `python -m bench.judge.rows [RUNS] [ROW ...]`.

Prints, for each row, how many of RUNS runs (seeds 0 to RUNS - 1) ended in FAIL and PASS, and when. Rows named `same`
are harmless releases, those named `harm` are not.
"""

import random
import sys
from collections.abc import Callable

from bench.judge.world import Service, readings
from serinus.core.turn import Verdict
from serinus.judge.judge import step
from serinus.judge.policy import Policy
from serinus.judge.state import State

BASE = 0.002


def ramp(t: float) -> float:
    """5, 10, 25, 50 %, ten minutes a step."""
    return (0.05, 0.1, 0.25, 0.5)[min(3, int(max(0.0, t - 0.001) // 600))]


def episodes(seed: int) -> Callable[[float, str], float]:
    """Every pod has a bad time of its own now and then: 20 % failures for 20 s, once in half an hour on average."""
    dice = random.Random(seed * 7 + 1)
    begun: dict[str, list[float]] = {}

    def rate(t: float, pod: str) -> float:
        if pod not in begun:
            at, starts = -300.0, []
            while at < 1800.0:
                at += dice.expovariate(1.0 / 1800.0)
                starts.append(at)
            begun[pod] = starts
        return 0.2 if any(start < t <= start + 20.0 for start in begun[pod]) else BASE

    return rate


def frail(seed: int) -> Callable[[float, str], float]:
    """Pods differ: rates are gamma distributed with a coefficient of variation of 0.6."""
    dice = random.Random(seed * 7 + 1)
    factors: dict[str, float] = {}
    shape = 1.0 / 0.6**2
    return lambda t, pod: BASE * factors.setdefault(pod, dice.gammavariate(shape, 1.0 / shape))


def of_canary(canary: float, stable: float, since: float = 0.0) -> Callable[[float, str], float]:
    """The canary fails at one rate since a moment, production at another."""
    return lambda t, pod: canary if pod.startswith("c") and t > since else stable


def bad_pod(t: float, pod: str) -> float:
    return 0.05 if pod == "c0" else BASE


def small(canary: float, stable: float) -> Callable[[int], Service]:
    return lambda seed: Service(2, 6, 100.0, lambda t: 0.1, of_canary(canary, stable), seconds=3600)


def late(rate: float, onset: float) -> Callable[[int], Service]:
    return lambda seed: Service(4, 12, 100.0, ramp, of_canary(rate, 0.001, onset), seconds=2400)


ROWS: dict[str, Callable[[int], Service]] = {
    "same independent": lambda seed: Service(),
    "same outage": lambda seed: Service(rate=lambda t, pod: 0.3 if 600 < t <= 900 else BASE),
    "same blips": lambda seed: Service(rate=lambda t, pod: 20 * BASE if t % 300 < 20 else BASE),
    "same diurnal": lambda seed: Service(
        rate=lambda t, pod: BASE * (1 + 4 * max(0.0, t) / 1800), volume=lambda t: 1 + t / 1800 if t > 0 else 1.0
    ),
    "same retry": lambda seed: Service(cluster_mean=5.0),
    "same frail": lambda seed: Service(rate=frail(seed)),
    "same bad pod": lambda seed: Service(rate=bad_pod),
    "same episodes": lambda seed: Service(rate=episodes(seed)),
    "same cold": lambda seed: Service(
        rate=lambda t, pod: 0.05 if pod.startswith("c") and t <= 20 else BASE, canary_started=0.0
    ),
    "same zero": lambda seed: Service(share=lambda t: 0.0),
    "same quiet": lambda seed: Service(requests_per_second=1.0),
    "same high": lambda seed: Service(rate=lambda t, pod: 0.012),
    "harm 100 %": small(1.0, 0.001),
    "harm 20 %": small(0.2, 0.001),
    "harm 5 %": small(0.05, 0.001),
    "harm 2 %": small(0.02, 0.001),
    "harm 0.5 %": small(0.005, 0.001),
    "harm 1 to 5 %": small(0.05, 0.01),
    "harm 0.01 to 0.9 %": small(0.009, 0.0001),
    "harm 2 % at 300 s": late(0.02, 300),
    "harm 2 % at 1500 s": late(0.02, 1500),
    "harm 0.5 % at 1500 s": late(0.005, 1500),
    "harm retry 2 %": lambda seed: Service(rate=of_canary(0.02, BASE), cluster_mean=5.0, seconds=3600),
    "harm cold 5 %": lambda seed: Service(2, 6, 100.0, lambda t: 0.1, of_canary(0.05, 0.001), canary_started=0.0),
}


def judged(service: Service, seed: int) -> tuple[Verdict, float, float | None]:
    """The verdict at the end of a run, its time, and when a pod was first suspected; a suspected pod is replaced."""
    state, policy, suspected = State(), Policy(), None
    finding = None
    for reading in readings(service, seed):
        state, finding = step(policy, state, reading)
        if finding.replace is not None and suspected is None:
            suspected = finding.t
        if finding.verdict is Verdict.FAIL:
            break
    assert finding is not None
    return finding.verdict, finding.t, suspected


def main(runs: int, names: list[str]) -> None:
    """Print a table."""
    print("| row | runs | FAIL | mean s (p90) | PASS | median s | suspected |\n|---|---|---|---|---|---|---|")
    for name, service in ROWS.items():
        if names and not any(name.startswith(one) for one in names):
            continue
        found = [judged(service(seed), seed) for seed in range(runs)]
        fails = sorted(t for verdict, t, _ in found if verdict is Verdict.FAIL)
        passes = sorted(t for verdict, t, _ in found if verdict is Verdict.PASS)
        suspected = sum(one[2] is not None for one in found)
        when = f"{sum(fails) / len(fails):.0f} ({fails[int(0.9 * len(fails))]:.0f})" if fails else ""
        median = f"{passes[len(passes) // 2]:.0f}" if passes else ""
        print(f"| {name} | {runs} | {len(fails)} | {when} | {len(passes)} | {median} | {suspected} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2:])
