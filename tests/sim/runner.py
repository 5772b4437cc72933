"""One runner: the real engine over ports of the simulated world. It may die at any call, or stand still."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from serinus.core.invariants import Rule
from serinus.core.notices import Notice
from serinus.core.plan import Plan
from serinus.core.progress import Progress
from serinus.core.reasons import Reason
from serinus.core.record import Record, decode, encode
from serinus.core.state import Evidence, Finished, Leaving
from serinus.core.transition import PROBE_STAGE
from serinus.core.turn import (
    Action,
    CreateCanary,
    CreateProbe,
    HandTemplate,
    Judgement,
    MakeCopy,
    MarkVersion,
    OrphanCanary,
    PinAutoscaler,
    ReleaseStable,
    RemoveCanary,
    RemoveCopy,
    RemoveProbe,
    RemoveStable,
    RestoreAutoscaler,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
    TakeBackTemplate,
    Verdict,
)
from serinus.core.world import World
from serinus.engine.cycle import STALE_SECONDS_MAX, Parts
from serinus.engine.drive import drive, start
from serinus.ports import GateQuestion, LostRace, Saved, SmokeQuestion, Trouble
from tests.fakes.metrics import FakeMetrics
from tests.sim.cluster import Cluster
from tests.sim.faults import Fault
from tests.sim.nature import Nature
from tests.sim.network import Network, Sender
from tests.sim.objects import CONFIG, DEPLOYMENT, HPA, POD, RECORD, REPLICASET, SERVICE, Deployment, Saving
from tests.sim.observer import Observer
from tests.sim.scenario import ORIGINAL, Health, Scenario
from tests.sim.view import SkewedClock, View

STORE = "serinus-checkout"
LOG_SECONDS = 2.5
"""A turn may read a log between its look and its save."""


class Runner(Sender):
    """`ended`: how its drive ended; None while it lives, or when it died."""

    def __init__(self, name: str, skew: float, network: Network, nature: Nature) -> None:
        self.name, self.skew = name, skew
        self.network, self.nature = network, nature
        self.cluster: Cluster = network.cluster
        self.scenario: Scenario = network.scenario
        self.observer: Observer = network.observer
        self.view = View(self.cluster, self.scenario, self.observer)
        self.version = ""  # of the state that it acts on
        self.task = self.cluster.loop.create_task(self._life())
        self.died = False

    async def _life(self) -> Finished:
        clock = SkewedClock(self.cluster.loop, self.skew)
        parts = Parts(
            runner=self.name,
            clock=clock,
            cluster=SimCluster(self),
            store=SimStore(self),
            smoke=self,
            gates=SimGates(self),
            metrics=FakeMetrics(),
            reporter=self,
            notifier=self,
        )
        while parts.store.load() is None:
            with contextlib.suppress(LostRace, Trouble):
                await start(parts, self.scenario.plan, None)
                break
            await self.view.changed(2.0)
        return await drive(parts)

    def check_sight(self, record: Record) -> None:
        """Rule 4: a runner that has seen nothing for too long takes nothing forwards."""
        saving: Saving | None = self.view.data[RECORD].get(STORE)
        before = saving.record.state if saving is not None else record.state
        blind = self.view.stale_seconds() > STALE_SECONDS_MAX + LOG_SECONDS
        if blind and before != record.state and not isinstance(record.state, Leaving | Finished):
            sentence = f"blind for {self.view.stale_seconds():.0f} s, and saves {type(record.state).__name__}"
            self.observer.watcher.breach(Rule.PASS_ONLY, sentence)

    def is_alive(self) -> bool:
        return not self.died and not self.task.done()

    def die(self) -> None:
        """SIGKILL: nothing more is sent; what was sent goes its way."""
        if self.is_alive():
            self.died = True
            self.cluster.note(f"! {self.name} dies")
            self.view.stop()
            self.task.cancel()

    def freeze(self, seconds: float) -> None:
        """SIGSTOP for so long: no news are read meanwhile."""
        self.cluster.note(f"! {self.name} stands still for {seconds:.1f} s")
        self.view.frozen_until = self.cluster.loop.time() + seconds

    def report(self, progress: Progress) -> None:
        """The Reporter port."""
        self.cluster.note(f"{self.name}: {progress.sentence}")

    def notify(self, notice: Notice) -> None:
        """The Notifier port."""

    async def close(self) -> None:
        """The Notifier port."""

    async def ask(self, question: SmokeQuestion) -> Judgement:
        """The SmokeGate port."""
        dice, faults = self.scenario.dice, self.scenario.faults
        asked_in = "Preparing" if question.stage == PROBE_STAGE else "Baking"
        if faults.armed(Fault.SMOKE_NEVER) and dice.random() < faults.rates[Fault.SMOKE_NEVER]:
            self.observer.struck(Fault.SMOKE_NEVER, asked_in)
            await self.cluster.loop.create_future()
        late = faults.armed(Fault.SMOKE_LATE) and dice.random() < faults.rates[Fault.SMOKE_LATE]
        if late:
            self.observer.struck(Fault.SMOKE_LATE, asked_in)
        await asyncio.sleep(dice.uniform(8, 14) if late else dice.uniform(0.1, 3.0))
        if not question.pods or self.scenario.health is Health.SMOKE:
            return Judgement(Verdict.FAIL, Reason.SMOKE_FAILED, Evidence("GET /healthz answered 500"))
        return Judgement(Verdict.PASS)


class SimGates:
    """The StepGate port: harm that the pods do not show fails a gate, and so does nothing else."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def ask(self, question: GateQuestion) -> Judgement:
        scenario = self._runner.scenario
        await asyncio.sleep(scenario.gate_dice.uniform(0.1, question.gate.timeout_seconds))
        if scenario.health is Health.GATE:
            return Judgement(Verdict.FAIL, Reason.GATE_FAILED, Evidence(f"gate {question.gate.name} said no"))
        return Judgement(Verdict.PASS)


