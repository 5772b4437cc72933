"""What to ask of the cluster on the way forwards and on the way back: pure, and moving nothing (`transition.py` does).

Each asks for one safe next thing, and for nothing that the facts show already; so each may be asked again.
"""

from serinus.core.plan import PATIENCE_SECONDS, Plan, Promotion, Step, share_of
from serinus.core.promotion import autoscaler_waits, wishes_to_copy, wishes_to_tidy
from serinus.core.state import Baking, Promoting, Shifting, State
from serinus.core.turn import (
    Action,
    CreateCanary,
    Facts,
    MarkVersion,
    PinAutoscaler,
    RemoveCanary,
    RemoveJob,
    RemoveProbe,
    RestoreAutoscaler,
    ScaleCanary,
    ScaleStable,
    TakeBackTemplate,
    Wishes,
)


def wishes_first(facts: Facts) -> Wishes:
    """What comes before any size is changed, and again if someone undoes it."""
    pin = (PinAutoscaler(),) if facts.autoscaler is not None and not facts.autoscaler.pinned else ()
    return (*pin, *wishes_to_copy(facts))


def wishes_for_share(plan: Plan, step: Step, facts: Facts) -> Wishes:
    """The canary up first; production down only once the canary's pods are seen to serve, so capacity never dips."""
    tidy: Wishes = (RemoveProbe(),) if facts.probe is not None and not facts.probe.deleting else ()
    canary, stable = facts.canary, facts.stable
    if canary is None and (copies := wishes_to_copy(facts)):
        return copies  # its pods could not start without
    if canary is None:
        return (*tidy, CreateCanary(step.canary_replicas))
    if canary.wanted < step.canary_replicas or (
        canary.wanted > step.canary_replicas and _may_shrink(plan, step, facts)
    ):
        return (*tidy, ScaleCanary(canary.wanted, step.canary_replicas))
    if stable is None or stable.wanted == step.stable_replicas:
        return tidy
    safe = canary.serving >= step.canary_replicas and canary.serving + step.stable_replicas >= plan.replicas
    if stable.wanted < step.stable_replicas or safe:
        return (*tidy, ScaleStable(stable.wanted, step.stable_replicas))
    return tidy


def wishes_without_jobs(facts: Facts, kept_step: int | None = None) -> Wishes:
    """An end for the Jobs of gates; those of one step may stay."""
    return tuple(RemoveJob(job.name) for job in facts.jobs if job.step != kept_step and not job.deleting)


def _may_shrink(plan: Plan, step: Step, facts: Facts) -> bool:
    """Someone made the canary larger: it shrinks again, but not while users need what it has too many."""
    return facts.stable is None or facts.stable.serving + step.canary_replicas >= plan.replicas


def share_holds(step: Step, facts: Facts) -> bool:
    canary, stable = facts.canary, facts.stable
    if canary is None or canary.serving != step.canary_replicas or canary.wanted != step.canary_replicas:
        return False
    return stable is None or stable.serving == step.stable_replicas


def share_given(plan: Plan, state: State, facts: Facts) -> float:
    """The largest share the canary had so far: of the step it held, or else of the one before and what serves now."""
    serving = share_of(
        facts.canary.serving if facts.canary is not None else 0,
        facts.stable.serving if facts.stable is not None else 0,
    )
    match state:
        case Baking(step):
            return plan.steps[step].share_percent
        case Shifting(step) if step > 0:
            return max(serving, plan.steps[step - 1].share_percent)
        case Promoting():
            return plan.steps[-1].share_percent
        case _:
            return serving


def is_back(plan: Plan, facts: Facts) -> bool:
    """All users on production at its full size, and nothing of the canary left, nor of what was made for it."""
    return _serves_alone(plan, facts) and (facts.copies is None or not facts.copies.unused)


def _serves_alone(plan: Plan, facts: Facts) -> bool:
    whole = plan.stable is None or (facts.stable is not None and facts.stable.serving >= plan.replicas)
    gone = facts.canary is None or (plan.revives and facts.canary.wanted == 0)
    return whole and gone and facts.canary_pods_left == 0 and facts.probe is None and not facts.jobs


def wishes_to_leave(plan: Plan, facts: Facts, waited_seconds: float = 0.0) -> Wishes:
    """Production to its full size first; the canary shrinks only as production's pods are seen to serve again.

    Canary pods that serve nobody are no capacity, so they need not wait: a canary that never became ready goes at once.
    One that serves stays when production is gone: it is all that users have, and a person must decide.
    `waited_seconds`: for how long the rollout has been on its way back.
    """
    wishes: list[Action] = list(_wishes_to_restore(plan, facts))
    none = plan.replicas if plan.stable is None else 0  # of a first version there is nothing to wait for
    serving = min(facts.stable.serving, facts.stable.wanted) if facts.stable is not None else none
    settled = facts.stable is None or facts.stable.settled  # or else pods that were asked to go may be counted still
    at_work = max(facts.canary.serving, facts.canary.serving_at_most) if facts.canary is not None else 0
    if facts.canary is not None and not facts.canary.deleting and (settled or at_work == 0):
        kept = min(at_work, max(0, _least_serving(plan, facts, waited_seconds) - serving))
        if kept == 0 and not plan.revives:
            wishes.append(RemoveCanary())
        elif kept < facts.canary.wanted:
            wishes.append(ScaleCanary(facts.canary.wanted, kept))
    if facts.probe is not None and not facts.probe.deleting:
        wishes.append(RemoveProbe())
    wishes += wishes_without_jobs(facts)
    if not wishes and _serves_alone(plan, facts):  # last: a free autoscaler could shrink production on the way
        return (*wishes_for_scaler(plan, facts), *wishes_to_tidy(facts))
    return tuple(wishes)


def _least_serving(plan: Plan, facts: Facts, waited_seconds: float) -> int:
    """How many pods must serve on the way back: all; where production's do not come, less its maxUnavailable.

    They may not come because of the canary: it fills the quota, or the nodes. And where they are slow, users are better
    with fewer pods than with a version that somebody wants gone.
    """
    if plan.stable is None or facts.stable is None or facts.stable.wanted < plan.replicas:
        return plan.replicas
    do_not_come = facts.stable.obstructed or waited_seconds >= PATIENCE_SECONDS
    return plan.replicas - (plan.stable.max_unavailable if do_not_come else 0)


def wishes_for_scaler(plan: Plan, facts: Facts) -> Wishes:
    """Give production's autoscaler back what it had."""
    if plan.stable is None or not autoscaler_waits(facts, plan.stable.name):
        return ()
    return (RestoreAutoscaler(plan.stable.name),)


def _wishes_to_restore(plan: Plan, facts: Facts) -> Wishes:
    if plan.stable is None or facts.stable is None or facts.stable.deleting:
        return ()
    wishes: list[Action] = []
    if facts.stable.wanted != plan.replicas:
        wishes.append(ScaleStable(facts.stable.wanted, plan.replicas))
    handed = facts.stable.release == plan.release or facts.stable.max_surge != plan.stable.max_surge
    if plan.promotion is Promotion.ADOPT and (handed or facts.stable.paused):
        wishes.insert(0, TakeBackTemplate())
    if plan.mark_version and facts.service_version == plan.version:
        wishes.append(MarkVersion(plan.stable.label))
    return tuple(wishes)
