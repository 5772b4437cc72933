"""The rollout machine: one pure turn, from (plan, state, facts) to (next state, actions).

Every rule that moves a rollout stands here, and nothing else does. Nothing reads a clock: `facts.now` is the only time
there is. A turn is safe to repeat: it asks for what should hold until the facts say that it does, so a runner that
dies between saving the state and acting on it loses nothing. Words: design.md, section 4; what is asked of the cluster
in a state: `wishes.py`.
"""

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from serinus.core.plan import PATIENCE_SECONDS, Plan, Promotion, share_of
from serinus.core.promotion import past_return, wishes_to_promote
from serinus.core.reasons import ASKED_BY_A_PERSON, Outcome, Reason
from serinus.core.record import bounded
from serinus.core.state import (
    Baking,
    Evidence,
    Finished,
    Leaving,
    Paused,
    PauseEnd,
    Preparing,
    Promoting,
    Shifting,
    State,
)
from serinus.core.turn import (
    CreateProbe,
    Facts,
    Judgement,
    RemoveProbe,
    Request,
    RunSmoke,
    Turn,
    Verb,
    Verdict,
    Wishes,
)
from serinus.core.wishes import is_back, share_holds, wishes_first, wishes_for_scaler, wishes_for_share, wishes_to_leave

PROBE_STAGE = "before users"
CORRECTIONS_MAX = 3
"""How often in one step a size that someone else changed is set right; after that the rollout ends: no fight."""

Underway = Preparing | Shifting | Baking | Paused
"""The states in which harm ends the rollout and people may speak."""


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
        case Preparing() | Shifting() | Baking() | Paused():
            return _under_way(plan, state, facts)
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
        case Paused():
            return (state.until,)
        case Promoting(entered):
            return (entered + timedelta(seconds=plan.promotion_deadline_seconds),)
        case Leaving(entered):
            patience_ends = entered + timedelta(seconds=PATIENCE_SECONDS)
            return patience_ends, entered + timedelta(seconds=plan.leaving_deadline_seconds)
        case _:
            assert_never(state)


def _under_way(plan: Plan, state: Underway, facts: Facts) -> Turn:
    """Grounds to leave first, then people, then forwards; the clock last: what has passed wins over time that is up."""
    if (grounds := _grounds_to_leave(plan, state, facts)) is not None:
        return _leaving(plan, state, facts, grounds), wishes_to_leave(plan, facts)
    if (held := _held_by_policy(plan, state, facts)) is not None:
        return held, ()
    turn = _answer(plan, state, facts, facts.request) if facts.request is not None else None
    after, wishes = turn if turn is not None else _go_on(plan, state, facts)
    late = None if _is_further(state, after) else _grounds_of_time(plan, state, facts)
    if late is not None:
        return _leaving(plan, state, facts, late), wishes_to_leave(plan, facts)
    return after, wishes


# Forwards


def _is_further(state: Underway, after: State) -> bool:
    """Whether all that the state waited for has passed: then it does not matter that its time ran out as well."""
    match after:
        case Shifting(step):
            return not isinstance(state, Shifting | Baking) or step > state.step
        case Promoting() | Finished() | Paused():
            return type(after) is not type(state)
        case _:
            return False


def _go_on(plan: Plan, state: Underway, facts: Facts) -> Turn:
    is_over = isinstance(state, Paused) and facts.now >= state.until  # an autoscaler must not keep a pause for ever
    if (first := wishes_first(facts)) and not is_over:
        return state, first
    match state:
        case Preparing():
            return _prepare(plan, state, facts)
        case Shifting():
            return _shift(plan, state, facts)
        case Baking():
            return _bake(plan, state, facts)
        case Paused():
            return _pause(plan, state, facts)
        case _:
            assert_never(state)


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


def _enter_step(plan: Plan, step: int, facts: Facts, hurried: bool = False) -> Turn:
    """The step of that number, or the promotion when there is none."""
    if step >= len(plan.steps):
        return _promote(plan, Promoting(facts.now), facts)
    state = Shifting(step, facts.now, facts.now, hurried=hurried)
    return state, wishes_for_share(plan, plan.steps[step], facts)


def _shift(plan: Plan, state: Shifting, facts: Facts) -> Turn:
    step = plan.steps[state.step]
    wishes = wishes_for_share(plan, step, facts)
    if wishes or not share_holds(step, facts):
        return state, wishes
    baking = Baking(state.step, facts.now, state.step_entered, state.corrections, state.hurried)
    return baking, _wishes_while_baking(plan, state.step, facts)


