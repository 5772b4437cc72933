"""Simulated traffic of one service with two versions, as the readings that the judge is fed.

Everything is drawn from one seeded `random.Random`; draws are exact (no normal approximation). A world is a frozen
description, `Service` is one life of it. Nothing here knows the judge.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

from serinus.judge.readings import Histogram, PodReading, Reading, Track

EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Prometheus' default buckets, seconds."""

_INVERSION_MAX = 25.0
_NORMAL = NormalDist()


def binomial(dice: random.Random, trials: int, probability: float) -> int:
    """One exact draw: by inversion for small means, else by splitting at an order statistic (Devroye 1986, X.4.3)."""
    if probability <= 0 or trials <= 0:
        return 0
    if probability >= 1:
        return trials
    if probability > 0.5:
        return trials - binomial(dice, trials, 1 - probability)
    found = 0
    while trials * probability > _INVERSION_MAX:
        middle = (trials + 1) // 2
        value = dice.betavariate(middle, trials + 1 - middle)
        if value <= probability:
            found += middle
            trials -= middle
            probability = (probability - value) / (1 - value)
        else:
            trials = middle - 1
            probability /= value
        if probability > 0.5:
            return found + binomial(dice, trials, probability)
    odds, left, chance, count = probability / (1 - probability), dice.random(), (1 - probability) ** trials, 0
    while left > chance and count < trials:
        left -= chance
        count += 1
        chance *= odds * (trials - count + 1) / count
    return found + count


def poisson(dice: random.Random, mean: float) -> int:
    """One exact draw: by inversion for small means, otherwise by a gamma waiting time (Ahrens and Dieter 1974)."""
    found = 0
    while mean > _INVERSION_MAX:
        step = int(mean * 7 / 8)
        waited = dice.gammavariate(step, 1)
        if waited > mean:
            return found + binomial(dice, step - 1, mean / waited)
        found += step
        mean -= waited
    left, chance, count = dice.random(), math.exp(-mean), 0
    while left > chance and chance > 0:
        left -= chance
        count += 1
        chance *= mean / count
    return found + count


def multinomial(dice: random.Random, trials: int, law: Sequence[float]) -> list[int]:
    """How many of the trials fall into each class."""
    counts, rest = [], 1.0
    for share in law[:-1]:
        drawn = binomial(dice, trials, min(1.0, share / rest)) if trials and rest > 0 else 0
        counts.append(drawn)
        trials -= drawn
        rest -= share
    return [*counts, trials]


def clustered(dice: random.Random, trials: int, probability: float, mean_size: float) -> int:
    """Failures that come in groups of geometric size, as retries make them; the mean is that of a binomial."""
    groups = poisson(dice, trials * probability / mean_size)
    failed = 0
    for _ in range(groups):
        failed += 1 + int(math.log(1 - dice.random()) / math.log(1 - 1 / mean_size)) if mean_size > 1 else 1
    return min(trials, failed)


def latency_law(all_times: float = 1.0, tail_times: float = 1.0) -> tuple[float, ...]:
    """Buckets of 97 % log-normal(80 ms, 0.5) and 3 % log-normal(600 ms, 0.7): all of it, or only the 3 %, slower."""

    def below(edge: float) -> float:
        body = _NORMAL.cdf(math.log(edge / (0.08 * all_times)) / 0.5)
        return 0.97 * body + 0.03 * _NORMAL.cdf(math.log(edge / (0.6 * all_times * tail_times)) / 0.7)

    reached = [*(below(edge) for edge in EDGES), 1.0]
    return tuple(here - before for before, here in zip([0.0, *reached], reached, strict=False))


def always(value: float) -> Callable[[float], float]:
    """The same at all times."""
    return lambda _: value


@dataclass(frozen=True)
class World:
    """What is true. Times in seconds since the rollout began; rates are shares of requests that fail.

    `canary_error`, `stable_error`: of a pod's requests, by time. `weight`: percent of requests for the canary.
    `cluster_mean`: mean size of groups of failures. `frailty`: coefficient of variation of pods' own factors.
    `bad_pod_error`: what the first canary pod fails. `episodes_per_hour`: of a pod, each 20 s long with 20 % failures.
    `canary_latency`, `stable_latency`: laws over the buckets by time; None: no histograms. `canary_started`: None keeps
    the pods' age from the judge, which then takes none for cold.
    """

    requests_per_second: float = 200.0
    weight: Callable[[float], float] = field(default=always(25.0))
    canary_pods: int = 4
    stable_pods: int = 12
    canary_error: Callable[[float], float] = field(default=always(0.002))
    stable_error: Callable[[float], float] = field(default=always(0.002))
    cluster_mean: float = 1.0
    frailty: float = 0.0
    bad_pod_error: float | None = None
    episodes_per_hour: float = 0.0
    canary_latency: Callable[[float], Sequence[float]] | None = None
    stable_latency: Callable[[float], Sequence[float]] | None = None
    canary_started: float | None = None
    scrape_seconds: float = 5.0


