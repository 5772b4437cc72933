"""The kubelet: watches pods and nodes, and runs each pod bound to one of its nodes.

What happens inside a pod is in `pod`; where a pod goes is in `scheduler`.
"""

import asyncio
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from serinus.sandbox.kubelet.addresses import Addresses
from serinus.sandbox.kubelet.container import Container
from serinus.sandbox.kubelet.events import Events
from serinus.sandbox.kubelet.nodes import register_node
from serinus.sandbox.kubelet.pod import PodWorker
from serinus.sandbox.kubelet.runtime import Runtime
from serinus.sandbox.kubelet.scheduler import Scheduler
from serinus.sandbox.kubelet.settings import NodeSettings, Settings
from serinus.sandbox.kubelet.states import Running
from serinus.sandbox.processes import ForkServerLost, Processes
from serinus.sandbox.rest import Api, ApiError, Mirror, Raw, key_of

LOG_TRIM_SECONDS = 1.0
REGISTER_RETRY_SECONDS = 0.2


class Kubelet:
    """Runs the pods of some nodes. `ready` is set when its nodes are registered and it watches."""

    def __init__(
        self, api: Api, nodes: Sequence[NodeSettings], workdir: Path, settings: Settings | None = None
    ) -> None:
        """`workdir` must exist; logs are kept there while their pods exist."""
        self.ready = asyncio.Event()
        self._api = api
        self._node_settings = {node.name: node for node in nodes}
        self._workdir = workdir
        self._settings = settings or Settings()
        self._addresses = Addresses(self._settings.pod_network)
        self._events = Events(api, "kubelet")
        self._pods = Mirror(api, "/api/v1/pods", self._on_pod)
        self._nodes = Mirror(api, "/api/v1/nodes", self._on_node)
        self._scheduler = Scheduler(api, self._events, self._pods, self._nodes)
        self._workers: dict[str, PodWorker] = {}
        self._uid_of: dict[tuple[str, str], str] = {}
        self._runtime: Runtime | None = None
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Run until cancelled; then every process is killed, and the API is left as it is.

        Raises ForkServerLost (in an ExceptionGroup) when the fork server dies.
        """
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with Processes() as processes, aiohttp.ClientSession(connector=connector) as http:
            self._runtime = Runtime(self._api, processes, self._events, http, self._workdir, self._settings)
            async with asyncio.TaskGroup() as group:
                self._group = group
                for job in (self._watch_fork_server(processes), self._events.run(), self._scheduler.run()):
                    group.create_task(job)
                group.create_task(self._trim_logs())
                await asyncio.gather(*(self._register(node) for node in self._node_settings.values()))
                group.create_task(self._nodes.run())
                group.create_task(self._pods.run())
                await asyncio.gather(self._nodes.synced.wait(), self._pods.synced.wait())
                self._scheduler.wake()
                self.ready.set()

    def read_log(self, namespace: str, pod: str, container: str, previous: bool) -> bytes | None:
        """What a container has written, its last MiB; None when there is no such container or run.

        The container's name may be empty where the pod has only one.
        """
        found = self._container(namespace, pod, container)
        return found.log.read(previous) if found is not None else None

    def is_running(self, namespace: str, pod: str, container: str) -> bool:
        """True while the container's process runs."""
        found = self._container(namespace, pod, container)
        return found is not None and isinstance(found.status.state, Running)

    def _container(self, namespace: str, pod: str, container: str) -> Container | None:
        worker = self._workers.get(self._uid_of.get((namespace, pod), ""))
        return worker.container(container) if worker is not None else None

    def _on_node(self, _kind: str, _raw_node: Raw) -> None:
        self._scheduler.wake()

    def _on_pod(self, kind: str, raw_pod: Raw) -> None:
        uid = raw_pod["metadata"]["uid"]
        key = key_of(raw_pod)
        known = self._uid_of.get(key)
        # A list after a lost watch may show another Pod under a name already known.
        if known is not None and (known != uid or kind == "DELETED"):
            self._workers[known].gone()
            del self._uid_of[key]
            known = None
        if kind != "DELETED" and raw_pod["spec"].get("nodeName") in self._node_settings:
            if known is None:
                self._start(key, raw_pod)
            else:
                self._workers[uid].update(raw_pod)
        self._scheduler.wake()

    def _start(self, key: tuple[str, str], raw_pod: Raw) -> None:
        assert self._runtime is not None
        assert self._group is not None
        worker = PodWorker(self._runtime, raw_pod, self._addresses.take())
        self._workers[worker.uid] = worker
        self._uid_of[key] = worker.uid
        self._group.create_task(self._run_worker(worker, key))

    async def _run_worker(self, worker: PodWorker, key: tuple[str, str]) -> None:
        try:
            await worker.run()
        except ForkServerLost:
            raise
        except Exception:  # noqa: BLE001
            # The boundary between pods: one that cannot be handled must not take the others with it.
            sys.stderr.write(f"kubelet: pod {'/'.join(key)} is given up:\n{traceback.format_exc()}")
        self._addresses.release(worker.pod_ip)
        del self._workers[worker.uid]
        if self._uid_of.get(key) == worker.uid:
            del self._uid_of[key]

    async def _register(self, node: NodeSettings) -> None:
        """An API server that is still starting refuses at first; a minute is more than it needs."""
        async with asyncio.timeout(60):
            while True:
                try:
                    return await register_node(self._api, node, self._settings)
                except (ApiError, aiohttp.ClientError) as error:
                    if isinstance(error, ApiError) and error.status < 500 and error.status != 429:
                        raise
                    await asyncio.sleep(REGISTER_RETRY_SECONDS)

    async def _watch_fork_server(self, processes: Processes) -> None:
        await processes.lost.wait()
        raise ForkServerLost("the sandbox's fork server has ended, and with it every pod; start the sandbox again")

    async def _trim_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_TRIM_SECONDS)
            for worker in self._workers.values():
                worker.trim_logs()