class SimStore:
    """The Store port."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def load(self) -> Saved | None:
        view = self._runner.view
        saving = view.data[RECORD].get(STORE)
        if saving is None:
            return None
        version = str(view.versions[RECORD][STORE])
        self._runner.version = version
        return Saved(saving.record, version, saving.command)

    async def save(self, record: Record, version: str | None) -> Saved:
        runner = self._runner
        record = decode(encode(record))
        runner.check_sight(record)

        def effect() -> tuple[Saving, int]:
            cluster = runner.cluster
            before: Saving | None = cluster.get(RECORD, STORE)
            if (str(cluster.versions[RECORD][STORE]) if before is not None else None) != version:
                raise LostRace("the record has changed")
            saving = Saving(STORE, record, before.command if before is not None else None)
            number = cluster.put(RECORD, saving)
            known = before.record if before is not None else None
            command = saving.command
            news = command is not None and known is not None and known.answered != record.answered
            runner.observer.saved(known, record, runner.skew, command.verb if news and command is not None else "")
            return saving, number

        saving, number = await runner.network.call(runner, "save", effect)
        runner.view.take(RECORD, saving, number)
        runner.version = str(number)
        return Saved(record, str(number), saving.command)


class SimCluster:
    """The Cluster port."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def observe(self, plan: Plan) -> World:
        return self._runner.view.world(plan)

    async def changed(self, timeout_seconds: float) -> bool:
        return await self._runner.view.changed(timeout_seconds)

    async def refresh(self) -> None:
        view = self._runner.view
        view.take_over(await self._runner.network.call(self._runner, "list", view.listing))

    async def job_log(self, job: str) -> tuple[str, ...]:
        raise AssertionError("no gate of this world is a Job")

    async def log_tail(self, pod: str, container: str) -> tuple[str, ...]:
        await asyncio.sleep(0.05)
        return (f"the log of {pod}",)

    async def act(self, plan: Plan, action: Action) -> None:
        runner = self._runner
        runner.observer.watcher.acted(runner.name, runner.version)
        effect = Request(runner.cluster, runner.view, runner.nature, plan).effect_of(action)
        answer = await runner.network.call(runner, str(action), effect)
        if answer is not None:
            kind, thing = answer
            runner.view.take(kind, thing, runner.cluster.versions[kind].get(thing.name, 0))
        if isinstance(action, RemoveCanary | OrphanCanary) and (
            gone := runner.view.data[DEPLOYMENT].get(plan.canary_name)
        ):
            runner.view.deleted.add(gone.uid)
        if isinstance(action, RemoveStable) and (stable := runner.view.stable(plan)):
            runner.view.deleted.add(stable.uid)
        if isinstance(action, RemoveCopy) and (copy := runner.view.data[CONFIG].get(action.name)):
            runner.view.deleted.add(copy.uid)
        if isinstance(action, RemoveProbe):
            runner.view.deleted.add("checkout-v2-smoke")


