"""The node as a process of its own, attached to an API server elsewhere; and what happens when it dies."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest_asyncio

from serinus.sandbox import rest
from serinus.sandbox.api.server import serve
from serinus.sandbox.api.users import User
from serinus.sandbox.networks import SERVICE_RANGE, claim_network
from serinus.sandbox.rest import Raw
from tests.sandbox.node.world import PODS, TOKEN, app_status, is_ready, raw_pod, until


class Outside:
    """An API without a node of its own, and node processes that are attached to it."""

    def __init__(self, api: rest.Api, url: str, token_file: Path) -> None:
        self.api = api
        self.pods = rest.Mirror(api, "/api/v1/pods")
        self._command = [sys.executable, "-m", "serinus.sandbox.node", "--server", url, "--token-file", str(token_file)]
        self._command += ["--node", "far"]
        self._nodes: list[asyncio.subprocess.Process] = []

    async def start_node(self) -> asyncio.subprocess.Process:
        node = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
        self._nodes.append(node)
        assert node.stdout is not None
        assert await asyncio.wait_for(node.stdout.readline(), 20) == b"ready\n"
        return node

    async def ready_pod(self, name: str) -> Raw:
        await self.api.call("POST", PODS, raw_pod(name))
        await until(lambda: is_ready(self.pod(name)))
        return self.pod(name)

    def pod(self, name: str) -> Raw:
        return self.pods.objects.get(("default", name), {})

    async def stop(self) -> None:
        for node in self._nodes:
            if node.returncode is None:
                node.kill()
            await node.communicate()


@pytest_asyncio.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    async with AsyncExitStack() as stack:
        services = stack.enter_context(claim_network(SERVICE_RANGE))
        tokens = {TOKEN: User("admin", ("system:masters",))}
        server = await stack.enter_async_context(serve(tokens=tokens, service_cidr=services))
        api = await stack.enter_async_context(rest.Api(rest.Server(server.url, TOKEN)))
        (tmp_path / "token").write_text(TOKEN + "\n")
        found = Outside(api, server.url, tmp_path / "token")
        watching = asyncio.create_task(found.pods.run())
        try:
            yield found
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await found.stop()


def pid_of(pod: Raw) -> int:
    found = re.match(r"sandbox://(\d+)-", app_status(pod)["containerID"])
    assert found is not None
    return int(found[1])


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_no_pod_survives_a_kill_of_the_node_and_the_next_one_starts_them_again(outside: Outside) -> None:
    node = await outside.start_node()
    pid = pid_of(await outside.ready_pod("p"))
    os.kill(node.pid, signal.SIGKILL)
    await until(lambda: not is_alive(pid))
    await outside.start_node()
    await until(lambda: is_ready(outside.pod("p")) and pid_of(outside.pod("p")) != pid)
    assert app_status(outside.pod("p"))["restartCount"] == 1


async def test_sigterm_ends_the_node_and_its_pods_in_order(outside: Outside) -> None:
    node = await outside.start_node()
    pid = pid_of(await outside.ready_pod("p"))
    node.terminate()
    assert await asyncio.wait_for(node.wait(), 10) == 0
    await until(lambda: not is_alive(pid))


async def test_a_deletion_asked_for_while_no_node_ran_is_finished_by_the_next(outside: Outside) -> None:
    node = await outside.start_node()
    await outside.ready_pod("p")
    node.kill()
    await node.wait()
    await outside.api.call("DELETE", f"{PODS}/p")
    await outside.start_node()
    await until(lambda: not outside.pod("p"))


async def test_the_node_object_tells_where_logs_are_read(outside: Outside) -> None:
    await outside.start_node()
    await outside.ready_pod("p")
    status = (await outside.api.call("GET", "/api/v1/nodes/far"))["status"]
    assert next(known["status"] for known in status["conditions"] if known["type"] == "Ready") == "True"
    base = f"https://{status['addresses'][0]['address']}:{status['daemonEndpoints']['kubeletEndpoint']['Port']}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http:
        async with http.get(f"{base}/containerLogs/default/p/app?tailLines=1") as response:
            assert (await response.text()).startswith("checkout v1 listening on ")
        async with http.get(f"{base}/containerLogs/default/p/app?previous=true") as response:
            assert response.status == 400
        async with http.get(f"{base}/containerLogs/default/p/app?follow=true") as response:
            assert await response.content.readline()
            await outside.api.call("DELETE", f"{PODS}/p")
            assert b"SIGTERM" in await response.content.read()
