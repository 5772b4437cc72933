"""How sure a rate is: two intervals, each with what it promises."""

from collections.abc import Callable
from math import lgamma, log, log1p, sqrt

Z_95 = 1.959963984540054
CONFIDENCE = 0.95
HALVINGS = 50


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of one rate, looked at once (Wilson 1927). No trials: nothing is known, (0, 1)."""
    if trials <= 0.0:
        return 0.0, 1.0
    share, spread = hits / trials, Z_95**2 / trials
    middle = share + spread / 2.0
    half = Z_95 * sqrt(max(0.0, share * (1.0 - share)) / trials + spread / (4.0 * trials))
    return max(0.0, (middle - half) / (1.0 + spread)), min(1.0, (middle + half) / (1.0 + spread))


def anytime(hits: float, trials: float) -> tuple[float, float]:
    """The 95 % interval that holds at all times at once, however often one has looked before.

    Every rate p against which the evidence is below 20: B(1/2 + x, 1/2 + n - x) / B(1/2, 1/2) / (p^x (1 - p)^(n - x)),
    the average over all alternatives with weight Beta(1/2, 1/2) (Robbins 1970, the method of mixtures; Ville's
    inequality). Guarantee: for independent requests of one rate, P(ever outside) <= 5 %.
    """
    if trials <= 0.0:
        return 0.0, 1.0
    misses = max(0.0, trials - hits)
    mixture = _log_beta(0.5 + hits, 0.5 + misses) - _log_beta(0.5, 0.5)
    needed = -log(1.0 - CONFIDENCE)

    def is_inside(rate: float) -> bool:
        evidence = mixture
        evidence -= hits * log(rate) if hits else 0.0
        evidence -= misses * log1p(-rate) if misses else 0.0
        return evidence < needed

    middle = min(max(hits / trials, 1e-12), 1.0 - 1e-12)
    low = _edge(0.0, middle, is_inside) if hits else 0.0
    high = _edge(1.0, middle, is_inside) if misses else 1.0
    return low, high


def _edge(outside: float, inside: float, is_inside: Callable[[float], bool]) -> float:
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2.0
        if is_inside(middle):
            inside = middle
        else:
            outside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