EPISODE_SECONDS = 20.0
EPISODE_ERROR = 0.2


@dataclass
class SimulatedPod:
    """Counters of one pod, cumulative, and what is its own."""

    name: str
    track: Track
    started: float | None
    factor: float
    requests: int = 0
    errors: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    episodes: list[float] = field(default_factory=list)

    def reading(self, has_latency: bool) -> PodReading:
        """As scraped now."""
        latency = None
        if has_latency:
            below, reached = 0, []
            for count in self.buckets:
                below += count
                reached.append(float(below))
            latency = Histogram(EDGES, tuple(reached[:-1]), reached[-1])
        return PodReading(self.name, self.track, self.started, float(self.requests), float(self.errors), None, latency)


class Service:
    """One life of a world. `canary_requests`, `canary_errors`: what users met so far."""

    def __init__(self, world: World, dice: random.Random, seconds: float = 3600.0) -> None:
        self.world, self.dice, self.t = world, dice, 0.0
        self.canary_requests = self.canary_errors = 0
        self._canary = [self._pod(Track.CANARY, i, seconds) for i in range(world.canary_pods)]
        self._stable = [self._pod(Track.STABLE, i, seconds) for i in range(world.stable_pods)]

    def _pod(self, track: Track, number: int, seconds: float) -> SimulatedPod:
        world = self.world
        shape = world.frailty**-2 if world.frailty else 0.0
        factor = self.dice.gammavariate(shape, 1 / shape) if shape else 1.0
        count = poisson(self.dice, world.episodes_per_hour * seconds / 3600.0)
        episodes = [self.dice.uniform(0, seconds) for _ in range(count)]
        started = world.canary_started if track is Track.CANARY else -86400.0
        return SimulatedPod(f"{track.value}-{number}", track, started, factor, episodes=episodes)

    def history(self, seconds: float = 0.0) -> Iterator[Reading]:
        """Scrapes of production alone, from so long before the rollout until it begins."""
        world, has_latency = self.world, self.world.stable_latency is not None
        scrapes = int(seconds / world.scrape_seconds)
        for scrape in range(-scrapes, 1):
            t = scrape * world.scrape_seconds
            if scrape > -scrapes:
                self._serve(self._stable, poisson(self.dice, world.requests_per_second * world.scrape_seconds), t)
            yield Reading(t, tuple(pod.reading(has_latency) for pod in self._stable), 0.0)

    def next(self) -> Reading:
        """Serve until the next scrape, and scrape."""
        world = self.world
        middle, self.t = self.t + world.scrape_seconds / 2, self.t + world.scrape_seconds
        weight = world.weight(middle)
        requests = poisson(self.dice, world.requests_per_second * world.scrape_seconds)
        for_canary = binomial(self.dice, requests, weight / 100)
        served, failed = self._serve(self._canary, for_canary, middle)
        self.canary_requests += served
        self.canary_errors += failed
        self._serve(self._stable, requests - for_canary, middle)
        has_latency = world.stable_latency is not None
        pods = tuple(pod.reading(has_latency) for pod in (*self._canary, *self._stable))
        return Reading(self.t, pods, weight)

    def _serve(self, pods: list[SimulatedPod], requests: int, t: float) -> tuple[int, int]:
        failed = 0
        is_canary = pods is self._canary
        law = self.world.canary_latency if is_canary else self.world.stable_latency
        here = law(t) if law else None
        for number, pod in enumerate(pods):
            own = binomial(self.dice, requests, 1 / (len(pods) - number))
            requests -= own
            errors = self._failures(pod, own, t)
            pod.requests += own
            pod.errors += errors
            failed += errors
            if here is not None:
                drawn = multinomial(self.dice, own, here)
                pod.buckets = [before + new for before, new in zip(pod.buckets, drawn, strict=True)]
        return sum(pod.requests for pod in pods) - self.canary_requests if is_canary else 0, failed

    def _failures(self, pod: SimulatedPod, requests: int, t: float) -> int:
        world = self.world
        is_canary = pod.track is Track.CANARY
        rate = (world.canary_error if is_canary else world.stable_error)(t) * pod.factor
        if world.bad_pod_error is not None and pod.name == "canary-0":
            rate = world.bad_pod_error
        if any(begin <= t < begin + EPISODE_SECONDS for begin in pod.episodes):
            rate = max(rate, EPISODE_ERROR)
        if world.cluster_mean > 1:
            return clustered(self.dice, requests, min(1.0, rate), world.cluster_mean)
        return binomial(self.dice, requests, min(1.0, rate))
