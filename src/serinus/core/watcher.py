"""The rules of `invariants.py` that take memory: what an observer of the true world, and not of a runner's copy, sees.

Used by tests and by the simulator, whose observer counts every pod at every change. Pure: time is handed in.
"""

from serinus.core.invariants import Breach, Rule
from serinus.core.plan import Plan
from serinus.core.state import Finished, Leaving, State

EXCUSE_SECONDS = 90.0
"""For how long a runner may act on what was true before the world took a pod: lag of its copy, and calls on their way.
"""


class Watcher:
    """What one rollout did over time. `seconds` are those of one clock that never goes back."""

    def __init__(self, plan: Plan) -> None:
        self._floor = plan.replicas if plan.stable is not None else 0
        self._may_miss = plan.stable.max_unavailable if plan.stable is not None else 0
        self._leaves = False
        self._taken: list[float] = []
        self._acted: dict[str, str] = {}
        self.breaches: list[Breach] = []

    def taken(self, seconds: float, pods: int) -> None:
        """The world, or someone who is not this rollout, took so many ready pods: not this rollout's doing."""
        self._taken.extend([seconds] * pods)

    def serving(self, seconds: float, pods: int) -> None:
        """Rule 1: so many pods serve users now. What the world took is excused until it has been made good."""
        missing = self._floor - pods - (self._may_miss if self._leaves else 0)
        if missing > len(self._taken):
            taken = f", of which others took {len(self._taken)}" if self._taken else ""
            self.breach(Rule.CAPACITY, f"{pods} ready pods of {self._floor}: {missing} missing{taken}")
            self._taken.extend([seconds] * (missing - len(self._taken)))  # say it once
        if missing <= 0:
            self._taken = [when for when in self._taken if seconds - when < EXCUSE_SECONDS]

    def acted(self, runner: str, version: str) -> None:
        """Rule 9: this runner acts on the state that was saved as `version`; nobody else may."""
        first = self._acted.setdefault(version, runner)
        if first != runner:
            self.breach(Rule.ONE_ACTS, f"{first} and {runner} both act on what was saved as {version}")

    def saved(self, before: State, after: State) -> None:
        """Rules 6 and 7: the way back is not left but for the end, and the end is not left at all."""
        self._leaves = isinstance(after, Leaving | Finished)
        if isinstance(before, Finished) and before != after:
            self.breach(Rule.ENDS, f"a finished rollout became {type(after).__name__}")
        if isinstance(before, Leaving) and not isinstance(after, Leaving | Finished):
            self.breach(Rule.ONLY_BACK, f"from the way back to {type(after).__name__}")

    def breach(self, rule: Rule, sentence: str) -> None:
        """Note what was broken."""
        self.breaches.append(Breach(rule, sentence))
