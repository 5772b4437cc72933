"""Slower canaries: requests until rollback against the bound, seconds until rollback, false rollbacks.

    python -m bench.judge_latency [--runs N] [--only TEXT] [--write FILE]

Production: 97 % log-normal(80 ms, 0.5), 3 % log-normal(600 ms, 0.7), in Prometheus' default buckets. "requests": plain
test of histograms (2.3) with margin 0, one block per canary request and nine of production, everything staked at the
start, scores from 5,000 requests of history. "seconds": the whole judge on latency alone, 100 requests/s, 10 % for 2
pods beside 6, margin 0 and default margin, one hour; with one pod each nothing protects against bad nodes and clusters,
which is what the page measured. "quiet": the same where nothing is wrong.
"""

import math
import random
from dataclasses import replace
from functools import cache

from bench.judge_report import FIRST_SEED, arguments, mean_cell, publish, share_cell, table, told
from bench.judge_runs import policy_for, run_many
from bench.traffic_model import EDGES, World, always, latency_law, multinomial
from serinus.judge.latency import HYPOTHESES, log_e
from serinus.judge.latency_memory import open_memory, remember
from serinus.judge.policy import Margin, Metric

ALPHA = 0.01
SPLIT = 9
HISTORY_REQUESTS = 5000.0
STABLE = latency_law()
EFFECTS = {
    "all x1.2": latency_law(1.2),
    "all x1.5": latency_law(1.5),
    "all x2": latency_law(2.0),
    "all x5": latency_law(5.0),
    "slowest 3 % x1.5": latency_law(1.0, 1.5),
    "slowest 3 % x2": latency_law(1.0, 2.0),
    "slowest 3 % x5": latency_law(1.0, 5.0),
}
PAGE = {"all x1.2": 1.47, "all x1.5": 1.54, "all x2": 1.58, "all x5": 1.84}
PAGE |= {"slowest 3 % x1.5": 2.47, "slowest 3 % x2": 1.91, "slowest 3 % x5": 2.20}
PAGE_SECONDS = {"none": "0.0032", "all x1.2": "21", "all x1.5": "7", "all x2": "5", "all x5": "5"}
PAGE_SECONDS |= {"slowest 3 % x1.5": "457", "slowest 3 % x2": "128", "slowest 3 % x5": "32"}
REQUESTS_MAX = 40_000
QUIET_SECONDS = 3600.0
BASE = World(
    requests_per_second=100,
    weight=always(10.0),
    canary_pods=2,
    stable_pods=6,
    stable_latency=always(STABLE),  # type: ignore[arg-type]
)


def bound(law: tuple[float, ...]) -> float:
    """Canary requests that no test of the buckets needs fewer of on average."""
    common = [(ours + SPLIT * theirs) / (1 + SPLIT) for ours, theirs in zip(law, STABLE, strict=True)]
    return math.log(1 / ALPHA) / (_divergence(law, common) + SPLIT * _divergence(STABLE, common))


def _divergence(law: tuple[float, ...], other: list[float]) -> float:
    return math.fsum(p * math.log(p / q) for p, q in zip(law, other, strict=True) if p > 0)


def requests_until_rollback(dice: random.Random, law: tuple[float, ...]) -> int:
    """One run of the plain test; REQUESTS_MAX if it does not stop before."""
    memory = open_memory(EDGES)
    remember(memory, [0.0] * len(law), [HISTORY_REQUESTS * share for share in STABLE], 0.0)
    wealth, limit = [0.0] * HYPOTHESES, math.log(HYPOTHESES / ALPHA)
    for requests in range(1, REQUESTS_MAX + 1):
        canary, stable = multinomial(dice, 1, law), multinomial(dice, SPLIT, STABLE)
        gained = log_e(memory.basis, canary, stable, 0.0, 0.0)
        remember(memory, canary, stable, 0.1)
        wealth = [held + log_e for held, log_e in zip(wealth, gained, strict=True)]
        highest = max(wealth)
        if highest + math.log(math.fsum(math.exp(held - highest) for held in wealth)) >= limit:
            return requests
    return REQUESTS_MAX


