"""What the judge would do on a service like this one: simulated rollouts, through the very judge that decides.

Requests are independent, each pod's share of them equal; a failed one is a coin's business. Chance is handed in. What a
real service does beside that (retries, bad nodes, cold pods) makes it slower than this says, not less careful.
"""

from collections.abc import Callable, Iterator, Sequence
from math import exp, sqrt

import msgspec

from serinus.core.turn import Verdict
from serinus.judge.judge import step
from serinus.judge.policy import Policy
from serinus.judge.readings import PodReading, Reading, Track
from serinus.judge.state import State
from serinus.judge.wilson import wilson

Fraction = Callable[[], float]
"""A number in [0, 1), uniform."""
WARM_SECONDS = -3600.0
"""When the pods began, on the rollout's clock."""
SEARCH_MEAN_MAX = 30.0
"""Up to this mean a Poisson number is found by adding up its probabilities; above it is as good as normal."""


class Service(msgspec.Struct, frozen=True):
    """The service that is simulated. Rates are a second's; `share_percent`: the canary's part of the requests."""

    requests_per_second: float
    error_rate: float
    share_percent: float
    canary_pods: int
    stable_pods: int
    interval_seconds: float = 5.0


class Row(msgspec.Struct, frozen=True):
    """What came of rollouts whose canary failed at `error_rate`.

    `found`: the part that was taken back, with its 95 % interval (Wilson). Of those: seconds until then, on average and
    at the 90th percentile, and the canary's requests that had failed by then.
    """

    error_rate: float
    runs: int
    found: float
    found_from: float
    found_to: float
    mean_seconds: float | None = None
    p90_seconds: float | None = None
    mean_failed: float | None = None


def power(
    policy: Policy, service: Service, error_rates: Sequence[float], runs: int, seconds: float, fraction: Fraction
) -> Iterator[Row]:
    """A row for each error rate of the canary, as it is done; the service's own is the row of false alarms."""
    for error_rate in error_rates:
        ends = [_simulate(policy, service, error_rate, seconds, fraction) for _ in range(runs)]
        yield _row(error_rate, runs, [end for end in ends if end is not None])


def _row(error_rate: float, runs: int, found: list[tuple[float, float]]) -> Row:
    low, high = wilson(len(found), runs)
    if not found:
        return Row(error_rate, runs, 0.0, low, high)
    times = sorted(seconds for seconds, _ in found)
    return Row(
        error_rate,
        runs,
        len(found) / runs,
        low,
        high,
        mean_seconds=sum(times) / len(times),
        p90_seconds=times[min(len(times) - 1, int(0.9 * len(times)))],
        mean_failed=sum(failed for _, failed in found) / len(found),
    )


def _simulate(
    policy: Policy, service: Service, error_rate: float, seconds: float, fraction: Fraction
) -> tuple[float, float] | None:
    """When the rollout was taken back, and how many of the canary's requests had failed; None: it was not."""
    canary = service.requests_per_second * service.share_percent / 100.0
    pods = [(f"canary-{i}", Track.CANARY, canary / service.canary_pods, error_rate) for i in range(service.canary_pods)]
    stable = (service.requests_per_second - canary) / service.stable_pods
    pods += [(f"stable-{i}", Track.STABLE, stable, service.error_rate) for i in range(service.stable_pods)]
    totals = {name: [0.0, 0.0] for name, *_ in pods}
    state, t = State(), 0.0
    while t < seconds:
        state, finding = step(policy, state, _reading(service, pods, totals, t))
        if finding.verdict is Verdict.FAIL:
            return t, sum(totals[name][1] for name, track, *_ in pods if track is Track.CANARY)
        t += service.interval_seconds
        for name, _, rate, failing in pods:
            requests = _poisson(rate * service.interval_seconds, fraction)
            totals[name][0] += requests
            totals[name][1] += _binomial(requests, failing, fraction)
    return None


def _reading(
    service: Service, pods: list[tuple[str, Track, float, float]], totals: dict[str, list[float]], t: float
) -> Reading:
    """The pods' counters, which began at 0 with the rollout; the pods are old enough not to be excused."""
    read = tuple(
        PodReading(name, track, WARM_SECONDS, requests=totals[name][0], errors=totals[name][1], restarts=0)
        for name, track, *_ in pods
    )
    return Reading(t, read, service.share_percent)


def _binomial(trials: int, probability: float, fraction: Fraction) -> int:
    """How many of so many fail: by adding up probabilities; of the rarer kind, so that they do not vanish."""
    if probability > 0.5:
        return trials - _binomial(trials, 1.0 - probability, fraction)
    if trials == 0 or probability <= 0.0:
        return 0
    mean = trials * probability
    if mean > SEARCH_MEAN_MAX:
        return min(trials, max(0, round(mean + sqrt(mean * (1.0 - probability)) * _normal(fraction))))
    odds = probability / (1.0 - probability)
    left, chance, hits = fraction(), (1.0 - probability) ** trials, 0
    while left >= chance and hits < trials:
        left -= chance
        hits += 1
        chance *= odds * (trials - hits + 1) / hits
    return hits


def _poisson(mean: float, fraction: Fraction) -> int:
    if mean > SEARCH_MEAN_MAX:
        return max(0, round(mean + sqrt(mean) * _normal(fraction)))
    left, chance, number = fraction(), exp(-mean), 0
    while left >= chance and chance > 0.0:
        left -= chance
        number += 1
        chance *= mean / number
    return number


def _normal(fraction: Fraction) -> float:
    """Near enough: the sum of twelve uniform numbers (Irwin and Hall)."""
    return sum(fraction() for _ in range(12)) - 6.0
