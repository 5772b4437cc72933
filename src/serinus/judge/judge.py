"""The judge's one door: `step(policy, state, reading)` takes in one reading and says what is known now.

It is a fold and nothing else: no clock, no I/O, no memory but the state. The state that is handed in is used up (it is
changed in place, which is what makes a step cheap); whoever may need the old one again keeps it encoded.
"""

from serinus.judge.buckets import exceedances
from serinus.judge.decide import Finding, decide
from serinus.judge.errors_state import Block, close_errors
from serinus.judge.excuse import excuse
from serinus.judge.feed import feed, learn_from
from serinus.judge.guards import fold_guard
from serinus.judge.intake import GUARD_OF_ERRORS, Intake, take_in
from serinus.judge.latency_state import LatencyBlock, LatencyState, close_latency
from serinus.judge.policy import Policy
from serinus.judge.readings import Reading
from serinus.judge.restarts_state import close_restarts
from serinus.judge.state import State
from serinus.judge.suspect import was_replaced

SLOW_SHARE = 0.01
"""A limit on p99: this share of requests may be slower."""


def step(policy: Policy, state: State, reading: Reading) -> tuple[State, Finding]:
    """Judge one more reading. A reading from before the last one changes nothing."""
    intake = take_in(policy, state, reading)
    if intake is not None:
        if was_replaced(state.suspicion, ((known, pod.name) for known, pod in intake.canary)):
            excuse(state, state.suspicion.pod or "")
            intake.canary = [pair for pair in intake.canary if pair[1].name != state.suspicion.excused]
        production = feed(policy, state, intake)
        _note_unknown(state, intake)
        _close_blocks(policy, state, intake)
        learn_from(state, production, intake.seconds)
    return state, decide(policy, state, reading.t, intake)


def _note_unknown(state: State, intake: Intake) -> None:
    """Whether canary pods are there whose counters cannot be had, though production's can."""
    if state.errors is None or not intake.canary:
        return
    if any(pod.requests is not None for _, pod in intake.canary):
        state.unknown_since = None
    elif state.unknown_since is None:
        state.unknown_since = intake.now


def _close_blocks(policy: Policy, state: State, intake: Intake) -> None:
    now, weight, has_canary = intake.now, intake.weight_percent, bool(intake.canary)
    if state.errors is not None:
        phi = state.errors.dispersion.phi
        block = close_errors(state.errors, policy, now, weight, has_canary)
        if block is not None:
            _guard_errors(policy, state, block, phi, intake)
    if state.latency is not None:
        histograms = close_latency(state.latency, policy, now, weight, has_canary)
        if histograms is not None:
            _guard_latency(policy, state, state.latency, histograms, intake)
    if state.restarts is not None:
        close_restarts(state.restarts, policy.restarts, now, weight)


def _guard_errors(policy: Policy, state: State, block: Block, phi: float, intake: Intake) -> None:
    limit = policy.limits.error_rate
    for guard in state.guards:
        if limit is not None and guard.name == GUARD_OF_ERRORS:
            pods = {
                name: (counts.warm + counts.cold, counts.warm_failed + counts.cold_failed)
                for name, counts in block.pods.items()
            }
            stable = (block.stable, block.stable_failed)
            fold_guard(guard, limit, intake.now, intake.weight_percent, pods, stable, phi)


def _guard_latency(policy: Policy, state: State, latency: LatencyState, block: LatencyBlock, intake: Intake) -> None:
    """Requests above the first edge that is not below the limit; a limit above all edges cannot be judged."""
    limit, edges = policy.limits.p99_seconds, latency.memory.basis.edges
    edge = None if limit is None else next((index for index, upper in enumerate(edges) if upper >= limit), None)
    if edge is None:
        return
    for guard in state.guards:
        if guard.name != GUARD_OF_ERRORS:
            pods = {}
            for name, one in block.pods.items():
                counts = tuple(warm + cold for warm, cold in zip(one.warm, one.cold, strict=True))
                pods[name] = (sum(counts), exceedances(counts, edge))
            stable = (sum(block.stable), exceedances(tuple(block.stable), edge))
            phi = latency.dispersion.phi
            fold_guard(guard, SLOW_SHARE, intake.now, intake.weight_percent, pods, stable, phi)
