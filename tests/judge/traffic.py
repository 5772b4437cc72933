"""Readings for tests: exact counts, no dice. Each pod serves and fails so many requests in every scrape."""

from collections.abc import Iterable, Iterator, Mapping

from serinus.judge.decide import Finding
from serinus.judge.judge import step
from serinus.judge.policy import Policy
from serinus.judge.readings import Histogram, PodReading, Reading, Track
from serinus.judge.state import State

SCRAPE = 5.0
EDGES = (0.1, 0.5, 1.0)
FAST = (0.90, 0.98, 0.99)
"""Shares at or below each edge."""


class Traffic:
    """Counters of pods, which grow scrape by scrape. Names that begin with c are the canary's."""

    def __init__(self, pods: Iterable[str], t: float = -SCRAPE, started: float = -600.0) -> None:
        self.t = t
        self.started = dict.fromkeys(pods, started)
        self.counts = {pod: [0.0, 0.0, 0.0] for pod in self.started}
        self.latency = {pod: [0.0, 0.0, 0.0, 0.0] for pod in self.started}

    def scrape(
        self,
        failing: Mapping[str, float] | None = None,
        requests: float = 50.0,
        restarts: Mapping[str, int] | None = None,
        slow: Iterable[str] = (),
        weight_percent: float | None = None,
    ) -> Reading:
        """The next reading. `failing`: failed requests by pod in this scrape, of `requests` each."""
        self.t += SCRAPE
        for pod, counts in self.counts.items():
            counts[0] += requests
            counts[1] += (failing or {}).get(pod, 0.0)
            counts[2] += (restarts or {}).get(pod, 0)
            shares = (0.1, 0.5, 0.9) if pod in slow else FAST
            for index, share in enumerate((*shares, 1.0)):
                self.latency[pod][index] += requests * share
        return Reading(self.t, tuple(self._pod(pod) for pod in self.counts), weight_percent)

    def _pod(self, pod: str) -> PodReading:
        requests, errors, restarts = self.counts[pod]
        track = Track.CANARY if pod.startswith("c") else Track.STABLE
        histogram = Histogram(EDGES, tuple(self.latency[pod][:-1]), self.latency[pod][-1])
        return PodReading(pod, track, self.started[pod], requests, errors, int(restarts), histogram, {"cpu": 0.3})

    def replace(self, old: str, new: str) -> None:
        """The pod goes, another one comes."""
        for table in (self.started, self.counts, self.latency):
            table.pop(old)  # type: ignore[attr-defined]
        self.started[new] = self.t
        self.counts[new], self.latency[new] = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]


def judged(policy: Policy, state: State, readings: Iterable[Reading]) -> Iterator[Finding]:
    """The finding after each reading."""
    for reading in readings:
        state, finding = step(policy, state, reading)
        yield finding
