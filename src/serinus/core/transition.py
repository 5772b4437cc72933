"""The rollout machine: one pure turn, from (plan, state, facts) to (next state, actions).

Every rule that moves a rollout stands here, and nothing else does. Nothing reads a clock: `facts.now` is the only time
there is. A turn is safe to repeat: it asks for what should hold until the facts say that it does, so a runner that
dies between saving the state and acting on it loses nothing. Words: design.md, section 4; actions: `turn.py`.
"""

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from serinus.core.plan import Plan, Promotion, Step, share_of
from serinus.core.promotion import hpa_waits, is_adopted, wishes_to_promote
from serinus.core.reasons import ASKED_BY_A_PERSON, Outcome, Reason
from serinus.core.state import Baking, Evidence, Finished, Leaving, Preparing, Promoting, Shifting, State
from serinus.core.turn import (
    Action,
    CreateCanary,
    CreateProbe,
    Facts,
    Judgement,
    MarkVersion,
    PinHpa,
    RemoveCanary,
    RemoveProbe,
    RestoreHpa,
    RunSmoke,
    ScaleCanary,
    ScaleStable,
    TakeBackTemplate,
    Turn,
    Verdict,
    Wishes,
)

PROBE_STAGE = "before users"


def step_stage(step: int) -> str:
    """The name of a step's smoke test."""
    return f"step {step + 1}"


def begin(plan: Plan, now: datetime) -> State:
    """The first state of a rollout."""
    return Preparing(now) if plan.smoke and plan.smoke_before_traffic else Shifting(0, now, now)


def take_turn(plan: Plan, state: State, facts: Facts) -> Turn:
    """One turn. Total: every state and every world has an answer."""
    match state:
        case Finished():
            return state, ()
        case Leaving():
            return _leave(plan, state, facts)
        case Promoting():
            return _promote(plan, state, facts)
        case Preparing() | Shifting() | Baking():
            if (grounds := _grounds_to_leave(plan, state, facts)) is None:
                after, wishes = _go_on(plan, state, facts)
                grounds = None if _is_further(state, after) else _grounds_of_time(plan, state, facts)
                if grounds is None:
                    return after, wishes
            return _leaving(plan, state, facts, grounds), _wishes_to_leave(plan, facts)
        case _:
            assert_never(state)


def next_looks(plan: Plan, state: State) -> tuple[datetime, ...]:
    """The moments at which the clock alone may move the rollout. A change of the world may come earlier."""
    match state:
        case Finished():
            return ()
        case Preparing(entered):
            ready_by = entered + timedelta(seconds=plan.ready_deadline_seconds)
            return ready_by, entered + timedelta(seconds=_preparing_limit_seconds(plan))
        case Shifting(step, entered, step_entered):
            ready_by = entered + timedelta(seconds=plan.ready_deadline_seconds)
            return ready_by, step_entered + timedelta(seconds=plan.steps[step].deadline_seconds)
        case Baking(step, held_since, step_entered):
            baked_at = held_since + timedelta(seconds=plan.steps[step].bake_seconds)
            return baked_at, step_entered + timedelta(seconds=plan.steps[step].deadline_seconds)
        case Promoting(entered):
            return (entered + timedelta(seconds=plan.promotion_deadline_seconds),)
        case Leaving(entered):
            return (entered + timedelta(seconds=plan.leaving_deadline_seconds),)
        case _:
            assert_never(state)


# Forwards


def _go_on(plan: Plan, state: Preparing | Shifting | Baking, facts: Facts) -> Turn:
    if facts.hpa is not None and not facts.hpa.pinned:
        return state, (PinHpa(),)  # before any size is changed, and again if someone undoes it
    match state:
        case Preparing():
            return _prepare(plan, state, facts)
        case Shifting():
            return _shift(plan, state, facts)
        case Baking():
            return _bake(plan, state, facts)
        case _:
            assert_never(state)


def _is_further(state: Preparing | Shifting | Baking, after: State) -> bool:
    """Whether all that the state waited for has passed: then it does not matter that its time ran out as well."""
    match after:
        case Shifting(step):
            return isinstance(state, Preparing) or step > state.step
        case Promoting() | Finished():
            return True
        case _:
            return False


def _prepare(plan: Plan, state: Preparing, facts: Facts) -> Turn:
    if facts.probe is None:
        return state, (CreateProbe(),)
    if not facts.probe.ready:
        return state, ()
    if facts.smoke is None:
        return state, (RunSmoke(PROBE_STAGE, 0.0),)
    if facts.smoke.verdict is not Verdict.PASS:
        return state, ()
    return _enter_step(plan, 0, facts)


