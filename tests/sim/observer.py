"""Watches the true world, not a runner's copy of it: counts pods at every change, and every state that is saved."""

import math
from collections import Counter

from serinus.core.invariants import Rule
from serinus.core.record import Record
from serinus.core.state import Baking, Finished, Leaving, Paused, Promoting, Shifting, State
from serinus.core.watcher import Watcher
from tests.sim.cluster import Cluster, config_in_use
from tests.sim.faults import Fault
from tests.sim.objects import DEPLOYMENT, EVERYTHING, POD, SERVICE, Deployment, Pod, Service
from tests.sim.scenario import SKEW_SECONDS, Scenario

UNTOLD = "none"
COVER_SECONDS = 30.0
LAST_WORD = 3.0


class Observer:
    """Judges one world. `coverage` counts (state, fault or "-", last word of a person)."""

    def __init__(self, cluster: Cluster, scenario: Scenario) -> None:
        self.cluster, self.scenario = cluster, scenario
        self.watcher = Watcher(scenario.plan)
        self.state: State | None = None
        self.word = UNTOLD
        self.coverage: Counter[tuple[str, str, str]] = Counter()
        self.meddled: set[str] = set()  # what others did that a rollout need not survive unharmed
        self._held: dict[int, float] = {}  # by step, since when its share has truly been there
        self._furthest = 0
        self._driver = ""
        cluster.followers.append(self._on_change)

    @property
    def seconds(self) -> float:
        return self.cluster.loop.time()

    # The world

    def _on_change(self, kind: str) -> None:
        if kind in (POD, SERVICE):
            self._count()

    def _count(self) -> None:
        services = self.cluster.objects[SERVICE]
        if not services:
            return
        service: Service = next(iter(services.values()))
        stable = canary = 0
        for pod in self.cluster.objects[POD].values():
            if pod.ready and not pod.deleting and not pod.failed and pod.owner:
                if pod.template.startswith("v1"):
                    stable += 1
                else:
                    canary += 1
        serving = stable + canary if service.selects == EVERYTHING else self.scenario.plan.replicas
        if not isinstance(self.state, Finished):
            self.watcher.serving(self.seconds, serving)
        self._check_share(canary)
        if isinstance(self.state, Shifting | Baking):
            step = self.scenario.plan.steps[self.state.step]
            if canary == step.canary_replicas and stable == step.stable_replicas:
                self._held.setdefault(self.state.step, self.seconds)

    def _check_share(self, canary: int) -> None:
        """Rule 2, in the true world: never more canary pods at work than the furthest step has."""
        plan = self.scenario.plan
        most = plan.steps[min(self._furthest, len(plan.steps) - 1)].canary_replicas
        if canary > most and not self.meddled and self.state is not None:
            self.meddled.add("share")  # say it once
            self.watcher.breach(Rule.SHARE, f"{canary} canary pods serve, and no step so far has more than {most}")

    def world_took(self, pod: Pod) -> None:
        """A pod stops, and it is nobody's decision."""
        if pod.ready and not pod.deleting and pod.owner:
            self.watcher.taken(self.seconds, 1)

    def others_scaled(self, target: Deployment, replicas: int) -> None:
        """Someone who is not this rollout wants another size."""
        self.meddled.add("scaled")
        if replicas < target.replicas:
            self.watcher.taken(self.seconds, target.replicas - replicas)

    def others_changed(self, what: str, pods: int) -> None:
        """Someone changed a template, a selector or removed something: as many pods may be lost by it."""
        self.meddled.add(what)
        lasting = what == "undo"  # production then rolls by its own strategy, for as long as it takes
        self.watcher.taken(math.inf if lasting else self.seconds, pods)

    def is_driver(self, runner: str) -> bool:
        """Whether it is the one that acts, as the record says, or nobody does yet."""
        return self._driver in ("", runner)

    def config_removed(self, name: str) -> None:
        """A runner removes a copy: never one that something still names."""
        if name in config_in_use(self.cluster.objects, self.scenario.plan):
            self.watcher.breach(Rule.RESTORED, f"{name} is removed, and is in use")

    # What is covered

    def struck(self, fault: Fault, state: str = "") -> None:
        """A fault had its effect; in this state of its victim's, where that may not have heard of the latest."""
        self._cover(fault.value, state)

    def said(self, verb: str) -> None:
        """A person spoke, and was written down."""
        self.word = verb
        self._cover("-")

    def _cover(self, fault: str, state: str = "") -> None:
        if self.state is not None and not isinstance(self.state, Finished):
            state = state or type(self.state).__name__
            self.coverage[state, fault, self.word] += 1
            self.cluster.note(f"* {fault}, {state}, last word {self.word}")

    # What is saved

    def saved(self, before: Record | None, after: Record, skew: float, heard: str) -> None:
        """A runner's save arrived. `heard`: the word that it answers, empty if none."""
        state = after.state
        if before is not None and before.state != state:
            self.watcher.saved(before.state, state)
            if heard not in ("promote", "promote --full"):
                self._check_bake(before.state, state)
        self.state = state
        self._driver = after.driver
        if skew:
            self.struck(Fault.SKEW)
        if isinstance(state, Shifting):
            self._held.pop(state.step, None)
            self._count()
        if isinstance(state, Shifting | Baking | Paused):
            self._furthest = max(self._furthest, state.step or 0)
        elif isinstance(state, Promoting):
            self._furthest = len(self.scenario.plan.steps) - 1
        self.cluster.note(f"= {state}")
        if isinstance(state, Leaving) and state.reason.name == "BROKEN_RULE":
            self.watcher.breach(Rule.ENDS, f"stopped by the guard: {state.evidence.lines}")

    def _check_bake(self, before: State, after: State) -> None:
        """Rule 3 by true time: as far as the runners' clocks agree, a step held for its whole bake."""
        if not isinstance(before, Baking) or before.hurried or getattr(after, "hurried", False):
            return
        number = getattr(after, "step", len(self.scenario.plan.steps))
        if isinstance(after, Leaving | Finished) or number is None or number <= before.step:
            return
        held = self.seconds - self._held.get(before.step, self.seconds)
        allowed = 2 * SKEW_SECONDS if self.scenario.faults.armed(Fault.SKEW) else 0.0
        bake = self.scenario.plan.steps[before.step].bake_seconds
        if held + allowed + 0.01 < bake:
            self.watcher.breach(Rule.BAKE, f"step {before.step + 1} held for {held:.1f} s of {bake:g} s")

    def deployment(self, name: str) -> Deployment | None:
        """As it is."""
        found: Deployment | None = self.cluster.get(DEPLOYMENT, name)
        return found
