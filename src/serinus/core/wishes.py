"""What to ask of the cluster in a state, given what is seen: pure, and moving nothing. See `transition.py`, which does.

Every function asks for one safe next thing, and for nothing that the facts show already; so each may be asked again.
"""

from typing import assert_never

from serinus.core.plan import Plan, Promotion, Step
from serinus.core.turn import (
    Action,
    CreateCanary,
    Facts,
    HandTemplate,
    MarkVersion,
    OrphanCanary,
    ReleaseStable,
    RemoveCanary,
    RemoveProbe,
    RemoveStable,
    RestoreHpa,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
    TakeBackTemplate,
    Workload,
)

Wishes = tuple[Action, ...]


# Forwards


def wishes_for_share(plan: Plan, step: Step, facts: Facts) -> Wishes:
    """The canary up first; production down only once the canary's pods are seen to serve, so capacity never dips."""
    tidy: Wishes = (RemoveProbe(),) if facts.probe is not None and not facts.probe.deleting else ()
    canary, stable = facts.canary, facts.stable
    if canary is None:
        return (*tidy, CreateCanary(step.canary_replicas))
    if canary.wanted != step.canary_replicas:
        return (*tidy, ScaleCanary(canary.wanted, step.canary_replicas))
    if stable is None or stable.wanted == step.stable_replicas:
        return tidy
    safe = canary.serving >= step.canary_replicas and canary.serving + step.stable_replicas >= plan.replicas
    if stable.wanted < step.stable_replicas or safe:
        return (*tidy, ScaleStable(stable.wanted, step.stable_replicas))
    return tidy


def share_holds(step: Step, facts: Facts) -> bool:
    canary, stable = facts.canary, facts.stable
    if canary is None or canary.serving != step.canary_replicas:
        return False
    return stable is None or stable.serving == step.stable_replicas


# Promotion


def wishes_to_promote(plan: Plan, facts: Facts) -> tuple[Wishes, bool]:
    """What to ask for next, and whether nothing is left to ask for."""
    match plan.promotion:
        case Promotion.RENAME:
            return _wishes_to_rename(plan, facts)
        case Promotion.ADOPT:
            return _wishes_to_adopt(plan, facts)
        case Promotion.FIRST:
            return _wishes_to_mark(plan, facts)
        case _:
            assert_never(plan.promotion)


def _wishes_to_mark(plan: Plan, facts: Facts) -> tuple[Wishes, bool]:
    if plan.mark_version and facts.service_version != plan.version:
        return (MarkVersion(plan.version),), False
    return (), True


def _wishes_to_rename(plan: Plan, facts: Facts) -> tuple[Wishes, bool]:
    if facts.canary is None:  # not ours to mend here: nothing may be removed while the canary is missing
        return (), False
    marking, marked = _wishes_to_mark(plan, facts)
    if not marked:
        return marking, False
    if _hpa_waits(facts, plan.canary_name):
        return (RestoreHpa(plan.canary_name),), False
    if plan.keep_previous or facts.stable is None:
        return (), facts.stable is None or facts.stable.pods == 0
    return (() if facts.stable.deleting else (RemoveStable(),)), False


def _wishes_to_adopt(plan: Plan, facts: Facts) -> tuple[Wishes, bool]:
    """The order of field/promotion.md, each step asked for only when the one before is seen."""
    stable, canary, adoption = facts.stable, facts.canary, facts.adoption
    if plan.stable is None or stable is None or adoption is None:
        return (), False
    if canary is not None:
        return _wishes_to_hand_over(plan, stable, canary, adoption.templates_equal), False
    if adoption.owner_uid != plan.stable.uid:
        return (), False  # the controller has yet to adopt
    if stable.paused and stable.wanted != plan.replicas:
        return (SizeAdopted(plan.replicas, stable.wanted),), False
    if not stable.settled:
        return (), False
    if stable.paused or stable.max_surge != plan.stable.max_surge:
        return (ReleaseStable(),), False
    if stable.serving < plan.replicas or stable.pods != plan.replicas:
        return (), False  # the previous ReplicaSet is on its way to 0
    marking, marked = _wishes_to_mark(plan, facts)
    if not marked:
        return marking, False
    return ((RestoreHpa(plan.stable.name),), False) if _hpa_waits(facts, plan.stable.name) else ((), True)


def _hpa_waits(facts: Facts, target: str) -> bool:
    """Whether the autoscaler has yet to be given back what it had, and to scale this Deployment."""
    return facts.hpa is not None and not (facts.hpa.as_before and facts.hpa.target == target)


def _wishes_to_hand_over(plan: Plan, stable: Workload, canary: Workload, templates_equal: bool) -> Wishes:
    if not stable.paused or stable.release != plan.release:
        return (HandTemplate(),)
    if not stable.settled or canary.deleting or not templates_equal:
        return ()  # unequal as stored: orphaning now would have the controller remove the canary's pods
    return (OrphanCanary(),)


# The way back


def is_back(plan: Plan, facts: Facts) -> bool:
    """All users on production at its full size, and nothing of the canary left."""
    whole = facts.stable is None or facts.stable.serving >= plan.replicas
    return whole and facts.canary is None and facts.canary_pods_left == 0 and facts.probe is None


def wishes_to_leave(plan: Plan, facts: Facts) -> Wishes:
    """Production to its full size first; the canary shrinks only as production's pods are seen to serve again.

    Canary pods that serve nobody are no capacity, so they need not wait: a canary that never became ready goes at once.
    """
    wishes: list[Action] = list(_wishes_to_restore(plan, facts))
    serving = facts.stable.serving if facts.stable is not None else plan.replicas
    if facts.canary is not None and not facts.canary.deleting:
        kept = min(facts.canary.serving, facts.canary.wanted, max(0, plan.replicas - serving))
        if kept == 0:
            wishes.append(RemoveCanary())
        elif kept < facts.canary.wanted:
            wishes.append(ScaleCanary(facts.canary.wanted, kept))
    if facts.probe is not None and not facts.probe.deleting:
        wishes.append(RemoveProbe())
    if not wishes and plan.stable is not None and is_back(plan, facts) and _hpa_waits(facts, plan.stable.name):
        wishes.append(RestoreHpa(plan.stable.name))  # last: a free autoscaler could shrink production on the way
    return tuple(wishes)


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
        wishes.append(MarkVersion(plan.stable.version))
    return tuple(wishes)
