"""What a turn did, in plain words: one `Progress` per change, for the screen, JSON lines and events alike."""

from dataclasses import dataclass, field
from typing import assert_never

from serinus.core.plan import Plan, Promotion
from serinus.core.reasons import Outcome
from serinus.core.state import Baking, Finished, Leaving, Paused, Preparing, Promoting, Shifting, State
from serinus.core.turn import (
    Action,
    CreateCanary,
    CreateProbe,
    HandTemplate,
    MakeCopy,
    MarkVersion,
    OrphanCanary,
    PinAutoscaler,
    ReleaseStable,
    RemoveCanary,
    RemoveCopy,
    RemoveProbe,
    RemoveStable,
    RestoreAutoscaler,
    RunSmoke,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
    TakeBackTemplate,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that happened. `code` is stable; `sentence` is for people; `data` holds the same in numbers."""

    code: str
    sentence: str
    data: dict[str, object] = field(default_factory=dict)


def progress_of_state(plan: Plan, before: State, after: State) -> tuple[Progress, ...]:
    """What there is to say of a change of state; nothing if there was none."""
    if before == after:
        return ()
    data: dict[str, object]
    match after:
        case Baking(step):
            return (_step_holds(plan, step),)
        case Shifting(step) if isinstance(before, Baking) and before.step == step:
            return (
                Progress(
                    "share_lost", f"step {step + 1}: the share no longer holds; waiting for it", {"step": step + 1}
                ),
            )
        case Leaving(_, reason, evidence):
            data = {
                "reason": reason.name,
                "sentence": evidence.sentence,
                "lines": list(evidence.lines),
            }
            sentence = f"taking everything back: {evidence.sentence}"
            if plan.stable is not None:
                sentence = f"taking everything back to version {plan.stable.version}: {evidence.sentence}"
            return (Progress("leaving", sentence, data),)
        case Paused(step, _, until, end, _, evidence):
            data = {"step": step, "until": until.isoformat(), "end": end.value, "lines": list(evidence.lines)}
            sentence = f"held: {evidence.sentence}; without a word by {until:%H:%M:%S} UTC it will {end.value}"
            return (Progress("paused", sentence, data),)
        case Promoting():
            return (Progress("promoting", f"every step passed; version {plan.version} becomes production"),)
        case Finished():
            return (finished_progress(plan, after),)
        case Preparing() | Shifting():
            return ()
        case _:
            assert_never(after)


def _step_holds(plan: Plan, number: int) -> Progress:
    step = plan.steps[number]
    share, total = step.share_percent, step.canary_replicas + step.stable_replicas
    sentence = (
        f"step {number + 1} of {len(plan.steps)}: version {plan.version} has {share:.0f} % of traffic "
        f"({step.canary_replicas} of {total} pods); watching for {step.bake_seconds:g} s"
    )
    data: dict[str, object] = {
        "step": number + 1,
        "share_percent": round(share, 2),
        "canary_replicas": step.canary_replicas,
        "stable_replicas": step.stable_replicas,
        "bake_seconds": step.bake_seconds,
    }
    return Progress("step_holds", sentence, data)


def finished_progress(plan: Plan, state: Finished) -> Progress:
    """How it ended."""
    data: dict[str, object] = {
        "outcome": state.outcome.value,
        "reason": state.reason.name,
        "sentence": state.evidence.sentence,
        "lines": list(state.evidence.lines),
        "share_percent": round(state.share_percent, 2),
    }
    match state.outcome:
        case Outcome.PROMOTED if plan.promotion is Promotion.FIRST:
            sentence = f"version {plan.version} is deployed: the first one, so plainly, without a canary"
        case Outcome.PROMOTED:
            sentence = f"version {plan.version} is production"
        case Outcome.ROLLED_BACK | Outcome.ABORTED | Outcome.SUPERSEDED:
            stands = f"version {plan.stable.version} serves everyone" if plan.stable else "nothing is deployed"
            sentence = f"{state.outcome.value}; {stands}: {state.evidence.sentence}"
        case Outcome.STUCK:
            sentence = f"not seen to end well: {state.evidence.sentence}"
        case _:
            assert_never(state.outcome)
    return Progress("finished", sentence, data)


def progress_of_action(plan: Plan, action: Action) -> Progress:
    """What was asked of the cluster."""
    stable = plan.stable.name if plan.stable is not None else ""
    match action:
        case CreateCanary(replicas):
            what = "Deployment" if plan.promotion is Promotion.FIRST else "canary Deployment"
            return Progress("create_canary", f"creating {what} {plan.canary_name} with {_pods(replicas)}")
        case ScaleCanary(seen, replicas):
            return Progress("scale_canary", f"canary {plan.canary_name}: from {seen} to {_pods(replicas)}")
        case ScaleStable(seen, replicas):
            return Progress("scale_stable", f"production {stable}: from {seen} to {_pods(replicas)}")
        case RemoveCanary():
            return Progress("remove_canary", f"removing canary {plan.canary_name}")
        case RemoveStable():
            return Progress("remove_stable", f"removing the previous version's Deployment {stable}")
        case MarkVersion(None):
            return Progress("mark_version", f"Service {plan.service}: no label version again, as before")
        case MarkVersion(version):
            return Progress("mark_version", f"Service {plan.service}: label version is {version}")
        case CreateProbe():
            return Progress("create_probe", "starting a pod of the new version outside the Service, for the smoke test")
        case RemoveProbe():
            return Progress("remove_probe", "removing the smoke test's pod")
        case RunSmoke(stage):
            return Progress("run_smoke", f"smoke test, {stage}")
        case MakeCopy(copy):
            sentence = f"copying {copy.kind.value} {copy.original} as {copy.name}, for version {plan.version}"
            return Progress("make_copy", sentence)
        case RemoveCopy(kind, name):
            return Progress("remove_copy", f"removing {kind.value} {name}: nothing names this copy any more")
        case PinAutoscaler():
            return Progress("pin_autoscaler", f"holding the autoscaler of {stable} still")
        case RestoreAutoscaler(target):
            return Progress("restore_autoscaler", f"giving the autoscaler back what it had; it scales {target}")
        case _:
            return _progress_of_adoption(plan, stable, action)


def _progress_of_adoption(
    plan: Plan, stable: str, action: HandTemplate | OrphanCanary | SizeAdopted | ReleaseStable | TakeBackTemplate
) -> Progress:
    match action:
        case HandTemplate():
            return Progress("hand_template", f"{stable} takes over the pod template of {plan.version}, paused")
        case OrphanCanary():
            return Progress("orphan_canary", f"{stable} adopts the canary's ReplicaSet; its pods stay as they are")
        case SizeAdopted(replicas):
            return Progress("size_adopted", f"{stable} wants {_pods(replicas)} of version {plan.version}")
        case ReleaseStable():
            return Progress("release_stable", f"{stable} goes on by itself; the previous pods leave")
        case TakeBackTemplate():
            return Progress("take_back_template", f"{stable} gets its own pod template back")
        case _:
            assert_never(action)


def _pods(count: int) -> str:
    return "1 pod" if count == 1 else f"{count} pods"