def _bake(plan: Plan, state: Baking, facts: Facts) -> Turn:
    step = plan.steps[state.step]
    wishes = wishes_for_share(plan, step, facts)
    if wishes or not share_holds(step, facts):  # someone moved it, or a pod fell out: the bake starts again
        return _lose_share(plan, state, facts, wishes)
    baked = facts.now - state.held_since >= timedelta(seconds=step.bake_seconds)
    if not state.hurried and not (baked and _gates_passed(plan, facts)):
        return state, _wishes_while_baking(plan, state.step, facts)
    if step.approval is not None and not state.hurried:
        until = facts.now + timedelta(seconds=step.approval.deadline_seconds)
        waits = Evidence(f"step {state.step + 1} waits for approval")
        return Paused(state.step + 1, facts.now, until, step.approval.end, Reason.APPROVAL_REFUSED, waits), ()
    return _enter_step(plan, state.step + 1, facts)


def _lose_share(plan: Plan, state: Baking, facts: Facts, wishes: Wishes) -> Turn:
    """Sizes that someone else changed are set right, but not for ever."""
    corrections = state.corrections + (1 if wishes else 0)
    if corrections > CORRECTIONS_MAX:
        who = f", last by {facts.last_writer}" if facts.last_writer else ""
        grounds = _failure(Reason.FOUGHT_OVER, f"{Reason.FOUGHT_OVER.value}{who}")
        return _leaving(plan, state, facts, grounds), wishes_to_leave(plan, facts)
    return Shifting(state.step, facts.now, state.step_entered, corrections, state.hurried), wishes


def _gates_passed(plan: Plan, facts: Facts) -> bool:
    smoke_passed = plan.smoke is None or (facts.smoke is not None and facts.smoke.verdict is Verdict.PASS)
    return facts.pods.verdict is Verdict.PASS and smoke_passed


def _wishes_while_baking(plan: Plan, step: int, facts: Facts) -> Wishes:
    if plan.smoke is None or facts.smoke is not None:
        return ()
    return (RunSmoke(step_stage(step), plan.steps[step].share_percent),)


# People


def _answer(plan: Plan, state: Underway, facts: Facts, request: Request) -> Turn | None:
    """What a person's word changes; None: nothing in this state."""
    match request.verb, state:
        case Verb.PAUSE, Preparing() | Shifting() | Baking():
            until = facts.now + timedelta(seconds=request.seconds)
            by = Evidence(f"paused by {request.by} until {until:%H:%M:%S} UTC")
            step = None if isinstance(state, Preparing) else state.step
            return Paused(step, facts.now, until, request.end, Reason.PAUSE_ENDED, by), ()
        case Verb.RESUME, Paused():
            return _leave_pause(plan, state, facts)
        case Verb.PROMOTE, Preparing():
            return _enter_step(plan, 0, facts)
        case Verb.PROMOTE, Shifting():
            return msgspec.structs.replace(state, hurried=True), ()
        case Verb.PROMOTE, Baking():
            return _bake(plan, msgspec.structs.replace(state, hurried=True), facts)
        case Verb.PROMOTE, Paused():
            return _leave_pause(plan, state, facts, hurried=True)
        case Verb.PROMOTE_FULL, _:
            return _enter_step(plan, len(plan.steps) - 1, facts, hurried=True)
        case _:
            return None


def _pause(plan: Plan, state: Paused, facts: Facts) -> Turn:
    """Hold what is there. At its deadline a pause that ends well goes on; the other kind is grounds to leave."""
    if facts.now >= state.until and state.end is PauseEnd.GO_ON:
        return _leave_pause(plan, state, facts)
    return state, ()


def _leave_pause(plan: Plan, state: Paused, facts: Facts, hurried: bool = False) -> Turn:
    if state.step is None:
        return (_enter_step(plan, 0, facts)) if hurried else (Preparing(facts.now), ())
    return _enter_step(plan, state.step, facts, hurried)


def _held_by_policy(plan: Plan, state: Underway, facts: Facts) -> State | None:
    """Under `onFailure: hold` harm pauses the rollout where it is, and a person has until the deadline to decide."""
    harm = _harm(facts)
    if plan.hold_seconds is None or harm is None or isinstance(state, Paused):
        return None
    until = facts.now + timedelta(seconds=plan.hold_seconds)
    step = None if isinstance(state, Preparing) else state.step
    return Paused(step, facts.now, until, PauseEnd.REVERT, harm.reason or Reason.PAUSE_ENDED, bounded(harm.evidence))


# Promotion


