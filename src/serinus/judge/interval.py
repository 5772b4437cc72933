"""An interval for a rate that holds at all times at once, however often one looks.

All p for which (1/2, 1/2)-beta-mixed likelihood over the likelihood at p stays below 1/alpha:

    log B(x + 1/2, n - x + 1/2) - log B(1/2, 1/2) - x log p - (n - x) log(1 - p) < log(1/alpha)

Source: Robbins 1970, with Jeffreys' prior as the mixture. Guarantee: for independent requests of one rate p, the chance
that the interval ever misses p is at most alpha (Ville). It is for people to read; no verdict comes from it.
"""

from collections.abc import Callable
from math import lgamma, log, log1p, pi

INTERVAL_ALPHA = 0.05
BISECTIONS = 60
EDGE = 1e-12


def interval(requests: float, failed: float, alpha: float = INTERVAL_ALPHA) -> tuple[float, float]:
    """Lower and upper end for the rate of `failed` among `requests`. No requests: 0 and 1."""
    if requests <= 0.0:
        return 0.0, 1.0
    kept = requests - failed
    mixed = lgamma(failed + 0.5) + lgamma(kept + 0.5) - lgamma(requests + 1.0) - log(pi)

    def is_inside(rate: float) -> bool:
        return mixed - failed * log(rate) - kept * log1p(-rate) < -log(alpha)

    best = min(max(failed / requests, EDGE), 1.0 - EDGE)
    low = 0.0 if is_inside(EDGE) else _edge(EDGE, best, is_inside)
    high = 1.0 if is_inside(1.0 - EDGE) else _edge(1.0 - EDGE, best, is_inside)
    return low, high


def _edge(outside: float, inside: float, is_inside: Callable[[float], bool]) -> float:
    for _ in range(BISECTIONS):
        middle = (outside + inside) / 2.0
        if is_inside(middle):
            inside = middle
        else:
            outside = middle
    return inside
