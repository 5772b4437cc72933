"""All metrics together, as in 2.7: the weighted average of their evidence.

    E = sum_m w_m E_m,    sum_m w_m = 1,    roll back when E >= 1/alpha

Source: an average of e-values is an e-value under any dependence (Vovk and Wang 2021). Guarantee: P(ever) <= alpha over
all metrics together, and never weaker than giving each its own w_m alpha. The weights are fixed before the release; a
metric that is absent from the start hands its weight to the others in proportion.
"""

from collections.abc import Collection, Mapping
from math import exp, log

from serinus.judge.policy import WEIGHTS, Metric


def weights_of(present: Collection[Metric]) -> dict[Metric, float]:
    """Each present metric's part of alpha. None present: no parts."""
    whole = sum(WEIGHTS[metric] for metric in present)
    return {metric: WEIGHTS[metric] / whole for metric in Metric if metric in present}


def log_total(weights: Mapping[Metric, float], log_evidence: Mapping[Metric, float]) -> float:
    """log E. A metric that has no evidence yet counts with 1."""
    terms = [log(weight) + log_evidence.get(metric, 0.0) for metric, weight in weights.items()]
    if not terms:
        return 0.0
    greatest = max(terms)
    return greatest + log(sum(exp(term - greatest) for term in terms))
