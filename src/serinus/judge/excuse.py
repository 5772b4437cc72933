"""A suspected pod was replaced: what it did is taken out of all evidence, and the others are judged on.

Evidence becomes what it was without the pod; evidence without each of the others, which still has the pod in it, begins
anew at 1 (a new supermartingale, from a moment that the past decided). Evidence of safety, which the pod may have sunk,
begins anew too: this can happen once in a rollout, so the chance of a wrong promotion is at most 2 beta then.
"""

from serinus.judge.gauges import GaugeEvidence
from serinus.judge.mixture import leave_out
from serinus.judge.safety import Safety
from serinus.judge.state import State


def excuse(state: State, pod: str) -> None:
    """Forget this canary pod in all evidence."""
    for mixture in state.mixtures():
        leave_out(mixture, pod)
    if state.errors is not None:
        state.errors.safety = Safety()
        counts = state.errors.block.pods.pop(pod, None)
        if counts is not None:
            whole = state.errors.block.canary
            whole.warm -= counts.warm
            whole.cold -= counts.cold
            whole.warm_failed -= counts.warm_failed
            whole.cold_failed -= counts.cold_failed
    if state.latency is not None:
        for one in state.latency.safeties:
            one.safety = Safety()
        block = state.latency.block
        histograms = block.pods.pop(pod, None)
        if histograms is not None:
            block.warm = [max(0.0, a - b) for a, b in zip(block.warm, histograms.warm, strict=True)]
            block.cold = [max(0.0, a - b) for a, b in zip(block.cold, histograms.cold, strict=True)]
    if state.restarts is not None:
        ends = state.restarts.pods.pop(pod, None)
        if ends is not None:
            state.restarts.canary.hours -= ends.hours
            state.restarts.canary.ends -= ends.ends
    for gauge in state.gauges.values():
        gauge.evidence = gauge.without.pop(pod, gauge.evidence)
        fresh = GaugeEvidence(gauge.evidence.correlation)
        gauge.without = {name: GaugeEvidence(fresh.correlation) for name in gauge.without}
