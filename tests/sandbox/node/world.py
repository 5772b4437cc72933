"""What the node's tests share: waiting for a condition, pods to write down shortly, an embedded API with a kubelet."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from serinus.sandbox import rest
from serinus.sandbox.api.server import serve
from serinus.sandbox.api.users import User
from serinus.sandbox.kubelet import Kubelet, NodeSettings, Settings
from serinus.sandbox.networks import POD_RANGE, SERVICE_RANGE, claim_network
from serinus.sandbox.rest import Raw

T = TypeVar("T")
PODS = "/api/v1/namespaces/default/pods"
SECONDS = 10.0
TOKEN = "node-tests"
READINESS = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}


async def until(look: Callable[[], T], seconds: float = SECONDS) -> T:
    """What `look` sees once that is true; fails when it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s; last seen: {seen!r}")
        await asyncio.sleep(0.005)
    return seen


def raw_pod(name: str, image: str = "demo/checkout:v1", spec: Raw | None = None, **container: Any) -> Raw:
    """A pod with one container `app`; `spec` has more fields of the pod, the rest are fields of the container."""
    app = {"name": "app", "image": image, "readinessProbe": READINESS, "ports": [{"containerPort": 8080}]} | container
    app = {key: value for key, value in app.items() if value is not None}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "checkout"}},
        "spec": {"containers": [app], "terminationGracePeriodSeconds": 5} | (spec or {}),
    }


def command(script: str) -> Raw:
    """A container that runs a shell script instead of the demo application."""
    return {"command": ["sh", "-c", script], "readinessProbe": None, "ports": None}


def is_ready(pod: Raw | None) -> bool:
    return condition(pod, "Ready").get("status") == "True"


def condition(pod: Raw | None, kind: str) -> Raw:
    conditions = ((pod or {}).get("status") or {}).get("conditions") or []
    return next((known for known in conditions if known["type"] == kind), {})


def app_status(pod: Raw | None) -> Raw:
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or [{}]
    first: Raw = statuses[0]
    return first


def waiting(pod: Raw | None) -> str:
    return str(app_status(pod).get("state", {}).get("waiting", {}).get("reason", ""))


def terminated(pod: Raw | None) -> Raw:
    """How the container ended, whether that is its state or already its last one."""
    status = app_status(pod)
    found: Raw = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated") or {}
    return found


class CountingApi(rest.Api):
    """Notes each request but watches."""

    def __init__(self, server: rest.Server) -> None:
        super().__init__(server)
        self.requests: list[str] = []

    async def call(self, method: str, path: str, *args: Any, **params: str) -> Raw:
        self.requests.append(f"{method} {path}")
        return await super().call(method, path, *args, **params)


class World:
    """An embedded API with one kubelet; `pods` is what a watch shows, `history` all that it has shown."""

    def __init__(self, url: str, api: CountingApi, kubelet: Kubelet) -> None:
        self.url = url
        self.api = api
        self.kubelet = kubelet
        self.history: list[tuple[float, str, Raw]] = []
        self.pods = rest.Mirror(api, "/api/v1/pods", self._note)

    def _note(self, kind: str, pod: Raw) -> None:
        self.history.append((time.time(), kind, pod))

    def pod(self, name: str) -> Raw | None:
        return self.pods.objects.get(("default", name))

    async def create(self, pod: Raw) -> str:
        await self.api.call("POST", PODS, pod)
        return str(pod["metadata"]["name"])

    async def ready(self, pod: Raw) -> Raw:
        """Create a pod and wait until it is ready; the pod."""
        name = await self.create(pod)
        await until(lambda: is_ready(self.pod(name)))
        found = self.pod(name)
        assert found is not None
        return found

    async def delete(self, name: str, **options: Any) -> None:
        await self.api.call("DELETE", f"{PODS}/{name}", {"kind": "DeleteOptions", "apiVersion": "v1"} | options)

    async def gone(self, name: str) -> None:
        await until(lambda: self.pod(name) is None)

    def log(self, name: str, previous: bool = False) -> str:
        return (self.kubelet.read_log("default", name, "app", previous) or b"").decode()

    async def events(self, name: str) -> list[Raw]:
        found = await self.api.call("GET", "/api/v1/namespaces/default/events")
        return [event for event in found["items"] if event["involvedObject"]["name"] == name]

    def states(self, name: str) -> list[Raw]:
        """Every state of the container that the watch has shown, in order."""
        return [app_status(pod).get("state") or {} for _, _, pod in self.history if pod["metadata"]["name"] == name]


@asynccontextmanager
async def start_world(workdir: Path, nodes: list[NodeSettings], **settings: Any) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        pods = stack.enter_context(claim_network(POD_RANGE))
        services = stack.enter_context(claim_network(SERVICE_RANGE))
        tokens = {TOKEN: User("admin", ("system:masters",))}
        server = await stack.enter_async_context(serve(tokens=tokens, service_cidr=services))
        api = await stack.enter_async_context(CountingApi(rest.Server(server.url, TOKEN)))
        kubelet = Kubelet(api, nodes, workdir, Settings(pod_network=pods, **settings))
        world = World(server.url, api, kubelet)
        tasks = [asyncio.create_task(kubelet.run()), asyncio.create_task(world.pods.run())]
        try:
            await asyncio.wait_for(kubelet.ready.wait(), SECONDS)
            await world.pods.synced.wait()
            yield world
        finally:
            await _stop(tasks)


async def _stop(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
