"""How pods end: deletion, hooks, grace, and pods that are never restarted."""

import re
import time
from pathlib import Path

import pytest

from serinus.sandbox.rest import Raw
from tests.sandbox.node.world import (
    World,
    app_status,
    command,
    is_ready,
    raw_pod,
    until,
    waiting,
)


def pid_of(pod: Raw) -> int:
    found = re.match(r"sandbox://(\d+)-", app_status(pod)["containerID"])
    assert found is not None
    return int(found[1])


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_deletion_lets_a_pod_drain_and_then_finishes(world: World) -> None:
    pod = await world.ready(raw_pod("p"))
    await world.delete("p")
    await until(lambda: "deletionTimestamp" in (world.pod("p") or {"metadata": {}})["metadata"])
    assert is_alive(pid_of(pod))
    assert is_ready(world.pod("p"))
    await world.gone("p")
    last = [seen for _, kind, seen in world.history if kind != "DELETED"][-1]
    assert app_status(last)["state"]["terminated"]["exitCode"] == 0
    assert not is_alive(pid_of(pod))
    assert world.kubelet.read_log("default", "p", "app", False) is None


async def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(world: World) -> None:
    await world.create(raw_pod("p", **command("trap '' TERM; echo up; while true; do sleep 0.1; done")))
    await until(lambda: "up" in world.log("p"))
    begun = time.monotonic()
    await world.delete("p", gracePeriodSeconds=1)
    await world.gone("p")
    assert 0.9 < time.monotonic() - begun < 4
    last = [seen for _, kind, seen in world.history if kind != "DELETED"][-1]
    assert app_status(last)["state"]["terminated"]["exitCode"] == 137


async def test_a_pre_stop_hook_runs_before_sigterm(world: World, tmp_path: Path) -> None:
    script = "trap 'echo term; exit 0' TERM; echo up; while true; do sleep 0.05; done"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook > $NOTE; sleep 0.2"]}}}
    note = str(tmp_path / "note")
    env = [{"name": "NOTE", "value": note}]
    await world.create(raw_pod("p", **command(script), lifecycle=hook, env=env))
    await until(lambda: "up" in world.log("p"))
    await world.delete("p")
    await until(lambda: Path(note).exists())
    assert "term" not in world.log("p")
    await until(lambda: "term" in world.log("p") or world.pod("p") is None)
    await world.gone("p")


async def test_a_forced_deletion_kills_at_once(world: World) -> None:
    pod = await world.ready(raw_pod("p"))
    await world.delete("p", gracePeriodSeconds=0)
    await until(lambda: not is_alive(pid_of(pod)))


async def test_a_pod_in_back_off_can_be_deleted(world: World) -> None:
    await world.create(raw_pod("p", "demo/checkout:v1-unpullable"))
    await until(lambda: waiting(world.pod("p")) == "ImagePullBackOff")
    await world.delete("p")
    await until(lambda: world.pod("p") is None)


@pytest.mark.parametrize(("script", "phase"), [("exit 0", "Succeeded"), ("exit 3", "Failed")])
async def test_a_pod_that_is_never_restarted_ends(world: World, script: str, phase: str) -> None:
    await world.create(raw_pod("p", spec={"restartPolicy": "Never"}, **command(script)))
    await until(lambda: (world.pod("p") or {}).get("status", {}).get("phase") == phase)
    assert app_status(world.pod("p"))["restartCount"] == 0
    await world.delete("p")
    await world.gone("p")


async def test_on_failure_restarts_failures_only(world: World, tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    script = f"test -e {flag} && exit 0; touch {flag}; exit 1"
    await world.create(raw_pod("p", spec={"restartPolicy": "OnFailure"}, **command(script)))
    await until(lambda: (world.pod("p") or {}).get("status", {}).get("phase") == "Succeeded")
    assert app_status(world.pod("p"))["restartCount"] == 1
