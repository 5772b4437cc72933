"""Binds pods without a node to one that has room for them, or says on the pod why there is none.

It looks at cpu, memory, number of pods, nodeSelector and cordons. Affinities, taints and priorities are not its job.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable

import aiohttp

from serinus.sandbox.kubelet.clock import api_time
from serinus.sandbox.kubelet.events import Events
from serinus.sandbox.kubelet.quantity import parse_quantity
from serinus.sandbox.rest import Api, ApiError, Mirror, Raw

STRATEGIC_MERGE = "application/strategic-merge-patch+json"
RETRY_SECONDS = 0.5
Request = dict[str, float]


class Scheduler:
    """One scheduler over the kubelet's own nodes. `wake` whenever a pod or node has changed."""

    def __init__(self, api: Api, events: Events, pods: Mirror, nodes: Mirror) -> None:
        self._api = api
        self._events = events
        self._pods = pods
        self._nodes = nodes
        self._wake = asyncio.Event()
        # Bound by us, but not yet seen so in the watch: uid -> node.
        self._assumed: dict[str, str] = {}

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._nodes.synced.is_set() and self._pods.synced.is_set():
                await self._pass()

    async def _pass(self) -> None:
        self._forget_seen()
        waiting = sorted(filter(self._is_waiting, self._pods.objects.values()), key=_age)
        for raw_pod in waiting:
            try:
                await self._place(raw_pod)
            except (ApiError, aiohttp.ClientError, TimeoutError):
                # Gone, changed meanwhile, or no answer: the next look decides anew.
                self._assumed.pop(raw_pod["metadata"]["uid"], None)
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._wake.set)

    def _forget_seen(self) -> None:
        unbound = {pod["metadata"]["uid"] for pod in self._pods.objects.values() if not pod["spec"].get("nodeName")}
        self._assumed = {uid: node for uid, node in self._assumed.items() if uid in unbound}

    def _is_waiting(self, raw_pod: Raw) -> bool:
        spec, metadata = raw_pod["spec"], raw_pod["metadata"]
        return (
            not spec.get("nodeName")
            and metadata["uid"] not in self._assumed
            and "deletionTimestamp" not in metadata
            and spec.get("schedulerName", "default-scheduler") == "default-scheduler"
            and not spec.get("schedulingGates")
        )

    async def _place(self, raw_pod: Raw) -> None:
        metadata = raw_pod["metadata"]
        node, why_not = choose_node(raw_pod, self._nodes.objects.values(), self._placed())
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if node is None:
            await self._refuse(raw_pod, path, why_not)
            return
        self._assumed[metadata["uid"]] = node
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        about = {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": about, "target": target}
        await self._api.call("POST", f"{path}/binding", binding)
        message = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
        self._events.send(raw_pod, "Scheduled", message)

    async def _refuse(self, raw_pod: Raw, path: str, why: str) -> None:
        conditions = (raw_pod.get("status") or {}).get("conditions") or []
        if any(known["type"] == "PodScheduled" and known.get("message") == why for known in conditions):
            return
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
        condition |= {"lastTransitionTime": api_time()}
        patch = {"metadata": {"uid": raw_pod["metadata"]["uid"]}, "status": {"conditions": [condition]}}
        await self._api.call("PATCH", f"{path}/status", patch, STRATEGIC_MERGE)
        self._events.send(raw_pod, "FailedScheduling", why, "Warning")

    def _placed(self) -> list[tuple[str, Raw]]:
        """Every pod that takes up room, with its node."""
        placed = []
        for raw_pod in self._pods.objects.values():
            node = raw_pod["spec"].get("nodeName") or self._assumed.get(raw_pod["metadata"]["uid"])
            if node and (raw_pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                placed.append((node, raw_pod))
        return placed


def choose_node(raw_pod: Raw, raw_nodes: Collection[Raw], placed: Iterable[tuple[str, Raw]]) -> tuple[str | None, str]:
    """The node with the most pods' room left that takes the pod; else None and why, in the real scheduler's words."""
    used: dict[str, Request] = {}
    for node, other in placed:
        _add(used.setdefault(node, _no_request()), requested(other))
    wanted = requested(raw_pod)
    fitting: list[tuple[float, str]] = []
    faults: Counter[str] = Counter()
    for raw_node in raw_nodes:
        name = raw_node["metadata"]["name"]
        taken = used.get(name, _no_request())
        found = _faults(raw_pod, raw_node, wanted, taken)
        faults.update(found)
        if not found:
            fitting.append((taken["pods"], name))
    if fitting:
        return min(fitting)[1], ""
    why = ", ".join(sorted(f"{count} {fault}" for fault, count in faults.items()))
    return (
        None,
        f"0/{len(raw_nodes)} nodes are available: {why}." if raw_nodes else "no nodes available to schedule pods",
    )


def requested(raw_pod: Raw) -> Request:
    """What a pod asks for: its containers and sidecars together, or its largest init container if that is more."""
    total = _no_request() | {"pods": 1.0}
    largest = _no_request()
    spec = raw_pod["spec"]
    for raw in spec["containers"]:
        _add(total, _container_request(raw))
    for raw in spec.get("initContainers") or []:
        request = _container_request(raw)
        if raw.get("restartPolicy") == "Always":
            _add(total, request)
        else:
            largest = {name: max(amount, request[name]) for name, amount in largest.items()}
    return {name: max(amount, largest[name]) for name, amount in total.items()}


def _container_request(raw_container: Raw) -> Request:
    resources = raw_container.get("resources") or {}
    asked = (resources.get("limits") or {}) | (resources.get("requests") or {})
    return {name: parse_quantity(asked.get(name) or 0) for name in ("cpu", "memory")} | {"pods": 0.0}


def _faults(raw_pod: Raw, raw_node: Raw, wanted: Request, taken: Request) -> list[str]:
    """What keeps a pod from a node."""
    if raw_node["spec"].get("unschedulable"):
        return ["node(s) were unschedulable"]
    labels = raw_node["metadata"].get("labels") or {}
    if not (raw_pod["spec"].get("nodeSelector") or {}).items() <= labels.items():
        return ["node(s) didn't match Pod's node affinity/selector"]
    room = {name: parse_quantity(raw_node["status"]["allocatable"][name]) for name in ("cpu", "memory", "pods")}
    short = [name for name in room if taken[name] + wanted[name] > room[name]]
    return ["Too many pods" if name == "pods" else f"Insufficient {name}" for name in short]


def _no_request() -> Request:
    return {"cpu": 0.0, "memory": 0.0, "pods": 0.0}


def _add(total: Request, more: Request) -> None:
    for name, amount in more.items():
        total[name] += amount


def _age(raw_pod: Raw) -> tuple[str, str]:
    return raw_pod["metadata"].get("creationTimestamp", ""), raw_pod["metadata"]["name"]
