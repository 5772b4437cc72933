"""Seconds and failed requests until rollback: the whole judge with its defaults, errors only.

    python -m bench.judge_rollback [--runs N] [--only TEXT] [--write FILE]

100 requests/s, 10 % for a canary of 2 pods beside 6, one hour at most; scrapes every 5 s and every second. Pods are
warm, as in the page that this is compared with, or as young as a rollout makes them.
"""

from dataclasses import replace

from bench.judge_report import arguments, mean_cell, publish, share_cell, table, told
from bench.judge_runs import policy_for, run_many
from bench.traffic_model import World, always
from serinus.judge.policy import Metric

CASES = [
    (0.001, 0.001),
    (0.001, 0.005),
    (0.001, 0.02),
    (0.001, 0.05),
    (0.001, 0.2),
    (0.001, 1.0),
    (0.01, 0.05),
    (0.0001, 0.009),
    (0.012, 0.012),
]
PAGE = {
    (0.001, 0.005): 1054,
    (0.001, 0.02): 62,
    (0.001, 0.05): 18,
    (0.001, 0.2): 6,
    (0.001, 1.0): 5,
    (0.01, 0.05): 60,
    (0.0001, 0.009): 123,
}
"""Mean seconds of the row "default" in statistics.md 3.3."""
BASE = World(requests_per_second=100, weight=always(10.0), canary_pods=2, stable_pods=6)
WORLDS = {
    "warm, 5 s": BASE,
    "young, 5 s": replace(BASE, canary_started=0.0),
    "warm, 1 s": replace(BASE, scrape_seconds=1.0),
}
SECONDS = 3600.0
QUIET_RUNS_MAX = 30
"""Rows in which nothing is wrong always last an hour: they get fewer runs (false rollbacks are another bench)."""


def main() -> int:
    """Print the table."""
    given = arguments(30, __doc__)
    rows = []
    for kind, world in WORLDS.items():
        for stable, canary in CASES:
            name = f"{kind} {stable:.2%} → {canary:.2%}"
            if given.only not in name or (canary <= 5 * stable and kind != "warm, 5 s"):
                continue
            runs = given.runs if canary > stable else min(given.runs, QUIET_RUNS_MAX)
            there = replace(world, canary_error=always(canary), stable_error=always(stable))
            found = run_many(policy_for(Metric.ERRORS), there, runs, SECONDS)
            ended = [one for one in found if one.seconds is not None]
            page = PAGE.get((stable, canary)) if kind == "warm, 5 s" else None
            rows.append(
                told(
                    [
                        kind,
                        f"{stable:.2%} → {canary:.2%}",
                        share_cell(len(ended), runs),
                        mean_cell([one.seconds or 0.0 for one in ended], 1),
                        mean_cell([one.lost for one in ended], 1),
                        str(page or ""),
                    ]
                )
            )
    head = ["pods, scrapes", "stable → canary", "rolled back", "seconds, mean (p90)", "failed canary requests", "page"]
    publish(given, "judge_rollback", "Seconds to rollback, default judge", table(head, rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
