"""The evidence of slowness over time: blocks of 2.3, tempered, with and without each canary pod; safety at three edges.

Blocks open and close as those of errors do (`errors_state.py`). All histograms are compared at the edges that the first
ones have in common; a pod that lacks one of them later is not compared. Young pods are compared with production shifted
by two buckets, and only a part of the wealth is staked on them.
"""

from collections.abc import Sequence

import msgspec

from serinus.judge.buckets import bucket_counts, common_edges, exceedances, quantile_edge, tempering_edge
from serinus.judge.dispersion import Dispersion, learn
from serinus.judge.errors_state import COLD_STAKE_MAX, OPEN_SECONDS
from serinus.judge.incident import Incident, watch
from serinus.judge.latency import NO_EVIDENCE, log_e
from serinus.judge.latency_memory import LatencyMemory, open_memory, remember
from serinus.judge.mixture import Mixture, fold_block, open_mixture, staked_part
from serinus.judge.policy import Margin, Policy
from serinus.judge.safety import Safety, fold_safety, log_evidence_of_safety

COLD_SECONDS = 60.0
COLD_STAKE_PER_SECOND = 0.5 / COLD_SECONDS
QUANTILES = (0.5, 0.95, 0.99)
KNOWN_MIN = 100.0
"""Requests of production that must have been seen before edges are chosen for safety and for tempering."""


class PodHistograms(msgspec.Struct):
    """What one canary pod served in the open block, by bucket."""

    warm: list[float]
    cold: list[float]


class LatencyBlock(msgspec.Struct):
    """Counts per bucket since the last block was closed; `pods` are the canary's."""

    opened_at: float
    warm: list[float]
    cold: list[float]
    stable: list[float]
    pods: dict[str, PodHistograms] = {}


class EdgeSafety(msgspec.Struct):
    """Evidence that not more of the canary's requests lie above this edge (its index) than the margin allows."""

    quantile: float
    edge: int
    safety: Safety = msgspec.field(default_factory=Safety)


class LatencyState(msgspec.Struct):
    """What is remembered of latency. `tempering`: index of the edge whose exceedances measure clustering."""

    memory: LatencyMemory
    block: LatencyBlock
    compared_canary: list[float]
    compared_stable: list[float]
    mixture: Mixture = msgspec.field(default_factory=lambda: open_mixture(len(NO_EVIDENCE)))
    dispersion: Dispersion = msgspec.field(default_factory=Dispersion)
    incident: Incident = msgspec.field(default_factory=Incident)
    tempering: int | None = None
    safeties: list[EdgeSafety] = []


def open_latency(edge_sets: Sequence[Sequence[float]], now: float) -> LatencyState | None:
    """Nothing seen yet, at the edges these histograms have in common; None: they have none."""
    edges = common_edges(edge_sets)
    if not edges:
        return None
    buckets = len(edges) + 1
    return LatencyState(open_memory(edges), _block(now, buckets), [0.0] * buckets, [0.0] * buckets)


def _block(now: float, buckets: int) -> LatencyBlock:
    return LatencyBlock(now, [0.0] * buckets, [0.0] * buckets, [0.0] * buckets)


def at_common_edges(state: LatencyState, edges: Sequence[float], counts: Sequence[float]) -> Sequence[float] | None:
    """Counts per bucket of this pod, at the state's edges; None: the pod lacks one of them."""
    common = state.memory.basis.edges
    if len(edges) == len(common) and tuple(edges) == common:
        return counts
    if not set(common) <= set(edges):
        return None
    reached, below = [], 0.0
    for count in counts:
        below += count
        reached.append(below)
    return bucket_counts(edges, reached[:-1], reached[-1], common)


def add_latency(state: LatencyState, pod: str, counts: Sequence[float], is_cold: bool) -> None:
    """Take in what one canary pod served, by bucket."""
    block = state.block
    of_pod = block.pods.get(pod)
    if of_pod is None:
        of_pod = block.pods[pod] = PodHistograms([0.0] * len(counts), [0.0] * len(counts))
    add(block.cold if is_cold else block.warm, counts)
    add(of_pod.cold if is_cold else of_pod.warm, counts)


def add(into: list[float], counts: Sequence[float]) -> None:
    """Bucket by bucket, in place."""
    for bucket, count in enumerate(counts):
        if count:
            into[bucket] += count


