"""From a look at the cluster to the facts of one turn: pods are judged, smoke tests' answers fetched, people heard."""

from datetime import datetime

from serinus.core.pods import Track
from serinus.core.reasons import Reason
from serinus.core.record import Record, Seen
from serinus.core.state import Baking, Evidence, Paused, Preparing, Promoting, Shifting, State
from serinus.core.transition import PROBE_STAGE, step_stage
from serinus.core.turn import Facts, Judgement, Request, Verb, Verdict
from serinus.core.world import World
from serinus.judge.pods import PodsJudgement, judge_pods, why_not_ready
from serinus.ports import Cluster, Saved

MAY_FAIL = (Preparing, Shifting, Baking, Paused)
"""The states in which a judgement of the pods can move the rollout."""


async def observe(
    cluster: Cluster, saved: Saved, world: World, now: datetime, smoke: Judgement | None, pending: bool
) -> Facts:
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
        autoscaler=world.autoscaler,
        adoption=world.adoption,
        copies=world.copies,
        abort=_abort(saved),
        veto=_failure(Reason.VETOED, f"{Reason.VETOED.value}: {world.veto}") if world.veto else None,
        foreign=_foreign(record, world),
        request=_request(saved),
        calls_pending=pending,
        last_writer=world.last_writer,
    )


async def _with_log(cluster: Cluster, state: State, judgement: PodsJudgement) -> Judgement:
    sign = judgement.sign
    if sign is None or judgement.verdict is not Verdict.FAIL or not isinstance(state, MAY_FAIL):
        return judgement.with_log(())
    if not sign.has_log:
        return judgement.with_log(())
    return judgement.with_log(await cluster.log_tail(sign.pod, sign.container))


def _abort(saved: Saved) -> Judgement | None:
    command = saved.command
    if command is None or command.verb not in ABORTING or command.rollout != saved.record.plan.rollout:
        return None
    reason = ABORTING[command.verb]
    return Judgement(Verdict.FAIL, reason, Evidence(f"{reason.value} ({command.by}, {command.at:%H:%M:%S} UTC)"))


def _request(saved: Saved) -> Request | None:
    """The last word of a person, unless it was answered or is about another rollout."""
    command = saved.command
    if command is None or command.id == saved.record.answered or command.rollout != saved.record.plan.rollout:
        return None
    verb = next((verb for verb in Verb if verb.value == command.verb), None)
    return Request(verb, command.by, command.seconds, command.end) if verb is not None else None


def _foreign(record: Record, world: World) -> Judgement | None:
    """What someone else changed and a rollout cannot go on with: only while it is under way, for then none is ours."""
    seen = record.seen
    if world.config_lost and isinstance(record.state, (*MAY_FAIL, Promoting)):
        return _failure(Reason.CONFIG_CHANGED, f"{Reason.CONFIG_CHANGED.value}: {world.config_lost}")
    if not isinstance(record.state, MAY_FAIL):
        return None
    who = f" ({world.last_writer})" if world.last_writer else ""
    for before, now, reason in (
        (seen.stable_template, world.stable_template, Reason.STABLE_CHANGED),
        (seen.canary_template, world.canary_template, Reason.CANARY_CHANGED),
        (seen.selector, world.selector, Reason.SERVICE_CHANGED),
    ):
        if before and now and before != now:
            return _failure(reason, f"{reason.value}{who}")
    return None


def first_seen(record: Record, world: World) -> Seen:
    """What is remembered of objects that others must leave alone: each as it was seen first."""
    seen = record.seen
    return Seen(
        stable_template=seen.stable_template or world.stable_template,
        canary_template=seen.canary_template or world.canary_template,
        selector=seen.selector or world.selector,
    )


def _failure(reason: Reason, sentence: str) -> Judgement:
    return Judgement(Verdict.FAIL, reason, Evidence(sentence))


ABORTING = {
    "abort": Reason.ABORT_ASKED,
    "interrupt": Reason.INTERRUPTED,
    "supersede": Reason.SUPERSEDED,
    "abandoned": Reason.ABANDONED,
}
"""The commands that take a rollout back, and the reason each of them gives."""


def smoke_stage(state: State) -> str | None:
    """Which smoke test's answer this state waits for."""
    match state:
        case Preparing():
            return PROBE_STAGE
        case Shifting(step) | Baking(step):
            return step_stage(step)
        case Paused(step) if step is not None:
            return step_stage(step)
        case _:
            return None


def ended_at_start(world: World) -> dict[str, int]:
    """By pod of production, how often its containers have ended so far: old restarts are nobody's fault."""
    stable = (pod for pod in world.pods if pod.track is Track.STABLE)
    counts = {pod.name: sum(container.times_ended for container in pod.containers) for pod in stable}
    return {name: count for name, count in counts.items() if count}
