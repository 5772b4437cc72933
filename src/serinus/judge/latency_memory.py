"""What is remembered of latency histograms: from which past the scores of the next blocks are made.

The past is forgotten by halves, so that scores follow the hour of the day and harm that began late. Scores are made
anew only when enough has been seen since (`Basis`, latency.py), always between two blocks: a block never changes its
own scores. Forgetting and the moment of renewal cost or win power; the guarantee does not depend on them.
"""

import math
from collections.abc import Sequence

import msgspec

from serinus.judge.latency import Basis

STABLE_HALF_LIFE_SECONDS = 900.0
CANARY_HALF_LIFE_SECONDS = 300.0
RENEWAL = 0.5
"""New scores when one version has served this part of what its old ones were made from."""
RENEWAL_REQUESTS = 5.0


class LatencyMemory(msgspec.Struct):
    """Histograms at the edges of `basis`, fading; `stable_new`, `canary_new`: requests since the basis was made."""

    basis: Basis
    stable: list[float]
    canary: list[float]
    stable_new: float = 0.0
    canary_new: float = 0.0


def open_memory(edges: Sequence[float]) -> LatencyMemory:
    """Nothing seen yet at these edges, which are to stay: seconds, growing, finite, common to all pods."""
    nothing = [0.0] * (len(edges) + 1)
    return LatencyMemory(Basis(tuple(edges), tuple(nothing), tuple(nothing)), nothing.copy(), nothing.copy())


def remember(memory: LatencyMemory, canary: Sequence[float], stable: Sequence[float], seconds: float) -> None:
    """Take in a block that has been judged (or history: then `canary` is all zero), in place.

    `canary`, `stable`: increments per bucket at the memory's edges; `seconds`: how long the block lasted.
    """
    _fade_and_add(memory.stable, stable, 0.5 ** (seconds / STABLE_HALF_LIFE_SECONDS))
    _fade_and_add(memory.canary, canary, 0.5 ** (seconds / CANARY_HALF_LIFE_SECONDS))
    memory.stable_new += math.fsum(stable)
    memory.canary_new += math.fsum(canary)
    basis = memory.basis
    is_due = _is_due(memory.stable_new, basis.stable) or _is_due(memory.canary_new, basis.canary)
    if is_due:
        memory.basis = Basis(basis.edges, tuple(memory.stable), tuple(memory.canary))
        memory.stable_new = memory.canary_new = 0.0


def _is_due(new: float, used: Sequence[float]) -> bool:
    return new >= max(RENEWAL_REQUESTS, RENEWAL * math.fsum(used))


def _fade_and_add(counts: list[float], seen: Sequence[float], kept: float) -> None:
    for bucket, observed in enumerate(seen):
        counts[bucket] = counts[bucket] * kept + observed
