"""Pods that run on the kubelet, over the embedded API: ready, probed, crashing, unpullable."""

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import aiohttp

from serinus.sandbox.rest import Raw
from tests.sandbox.node.world import (
    PODS,
    READINESS,
    World,
    app_status,
    condition,
    is_ready,
    raw_pod,
    terminated,
    until,
    waiting,
)


def pid_of(pod: Raw) -> int:
    found = re.match(r"sandbox://(\d+)-", app_status(pod)["containerID"])
    assert found is not None
    return int(found[1])


def _reasons(world: World, name: str) -> str | None:
    return condition(world.pod(name), "Ready").get("reason")


async def _event(world: World, name: str, reason: str) -> Raw:
    """The event of that reason, once it is there."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for event in await world.events(name):
            if event["reason"] == reason and "refused" not in event["message"]:
                return event
        await asyncio.sleep(0.02)
    raise AssertionError(f"no event {reason} about {name}")


async def _fault(pod: Raw, **faults: bool) -> None:
    """Switch faults in a running pod."""
    async with (
        aiohttp.ClientSession() as http,
        http.put(f"http://{pod['status']['podIP']}:8080/_fault", json=faults) as response,
    ):
        assert response.status == 200


async def test_a_pod_runs_and_becomes_ready(world: World) -> None:
    pod = await world.ready(raw_pod("p"))
    status = pod["status"]
    assert status["phase"] == "Running"
    assert status["podIP"].startswith("127.100.")
    assert (app_status(pod)["ready"], app_status(pod)["started"], app_status(pod)["restartCount"]) == (True, True, 0)
    assert {known["type"] for known in status["conditions"] if known["status"] == "True"} == {
        "PodScheduled",
        "PodReadyToStartContainers",
        "Initialized",
        "ContainersReady",
        "Ready",
    }


async def test_a_pod_that_crashes_is_told_at_once_restarted_and_then_held_back(world: World) -> None:
    await world.create(raw_pod("p", "demo/checkout:v1-crash1"))
    await until(lambda: waiting(world.pod("p")) == "CrashLoopBackOff")
    pod = world.pod("p")
    assert app_status(pod)["restartCount"] == 1
    message = app_status(pod)["state"]["waiting"]["message"]
    assert message.startswith("back-off 200ms restarting failed container=app pod=p_default(")
    assert (terminated(pod)["exitCode"], terminated(pod)["reason"]) == (1, "Error")
    assert not is_ready(pod)
    assert condition(pod, "Ready")["reason"] == "ContainersNotReady"
    held_at = time.monotonic()
    await until(lambda: app_status(world.pod("p"))["restartCount"] == 2)
    assert time.monotonic() - held_at > 0.1


async def test_the_api_is_told_of_a_death_at_once(world: World) -> None:
    delays = []
    for number in range(5):
        pod = await world.ready(raw_pod(f"p{number}", spec={"restartPolicy": "Never"}))
        killed_at = time.monotonic()
        os.kill(pid_of(pod), signal.SIGKILL)
        await until(lambda pod=pod: terminated(world.pod(pod["metadata"]["name"])))  # type: ignore[misc]
        delays.append(time.monotonic() - killed_at)
    assert min(delays) < 0.2  # no polling lies between


async def test_the_log_of_the_run_before_is_kept(world: World) -> None:
    await world.create(raw_pod("p", "demo/checkout:v1-crash1"))
    await until(lambda: app_status(world.pod("p")).get("restartCount") == 1 and "listening" in world.log("p"))
    assert "panic: " in world.log("p", previous=True)
    assert "panic: " not in world.log("p")


async def test_a_process_that_exits_at_once_never_gets_ready(world: World) -> None:
    await world.create(raw_pod("p", "demo/checkout:v1-crash-on-start"))
    await until(lambda: waiting(world.pod("p")) == "CrashLoopBackOff")
    assert not any(is_ready(pod) for _, _, pod in world.history)


async def test_an_unpullable_image_says_so_and_then_backs_off(world: World) -> None:
    await world.create(raw_pod("p", "demo/checkout:v1-unpullable"))
    await until(lambda: waiting(world.pod("p")) == "ImagePullBackOff")
    message = app_status(world.pod("p"))["state"]["waiting"]["message"]
    assert message.startswith(
        'Back-off pulling image "demo/checkout:v1-unpullable": ErrImagePull: failed to pull image'
    )
    assert any(state.get("waiting", {}).get("reason") == "ErrImagePull" for state in world.states("p"))
    assert (world.pod("p") or {})["status"]["phase"] == "Pending"
    assert {event["reason"] for event in await world.events("p")} >= {"Failed", "BackOff"}


async def test_an_invalid_image_name_is_told(world: World) -> None:
    await world.create(raw_pod("p", "Demo/Checkout:v1"))
    await until(lambda: waiting(world.pod("p")) == "InvalidImageName")


async def test_an_image_that_becomes_right_is_pulled(world: World) -> None:
    await world.create(raw_pod("p", "demo/checkout:v1-unpullable"))
    await until(lambda: waiting(world.pod("p")) == "ImagePullBackOff")
    images = {"spec": {"containers": [{"name": "app", "image": "demo/checkout:v2"}]}}
    await world.api.call("PATCH", f"{PODS}/p", images, "application/strategic-merge-patch+json")
    await until(lambda: is_ready(world.pod("p")))


async def test_memory_beyond_the_limit_is_an_oom_kill(world: World) -> None:
    limits = {"resources": {"limits": {"memory": "96Mi"}}}
    await world.create(raw_pod("p", "demo/checkout:v1-oom", **limits))
    await until(lambda: terminated(world.pod("p")))
    ended = terminated(world.pod("p"))
    assert (ended["reason"], ended["exitCode"], ended["signal"]) == ("OOMKilled", 137, 9)


async def test_a_pod_that_never_answers_its_readiness_probe_stays_unready(world: World) -> None:
    await world.create(raw_pod("p", "demo/checkout:v1-never-ready"))
    await until(lambda: "running" in app_status(world.pod("p")).get("state", {}))
    await until(lambda: _reasons(world, "p") is not None)
    assert not is_ready(world.pod("p"))
    failure = await _event(world, "p", "Unhealthy")
    assert failure["message"] == "Readiness probe failed: HTTP probe failed with statuscode: 503"


async def test_readiness_is_lost_and_won_again(world: World) -> None:
    probe = READINESS | {"failureThreshold": 1}
    pod = await world.ready(raw_pod("p", readinessProbe=probe))
    await _fault(pod, never_ready=True)
    await until(lambda: not is_ready(world.pod("p")))
    await _fault(pod, never_ready=False)
    await until(lambda: is_ready(world.pod("p")))
    assert app_status(world.pod("p"))["restartCount"] == 0


async def test_a_failed_liveness_probe_restarts_the_container(world: World) -> None:
    liveness = {"exec": {"command": ["sh", "-c", "echo not well; false"]}, "periodSeconds": 1, "failureThreshold": 1}
    await world.create(raw_pod("p", livenessProbe=liveness))
    await until(lambda: app_status(world.pod("p")).get("restartCount") == 1)
    assert terminated(world.pod("p"))["reason"] == "Completed"  # it ended in order, by SIGTERM
    assert (await _event(world, "p", "Unhealthy"))["message"] == "Liveness probe failed: not well"


async def test_a_startup_probe_holds_back_the_readiness_probe(world: World, tmp_path: Path) -> None:
    flag = tmp_path / "started"
    startup = {"exec": {"command": ["test", "-e", str(flag)]}, "periodSeconds": 1, "failureThreshold": 30}
    await world.create(raw_pod("p", startupProbe=startup))
    await until(lambda: "running" in app_status(world.pod("p")).get("state", {}))
    await _event(world, "p", "Unhealthy")
    assert app_status(world.pod("p"))["started"] is False
    assert not is_ready(world.pod("p"))
    flag.touch()
    await until(lambda: is_ready(world.pod("p")))
    assert app_status(world.pod("p"))["started"] is True


async def test_a_tcp_probe_and_a_named_port_are_understood(world: World) -> None:
    ports = [{"name": "web", "containerPort": 8080}]
    await world.ready(raw_pod("p", ports=ports, readinessProbe={"tcpSocket": {"port": "web"}, "periodSeconds": 1}))


async def test_status_is_not_written_when_nothing_has_changed(world: World) -> None:
    await world.ready(raw_pod("p"))
    await asyncio.sleep(1.5)  # more than one readiness period, in which nothing must happen
    statuses = [request for request in world.api.requests if request.endswith("/pods/p/status")]
    assert 1 <= len(statuses) <= 3