def plain_rows(only: str, runs: int) -> list[list[str]]:
    """Requests until rollback; rare effects, whose runs are long, get fewer."""
    rows = []
    for name, law in EFFECTS.items():
        if only not in f"requests {name}":
            continue
        dice, least = random.Random(FIRST_SEED), bound(law)
        size = max(10, min(runs, int(runs * 300 / least)))
        found = [requests_until_rollback(dice, law) for _ in range(size)]
        ratio = math.fsum(found) / size / least
        rows.append(told([name, f"{least:.1f}", mean_cell(found, 1), f"{ratio:.2f}", str(PAGE[name]), str(size)]))
    return rows


def whole_rows(only: str, runs: int) -> list[list[str]]:
    """Seconds until rollback of the whole judge."""
    rows = []
    for name, law in {"none": STABLE, **EFFECTS}.items():
        if only not in f"seconds {name}":
            continue
        cells = []
        several = replace(BASE, canary_latency=always(law))  # type: ignore[arg-type]
        alone = replace(several, canary_pods=1, stable_pods=1)
        for world, margin in ((alone, Margin()), (several, Margin()), (several, Margin(0.25, 0.002))):
            policy = policy_for(Metric.LATENCY, latency=margin)
            found = run_many(policy, world, runs, 3600.0, history_seconds=60.0)
            ended = [one.seconds for one in found if one.seconds is not None]
            cells += [share_cell(len(ended), runs), mean_cell(ended)]
        rows.append(told([name, PAGE_SECONDS[name], *cells]))
    return rows


def quiet_worlds() -> dict[str, World]:
    """Both versions are the same software."""

    def day(t: float) -> tuple[float, ...]:
        return slowed(1 + 2 * math.sin(math.pi * t / QUIET_SECONDS) ** 2)

    def cold(t: float) -> tuple[float, ...]:
        return slowed(1 + 2 * math.exp(-t / 30))

    alike = replace(BASE, canary_latency=always(STABLE))  # type: ignore[arg-type]
    return {
        "100 req/s, 5/10/25/50 %": replace(alike, weight=lambda t: (5.0, 10.0, 25.0, 50.0)[int(4 * t / QUIET_SECONDS)]),
        "2 req/s, 10 %": replace(alike, requests_per_second=2.0),
        "diurnal: all latencies x1..x3, both": replace(alike, canary_latency=day, stable_latency=day),
        "cold canary pods: x3 decaying over 30 s": replace(alike, canary_latency=cold, canary_started=0.0),
        "young canary pods, not slower": replace(alike, canary_started=0.0),
    }


@cache
def slowed(factor: float) -> tuple[float, ...]:
    """Every latency so many times as long."""
    return latency_law(factor)


def quiet_rows(only: str, runs: int) -> list[list[str]]:
    """False rollbacks of the whole judge."""
    rows = []
    for name, world in quiet_worlds().items():
        if only not in f"quiet {name}":
            continue
        cells = []
        for margin in (Margin(), Margin(0.25, 0.002)):
            policy = policy_for(Metric.LATENCY, latency=margin)
            found = run_many(policy, world, runs, QUIET_SECONDS, history_seconds=60.0)
            cells.append(share_cell(sum(one.seconds is not None for one in found), runs))
        rows.append(told([name, *cells]))
    return rows


def main() -> int:
    """Print the tables."""
    given = arguments(20, __doc__)
    first = table(
        ["effect", "bound", "requests, mean (p90)", "ratio", "page", "runs"], plain_rows(given.only, 5 * given.runs)
    )
    head = ["effect", "page", "1 + 1 pods, margin 0: rolled back", "seconds, mean (p90)"]
    head += ["2 + 6 pods, margin 0: rolled back", "seconds", "default margin: rolled back", "seconds"]
    second = table(head, whole_rows(given.only, given.runs))
    third = table(["quiet world", "margin 0: rolled back", "default margin"], quiet_rows(given.only, given.runs))
    publish(given, "judge_latency", "Latency", "\n\n".join(filter(None, (first, second, third))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
