"""Simulated services for the judge: requests, failures, restarts, as counters per pod. Seeds decide everything.

It shares nothing with the judge but the form of a reading. Requests are Poisson per pod and scrape, failures binomial
(or in clusters), rates given by a function of time and pod.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from serinus.judge.readings import PodReading, Reading, Track

Rate = Callable[[float, str], float]
"""(seconds, pod) -> failure rate."""


@dataclass
class Service:
    """A rollout's traffic. `share`: (seconds) -> part of requests that goes to the canary."""

    canary_pods: int = 4
    stable_pods: int = 12
    requests_per_second: float = 200.0
    share: Callable[[float], float] = lambda t: 0.25
    rate: Rate = lambda t, pod: 0.002
    cluster_mean: float = 1.0
    seconds: int = 1800
    scrape_seconds: float = 5.0
    history_seconds: int = 300
    canary_started: float = -60.0
    volume: Callable[[float], float] = lambda t: 1.0
    replaced: dict[str, str] = field(default_factory=dict)


def readings(service: Service, seed: int) -> Iterator[Reading]:
    """One rollout. A pod named in `service.replaced` is replaced before the next scrape by the pod named there."""
    dice = random.Random(seed)
    canary = [f"c{index}" for index in range(service.canary_pods)]
    started = dict.fromkeys(canary, service.canary_started)
    stable = [f"s{index}" for index in range(service.stable_pods)]
    counts = {name: [0, 0] for name in (*canary, *stable)}
    scrapes = int((service.seconds + service.history_seconds) / service.scrape_seconds)
    for index in range(scrapes + 1):
        t = index * service.scrape_seconds - service.history_seconds
        for old, new in list(service.replaced.items()):
            if old in canary:
                canary[canary.index(old)] = new
                started[new], counts[new] = t - service.scrape_seconds, [0, 0]
        share = service.share(t) if t > 0 else 0.0
        volume = service.requests_per_second * service.scrape_seconds * service.volume(t)
        for pods, part in ((canary, share), (stable, 1.0 - share)):
            for pod in pods:
                _serve(counts[pod], volume * part / len(pods), service.rate(t, pod), service.cluster_mean, dice)
        seen = [
            PodReading(pod, Track.CANARY, started[pod], counts[pod][0], counts[pod][1], 0)
            for pod in (canary if t >= 0 else [])
        ]
        seen += [PodReading(pod, Track.STABLE, -86400.0, counts[pod][0], counts[pod][1], 0) for pod in stable]
        weight = 100.0 * service.share(t) if t >= 0 else 0.0
        yield Reading(t=t, pods=tuple(seen), weight_percent=weight)


def _serve(counts: list[int], mean: float, rate: float, cluster_mean: float, dice: random.Random) -> None:
    requests = poisson(mean, dice)
    counts[0] += requests
    if cluster_mean <= 1.0:
        counts[1] += binomial(requests, rate, dice)
        return
    failed = sum(_geometric(cluster_mean, dice) for _ in range(binomial(requests, rate / cluster_mean, dice)))
    counts[1] += min(requests, failed)


def _geometric(mean: float, dice: random.Random) -> int:
    return int(math.log(1.0 - dice.random()) / math.log(1.0 - 1.0 / mean)) + 1


def poisson(mean: float, dice: random.Random) -> int:
    """A Poisson number; above 60 by the normal approximation (of requests, never of failures)."""
    if mean > 60.0:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, dice.random()
    while product > limit:
        count += 1
        product *= dice.random()
    return count


def binomial(trials: int, rate: float, dice: random.Random) -> int:
    """An exact binomial number, by the gaps between successes."""
    if rate <= 0.0 or trials <= 0:
        return 0
    if rate > 0.5:
        return trials - binomial(trials, 1.0 - rate, dice)
    step, place, successes = math.log1p(-rate), 0, 0
    while True:
        place += int(math.log(1.0 - dice.random()) / step) + 1
        if place > trials:
            return successes
        successes += 1
