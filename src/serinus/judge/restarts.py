"""The test of 2.4: do the canary's containers end more often than production's, beyond the tolerance?

One block is a stretch of time: x_c ends in T_c pod-hours of the canary, x_s in T_s of production. The null, of every
block by itself: rate_c <= (1 + delta) rate_s + eps, eps in ends per pod-hour. For a supposed ratio rho > 1, with
s = T_s / (1 + delta):

    lambda = (rho - 1) s / (rho T_c + s),    c = (rho - 1) T_c / (rho T_c + s)
    log e  = x_c log(1 + lambda) + x_s log(1 - c) - lambda eps T_c

Source: the thinned Poisson process of Lindon and Malek (NeurIPS 2022). Guarantee: E[e] <= 1, exactly, for Poisson
counts of any rates: log E[e] = lambda (rate_c - eps) T_c - c rate_s T_s is at most
(lambda (1 + delta) T_c - c T_s) rate_s = 0. That counts are cut off (`counters.RESTARTS_MAX`) and that a crash loop
slows down are covered by leaving one pod out.
"""

from math import log1p

from serinus.judge.errors import RATIOS
from serinus.judge.policy import Margin


def log_evidence_of_restarts(
    canary_hours: float, canary_ends: float, stable_hours: float, stable_ends: float, margin: Margin
) -> list[float]:
    """log e of one block, for each supposed ratio. Hours are pod-hours; production's must be above zero."""
    comparable = stable_hours / (1.0 + margin.relative)
    found = []
    for ratio in RATIOS:
        scale = (ratio - 1.0) / (ratio * canary_hours + comparable)
        bet = scale * comparable
        value = canary_ends * log1p(bet) - bet * margin.absolute * canary_hours
        if stable_ends:
            value += stable_ends * log1p(-scale * canary_hours)
        found.append(value)
    return found