def _promote(plan: Plan, state: Promoting, facts: Facts) -> Turn:
    called_off = facts.abort or facts.veto or facts.foreign or _canary_gone(plan, facts)
    if called_off is not None and not past_return(plan, facts):
        return _leaving(plan, state, facts, called_off), wishes_to_leave(plan, facts)
    wishes, complete = wishes_to_promote(plan, facts)
    if facts.probe is not None:  # a call for it came late
        wishes, complete = (*wishes, *(() if facts.probe.deleting else (RemoveProbe(),))), False
    is_late = facts.now - state.entered >= timedelta(seconds=plan.promotion_deadline_seconds)
    if complete and (is_late or not facts.calls_pending):
        reason = Reason.FIRST_DEPLOYED if plan.promotion is Promotion.FIRST else Reason.COMPLETE
        return Finished(facts.now, Outcome.PROMOTED, reason, Evidence(reason.value), 100.0), ()
    if not is_late:
        return state, wishes
    late = _failure(Reason.PROMOTION_TOO_LATE, Reason.PROMOTION_TOO_LATE.value)
    if past_return(plan, facts):
        return Finished(facts.now, Outcome.STUCK, Reason.PROMOTION_TOO_LATE, late.evidence, 100.0), ()
    return _leaving(plan, state, facts, late), wishes_to_leave(plan, facts)


# The way back


def _grounds_to_leave(plan: Plan, state: Underway, facts: Facts) -> Judgement | None:
    """Abort is looked at first; then what others say and did, then harm, then the clock."""
    for spoken in (facts.abort, facts.veto, facts.foreign):
        if spoken is not None:
            return spoken
    harm = _harm(facts)
    if harm is not None and plan.hold_seconds is None:
        return harm
    if plan.stable is not None and facts.stable is None:
        return _failure(Reason.STABLE_GONE, f"Deployment {plan.stable.name} no longer exists")
    return _canary_gone(plan, facts) if _canary_was_there(state) else None


def _canary_gone(plan: Plan, facts: Facts) -> Judgement | None:
    if facts.canary is not None:
        return None
    return _failure(Reason.CANARY_GONE, f"Deployment {plan.canary_name} was removed, and not by this run")


def _harm(facts: Facts) -> Judgement | None:
    if facts.pods.verdict is Verdict.FAIL:
        return facts.pods
    if facts.smoke is not None and facts.smoke.verdict is Verdict.FAIL:
        return facts.smoke
    return None


def _canary_was_there(state: Underway) -> bool:
    match state:
        case Baking():
            return True
        case Shifting(step):
            return step > 0
        case Paused(paused_at):
            return paused_at is not None and paused_at > 0  # before that, going on makes it again
        case Preparing():
            return False
        case _:
            assert_never(state)


def _grounds_of_time(plan: Plan, state: Underway, facts: Facts) -> Judgement | None:
    """A step that was reached just in time still gets its bake; one that began again has what is left of its limit."""
    match state:
        case Preparing(entered):
            is_ready = facts.probe is not None and facts.probe.ready
            pods_since, since, limit = None if is_ready else entered, entered, _preparing_limit_seconds(plan)
        case Shifting(step, entered, step_entered):
            pods_since, since, limit = entered, step_entered, plan.steps[step].deadline_seconds
        case Baking(step, _, step_entered):
            pods_since, since, limit = None, step_entered, plan.steps[step].deadline_seconds
        case Paused(_, _, until, end, reason, evidence):
            over = facts.now >= until and end is PauseEnd.REVERT
            return Judgement(Verdict.FAIL, reason, evidence) if over else None
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
    evidence = bounded(grounds.evidence)  # a log's line may be longer than the cluster would save
    return Leaving(facts.now, reason, evidence, _share_given(plan, state, facts))


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
    wishes = wishes_to_leave(plan, facts, (facts.now - state.entered).total_seconds())
    is_late = facts.now - state.entered >= timedelta(seconds=plan.leaving_deadline_seconds)
    if not wishes and is_back(plan, facts) and (is_late or not facts.calls_pending):
        return Finished(facts.now, _outcome_of(state.reason), state.reason, state.evidence, state.share_percent), ()
    if is_late:
        lines = (*state.evidence.lines, "the way back was not seen to complete by its deadline")
        evidence = msgspec.structs.replace(state.evidence, lines=lines)
        stuck = Finished(facts.now, Outcome.STUCK, state.reason, evidence, state.share_percent)
        return stuck, wishes_for_scaler(plan, facts)  # asked once: a person must look, but not for this
    return state, wishes


def _outcome_of(reason: Reason) -> Outcome:
    if reason is Reason.SUPERSEDED:
        return Outcome.SUPERSEDED
    return Outcome.ABORTED if reason in ASKED_BY_A_PERSON else Outcome.ROLLED_BACK
