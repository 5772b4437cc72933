"""What a pod starts with: its node, init containers, environment, commands."""

from pathlib import Path
from typing import Any

from serinus.sandbox.rest import MERGE, Raw
from tests.sandbox.node.world import (
    PODS,
    World,
    app_status,
    command,
    condition,
    is_ready,
    raw_pod,
    terminated,
    until,
    waiting,
)


def _object(kind: str, **fields: Any) -> Raw:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "settings", "namespace": "default"}} | fields


async def test_init_containers_run_in_order_before_the_others(world: World, tmp_path: Path) -> None:
    order = tmp_path / "order"
    init: list[Any] = [
        {"name": name, "image": "process://", "command": ["sh", "-c", f"sleep 0.1; echo {name} >> {order}"]}
        for name in ("first", "second")
    ]
    await world.ready(raw_pod("p", spec={"initContainers": init}))
    assert order.read_text() == "first\nsecond\n"
    pending = next(pod for _, _, pod in world.history if condition(pod, "Initialized").get("status") == "False")
    assert condition(pending, "Initialized")["message"] == "containers with incomplete status: [first second]"
    assert waiting(pending) == "PodInitializing"


async def test_an_init_sidecar_starts_first_and_goes_on_running(world: World) -> None:
    sidecar = {"name": "proxy", "image": "process://", "command": ["sleep", "1000"], "restartPolicy": "Always"}
    pod = await world.ready(raw_pod("p", spec={"initContainers": [sidecar]}))
    assert "running" in pod["status"]["initContainerStatuses"][0]["state"]
    await world.delete("p")
    await world.gone("p")


async def test_the_environment_is_made_from_all_its_sources(world: World) -> None:
    await world.api.call("POST", "/api/v1/namespaces/default/configmaps", _object("ConfigMap", data={"color": "blue"}))
    secret = _object("Secret", data={"key": "aHVzaA=="})
    await world.api.call("POST", "/api/v1/namespaces/default/secrets", secret)
    env = [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "settings", "key": "key"}}},
        {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "BOTH", "value": "$(NAME)-$$(NAME)-$(NOBODY)"},
    ]
    show = command('echo "$NAME $ADDRESS $LABEL $SECRET $LIMIT $BOTH $MAP_color"')
    more = {"env": env, "envFrom": [{"prefix": "MAP_", "configMapRef": {"name": "settings"}}]}
    limits = {"resources": {"limits": {"memory": "64Mi"}}}
    await world.create(raw_pod("p", spec={"restartPolicy": "Never"}, **show, **more, **limits))
    await until(lambda: terminated(world.pod("p")))
    address = (world.pod("p") or {})["status"]["podIP"]
    assert world.log("p").strip() == f"p {address} checkout hush 64 p-$(NAME)-$(NOBODY) blue"


async def test_a_missing_config_map_is_waited_for(world: World) -> None:
    env_from = [{"configMapRef": {"name": "settings"}}]
    await world.create(raw_pod("p", envFrom=env_from))
    await until(lambda: waiting(world.pod("p")) == "CreateContainerConfigError")
    assert app_status(world.pod("p"))["state"]["waiting"]["message"] == 'configmap "settings" not found'
    await world.api.call("POST", "/api/v1/namespaces/default/configmaps", _object("ConfigMap", data={"a": "b"}))
    await until(lambda: is_ready(world.pod("p")))


async def test_faults_of_the_template_are_seen_by_the_demo_application(world: World) -> None:
    env = [{"name": "SERINUS_NEVER_READY", "value": "false"}]
    await world.ready(raw_pod("p", "demo/checkout:v1-never-ready", env=env))


async def test_a_command_of_the_users_own_serves_on_its_pods_address(world: World) -> None:
    script = "exec python3 -m http.server --bind $POD_IP $PORT"
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    await world.ready(raw_pod("p", "process://sh", readinessProbe=probe, args=["-c", script]))


async def test_a_command_that_does_not_exist_is_a_start_error(world: World) -> None:
    await world.create(raw_pod("p", "process://no-such-command", spec={"restartPolicy": "Never"}))
    await until(lambda: terminated(world.pod("p")))
    ended = terminated(world.pod("p"))
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
    assert "no-such-command" in ended["message"]


async def test_a_readiness_gate_holds_a_pod_back_until_others_open_it(world: World) -> None:
    await world.create(raw_pod("p", spec={"readinessGates": [{"conditionType": "example.com/gate"}]}))
    await until(lambda: condition(world.pod("p"), "ContainersReady").get("status") == "True")
    assert condition(world.pod("p"), "Ready")["reason"] == "ReadinessGatesNotReady"
    gate = {"type": "example.com/gate", "status": "True"}
    patch = {"status": {"conditions": [gate]}}
    await world.api.call("PATCH", f"{PODS}/p/status", patch, "application/strategic-merge-patch+json")
    await until(lambda: is_ready(world.pod("p")))
    assert condition(world.pod("p"), "example.com/gate")["status"] == "True"


async def test_a_pod_too_large_for_the_node_is_unschedulable_until_there_is_room(world: World) -> None:
    large = {"resources": {"requests": {"memory": "700Mi"}}}
    await world.ready(raw_pod("one", **large))
    await world.create(raw_pod("two", **large))
    await until(lambda: condition(world.pod("two"), "PodScheduled").get("status") == "False")
    scheduled = condition(world.pod("two"), "PodScheduled")
    assert scheduled["reason"] == "Unschedulable"
    assert scheduled["message"] == "0/1 nodes are available: 1 Insufficient memory."
    await world.delete("one")
    await until(lambda: is_ready(world.pod("two")))


async def test_a_cordoned_node_takes_no_pod(world: World) -> None:
    await world.api.call("PATCH", "/api/v1/nodes/n1", {"spec": {"unschedulable": True}}, MERGE)
    await world.create(raw_pod("p"))
    await until(lambda: condition(world.pod("p"), "PodScheduled").get("reason") == "Unschedulable")
    await world.api.call("PATCH", "/api/v1/nodes/n1", {"spec": {"unschedulable": None}}, MERGE)
    await until(lambda: is_ready(world.pod("p")))


async def test_a_failed_init_container_holds_the_others_back(world: World) -> None:
    init = {"name": "first", "image": "process://", "command": ["false"]}
    await world.create(raw_pod("p", spec={"initContainers": [init], "restartPolicy": "Never"}))
    await until(lambda: (world.pod("p") or {}).get("status", {}).get("phase") == "Failed")
    assert waiting(world.pod("p")) == "PodInitializing"
    await world.delete("p")
    await world.gone("p")
    assert not any("running" in state for state in world.states("p"))
