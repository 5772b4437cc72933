"""One seed, from an untouched world to a settled one, and what the observer has to say of it."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from serinus.core.invariants import Breach, Rule
from serinus.core.plan import Promotion
from serinus.core.reasons import Outcome
from serinus.core.state import Finished, Promoting
from tests.sim.cluster import Cluster, config_in_use, config_of
from tests.sim.faults import Fault
from tests.sim.loop import VirtualLoop
from tests.sim.nature import Nature
from tests.sim.network import Network
from tests.sim.objects import CONFIG, DEPLOYMENT, EVERYTHING, HPA, POD, RECORD, REPLICASET, SERVICE, Saving
from tests.sim.observer import Observer
from tests.sim.people import People
from tests.sim.runner import STORE, Runner
from tests.sim.scenario import ORIGINAL, Health, Scenario, draw

SECONDS_MAX = 3 * 3600.0
"""No rollout of these sizes and deadlines may take longer, whatever strikes."""
SETTLE_SECONDS = 120.0


@dataclass(slots=True)
class Result:
    """What one seed came to."""

    seed: int
    outcome: Outcome | None
    reason: str
    breaches: tuple[Breach, ...]
    coverage: Counter[tuple[str, str, str]]
    seconds: float
    trace: list[str] | None


def play(seed: int, traced: bool = False) -> Result:
    """Run one seed to its end. Raises AssertionError when its world could not exist."""
    scenario = draw(seed)
    loop = VirtualLoop()
    asyncio.set_event_loop(None)
    try:
        game = Game(loop, scenario, traced)
        return loop.run_until_complete(game.to_the_end())
    finally:
        loop.close()


class Game:
    """The world with everybody in it."""

    def __init__(self, loop: VirtualLoop, scenario: Scenario, traced: bool) -> None:
        self.loop, self.scenario = loop, scenario
        self.cluster = Cluster(loop, scenario.dice, traced)
        self.observer = Observer(self.cluster, scenario)
        self.network = Network(self.cluster, scenario, self.observer)
        self.nature = Nature(self.cluster, scenario, self.observer)
        self.nature.settle()
        self.people = People(self.cluster, scenario, self.observer)
        self.runners: list[Runner] = []
        self.cluster.note(f"{scenario.plan}")
        self.cluster.note(f"health {scenario.health}, faults {[fault.name for fault in scenario.faults.rates]}")

    async def to_the_end(self) -> Result:
        """Start the runners, replace those that die, and wait until the rollout has ended and the world is still."""
        self._spawn()
        for number in range(1, self.scenario.runners):
            fault = Fault.RIVAL if number == 1 else Fault.THIRD
            self.loop.call_later(self.scenario.dice.uniform(0.1, 40), self._rival, fault)
        if self.scenario.faults.armed(Fault.API_DOWN):
            self.loop.call_later(self.scenario.dice.uniform(1, self.scenario.horizon_seconds), self._api_down)
        while self._finished() is None and self.loop.time() < SECONDS_MAX:
            await self._step()
        finished = self._finished()
        if finished is None:
            state = self.observer.state
            self.observer.watcher.breach(Rule.ENDS, f"no end after {SECONDS_MAX:g} s: {state}")
        else:
            self.network.calm = True
            await asyncio.sleep(SETTLE_SECONDS)
            self._check_end(finished)
        for runner in self.runners:
            runner.die()
        await asyncio.gather(*(runner.task for runner in self.runners), return_exceptions=True)
        return Result(
            self.scenario.seed,
            finished.outcome if finished is not None else None,
            finished.reason.name if finished is not None else "",
            tuple(self.observer.watcher.breaches),
            self.observer.coverage,
            self.loop.time(),
            self.cluster.trace,
        )

    def _spawn(self) -> None:
        number = len(self.runners)
        name = f"runner-{number + 1}"
        self.cluster.note(f"! {name} comes")
        self.runners.append(Runner(name, self.scenario.skews[number % 8], self.network, self.nature))

    def _rival(self, fault: Fault) -> None:
        if self._finished() is None:
            self.observer.struck(fault)
            self._spawn()

    def _api_down(self) -> None:
        seconds = self.scenario.dice.choice((5.0, 30.0, 240.0))
        self.observer.struck(Fault.API_DOWN)
        self.cluster.note(f"! the API is down for {seconds:g} s")
        self.network.down_until = self.loop.time() + seconds
        for runner in self.runners:
            if runner.is_alive():
                runner.view.go_dark(seconds, known=True)

    async def _step(self) -> None:
        """Until a runner is gone, or some time has passed."""
        alive = [runner.task for runner in self.runners if runner.is_alive()]
        if not alive:
            for runner in self.runners:
                if runner.task.done() and not runner.task.cancelled():
                    runner.task.result()  # a defect of the engine: let it be seen
            pause = self.scenario.dice.choice((0.2, 3.0, 20.0, 200.0))
            await asyncio.sleep(max(pause, self.network.down_until - self.loop.time()))
            if self._finished() is None:
                self._spawn()
            return
        await asyncio.wait(alive, timeout=30.0, return_when=asyncio.FIRST_COMPLETED)

    def _finished(self) -> Finished | None:
        saving: Saving | None = self.cluster.get(RECORD, STORE)
        state = saving.record.state if saving is not None else None
        return state if isinstance(state, Finished) else None

    # The end

    def _check_end(self, finished: Finished) -> None:
        """Rules 8 and 10 in the true world, once it is still."""
        if finished.outcome is Outcome.STUCK:
            if not self._may_be_stuck():
                self.observer.watcher.breach(Rule.ENDS, f"stuck, and nothing stood in the way: {finished}")
            return
        promoted = finished.outcome is Outcome.PROMOTED
        aborted_in = self.people.aborted_in
        if promoted and aborted_in is not None and not isinstance(aborted_in, Promoting):
            sentence = f"promoted, although the way back was asked for in {type(aborted_in).__name__}"
            self.observer.watcher.breach(Rule.ABORT_WINS, sentence)
        for sentence in (*self._left(promoted), *self._not_restored(promoted), *self._config_left()):
            rule = Rule.NOTHING_LEFT if sentence.startswith("left") else Rule.RESTORED
            self.observer.watcher.breach(rule, sentence)

    def _may_be_stuck(self) -> bool:
        unwell = self.scenario.health is not Health.GOOD  # past its return, such a promotion cannot complete
        undriven = self.network.deaths_left <= 1  # its deadline may pass while nobody drives
        unmakeable = self.nature.original_changed  # past its return, what someone deleted cannot be copied again
        stable = self.scenario.plan.stable
        no_room = self.scenario.faults.armed(Fault.NO_ROOM) and stable is not None and stable.max_unavailable == 0
        return (
            unmakeable
            or unwell
            or undriven
            or no_room
            or bool(self.observer.meddled - {"share"})
            or self.scenario.faults.armed(Fault.API_DOWN)
        )

    def _left(self, promoted: bool) -> list[str]:
        plan, objects = self.scenario.plan, self.cluster.objects
        found = [f"left: pod {pod.name}" for pod in objects[POD].values() if not pod.owner]
        new = [pod.name for pod in objects[POD].values() if pod.owner and pod.template[:2] == "v2" and not pod.failed]
        old = [pod.name for pod in objects[POD].values() if pod.template[:2] == "v1" and not pod.failed]
        canary = self.observer.deployment(plan.canary_name)
        if promoted:
            if plan.promotion is Promotion.ADOPT and canary is not None:
                found.append("left: the canary's Deployment")
            if old and "undo" not in self.observer.meddled and "scaled" not in self.observer.meddled:
                found.append(f"left: pods of the previous version, {old}")
            stable = self.observer.deployment(plan.stable.name) if plan.stable is not None else None
            if plan.promotion is Promotion.RENAME and stable is not None and not plan.keep_previous:
                found.append("left: the previous version's Deployment")
            return found
        if canary is not None:
            found.append("left: the canary's Deployment")
        if new and "undo" not in self.observer.meddled:
            found.append(f"left: pods of the release, {new}")
        found.extend(
            f"left: {each.name}"
            for each in objects[REPLICASET].values()
            if each.template == "v2" and not promoted and each.replicas
        )
        return found

    def _config_left(self) -> list[str]:
        """Copies that nothing names, and names that nothing is there for (but for what someone deleted)."""
        plan, there = self.scenario.plan, set(self.cluster.objects[CONFIG])
        used = config_in_use(self.cluster.objects, plan)
        if plan.config is not None and not self.cluster.objects[DEPLOYMENT]:
            used |= {copy.name for copy in plan.config.copies}  # whoever deleted production left what it named
        deployments = self.cluster.objects[DEPLOYMENT].values()
        needed = {config_of(each.template, plan) for each in deployments} - {"", ORIGINAL}
        found = [f"left: copies {sorted(there - used)}"] if there - used else []
        if needed - there and not self.scenario.faults.armed(Fault.CONFIG):
            found.append(f"production names {sorted(needed - there)}, which is gone")
        return found

    def _not_restored(self, promoted: bool) -> list[str]:
        plan = self.scenario.plan
        found: list[str] = []
        if plan.stable is None:
            return found
        stays = plan.promotion is Promotion.ADOPT or not promoted
        name = plan.stable.name if stays else plan.canary_name
        production = self.observer.deployment(name)
        if production is None:
            return [] if "removed" in self.observer.meddled else [f"{name} is gone"]
        if (production.paused, production.max_surge) != (False, plan.stable.max_surge):
            found.append(f"{name}: paused {production.paused}, maxSurge {production.max_surge}")
        if production.replicas != plan.replicas and "scaled" not in self.observer.meddled:
            found.append(f"{name}: {production.replicas} pods, not {plan.replicas}")
        wanted = "v2" if promoted else "v1"
        if production.template != wanted and "undo" not in self.observer.meddled:
            found.append(f"{name}: template {production.template}, not {wanted}")
        service = self.cluster.get(SERVICE, plan.service)
        named = wanted if promoted else plan.stable.label
        if plan.mark_version and service.version != named:
            found.append(f"the Service names {service.version}, not {named}")
        if plan.autoscaler is not None:
            hpa = self.cluster.get(HPA, plan.autoscaler.name)
            own = "own" if plan.autoscaler.behavior is not None else None
            before = (own, plan.autoscaler.min_replicas or 1, name)
            if (hpa.behavior, hpa.min_replicas or 1, hpa.target) != before:
                found.append(f"the autoscaler is {hpa}")
        healthy = not promoted or self.scenario.health is Health.GOOD
        if healthy and service.selects == EVERYTHING and not self.observer.meddled:
            ready = [pod for pod in self.cluster.objects[POD].values() if pod.ready and pod.template == wanted]
            if len(ready) < plan.replicas and not self.scenario.faults.rates.keys() & UNWELL:
                found.append(f"{len(ready)} of {plan.replicas} pods of {wanted} are ready at the end")
        return found


UNWELL = {Fault.FLAPPING, Fault.EVICTED, Fault.NODE_LOST, Fault.CONFIG, Fault.SLOW_PODS}