def _enter_step(plan: Plan, step: int, facts: Facts) -> Turn:
    state = Shifting(step, facts.now, facts.now)
    return state, _wishes_for_share(plan, plan.steps[step], facts)


def _shift(plan: Plan, state: Shifting, facts: Facts) -> Turn:
    step = plan.steps[state.step]
    wishes = _wishes_for_share(plan, step, facts)
    if wishes or not _share_holds(step, facts):
        return state, wishes
    return Baking(state.step, facts.now, state.step_entered), _wishes_while_baking(plan, state.step, facts)


def _bake(plan: Plan, state: Baking, facts: Facts) -> Turn:
    step = plan.steps[state.step]
    wishes = _wishes_for_share(plan, step, facts)
    if wishes or not _share_holds(step, facts):  # someone moved it, or a pod fell out: the bake starts again
        return Shifting(state.step, facts.now, state.step_entered), wishes
    baked = facts.now - state.held_since >= timedelta(seconds=step.bake_seconds)
    if not baked or not _gates_passed(plan, facts):
        return state, _wishes_while_baking(plan, state.step, facts)
    if state.step + 1 < len(plan.steps):
        return _enter_step(plan, state.step + 1, facts)
    return _promote(plan, Promoting(facts.now), facts)


def _gates_passed(plan: Plan, facts: Facts) -> bool:
    smoke_passed = plan.smoke is None or (facts.smoke is not None and facts.smoke.verdict is Verdict.PASS)
    return facts.pods.verdict is Verdict.PASS and smoke_passed


def _wishes_while_baking(plan: Plan, step: int, facts: Facts) -> Wishes:
    if plan.smoke is None or facts.smoke is not None:
        return ()
    return (RunSmoke(step_stage(step), plan.steps[step].share_percent),)


def _wishes_for_share(plan: Plan, step: Step, facts: Facts) -> Wishes:
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


def _share_holds(step: Step, facts: Facts) -> bool:
    canary, stable = facts.canary, facts.stable
    if canary is None or canary.serving != step.canary_replicas:
        return False
    return stable is None or stable.serving == step.stable_replicas


# Promotion


def _promote(plan: Plan, state: Promoting, facts: Facts) -> Turn:
    grounds = facts.abort or _canary_gone(plan, facts)
    if grounds is not None and not _past_return(plan, facts):
        return _leaving(plan, state, facts, grounds), _wishes_to_leave(plan, facts)
    wishes, complete = wishes_to_promote(plan, facts)
    if complete:
        reason = Reason.FIRST_DEPLOYED if plan.promotion is Promotion.FIRST else Reason.COMPLETE
        return Finished(facts.now, Outcome.PROMOTED, reason, Evidence(reason.value), 100.0), ()
    if facts.now - state.entered < timedelta(seconds=plan.promotion_deadline_seconds):
        return state, wishes
    late = Judgement(Verdict.FAIL, Reason.PROMOTION_TOO_LATE, Evidence(Reason.PROMOTION_TOO_LATE.value))
    if _past_return(plan, facts):
        return Finished(facts.now, Outcome.STUCK, Reason.PROMOTION_TOO_LATE, late.evidence, 100.0), ()
    return _leaving(plan, state, facts, late), _wishes_to_leave(plan, facts)


def _past_return(plan: Plan, facts: Facts) -> bool:
    """Whether production's previous version is no longer there to go back to."""
    match plan.promotion:
        case Promotion.RENAME:
            return facts.stable is None or facts.stable.deleting
        case Promotion.ADOPT if facts.canary is None:  # orphaned or adopted; with no such pods, it was removed
            return facts.canary_pods_left > 0 or is_adopted(plan, facts)
        case Promotion.ADOPT:
            return facts.canary is not None and facts.canary.deleting
        case Promotion.FIRST:
            return False
        case _:
            assert_never(plan.promotion)


# The way back


def _grounds_to_leave(plan: Plan, state: Preparing | Shifting | Baking, facts: Facts) -> Judgement | None:
    if facts.abort is not None:
        return facts.abort
    if facts.pods.verdict is Verdict.FAIL:
        return facts.pods
    if facts.smoke is not None and facts.smoke.verdict is Verdict.FAIL:
        return facts.smoke
    if plan.stable is not None and facts.stable is None:
        return _failure(Reason.STABLE_GONE, f"Deployment {plan.stable.name} no longer exists")
    if isinstance(state, Baking) or (isinstance(state, Shifting) and state.step > 0):
        return _canary_gone(plan, facts)
    return None


