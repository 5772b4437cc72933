"""Promotion: how soon a good canary is called safe, and how often one that is not.

    python -m bench.judge_promotion [--runs N] [--only TEXT] [--write FILE]

First table: the plain test of 2.2, beta 0.05, 10 canary requests/s beside 90 of production, scrapes of 5 s, two hours.
Second: the whole judge, ten per cent a minute up to fifty, default margins, half an hour at most: what became of it.
"""

import math
import random

from bench.judge_report import FIRST_SEED, arguments, mean_cell, publish, share_cell, table, told
from bench.judge_runs import Outcome, policy_for, run_many
from bench.traffic_model import World, always, binomial, poisson
from serinus.core.turn import Verdict
from serinus.judge.policy import Margin, Metric
from serinus.judge.safety import MUS, Safety, fold_safety, log_evidence_of_safety, log_safety

BETA = 0.05
CASES = [
    (0.0, Margin(0.0, 0.005), 598),
    (0.001, Margin(0.0, 0.005), 941),
    (0.001, Margin(0.0, 0.002), 3404),
    (0.001, Margin(0.5, 0.001), 5507),
    (0.01, Margin(0.0, 0.005), 3331),
]
"""Production's error rate, margin, and the bound of statistics.md 3.9 for them, whose stable rate is known."""
LOOKS = 1440
PER_SCRAPE = 50.0
STABLE_TIMES = 9.0
WHOLE = [(rate, canary) for rate in (5.0, 100.0) for canary in (0.0005, 0.004, 0.009)]


def bound(stable: float, margin: Margin) -> float:
    """Canary requests that no test needs fewer of on average: the least divergence from a pair of harmful rates."""
    limits = [step / 400_000 for step in range(1, 40_000)]

    def divergence(other: float) -> float:
        harmful = min(1.0, (1 + margin.relative) * other + margin.absolute)
        return _divergence(stable, harmful) + STABLE_TIMES * _divergence(stable, other)

    return math.log(1 / BETA) / min(divergence(other) for other in (1e-12, *limits))


def _divergence(p: float, q: float) -> float:
    parts = [(p, q), (1 - p, 1 - q)]
    return math.fsum(mine * math.log(mine / other) for mine, other in parts if mine > 0)


def requests_until_safe(dice: random.Random, canary: float, stable: float, margin: Margin) -> int | None:
    """Canary requests until E >= 1/beta. None: not within two hours."""
    safety, requests = Safety([0.0] * len(MUS)), 0
    for _ in range(LOOKS):
        ours, theirs = poisson(dice, PER_SCRAPE), poisson(dice, PER_SCRAPE * STABLE_TIMES)
        requests += ours
        if not ours or not theirs:
            continue
        failed = binomial(dice, ours, canary), binomial(dice, theirs, stable)
        fold_safety(safety, log_evidence_of_safety(ours, failed[0], theirs, failed[1], margin), 1.0)
        if log_safety(safety) >= -math.log(BETA):
            return requests
    return None


def plain_rows(only: str, runs: int) -> list[list[str]]:
    """When the canary equals production, lies on the margin, or fails twice as often as that."""
    rows = []
    for stable, margin, page_bound in CASES:
        name = f"{stable:.1%}, {margin.relative:.0%} + {margin.absolute:.1%}"
        if only not in f"plain {name}":
            continue
        dice, limit = random.Random(FIRST_SEED), (1 + margin.relative) * stable + margin.absolute
        same, at_margin, twice = (
            [requests_until_safe(dice, rate, stable, margin) for _ in range(runs)]
            for rate in (stable, limit, 2 * limit)
        )
        done = [requests for requests in same if requests is not None]
        least = bound(stable, margin)
        promoted = [sum(one is not None for one in found) for found in (same, at_margin, twice)]
        rows.append(
            told(
                [
                    name,
                    f"{least:.0f} ({page_bound})",
                    mean_cell(done),
                    f"{math.fsum(done) / max(1, len(done)) / least:.2f}",
                    *(share_cell(hits, runs) for hits in promoted),
                ]
            )
        )
    return rows


def whole_rows(only: str, runs: int) -> list[list[str]]:
    """The judge's defaults, errors only, from the first request to the first PASS after five minutes, or FAIL."""
    rows = []
    for rate, canary in WHOLE:
        name = f"{rate:g} req/s, canary {canary:.2%}"
        if only not in f"whole {name}":
            continue
        world = World(
            requests_per_second=rate,
            weight=lambda t: 10.0 * min(5, 1 + t // 60),
            canary_pods=2,
            stable_pods=6,
            canary_error=always(canary),
            stable_error=always(0.0005),
        )
        found = run_many(policy_for(Metric.ERRORS), world, runs, 1800.0, ends=(Verdict.FAIL, Verdict.PASS))
        cells = []
        for verdict in (Verdict.PASS, Verdict.FAIL):
            ended: list[Outcome] = [one for one in found if one.verdict is verdict]
            cells += [share_cell(len(ended), runs), mean_cell([one.seconds or 0.0 for one in ended])]
        rows.append(told([name, *cells]))
    return rows


def main() -> int:
    """Print both tables."""
    given = arguments(200, __doc__)
    head = ["stable, margin", "bound (page)", "requests if same, mean (p90)", "ratio"]
    head += ["safe if same", "safe at the margin", "safe at twice the limit"]
    first = table(head, plain_rows(given.only, given.runs))
    head = ["truth (stable 0.05 %)", "PASS first", "seconds", "FAIL first", "seconds"]
    second = table(head, whole_rows(given.only, max(1, given.runs // 5)))
    publish(given, "judge_promotion", "Promotion", "\n\n".join(filter(None, (first, second))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
