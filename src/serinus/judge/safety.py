"""The test of 2.2: evidence that the canary is safe. The harm test with its sign turned.

The null is harm at all times: p_c >= (1 + delta) p_s + eps, a margin wider than that of harm. For mu in MUS:

    log e = x_c log(1 - mu) + x_s log(1 + mu (1 + delta) n_c / n_s) - n_c log(1 - mu eps)

averaged over mu; safe where E >= 1/beta, for every metric that gates (intersection-union: no correction for their
number). Without failures it grows by mu eps per request: the rule of three. Source: Waudby-Smith and Ramdas 2024
(betting on means), two samples. Guarantee: E[e] <= 1 for independent requests: at p_c = limit the factor of a canary
request is (1 - mu (1 + delta) p_s - mu eps) / (1 - mu eps) <= 1 - mu (1 + delta) p_s, and production's factors undo no
more than that (AM-GM). So a release that is harmful all along is called safe with probability at most beta. Harm that
only begins later is for the harm test. Works for any yes or no of a request: failed; slower than an edge.
"""

from collections.abc import Sequence
from math import exp, log, log1p

import msgspec

from serinus.judge.policy import Margin

MUS = (0.15, 0.4, 0.75, 0.98)


class Safety(msgspec.Struct):
    """log of the product of e, for each mu."""

    wealth: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(MUS))


def log_evidence_of_safety(
    canary: float, canary_failed: float, stable: float, stable_failed: float, margin: Margin
) -> list[float]:
    """log e of one block, for each mu. Counts; production must have had requests."""
    odds = (1.0 + margin.relative) * canary / stable
    found = []
    for mu in MUS:
        value = canary_failed * log1p(-mu) - canary * log1p(-mu * margin.absolute)
        if stable_failed:
            value += stable_failed * log1p(mu * odds)
        found.append(value)
    return found


def fold_safety(safety: Safety, log_evidence: Sequence[float], phi: float) -> None:
    """Take in one block, tempered by phi."""
    wealth = safety.wealth
    for index, evidence in enumerate(log_evidence):
        wealth[index] += evidence / phi


def log_safety(safety: Safety) -> float:
    """log E: the average over mu."""
    greatest = max(safety.wealth)
    return greatest + log(sum(exp(value - greatest) for value in safety.wealth) / len(MUS))


def requests_missing(
    safety: Safety, beta: float, rate: float, stable_per_canary: float, margin: Margin, phi: float
) -> float | None:
    """Canary requests until E >= 1/beta if both tracks go on failing at `rate`. 0: none. None: not at this rate.

    `stable_per_canary`: production's requests for each of the canary's.
    """
    needed = -log(beta) + log(len(MUS))
    if log_safety(safety) >= -log(beta):
        return 0.0
    gains = [
        rate * log1p(-mu)
        + stable_per_canary * rate * log1p(mu * (1.0 + margin.relative) / stable_per_canary)
        - log1p(-mu * margin.absolute)
        for mu in MUS
    ]
    waits = [
        max(1.0, (needed - held) * phi / gain) for held, gain in zip(safety.wealth, gains, strict=True) if gain > 1e-9
    ]
    return min(waits) if waits else None
