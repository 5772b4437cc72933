"""The exam's judge: what watches of the API show and what users met, held against the ten rules of design.md 4.

Independent of Serinus: it reads the saved record only to learn when the way back began. Not its job: to kill anybody.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from serinus.sandbox.rest import Api, Mirror, Raw
from tests.stories.manifests import SERVICE
from tests.stories.observer import image_of, is_ready, restarts, serves
from tests.stories.traffic import Traffic

PATHS = {
    "pods": "/api/v1",
    "services": "/api/v1",
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
}
RECORD = f"serinus-{SERVICE}"
RELEASE = "serinus.dev/release"


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch; `version` orders it among all objects of the cluster."""

    event: str
    raw: Raw

    @property
    def version(self) -> int:
        return int(self.raw["metadata"]["resourceVersion"])


@dataclass(slots=True)
class Counts:
    """The fewest there were since the exam began."""

    ready: int = 10**6
    endpoints: int = 10**6


@dataclass(slots=True)
class Observer:
    """Everything the watches of one namespace showed since `begin`."""

    api: Api
    namespace: str
    fewest: Counts = field(default_factory=Counts)
    changes: dict[str, list[Change]] = field(default_factory=lambda: {plural: [] for plural in PATHS})
    mirrors: dict[str, Mirror] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    before: dict[str, Raw] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch until the block ends."""
        for plural, root in PATHS.items():
            path = f"{root}/namespaces/{self.namespace}/{plural}"
            self.mirrors[plural] = Mirror(self.api, path, self._note(plural))
        tasks = [asyncio.create_task(mirror.run()) for mirror in self.mirrors.values()]
        try:
            await asyncio.gather(*(mirror.synced.wait() for mirror in self.mirrors.values()))
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def begin(self) -> None:
        """From here on what happens counts."""
        self.fewest = Counts()
        self.changes = {plural: [] for plural in PATHS}
        self.before = {f"{plural}/{_name(raw)}": raw for plural in PATHS for raw in self.now(plural)}
        self._count("pods")
        self._count("endpointslices")

    def _note(self, plural: str) -> Callable[[str, Raw], None]:
        def note(event: str, raw: Raw) -> None:
            self.changes[plural].append(Change(event, raw))
            self._count(plural)
            self.news.set()

        return note

    def _count(self, plural: str) -> None:
        """After each single event: no sampling can miss a dip that the API ever showed."""
        if plural == "pods":
            self.fewest.ready = min(self.fewest.ready, len(self.serving()))
        elif plural == "endpointslices":
            self.fewest.endpoints = min(self.fewest.endpoints, self.endpoints())

    def now(self, plural: str) -> list[Raw]:
        return list(self.mirrors[plural].objects.values())

    def find(self, plural: str, name: str) -> Raw | None:
        return self.mirrors[plural].objects.get((self.namespace, name))

    def serving(self) -> list[Raw]:
        return [raw for raw in self.now("pods") if serves(raw)]

    def endpoints(self) -> int:
        """Ready endpoints of the Service."""
        conditions = (
            endpoint.get("conditions") or {}
            for raw in self.now("endpointslices")
            for endpoint in raw.get("endpoints") or []
        )
        return sum(found.get("ready") is not False and not found.get("terminating") for found in conditions)

    def state(self) -> str:
        """The saved rollout's state, by name; empty when nothing was saved."""
        raw = self.find("configmaps", RECORD)
        return state_of(raw) if raw is not None else ""

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until what is seen satisfies a condition; False: it never did in that time."""
        give_up_at = time.monotonic() + seconds
        while not holds():
            self.news.clear()
            left = give_up_at - time.monotonic()
            if left <= 0:
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), left)
        return True


def state_of(raw_record: Raw) -> str:
    saved = (raw_record.get("data") or {}).get("state")
    return str(json.loads(saved)["state"]["type"]) if saved else ""


# Rules: each a function of what was seen; a sentence for each breach


def rules_broken(seen: Observer, traffic: Traffic, naming: str, replicas: int) -> list[str]:
    """Every rule that the run broke, in words. The cluster must have come to rest."""
    return [
        *_lost(traffic),
        *_capacity(seen, replicas),
        *_growth_while_leaving(seen),
        *_not_whole(seen, replicas),
        *_not_as_before(seen, naming),
        *_left_behind(seen),
        *_proven_pods_gone(seen),
    ]


def at_rest(seen: Observer, replicas: int) -> bool:
    """Whether nothing is on its way any more, as far as pods and our own objects go."""
    return _is_whole(seen, replicas) and not seen.now("leases")


def _is_whole(seen: Observer, replicas: int) -> bool:
    return len(seen.now("pods")) == replicas == len(seen.serving()) == seen.endpoints()


def outcome(seen: Observer) -> str:
    versions = sorted({image_of(raw).rpartition(":")[2] for raw in seen.serving()})
    return {"v1": "back", "v2": "promoted"}.get("+".join(versions), "+".join(versions) or "nothing serves")


def _lost(traffic: Traffic) -> list[str]:
    if traffic.failed or traffic.unanswered:
        lost = f"{len(traffic.failed)} failed, {traffic.unanswered} unanswered"
        return [f"of {traffic.sent} requests {lost}: {traffic.errors}"]
    return []


def _capacity(seen: Observer, replicas: int) -> list[str]:
    fewest = seen.fewest
    if min(fewest.ready, fewest.endpoints) < replicas:
        return [f"capacity fell to {fewest.ready} ready pods, {fewest.endpoints} endpoints of {replicas}"]
    return []


def _growth_while_leaving(seen: Observer) -> list[str]:
    records = [change for change in seen.changes["configmaps"] if change.event != "DELETED"]
    began = next((change.version for change in records if state_of(change.raw) == "Leaving"), None)
    if began is None:
        return []
    sizes: dict[str, int] = {}
    broken = []
    for change in seen.changes["deployments"]:
        name = _name(change.raw)
        if RELEASE not in change.raw["spec"]["selector"]["matchLabels"]:
            continue
        size = 0 if change.event == "DELETED" else change.raw["spec"]["replicas"]
        if change.version > began and size > sizes.get(name, 0):
            broken.append(f"{name} grew from {sizes.get(name, 0)} to {size} pods while leaving")
        sizes[name] = size
    return broken


def _not_whole(seen: Observer, replicas: int) -> list[str]:
    """Exactly one version serves, at full size, and all agree which."""
    broken = []
    if outcome(seen) not in ("back", "promoted"):
        broken.append(f"at the end: {outcome(seen)}")
    deployments = seen.now("deployments")
    sizes = {_name(raw): raw["spec"]["replicas"] for raw in deployments}
    if list(sizes.values()) != [replicas] or not _is_whole(seen, replicas):
        pods = {_name(raw): is_ready(raw) for raw in seen.now("pods")}
        broken.append(f"not whole at the end: {sizes}, pods (ready) {pods}, {seen.endpoints()} endpoints")
    if seen.state() not in ("Finished", ""):
        broken.append(f"the record says {seen.state()}")
    return broken


def _not_as_before(seen: Observer, naming: str) -> list[str]:
    """What is not ours has its own values again; what names the version names the one that serves."""
    version = {"back": "v1", "promoted": "v2"}.get(outcome(seen), "?")
    broken = []
    service = seen.find("services", SERVICE)
    label = service["metadata"].get("labels", {}).get("version") if service is not None else "(no Service)"
    wanted = version if naming == "versioned" else None
    if label != wanted:
        broken.append(f"the Service's label says {label}, not {wanted}")
    name = f"{SERVICE}-{version}" if naming == "versioned" else SERVICE
    deployment = seen.find("deployments", name)
    if deployment is None:
        return [*broken, f"Deployment {name} is not there"]
    spec, before = deployment["spec"], _first_deployment(seen)["spec"]
    if spec.get("paused") or spec["strategy"] != before["strategy"]:
        broken.append(f"Deployment {name}: paused {spec.get('paused')}, strategy {spec['strategy']}")
    if image_of(spec["template"]) != f"demo/checkout:{version}":
        broken.append(f"Deployment {name} has image {image_of(spec['template'])}")
    return broken + _autoscaler_differs(seen, name)


def _autoscaler_differs(seen: Observer, target: str) -> list[str]:
    broken = []
    for key, raw in seen.before.items():
        if not key.startswith("horizontalpodautoscalers/"):
            continue
        now = seen.find("horizontalpodautoscalers", _name(raw))
        wanted = raw["spec"] | {"scaleTargetRef": raw["spec"]["scaleTargetRef"] | {"name": target}}
        if now is None or now["spec"] != wanted:
            broken.append(f"the HPA has {now and now['spec']}, not {wanted}")
    return broken


def _left_behind(seen: Observer) -> list[str]:
    """Nothing of ours stays but the history; a Deployment's own old ReplicaSets are the cluster's affair."""
    owners = {raw["metadata"]["uid"] for raw in seen.now("deployments")}
    left = [f"lease {_name(raw)}" for raw in seen.now("leases")]
    named = " ".join(json.dumps(raw["spec"]) for plural in ("deployments", "replicasets") for raw in seen.now(plural))
    for plural in ("configmaps", "secrets"):
        left += [
            f"{plural} {_name(raw)}"
            for raw in seen.now(plural)
            if _is_new(seen, plural, raw) and f'"{_name(raw)}"' not in named  # a copy in use is production's
        ]
    for raw in seen.now("replicasets"):
        owned = any(owner["uid"] in owners for owner in raw["metadata"].get("ownerReferences") or [])
        if not owned:
            left.append(f"replicaset {_name(raw)} of nobody")
    left += [f"pod {_name(raw)} of nobody" for raw in seen.now("pods") if not raw["metadata"].get("ownerReferences")]
    return [f"left behind: {', '.join(left)}"] if left else []


def _is_new(seen: Observer, plural: str, raw: Raw) -> bool:
    return f"{plural}/{_name(raw)}" not in seen.before and _name(raw) not in (RECORD, "kube-root-ca.crt")


def _proven_pods_gone(seen: Observer) -> list[str]:
    """A promotion keeps each of the canary's pods that served when it began."""
    if outcome(seen) != "promoted":
        return []
    records = [change for change in seen.changes["configmaps"] if change.event != "DELETED"]
    began = next((change.version for change in records if state_of(change.raw) == "Promoting"), None)
    pods = [change for change in seen.changes["pods"] if image_of(change.raw).endswith(":v2")]
    proven = {_name(change.raw) for change in pods if serves(change.raw) and began and change.version < began}
    gone = proven & {_name(change.raw) for change in pods if change.event == "DELETED"}
    restarted = [_name(raw) for raw in seen.serving() if restarts(raw)]
    if not proven or gone or restarted:
        return [f"proven pods {sorted(proven)} did not all stay: removed {sorted(gone)}, restarted {restarted}"]
    return []


def _first_deployment(seen: Observer) -> Raw:
    return next(raw for key, raw in seen.before.items() if key.startswith("deployments/"))


def _name(raw: Raw) -> str:
    return str(raw["metadata"]["name"])
