"""How sure the rate of one stretch is. The interval for all looks at once is the judge's (`judge/interval.py`)."""

from math import sqrt

Z_95 = 1.959963984540054


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of one rate, looked at once (Wilson 1927). No trials: nothing is known, (0, 1)."""
    if trials <= 0.0:
        return 0.0, 1.0
    share, spread = hits / trials, Z_95**2 / trials
    middle = share + spread / 2.0
    half = Z_95 * sqrt(max(0.0, share * (1.0 - share)) / trials + spread / (4.0 * trials))
    return max(0.0, (middle - half) / (1.0 + spread)), min(1.0, (middle + half) / (1.0 + spread))
