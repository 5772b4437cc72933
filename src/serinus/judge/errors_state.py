"""The evidence of failed requests over time: blocks of 2.1, tempered, with and without each canary pod.

A block stays open until both tracks have had requests (this looks at counts of requests only, never at failures). One
in which one track waits for the other longer than OPEN_SECONDS begins anew, so that both sides tell of one time.

Young pods: their requests count with their own wide margin, but only a part of the wealth is staked on them, or a
healthy start would eat the evidence that is needed later. The part is fixed beforehand, so the guarantee stays whole.
"""

import msgspec

from serinus.judge.dispersion import Dispersion
from serinus.judge.errors import RATIOS, log_evidence_of_errors
from serinus.judge.incident import Incident
from serinus.judge.mixture import Mixture, fold_block, open_mixture, staked_part
from serinus.judge.policy import Margin, Policy
from serinus.judge.safety import Safety, fold_safety, log_evidence_of_safety

OPEN_SECONDS = 30.0
COLD_STAKE_PER_SECOND = 1.0 / 40.0
COLD_STAKE_MAX = 0.25
NO_EVIDENCE = [0.0] * len(RATIOS)


class Counts(msgspec.Struct):
    """The canary's requests of one stretch, and those that failed; cold: on pods that were young."""

    warm: float = 0.0
    cold: float = 0.0
    warm_failed: float = 0.0
    cold_failed: float = 0.0


class Block(msgspec.Struct):
    """Counts since the last block was closed; `pods` are the canary's."""

    opened_at: float = 0.0
    canary: Counts = msgspec.field(default_factory=Counts)
    stable: float = 0.0
    stable_failed: float = 0.0
    pods: dict[str, Counts] = {}


class Compared(msgspec.Struct):
    """All requests that were compared, and those that failed."""

    canary: float = 0.0
    canary_failed: float = 0.0
    stable: float = 0.0
    stable_failed: float = 0.0


class ErrorsState(msgspec.Struct):
    """What is remembered of failed requests."""

    mixture: Mixture = msgspec.field(default_factory=lambda: open_mixture(len(RATIOS)))
    block: Block = msgspec.field(default_factory=Block)
    dispersion: Dispersion = msgspec.field(default_factory=Dispersion)
    safety: Safety = msgspec.field(default_factory=Safety)
    incident: Incident = msgspec.field(default_factory=Incident)
    compared: Compared = msgspec.field(default_factory=Compared)


def add_canary(block: Block, pod: str, requests: float, failed: float, is_cold: bool) -> None:
    """Take in what one canary pod served."""
    of_pod = block.pods.get(pod)
    if of_pod is None:
        of_pod = block.pods[pod] = Counts()
    for counts in (block.canary, of_pod):
        if is_cold:
            counts.cold += requests
            counts.cold_failed += failed
        else:
            counts.warm += requests
            counts.warm_failed += failed


def close_errors(
    state: ErrorsState, policy: Policy, now: float, weight_percent: float | None, has_canary: bool
) -> Block | None:
    """Turn the open block into evidence of harm and of safety, if both tracks have had requests.

    Requests of young pods are no evidence of safety, nor is anything while production is in an incident. The block that
    was closed, or None.
    """
    block = state.block
    has_requests = block.canary.warm > 0.0 or block.canary.cold > 0.0
    if not has_requests or block.stable <= 0.0:
        if not has_canary or now - block.opened_at > OPEN_SECONDS:
            state.block = Block(now)
        return None
    phi, margin = state.dispersion.phi, policy.errors
    part = min(COLD_STAKE_MAX, max(now - block.opened_at, 1.0) * COLD_STAKE_PER_SECOND)
    whole = _log_evidence(block, None, margin, phi, part)
    without = {pod: _log_evidence(block, counts, margin, phi, part) for pod, counts in block.pods.items()}
    fold_block(state.mixture, now, weight_percent, whole, without)
    if block.canary.warm > 0.0 and not state.incident.is_on:
        warm, failed, safe = block.canary.warm, block.canary.warm_failed, policy.safe_errors
        fold_safety(state.safety, log_evidence_of_safety(warm, failed, block.stable, block.stable_failed, safe), phi)
    _add(state.compared, block)
    state.block = Block(now)
    return block


def _add(compared: Compared, block: Block) -> None:
    compared.canary += block.canary.warm + block.canary.cold
    compared.canary_failed += block.canary.warm_failed + block.canary.cold_failed
    compared.stable += block.stable
    compared.stable_failed += block.stable_failed


def _log_evidence(block: Block, left_out: Counts | None, margin: Margin, phi: float, part: float) -> list[float]:
    """log e / phi of the block without this pod; on cold requests only `part` of the wealth is staked."""
    canary = block.canary
    warm, cold, warm_failed, cold_failed = canary.warm, canary.cold, canary.warm_failed, canary.cold_failed
    if left_out is not None:
        warm -= left_out.warm
        cold -= left_out.cold
        warm_failed -= left_out.warm_failed
        cold_failed -= left_out.cold_failed
    stable, stable_failed = block.stable, block.stable_failed
    found = NO_EVIDENCE
    if warm > 0.0:
        found = log_evidence_of_errors(warm, 0.0, warm_failed, stable, stable_failed, margin)
        if phi > 1.0:
            found = [evidence / phi for evidence in found]
    if cold > 0.0:
        failed = warm_failed + cold_failed
        joint = log_evidence_of_errors(warm, cold, failed, stable, stable_failed, margin)
        found = staked_part(found, [evidence / phi for evidence in joint], part)
    return found
