"""Rollouts made up with a fixed seed: what the tests of recordings and reports look at."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from serinus.judge.readings import Histogram, PodReading, Reading, Track

EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Shape:
    """A rollout: `harm_at` None means none. Rates are shares of requests; times are in seconds."""

    seconds: int = 300
    interval: int = 5
    steps: tuple[tuple[int, float], ...] = ((0, 10.0), (60, 25.0), (120, 50.0))
    requests_per_second: float = 100.0
    stable_pods: int = 4
    canary_pods: int = 2
    base_rate: float = 0.004
    harm_at: float | None = None
    harm_rate: float = 0.05
    harm_slowness: float = 1.0
    restart_at: float | None = None
    seed: int = 1
    names: str = "checkout"


GOOD = Shape()
BAD = Shape(seconds=180, harm_at=70.0, harm_rate=0.03, restart_at=80.0)
SLOW = Shape(seconds=180, harm_at=70.0, harm_slowness=3.0)
HOSTILE = Shape(seconds=60, names="</text><script>alert(1)</script>&\"'")


class _Counters:
    def __init__(self, name: str, track: Track, started: float) -> None:
        self.name, self.track, self.started = name, track, started
        self.requests = self.errors = self.restarts = 0
        self.buckets = [0] * (len(EDGES) + 1)
        self.cpu = 0.0

    def serve(self, dice: random.Random, requests: int, rate: float, slowness: float) -> None:
        self.requests += requests
        self.errors += sum(dice.random() < rate for _ in range(requests))
        for _ in range(requests):
            took = dice.lognormvariate(-3.2, 0.7) * slowness
            self.buckets[next((i for i, edge in enumerate(EDGES) if took <= edge), len(EDGES))] += 1
        self.cpu = 0.3 + 0.02 * dice.random()

    def reading(self) -> PodReading:
        cumulative = [float(sum(self.buckets[: i + 1])) for i in range(len(EDGES) + 1)]
        latency = Histogram(EDGES, tuple(cumulative[:-1]), cumulative[-1])
        return PodReading(self.name, self.track, self.started, float(self.requests), float(self.errors),
                          self.restarts, latency, {"cpu": round(self.cpu, 4)})  # fmt: skip


def rollout(shape: Shape) -> Iterator[Reading]:
    """Every scrape of it, from half a minute before the canary."""
    dice = random.Random(shape.seed)
    stable = [_Counters(f"{shape.names}-v1-{i}", Track.STABLE, -3600.0) for i in range(shape.stable_pods)]
    canary = [_Counters(f"{shape.names}-v2-{i}", Track.CANARY, 0.0) for i in range(shape.canary_pods)]
    for t in range(-30, shape.seconds + 1, shape.interval):
        percent = max((weight for at, weight in shape.steps if at < t), default=0.0)
        harmed = shape.harm_at is not None and t > shape.harm_at
        for pods, part in ((canary, percent / 100), (stable, 1 - percent / 100)):
            rate = shape.harm_rate if harmed and pods is canary else shape.base_rate
            slowness = shape.harm_slowness if harmed and pods is canary else 1.0
            for pod in pods:
                mean = shape.requests_per_second * shape.interval * part / len(pods)
                pod.serve(dice, max(0, round(dice.gauss(mean, mean**0.5))), rate, slowness)
        if shape.restart_at is not None and t >= shape.restart_at and not canary[0].restarts:
            restarted = canary[0] = _Counters(canary[0].name, Track.CANARY, 0.0)
            restarted.restarts = 1
        shown = [*stable, *(canary if t > 0 else [])]
        yield Reading(float(t), tuple(pod.reading() for pod in shown), percent if t > 0 else None)


def long_rollout(hours: float, pods: int) -> Iterator[Reading]:
    """Hours of scrapes every 5 s, with counters whose differences are drawn at once, for speed."""
    dice = random.Random(2)
    counters = [_Counters(f"pod-{i}", Track.CANARY if i < 3 else Track.STABLE, 0.0) for i in range(pods)]
    for number in range(int(hours * 720)):
        for pod in counters:
            grown = [max(0, round(dice.gauss(40, 7))) if 2 < i < 7 else dice.randint(0, 2) for i in range(12)]
            pod.buckets = [before + more for before, more in zip(pod.buckets, grown, strict=True)]
            pod.requests += sum(grown)
            pod.errors += dice.random() < 0.3
            pod.cpu = 0.3 + 0.1 * dice.random()
        yield Reading(5.0 * number, tuple(pod.reading() for pod in counters), 10.0 if number < 700 else 50.0)
