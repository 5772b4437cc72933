"""A toy cluster: Deployments, ReplicaSets and pods in a few rules, for the machine to be played against.

It has the traps of the real controllers that promotion by adoption must avoid (a paused Deployment still scales, a
saturated newest ReplicaSet ends the older one, an orphan of another template is scaled away). Time passes only in
`tick`. It knows nothing of the machine.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import assert_never

from serinus.core.plan import Plan
from serinus.core.pods import Container, Ended, Pod, Track
from serinus.core.turn import (
    Action,
    Adoption,
    Autoscaler,
    CreateCanary,
    CreateProbe,
    Facts,
    HandTemplate,
    Judgement,
    MarkVersion,
    OrphanCanary,
    PinAutoscaler,
    ProbePod,
    ReleaseStable,
    RemoveCanary,
    RemoveProbe,
    RemoveStable,
    RestoreAutoscaler,
    RunSmoke,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
    TakeBackTemplate,
    Workload,
)
from serinus.core.world import World
from serinus.judge.pods import judge_pods, why_not_ready
from serinus.ports import Trouble
from tests.core.samples import START

OLD = ""
"""The release of production's own template: it carries no release label."""


class Health(Enum):
    """What the new version's pods do."""

    GOOD = auto()
    NEVER_READY = auto()
    CRASHES = auto()  # some seconds after it was ready


@dataclass
class ToyPod:
    name: str
    release: str
    born: float
    probe: bool = False
    ends: float | None = None


@dataclass
class ToySet:
    """A ReplicaSet. `owner`: the uid of its Deployment, None for an orphan."""

    release: str
    owner: str | None
    size: int = 0


@dataclass
class ToyDeployment:
    uid: str
    wanted: int
    release: str
    max_surge: int | str | None = "25%"
    paused: bool = False
    observed: bool = False
    deleting: bool = False
    orphaning: bool = False


