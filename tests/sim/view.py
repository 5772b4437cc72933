"""One runner's live copies: each kind its own watch, late in its own way, sometimes dark, sometimes listed again.

What it gives the engine is the same `World` that `kube/world.py` makes of raw objects.
"""

import asyncio
from datetime import timedelta
from typing import Any

from serinus.core.config import ConfigKind, Copies, SeenCopy
from serinus.core.plan import Plan
from serinus.core.pods import Container, Ended, Track
from serinus.core.pods import Pod as PodFacts
from serinus.core.turn import Adoption, Autoscaler, ProbePod, Workload
from serinus.core.world import World
from tests.sim.cluster import Cluster, config_in_use
from tests.sim.faults import Fault
from tests.sim.objects import CONFIG, DEPLOYMENT, HPA, KINDS, POD, REPLICASET, SERVICE, SLICE, Deployment, Pod
from tests.sim.observer import Observer
from tests.sim.scenario import START, Scenario

Listing = dict[str, tuple[dict[str, Any], dict[str, int], int]]
"""By kind: its objects and their versions by name, and how far its log went."""


class View:
    """Live copies. `stop` ends them with their runner."""

    def __init__(self, cluster: Cluster, scenario: Scenario, observer: Observer) -> None:
        self.cluster, self.scenario, self.observer = cluster, scenario, observer
        self.data: dict[str, dict[str, Any]] = {kind: dict(cluster.objects[kind]) for kind in KINDS}
        self.versions: dict[str, dict[str, int]] = {kind: dict(cluster.versions[kind]) for kind in KINDS}
        self._cursor = {kind: len(cluster.log[kind]) for kind in KINDS}
        self._due: set[str] = set()
        self._dark_until: dict[str, float] = {}
        self.known_dark_since: float | None = None
        self.frozen_until = 0.0
        self.deleted: set[str] = set()
        self.config_lost = ""
        self._waiter: asyncio.Future[None] | None = None
        self._fresh = False
        self.alive = True
        cluster.followers.append(self._on_change)

    def stop(self) -> None:
        """No more news."""
        self.alive = False
        self.cluster.followers.remove(self._on_change)

    # Watching

    def _on_change(self, kind: str) -> None:
        if kind not in self._due:
            self._due.add(kind)
            self.cluster.loop.call_later(self._lag_seconds(), self._deliver, kind)

    def _lag_seconds(self) -> float:
        dice = self.scenario.dice
        if self._strikes(Fault.LAG):
            return dice.uniform(1, 8)
        return dice.uniform(0.01, 0.15)

    def _strikes(self, fault: Fault) -> bool:
        rate = self.scenario.faults.rates.get(fault)
        if rate is None or self.scenario.dice.random() >= rate / 2:
            return False
        self.observer.struck(fault)
        return True

    def go_dark(self, seconds: float, known: bool) -> None:
        """No news of anything for so long; `known`: the connection is seen to be broken."""
        now = self.cluster.loop.time()
        for kind in KINDS:
            self._dark_until[kind] = now + seconds
        if known and self.known_dark_since is None:
            self.known_dark_since = now
        self.cluster.loop.call_later(seconds + self.scenario.dice.uniform(0.05, 1.0), self._light)

    def _light(self) -> None:
        if self.alive:
            self.known_dark_since = None
            for kind in KINDS:
                if kind != CONFIG or self.cluster.log[kind]:
                    self._deliver(kind)

    def _deliver(self, kind: str) -> None:
        if not self.alive:
            return
        now = self.cluster.loop.time()
        blocked_until = max(self._dark_until.get(kind, 0.0), self.frozen_until)
        if blocked_until > now:
            self._due.add(kind)
            self.cluster.loop.call_later(blocked_until - now + 0.01, self._deliver, kind)
            return
        self._due.discard(kind)
        if self._strikes(Fault.SILENT):
            seconds = self.scenario.dice.choice((10.0, 70.0)) * self.scenario.dice.random()
            self._dark_until[kind] = now + seconds
            self._due.add(kind)
            self.cluster.loop.call_later(seconds + 0.01, self._deliver, kind)
            return
        if self._strikes(Fault.GONE):
            self.data[kind], self.versions[kind] = dict(self.cluster.objects[kind]), dict(self.cluster.versions[kind])
            self._cursor[kind] = len(self.cluster.log[kind])
        else:
            self._apply(kind)
        self._notify()
        if self._strikes(Fault.EVENT_REPEATED):
            self.cluster.loop.call_later(0.2, self._notify)

    def _apply(self, kind: str) -> None:
        data, versions = self.data[kind], self.versions[kind]
        log = self.cluster.log[kind]
        for version, name, thing in log[self._cursor[kind] :]:
            if versions.get(name, 0) > version:
                continue  # an own write is ahead of the watch
            if thing is None:
                data.pop(name, None)
                versions.pop(name, None)
            else:
                data[name], versions[name] = thing, version
        self._cursor[kind] = len(log)

    def listing(self) -> Listing:
        """What lists of every kind would answer now."""
        cluster = self.cluster
        return {
            kind: (dict(cluster.objects[kind]), dict(cluster.versions[kind]), len(cluster.log[kind])) for kind in KINDS
        }

    def take_over(self, listing: Listing) -> None:
        """Become what was listed, and watch on from there."""
        for kind, (data, versions, cursor) in listing.items():
            if cursor >= self._cursor[kind]:
                self.data[kind], self.versions[kind], self._cursor[kind] = data, versions, cursor
            self._dark_until.pop(kind, None)
            self._due.discard(kind)
            self._on_change(kind)  # what came between the list and the watch
        self.known_dark_since = None
        self._notify()

    def take(self, kind: str, thing: Any, version: int) -> None:
        """The answer to an own write."""
        known = self.versions[kind].get(thing.name)
        seen = self.cluster.log[kind][self._cursor[kind] - 1][0] if self._cursor[kind] else 0
        if version > (known if known is not None else seen):
            self.data[kind][thing.name], self.versions[kind][thing.name] = thing, version
            self._notify()

    def _notify(self) -> None:
        self._fresh = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def changed(self, timeout_seconds: float) -> bool:
        """See `ports.Cluster`."""
        if not self._fresh:
            self._waiter = self.cluster.loop.create_future()
            timer = self.cluster.loop.call_later(max(timeout_seconds, 0.001), self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
        was, self._fresh = self._fresh, False
        return was

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What it looks like

    def stale_seconds(self) -> float:
        """As far as the runner knows."""
        return self.cluster.loop.time() - self.known_dark_since if self.known_dark_since is not None else 0.0

    def stable(self, plan: Plan) -> Deployment | None:
        """Production's Deployment, if it is still the same object."""
        found: Deployment | None = self.data[DEPLOYMENT].get(plan.stable.name) if plan.stable is not None else None
        return found if found is not None and plan.stable is not None and found.uid == plan.stable.uid else None

    def world(self, plan: Plan) -> World:
        """See `ports.Cluster.observe`."""
        stable = self.stable(plan)
        canary: Deployment | None = self.data[DEPLOYMENT].get(plan.canary_name)
        owner = next((each.owner for each in self.data[REPLICASET].values() if each.template.startswith("v2")), None)
        adopted = stable is not None and owner == stable.uid
        pods = self._pods(adopted, stable is not None)
        service = self.data[SERVICE].get(plan.service)
        equal = stable is not None and canary is not None and stable.template == canary.template
        vetoes = [f"{each.veto} (on {each.name})" for each in (canary, stable) if each is not None and each.veto]
        return World(
            pods=pods,
            stable=self._workload(stable, pods, Track.STABLE),
            canary=self._workload(canary, pods, Track.CANARY),
            probe=next(
                (ProbePod(p.ready, p.deleting or p.uid in self.deleted) for p in pods if p.track is Track.PROBE), None
            ),
            service_version=service.version if service is not None else None,
            autoscaler=self._hpa(plan),
            adoption=Adoption(owner, equal) if stable is not None else None,
            canary_pods_left=sum(pod.track.is_canary for pod in pods),
            copies=self._copies(plan),
            config_lost=self.config_lost,
            creation_refused=canary.refused if canary is not None else "",
            stable_template=stable.template if stable is not None else "",
            canary_template=canary.template if canary is not None else "",
            selector=service.selects if service is not None else "",
            veto=vetoes[0] if vetoes else "",
            last_writer=next((each.writer for each in (stable, canary) if each is not None and each.writer), ""),
            stale_seconds=self.stale_seconds(),
        )

    def _pods(self, adopted: bool, has_stable: bool) -> tuple[PodFacts, ...]:
        slices = next(iter(self.data[SLICE].values()), None)
        ready = slices.ready if slices is not None else frozenset()
        found = []
        for pod in self.data[POD].values():
            if not pod.owner:
                track = Track.PROBE
            elif pod.template.startswith("v2"):
                track = Track.STABLE if adopted else Track.CANARY
            elif has_stable:
                track = Track.STABLE
            else:
                continue
            found.append(_pod_facts(pod, track, ready))
        return tuple(found)

    def _workload(self, one: Deployment | None, pods: tuple[PodFacts, ...], track: Track) -> Workload | None:
        if one is None:
            return None
        own = [pod for pod in pods if pod.track is track]
        counted = sum(pod.serving for pod in own)
        return Workload(
            uid=one.uid,
            wanted=one.replicas,
            serving=min(counted, one.ready),
            pods=len(own),
            settled=one.observed >= one.generation,
            paused=one.paused,
            release="v2" if one.template.startswith("v2") else None,
            max_surge=one.max_surge,
            obstructed=bool(one.refused) or any(pod.unschedulable for pod in own),
            deleting=one.deleting or one.uid in self.deleted,
            serving_at_most=max(counted, one.ready),
        )

    def _copies(self, plan: Plan) -> Copies | None:
        if plan.config is None:
            return None
        used, there = config_in_use(self.data, plan), self.data[CONFIG]
        unused = (each for each in there.values() if each.name not in used)
        return Copies(
            tuple(copy for copy in plan.config.copies if copy.name not in there),
            tuple(SeenCopy(ConfigKind.CONFIG_MAP, each.name, each.uid in self.deleted) for each in unused),
        )

    def _hpa(self, plan: Plan) -> Autoscaler | None:
        hpa = self.data[HPA].get(plan.autoscaler.name) if plan.autoscaler is not None else None
        if hpa is None or plan.autoscaler is None:
            return None
        own = "own" if plan.autoscaler.behavior is not None else None
        as_before = hpa.behavior == own and (hpa.min_replicas or 1) == (plan.autoscaler.min_replicas or 1)
        return Autoscaler(hpa.behavior == "still" and (hpa.min_replicas or 1) <= 1, as_before, hpa.target)


def _pod_facts(pod: Pod, track: Track, ready: frozenset[str]) -> PodFacts:
    ended = Ended(pod.ended, "", pod.exit_code) if pod.exit_code is not None else None
    last = Ended(pod.ended, "", 1) if pod.restarts else None
    container = Container(
        "app",
        f"registry/checkout:{pod.template}",
        pod.restarts,
        pod.phase == "Running" and ended is None and not pod.waiting,
        pod.waiting,
        pod.message,
        ended,
        last,
    )
    return PodFacts(
        name=pod.name,
        track=track,
        phase=pod.phase,
        ready=pod.ready,
        serving=pod.ready and not pod.deleting and pod.name in ready,
        deleting=pod.deleting,
        containers=(container,),
        unschedulable=pod.unschedulable,
        failed_reason=pod.failed,
        uid=pod.name,
    )


class SkewedClock:
    """The Clock port: virtual time, as this machine's clock shows it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, skew_seconds: float) -> None:
        self._loop, self._start = loop, START + timedelta(seconds=skew_seconds)

    def now(self) -> Any:
        return self._start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
