"""Latency histograms as counts per bucket: common edges, cold-start shift, exceedances, quantile edges.

What it needs: increments of one block (a scrape, or several joined), never counters since the pod began. Resets, gaps
and duplicates are the counters' business. A law or a list of counts over J edges has J + 1 entries, the last one for
everything above the highest edge; the +Inf bucket is therefore never an edge.
"""

import math
from collections.abc import Sequence

Counts = tuple[float, ...]
"""Observations in each bucket, not cumulative: J + 1 entries for J edges."""


def common_edges(edge_sets: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Edges in seconds that every histogram has: what pods with different buckets can be compared at, exactly.

    An infinite edge is left out: it says nothing beyond the count of all observations. No histogram: no edge.
    """
    if not edge_sets:
        return ()
    shared = set(edge_sets[0]).intersection(*edge_sets[1:])
    return tuple(sorted(edge for edge in shared if math.isfinite(edge)))


def bucket_counts(le: Sequence[float], cumulative: Sequence[float], count: float, edges: Sequence[float]) -> Counts:
    """Counts per bucket between `edges`, which must all be among `le`.

    `cumulative` are observations at or below each edge of `le`, `count` all of them. Counts read while requests were
    ending may contradict each other by a few (a scrape is no snapshot): cumulative counts are made to grow, and the
    count is at least the highest of them.
    """
    at_edge = dict(zip(le, cumulative, strict=True))
    below = 0.0
    counts = []
    for edge in edges:
        reached = max(below, at_edge[edge])
        counts.append(reached - below)
        below = reached
    counts.append(max(0.0, count - below))
    return tuple(counts)


def shifted(counts: Counts, buckets: int) -> Counts:
    """The histogram of a service that answers `buckets` buckets more slowly: the limit for cold pods."""
    if buckets == 0:
        return counts
    last = len(counts) - 1
    slower = [0.0] * len(counts)
    for bucket, observed in enumerate(counts):
        slower[min(bucket + buckets, last)] += observed
    return tuple(slower)


def survival(counts: Counts) -> tuple[float, ...]:
    """Share of observations above each of the J edges (all zero when nothing was observed)."""
    total = math.fsum(counts)
    above = total
    shares = []
    for observed in counts[:-1]:
        above -= observed
        shares.append(max(0.0, above / total) if total else 0.0)
    return tuple(shares)


def exceedances(counts: Counts, edge: int) -> float:
    """How many observations lie above the edge with this index."""
    return math.fsum(counts[edge + 1 :])


def quantile_edge(counts: Counts, quantile: float) -> int | None:
    """Index of the lowest edge with at least this share of observations at or below it: the upper edge of the quantile.

    The highest edge when the quantile lies above all edges. None: no edges, or nothing observed.
    """
    if len(counts) < 2 or not math.fsum(counts):
        return None
    for edge, share_above in enumerate(survival(counts)):
        if share_above <= 1 - quantile + 1e-12:
            return edge
    return len(counts) - 2


def tempering_edge(counts: Counts, share: float = 0.05) -> int | None:
    """Index of the edge above which about `share` of the observations lie: whose exceedances measure overdispersion.

    The nearest in the logarithm among edges with something above them. None: there is no such edge.
    """
    candidates = [(abs(math.log(above / share)), edge) for edge, above in enumerate(survival(counts)) if above > 0]
    return min(candidates)[1] if candidates else None
