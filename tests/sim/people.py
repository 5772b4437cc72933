"""People and other tools: words to the rollout at any instant, and hands on its objects."""

from datetime import timedelta

from msgspec.structs import replace

from serinus.core.record import Command
from serinus.core.state import Finished, State
from serinus.engine.observe import ABORTING
from tests.sim.cluster import Cluster
from tests.sim.faults import BY_OTHERS, Fault
from tests.sim.objects import DEPLOYMENT, NOTHING, OLD_ONLY, RECORD, SERVICE, Deployment, Saving
from tests.sim.observer import Observer
from tests.sim.runner import STORE
from tests.sim.scenario import START, Scenario, Word


class People:
    """Those whose words and deeds the seed has decided."""

    def __init__(self, cluster: Cluster, scenario: Scenario, observer: Observer) -> None:
        self.cluster, self.scenario, self.observer = cluster, scenario, observer
        self.aborted_in: State | None = None  # where the rollout was when the way back was first asked for
        for word in scenario.words:
            cluster.loop.call_later(word.seconds, self._say, word)
        dice = scenario.dice
        for fault in BY_OTHERS:
            if scenario.faults.armed(fault):
                for _ in range(dice.choice((1, 1, 2, 6)) if fault is Fault.SCALED else 1):
                    cluster.loop.call_later(dice.uniform(0.5, scenario.horizon_seconds), self._meddle, fault)

    def _say(self, word: Word) -> None:
        """As `serinus pause` and its kin do: over the record as it is, never over a word that asks for the way back."""
        saving: Saving | None = self.cluster.get(RECORD, STORE)
        if saving is None or isinstance(saving.record.state, Finished):
            return
        if word.verb == "veto":
            self._veto()
            return
        if saving.command is not None and saving.command.verb in ABORTING and word.verb not in ABORTING:
            return
        at = START + timedelta(seconds=self.cluster.loop.time())
        rollout = self.scenario.plan.rollout
        command = Command(word.verb, rollout, "ada", at, self.cluster.uid("word"), word.for_seconds, word.end)
        self.cluster.put(RECORD, replace(saving, command=command))
        self.observer.said(word.verb)
        if word.verb in ABORTING and self.aborted_in is None:
            self.aborted_in = saving.record.state

    def _veto(self) -> None:
        plan = self.scenario.plan
        names = (plan.canary_name, plan.stable.name if plan.stable is not None else "")
        found = next((each for name in names if (each := self.observer.deployment(name)) is not None), None)
        if found is not None:
            self.cluster.put(DEPLOYMENT, replace(found, veto="no"))
            self.observer.said("veto")

    def _meddle(self, fault: Fault) -> None:
        saving: Saving | None = self.cluster.get(RECORD, STORE)
        if saving is None or isinstance(saving.record.state, Finished):
            return
        plan, dice = self.scenario.plan, self.scenario.dice
        stable = self.observer.deployment(plan.stable.name) if plan.stable is not None else None
        canary = self.observer.deployment(plan.canary_name)
        match fault:
            case Fault.SCALED:
                self._scale(dice.choice((stable, canary)), dice.randrange(0, plan.replicas + 2))
            case Fault.SELECTOR:
                self._edit_selector()
            case Fault.UNDO if stable is not None:
                self.observer.others_changed("undo", plan.replicas)
                changed = replace(
                    stable, template=f"{stable.template}~", generation=stable.generation + 1, writer="kubectl"
                )
                self.cluster.put(DEPLOYMENT, changed)
            case Fault.REMOVED if canary is not None:
                self.observer.others_changed("removed", plan.replicas)
                self.cluster.remove(DEPLOYMENT, canary.name)
            case _:
                return
        self.observer.struck(fault)

    def _scale(self, target: Deployment | None, replicas: int) -> None:
        if target is not None:
            self.observer.others_scaled(target, replicas)
            self.cluster.put(
                DEPLOYMENT,
                replace(target, replicas=replicas, generation=target.generation + 1, writer="kubectl"),
            )

    def _edit_selector(self) -> None:
        service = self.cluster.get(SERVICE, self.scenario.plan.service)
        selects = self.scenario.dice.choice((OLD_ONLY, NOTHING))
        self.observer.others_changed(f"selector {selects}", self.scenario.plan.replicas)
        self.cluster.put(SERVICE, replace(service, selects=selects))
