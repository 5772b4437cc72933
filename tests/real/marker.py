"""A kubelet in name only: it binds pods to its node, marks them running and ready, and lets deleted ones go.

No pod is a process here; tests that are about Deployments and ReplicaSets alone need no more.
"""

import asyncio
import contextlib
import itertools
from typing import Any, Self

from serinus.sandbox.rest import MERGE, Api, ApiError, Mirror, Raw, key_of

NODE = "marker"


class Marker:
    """Serves all pods of one cluster. Use as an async context manager."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._free_addresses = (f"10.244.{i // 250}.{i % 250 + 1}" for i in itertools.count())
        self._addresses: dict[str, str] = {}
        self._changed: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._pods = Mirror(api, "/api/v1/pods", lambda _type, pod: self._changed.put_nowait(key_of(pod)))
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        try:
            await self._api.call("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        await self._tasks.__aenter__()
        self._running = [self._tasks.create_task(work) for work in (self._pods.run(), self._work())]
        await self._pods.synced.wait()
        return self

    async def __aexit__(self, *error: Any) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(*error)

    async def _work(self) -> None:
        while True:
            pod = self._pods.objects.get(await self._changed.get())
            if pod is not None:
                # A pod that changed meanwhile, or is gone, comes again by the watch.
                with contextlib.suppress(ApiError):
                    await self._serve(pod)

    async def _serve(self, pod: Raw) -> None:
        namespace, name = key_of(pod)
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        if "deletionTimestamp" in pod["metadata"]:
            await self._api.call("DELETE", path, {"gracePeriodSeconds": 0})
        elif not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            await self._api.call("POST", f"{path}/binding", {"metadata": {"name": name}, "target": target})
        elif pod["status"]["phase"] == "Pending":
            status = self._running_status(pod)
            await self._api.call("PATCH", f"{path}/status", {"status": status}, MERGE)

    def _running_status(self, pod: Raw) -> Raw:
        address = self._addresses.setdefault(pod["metadata"]["uid"], next(self._free_addresses))
        started_at = pod["metadata"]["creationTimestamp"]
        containers = [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": container["image"],
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": started_at}},
            }
            for container in pod["spec"]["containers"]
        ]
        return {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": started_at,
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": started_at}],
            "containerStatuses": containers,
        }
