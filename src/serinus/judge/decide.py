"""From evidence to a verdict: totals against their thresholds, with and without each canary pod."""

from math import log

import msgspec

from serinus.core.turn import Verdict
from serinus.judge.mixture import Mixture, log_value
from serinus.judge.policy import Metric, Policy
from serinus.judge.readings import Reading, Track
from serinus.judge.state import Failure, State
from serinus.judge.suspect import suspect, weakest
from serinus.judge.total import log_total

LOG10 = log(10.0)
ADVANCE_BELOW = log(3.0)
ALONE_SECONDS = 30.0
"""How long a canary pod that serves alone is not believed while others, just as present, serve nothing yet."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known after one reading. `t`: its time, or that of the first FAIL, seconds.

    `evidence`: log10 of the total E; `threshold`: where it means FAIL (2 for alpha 0.01). `metric`: which one weighs
    most. `may_advance` answers for the next step, `safe_to_promote` for the last. `replace`: the pod that is suspected.
    """

    t: float
    verdict: Verdict
    metric: str
    evidence: float
    threshold: float
    reason: str
    may_advance: bool
    safe_to_promote: bool
    replace: str | None = None


def mixtures_of(state: State) -> dict[Metric, Mixture]:
    """The evidence of each metric that is judged."""
    found = {}
    if state.errors is not None:
        found[Metric.ERRORS] = state.errors.mixture
    return found


def decide(policy: Policy, state: State, reading: Reading) -> Finding:
    """The finding of now; remembers the first failure and the pod that is suspected."""
    mixtures = mixtures_of(state)
    values = {metric: log_value(mixture.cash, mixture.wealth) for metric, mixture in mixtures.items()}
    total = log_total(state.weights, values)
    heaviest = max(values, key=lambda metric: state.weights.get(metric, 0.0) * values[metric], default=Metric.ERRORS)
    present = [pod.name for pod in reading.pods if pod.track is Track.CANARY]
    if state.failure is None:
        _look_for_harm(policy, state, total, heaviest, mixtures, values, present, reading.t)
    failure = state.failure
    return Finding(
        t=reading.t if failure is None else failure.t,
        verdict=Verdict.UNSURE if failure is None else Verdict.FAIL,
        metric=heaviest.value if failure is None else failure.metric,
        evidence=total / LOG10,
        threshold=-log(policy.alpha) / LOG10,
        reason="" if failure is None else failure.reason,
        may_advance=failure is None and total < ADVANCE_BELOW,
        safe_to_promote=False,
        replace=state.suspicion.pod if state.suspicion.pod in present else None,
    )


def _look_for_harm(
    policy: Policy,
    state: State,
    total: float,
    heaviest: Metric,
    mixtures: dict[Metric, Mixture],
    values: dict[Metric, float],
    present: list[str],
    t: float,
) -> None:
    now = state.now or 0.0
    is_above = total >= -log(policy.alpha)
    pod: str | None = None
    if is_above:
        remains = log_without_each(state, mixtures, values)
        pod, least = weakest(remains)
        is_alone = not remains and len(present) > 1 and now - (state.canary_since or 0.0) < ALONE_SECONDS
        if not is_alone and (pod is None or least >= -log(policy.alpha_node)):
            state.failure = Failure(t, heaviest.value, "harm")
            is_above = False
    suspect(state.suspicion, now, is_above, pod if pod in present else None)


def log_without_each(state: State, mixtures: dict[Metric, Mixture], values: dict[Metric, float]) -> dict[str, float]:
    """log E of all metrics together, without each canary pod; empty where a single pod served all there was.

    A metric to which only one pod has contributed cannot tell the pod from the version, and is not left out.
    """
    several = {metric: mixture for metric, mixture in mixtures.items() if len(mixture.without) > 1}
    pods = dict.fromkeys(pod for mixture in several.values() for pod in mixture.without)
    found = {}
    for pod in pods:
        without = dict(values)
        for metric, mixture in several.items():
            if pod in mixture.without:
                without[metric] = log_value(mixture.cash, mixture.without[pod])
        found[pod] = log_total(state.weights, without)
    return found
