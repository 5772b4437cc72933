"""From a look at the cluster to the facts of one turn: pods are judged, smoke tests' answers fetched, people heard."""

from datetime import datetime

from serinus.core.pods import Track
from serinus.core.reasons import Reason
from serinus.core.state import Baking, Evidence, Preparing, Shifting, State
from serinus.core.transition import PROBE_STAGE, step_stage
from serinus.core.turn import Facts, Judgement, Verdict
from serinus.core.world import World
from serinus.judge.pods import PodsJudgement, judge_pods, why_not_ready
from serinus.ports import Cluster, Saved

MAY_FAIL = (Preparing, Shifting, Baking)
"""The states in which a judgement of the pods can move the rollout."""


async def observe(cluster: Cluster, saved: Saved, world: World, now: datetime, smoke: Judgement | None) -> Facts:
    """Everything the machine gets to know this turn. Reads a container's log only when a verdict needs it."""
    record = saved.record
    judgement = judge_pods(world.pods, record.ended_before)
    return Facts(
        now=now,
        stable=world.stable,
        canary=world.canary,
        pods=await _with_log(cluster, record.state, judgement),
        not_ready=why_not_ready(world.pods, world.creation_refused),
        canary_pods_left=world.canary_pods_left,
        service_version=world.service_version,
        probe=world.probe,
        smoke=smoke,
        hpa=world.hpa,
        adoption=world.adoption,
        abort=_abort(saved),
    )


async def _with_log(cluster: Cluster, state: State, judgement: PodsJudgement) -> Judgement:
    sign = judgement.sign
    if sign is None or judgement.verdict is not Verdict.FAIL or not isinstance(state, MAY_FAIL):
        return judgement.with_log(())
    if not sign.has_log:
        return judgement.with_log(())
    return judgement.with_log(await cluster.log_tail(sign.pod, sign.container, sign.log_of_previous))


def _abort(saved: Saved) -> Judgement | None:
    command = saved.command
    if command is None or command.verb not in ABORTING or command.rollout != saved.record.plan.rollout:
        return None
    reason = ABORTING[command.verb]
    return Judgement(Verdict.FAIL, reason, Evidence(f"{reason.value} ({command.by}, {command.at:%H:%M:%S} UTC)"))


ABORTING = {"abort": Reason.ABORT_ASKED, "interrupt": Reason.INTERRUPTED}
"""The commands that take a rollout back, and the reason each of them gives."""


def smoke_stage(state: State) -> str | None:
    """Which smoke test's answer this state waits for."""
    match state:
        case Preparing():
            return PROBE_STAGE
        case Shifting(step) | Baking(step):
            return step_stage(step)
        case _:
            return None


def ended_at_start(world: World) -> dict[str, int]:
    """By pod of production, how often its containers have ended so far: old restarts are nobody's fault."""
    stable = (pod for pod in world.pods if pod.track is Track.STABLE)
    counts = {pod.name: sum(container.times_ended for container in pod.containers) for pod in stable}
    return {name: count for name, count in counts.items() if count}
