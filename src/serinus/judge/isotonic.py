"""Weighted isotonic regression: the increasing sequence nearest to given values, in squared error."""

from collections.abc import Sequence


def increasing(values: Sequence[float], weights: Sequence[float]) -> tuple[float, ...]:
    """Pool adjacent violators (Ayer, Brunk, Ewing, Reid, Silverman 1955): linear time, exact.

    Neighbours in the wrong order are replaced by their weighted mean until none is left. Weights are positive.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        mean, heft, length = value, weight, 1
        while pools and pools[-1][0] >= mean:
            earlier_mean, earlier_heft, earlier_length = pools.pop()
            mean = (earlier_mean * earlier_heft + mean * heft) / (earlier_heft + heft)
            heft += earlier_heft
            length += earlier_length
        pools.append((mean, heft, length))
    return tuple(mean for mean, _, length in pools for _ in range(length))
