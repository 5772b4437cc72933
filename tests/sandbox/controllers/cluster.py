"""A cluster to put scenarios to: an API with controllers, a marker in the kubelet's place, and words to act and ask.

The marker binds pods to a node, says that they run and are ready, and finishes their deletion. Nothing is started.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from serinus.sandbox.rest import MERGE, Api, ApiError, Mirror, Raw

PATIENCE_SECONDS = 15.0
NODE = "n1"
_addresses = itertools.count(2)


class Marker:
    """The kubelet's stand-in. `is_ready(pod)` says whether a pod becomes ready; `finishes` whether deletions end."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.is_ready: Callable[[Raw], bool] = lambda _pod: True
        self.finishes = True
        self.ready_least: int | None = None
        self.pods_most = 0
        self.created: list[str] = []
        self.pods = Mirror(api, f"/api/v1/namespaces/{namespace}/pods", self._changed)
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._work: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.pods.run())
            for _ in range(4):
                group.create_task(self._keep_marking())

    def measure(self) -> None:
        """Start counting anew: the fewest ready pods, the most pods, the pods created."""
        self.ready_least, self.pods_most, self.created = None, 0, []
        self._count()

    def look_again(self) -> None:
        for _, name in self.pods.objects:
            self._work.put_nowait(name)

    def _changed(self, kind: str, pod: Raw) -> None:
        name = pod["metadata"]["name"]
        if kind == "ADDED":
            self.created.append(name)
        self._count()
        self._work.put_nowait(name)

    def _count(self) -> None:
        living = [pod for pod in self.pods.objects.values() if not pod["metadata"].get("deletionTimestamp")]
        ready = sum(is_ready(pod) for pod in living)
        self.ready_least = ready if self.ready_least is None else min(self.ready_least, ready)
        self.pods_most = max(self.pods_most, len(living))

    async def _keep_marking(self) -> None:
        while True:
            name = await self._work.get()
            pod = next((pod for (_, other), pod in self.pods.objects.items() if other == name), None)
            if pod is not None:
                with contextlib.suppress(ApiError):  # changed or gone meanwhile: its event brings it here again
                    await self._mark(pod)

    async def _mark(self, pod: Raw) -> None:
        path = f"{self._path}/{pod['metadata']['name']}"
        if pod["metadata"].get("deletionTimestamp"):
            if self.finishes:
                await self._api.call("DELETE", path, {"gracePeriodSeconds": 0})
        elif not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]}}
            await self._api.call("POST", f"{path}/binding", {**body, "target": target})
        elif pod.get("status", {}).get("phase") == "Pending" or is_ready(pod) != self.is_ready(pod):
            status = pod.get("status", {})
            address = status.get("podIP") or "10.244.{}.{}".format(*divmod(next(_addresses), 250))
            await self._api.call("PATCH", f"{path}/status", {"status": self._status(pod, address)}, MERGE)

    def _status(self, pod: Raw, address: str) -> Raw:
        word = "True" if self.is_ready(pod) else "False"
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        conditions = [
            {"type": kind, "status": word, "lastTransitionTime": now} for kind in ("Ready", "ContainersReady")
        ]
        return {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": conditions}


def is_ready(pod: Raw) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


class Cluster:
    """One namespace of a cluster, and short words for what the scenarios do and look at."""

    def __init__(self, api: Api, namespace: str, marker: Marker) -> None:
        self.api = api
        self.namespace = namespace
        self.marker = marker

    def path(self, plural: str, name: str = "", *, group: str = "apps/v1") -> str:
        prefix = "/api/v1" if group == "v1" else f"/apis/{group}"
        return f"{prefix}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def create(self, plural: str, body: Raw, *, group: str = "apps/v1") -> Raw:
        return await self.api.call("POST", self.path(plural, group=group), body)

    async def get(self, plural: str, name: str, *, group: str = "apps/v1") -> Raw:
        return await self.api.call("GET", self.path(plural, name, group=group))

    async def listed(self, plural: str, *, group: str = "apps/v1", selector: str = "") -> list[Raw]:
        params = {"labelSelector": selector} if selector else {}
        answer = await self.api.call("GET", self.path(plural, group=group), **params)
        return list(answer.get("items") or [])

    async def patch(self, plural: str, name: str, body: Raw, *, group: str = "apps/v1") -> Raw:
        return await self.api.call("PATCH", self.path(plural, name, group=group), body, MERGE)

    async def delete(self, plural: str, name: str, policy: str, *, group: str = "apps/v1") -> None:
        await self.api.call("DELETE", self.path(plural, name, group=group), {"propagationPolicy": policy})

    async def pods(self, selector: str = "") -> list[Raw]:
        return await self.listed("pods", group="v1", selector=selector)

    async def replica_sets(self) -> list[Raw]:
        return await self.listed("replicasets")

    async def until(self, what: str, holds: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait for a condition on the API: `holds()` gives an awaitable, whose true answer is returned."""
        async with asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(ApiError):
                    answer = await holds()
                    if answer:
                        return answer
                await asyncio.sleep(0.02)
        raise AssertionError(what)

    async def rolled_out(self, name: str, replicas: int) -> Raw:
        """Wait until a Deployment is complete at a size."""

        async def complete() -> Raw | None:
            deployment = await self.get("deployments", name)
            status = deployment.get("status", {})
            counters = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            done = all(status.get(counter, 0) == replicas for counter in counters) and observed(deployment)
            return deployment if done and status.get("terminatingReplicas", 0) == 0 else None

        return await self.until(f"{name} complete at {replicas}", complete)

    async def seen(self, name: str) -> Raw:
        """Wait until the controller has looked at a Deployment's present spec."""

        async def current() -> Raw | None:
            deployment = await self.get("deployments", name)
            return deployment if observed(deployment) else None

        return await self.until(f"{name} observed", current)

    async def sizes(self) -> dict[str, tuple[int, int]]:
        """Per ReplicaSet, by the image of its template: (spec.replicas, status.replicas)."""
        return {
            image_of(item): (item["spec"]["replicas"], item.get("status", {}).get("replicas", 0))
            for item in await self.replica_sets()
        }

    async def settled_sizes(self, wanted: dict[str, int]) -> None:
        async def equal() -> bool:
            return await self.sizes() == {image: (size, size) for image, size in wanted.items()}

        try:
            await self.until("sizes", equal)
        except TimeoutError:
            raise AssertionError(f"wanted {wanted}, have {await self.sizes()}") from None


def observed(deployment: Raw) -> bool:
    return bool(deployment.get("status", {}).get("observedGeneration", 0) >= deployment["metadata"]["generation"])


def image_of(item: Raw) -> str:
    return str(item["spec"]["template"]["spec"]["containers"][0]["image"])


def names(items: list[Raw]) -> set[str]:
    return {item["metadata"]["name"] for item in items}


def condition(item: Raw, kind: str) -> Raw:
    return next((entry for entry in item["status"].get("conditions", []) if entry["type"] == kind), {})


def deployment(name: str, replicas: int, image: str = "v1", labels: dict[str, str] | None = None, **spec: Any) -> Raw:
    own = labels or {"app": name}
    container = {"name": "app", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    template = {"metadata": {"labels": own}, "spec": {"containers": [container]}}
    body = {"replicas": replicas, "selector": {"matchLabels": own}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def image_patch(image: str) -> Raw:
    """A merge patch that puts another image into the template of `deployment`."""
    container = {"name": "app", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


@contextlib.asynccontextmanager
async def marked(api: Api, namespace: str) -> AsyncIterator[Cluster]:
    """A fresh namespace with the marker at work in it."""
    await api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    marker = Marker(api, namespace)
    task = asyncio.create_task(marker.run())
    try:
        await marker.pods.synced.wait()
        yield Cluster(api, namespace, marker)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
