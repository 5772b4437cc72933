"""What a promotion asks for next, whether nothing is left to ask for, and whether there is a way back still.

All is read from the cluster, never remembered. When it begins and when it is given up are `transition.py`'s rules.
"""

from typing import assert_never

from serinus.core.config import Copies
from serinus.core.plan import Plan, Promotion
from serinus.core.turn import (
    Facts,
    HandTemplate,
    MakeCopy,
    MarkVersion,
    OrphanCanary,
    ReleaseStable,
    RemoveCopy,
    RemoveStable,
    RestoreAutoscaler,
    ScaleStable,
    SizeAdopted,
    Wishes,
    Workload,
)


def wishes_to_promote(plan: Plan, facts: Facts) -> tuple[Wishes, bool]:
    """What to ask for next, and whether nothing is left to ask for."""
    wishes, complete = _wishes_of(plan, facts)
    copies = facts.copies or Copies()
    tidying = wishes_to_tidy(facts) if complete else ()  # only then does nothing need the previous version's
    return (*wishes, *wishes_to_copy(facts), *tidying), complete and not (copies.missing or copies.unused)


def wishes_to_copy(facts: Facts) -> Wishes:
    """The copies that the release has not got (any more)."""
    return tuple(MakeCopy(copy) for copy in facts.copies.missing) if facts.copies is not None else ()


def wishes_to_tidy(facts: Facts) -> Wishes:
    """An end for the copies that nothing names, nor a Deployment that a call on its way may still make."""
    unused = facts.copies.unused if facts.copies is not None and not facts.calls_pending else ()
    return tuple(RemoveCopy(copy.kind, copy.name) for copy in unused if not copy.deleting)


def _wishes_of(plan: Plan, facts: Facts) -> tuple[Wishes, bool]:
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
    if autoscaler_waits(facts, plan.canary_name):
        return (RestoreAutoscaler(plan.canary_name),), False
    if plan.keep_previous or facts.stable is None:
        return (), facts.stable is None or facts.stable.pods == 0
    if facts.canary.serving < plan.replicas:  # looked at again: a runner may come back to this long after the bake
        return (), False
    return (() if facts.stable.deleting else (RemoveStable(),)), False


def _wishes_to_adopt(plan: Plan, facts: Facts) -> tuple[Wishes, bool]:
    """The order of field/promotion.md, each step asked for only when the one before is seen."""
    stable, canary, adoption = facts.stable, facts.canary, facts.adoption
    if plan.stable is None or stable is None or adoption is None:
        return (), False
    if canary is not None:
        ready = canary.serving >= plan.replicas and not is_adopted(plan, facts)  # adopted: this copy of it is old
        return _wishes_to_hand_over(plan, stable, canary, adoption.templates_equal) if ready else (), False
    if not is_adopted(plan, facts):
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
    return ((RestoreAutoscaler(plan.stable.name),), False) if autoscaler_waits(facts, plan.stable.name) else ((), True)


def is_adopted(plan: Plan, facts: Facts) -> bool:
    """Whether the canary's ReplicaSet is production's own by now."""
    owner = facts.adoption.owner_uid if facts.adoption is not None else None
    return plan.stable is not None and owner == plan.stable.uid


def past_return(plan: Plan, facts: Facts) -> bool:
    """Whether production's previous version is no longer there to go back to."""
    match plan.promotion:
        case Promotion.RENAME:
            return facts.stable is None or facts.stable.deleting
        case Promotion.ADOPT if facts.canary is None:  # orphaned or adopted; with no such pods, it was removed
            return facts.canary_pods_left > 0 or is_adopted(plan, facts)
        case Promotion.ADOPT:
            return is_adopted(plan, facts) or (facts.canary is not None and facts.canary.deleting)
        case Promotion.FIRST:
            return False
        case _:
            assert_never(plan.promotion)


def autoscaler_waits(facts: Facts, target: str) -> bool:
    """Whether the autoscaler has yet to be given back what it had, and to scale this Deployment."""
    return facts.autoscaler is not None and not (facts.autoscaler.as_before and facts.autoscaler.target == target)


def _wishes_to_hand_over(plan: Plan, stable: Workload, canary: Workload, templates_equal: bool) -> Wishes:
    left = plan.steps[-1].stable_replicas
    if stable.wanted != left:  # with none left, the controller would scale the adopted pods to nothing
        return (ScaleStable(stable.wanted, left),)
    if not stable.paused or stable.release != plan.release:
        return (HandTemplate(),)
    if not stable.settled or canary.deleting or not templates_equal:
        return ()  # unequal as stored: orphaning now would have the controller remove the canary's pods
    return (OrphanCanary(),)