def _canary_gone(plan: Plan, facts: Facts) -> Judgement | None:
    if facts.canary is not None:
        return None
    return _failure(Reason.CANARY_GONE, f"Deployment {plan.canary_name} was removed, and not by this run")


def _grounds_of_time(plan: Plan, state: Preparing | Shifting | Baking, facts: Facts) -> Judgement | None:
    """A step that was reached just in time still gets its bake; one that began again has what is left of its limit."""
    match state:
        case Preparing(entered):
            is_ready = facts.probe is not None and facts.probe.ready
            pods_since, since, limit = None if is_ready else entered, entered, _preparing_limit_seconds(plan)
        case Shifting(step, entered, step_entered):
            pods_since, since, limit = entered, step_entered, plan.steps[step].deadline_seconds
        case Baking(step, _, step_entered):
            pods_since, since, limit = None, step_entered, plan.steps[step].deadline_seconds
        case _:
            assert_never(state)
    if pods_since is not None and facts.now - pods_since >= timedelta(seconds=plan.ready_deadline_seconds):
        return facts.not_ready
    if facts.now - since >= timedelta(seconds=limit):
        return _failure(Reason.STEP_TOO_LATE, Reason.STEP_TOO_LATE.value)
    return None


def _preparing_limit_seconds(plan: Plan) -> float:
    """A probe that was ready just in time leaves the smoke test its own time."""
    return plan.ready_deadline_seconds + (plan.smoke.timeout_seconds if plan.smoke is not None else 0.0)


def _failure(reason: Reason, sentence: str) -> Judgement:
    return Judgement(Verdict.FAIL, reason, Evidence(sentence))


def _leaving(plan: Plan, state: State, facts: Facts, grounds: Judgement) -> Leaving:
    reason = grounds.reason or Reason.STEP_TOO_LATE
    return Leaving(facts.now, reason, grounds.evidence, _share_given(plan, state, facts))


def _share_given(plan: Plan, state: State, facts: Facts) -> float:
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


def _leave(plan: Plan, state: Leaving, facts: Facts) -> Turn:
    wishes = _wishes_to_leave(plan, facts)
    if not wishes and _is_back(plan, facts):
        outcome = Outcome.ABORTED if state.reason in ASKED_BY_A_PERSON else Outcome.ROLLED_BACK
        return Finished(facts.now, outcome, state.reason, state.evidence, state.share_percent), ()
    if facts.now - state.entered >= timedelta(seconds=plan.leaving_deadline_seconds):
        lines = (*state.evidence.lines, "the way back was not seen to complete by its deadline")
        evidence = msgspec.structs.replace(state.evidence, lines=lines)
        return Finished(facts.now, Outcome.STUCK, state.reason, evidence, state.share_percent), ()
    return state, wishes


def _is_back(plan: Plan, facts: Facts) -> bool:
    """All users on production at its full size, and nothing of the canary left."""
    whole = facts.stable is None or facts.stable.serving >= plan.replicas
    return whole and facts.canary is None and facts.canary_pods_left == 0 and facts.probe is None


def _wishes_to_leave(plan: Plan, facts: Facts) -> Wishes:
    """Production to its full size first; the canary shrinks only as production's pods are seen to serve again.

    Canary pods that serve nobody are no capacity, so they need not wait: a canary that never became ready goes at once.
    One that serves stays when production is gone: it is all that users have, and a person must decide.
    """
    wishes: list[Action] = list(_wishes_to_restore(plan, facts))
    none = plan.replicas if plan.stable is None else 0  # of a first version there is nothing to wait for
    serving = facts.stable.serving if facts.stable is not None else none
    if facts.canary is not None and not facts.canary.deleting:
        kept = min(facts.canary.serving, facts.canary.wanted, max(0, plan.replicas - serving))
        if kept == 0:
            wishes.append(RemoveCanary())
        elif kept < facts.canary.wanted:
            wishes.append(ScaleCanary(facts.canary.wanted, kept))
    if facts.probe is not None and not facts.probe.deleting:
        wishes.append(RemoveProbe())
    if not wishes and plan.stable is not None and _is_back(plan, facts) and hpa_waits(facts, plan.stable.name):
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
