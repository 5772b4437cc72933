"""What would have changed the verdict, in numbers: the recorded readings with one thing altered, judged again."""

from collections.abc import Callable, Sequence
from math import floor, log10

import msgspec

from serinus.core.turn import Verdict
from serinus.judge.decide import Hold
from serinus.judge.explain import explain
from serinus.judge.policy import Metric, Policy
from serinus.judge.readings import Histogram, PodReading, Reading, Track
from serinus.report.counted import Counted, Counts, count
from serinus.report.replayed import Replayed, fails
from serinus.report.subject import Subject
from serinus.report.words import CHANGES, evidence, number, percent, seconds

HALVINGS = 7
RATE_MAX = 0.5
ODDS_MAX_LOG10 = 6.0
"""Nobody would choose a smaller alpha than that."""

Alter = Callable[[PodReading, float], PodReading]


def changes_of(
    subject: Subject, policy: Policy | None, readings: Sequence[Reading], counted: Counted, replayed: Replayed | None
) -> tuple[str, ...]:
    """Sentences: the reason's own first, then what the numbers say."""
    found = [] if subject.reason is None else [CHANGES[subject.reason]]
    decided = None if replayed is None else replayed.decided
    if policy is None or replayed is None or decided is None or Track.CANARY not in counted.tracks:
        return tuple(found)
    if decided.verdict is Verdict.FAIL:
        return (*found, *_of_harm(policy, readings, counted, replayed))
    if decided.hold is Hold.TRAFFIC:
        found += _of_traffic(policy, replayed)
    return (*found, *_of_no_harm(policy, readings, counted))


def _of_harm(policy: Policy, readings: Sequence[Reading], counted: Counted, replayed: Replayed) -> list[str]:
    decided = replayed.decided
    if decided is None:
        return []
    until = [reading for reading in readings if reading.t <= decided.t]
    found = [text for text in (_less_harm(policy, until, decided.metric, counted),) if text]
    if decided.evidence < ODDS_MAX_LOG10:
        found.append(
            f"A smaller alpha than 1 in {number(10.0**decided.evidence)}: the evidence was {evidence(decided.evidence)}"
            f" in log10, and alpha {policy.alpha:g} asks for {evidence(decided.threshold)}."
        )
    for pod, left in sorted(replayed.without.items(), key=lambda pair: pair[1])[:1]:
        found.append(
            f"No single pod: without {pod}, on which most of the evidence rests, it is still {evidence(left)}"
            f" (alpha {policy.alpha_node:g} asks for {evidence(-log10(policy.alpha_node))})."
        )
    return found


def _less_harm(policy: Policy, readings: list[Reading], metric: str, counted: Counted) -> str:
    """How much less of what decided would have been no FAIL; empty: this metric cannot be altered, or is not alone."""
    alter = _ALTERS.get(metric)
    if alter is None:
        return ""
    if fails(policy, altered(readings, alter, 0.0)):
        return (
            f"Not {metric} alone: without any difference there, the other metrics would have led to the same verdict."
        )
    part = _greatest(lambda part: not fails(policy, altered(readings, alter, part)))
    canary = counted.tracks[Track.CANARY]
    if metric == Metric.ERRORS.value:
        failed, requests = _failed_until(readings)
        return (
            f"{number(floor(part * failed))} failed requests of the canary or fewer, instead of {number(failed)}"
            f" in {number(requests)}, spread over time as they were."
        )
    if metric == Metric.LATENCY.value:
        return f"{percent(1.0 - part)} of the canary's slow requests answered as fast as its fastest ones are."
    return f"{number(floor(part * canary.restarts))} ends of the canary's containers or fewer."


def _failed_until(readings: list[Reading]) -> tuple[float, float]:
    canary = count(readings).tracks.get(Track.CANARY, Counts())
    return canary.errors, canary.requests


def _of_traffic(policy: Policy, replayed: Replayed) -> list[str]:
    if replayed.decided is None:
        return []
    told = explain(policy, replayed.state, replayed.decided)
    if not told.missing_requests:
        return []
    takes = f", about {seconds(told.missing_seconds)} at the rate seen" if told.missing_seconds else ""
    return [f"{number(told.missing_requests)} more requests to the canary that go as well as production's{takes}."]


def _of_no_harm(policy: Policy, readings: Sequence[Reading], counted: Counted) -> list[str]:
    """The error rate from which on these very readings would have meant harm."""
    canary = counted.tracks[Track.CANARY]
    if not canary.requests or not canary.knows_requests:
        return []
    worst = _most(lambda rate: not fails(policy, altered(readings, _more_errors, rate)))
    if worst is None:
        return []
    failed = canary.errors + worst * (canary.requests - canary.errors)
    return [
        f"About {number(failed)} failed requests of the canary in {number(canary.requests)}"
        f" ({percent(failed / canary.requests)}), instead of {number(canary.errors)}, all along, would have ended it."
    ]


def altered(readings: Sequence[Reading], alter: Alter, part: float) -> list[Reading]:
    """The readings with every canary pod altered."""
    return [
        msgspec.structs.replace(
            reading, pods=tuple(alter(pod, part) if pod.track is Track.CANARY else pod for pod in reading.pods)
        )
        for reading in readings
    ]


def _fewer_errors(pod: PodReading, part: float) -> PodReading:
    return msgspec.structs.replace(pod, errors=None if pod.errors is None else pod.errors * part)


def _more_errors(pod: PodReading, rate: float) -> PodReading:
    if pod.errors is None or pod.requests is None:
        return pod
    return msgspec.structs.replace(pod, errors=pod.errors + rate * max(0.0, pod.requests - pod.errors))


def _faster(pod: PodReading, part: float) -> PodReading:
    """All but this part of what lies above the first edge is moved below it."""
    held = pod.latency
    if held is None:
        return pod
    counts = tuple(held.count - part * (held.count - below) for below in held.counts)
    return msgspec.structs.replace(pod, latency=Histogram(held.le, counts, held.count))


def _fewer_restarts(pod: PodReading, part: float) -> PodReading:
    return msgspec.structs.replace(pod, restarts=None if pod.restarts is None else floor(pod.restarts * part))


_ALTERS: dict[str, Alter] = {
    Metric.ERRORS.value: _fewer_errors,
    Metric.LATENCY.value: _faster,
    Metric.RESTARTS.value: _fewer_restarts,
}


def _greatest(holds: Callable[[float], bool]) -> float:
    """The greatest part, of those tried by halving, for which this holds; it holds for 0 and not for 1."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _most(holds: Callable[[float], bool]) -> float | None:
    """The least rate, by halving on a scale of ratios, for which this no longer holds; None: it holds for RATE_MAX."""
    if holds(RATE_MAX):
        return None
    low, high = RATE_MAX / 4096.0, RATE_MAX
    for _ in range(HALVINGS):
        middle = (low * high) ** 0.5
        if holds(middle):
            low = middle
        else:
            high = middle
    return high
