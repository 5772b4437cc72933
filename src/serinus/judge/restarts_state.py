"""The evidence of restarts over time: blocks of 2.4, with and without each canary pod."""

import msgspec

from serinus.judge.errors import RATIOS
from serinus.judge.mixture import Mixture, fold_block, open_mixture
from serinus.judge.policy import Margin
from serinus.judge.restarts import log_evidence_of_restarts


class Ends(msgspec.Struct):
    """Pod-hours, and how often containers ended in them."""

    hours: float = 0.0
    ends: float = 0.0


class RestartsState(msgspec.Struct):
    """What is remembered of restarts: the open block (`canary`, `stable`, by canary pod), and all that was compared."""

    mixture: Mixture = msgspec.field(default_factory=lambda: open_mixture(len(RATIOS)))
    canary: Ends = msgspec.field(default_factory=Ends)
    stable: Ends = msgspec.field(default_factory=Ends)
    pods: dict[str, Ends] = {}
    compared_canary: Ends = msgspec.field(default_factory=Ends)
    compared_stable: Ends = msgspec.field(default_factory=Ends)


def add_ends(state: RestartsState, pod: str | None, hours: float, ends: float) -> None:
    """Take in what one pod went through; `pod` is None for production's."""
    into = [state.stable] if pod is None else [state.canary, state.pods.setdefault(pod, Ends())]
    for counts in into:
        counts.hours += hours
        counts.ends += ends


def close_restarts(state: RestartsState, margin: Margin, now: float, weight_percent: float | None) -> None:
    """Turn the open block into evidence, once both tracks have run for a while."""
    canary, stable = state.canary, state.stable
    if canary.hours <= 0.0 or stable.hours <= 0.0:
        return
    whole = log_evidence_of_restarts(canary.hours, canary.ends, stable.hours, stable.ends, margin)
    without = {
        pod: log_evidence_of_restarts(
            max(0.0, canary.hours - one.hours), canary.ends - one.ends, stable.hours, stable.ends, margin
        )
        for pod, one in state.pods.items()
    }
    fold_block(state.mixture, now, weight_percent, whole, without)
    for compared, block in ((state.compared_canary, canary), (state.compared_stable, stable)):
        compared.hours += block.hours
        compared.ends += block.ends
    state.canary, state.stable, state.pods = Ends(), Ends(), {}
