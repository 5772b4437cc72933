"""A rollout of the toy cluster, with every port a fake: what the engine's tests start from."""

import asyncio
from dataclasses import dataclass, field

from serinus.core.plan import Plan
from serinus.core.record import Command
from serinus.core.state import Finished
from serinus.core.turn import Judgement
from serinus.engine.cycle import Memory, Parts, Turned, take_one_turn
from serinus.engine.drive import drive, start
from tests.core.toy import Health, ToyWorld
from tests.fakes.cluster import FakeCluster
from tests.fakes.gates import FakeGates
from tests.fakes.metrics import FakeMetrics
from tests.fakes.notifier import FakeNotifier
from tests.fakes.reporter import FakeReporter
from tests.fakes.smoke import FakeSmokeGate
from tests.fakes.store import FakeStore


@dataclass
class Bench:
    """The world and what is saved. Each runner that comes has a memory, a smoke gate and an ear of its own."""

    plan: Plan
    toy: ToyWorld
    cluster: FakeCluster
    store: FakeStore = field(default_factory=FakeStore)
    answers: dict[str, Judgement | None] = field(default_factory=dict)
    gates: list[FakeSmokeGate] = field(default_factory=list)
    gate_answers: dict[str, Judgement | None] = field(default_factory=dict)
    step_gates: list[FakeGates] = field(default_factory=list)
    reporter: FakeReporter = field(default_factory=FakeReporter)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    beginner: Parts | None = None  # the run that began the rollout

    def runner(self, name: str | None = None) -> Parts:
        """Another runner; the one that begins a rollout is also the first that drives it."""
        gate = FakeSmokeGate(self.cluster.clock, self.answers)
        self.gates.append(gate)
        step_gates = FakeGates(self.cluster.clock, self.gate_answers)
        self.step_gates.append(step_gates)
        name = name or f"runner-{max(len(self.gates) - 2, 0)}"
        clock, cluster = self.cluster.clock, self.cluster
        parts = Parts(name, clock, cluster, self.store, gate, step_gates, self.metrics, self.reporter, self.notifier)
        if self.beginner is not None and self.beginner.runner == name:
            parts.begun_at = self.beginner.begun_at
        return parts

    async def begin(self) -> None:
        beginner = self.runner()
        await start(beginner, self.plan, self.store.load())
        self.beginner = beginner

    async def finish(self) -> Finished:
        return await drive(self.runner())

    async def turns(self, count: int, memory: Memory | None = None) -> list[Turned | None]:
        """So many turns of one runner, and a second for the world after each. A memory is its runner's own."""
        saved = self.store.load()
        same = saved.record.driver if saved is not None and memory is not None and memory.drove else None
        parts, memory = self.runner(same), memory or Memory()
        turned = []
        for _ in range(count):
            turned.append(await take_one_turn(parts, memory))
            self.toy.tick(1)
            self.cluster.clock.advance(1)
            await asyncio.sleep(0)
        return turned

    def ask(self, verb: str, rollout: str | None = None) -> None:
        now = self.cluster.clock.now()
        self.store.command(Command(verb, rollout or self.plan.rollout, "anna", now))


def bench(plan: Plan, health: Health = Health.GOOD, answers: dict[str, Judgement | None] | None = None) -> Bench:
    toy = ToyWorld(plan, health)
    return Bench(plan, toy, FakeCluster(toy), answers=answers or {})
