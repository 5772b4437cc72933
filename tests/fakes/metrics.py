"""The fake of the Metrics port: counters that grow as a script says, a round at a time."""

from collections.abc import Callable, Sequence

from serinus.judge.readings import PodReading, Reading
from serinus.judge.scrapes import Scrape, ScrapedPod

Counters = Callable[[ScrapedPod, float], PodReading]
"""What a pod's page says at a time, in seconds since the rollout began."""


def silent(pod: ScrapedPod, _t: float) -> PodReading:
    """No numbers."""
    return PodReading(pod.name, pod.track, started=pod.started, restarts=pod.restarts)


class FakeMetrics:
    """`rounds` holds every reading that was given."""

    def __init__(self, counters: Counters = silent) -> None:
        self.counters = counters
        self.rounds: list[Reading] = []

    async def read(self, pods: Sequence[ScrapedPod], t: float, weight_percent: float | None) -> Scrape:
        reading = Reading(t, tuple(self.counters(pod, t) for pod in pods), weight_percent)
        self.rounds.append(reading)
        return Scrape(reading, {})
