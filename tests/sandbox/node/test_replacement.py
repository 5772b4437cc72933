"""The promise that all else stands on: pods replaced one by one under load, and not one request lost."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from serinus.sandbox.proxy import Proxy
from serinus.sandbox.rest import MERGE, Raw
from tests.sandbox.node.world import World, is_ready, raw_pod, until

RATE = 300
SECONDS = 6
SERVICES = "/api/v1/namespaces/default/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


class Endpoints:
    """Keeps one EndpointSlice as the real controller would: from the pods, at each change."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self) -> None:
        written: list[Raw] = []
        while True:
            wanted = [_endpoint(pod) for pod in self._world.pods.objects.values() if pod["status"].get("podIP")]
            if wanted != written:
                await self._world.api.call("PATCH", f"{SLICES}/checkout", {"endpoints": wanted}, MERGE)
                written = wanted
            await asyncio.sleep(0.005)


def _endpoint(pod: Raw) -> Raw:
    ending = "deletionTimestamp" in pod["metadata"]
    ready = is_ready(pod)
    conditions = {"ready": ready and not ending, "serving": ready, "terminating": ending}
    return {"addresses": [pod["status"]["podIP"]], "conditions": conditions}


@pytest_asyncio.fixture
async def address(world: World) -> AsyncIterator[str]:
    """Where a Service with four ready pods behind it is served."""
    ports = [{"name": "http", "port": 8080, "targetPort": 8080}]
    service = {"metadata": {"name": "checkout"}, "spec": {"ports": ports, "selector": {"app": "checkout"}}}
    found = await world.api.call("POST", SERVICES, {"apiVersion": "v1", "kind": "Service"} | service)
    metadata = {"name": "checkout", "labels": {"kubernetes.io/service-name": "checkout"}}
    raw_slice = {
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": [],
        "ports": [{"name": "http", "port": 8080}],
    }
    kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}
    await world.api.call("POST", SLICES, kind | raw_slice)
    proxy = Proxy(world.api)
    tasks = [asyncio.create_task(part) for part in (proxy.run(), Endpoints(world).run())]
    await asyncio.gather(*(world.ready(raw_pod(f"old-{number}")) for number in range(4)))
    host = found["spec"]["clusterIP"]
    await until(lambda: proxy.ready.is_set())
    await _answers(host)
    yield host
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _answers(host: str) -> None:
    """Waits until the Service is served and has endpoints."""
    async with asyncio.timeout(10):
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, 8080)
                writer.write(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
                answer = await reader.read()
                writer.close()
            except ConnectionError:
                answer = b""
            if answer:
                return
            await asyncio.sleep(0.02)


async def start_load(host: str, connections: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "serinus.sandbox.load", "--url", f"http://{host}:8080/", "--rate", str(RATE)]
    command += ["--seconds", str(SECONDS), "--connections", connections]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()  # the first report: requests are under way
    return process


async def summary_of(load: asyncio.subprocess.Process) -> dict[str, Any]:
    output, _ = await load.communicate()
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


@pytest.mark.parametrize("connections", ["new", "keepalive"])
async def test_pods_replaced_one_by_one_lose_no_request(world: World, address: str, connections: str) -> None:
    load = await start_load(address, connections)
    for number in range(4):
        await world.ready(raw_pod(f"new-{number}", "demo/checkout:v2"))
        await world.delete(f"old-{number}")
    await asyncio.gather(*(world.gone(f"old-{number}") for number in range(4)))
    assert load.returncode is None
    summary = await summary_of(load)
    assert (summary["failed"], summary["errors"]) == (0, {})
    assert summary["sent"] == RATE * SECONDS == sum(part["requests"] for part in summary["by_version"].values())
    assert set(summary["by_version"]) == {"v1", "v2"}


async def test_a_crashing_pod_loses_requests_only_until_its_end_is_seen(world: World, address: str) -> None:
    load = await start_load(address, "new")
    await world.ready(raw_pod("bad", "demo/checkout:v3"))
    await until(lambda: not is_ready(world.pod("bad")))
    await world.delete("bad")
    summary = await summary_of(load)
    assert "v3" in summary["by_version"]
    assert summary["failed"] <= RATE * 0.5
