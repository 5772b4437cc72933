"""Harm that begins late: delay from its onset to the rollback, plain test and whole judge.

    python -m bench.judge_late_harm [--runs N] [--only TEXT] [--write FILE]

100 requests/s, 0.1 % errors in production, 5, 10, 25, 50 % for the canary, ten minutes each, 5 s between scrapes.
"plain": error rates with the mixture over start times, whole tracks, margin 0, as in the page it is compared with.
"whole": the default judge, 2 + 6 pods, default margin.
"""

import math
import random
from dataclasses import replace

from bench.judge_report import FIRST_SEED, arguments, mean_cell, publish, share_cell, table, told
from bench.judge_runs import policy_for, run_many
from bench.traffic_model import World, binomial, poisson
from serinus.judge.errors import RATIOS, log_evidence_of_errors
from serinus.judge.mixture import fold_block, log_value, open_mixture
from serinus.judge.policy import Margin, Metric

ALPHA = 0.01
BASE_ERROR = 0.001
SECONDS = 2400.0
SCRAPE = 5.0
CASES = [(error, onset) for error in (0.005, 0.02) for onset in (0.0, 300.0, 1500.0)]
PAGE = {
    (0.005, 0.0): 359,
    (0.005, 300.0): 373,
    (0.005, 1500.0): 172,
    (0.02, 0.0): 45,
    (0.02, 300.0): 65,
    (0.02, 1500.0): 27,
}
"""Mean seconds of the column "step+hazard" in statistics.md 3.5."""


def weight(t: float) -> float:
    """Percent for the canary: four steps of ten minutes."""
    return (5.0, 10.0, 25.0, 50.0)[min(3, int(t // 600))]


def plain_delay(dice: random.Random, error: float, onset: float) -> float | None:
    """When the plain test stops, seconds after the onset (negative: before it). None: never."""
    mixture = open_mixture(len(RATIOS))
    for look in range(1, int(SECONDS / SCRAPE) + 1):
        middle = (look - 0.5) * SCRAPE
        requests = poisson(dice, 100 * SCRAPE)
        canary = binomial(dice, requests, weight(middle) / 100)
        if not 0 < canary < requests:
            continue
        canary_failed = binomial(dice, canary, error if middle > onset else BASE_ERROR)
        stable_failed = binomial(dice, requests - canary, BASE_ERROR)
        log_e = log_evidence_of_errors(canary, 0.0, canary_failed, requests - canary, stable_failed, Margin())
        fold_block(mixture, look * SCRAPE, weight(middle), log_e, {})
        if log_value(mixture.cash, mixture.wealth) >= -math.log(ALPHA):
            return look * SCRAPE - onset
    return None


def whole_delays(error: float, onset: float, runs: int) -> list[float | None]:
    """The same of the whole judge."""
    world = World(requests_per_second=100, weight=weight, canary_pods=2, stable_pods=6)
    late = replace(world, canary_error=lambda t: error if t > onset else BASE_ERROR, stable_error=lambda _: BASE_ERROR)
    found = run_many(policy_for(Metric.ERRORS), late, runs, SECONDS)
    return [None if one.seconds is None else one.seconds - onset for one in found]


def main() -> int:
    """Print the table."""
    given = arguments(100, __doc__)
    rows = []
    for error, onset in CASES:
        name = f"{error:.1%}, onset {onset:.0f} s"
        if given.only not in name:
            continue
        dice = random.Random(FIRST_SEED)
        plain = [plain_delay(dice, error, onset) for _ in range(given.runs)]
        whole = whole_delays(error, onset, max(1, given.runs // 2))
        cells = []
        for delays in (plain, whole):
            after = [delay for delay in delays if delay is not None and delay > 0]
            early = sum(delay is not None and delay <= 0 for delay in delays)
            cells += [mean_cell(after), f"{len(after)}/{len(delays)}", share_cell(early, len(delays))]
        rows.append(told([name, str(PAGE[error, onset]), *cells]))
    head = ["harm", "page", "plain: seconds, mean (p90)", "found", "before the onset"]
    head += ["whole: seconds, mean (p90)", "found", "before the onset"]
    publish(given, "judge_late_harm", "Harm that begins late", table(head, rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