@dataclass
class ToyWorld:
    """The cluster of one plan. Pods take `start_seconds` to be ready and `end_seconds` to go."""

    plan: Plan
    health: Health = Health.GOOD
    start_seconds: float = 3.0
    end_seconds: float = 2.0
    crash_seconds: float = 8.0
    seconds: float = 0.0
    stable: ToyDeployment | None = None
    canary: ToyDeployment | None = None
    sets: list[ToySet] = field(default_factory=list)
    pods: list[ToyPod] = field(default_factory=list)
    service_version: str | None = None
    autoscaler: Autoscaler | None = None
    least_serving: int = 10**6
    pods_made: int = 0

    def __post_init__(self) -> None:
        stable = self.plan.stable
        if stable is not None:
            self.stable = ToyDeployment(stable.uid, stable.replicas, OLD, stable.max_surge, observed=True)
            self.sets.append(ToySet(OLD, stable.uid, stable.replicas))
            self.service_version = stable.version if self.plan.mark_version else None
        if self.plan.autoscaler is not None and stable is not None:
            self.autoscaler = Autoscaler(pinned=False, as_before=True, target=stable.name)
        self.tick(10)
        self.least_serving = self.serving()

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    # What there is to see

    def is_ready(self, pod: ToyPod) -> bool:
        """Whether its readiness probe passes."""
        if pod.release != OLD and self.health is Health.NEVER_READY:
            return False
        return self.seconds >= pod.born + self.start_seconds and not self.has_crashed(pod)

    def has_crashed(self, pod: ToyPod) -> bool:
        """Whether its container has ended by itself."""
        harmful = pod.release != OLD and self.health is Health.CRASHES
        return harmful and self.seconds >= pod.born + self.start_seconds + self.crash_seconds

    def serving(self, release: str | None = None) -> int:
        """Pods at work for users, of one release or of all."""
        return sum(
            self.is_ready(pod) and pod.ends is None and not pod.probe
            for pod in self.pods
            if release is None or pod.release == release
        )

    def observe(self) -> World:
        """The facts, as the live copies would give them."""
        pods = tuple(self._pod(pod) for pod in self.pods)
        owner = next((one.owner for one in self.sets if one.release == self.plan.release), None)
        handed = self.stable is not None and self.canary is not None and self.stable.release == self.canary.release
        return World(
            pods=pods,
            stable=self._workload(self.stable, pods, Track.STABLE),
            canary=self._workload(self.canary, pods, Track.CANARY),
            probe=next((ProbePod(pod.ready, pod.deleting) for pod in pods if pod.track is Track.PROBE), None),
            service_version=self.service_version,
            autoscaler=self.autoscaler,
            adoption=Adoption(owner, handed) if self.stable is not None else None,
            canary_pods_left=sum(pod.track.is_canary for pod in pods),
        )

    def facts(self, smoke: Judgement | None = None, abort: Judgement | None = None) -> Facts:
        """What one turn sees of it."""
        world = self.observe()
        return Facts(
            now=self.now,
            stable=world.stable,
            canary=world.canary,
            pods=judge_pods(world.pods, {}).with_log(()),
            not_ready=why_not_ready(world.pods, ""),
            canary_pods_left=world.canary_pods_left,
            service_version=world.service_version,
            probe=world.probe,
            smoke=smoke,
            autoscaler=world.autoscaler,
            adoption=world.adoption,
            abort=abort,
        )

    def _pod(self, pod: ToyPod) -> Pod:
        ended = Ended("Error", "", 1) if self.has_crashed(pod) else None
        ready = self.is_ready(pod)
        return Pod(
            name=pod.name,
            track=self._track(pod),
            phase="Running",
            ready=ready,
            serving=ready and pod.ends is None and not pod.probe,
            deleting=pod.ends is not None,
            containers=(Container("app", f"checkout:{pod.release or 'v1'}", 0, ended is None, ended=ended),),
            ip="127.0.0.1",
            uid=pod.name,
        )

    def _track(self, pod: ToyPod) -> Track:
        if pod.probe:
            return Track.PROBE
        if pod.release == OLD:
            return Track.STABLE
        adopted = any(
            one.release == pod.release and self.stable is not None and one.owner == self.stable.uid for one in self.sets
        )
        return Track.STABLE if adopted else Track.CANARY

    def _workload(self, one: ToyDeployment | None, pods: tuple[Pod, ...], track: Track) -> Workload | None:
        if one is None:
            return None
        own = [pod for pod in pods if pod.track is track]
        return Workload(
            uid=one.uid,
            wanted=one.wanted,
            serving=sum(pod.serving for pod in own),
            pods=len(own),
            settled=one.observed,
            paused=one.paused,
            release=one.release or None,
            max_surge=one.max_surge,
            deleting=one.deleting,
        )

    # What can be asked of it

    def apply(self, action: Action) -> None:
        """Do one thing, as the API would. Raises Trouble where there is nothing to do it to."""
        match action:
            case CreateCanary(replicas):
                if self.canary is None:
                    self.canary = ToyDeployment(f"uid-canary-{self.seconds:g}", replicas, self.plan.release)
            case CreateProbe():
                if not any(pod.probe for pod in self.pods):
                    self.pods.append(self._new_pod(self.plan.release, probe=True))
            case RemoveProbe():
                for pod in self.pods:
                    if pod.probe:
                        self._end(pod)
            case MarkVersion(version):
                self.service_version = version
            case PinAutoscaler() if self.autoscaler is not None:
                self.autoscaler = Autoscaler(pinned=True, as_before=False, target=self.autoscaler.target)
            case RestoreAutoscaler(target) if self.autoscaler is not None:
                self.autoscaler = Autoscaler(pinned=False, as_before=True, target=target)
            case ScaleCanary(seen, replicas):
                self._scale(self.canary, seen, replicas)
            case ScaleStable(seen, replicas):
                self._scale(self.stable, seen, replicas)
            case RemoveCanary() | OrphanCanary():
                there = self._existing(self.canary)
                there.deleting, there.orphaning = True, isinstance(action, OrphanCanary)
            case RemoveStable():
                self._existing(self.stable).deleting = True
            case HandTemplate() | SizeAdopted() | ReleaseStable() | TakeBackTemplate():
                self._adopt(action)
            case RunSmoke() | PinAutoscaler() | RestoreAutoscaler():
                raise AssertionError(f"{action} is not for this cluster")
            case _:
                assert_never(action)

    def _adopt(self, action: HandTemplate | SizeAdopted | ReleaseStable | TakeBackTemplate) -> None:
        stable = self._existing(self.stable)
        before = self.plan.stable.max_surge if self.plan.stable is not None else None
        match action:
            case HandTemplate():
                stable.release = self._existing(self.canary).release
                stable.paused, stable.max_surge = True, self.plan.replicas
            case SizeAdopted(replicas, surge):
                if not stable.paused:
                    raise Trouble("the test of /spec/paused does not hold")
                stable.wanted, stable.max_surge = replicas, surge
            case ReleaseStable():
                stable.paused, stable.max_surge = False, before
            case TakeBackTemplate():
                stable.release, stable.paused, stable.max_surge = OLD, False, before
            case _:
                assert_never(action)
        stable.observed = False

    def _scale(self, one: ToyDeployment | None, seen: int, replicas: int) -> None:
        there = self._existing(one)
        if there.wanted != seen:
            raise Trouble("the test of /spec/replicas does not hold")
        there.wanted, there.observed = replicas, False

    @staticmethod
    def _existing(one: ToyDeployment | None) -> ToyDeployment:
        if one is None:
            raise Trouble("no such Deployment")
        return one

    # What it does by itself

    def tick(self, seconds: float) -> None:
        """Let time pass, second by second, with the controllers at work."""
        while seconds > 0:
            self.seconds += min(1.0, seconds)
            seconds -= 1.0
            self._collect()
            for one in (self.stable, self.canary):
                if one is not None:
                    self._reconcile(one)
            for each in self.sets:
                self._fill(each)
            self.pods = [pod for pod in self.pods if pod.ends is None or pod.ends > self.seconds]
            self.least_serving = min(self.least_serving, self.serving())

    def _collect(self) -> None:
        for one in (self.stable, self.canary):
            if one is None or not one.deleting:
                continue
            for each in [each for each in self.sets if each.owner == one.uid]:
                if one.orphaning:
                    each.owner = None
                else:
                    self._resize(each, 0)
                    self.sets.remove(each)
            if one is self.stable:
                self.stable = None
            else:
                self.canary = None
        for each in self.sets:
            if each.owner is None and self.stable is not None:
                each.owner = self.stable.uid  # its labels match production's selector

    def _reconcile(self, one: ToyDeployment) -> None:
        owned = [each for each in self.sets if each.owner == one.uid]
        newest = next((each for each in owned if each.release == one.release), None)
        if one.paused:
            self._scale_paused(one, owned, newest)
        else:
            if newest is None:
                newest = ToySet(one.release, one.uid)
                self.sets.append(newest)
            self._roll(one, newest, [each for each in owned if each is not newest])
        one.observed = True

    def _scale_paused(self, one: ToyDeployment, owned: list[ToySet], newest: ToySet | None) -> None:
        active = [each for each in owned if each.size > 0]
        if len(active) == 1:
            self._resize(active[0], one.wanted)
        elif newest is not None and newest.size == one.wanted == self.serving(newest.release):
            for each in active:
                if each is not newest:
                    self._resize(each, 0)
        elif active:
            excess = sum(each.size for each in active) - one.wanted - self._surge(one)
            largest = max(active, key=lambda each: each.size)
            self._resize(largest, largest.size - max(0, excess))

    def _roll(self, one: ToyDeployment, newest: ToySet, others: list[ToySet]) -> None:
        room = one.wanted + self._surge(one) - sum(each.size for each in others)
        self._resize(newest, min(one.wanted, max(newest.size, room)))
        needed = max(0, one.wanted - self.serving(newest.release))
        for each in others:
            self._resize(each, min(each.size, needed))
            needed -= each.size

    @staticmethod
    def _surge(one: ToyDeployment) -> int:
        return one.max_surge if isinstance(one.max_surge, int) else -(-one.wanted // 4)

    def _resize(self, one: ToySet, size: int) -> None:
        one.size = size
        self._fill(one)

    def _fill(self, one: ToySet) -> None:
        own = [pod for pod in self.pods if pod.release == one.release and pod.ends is None and not pod.probe]
        for _ in range(one.size - len(own)):
            self.pods.append(self._new_pod(one.release))
        for pod in sorted(own, key=self.is_ready)[: max(0, len(own) - one.size)]:
            self._end(pod)

    def _new_pod(self, release: str, probe: bool = False) -> ToyPod:
        self.pods_made += 1
        return ToyPod(f"pod-{self.pods_made}", release, self.seconds, probe)

    def _end(self, pod: ToyPod) -> None:
        if pod.ends is None:
            pod.ends = self.seconds + self.end_seconds
