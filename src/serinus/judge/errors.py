"""The test of 2.1: does a request fail more often on the canary than on production, beyond the margin?

One block is what both tracks served in one stretch of time: canary n_c requests of which x_c failed, production n_s and
x_s. The null, of every block by itself, with rates free to move: p_c <= (1 + delta) p_s + eps.

For a supposed ratio rho > 1 between the canary's rate and its limit, with s = n_s / (1 + delta):

    lambda = (rho - 1) s / (rho n_c + s),    c = (rho - 1) n_c / (rho n_c + s)
    log e  = x_c log(1 + lambda) + x_s log(1 - c) - sum_j n_j log(1 + lambda eps_j)

Source: the conditional test of Lindon and Malek (NeurIPS 2022), in a form that does not need a fixed split. Guarantee:
E[e] <= 1 for independent requests whatever the rates, exactly: the expectation is log-concave in p_s, its slope at
p_s = 0 is not positive, its value there is at most 1. eps may differ between pods (young ones have a wider one), since
both steps hold for each pod's factor. tests/judge/test_errors.py sums over the sample space.
"""

from math import log1p

from serinus.judge.policy import Margin

RATIOS = (2.0, 6.0, 30.0, 300.0)
NO_EVIDENCE = (0.0,) * len(RATIOS)
COLD_SECONDS = 20.0
COLD_TOLERANCE = 0.1


def log_evidence_of_errors(
    warm: float, cold: float, canary_errors: float, stable: float, stable_errors: float, margin: Margin
) -> list[float]:
    """log e of one block, for each supposed ratio.

    `warm` and `cold` are the canary's requests on pods older and younger than COLD_SECONDS; all are counts. Production
    must have had requests, or nothing is known and every log e is 0.
    """
    canary = warm + cold
    comparable = stable / (1.0 + margin.relative)
    found = []
    for ratio in RATIOS:
        scale = (ratio - 1.0) / (ratio * canary + comparable)
        bet = scale * comparable
        value = canary_errors * log1p(bet) - warm * log1p(bet * margin.absolute)
        if stable_errors:
            value += stable_errors * log1p(-scale * canary)
        if cold:
            value -= cold * log1p(bet * max(COLD_TOLERANCE, margin.absolute))
        found.append(value)
    return found