Effect = Callable[[], Any]


class Request:
    """An action as the API gets it: what was seen when it was sent is in it, as in `kube/act.py`."""

    def __init__(self, cluster: Cluster, view: View, nature: Nature, plan: Plan) -> None:
        self.cluster, self.view, self.nature, self.plan = cluster, view, nature, plan

    def effect_of(self, action: Action) -> Effect:
        """What will happen when it arrives. Raises Trouble when it cannot be sent."""
        plan = self.plan
        stable = plan.stable.name if plan.stable is not None else ""
        surge = plan.stable.max_surge if plan.stable is not None else None
        match action:
            case CreateCanary(replicas):
                return lambda: self._create(replicas)
            case ScaleCanary(seen, replicas):
                return self._patch(plan.canary_name, {"replicas": seen}, replicas=replicas)
            case ScaleStable(seen, replicas):
                return self._patch(stable, {"replicas": seen}, replicas=replicas)
            case HandTemplate():
                template = self._seen(plan.canary_name).template
                return self._patch(stable, {}, template=template, paused=True, max_surge=plan.replicas)
            case SizeAdopted(replicas, left):
                return self._patch(stable, {"paused": True}, replicas=replicas, max_surge=left)
            case ReleaseStable():
                return self._patch(stable, {}, paused=False, max_surge=surge)
            case TakeBackTemplate():
                return self._patch(stable, {}, template=self._own_template(), paused=False, max_surge=surge)
            case RemoveCanary() | OrphanCanary() | RemoveStable():
                name = stable if isinstance(action, RemoveStable) else plan.canary_name
                as_seen = self.view.versions[DEPLOYMENT].get(name) if isinstance(action, RemoveStable) else None
                return self._delete(name, isinstance(action, OrphanCanary), as_seen)
            case MakeCopy(copy):
                return lambda: self._make_copy(copy.name)
            case RemoveCopy(_, name):
                return self._remove_copy(name)
            case CreateProbe():
                return self._create_probe
            case RemoveProbe():
                return self._remove_probe
            case MarkVersion(version):
                return self._as_seen(SERVICE, plan.service, version=version)
            case PinAutoscaler() if plan.autoscaler is not None:
                return self._as_seen(HPA, plan.autoscaler.name, min_replicas=1, behavior="still")
            case RestoreAutoscaler(target) if plan.autoscaler is not None:
                own = "own" if plan.autoscaler.behavior is not None else None
                least = plan.autoscaler.min_replicas or 1
                return self._as_seen(HPA, plan.autoscaler.name, min_replicas=least, behavior=own, target=target)
            case _:
                raise AssertionError(f"{action} is not for the cluster")

    def _seen(self, name: str) -> Deployment:
        seen: Deployment | None = self.view.data[DEPLOYMENT].get(name)
        if seen is None:
            raise Trouble(f"Deployment {name} is gone")
        return seen

    def _patch(self, name: str, tests: dict[str, Any], **fields: Any) -> Effect:
        seen = self._seen(name)

        def effect() -> Any:
            there: Deployment | None = self.cluster.get(DEPLOYMENT, name)
            if there is None or there.uid != seen.uid:
                raise Trouble(f"Deployment {name} not found, or another one")
            if there.generation != seen.generation or any(
                getattr(there, field) != value for field, value in tests.items()
            ):
                raise Trouble("the test of a JSON patch does not hold", may_come_late=True)
            changed = replace(there, **fields)
            if changed != there:
                changed = replace(changed, generation=there.generation + 1)
                self.cluster.put(DEPLOYMENT, changed)
            return DEPLOYMENT, changed

        return effect

    def _own_template(self) -> str:
        stable = self.view.stable(self.plan)
        sets = self.view.data[REPLICASET].values()
        own = [each for each in sets if stable is not None and each.owner == stable.uid and each.template[:2] != "v2"]
        if not own:
            raise Trouble("no ReplicaSet of its own to take the pod template from")
        template: str = max(own, key=lambda each: each.revision).template
        return template

    def _create(self, replicas: int) -> Any:
        name, plan = self.plan.canary_name, self.plan
        if self.cluster.get(DEPLOYMENT, name) is not None:
            return None
        surge = plan.stable.max_surge if plan.stable is not None else "25%"
        made = Deployment(name, self.cluster.uid("uid-canary"), replicas, "v2", surge)
        self.cluster.put(DEPLOYMENT, made)
        return DEPLOYMENT, made

    def _delete(self, name: str, orphans: bool, as_seen: int | None) -> Effect:
        uid = self._seen(name).uid

        def effect() -> Any:
            there: Deployment | None = self.cluster.get(DEPLOYMENT, name)
            if there is None:
                return None
            if there.uid != uid:
                raise Trouble(f"Deployment {name} is another one")
            if as_seen is not None and self.cluster.versions[DEPLOYMENT][name] != as_seen:
                raise Trouble(f"Deployment {name} has changed", may_come_late=True)
            if orphans:
                self.cluster.put(DEPLOYMENT, replace(there, deleting=True))
            else:
                self.cluster.remove(DEPLOYMENT, name)
            return None

        return effect

    def _create_probe(self) -> Any:
        if self.cluster.get(POD, "checkout-v2-smoke") is None:
            self.nature.start("v2", "")
        return POD, self.cluster.get(POD, "checkout-v2-smoke")

    def _remove_probe(self) -> Any:
        pod = self.cluster.get(POD, "checkout-v2-smoke")
        if pod is not None:
            self.nature.end(pod)

    def _make_copy(self, name: str) -> Any:
        if self.nature.original_changed:
            self.view.config_lost = f"ConfigMap {ORIGINAL} does not hold any more what {name} is named for"
            raise Trouble(self.view.config_lost)
        return CONFIG, self.cluster.put_config(name)

    def _remove_copy(self, name: str) -> Effect:
        seen = self.view.data[CONFIG].get(name)

        def effect() -> Any:
            there = self.cluster.get(CONFIG, name)
            if there is not None and there.uid == seen.uid:
                self.nature.observer.config_removed(name)
                self.cluster.remove(CONFIG, name)

        return effect

    def _as_seen(self, kind: str, name: str, **fields: Any) -> Effect:
        """A patch that is only good for the object as it was seen."""
        seen = self.view.versions[kind].get(name)

        def effect() -> Any:
            there = self.cluster.get(kind, name)
            if there is None:
                return None
            if self.cluster.versions[kind][name] != seen:
                raise Trouble(f"{kind} {name} has changed", may_come_late=True)
            changed = replace(there, **fields)
            self.cluster.put(kind, changed)
            return kind, changed

        return effect
