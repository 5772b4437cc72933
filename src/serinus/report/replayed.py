"""The recorded readings through the very judge that decided: its evidence at every look."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from serinus.core.turn import Verdict
from serinus.judge.decide import LOG10, Finding
from serinus.judge.evidence import log_evidence, log_guard, pods_that_served, total_of
from serinus.judge.judge import step
from serinus.judge.policy import Metric, Policy
from serinus.judge.readings import Reading
from serinus.judge.state import State


@dataclass(frozen=True, slots=True)
class Look:
    """What the judge knew at `t` seconds: log10 of E in all, of each metric, and of each guard rail.

    `least`: the least that is left of all when one canary pod is left out; None: none can be.
    """

    t: float
    total: float
    metrics: dict[str, float]
    least: float | None


@dataclass(slots=True)
class Replayed:
    """A whole run. `decided`: the finding of the first FAIL, else the last one; None: nothing was judged.

    `without`: by canary pod, log10 of E in all with that pod left out, when it was decided. `state`: the judge's, then.
    """

    looks: list[Look] = field(default_factory=list)
    decided: Finding | None = None
    without: dict[str, float] = field(default_factory=dict)
    state: State = field(default_factory=State)

    @property
    def weights(self) -> dict[Metric, float]:
        """Each metric's part of alpha."""
        return self.state.weights


def replay(policy: Policy, readings: Sequence[Reading]) -> Replayed:
    """Judge all readings, from an empty state, up to the first FAIL."""
    state, found = State(), Replayed()
    for reading in readings:
        state, finding = step(policy, state, reading)
        values = log_evidence(state)
        evidence = {metric.value: value / LOG10 for metric, value in values.items()}
        evidence |= {f"limit: {guard.name}": log_guard(guard) / LOG10 for guard in state.guards}
        found.without = _without(state)
        least = min(found.without.values(), default=None)
        found.looks.append(Look(reading.t, total_of(state, values) / LOG10, evidence, least))
        found.decided = finding
        if finding.verdict is Verdict.FAIL:
            break
    found.state = state
    return found


def _without(state: State) -> dict[str, float]:
    return {pod: total_of(state, log_evidence(state, pod)) / LOG10 for pod in pods_that_served(state)}


def fails(policy: Policy, readings: Sequence[Reading]) -> bool:
    """Whether these readings end in FAIL."""
    state = State()
    for reading in readings:
        state, finding = step(policy, state, reading)
        if finding.verdict is Verdict.FAIL:
            return True
    return False
