"""Evidence over time that the canary does not get the share of requests that was asked for (`share.py`)."""

from collections.abc import Sequence
from math import exp, log

import msgspec

from serinus.judge.share import HYPOTHESES, log_e, tolerated

SHARE_ALPHA = 0.001
"""A mismatch that is not there is cried once in a thousand rollouts."""


class ShareState(msgspec.Struct):
    """`wealth`: log of the product of e, for each supposition. `asked`: the share at the last reading, 0 to 1."""

    wealth: list[float] = msgspec.field(default_factory=lambda: [0.0] * HYPOTHESES)
    asked: float | None = None


def watch_share(state: ShareState, weight_percent: float | None, canary: float, stable: float) -> None:
    """Take in one reading: requests of both tracks since the last one, and the weight that is asked for now.

    The requests may have been sent under the weight of the last reading or of this one. No weight known, or none of
    the two tracks asked for: nothing to compare.
    """
    before, state.asked = state.asked, None if weight_percent is None else weight_percent / 100.0
    asked = state.asked
    if asked is None or before is None or not 0.0 < asked < 1.0 or not 0.0 < before < 1.0:
        return
    if canary + stable > 0.0:
        evidence = log_e(canary, stable, tolerated(min(asked, before), max(asked, before)))
        state.wealth = [held + one for held, one in zip(state.wealth, evidence, strict=True)]


def log_mismatch(state: ShareState, phi: float) -> float:
    """log E against the share being as asked, tempered by phi."""
    greatest = max(state.wealth) / phi
    return greatest + log(sum(exp(value / phi - greatest) for value in state.wealth) / HYPOTHESES)


def is_mismatch(state: ShareState, stable_pods: Sequence[float]) -> bool:
    """Whether the two tracks are not to be believed to serve the same users.

    `stable_pods`: all requests of each production pod. Where they differ by more than chance, requests come in bundles
    (connections that are kept, say): the evidence is divided by the size of these bundles.
    """
    if max(state.wealth) < -log(SHARE_ALPHA):
        return False
    return log_mismatch(state, _bundle(stable_pods)) >= -log(SHARE_ALPHA)


def _bundle(stable_pods: Sequence[float]) -> float:
    """Variance of the pods' requests against that of single requests dealt out at random; at least 1."""
    if len(stable_pods) < 2:
        return 1.0
    mean = sum(stable_pods) / len(stable_pods)
    if mean <= 0.0:
        return 1.0
    variance = sum((served - mean) ** 2 for served in stable_pods) / (len(stable_pods) - 1)
    return max(1.0, variance / mean)
