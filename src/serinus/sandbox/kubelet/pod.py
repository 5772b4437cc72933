"""One pod on a node: the order of its containers, its status in the API, its end.

What one container does is in `container`; which pods run here is decided in `kubelet`.
"""

import asyncio
import shutil
import time
from collections.abc import Sequence
from http import HTTPStatus

import aiohttp

from serinus.sandbox.kubelet.clock import api_time
from serinus.sandbox.kubelet.container import Container, ContainerPlan
from serinus.sandbox.kubelet.environment import PodIdentity
from serinus.sandbox.kubelet.runtime import Runtime
from serinus.sandbox.kubelet.states import Terminated
from serinus.sandbox.kubelet.status import PodFacts, pod_status
from serinus.sandbox.rest import ApiError, Raw

STRATEGIC_MERGE = "application/strategic-merge-patch+json"
RETRY_SECONDS = 0.2


class PodWorker:
    """Runs one pod from its binding to its removal from the API."""

    def __init__(self, runtime: Runtime, raw_pod: Raw, pod_ip: str) -> None:
        self.pod_ip = pod_ip
        self.uid: str = raw_pod["metadata"]["uid"]
        self._runtime = runtime
        self._raw_pod = raw_pod
        self._changed = asyncio.Event()
        self._deleting = asyncio.Event()
        self._gone = asyncio.Event()
        self._started_at = api_time()
        self._written: Raw = {"conditions": (raw_pod.get("status") or {}).get("conditions") or []}
        spec = raw_pod["spec"]
        policy = spec.get("restartPolicy", "Always")
        self._init = [self._container(raw, self._init_policy(raw, policy)) for raw in spec.get("initContainers") or []]
        self._app = [self._container(raw, policy) for raw in spec["containers"]]
        self.update(raw_pod)

    def update(self, raw_pod: Raw) -> None:
        """Take a newer copy of the Pod."""
        self._raw_pod = raw_pod
        if "deletionTimestamp" in raw_pod["metadata"]:
            self._deleting.set()
        if raw_pod["spec"].get("readinessGates"):
            self._changed.set()

    def gone(self) -> None:
        """The Pod is no longer in the API: nothing of it may go on running."""
        self._gone.set()

    def container(self, name: str) -> Container | None:
        """By name; any when there is only one and no name was given."""
        if not name and len(self._app) == 1:
            return self._app[0]
        return next((container for container in self._containers if container.name == name), None)

    def trim_logs(self) -> None:
        for container in self._containers:
            container.log.trim()

    async def run(self) -> None:
        """Returns when the pod is gone, from here and from the API."""
        life = asyncio.create_task(self._live())
        gone = asyncio.create_task(self._gone.wait())
        try:
            await asyncio.wait({life, gone}, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                life.result()
        finally:
            for task in (life, gone):
                task.cancel()
            for container in self._containers:
                container.kill()
            await asyncio.gather(life, gone, return_exceptions=True)
            shutil.rmtree(self._runtime.workdir / self.uid, ignore_errors=True)

    @property
    def _containers(self) -> Sequence[Container]:
        return (*self._init, *self._app)

    @staticmethod
    def _init_policy(raw_container: Raw, pod_policy: str) -> str:
        if raw_container.get("restartPolicy") == "Always":
            return "Always"
        return "Never" if pod_policy == "Never" else "OnFailure"

    def _container(self, raw: Raw, policy: str) -> Container:
        raw_status = self._raw_pod.get("status") or {}
        earlier = (raw_status.get("initContainerStatuses") or []) + (raw_status.get("containerStatuses") or [])
        count = next((status["restartCount"] + 1 for status in earlier if status["name"] == raw["name"]), 0)
        sidecar = raw.get("restartPolicy") == "Always"
        first = (self._raw_pod["spec"].get("initContainers") or [raw])[0]["name"] == raw["name"]
        plan = ContainerPlan(raw["name"], policy, sidecar, count, "ContainerCreating" if first else "PodInitializing")
        return Container(self._runtime, self._identity, plan, self._changed.set)

    def _identity(self) -> PodIdentity:
        return PodIdentity(self._raw_pod, self.pod_ip, self._runtime.settings.node_address)

    async def _live(self) -> None:
        """Run until deletion was asked for, then stop, say so, and finish the deletion."""
        finished_before = (self._raw_pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if not finished_before and not self._deleting.is_set():
            await self._serve()
        await self._deleting.wait()
        await self._remove()

    async def _serve(self) -> None:
        """From the first container's start to the last one's end, the status kept up to date all the while."""
        writer = asyncio.create_task(self._write_status())
        containers = asyncio.create_task(self._run_containers())
        deleting = asyncio.create_task(self._deleting.wait())
        tasks = (writer, containers, deleting)
        try:
            # The first two end by themselves only when something is wrong with them.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await self._stop_containers()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._patch_status()

    async def _run_containers(self) -> None:
        """Init containers one after the other, sidecars among them going on, then all others together."""
        self._changed.set()
        async with asyncio.TaskGroup() as group:
            if await self._initialize(group):
                for container in self._app:
                    group.create_task(container.run())
            await self._deleting.wait()

    async def _initialize(self, group: asyncio.TaskGroup) -> bool:
        """True when all init containers have done their work and the pod is still wanted."""
        for container in self._init:
            task = group.create_task(container.run())
            if container.status.is_sidecar:
                await container.started.wait()
            else:
                await asyncio.wait({task})
                state = container.status.state
                if not isinstance(state, Terminated) or state.exit_code != 0:
                    return False
        return not self._deleting.is_set()

    async def _stop_containers(self) -> None:
        """The app containers together, then the sidecars, last started first."""
        grace_seconds = self._raw_pod["metadata"].get("deletionGracePeriodSeconds") or 0
        deadline = time.monotonic() + grace_seconds
        await asyncio.gather(*(container.stop(grace_seconds) for container in self._app))
        for container in reversed(self._init):
            await container.stop(max(0.0, deadline - time.monotonic()))

    async def _write_status(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._patch_status()

    async def _patch_status(self) -> None:
        """Write the status unless it is the one last written; repeated until the API has taken the newest."""
        metadata = self._raw_pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        while (status := self._status()) != self._written:
            try:
                patch = {"metadata": {"uid": self.uid}, "status": status}
                await self._runtime.api.call("PATCH", path, patch, STRATEGIC_MERGE)
                self._written = status
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                if await self._is_final(error):
                    return

    def _status(self) -> Raw:
        facts = PodFacts(
            self._raw_pod,
            [container.status for container in self._init],
            [container.status for container in self._app],
            self.pod_ip,
            self._runtime.settings.node_address,
            self._started_at,
            self._written["conditions"],
        )
        return pod_status(facts, api_time())

    async def _remove(self) -> None:
        """Finish the deletion in the API; then wait until it is seen there, as finalizers may take their time."""
        metadata = self._raw_pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
        options |= {"preconditions": {"uid": self.uid}}
        while True:
            try:
                await self._runtime.api.call("DELETE", path, options)
                break
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                if await self._is_final(error):
                    return
        await self._gone.wait()

    async def _is_final(self, error: Exception) -> bool:
        """True when the Pod is no longer there; otherwise a pause before the next try. Raises what no retry mends."""
        if isinstance(error, ApiError):
            if error.status == HTTPStatus.NOT_FOUND:
                return True
            if error.status not in (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS) and error.status < 500:
                raise error
        # A conflict also means that another Pod has this name now; then the watch is about to say that ours is gone.
        await asyncio.sleep(RETRY_SECONDS)
        return False