def learn_latency(state: LatencyState, served: dict[str, Sequence[float]], seconds: float) -> None:
    """Clustering and incidents, from one scrape of production's pods: requests above an edge, by pod."""
    if state.tempering is None:
        if sum(state.memory.basis.stable) < KNOWN_MIN:
            return
        state.tempering = tempering_edge(state.memory.basis.stable)
        if state.tempering is None:
            return
    edge = state.tempering
    slow = {pod: (sum(counts), exceedances(tuple(counts), edge)) for pod, counts in served.items()}
    learn(state.dispersion, slow)
    watch(state.incident, sum(one[0] for one in slow.values()), sum(one[1] for one in slow.values()), seconds)


def close_latency(
    state: LatencyState, policy: Policy, now: float, weight_percent: float | None, has_canary: bool
) -> LatencyBlock | None:
    """Turn the open block into evidence of harm and of safety, if both tracks have had requests; the block, or None."""
    block = state.block
    seconds = max(now - block.opened_at, 0.0)
    canary = [warm + cold for warm, cold in zip(block.warm, block.cold, strict=True)]
    has_requests, has_stable = any(canary), any(block.stable)
    if not has_requests or not has_stable:
        if not has_canary or ((has_requests or has_stable) and seconds > OPEN_SECONDS):
            if has_stable:
                remember(state.memory, [0.0] * len(canary), block.stable, seconds)
            state.block = _block(now, len(canary))
        return None
    phi, margin = state.dispersion.phi, policy.latency
    part = min(COLD_STAKE_MAX, max(seconds, 1.0) * COLD_STAKE_PER_SECOND)
    whole = _log_evidence(state, None, margin, phi, part)
    without = {pod: _log_evidence(state, counts, margin, phi, part) for pod, counts in block.pods.items()}
    fold_block(state.mixture, now, weight_percent, whole, without)
    _fold_safeties(state, policy, phi)
    remember(state.memory, canary, block.stable, seconds)
    add(state.compared_canary, canary)
    add(state.compared_stable, block.stable)
    state.block = _block(now, len(canary))
    return block


def _log_evidence(
    state: LatencyState, left_out: PodHistograms | None, margin: Margin, phi: float, part: float
) -> Sequence[float]:
    """log e / phi of the open block without this pod; on young pods only `part` of the wealth is staked."""
    block, basis = state.block, state.memory.basis
    warm, cold = block.warm, block.cold
    if left_out is not None:
        warm = [max(0.0, all_ - one) for all_, one in zip(warm, left_out.warm, strict=True)]
        cold = [max(0.0, all_ - one) for all_, one in zip(cold, left_out.cold, strict=True)]
    found: Sequence[float] = NO_EVIDENCE
    if any(warm):
        found = [value / phi for value in log_e(basis, warm, block.stable, margin.relative, margin.absolute)]
    if any(cold):
        joint = log_e(basis, warm, block.stable, margin.relative, margin.absolute, cold)
        found = staked_part(found, [value / phi for value in joint], part)
    return found


def _fold_safeties(state: LatencyState, policy: Policy, phi: float) -> None:
    """Evidence of safety at the edges of production's p50, p95 and p99, which are chosen once and before."""
    block, basis = state.block, state.memory.basis
    if state.incident.is_on or not any(block.warm):
        return
    if not state.safeties:
        if sum(basis.stable) < KNOWN_MIN:
            return
        chosen = ((quantile, quantile_edge(basis.stable, quantile)) for quantile in QUANTILES)
        state.safeties = [EdgeSafety(quantile, edge) for quantile, edge in chosen if edge is not None]
    canary, stable = sum(block.warm), sum(block.stable)
    warm, of_stable = tuple(block.warm), tuple(block.stable)
    for one in state.safeties:
        slow, stable_slow = exceedances(warm, one.edge), exceedances(of_stable, one.edge)
        margin = safe_margin(policy, one.quantile)
        fold_safety(one.safety, log_evidence_of_safety(canary, slow, stable, stable_slow, margin), phi)


def safe_margin(policy: Policy, quantile: float) -> Margin:
    """The margin of safety at this quantile of production."""
    return policy.safe_latency_p50 if quantile <= QUANTILES[0] else policy.safe_latency_tail
