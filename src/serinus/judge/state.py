"""All that the judge remembers of one rollout: Structs that become JSON and back, bit for bit.

No number here is infinite or NaN, so nothing is lost in JSON. The size does not grow with time: pods that have gone are
remembered up to PODS_MAX, and every kind of evidence is a few numbers for each pod.
"""

import msgspec

from serinus.judge.counters import PodState
from serinus.judge.errors_state import ErrorsState
from serinus.judge.gauges_state import GaugeState
from serinus.judge.guards import Guard
from serinus.judge.latency_state import LatencyState
from serinus.judge.mixture import Mixture
from serinus.judge.policy import Metric
from serinus.judge.readings import Track
from serinus.judge.restarts_state import RestartsState
from serinus.judge.share_state import ShareState
from serinus.judge.suspect import Suspicion

PODS_MAX = 40


class Failure(msgspec.Struct, frozen=True):
    """The first FAIL: it stands, whatever comes after. `t`: seconds, as in the reading."""

    t: float
    metric: str
    reason: str


class State(msgspec.Struct, omit_defaults=True):
    """What one rollout's judge knows. `now`: the judge's own time in seconds, which never goes back.

    `clock_offset` is what has to be added to a reading's time. `weights`: each metric's part of alpha, fixed with the
    canary's first reading. `unknown_since`: since when its pods are there, but no counters of theirs could be had.
    """

    now: float | None = None
    clock_offset: float = 0.0
    canary_since: float | None = None
    pods: dict[str, PodState] = {}
    weights: dict[Metric, float] = {}
    errors: ErrorsState | None = None
    latency: LatencyState | None = None
    restarts: RestartsState | None = None
    gauges: dict[str, GaugeState] = {}
    guards: list[Guard] = []
    share: ShareState = msgspec.field(default_factory=ShareState)
    suspicion: Suspicion = msgspec.field(default_factory=Suspicion)
    unknown_since: float | None = None
    failure: Failure | None = None
    passed_at: float | None = None

    def stable_requests(self) -> list[float]:
        """All requests of each production pod that was there when the last reading was taken."""
        return [
            pod.total_requests for pod in self.pods.values() if pod.track is not Track.CANARY and pod.seen == self.now
        ]

    def has_canary_requests(self) -> bool:
        """Whether any canary pod has served anything."""
        return any(pod.total_requests > 0.0 for pod in self.pods.values() if pod.track is Track.CANARY)

    def mixtures(self) -> list[Mixture]:
        """All evidence that is kept with and without each canary pod."""
        several = [one.mixture for one in (self.errors, self.latency, self.restarts) if one is not None]
        return [*several, *(gauge.mixture for gauge in self.gauges.values()), *(one.canary for one in self.guards)]
