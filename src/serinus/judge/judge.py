"""The judge's one door: `step(policy, state, reading)` takes in one reading and says what is known now.

It is a fold and nothing else: no clock, no I/O, no memory but the state. The state that is handed in is used up (it is
changed in place, which is what makes a step cheap); whoever may need the old one again keeps it encoded.
"""

from serinus.judge.decide import Finding, decide
from serinus.judge.errors_state import close_block
from serinus.judge.intake import take_in
from serinus.judge.policy import Policy
from serinus.judge.readings import Reading
from serinus.judge.state import State


def step(policy: Policy, state: State, reading: Reading) -> tuple[State, Finding]:
    """Judge one more reading. A reading from before the last one changes nothing."""
    if take_in(policy, state, reading):
        now, weight_percent = state.now or 0.0, reading.weight_percent
        if state.errors is not None:
            close_block(state.errors, policy.errors, now, weight_percent)
    return state, decide(policy, state, reading)
