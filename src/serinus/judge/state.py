"""All that the judge remembers of one rollout: Structs that become JSON and back, bit for bit.

No number here is infinite or NaN, so nothing is lost in JSON. The size does not grow with time: pods that have gone are
remembered up to PODS_MAX, and every kind of evidence is a few numbers for each pod.
"""

import msgspec

from serinus.judge.counters import PodState
from serinus.judge.errors_state import ErrorsState
from serinus.judge.policy import Metric
from serinus.judge.suspect import Suspicion

PODS_MAX = 64


class Failure(msgspec.Struct, frozen=True):
    """The first FAIL: it stands, whatever comes after."""

    t: float
    metric: str
    reason: str


class State(msgspec.Struct, omit_defaults=True):
    """What one rollout's judge knows. `now`: the judge's own time in seconds, which never goes back.

    `clock_offset` is what has to be added to a reading's time. `weights`: each metric's part of alpha, fixed with the
    canary's first reading.
    """

    now: float | None = None
    clock_offset: float = 0.0
    weight_percent: float | None = None
    canary_since: float | None = None
    pods: dict[str, PodState] = {}
    weights: dict[Metric, float] = {}
    errors: ErrorsState | None = None
    suspicion: Suspicion = msgspec.field(default_factory=Suspicion)
    failure: Failure | None = None
    passed_at: float | None = None
