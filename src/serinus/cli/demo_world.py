"""The demo's application in the embedded cluster: put it there, see its pods, count requests, find what is left.

It looks through the sandbox's own small client, so that nothing here is counted as Serinus's.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from serinus.sandbox.api.census import PATH as CENSUS_PATH
from serinus.sandbox.api.kinds import KINDS, Kind
from serinus.sandbox.rest import Api, Mirror, Raw
from serinus.system import SystemClock

NAMESPACE = "default"
SERVICE = "checkout"
IMAGE = "demo/checkout"
REPLICAS = 4
PORT = 8080
CLIENT = "serinus"  # the first word of the product's user agent
EXPECTED_OF_SERINUS = {("configmaps", f"serinus-{SERVICE}"), ("configmaps", f"serinus-{SERVICE}.readings")}
"""The history and the last rollouts' readings, which are meant to stay."""
READY_SECONDS = 30.0
SETTLE_SECONDS = 15.0
LOOK_SECONDS = 0.2
Found = dict[tuple[str, str], Raw]
"""Objects by plural and name."""


class PodState(Enum):
    """What a pod looks like from outside."""

    READY = "ready"
    STARTING = "not ready"
    ENDED = "its process ended"
    LEAVING = "being removed"


@dataclass(frozen=True, slots=True)
class Track:
    """One Deployment of the application."""

    name: str
    version: str
    wanted: int
    pods: tuple[PodState, ...]


def deployment_name(version: str) -> str:
    """Production's Deployment under the versioned naming."""
    return f"{SERVICE}-{version}"


def manifests(version: str) -> list[tuple[str, Raw]]:
    """The application: where to post what."""
    labels = {"app": SERVICE, "version": version}
    probe = {"httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 1}
    container = {"name": "app", "image": f"{IMAGE}:{version}", "ports": [{"containerPort": PORT}]}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "labels": {"version": version}},
        "spec": {"selector": {"app": SERVICE}, "ports": [{"port": PORT, "targetPort": PORT}]},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": deployment_name(version), "labels": labels},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container | {"readinessProbe": probe}]},
            },
        },
    }
    return [
        (f"/api/v1/namespaces/{NAMESPACE}/services", service),
        (f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", deployment),
    ]


class World:
    """The application as the cluster shows it. `run` keeps it fresh."""

    def __init__(self, api: Api) -> None:
        self.first_end_at: dict[str, float] = {}  # by version: when a container of it was first seen to have ended
        self._clock = SystemClock()
        self._api = api
        self._pods = Mirror(api, f"/api/v1/namespaces/{NAMESPACE}/pods", self._note)
        self._deployments = Mirror(api, f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")
        self._before: Found = {}

    async def run(self) -> None:
        """Follow until cancelled."""
        await asyncio.gather(self._pods.run(), self._deployments.run())

    async def install(self, version: str) -> str:
        """Put the application there and wait for its pods; the Service's URL. Raises ApiError, TimeoutError."""
        self._before = await _everything(self._api)
        made = [await self._api.call("POST", path, raw) for path, raw in manifests(version)]
        async with asyncio.timeout(READY_SECONDS):
            while [pod for track in self.tracks() for pod in track.pods].count(PodState.READY) < REPLICAS:
                await self._clock.sleep(LOOK_SECONDS)
        return f"http://{made[0]['spec']['clusterIP']}:{PORT}/"

    def tracks(self) -> list[Track]:
        """The Deployments, by name, each with its pods."""
        found = []
        for raw in sorted(self._deployments.objects.values(), key=lambda raw: str(raw["metadata"]["name"])):
            version = raw["spec"]["template"]["metadata"]["labels"]["version"]
            pods = [pod for pod in self._pods.objects.values() if _version(pod) == version]
            pods.sort(key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]))
            states = tuple(_state(pod) for pod in pods)
            found.append(Track(raw["metadata"]["name"], version, raw["spec"].get("replicas", 1), states))
        return found

    async def requests(self) -> "Counter[tuple[str, str]]":
        """How often Serinus has asked what until now, by verb (or `dry run`) and resource; the API counts it."""
        rows: Iterable[Raw] = await self._api.call("GET", CENSUS_PATH)  # type: ignore[assignment]
        asked: Counter[tuple[str, str]] = Counter()
        for row in rows:
            if row["client"] == CLIENT:
                asked["dry run" if row["dry_run"] else row["verb"], row["resource"]] += row["count"]
        return asked

    async def left_behind(self, version: str) -> list[str]:
        """What is there at the end, once it is quiet, and should not be: `deployments/checkout-v3`."""
        end = self._clock.monotonic() + SETTLE_SECONDS
        while True:
            left = unexpected(self._before, await _everything(self._api), deployment_name(version))
            if not left or self._clock.monotonic() > end:
                return left
            await self._clock.sleep(LOOK_SECONDS)

    def _note(self, _event: str, pod: Raw) -> None:
        if _has_ended(pod):
            self.first_end_at.setdefault(_version(pod), self._clock.now().timestamp())


def unexpected(before: Found, after: Found, deployment: str) -> list[str]:
    """Objects that neither stood there before nor belong to production or to the Service, nor are the history."""
    expected = set(before) | {("services", SERVICE), ("deployments", deployment)} | EXPECTED_OF_SERINUS
    uids = {raw["metadata"]["uid"] for key, raw in after.items() if key in expected}
    while grown := {raw["metadata"]["uid"] for raw in after.values() if _owner_in(raw, uids)} - uids:
        uids |= grown
    left = [key for key, raw in after.items() if key not in expected and raw["metadata"]["uid"] not in uids]
    return sorted(f"{plural}/{name}" for plural, name in left) + _not_at_size(after, deployment)


def _not_at_size(after: Found, deployment: str) -> list[str]:
    pods = [raw for (plural, _), raw in after.items() if plural == "pods"]
    ready = sum(_state(pod) is PodState.READY for pod in pods)
    if ("deployments", deployment) not in after:
        return [f"no deployments/{deployment}"]
    return [] if ready == len(pods) == REPLICAS else [f"{ready} ready pods of {len(pods)} instead of {REPLICAS}"]


def _owner_in(raw: Raw, uids: set[str]) -> bool:
    return any(owner["uid"] in uids for owner in raw["metadata"].get("ownerReferences") or [])


async def _everything(api: Api) -> Found:
    """Every object of the namespace but events, which tell of the past."""
    found: Found = {}
    for kind in KINDS:
        if kind.namespaced and kind.name != "Event":
            for raw in (await api.call("GET", _path(kind))).get("items") or []:
                found[kind.plural, raw["metadata"]["name"]] = raw
    return found


def _path(kind: Kind) -> str:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{base}/namespaces/{NAMESPACE}/{kind.plural}"


def _version(pod: Raw) -> str:
    return str((pod["metadata"].get("labels") or {}).get("version", ""))


def _has_ended(pod: Raw) -> bool:
    if pod["metadata"].get("deletionTimestamp"):
        return False  # it was asked to
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return any("terminated" in (s.get("state") or {}) or "terminated" in (s.get("lastState") or {}) for s in statuses)


def _state(pod: Raw) -> PodState:
    if pod["metadata"].get("deletionTimestamp"):
        return PodState.LEAVING
    conditions = (pod.get("status") or {}).get("conditions") or []
    if any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions):
        return PodState.READY
    return PodState.ENDED if _has_ended(pod) else PodState.STARTING
