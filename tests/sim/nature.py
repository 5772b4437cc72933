"""What the cluster does by itself: controllers, scheduler, kubelet, and the misfortunes of pods and nodes."""

import random

from msgspec.structs import replace

from serinus.core.plan import Promotion
from serinus.core.state import Finished, Leaving
from tests.sim.cluster import Cluster, config_of
from tests.sim.deployments import sync
from tests.sim.faults import TO_PODS, Fault
from tests.sim.objects import (
    CONFIG,
    DEPLOYMENT,
    EVERYTHING,
    HPA,
    NOTHING,
    POD,
    REPLICASET,
    SERVICE,
    SLICE,
    Deployment,
    Hpa,
    Pod,
    ReplicaSet,
    Service,
    Slice,
)
from tests.sim.observer import Observer
from tests.sim.scenario import ORIGINAL, Health, Scenario

PULL_MESSAGE = "manifest unknown"
RESTART_SECONDS = 10.0


class Nature:
    """Time passes in timers of the loop; each look of the controllers comes some moments after what caused it."""

    def __init__(self, cluster: Cluster, scenario: Scenario, observer: Observer) -> None:
        self.cluster, self.scenario, self.observer = cluster, scenario, observer
        self.faults, self.dice = scenario.faults, scenario.dice
        self._poked = False
        self._config_gone = False
        self.original_changed = False  # the ConfigMap that copies are made of
        cluster.followers.append(self._on_change)

    def settle(self) -> None:
        """The world as it is before a rollout: production whole."""
        plan, cluster = self.scenario.plan, self.cluster
        version = None
        if plan.stable is not None:
            stable = plan.stable
            version = stable.label
            name = f"{stable.name}-v1"
            settled = Deployment(
                stable.name, stable.uid, stable.replicas, "v1", stable.max_surge, observed=1, ready=stable.replicas
            )
            cluster.put(DEPLOYMENT, settled)
            size = stable.replicas
            cluster.put(REPLICASET, ReplicaSet(name, "v1", stable.uid, size, 1, size, size + settled.surge))
            for _ in range(size):
                cluster.put(POD, Pod(cluster.uid(name), "v1", name, True, phase="Running"))
        cluster.put(SERVICE, Service(plan.service, version))
        cluster.put(SLICE, Slice(plan.service, frozenset(cluster.objects[POD])))
        if plan.autoscaler is not None and plan.stable is not None:
            behavior = "own" if plan.autoscaler.behavior is not None else None
            cluster.put(HPA, Hpa(plan.autoscaler.name, plan.autoscaler.min_replicas, behavior, plan.stable.name))
            self._plan_unpinning()
            if self.faults.armed(Fault.RESIZED):
                cluster.loop.call_later(15.0, self._autoscale)
        if plan.config is not None:
            for copy in plan.config.copies:
                cluster.put_config(f"{copy.original}-v0")  # of some release that was over long ago
                if copy.named != copy.original:
                    cluster.put_config(copy.named)
        for fault in (*TO_PODS, Fault.CONFIG):
            if self.faults.armed(fault):
                self._plan_misfortunes(fault)

    # Controllers

    def _on_change(self, kind: str) -> None:
        if kind == CONFIG:
            self.cluster.loop.call_later(1.0, self._config_back)
        if not self._poked:
            self._poked = True
            slow = self.faults.armed(Fault.CONTROLLERS) and self.dice.random() < self.faults.rates[Fault.CONTROLLERS]
            if slow:
                self.observer.struck(Fault.CONTROLLERS)
            self.cluster.loop.call_later(self.dice.uniform(1, 8) if slow else self.dice.uniform(0.02, 0.2), self._look)

    def _look(self) -> None:
        """Each controller has its turn, or misses it and looks a moment later."""
        self._poked = False
        for controller in (self._collect, self._deployments, self._replicasets, self._endpoints):
            if self.dice.random() < 0.1:
                self._on_change("")
            else:
                controller()

    def _collect(self) -> None:
        """The garbage collector: dependents of what is gone go; orphans of what was deleted so are let go."""
        cluster = self.cluster
        deployments = cluster.objects[DEPLOYMENT]
        uids = {each.uid for each in deployments.values()}
        for each in list(cluster.objects[REPLICASET].values()):
            if each.owner is not None and each.owner not in uids:
                cluster.remove(REPLICASET, each.name)
        for one in [each for each in deployments.values() if each.deleting]:
            for each in [each for each in cluster.objects[REPLICASET].values() if each.owner == one.uid]:
                cluster.put(REPLICASET, replace(each, owner=None))
            cluster.remove(DEPLOYMENT, one.name)
        sets = cluster.objects[REPLICASET]
        for pod in list(cluster.objects[POD].values()):
            if pod.owner and pod.owner not in sets:
                self.end(pod)

    def _deployments(self) -> None:
        plan = self.scenario.plan
        for each in list(self.cluster.objects[DEPLOYMENT].values()):
            if not each.deleting:
                own = plan.stable is not None and each.uid == plan.stable.uid
                sync(self.cluster, each, adopts=own and plan.promotion is Promotion.ADOPT)

    def _replicasets(self) -> None:
        for each in list(self.cluster.objects[REPLICASET].values()):
            own = self.cluster.pods_of(each)
            missing = each.replicas - len(own)
            if missing > 0:
                for _ in range(min(missing, self._room_for(each, missing))):
                    self.start(each.template, each.name)
            elif missing < 0:
                for pod in sorted(own, key=lambda pod: (pod.ready, pod.phase == "Running"))[:-missing]:
                    self.end(pod)

    def _room_for(self, replicaset: ReplicaSet, missing: int) -> int:
        """How many pods of it the quota lets be made; its Deployment's status says whether that is too few."""
        room = missing
        if self.scenario.health is Health.REFUSED and replicaset.template != "v1":
            room = 0
        elif self.faults.armed(Fault.NO_ROOM) and isinstance(self.observer.state, Leaving):
            pods = sum(bool(pod.owner) and not pod.failed for pod in self.cluster.objects[POD].values())
            room = max(0, self.scenario.plan.replicas - pods)
            if room < missing:
                self.observer.struck(Fault.NO_ROOM)
        owner = next((one for one in self.cluster.objects[DEPLOYMENT].values() if one.uid == replicaset.owner), None)
        refused = "exceeded quota: pods" if room < missing else ""
        if owner is not None and owner.refused != refused:
            self.cluster.put(DEPLOYMENT, replace(owner, refused=refused))
        return room

    def _endpoints(self) -> None:
        service = next(iter(self.cluster.objects[SERVICE].values()))
        ready = frozenset(pod.name for pod in self.cluster.objects[POD].values() if pod.ready and selects(service, pod))
        if self.cluster.get(SLICE, service.name).ready != ready:
            self.cluster.put(SLICE, Slice(service.name, ready))

    def _plan_unpinning(self) -> None:
        """Someone unpauses the ScaledObject, or edits the HPA, while a release holds it still."""
        dice = random.Random(f"unpinning {self.scenario.seed}")
        if dice.random() < 0.3:
            self.cluster.loop.call_later(dice.uniform(1, self.scenario.horizon_seconds), self._unpin)

    def _unpin(self) -> None:
        plan, hpa = self.scenario.plan, next(iter(self.cluster.objects[HPA].values()), None)
        if plan.autoscaler is None or hpa is None or hpa.behavior != "still":
            return
        own = "own" if plan.autoscaler.behavior is not None else None
        self.observer.struck(Fault.RESIZED)
        self.cluster.put(HPA, replace(hpa, behavior=own, min_replicas=plan.autoscaler.min_replicas))

    def _autoscale(self) -> None:
        """A free autoscaler wants some size or other; one that is pinned wants nothing."""
        self.cluster.loop.call_later(15.0, self._autoscale)
        hpa: Hpa = next(iter(self.cluster.objects[HPA].values()))
        target = self.cluster.get(DEPLOYMENT, hpa.target)
        if hpa.behavior == "still" or target is None or target.replicas == 0 or self.dice.random() < 0.5:
            return
        wanted = max(hpa.min_replicas or 1, target.replicas + self.dice.choice((-1, 1, 1)))
        self.observer.struck(Fault.RESIZED)
        self.observer.others_scaled(target, wanted)
        changed = replace(target, replicas=wanted, generation=target.generation + 1, writer="hpa")
        self.cluster.put(DEPLOYMENT, changed)

    # The kubelet

    def start(self, template: str, owner: str) -> None:
        """A new pod, and what becomes of it."""
        name = self.cluster.uid(owner or "checkout-v2-smoke")
        slow = self.faults.armed(Fault.SLOW_PODS) and self.dice.random() < self.faults.rates[Fault.SLOW_PODS]
        seconds = self.scenario.start_seconds * self.dice.uniform(0.7, 1.4)
        if slow:
            self.observer.struck(Fault.SLOW_PODS)
            seconds = self.dice.uniform(10, 60)
        health = self.scenario.health if template != "v1" else Health.GOOD
        if not owner:
            name = "checkout-v2-smoke"
        self.cluster.put(POD, Pod(name, template, owner))
        if health is Health.UNSCHEDULABLE:
            self._become(name, unschedulable="0/3 nodes are available")
        elif self._lacks_config(template):
            self._become(name, waiting="CreateContainerConfigError", message='configmap "settings" not found')
        elif health is Health.IMAGE:
            self.cluster.loop.call_later(
                1.0, self._become_later, name, {"waiting": "ImagePullBackOff", "message": PULL_MESSAGE}
            )
        elif health is Health.CRASHES:
            self.cluster.loop.call_later(seconds, self._crash, name, "Error", 1)
        elif health is Health.NEVER_READY:
            self.cluster.loop.call_later(seconds, self._become_later, name, {"phase": "Running"})
        else:
            self.cluster.loop.call_later(seconds, self._ready, name)
            if health in (Health.CRASHES_LATER, Health.OOM):
                reason, code = ("OOMKilled", 137) if health is Health.OOM else ("Error", 1)
                self.cluster.loop.call_later(seconds + self.dice.uniform(2, 40), self._crash, name, reason, code)

    def _lacks_config(self, template: str) -> bool:
        name = config_of(template, self.scenario.plan)
        return self._config_gone or (name not in ("", ORIGINAL) and self.cluster.get(CONFIG, name) is None)

    def end(self, pod: Pod) -> None:
        """On its way out."""
        if not pod.deleting:
            self.cluster.put(POD, replace(pod, deleting=True))
            self.cluster.loop.call_later(self.scenario.grace_seconds, self.cluster.remove, POD, pod.name)

    def _become_later(self, name: str, fields: dict[str, object]) -> None:
        self._become(name, **fields)

    def _become(self, name: str, **fields: object) -> None:
        pod = self.cluster.get(POD, name)
        if pod is not None and not pod.deleting and not pod.failed:
            self.cluster.put(POD, replace(pod, **fields))

    def _ready(self, name: str) -> None:
        self._become(name, ready=True, phase="Running", exit_code=None)

    def _crash(self, name: str, reason: str, code: int) -> None:
        pod = self.cluster.get(POD, name)
        if pod is None or pod.deleting or pod.failed:
            return
        self.observer.world_took(pod)
        waiting = "CrashLoopBackOff" if pod.restarts else ""
        self._become(name, ready=False, exit_code=code, ended=reason, waiting=waiting)
        self.cluster.loop.call_later(RESTART_SECONDS, self._restart, name, reason, code)

    def _restart(self, name: str, reason: str, code: int) -> None:
        pod = self.cluster.get(POD, name)
        if pod is not None and pod.restarts < 4:
            self._become(name, restarts=pod.restarts + 1, exit_code=None)
            self.cluster.loop.call_later(2.0, self._crash, name, reason, code)

    # Misfortunes

    def _plan_misfortunes(self, fault: Fault) -> None:
        for _ in range(self.dice.choice((1, 1, 2, 4))):
            self.cluster.loop.call_later(self.dice.uniform(1, self.scenario.horizon_seconds), self._strike, fault)

    def _strike(self, fault: Fault) -> None:
        alive = [pod for pod in self.cluster.objects[POD].values() if not pod.deleting and not pod.failed]
        if fault is Fault.CONFIG and self.scenario.plan.config is not None:
            self._remove_copy()
            return
        if fault is Fault.CONFIG:
            self._config_gone = True
            self.observer.struck(fault)
            self.cluster.loop.call_later(self.dice.uniform(5, 200), self._config_back)
            return
        if not alive:
            return
        self.observer.struck(fault)
        count = self.dice.randrange(1, 1 + max(1, len(alive) // 2)) if fault is Fault.NODE_LOST else 1
        for pod in self.dice.sample(alive, count):
            self.observer.world_took(pod)
            if fault is Fault.FLAPPING:
                self._become(pod.name, ready=False)
                self.cluster.loop.call_later(self.dice.uniform(0.5, 15), self._flap_back, pod.name, pod.ready)
            else:
                reason = "Evicted" if fault is Fault.EVICTED else "NodeLost"
                self._become(pod.name, ready=False, failed=reason, phase="Failed")
                self.cluster.loop.call_later(self.dice.uniform(5, 60), self.cluster.remove, POD, pod.name)

    def _flap_back(self, name: str, was_ready: bool) -> None:
        pod = self.cluster.get(POD, name)
        if pod is not None and was_ready and pod.exit_code is None:
            self._ready(name)

    def _remove_copy(self) -> None:
        """Someone deletes the release's copy, and has changed the original, or not."""
        [name] = [copy.name for copy in self.scenario.plan.config.copies] if self.scenario.plan.config else [""]
        if self.cluster.get(CONFIG, name) is not None and not isinstance(self.observer.state, Finished):
            self.observer.struck(Fault.CONFIG)
            self.original_changed = self.original_changed or self.dice.random() < 0.3
            self.cluster.remove(CONFIG, name)

    def _config_back(self) -> None:
        self._config_gone = False
        for pod in list(self.cluster.objects[POD].values()):
            if pod.waiting == "CreateContainerConfigError" and not self._lacks_config(pod.template):
                self._become(pod.name, waiting="", message="")
                self.cluster.loop.call_later(self.scenario.start_seconds, self._ready, pod.name)


def selects(service: Service, pod: Pod) -> bool:
    """Whether the Service's selector, as it is, picks this pod."""
    if not pod.owner or pod.deleting or pod.failed or service.selects == NOTHING:
        return False
    return service.selects == EVERYTHING or pod.template.startswith("v1")
