"""One reading into the open blocks: whose time is right, which pods there are, what each served since the last one.

A reading from before the last one is a late or repeated scrape and is not looked at; unless its counters have grown,
which only a clock that was set back explains: then the judge's own time goes on from where it was.
"""

from math import inf

from serinus.judge.counters import PodState, pod_first_seen, served_since
from serinus.judge.dispersion import learn
from serinus.judge.errors import COLD_SECONDS
from serinus.judge.errors_state import ErrorsState, add_canary
from serinus.judge.policy import Metric, Policy
from serinus.judge.readings import PodReading, Reading, Track
from serinus.judge.state import PODS_MAX, State
from serinus.judge.total import weights_of


def take_in(policy: Policy, state: State, reading: Reading) -> bool:
    """Count what the reading shows into the open blocks. False: it is not from after the last one, nothing was done."""
    if not -inf < reading.t < inf:
        return False
    now, last = reading.t + state.clock_offset, state.now
    if last is not None and now <= last:
        if not _has_grown(state, reading):
            return False
        state.clock_offset += last - now
        now = last
    tracks = {pod.track for pod in reading.pods}
    _fix_weights(policy, state, reading, Track.CANARY in tracks)
    reference = Track.BASELINE if Track.BASELINE in tracks else Track.STABLE
    served: dict[str, tuple[float, float]] = {}
    for pod in reading.pods:
        known = state.pods.get(pod.name)
        if known is None:
            known = state.pods[pod.name] = pod_first_seen(pod, now, last)
        known.seen = now
        if pod.started is not None:
            known.started = pod.started + state.clock_offset
        if pod.name != state.suspicion.excused and state.errors is not None:
            _take_requests(state.errors, known, pod, now, reference, served)
    if state.errors is not None and served:
        learn(state.errors.dispersion, served)
    if len(state.pods) > PODS_MAX:
        _forget_the_longest_gone(state, now)
    state.now, state.weight_percent = now, reading.weight_percent
    return True


def _has_grown(state: State, reading: Reading) -> bool:
    """Whether the pods' requests, of those known before, are more than they were."""
    now = before = 0.0
    for pod in reading.pods:
        known = state.pods.get(pod.name)
        if known is not None and known.requests is not None and pod.requests is not None:
            now += pod.requests
            before += known.requests
    return now > before


def _fix_weights(policy: Policy, state: State, reading: Reading, has_canary: bool) -> None:
    """Which metrics there are, before the canary is judged by any of them; from then on it stays so."""
    if state.weights:
        return
    pods = reading.pods
    if Metric.ERRORS in policy.metrics and state.errors is None and any(pod.errors is not None for pod in pods):
        state.errors = ErrorsState()
    if has_canary:
        state.canary_since = reading.t
        state.weights = weights_of([Metric.ERRORS] if state.errors is not None else [])


def _take_requests(
    state: ErrorsState,
    known: PodState,
    pod: PodReading,
    now: float,
    reference: Track,
    served: dict[str, tuple[float, float]],
) -> None:
    since = known.counted_at
    requests, failed = served_since(known, pod, now)
    if requests <= 0.0:
        return
    if pod.track is not Track.CANARY:
        served[pod.name] = (requests, failed)
        if pod.track is reference:
            state.block.stable += requests
            state.block.stable_failed += failed
        return
    started = known.started
    is_cold = started is not None and (started if since is None else since) - started < COLD_SECONDS
    add_canary(state.block, pod.name, requests, failed, is_cold)


def _forget_the_longest_gone(state: State, now: float) -> None:
    gone = [name for name, pod in state.pods.items() if pod.seen < now]
    for name in sorted(gone, key=lambda name: state.pods[name].seen)[: len(state.pods) - PODS_MAX]:
        del state.pods[name]
