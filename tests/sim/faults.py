"""What can go wrong, each kind armed or not by the seed: an unarmed kind never happens in that run."""

import random
from enum import Enum


class Fault(Enum):
    """The kinds of fault; the value is what a trace and the coverage call it."""

    LOST = "call lost on its way"
    ANSWER_LOST = "call done, its answer lost"
    LATE = "call done long after it timed out"
    REPEATED = "call done twice"
    CONFLICT = "409"
    THROTTLED = "429 with Retry-After"
    ERROR = "500"
    SLOW = "slow answers"
    LAG = "watch far behind, kinds out of order"
    EVENT_REPEATED = "watch event repeated"
    GONE = "410, listed again"
    SILENT = "watch silent without closing"
    API_DOWN = "API down"
    DIES = "runner dies, another comes"
    FREEZES = "runner stands still"
    RIVAL = "two runners"
    THIRD = "three runners"
    SKEW = "clocks apart"
    CONTROLLERS = "slow controllers"
    SLOW_PODS = "slow pods"
    FLAPPING = "flapping pods"
    EVICTED = "pod evicted"
    NODE_LOST = "node lost"
    CONFIG = "ConfigMap of the template deleted"
    SMOKE_LATE = "smoke answers late"
    SMOKE_NEVER = "smoke never answers"
    SCALED = "someone scales"
    SELECTOR = "someone edits the selector"
    UNDO = "someone runs rollout undo"
    REMOVED = "someone deletes the canary"
    RESIZED = "autoscaler free to move"
    NO_ROOM = "quota full on the way back"


CALLS = (
    Fault.LOST,
    Fault.ANSWER_LOST,
    Fault.LATE,
    Fault.REPEATED,
    Fault.CONFLICT,
    Fault.THROTTLED,
    Fault.ERROR,
    Fault.SLOW,
)
TO_PODS = (Fault.FLAPPING, Fault.EVICTED, Fault.NODE_LOST)
DRAWN_APART = (Fault.NO_ROOM,)
"""Kinds that came later: from dice of their own, so that a seed still means what it meant."""
BY_OTHERS = (Fault.SCALED, Fault.SELECTOR, Fault.UNDO, Fault.REMOVED)


class Faults:
    """The kinds armed in one run (each in a quarter of the runs) and how often they strike."""

    def __init__(self, dice: random.Random, apart: random.Random) -> None:
        self.rates: dict[Fault, float] = {}
        for fault in Fault:
            if fault in DRAWN_APART:
                continue
            armed, rate = dice.random() < (0.08 if fault in BY_OTHERS else 0.25), dice.uniform(0.02, 0.3)
            if armed:
                self.rates[fault] = rate
        self.rates.update({fault: 1.0 for fault in DRAWN_APART if apart.random() < 0.15})

    def armed(self, fault: Fault) -> bool:
        return fault in self.rates
