"""A turn that is checked: what broke a rule of `invariants.py` is not done, and the rollout is taken back instead.

The machine is right as far as we know; this is for the day it is not. It never raises, and what it does instead is
only ever the way back, which has a deadline of its own.
"""

from serinus.core.invariants import Breach, check
from serinus.core.plan import Plan
from serinus.core.promotion import past_return
from serinus.core.reasons import Reason
from serinus.core.state import Evidence, Finished, Leaving, Promoting, State
from serinus.core.transition import take_turn
from serinus.core.turn import Facts, Turn
from serinus.core.wishes import wishes_to_leave


def guarded_turn(plan: Plan, state: State, facts: Facts) -> tuple[Turn, tuple[Breach, ...]]:
    """One turn, or, if it broke a rule, the way back; and what was broken."""
    after, wishes = take_turn(plan, state, facts)
    broken = check(plan, state, after, facts, wishes)
    if not broken:
        return (after, wishes), ()
    return instead(plan, state, after, facts, broken), broken


def instead(plan: Plan, state: State, after: State, facts: Facts, broken: tuple[Breach, ...]) -> Turn:
    """Only wishes that break nothing themselves; where there is no way back any more, or none is safe, nothing."""
    if isinstance(state, Finished):
        return state, ()
    if isinstance(state, Promoting) and past_return(plan, facts):
        return (after if isinstance(after, Finished) else state), ()
    lines = tuple(f"rule {breach.rule.value}: {breach.sentence}" for breach in broken)
    evidence = Evidence(f"{Reason.BROKEN_RULE.value}: {broken[0].sentence}", lines)
    leaving = state if isinstance(state, Leaving) else Leaving(facts.now, Reason.BROKEN_RULE, evidence, 0.0)
    wishes = wishes_to_leave(plan, facts, (facts.now - leaving.entered).total_seconds())
    if isinstance(after, Finished):  # its deadline is over, or it is said to be back and is not: that is the end
        return after, ()
    safe = not check(plan, state, leaving, facts, wishes)
    return leaving, wishes if safe else ()
