"""Questions to gates, for their tests."""

import msgspec

from serinus.core.gates import Gate, GateKind
from serinus.core.pods import Pod, Track
from serinus.ports import GateQuestion
from tests.core.samples import plan_of

PODS = tuple(Pod(f"new-{n}", Track.CANARY, "Running", True, True, False, (), ip=f"127.0.0.{n}") for n in (1, 2))


def question_of(
    kind: GateKind, seconds: float = 10.0, held_seconds: float = 0.0, pods: tuple[Pod, ...] = PODS
) -> GateQuestion:
    """A question about step 1 of the sample plan."""
    gate = Gate("board", kind, seconds)
    plan = plan_of()
    steps = (msgspec.structs.replace(plan.steps[0], gates=(gate.name,)), *plan.steps[1:])
    whole = msgspec.structs.replace(plan, steps=steps, gates=(gate,))
    return GateQuestion(gate, whole, 0, 25.0, pods, held_seconds)
