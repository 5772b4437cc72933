"""Every outcome of a small experiment with its probability: what replaces a simulation in the judge's proofs."""

import math
from collections.abc import Iterator, Sequence


def binomial(trials: int, probability: float) -> Iterator[tuple[int, float]]:
    """All counts of successes."""
    for count in range(trials + 1):
        yield count, math.comb(trials, count) * probability**count * (1 - probability) ** (trials - count)


def multinomial(trials: int, law: Sequence[float]) -> Iterator[tuple[tuple[int, ...], float]]:
    """All counts per bucket of independent requests with the same law."""
    for counts in _compositions(trials, len(law)):
        probability = float(math.factorial(trials))
        for count, share in zip(counts, law, strict=True):
            probability *= share**count / math.factorial(count)
        yield counts, probability


def unequal(laws: Sequence[Sequence[float]]) -> dict[tuple[int, ...], float]:
    """All counts per bucket of independent requests that each have a law of their own."""
    found = {(0,) * len(laws[0]): 1.0}
    for law in laws:
        grown: dict[tuple[int, ...], float] = {}
        for counts, probability in found.items():
            for bucket, share in enumerate(law):
                moved = (*counts[:bucket], counts[bucket] + 1, *counts[bucket + 1 :])
                grown[moved] = grown.get(moved, 0.0) + probability * share
        found = grown
    return found


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)
